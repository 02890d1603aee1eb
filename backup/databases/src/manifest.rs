//! What a dump holds, counted inside the dump's own transaction: the oracle that a loaded copy is compared with.
//!
//! A dump is a folder in a snapshot, `/.reprise/databases/NAME/`:
//!
//! | file | what |
//! |---|---|
//! | `manifest.json` | this |
//! | `before.sql` | tables without what slows loading down |
//! | `tables/NUMBER-NAME.sql` | the rows of one table, uncompressed, ordered by primary key |
//! | `after.sql` | keys, views, triggers, routines |
//!
//! The standard clients load it alone: `cat before.sql tables/*.sql after.sql | mariadb NEW` (or `psql NEW`).

use serde::{Deserialize, Serialize};
use std::fmt;

/// Where the dumps of a snapshot lie.
pub const FOLDER: &str = "/.reprise/databases";

/// The version of [`Manifest`] written here; all before it are read.
pub const VERSION: u32 = 2;

/// What the rows of MariaDB and MySQL are hashed with before they are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowHash {
    /// Version 1. MySQL has no MD5 any more since 9.6.
    Md5,
    Sha256,
}

/// The largest `manifest.json` that is read: 100,000 tables take some 20 MB.
const MOST_BYTES: usize = 64 * 1024 * 1024;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub version: u32,
    pub engine: Engine,
    /// As the server says it: `10.11.6-MariaDB-0+deb12u1`, `15.8`.
    pub engine_version: String,
    pub database: String,
    /// When the transaction began by the server's clock, milliseconds since 1970.
    pub taken_ms: i64,
    /// In the order of their files.
    pub tables: Vec<Table>,
    pub views: u64,
    pub triggers: u64,
    pub routines: u64,
    /// Of MariaDB's scheduler.
    pub events: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// MariaDB and MySQL.
    MariaDb,
    PostgreSql,
}

impl Engine {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Engine::MariaDb => "MariaDB",
            Engine::PostgreSql => "PostgreSQL",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// PostgreSQL only; `None` = `public`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    pub name: String,
    /// Below the dump's folder.
    pub file: String,
    pub rows: u64,
    /// A sum over the hashes of all rows: it does not depend on their order; comparable on the same engine only.
    pub checksum: String,
    /// False: the table has no transactions (MyISAM, Aria, …), so what was counted and what was dumped are
    /// of two instants, and may differ when the application wrote between them.
    pub exact: bool,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.escape_debug();
        match &self.schema {
            Some(schema) => write!(f, "{}.{name}", schema.escape_debug()),
            None => write!(f, "{name}"),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("read manifest.json of the dump: {0}; prove or restore another restore point")]
pub struct Unreadable(String);

impl Manifest {
    /// What people call the server it was saved from.
    pub fn product(&self) -> &'static str {
        match self.engine {
            // Every MariaDB has its name in its version.
            Engine::MariaDb if !self.engine_version.contains("MariaDB") => "MySQL",
            engine => engine.name(),
        }
    }

    pub fn row_hash(&self) -> RowHash {
        match self.version {
            1 => RowHash::Md5,
            _ => RowHash::Sha256,
        }
    }

    pub fn rows(&self) -> u64 {
        self.tables
            .iter()
            .fold(0, |sum, table| sum.saturating_add(table.rows))
    }

    pub fn encode(&self) -> Result<Vec<u8>, Unreadable> {
        serde_json::to_vec_pretty(self).map_err(|error| Unreadable(error.to_string()))
    }

    /// Names of files come out safe: below `tables/`, without `..`.
    pub fn decode(bytes: &[u8]) -> Result<Manifest, Unreadable> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        if bytes.len() > MOST_BYTES {
            return Err(Unreadable(format!("it has {} bytes", bytes.len())));
        }
        let bad = |error: serde_json::Error| Unreadable(error.to_string());
        let Version { version } = serde_json::from_slice(bytes).map_err(bad)?;
        if !(1..=VERSION).contains(&version) {
            return Err(Unreadable(format!(
                "it has version {version}, this program reads up to {VERSION}"
            )));
        }
        let manifest: Manifest = serde_json::from_slice(bytes).map_err(bad)?;
        match manifest.tables.iter().find(|table| !is_safe(&table.file)) {
            Some(table) => Err(Unreadable(format!("{table} names no file of the dump"))),
            None => Ok(manifest),
        }
    }
}

fn is_safe(file: &str) -> bool {
    file.strip_prefix("tables/").is_some_and(|name| {
        !name.starts_with('.') && name.ends_with(".sql") && !name.contains(['/', '\0'])
    })
}

/// `tables/00012-llx_facture.sql`: the number keeps the order and tells apart what reads the same.
pub fn table_file(number: usize, name: &str) -> String {
    let plain = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' | '.' => c,
        _ => '_',
    };
    let name: String = name.chars().take(80).map(plain).collect();
    format!("tables/{number:05}-{name}.sql")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(file: &str) -> Manifest {
        Manifest {
            version: VERSION,
            engine: Engine::MariaDb,
            engine_version: "10.11".to_owned(),
            database: "dolibarr".to_owned(),
            taken_ms: 1,
            tables: vec![Table {
                schema: None,
                name: "llx_facture".to_owned(),
                file: file.to_owned(),
                rows: 3,
                checksum: "12".to_owned(),
                exact: true,
            }],
            views: 0,
            triggers: 0,
            routines: 0,
            events: 0,
        }
    }

    #[test]
    fn a_manifest_comes_back_as_it_was_written() {
        let written = manifest("tables/00001-llx_facture.sql");
        let bytes = written.encode().unwrap();
        assert_eq!(Manifest::decode(&bytes).unwrap(), written);
    }

    #[test]
    fn a_manifest_that_is_forged_newer_or_cut_is_refused() {
        for file in [
            "/etc/passwd",
            "tables/../../x.sql",
            "tables/.sql",
            "tables/a",
        ] {
            let bytes = manifest(file).encode().unwrap();
            assert!(Manifest::decode(&bytes).is_err(), "{file}");
        }
        let newer = Manifest {
            version: 3,
            ..manifest("tables/a.sql")
        };
        let said = Manifest::decode(&newer.encode().unwrap()).unwrap_err();
        assert!(said.to_string().contains("version 3"), "{said}");
        let older = Manifest {
            version: 1,
            ..manifest("tables/a.sql")
        };
        let older = Manifest::decode(&older.encode().unwrap()).unwrap();
        assert_eq!(older.row_hash(), RowHash::Md5);
        assert_eq!(manifest("tables/a.sql").row_hash(), RowHash::Sha256);
        for (version, product) in [
            ("10.11.6-MariaDB-0+deb12u1", "MariaDB"),
            ("9.7.4-2", "MySQL"),
        ] {
            let engine_version = version.to_owned();
            let manifest = Manifest {
                engine_version,
                ..manifest("tables/a.sql")
            };
            assert_eq!(manifest.product(), product);
        }
        let bytes = manifest("tables/a.sql").encode().unwrap();
        assert!(Manifest::decode(&bytes[..bytes.len() - 4]).is_err());
    }

    #[test]
    fn files_of_tables_have_plain_names() {
        assert_eq!(table_file(1, "llx_facture"), "tables/00001-llx_facture.sql");
        assert_eq!(
            table_file(2, "../a`\n é"),
            "tables/00002-.._a`___.sql".replace('`', "_")
        );
        assert!(is_safe(&table_file(3, &"x".repeat(200))));
        assert!(is_safe(&table_file(3, "..")));
    }
}
