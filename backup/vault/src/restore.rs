//! Restores a snapshot, or parts of it.

use std::path::{Path, PathBuf};

use crate::{Error, Problem, Snapshot, Vault, Watch};

/// What to do with a file that is already there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// `plan` fails when a file is in the way.
    #[default]
    Refuse,
    /// Replace it.
    Replace,
    /// Leave it; each is a problem of the restore.
    Keep,
}

/// What a restore will write; made by [`plan`], shown, then given to [`execute`].
#[derive(Clone, Debug)]
pub struct RestorePlan {
    pub snapshot: Snapshot,
    pub destination: PathBuf,
    pub overwrite: Overwrite,
    /// Saved path → resulting path, one per root or selected path.
    pub placements: Vec<Placement>,
    /// Everything that is not a folder.
    pub files: u64,
    pub folders: u64,
    pub bytes: u64,
    /// Existing files in the way: the first 1000, and how many in all.
    pub existing: Vec<PathBuf>,
    pub existing_count: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    pub from: Vec<u8>,
    pub to: PathBuf,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestoreStats {
    pub files: u64,
    pub folders: u64,
    pub bytes: u64,
}

/// Nothing selected and one root: the content of the root lands *in* `destination` (the root's own owner, mode and times on
/// it); several roots: their full paths beneath `destination`; a selected path: `destination`/its last name.
/// Refuses `/` and the vault's own folder. Writes nothing.
pub fn plan(
    _vault: &Vault,
    _snapshot: &Snapshot,
    _selection: &[Vec<u8>],
    _destination: &Path,
    _overwrite: Overwrite,
) -> Result<RestorePlan, Error> {
    unimplemented!()
}

/// Writes what the plan says; a file that fails is a problem and the rest goes on.
pub fn execute(
    _vault: &Vault,
    _plan: &RestorePlan,
    _watch: &Watch,
) -> Result<(RestoreStats, Vec<Problem>), Error> {
    unimplemented!()
}
