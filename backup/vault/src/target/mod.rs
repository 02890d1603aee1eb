//! Where a vault's objects lie.
//!
//! An object is written once and never changed. `put` returns only when the object would survive a power cut;
//! an object that `put` did not finish is either absent or fails its own trailer.

mod local;
mod memory;

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
    /// Every entry of that kind, foreign ones too, in any order.
    fn list(&self, kind: ObjectKind) -> Result<Vec<Entry>, Error>;
    /// `None` when the object does not exist.
    fn size(&self, kind: ObjectKind, name: &str) -> Result<Option<u64>, Error>;
    /// Only a sweep deletes. An object that is already gone is no error; afterwards it is certainly gone.
    fn remove(&self, kind: ObjectKind, name: &str) -> Result<(), Error>;
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "open the vault folder {folder}: it does not exist; mount the disk or share that holds it, or create the folder and run `reprise vault init`"
    )]
    Missing { folder: String },
    #[error("open the vault folder {folder}: it is not a folder; correct the target's path")]
    NotAFolder { folder: String },
    #[error(
        "use the vault folder {folder}: nothing is mounted there (must_be_mounted is set); mount the NAS or disk and try again"
    )]
    NotMounted { folder: String },
    #[error(
        "create a vault in {folder}: it is not empty (it holds {example}); choose an empty folder"
    )]
    NotEmpty { folder: String, example: String },
    #[error(
        "write {object} in {folder}: the file system is read-only; remount it read-write or check the disk"
    )]
    ReadOnly { folder: String, object: String },
    #[error(
        "use {object} in {folder}: permission denied; give this user the right to read and write there"
    )]
    Denied { folder: String, object: String },
    #[error(
        "write {object} in {folder}: the disk is full ({free_bytes} bytes free, {needed_bytes} needed); free some space or choose a larger target"
    )]
    Full {
        folder: String,
        object: String,
        free_bytes: u64,
        needed_bytes: u64,
    },
    #[error("write {object} in {folder}: it exists already; objects are never replaced")]
    Exists { folder: String, object: String },
    #[error("read {object} in {folder}: it does not exist; run `reprise vault check`")]
    NotFound { folder: String, object: String },
    #[error("read {object} in {folder}: it ends too early; run `reprise vault check`")]
    Short { folder: String, object: String },
    #[error(
        "publish {object} in {folder}: what was written reads back differently; the disk or share cannot be trusted, replace it"
    )]
    Untrue { folder: String, object: String },
    #[error("use {object} in {folder}: {source}; check the disk or share")]
    Io {
        folder: String,
        object: String,
        source: std::io::Error,
    },
}
