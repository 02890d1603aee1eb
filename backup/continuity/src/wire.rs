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
