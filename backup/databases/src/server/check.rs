//! What the server itself says about the tables it was given: `CHECK TABLE`, and PostgreSQL's `amcheck`.

use super::{Error, Server, postgres};
use crate::compare::Difference;
use crate::talk::Care;
use crate::{Engine, Table};

/// Tables asked about at once.
const AT_ONCE: usize = 50;

impl Server {
    /// Has the server check tables and indexes; what it finds is told by table. Returns whether it could: PostgreSQL
    /// needs its `amcheck`, which Debian's server brings.
    pub fn check(
        &self,
        tables: &[Table],
        care: &Care<'_>,
    ) -> Result<(bool, Vec<Difference>), Error> {
        match self.engine {
            Engine::MariaDb => {
                let mut found = Vec::new();
                for tables in tables.chunks(AT_ONCE) {
                    let names: Vec<String> = tables
                        .iter()
                        .map(|t| format!("`{}`", t.name.replace('`', "``")))
                        .collect();
                    let said = self.ask(&format!("CHECK TABLE {}", names.join(", ")), care)?;
                    found.extend(said.lines().filter_map(complaint));
                }
                Ok((true, found))
            }
            Engine::PostgreSql => {
                let there = format!(
                    "SELECT count(*) FROM pg_extension WHERE extname = 'amcheck' AND extnamespace = '{}'::regnamespace",
                    postgres::CHECKS
                );
                if !self.ask(&there, care).is_ok_and(|n| n.trim() == "1") {
                    return Ok((false, Vec::new()));
                }
                // One by one, each error caught: the name of the index, then what is wrong with it.
                let all = format!(
                    "CREATE FUNCTION pg_temp.reprise_check() RETURNS TABLE (object text, what text) LANGUAGE plpgsql AS $$\n\
                     DECLARE i record;\nBEGIN\n\
                     FOR i IN SELECT x.indexrelid, x.indexrelid::regclass::text AS name FROM pg_index x \
                     JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_am a ON a.oid = c.relam \
                     JOIN pg_namespace n ON n.oid = c.relnamespace \
                     WHERE a.amname = 'btree' AND x.indisvalid AND c.relpersistence = 'p' AND c.relkind = 'i' \
                     AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') LOOP\n\
                     BEGIN PERFORM {checks}.bt_index_check(i.indexrelid, true);\n\
                     EXCEPTION WHEN OTHERS THEN object := i.name; what := SQLERRM; RETURN NEXT;\n\
                     END;\nEND LOOP;\nEND $$;\nSELECT object, what FROM pg_temp.reprise_check()",
                    checks = postgres::CHECKS
                );
                let said = self.ask(&all, care)?;
                let found = said.lines().filter_map(|line| {
                    let (index, what) = line.split_once('\t')?;
                    Some(Difference {
                        object: format!("index {index}"),
                        what: what.chars().take(300).collect(),
                    })
                });
                Ok((true, found.collect()))
            }
        }
    }
}

/// A line of `CHECK TABLE`: table, operation, kind, text.
fn complaint(line: &str) -> Option<Difference> {
    let mut fields = line.split('\t');
    let (table, _, kind, text) = (
        fields.next()?,
        fields.next()?,
        fields.next()?,
        fields.next()?,
    );
    let sound = match kind {
        "status" => ["OK", "Table is already up to date"].contains(&text),
        // Sequences and engines that have nothing to check.
        "note" | "info" => true,
        _ => false,
    };
    (!sound).then(|| Difference {
        object: format!(
            "table {}",
            table.split_once('.').map_or(table, |(_, name)| name)
        ),
        what: format!("CHECK TABLE says: {text}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_check_table_complains_of_is_told_by_table() {
        for (line, want) in [
            ("d.facture\tcheck\tstatus\tOK", None),
            (
                "d.facture\tcheck\tnote\tThe storage engine for the table doesn't support check",
                None,
            ),
            (
                "d.facture\tcheck\terror\tCorrupt",
                Some("table facture: CHECK TABLE says: Corrupt"),
            ),
            (
                "d.facture\tcheck\tstatus\tOperation failed",
                Some("table facture: CHECK TABLE says: Operation failed"),
            ),
            ("strange", None),
        ] {
            let found = complaint(line).map(|d| format!("{}: {}", d.object, d.what));
            assert_eq!(found.as_deref(), want, "{line}");
        }
    }
}
