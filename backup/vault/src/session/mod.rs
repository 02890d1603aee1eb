//! Storing chunks: one thread cuts, hashes and asks the index; new chunks gather in frames; a few threads compress and
//! seal frames into packs; one publishes packs.
//!
//! | file | noun |
//! |---|---|
//! | `mod.rs` | the session, as the thread that reads sees it |
//! | `press.rs` | a frame, compressed if that is worth it |
//! | `pack.rs` | a pack being filled |
//! | `work.rs` | the threads |
//!
//! Memory is bounded: a queue of frames, one frame per worker, per kind of pack one open, and one pack being published.
//! Nothing is committed here: packs without a snapshot are only chunks that the next run need not store.

mod claims;
mod pack;
mod press;
mod work;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;

use crate::id::ShortId;
use crate::index::{self, PackName};
use crate::inner::Inner;
use crate::target::ObjectKind;
use crate::writers::{Purpose, Writer};
use crate::{ChunkId, Error, Watch};
use claims::Claims;
use work::Shared;

/// A frame of content is sealed once its chunks have so many bytes: what is compressed together costs least, see decision 012.
const DATA_BYTES: usize = 4 * 1024 * 1024;
/// A frame of lists: these are read one by one.
const TREE_BYTES: usize = 512 * 1024;
/// A chunk this long gets a frame of its own, so that it can be handed out as it lies in the pack.
const ALONE_BYTES: usize = 512 * 1024;
const FRAME_CHUNKS: usize = 16 * 1024;

/// Neighbouring chunks on their way into a pack.
struct Frame {
    kind: ObjectKind,
    /// All of them, one behind the other.
    plain: Vec<u8>,
    chunks: Vec<(ShortId, u32)>,
}

pub(crate) struct Session {
    shared: Arc<Shared>,
    queue: Option<SyncSender<Frame>>,
    threads: Vec<JoinHandle<()>>,
    data: Frame,
    tree: Frame,
    /// Chunks on their way into packs of this session.
    claims: Claims,
    /// Packs that were there before a chunk was asked for, and that the snapshot will need.
    relied: HashSet<PackName>,
    told: u64,
    /// How others know of this run.
    writer: Option<Writer>,
}

/// What a session leaves to be committed.
pub(crate) struct Finished {
    /// Bytes it added.
    pub(crate) stored_bytes: u64,
    /// Packs its snapshot needs: they must exist when it is committed.
    pub(crate) relied: HashSet<PackName>,
    pub(crate) writer: Writer,
}

impl Session {
    pub(crate) fn begin(vault: &Arc<Inner>, purpose: &Purpose) -> Result<Session, Error> {
        let writer = Writer::begin(vault, purpose)?;
        vault.refresh()?;
        Session::resume(vault, writer)
    }

    /// Goes on as a writer that has begun, and has read the index since.
    pub(crate) fn resume(vault: &Arc<Inner>, writer: Writer) -> Result<Session, Error> {
        let (shared, queue, threads) = work::start(vault, writer.id);
        let empty = |kind| Frame {
            kind,
            plain: shared.buffer(),
            chunks: Vec::new(),
        };
        Ok(Session {
            data: empty(ObjectKind::Pack),
            tree: empty(ObjectKind::Tree),
            shared,
            queue: Some(queue),
            threads,
            claims: Claims::default(),
            relied: HashSet::new(),
            told: 0,
            writer: Some(writer),
        })
    }

    /// Stores a chunk (not an empty one) unless the vault has it. Blocks while the queue is full.
    pub(crate) fn store(
        &mut self,
        kind: ObjectKind,
        plain: &[u8],
        watch: &Watch,
    ) -> Result<ChunkId, Error> {
        if watch.is_cancelled() {
            return Err(Error::Cancelled);
        }
        if self.shared.failed.load(Ordering::Acquire) {
            return Err(self.shared.failure());
        }
        self.shared.settle(&mut self.claims);
        let id = self.shared.vault.keys.chunk_id(plain);
        if !self.has(&id) {
            self.claims.insert(id.short());
            self.append(kind, id.short(), plain)?;
        }
        self.tell(watch);
        Ok(id)
    }

    /// Whether the chunk is stored or on its way; the snapshot then counts on it.
    pub(crate) fn has(&mut self, id: &ChunkId) -> bool {
        if self.claims.contains(&id.short()) {
            return true;
        }
        let tombs = self.writer.as_ref().map(|writer| &writer.tombs);
        let shuns = |pack: &PackName| tombs.is_some_and(|tombs| tombs.shuns(pack));
        match self.shared.vault.index().get_but(id, shuns) {
            Some(place) => {
                self.relied.insert(place.pack);
                true
            }
            None => false,
        }
    }

    fn append(&mut self, kind: ObjectKind, id: ShortId, plain: &[u8]) -> Result<(), Error> {
        let len = u32::try_from(plain.len())
            .map_err(|_| Error::Derive("a chunk is too long".to_owned()))?;
        if plain.len() >= ALONE_BYTES {
            let mut frame = self.shared.frame(kind);
            frame.plain.extend_from_slice(plain);
            frame.chunks.push((id, len));
            return self.send(frame);
        }
        let (frame, most) = match kind {
            ObjectKind::Tree => (&mut self.tree, TREE_BYTES),
            _ => (&mut self.data, DATA_BYTES),
        };
        frame.plain.extend_from_slice(plain);
        frame.chunks.push((id, len));
        if frame.plain.len() < most && frame.chunks.len() < FRAME_CHUNKS {
            return Ok(());
        }
        let full = std::mem::replace(frame, self.shared.frame(kind));
        self.send(full)
    }

    fn send(&mut self, frame: Frame) -> Result<(), Error> {
        let sent = self.queue.as_ref().map(|queue| queue.send(frame));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err(self.shared.failure()),
        }
    }

    /// Publishes what is left, and an index object for all of it.
    pub(crate) fn finish(mut self, watch: &Watch) -> Result<Finished, Error> {
        for kind in [ObjectKind::Pack, ObjectKind::Tree] {
            let empty = self.shared.frame(kind);
            let frame = match kind {
                ObjectKind::Tree => &mut self.tree,
                _ => &mut self.data,
            };
            let last = std::mem::replace(frame, empty);
            if !last.chunks.is_empty() {
                self.send(last)?;
            }
        }
        self.join();
        if self.shared.failed.load(Ordering::Acquire) {
            return Err(self.shared.failure());
        }
        let writer = self.writer.take().ok_or(Error::Cancelled)?;
        let vault = &self.shared.vault;
        let (index, target) = (vault.index_lock(), &*vault.target);
        let written = index::publish(index, target, &vault.keys, writer.id)?;
        self.shared.stored.fetch_add(written, Ordering::Relaxed);
        self.tell(watch);
        Ok(Finished {
            stored_bytes: self.told,
            relied: std::mem::take(&mut self.relied),
            writer,
        })
    }

    fn tell(&mut self, watch: &Watch) {
        let stored = self.shared.stored.load(Ordering::Relaxed);
        if stored != self.told {
            watch
                .bytes_stored
                .fetch_add(stored - self.told, Ordering::Relaxed);
            self.told = stored;
        }
    }

    /// Workers publish what is open when the queue ends, unless something failed.
    fn join(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                let what = "a thread stopped unexpectedly".to_owned();
                self.shared.fail(Error::Derive(what));
            }
        }
    }
}

impl Drop for Session {
    /// An abandoned session leaves what it published and nothing else.
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.shared.failed.store(true, Ordering::Release);
            self.join();
        }
    }
}
