//! Hosts out of a table (`csv`), as `export` writes it or as somebody's list of purchases has it. `parse` reads it and
//! `decide` says what follows for each host. Pure; hostile until parsed.

mod decide;

pub(crate) use decide::{Added, Changed, Step, decide};

use super::csv;
use super::details::Change;
use super::filler;
use super::identity::is_host_name;
use super::uuid::Uuid;
use crate::Mac;

/// More lines than a company has machines.
const MOST: usize = 1000;
/// Cards of one host.
const MOST_MACS: usize = 64;

/// A host as somebody listed it. Empty: not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Where it stands in the file.
    pub line: usize,
    pub name: String,
    pub macs: Vec<Mac>,
    pub serial: String,
    pub uuid: String,
    /// What is noted of it; an empty cell leaves what is there.
    pub change: Change,
}

/// What is wrong with a line; each names its number and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    pub line: usize,
    pub what: String,
}

/// Every host of the file, or everything that is wrong with it. Columns that are not known are passed over.
pub fn parse(text: &str) -> Result<Vec<Listed>, Vec<BadLine>> {
    let bad = |line: usize, what: String| BadLine { line, what };
    let rows = csv::read(text, MOST + 1);
    let Some((head, rows)) = rows.split_first() else {
        return Err(vec![bad(
            1,
            "the file is empty; its first line names the columns: name,mac,serial".into(),
        )]);
    };
    let column = |wanted: &str| {
        let mut titles = head.fields.iter();
        titles.position(|title| title.eq_ignore_ascii_case(wanted))
    };
    if column("name").is_none() {
        return Err(vec![bad(
            head.line,
            "no column is called `name`; write a first line such as name,mac,serial".into(),
        )]);
    }
    let (mut found, mut wrong): (Vec<Listed>, Vec<BadLine>) = (Vec::new(), Vec::new());
    for (rank, row) in rows.iter().enumerate() {
        if rank == MOST {
            wrong.push(bad(
                row.line,
                format!("more than {MOST} hosts; split the file"),
            ));
            break;
        }
        let cell = |name: &str| column(name).and_then(|at| row.fields.get(at));
        let cell = |name: &str| cell(name).map_or("", String::as_str);
        match listed(row.line, cell).and_then(|host| unlike(&found, host)) {
            Ok(host) => found.push(host),
            Err(what) => wrong.push(bad(row.line, what)),
        }
    }
    match wrong.is_empty() {
        true => Ok(found),
        false => Err(wrong),
    }
}

fn listed<'a>(line: usize, cell: impl Fn(&str) -> &'a str) -> Result<Listed, String> {
    let name = cell("name");
    if !is_host_name(name) {
        return Err(format!(
            "{name:?} is not a host name (letters, digits and `-`, at most 63)"
        ));
    }
    let macs = cell("mac")
        .split_whitespace()
        .map(|text| {
            text.parse::<Mac>().map_err(|_| {
                format!("{text:?} is not a MAC; write such as 52:54:00:12:34:56, several with a space between, or leave it empty")
            })
        })
        .collect::<Result<Vec<Mac>, String>>()?;
    if macs.len() > MOST_MACS {
        return Err(format!("more than {MOST_MACS} MACs; leave some out"));
    }
    let serial = match cell("serial") {
        "" => String::new(),
        text => match filler::serial(text) {
            none if none.is_empty() => {
                return Err(format!(
                    "{text:?} is what makers write for no serial number; leave it empty"
                ));
            }
            serial if serial.chars().count() > 100 => {
                return Err("the serial number is longer than 100 signs; shorten it".into());
            }
            serial => serial,
        },
    };
    let uuid = match cell("uuid") {
        "" => String::new(),
        text => match Uuid::of_text(text) {
            Some(_) => text.to_ascii_lowercase(),
            None => {
                return Err(format!(
                    "{text:?} is no UUID of a machine; write such as 33221100-5544-7766-8899-aabbccddeeff, or leave it empty"
                ));
            }
        },
    };
    let noted = |name: &str| Some(cell(name).to_owned()).filter(|text| !text.is_empty());
    let change = Change {
        profile: noted("profile"),
        user: noted("user"),
        asset_tag: noted("asset_tag"),
        supplier: noted("supplier"),
        bought: noted("bought"),
        warranty_end: noted("warranty_end"),
        address: noted("address"),
    };
    // What is wrong with it alone; what does not fit the host is found later.
    change.apply(&Default::default())?;
    Ok(Listed {
        line,
        name: name.to_owned(),
        macs,
        serial,
        uuid,
        change,
    })
}

