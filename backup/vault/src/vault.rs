//! An open vault.

use std::io::Read;
use std::sync::Arc;

use crate::{ChunkId, Error, Node, Problem, Secret, Snapshot, Target, Watch};

/// Cost of guessing the password (argon2id); stored in the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdfCost {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl KdfCost {
    /// 64 MiB, three passes: about 0.2 s on a small appliance.
    pub const NORMAL: KdfCost = KdfCost {
        memory_kib: 64 * 1024,
        passes: 3,
        lanes: 1,
    };
    /// For tests only.
    pub const MINIMUM: KdfCost = KdfCost {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };
}

/// An open vault; cheap to clone, share it between threads.
#[derive(Clone)]
pub struct Vault {
    target: Arc<dyn Target>,
}

/// A chunk as it lies in its pack, decrypted: `bytes` are zstd when `zstd`, else plain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedChunk {
    pub zstd: bool,
    pub plain_len: u32,
    pub bytes: Vec<u8>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    pub snapshots: u64,
    pub packs: u64,
    pub chunks: u64,
    /// Bytes of packs that were read and verified (0 without `read_all`).
    pub bytes_read: u64,
    pub problems: Vec<Problem>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub snapshots: u64,
    pub packs: u64,
    pub chunks: u64,
    /// Bytes of all objects.
    pub stored_bytes: u64,
    /// Bytes of all chunks before compression.
    pub plain_bytes: u64,
}

/// Reads one file of a snapshot; every chunk is verified before a byte of it is given out.
pub struct FileReader {}

impl FileReader {
    /// Moves to `offset` from the start of the file without reading what lies before.
    pub fn seek_to(&mut self, _offset: u64) {
        unimplemented!()
    }
}

impl Read for FileReader {
    fn read(&mut self, _buf: &mut [u8]) -> std::io::Result<usize> {
        unimplemented!()
    }
}

impl Vault {
    /// Makes a vault in an empty target and opens it.
    pub fn create(
        _target: Arc<dyn Target>,
        _password: &Secret,
        _cost: KdfCost,
    ) -> Result<Vault, Error> {
        unimplemented!()
    }

    pub fn open(_target: Arc<dyn Target>, _password: &Secret) -> Result<Vault, Error> {
        unimplemented!()
    }

    pub fn target(&self) -> &Arc<dyn Target> {
        &self.target
    }

    /// Oldest first. Torn or foreign objects are problems, never fatal.
    pub fn snapshots(&self) -> Result<(Vec<Snapshot>, Vec<Problem>), Error> {
        unimplemented!()
    }

    /// By unique prefix of the id, `latest`, or `PLAN@latest`.
    pub fn snapshot(&self, _which: &str) -> Result<Snapshot, Error> {
        unimplemented!()
    }

    /// The entries of a folder sorted by name; the roots for an empty path.
    pub fn list(&self, _snapshot: &Snapshot, _path: &[u8]) -> Result<Vec<Node>, Error> {
        unimplemented!()
    }

    pub fn node(&self, _snapshot: &Snapshot, _path: &[u8]) -> Result<Node, Error> {
        unimplemented!()
    }

    pub fn open_file(&self, _node: &Node) -> Result<FileReader, Error> {
        unimplemented!()
    }

    /// Plain bytes, verified.
    pub fn chunk(&self, _id: &ChunkId) -> Result<Vec<u8>, Error> {
        unimplemented!()
    }

    pub fn chunk_packed(&self, _id: &ChunkId) -> Result<PackedChunk, Error> {
        unimplemented!()
    }

    /// Looks whether everything that snapshots need is there; with `read_all`, reads and verifies it.
    pub fn check(
        &self,
        _read_all: bool,
        _only: Option<&Snapshot>,
        _watch: &Watch,
    ) -> Result<CheckReport, Error> {
        unimplemented!()
    }

    pub fn stats(&self) -> Result<Stats, Error> {
        unimplemented!()
    }
}
