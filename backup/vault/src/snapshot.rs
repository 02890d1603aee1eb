//! A point in time that can be restored.

use std::path::PathBuf;

use crate::{ChunkId, Problem, SnapshotId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub id: SnapshotId,
    pub kind: Kind,
    pub plan: String,
    /// The machine that was saved.
    pub host: String,
    /// Milliseconds since 1970, UTC.
    pub started_ms: i64,
    pub finished_ms: i64,
    /// Folders or files that were saved; empty for an image.
    pub roots: Vec<PathBuf>,
    /// Everything that is not a folder.
    pub files: u64,
    /// Bytes of all files, holes included.
    pub bytes: u64,
    /// Bytes this snapshot added to the vault (after deduplication and compression).
    pub stored_bytes: u64,
    /// What could not be saved (the first 1000; then one line saying how many more).
    pub problems: Vec<Problem>,
    pub(crate) tree: Vec<(ChunkId, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Files,
    Image,
    /// The appliance's own state, configuration and certificates.
    Appliance,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Files => "files",
            Kind::Image => "image",
            Kind::Appliance => "appliance",
        }
    }
}
