//! Saves folders as a snapshot.

use std::path::PathBuf;

use crate::{Error, Kind, Problem, Snapshot, Vault, Watch};

pub struct Request<'a> {
    pub kind: Kind,
    pub plan: String,
    pub host: String,
    /// Absolute paths of folders or files.
    pub roots: Vec<PathBuf>,
    /// When the run started, milliseconds since 1970.
    pub now_ms: i64,
    /// Asked once at the end for `finished_ms`.
    pub end_ms: &'a (dyn Fn() -> i64 + Sync),
}

/// Saves what it can; what it cannot is in the problems (and in the snapshot). Fails, without a snapshot, when none of
/// the roots could be read, the target fails, or the watch is cancelled.
pub fn run(
    _vault: &Vault,
    _request: &Request<'_>,
    _watch: &Watch,
) -> Result<(Snapshot, Vec<Problem>), Error> {
    unimplemented!()
}
