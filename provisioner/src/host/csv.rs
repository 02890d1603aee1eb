//! Tables as spreadsheets read and write them (RFC 4180), also with semicolons as in French. Pure.
//!
//! A spreadsheet takes a field that begins with `=`, `+`, `-`, `@` or a tab for a formula, and a host's user or model
//! may be anybody's text (OWASP, "CSV injection"). Such a field is written with a `'` before it; so is one that
//! begins with `'` and then such a sign, so that reading takes exactly one away.

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// `,` or `;`.
    pub separator: char,
    /// A byte order mark before it, without which Excel does not read UTF-8.
    pub bom: bool,
}

impl Style {
    /// What programs read.
    pub const PLAIN: Style = Style {
        separator: ',',
        bom: false,
    };
    /// What Excel opens by a double click where numbers are written with a comma.
    pub const EXCEL: Style = Style {
        separator: ';',
        bom: true,
    };
}

/// A row, and the line of the file where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) line: usize,
    pub(crate) fields: Vec<String>,
}

/// Rows that are not empty, at most `most` and one, so that the caller sees that there are more.
pub(crate) fn read(text: &str, most: usize) -> Vec<Row> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let head = text.lines().find(|line| !line.trim().is_empty());
    let separator = match head.is_some_and(|head| head.contains(';')) {
        true => ';',
        false => ',',
    };
    let mut rows = Vec::new();
    let (mut field, mut fields) = (String::new(), Vec::new());
    let (mut line, mut begun, mut quoted) = (1, 1, false);
    let mut characters = text.chars().chain(['\n']).peekable();
    while let Some(character) = characters.next() {
        line += usize::from(character == '\n');
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            // A quote inside of a field that did not begin with one is a sign like others.
            '"' if quoted || field.trim().is_empty() => {
                if !quoted {
                    // Spaces before it are no part of what it holds.
                    field.clear();
                }
                quoted = !quoted;
            }
            // Within quotes it belongs to the field, but not the one after the end of the text.
            '\n' if !quoted || characters.peek().is_none() => {
                fields.push(value(&field));
                field.clear();
                let row = std::mem::take(&mut fields);
                if row.iter().any(|field| !field.is_empty()) {
                    rows.push(Row {
                        line: begun,
                        fields: row,
                    });
                }
                if rows.len() > most {
                    return rows;
                }
                begun = line;
            }
            c if c == separator && !quoted => {
                fields.push(value(&field));
                field.clear();
            }
            c => field.push(c),
        }
    }
    rows
}

fn value(field: &str) -> String {
    let field = field.trim();
    match field.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => rest.to_owned(),
        _ => field.to_owned(),
    }
}

pub(crate) fn write(style: Style, titles: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = String::new();
    if style.bom {
        out.push('\u{feff}');
    }
    let mut line = |fields: &mut dyn Iterator<Item = &str>| {
        for (rank, field) in fields.enumerate() {
            if rank > 0 {
                out.push(style.separator);
            }
            out.push_str(&written(field));
        }
        out.push_str("\r\n");
    };
    line(&mut titles.iter().copied());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    out
}

fn written(field: &str) -> String {
    // One line, whatever a machine says; what stands at the ends is not kept by spreadsheets either.
    let clean: String = field
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let field = match is_formula(&clean) {
        true => format!("'{clean}"),
        false => clean,
    };
    match field.contains(['"', ',', ';']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field,
    }
}

/// A formula, also behind marks of ours.
fn is_formula(field: &str) -> bool {
    field
        .trim_start_matches('\'')
        .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: [&str; 24] = [
        "",
        "a",
        "a,b",
        "a;b",
        "a\"b",
        "\"",
        "\"\"",
        "'",
        "''",
        "'a",
        "=1+1",
        "+33 5",
        "-",
        "-1",
        "@a",
        "'=1",
        "''=1",
        "'-",
        "=cmd|' /C calc'!A0",
        "é — ü",
        "＝1",
        "a'=1",
        "\"=1\"",
        "';=1",
    ];

    #[test]
    fn what_is_written_is_read_again_and_is_no_formula() {
        let semicolons = Style {
            separator: ';',
            bom: false,
        };
        for style in [Style::PLAIN, Style::EXCEL, semicolons] {
            let pairs = NASTY.iter().flat_map(|a| NASTY.iter().map(move |b| (a, b)));
            let rows: Vec<Vec<String>> = pairs
                .map(|(a, b)| vec!["x".into(), (*a).into(), (*b).into()])
                .collect();
            let text = write(style, &["one", "two", "three"], &rows);
            assert_eq!(text.starts_with('\u{feff}'), style.bom);
            let mut found = read(&text, 10_000).into_iter();
            let titles = found.next().unwrap();
            assert_eq!(
                (titles.line, titles.fields),
                (1, vec!["one".into(), "two".into(), "three".into()])
            );
            let found: Vec<Vec<String>> = found.map(|row| row.fields).collect();
            assert_eq!(found, rows);
        }
        for nasty in NASTY {
            // What a spreadsheet sees in the cell.
            let cell = written(nasty);
            let cell = match cell
                .strip_prefix('"')
                .and_then(|cell| cell.strip_suffix('"'))
            {
                Some(inside) => inside.replace("\"\"", "\""),
                None => cell,
            };
            let formula =
                cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
            assert!(!formula, "{nasty}: {cell}");
        }
    }

    #[test]
    fn control_characters_make_no_second_line_and_no_formula() {
        let rows = vec![vec![
            "a\r\n=1".to_owned(),
            "\t=1".to_owned(),
            "\n+1".to_owned(),
        ]];
        let text = write(Style::PLAIN, &["a", "b", "c"], &rows);
        assert_eq!(text, "a,b,c\r\na  =1,'=1,'+1\r\n");
    }

    #[test]
    fn tables_of_others_are_read_with_their_lines() {
        let text = "\u{feff}name; note\r\n\r\n \"a\" ;\"two\r\nlines \"\"here\"\"\"\r\nb;5\" disk\r\nc;\"open";
        let rows = read(text, 10);
        let told: Vec<(usize, Vec<&str>)> = rows
            .iter()
            .map(|row| (row.line, row.fields.iter().map(String::as_str).collect()))
            .collect();
        assert_eq!(
            told,
            [
                (1, vec!["name", "note"]),
                (3, vec!["a", "two\r\nlines \"here\""]),
                (5, vec!["b", "5\" disk"]),
                (6, vec!["c", "open"]),
            ]
        );
        assert_eq!(read("a\nb\nc\nd\n", 2).len(), 3);
        assert!(read("", 2).is_empty() && read(" ,,\n", 2).is_empty());
    }
}
