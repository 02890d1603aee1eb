//! The stored shape of a proof's evidence. Kept for ever: add optional fields, never rename one.

use serde::{Deserialize, Serialize};

/// What was done, what was seen, and what this does not show.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// When the snapshot was taken, milliseconds since 1970 UTC.
    pub snapshot_finished_ms: i64,
    /// Objects of any kind that were compared.
    pub files: u64,
    /// Bytes of content that were compared.
    pub bytes: u64,
    /// Time to restore, the part that predicts a real one; zero when nothing was restored.
    pub restore_ms: u64,
    pub compare_ms: u64,
    /// blake3 over the sorted listing of the snapshot (path, kind, size, content hash), hex.
    pub listing_blake3: String,
    /// Some of the files that were compared, for a person to look at.
    pub sample: Vec<SampledFile>,
    /// The first differences found; `differences_total` counts them all.
    pub differences: Vec<Difference>,
    pub differences_total: u64,
    /// Keys of what this proof does *not* show: `application`, `machine`, `elsewhere` …
    pub not_proven: Vec<String>,
    /// The snapshot really holds nothing.
    pub empty: bool,
    /// Databases that were loaded in a throw-away server and compared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub databases: Vec<LoadedDatabase>,
    /// Number of the newest fact in the restored journal (self-backup only).
    pub journal_head: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SampledFile {
    pub path: String,
    pub size_bytes: u64,
    /// Of the bytes as they were saved, hex; empty for a large file with holes.
    pub blake3: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    pub object: String,
    pub what: String,
}

/// The stored shape of what somebody asked to have restored. Kept for ever: add optional fields, never rename one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// Name of a `[[server]]`; none is the appliance.
    #[serde(default)]
    pub server: Option<String>,
    /// Paths are bytes, which need not be text.
    #[serde(default)]
    pub paths: Vec<Vec<u8>>,
    pub folder: Vec<u8>,
    pub overwrite: Overwriting,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overwriting {
    Refuse,
    Keep,
    Older,
    Replace,
    Beside,
}

/// A dump that was loaded, and what was found. Its differences are among the proof's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoadedDatabase {
    pub name: String,
    /// `MariaDB`, `PostgreSQL`.
    pub engine: String,
    /// Of the server it was dumped from.
    pub saved_version: String,
    /// Of the throw-away server.
    pub loaded_version: String,
    /// When the dump's transaction began, milliseconds since 1970 UTC.
    pub taken_ms: i64,
    /// Tables and rows that were loaded and compared with what was counted in the dump's own transaction.
    pub tables: u64,
    pub rows: u64,
    /// Of the dump.
    pub bytes: u64,
    /// From the empty server to the last row, key and view.
    pub load_ms: u64,
    pub compare_ms: u64,
    /// The server itself checked tables and indexes (`CHECK TABLE`, `amcheck`).
    pub checked: bool,
    /// The server had no network.
    pub walled: bool,
    /// What the application's own recipe asked of the loaded copy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
}

/// A question of a recipe, answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// `last invoices`
    pub question: String,
    /// The first answers, as the application shows them: `FA26-050000`.
    pub found: Vec<String>,
    /// Files of the restore point that these speak of, and that are there.
    pub files: u64,
}
