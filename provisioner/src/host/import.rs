//! Hosts out of a CSV file (RFC 4180, or with semicolons as spreadsheets in French write it). Pure; hostile until parsed.

use super::identity::is_host_name;
use crate::Mac;

/// More lines than a company has machines.
const MOST: usize = 1000;

/// A host as somebody listed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    pub mac: Option<Mac>,
}

/// What is wrong with a line; each names its number and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    pub line: usize,
    pub what: String,
}

/// Every host of the file, or everything that is wrong with it.
pub fn parse(text: &str) -> Result<Vec<Listed>, Vec<BadLine>> {
    let bad = |line: usize, what: String| BadLine { line, what };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty());
    let Some((first, head)) = lines.next() else {
        return Err(vec![bad(
            1,
            "the file is empty; its first line names the columns: name,mac".into(),
        )]);
    };
    let separator = if head.contains(';') { ';' } else { ',' };
    let titles = fields(head, separator);
    let column = |wanted: &str| titles.iter().position(|t| t.eq_ignore_ascii_case(wanted));
    let Some(name_at) = column("name") else {
        return Err(vec![bad(
            first,
            "no column is called `name`; write a first line such as name,mac".into(),
        )]);
    };
    let mac_at = column("mac");
    let (mut found, mut wrong): (Vec<Listed>, Vec<BadLine>) = (Vec::new(), Vec::new());
    for (number, line) in lines {
        if found.len() + wrong.len() == MOST {
            wrong.push(bad(
                number,
                format!("more than {MOST} hosts; split the file"),
            ));
            break;
        }
        let values = fields(line, separator);
        let value = |at: usize| values.get(at).map_or("", String::as_str);
        let name = value(name_at).to_owned();
        if !is_host_name(&name) {
            wrong.push(bad(
                number,
                format!("{name:?} is not a host name (letters, digits and `-`, at most 63)"),
            ));
            continue;
        }
        if found
            .iter()
            .any(|host| host.name.eq_ignore_ascii_case(&name))
        {
            wrong.push(bad(number, format!("{name} is listed twice; remove one")));
            continue;
        }
        let mac = match mac_at.map(value).unwrap_or_default() {
            "" => None,
            text => match text.parse::<Mac>() {
                Ok(mac) => Some(mac),
                Err(_) => {
                    wrong.push(bad(number, format!("{text:?} is not a MAC; write such as 52:54:00:12:34:56, or leave it empty")));
                    continue;
                }
            },
        };
        found.push(Listed { name, mac });
    }
    match wrong.is_empty() {
        true => Ok(found),
        false => Err(wrong),
    }
}

/// The fields of one line; quotes hold a separator, and two of them one quote. A line end in quotes is not taken.
fn fields(line: &str, separator: char) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let Some(field) = fields.last_mut() else {
            break;
        };
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            c if c == separator && !quoted => fields.push(String::new()),
            c => field.push(c),
        }
    }
    fields.iter().map(|field| field.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_spreadsheets_write_them() {
        let mac = "52:54:00:12:34:56".parse().ok();
        let listed = |name: &str, mac: Option<Mac>| Listed {
            name: name.into(),
            mac,
        };
        for text in [
            "name,mac\nATELIER-3,52:54:00:12:34:56\nnas,\n",
            "\u{feff}Name;Site;MAC\r\n\"ATELIER-3\";\"Agen; nord\";52:54:00:12:34:56\r\n\r\nnas;;\r\n",
            "mac,name\n52:54:00:12:34:56,ATELIER-3\n,nas",
        ] {
            assert_eq!(
                parse(text),
                Ok(vec![listed("ATELIER-3", mac), listed("nas", None)]),
                "{text:?}"
            );
        }
        assert_eq!(parse("name\nnas\n"), Ok(vec![listed("nas", None)]));
    }

    #[test]
    fn everything_wrong_is_named_by_its_line() {
        for (text, want) in [
            ("", vec![(1, "empty")]),
            ("poste,mac\na,b\n", vec![(1, "`name`")]),
            (
                "name,mac\na b,\nok,zz\nok,\nOK,\n",
                vec![(2, "not a host name"), (3, "not a MAC"), (5, "twice")],
            ),
            (
                "name\n../../etc\n<b>\n",
                vec![(2, "not a host name"), (3, "not a host name")],
            ),
        ] {
            let wrong = parse(text).expect_err("it is wrong");
            let lines: Vec<usize> = wrong.iter().map(|w| w.line).collect();
            assert_eq!(
                lines,
                want.iter().map(|(line, _)| *line).collect::<Vec<_>>(),
                "{wrong:?}"
            );
            for (wrong, (_, says)) in wrong.iter().zip(want) {
                assert!(wrong.what.contains(says), "{wrong:?}");
            }
        }
        let many: String = (0..1500).map(|n| format!("h{n}\n")).collect();
        let wrong = parse(&format!("name\n{many}")).expect_err("too many");
        assert!(wrong.iter().any(|w| w.what.contains("1000")), "{wrong:?}");
    }
}
