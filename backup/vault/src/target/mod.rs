//! Where a vault's objects lie.
//!
//! An object is written once and never changed. `put` returns only when the object would survive a power cut;
//! an object that `put` did not finish is either absent or fails its own trailer.
//!
//! | file | noun |
//! |---|---|
//! | `local.rs` `disk.rs` | a folder of a disk or a mounted share |
//! | `publish.rs` `files.rs` | how an object gets its name there, and the few calls that takes |
//! | `memory.rs` | objects in memory |
//! | `sim/` | a NAS that lies, stalls, fills up and loses power, for tests |
//! | `contract.rs` | what every target must do: one suite |
//! | `error.rs` | why it was not done |

pub mod contract;
mod disk;
mod error;
mod files;
mod local;
mod memory;
mod publish;
pub mod sim;

pub use error::{Error, Unreached};
pub use files::{Files, OpenFile, Seen};
pub use local::LocalTarget;
pub use memory::MemoryTarget;

use std::path::Path;

/// The families of objects; each has its own folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectKind {
    /// The vault's key, wrapped once per password or recovery key.
    Key,
    /// Packs of file content.
    Pack,
    /// Packs of folder lists.
    Tree,
    /// What several packs hold, sorted.
    Index,
    Snapshot,
    /// What a prune is about to delete.
    Tomb,
    /// Writers at work, ended or revoked.
    Session,
    /// Holds, proofs, last reads.
    Mark,
}

impl ObjectKind {
    pub const ALL: [ObjectKind; 8] = [
        ObjectKind::Key,
        ObjectKind::Pack,
        ObjectKind::Tree,
        ObjectKind::Index,
        ObjectKind::Snapshot,
        ObjectKind::Tomb,
        ObjectKind::Session,
        ObjectKind::Mark,
    ];

    /// The folder of this kind.
    pub fn folder(self) -> &'static str {
        match self {
            ObjectKind::Key => "keys",
            ObjectKind::Pack => "packs",
            ObjectKind::Tree => "trees",
            ObjectKind::Index => "index",
            ObjectKind::Snapshot => "snapshots",
            ObjectKind::Tomb => "tombs",
            ObjectKind::Session => "sessions",
            ObjectKind::Mark => "marks",
        }
    }

    pub(crate) fn object(self, name: &str) -> String {
        format!("{}/{name}", self.folder())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub size: u64,
}

/// An unfinished object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    pub name: String,
    /// Made through this very target: perhaps still being written.
    pub own: bool,
}

/// A store of write-once objects. All calls block; all may be made from several threads.
pub trait Target: Send + Sync {
    /// For messages: the folder's path.
    fn describe(&self) -> String;
    /// The folder on this machine, when there is one: a restore must not write into it, a backup must not read it.
    fn folder(&self) -> Option<&Path>;
    /// Makes the folders of a new vault. Fails with `NotEmpty` when anything is there.
    fn prepare(&self) -> Result<(), Error>;
    /// Publishes an object durably. Fails with `Exists` rather than replace one.
    fn put(&self, kind: ObjectKind, name: &str, bytes: &[u8]) -> Result<(), Error>;
    fn get(&self, kind: ObjectKind, name: &str) -> Result<Vec<u8>, Error>;
    /// Exactly `len` bytes from `offset`; fewer there is `Error::Short`.
    fn get_range(
        &self,
        kind: ObjectKind,
        name: &str,
        offset: u64,
        len: usize,
    ) -> Result<Vec<u8>, Error>;
    /// Every entry of that kind, foreign ones too, in any order. What another machine made or removed a moment ago may
    /// be missing or still be there.
    fn list(&self, kind: ObjectKind) -> Result<Vec<Entry>, Error>;
    /// The same without sizes: on a file system each of those costs a request.
    fn names(&self, kind: ObjectKind) -> Result<Vec<String>, Error> {
        Ok(self
            .list(kind)?
            .into_iter()
            .map(|entry| entry.name)
            .collect())
    }
    /// `None` when the object does not exist.
    fn size(&self, kind: ObjectKind, name: &str) -> Result<Option<u64>, Error>;
    /// Only a sweep deletes. Objects that are already gone are no error; afterwards all of them are certainly gone, also
    /// after a power cut: what is removed by a later call never outlives what was removed by an earlier one.
    fn remove(&self, kind: ObjectKind, names: &[&str]) -> Result<(), Error>;
    /// What unfinished `put`s left, of this writer and of others, dead or alive. Targets that take whole objects only
    /// have none.
    fn strays(&self) -> Result<Vec<Stray>, Error> {
        Ok(Vec::new())
    }
    /// A sweep does this. A writer whose stray is taken away writes it again: that costs time, never an object.
    fn remove_stray(&self, _name: &str) -> Result<(), Error> {
        Ok(())
    }
}