/// Nobody before it is the same.
fn unlike(before: &[Listed], host: Listed) -> Result<Listed, String> {
    for other in before {
        if other.name.eq_ignore_ascii_case(&host.name) {
            return Err(format!("{} is listed twice; remove one", host.name));
        }
        if let Some(mac) = host.macs.iter().find(|mac| other.macs.contains(mac)) {
            return Err(format!(
                "the MAC {mac} is that of {} too; a card that several PCs use, such as that of a dock, belongs to none",
                other.name
            ));
        }
    }
    Ok(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_spreadsheets_write_them() {
        let mac = "52:54:00:12:34:56".parse::<Mac>();
        let listed = |line: usize, name: &str, macs: Vec<Mac>| Listed {
            line,
            name: name.into(),
            macs,
            ..Listed::default()
        };
        for (text, second) in [
            ("name,mac\nATELIER-3,52:54:00:12:34:56\nnas,\n", 3),
            (
                "\u{feff}Name;Site;MAC\r\n\"ATELIER-3\";\"Agen; nord\";52:54:00:12:34:56\r\n\r\nnas;;\r\n",
                4,
            ),
            ("mac,name\n52:54:00:12:34:56,ATELIER-3\n,nas", 3),
        ] {
            let want = vec![
                listed(2, "ATELIER-3", mac.iter().copied().collect()),
                listed(second, "nas", Vec::new()),
            ];
            assert_eq!(parse(text), Ok(want), "{text:?}");
        }
        assert_eq!(parse("name\nnas\n"), Ok(vec![listed(2, "nas", Vec::new())]));
    }

    #[test]
    fn every_column_is_read() {
        let text = "name;mac;serial;uuid;product;profile;user;asset_tag;supplier;bought;warranty_end;address\n\
            PC1;02:00:00:00:00:01 02:00:00:00:00:02;PF123456;33221100-5544-7766-8899-AABBCCDDEEFF;ThinkPad;compta;'=jean;I-1;LDLC;17/05/2024;2027-05-16;10.0.0.7\n";
        let hosts = parse(text).unwrap();
        let host = &hosts[0];
        assert_eq!(host.macs.len(), 2);
        assert_eq!(
            (host.serial.as_str(), host.uuid.as_str()),
            ("PF123456", "33221100-5544-7766-8899-aabbccddeeff")
        );
        let some = |text: &str| Some(text.to_owned());
        let want = Change {
            profile: some("compta"),
            user: some("=jean"),
            asset_tag: some("I-1"),
            supplier: some("LDLC"),
            bought: some("17/05/2024"),
            warranty_end: some("2027-05-16"),
            address: some("10.0.0.7"),
        };
        assert_eq!(host.change, want);
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
            (
                "name,mac\na,02:00:00:00:00:01\nb,02:00:00:00:00:01\n",
                vec![(3, "that of a too")],
            ),
            (
                "name,serial,uuid\na,Default string,\nb,,zz\nc,,00000000-0000-0000-0000-000000000000\n",
                vec![(2, "leave it empty"), (3, "no UUID"), (4, "no UUID")],
            ),
            (
                "name,bought,warranty_end\na,demain,\nb,2024-01-01,2023-01-01\n",
                vec![(2, "is no day"), (3, "before the purchase")],
            ),
            (
                "name,address\na,10.0.0.7/24\nb,\n",
                vec![(2, "not an IPv4 address")],
            ),
            ("name,user\na,\"two\nlines\"\nb,c\n", vec![(2, "one")]),
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
