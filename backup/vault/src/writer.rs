//! Writes a snapshot from streams: disk images and their manifests.

use std::io::Read;
use std::marker::PhantomData;

use crate::{ChunkId, Error, Kind, Snapshot, Vault, Watch};

#[derive(Clone, Debug)]
pub struct Meta {
    pub kind: Kind,
    pub plan: String,
    pub host: String,
    pub started_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunking {
    /// Cut by content: 512 KiB to 4 MiB, 1 MiB on average.
    Cdc,
    /// Cut every so many bytes (at most 4 MiB): disk images.
    Fixed(u32),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    pub size: u64,
    /// Plain blake3 of the whole stream.
    pub content_hash: [u8; 32],
    pub chunks: Vec<StoredChunk>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredChunk {
    pub id: ChunkId,
    pub len: u32,
    /// Plain blake3 of the chunk.
    pub plain: [u8; 32],
    /// All bytes are zero.
    pub zero: bool,
}

pub struct SnapshotWriter<'a> {
    vault: PhantomData<&'a Vault>,
}

impl<'a> SnapshotWriter<'a> {
    pub fn begin(
        _vault: &'a Vault,
        _meta: Meta,
        _watch: &'a Watch,
    ) -> Result<SnapshotWriter<'a>, Error> {
        unimplemented!()
    }

    /// Stores a stream as the file `name` (a plain name, no `/`) with permission bits `mode`.
    pub fn add_stream(
        &mut self,
        _name: &str,
        _from: &mut dyn Read,
        _chunking: Chunking,
        _mode: u32,
    ) -> Result<StoredFile, Error> {
        unimplemented!()
    }

    pub fn add_bytes(&mut self, _name: &str, _bytes: &[u8]) -> Result<StoredFile, Error> {
        unimplemented!()
    }

    /// Commits. Without it, nothing was saved (packs already written are used again by the next run).
    pub fn finish(self, _end_ms: i64) -> Result<Snapshot, Error> {
        unimplemented!()
    }
}
