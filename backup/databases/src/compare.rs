//! Is what came out of a dump what went into it? Pure.

use crate::{Counted, Manifest, Table};
use std::collections::BTreeMap;

/// What is not as the manifest says, and where: names and counts, no data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `table llx_facture`, `views` …
    pub object: String,
    pub what: String,
}

/// Compares a loaded database with what its dump says it holds. Both are counted by the same statements.
pub fn compare(saved: &Manifest, loaded: &Counted) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut found = |object: String, what: String| differences.push(Difference { object, what });
    let key = |table: &Table| (table.schema.clone(), table.name.clone());
    let mut there: BTreeMap<_, _> = loaded.tables.iter().map(|t| (key(t), t)).collect();
    for table in &saved.tables {
        let object = format!("table {table}");
        let Some(came) = there.remove(&key(table)) else {
            let rows = table.rows;
            found(object, format!("it is missing; {rows} rows were saved"));
            continue;
        };
        // Counted at another instant than dumped: only a table that lost everything is sure to be wrong.
        if !table.exact {
            if came.rows == 0 && table.rows > 0 {
                found(
                    object,
                    format!("{} rows were saved, none came back", table.rows),
                );
            }
            continue;
        }
        if came.rows != table.rows {
            let what = format!("{} rows were saved, {} came back", table.rows, came.rows);
            found(object, what);
        } else if came.checksum != table.checksum {
            let what = format!("its {} rows are not the ones that were saved", table.rows);
            found(object, what);
        }
    }
    for extra in there.into_values() {
        found(
            format!("table {extra}"),
            format!(
                "it was not there when the dump was made; it came with {} rows",
                extra.rows
            ),
        );
    }
    for (object, saved, came) in [
        ("views", saved.views, loaded.views),
        ("triggers", saved.triggers, loaded.triggers),
        ("routines", saved.routines, loaded.routines),
        ("events", saved.events, loaded.events),
    ] {
        if saved != came {
            found(
                object.to_owned(),
                format!("{saved} were saved, {came} came back"),
            );
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Engine;

    type Row = (&'static str, u64, &'static str, bool);

    fn manifest(tables: &[Row]) -> Manifest {
        let table = |&(name, rows, checksum, exact): &Row| Table {
            schema: None,
            name: name.to_owned(),
            file: format!("tables/{name}.sql"),
            rows,
            checksum: checksum.to_owned(),
            exact,
        };
        Manifest {
            version: crate::manifest::VERSION,
            engine: Engine::MariaDb,
            engine_version: String::new(),
            database: "d".to_owned(),
            taken_ms: 0,
            tables: tables.iter().map(table).collect(),
            views: 1,
            triggers: 0,
            routines: 0,
            events: 0,
        }
    }

    fn counted(tables: &[Row]) -> Counted {
        let manifest = manifest(tables);
        Counted {
            tables: manifest.tables,
            views: manifest.views,
            triggers: manifest.triggers,
            routines: manifest.routines,
            events: manifest.events,
        }
    }

    #[test]
    fn each_difference_names_its_table_and_the_counts() {
        let saved = manifest(&[
            ("a", 3, "x", true),
            ("b", 0, "", true),
            ("log", 9, "l", false),
        ]);
        let cases: &[(&[Row], &[&str])] = &[
            (
                &[
                    ("a", 3, "x", true),
                    ("b", 0, "", true),
                    ("log", 8, "m", false),
                ],
                &[],
            ),
            (
                &[
                    ("a", 2, "y", true),
                    ("b", 0, "", true),
                    ("log", 9, "l", false),
                ],
                &["table a: 3 rows were saved, 2 came back"],
            ),
            (
                &[
                    ("a", 4, "y", true),
                    ("b", 0, "", true),
                    ("log", 9, "l", false),
                ],
                &["table a: 3 rows were saved, 4 came back"],
            ),
            (
                &[
                    ("a", 3, "y", true),
                    ("b", 0, "", true),
                    ("log", 9, "l", false),
                ],
                &["table a: its 3 rows are not the ones that were saved"],
            ),
            (
                &[
                    ("a", 3, "x", true),
                    ("c", 1, "z", true),
                    ("log", 0, "", false),
                ],
                &[
                    "table b: it is missing; 0 rows were saved",
                    "table log: 9 rows were saved, none came back",
                    "table c: it was not there when the dump was made; it came with 1 rows",
                ],
            ),
        ];
        for (came, want) in cases {
            let found = compare(&saved, &counted(came));
            let found: Vec<String> = found
                .iter()
                .map(|d| format!("{}: {}", d.object, d.what))
                .collect();
            assert_eq!(&found, want);
        }
        let whole = [
            ("a", 3, "x", true),
            ("b", 0, "", true),
            ("log", 9, "l", false),
        ];
        let mut fewer = counted(&whole);
        fewer.views = 0;
        let found = compare(&saved, &fewer);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].what, "1 were saved, 0 came back");
    }
}
