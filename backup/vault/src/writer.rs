//! Writes a snapshot from streams: disk images and their manifests.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::atomic::Ordering;

use crate::content::{Content, Failed, Stored};
use crate::format::tree;
use crate::given;
use crate::keys::random;
use crate::session::Session;
use crate::writers::Purpose;
use crate::{ChunkId, Error, Kind, Node, NodeKind, Snapshot, SnapshotId, Vault, Watch};

#[derive(Clone, Debug)]
pub struct Meta {
    pub kind: Kind,
    pub plan: String,
    pub host: String,
    /// Milliseconds since 1970, UTC.
    pub started_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunking {
    /// Cut by content: 16 to 256 KiB, 64 KiB on average.
    Cdc,
    /// Cut every so many bytes (at most 4 MiB): disk images. Chunks of zeros become holes of the file.
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
    /// All bytes are zero. It is stored like any other (once per vault).
    pub zero: bool,
}

/// Collects the files of a new snapshot. Dropped without `finish`, it saves nothing (packs already written are used
/// again by the next run).
pub struct SnapshotWriter<'a> {
    vault: &'a Vault,
    watch: &'a Watch,
    meta: Meta,
    session: Session,
    content: Content,
    files: BTreeMap<Vec<u8>, Node>,
}

impl<'a> SnapshotWriter<'a> {
    pub fn begin(
        vault: &'a Vault,
        meta: Meta,
        watch: &'a Watch,
    ) -> Result<SnapshotWriter<'a>, Error> {
        let purpose = Purpose {
            what: meta.plan.clone(),
            sweeps: false,
            now_ms: meta.started_ms,
        };
        let session = Session::begin(&vault.inner, &purpose)?;
        let content = Content::new(&vault.inner.keys);
        Ok(SnapshotWriter {
            vault,
            watch,
            meta,
            session,
            content,
            files: BTreeMap::new(),
        })
    }

    /// Stores a stream as the file `name` (a plain name, no `/`; the same name again replaces) with permission bits `mode`.
    pub fn add_stream(
        &mut self,
        name: &str,
        from: &mut dyn Read,
        chunking: Chunking,
        mode: u32,
    ) -> Result<StoredFile, Error> {
        if !tree::is_plain(name.as_bytes()) {
            return Err(Error::BadRoot {
                path: name.to_owned(),
                what: "it is not a plain file name".to_owned(),
            });
        }
        let mut stored = Stored::default();
        let mut whole = blake3::Hasher::new();
        let watch = self.watch;
        let each = |session: &mut Session, id: ChunkId, plain: &[u8]| {
            let zero = plain.iter().all(|byte| *byte == 0);
            let len = u32::try_from(plain.len()).unwrap_or(u32::MAX);
            let hash = *blake3::hash(plain).as_bytes();
            whole.update(plain);
            stored.chunks.push(StoredChunk {
                id,
                len,
                plain: hash,
                zero,
            });
            match (zero, chunking) {
                (true, Chunking::Fixed(_)) => stored.hole(session, u64::from(len), watch),
                _ => stored.chunk(session, id, plain, watch),
            }
        };
        self.content
            .store(&mut self.session, from, chunking, self.watch, each)
            .map_err(|failed| match failed {
                Failed::Read(source) => Error::Source {
                    what: name.to_owned(),
                    source,
                },
                Failed::Vault(error) => error,
            })?;
        let (size, chunks) = (stored.size, std::mem::take(&mut stored.chunks));
        let (segments, content_hash) = stored.finish(&mut self.session, self.watch)?;
        let name = name.as_bytes();
        let node = Node {
            size,
            mode: mode & 0o7777,
            content_hash,
            segments,
            ..given::node(name, name, NodeKind::File, self.meta.started_ms)
        };
        self.files.insert(node.name.clone(), node);
        self.watch.files_done.fetch_add(1, Ordering::Relaxed);
        Ok(StoredFile {
            size,
            content_hash: *whole.finalize().as_bytes(),
            chunks,
        })
    }

    pub fn add_bytes(&mut self, name: &str, mut bytes: &[u8]) -> Result<StoredFile, Error> {
        self.add_stream(name, &mut bytes, Chunking::Cdc, 0o600)
    }

    /// Commits: after this the snapshot exists and is restorable.
    pub fn finish(mut self, end_ms: i64) -> Result<Snapshot, Error> {
        let nodes: Vec<Node> = std::mem::take(&mut self.files).into_values().collect();
        let bytes = tree::encode(&nodes, |node| &node.name);
        let tree = self
            .content
            .store_tree(&mut self.session, &bytes, self.watch)?;
        let finished = self.session.finish(self.watch)?;
        let snapshot = Snapshot {
            id: SnapshotId::from_bytes(random()?),
            seq: 0,
            parents: Vec::new(),
            session: [0; 16],
            tombs: Vec::new(),
            kind: self.meta.kind,
            plan: self.meta.plan,
            host: self.meta.host,
            started_ms: self.meta.started_ms,
            finished_ms: end_ms,
            roots: Vec::new(),
            files: nodes.len() as u64,
            bytes: nodes.iter().map(|node| node.size).sum(),
            stored_bytes: finished.stored_bytes,
            problems: Vec::new(),
            tree,
        };
        self.vault.inner.commit(snapshot, finished)
    }
}
