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

/// Where the dumps of a snapshot lie.
pub const FOLDER: &str = "/.reprise/databases";

/// The version of [`Manifest`] written here.
pub const VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub version: u32,
    pub engine: Engine,
    /// As the server says it: `10.11.6-MariaDB-0+deb12u1`, `15.8`.
    pub engine_version: String,
    pub database: String,
    /// When the transaction began, milliseconds since 1970.
    pub taken_ms: i64,
    /// In the order of their files.
    pub tables: Vec<Table>,
    pub views: u64,
    pub triggers: u64,
    pub routines: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// MariaDB and MySQL.
    MariaDb,
    PostgreSql,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// With its schema where that is not the usual one: `llx_facture`, `archive.facture`.
    pub name: String,
    /// Below the dump's folder.
    pub file: String,
    pub rows: u64,
    /// An aggregate over all rows that does not depend on their order; comparable on the same engine only.
    pub checksum: String,
}
