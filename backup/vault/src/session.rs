//! Storing chunks: deduplicate, then compress and pack on a few threads, then publish.
//!
//! Memory is bounded: a queue of [`QUEUE`] chunks, one chunk per worker, and one open pack per kind and one being
//! published per worker. Nothing is committed here: packs without a snapshot are only chunks the next run need not store.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::format::{object, pack0 as pack};
use crate::index::PackName;
use crate::inner::{Inner, hex_name};
use crate::keys::{Sealer, random};
use crate::target::ObjectKind;
use crate::writers::{Purpose, Writer};
use crate::{ChunkId, Error, Watch};

const QUEUE: usize = 8;
/// A pack is published once it holds this many bytes, or [`PACK_CHUNKS`] chunks.
const PACK_BYTES: usize = 32 * 1024 * 1024;
const PACK_CHUNKS: usize = 65_536;
const LEVEL: i32 = 3;

struct Job {
    kind: ObjectKind,
    id: ChunkId,
    plain: Vec<u8>,
}

struct Shared {
    vault: Arc<Inner>,
    data: Mutex<Option<Builder>>,
    tree: Mutex<Option<Builder>>,
    failure: Mutex<Option<Error>>,
    failed: AtomicBool,
    stored: AtomicU64,
}

pub(crate) struct Session {
    shared: Arc<Shared>,
    queue: Option<SyncSender<Job>>,
    workers: Vec<JoinHandle<()>>,
    /// Chunks on their way into packs of this session.
    claimed: HashSet<ChunkId>,
    /// Packs of earlier runs that this snapshot will need.
    relied: HashSet<PackName>,
    told: u64,
    /// How others know of this run.
    writer: Option<Writer>,
}

/// What a session leaves to be committed.
pub(crate) struct Finished {
    /// Bytes it added.
    pub(crate) stored_bytes: u64,
    /// Packs of earlier runs that its snapshot needs.
    pub(crate) relied: HashSet<PackName>,
    pub(crate) writer: Writer,
}

impl Session {
    pub(crate) fn begin(vault: &Arc<Inner>, purpose: &Purpose) -> Result<Session, Error> {
        let writer = Writer::begin(vault, purpose)?;
        vault.refresh()?;
        let shared = Arc::new(Shared {
            vault: Arc::clone(vault),
            data: Mutex::new(None),
            tree: Mutex::new(None),
            failure: Mutex::new(None),
            failed: AtomicBool::new(false),
            stored: AtomicU64::new(0),
        });
        let (queue, jobs) = sync_channel(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        // More threads than this would only wait for the reading one, and each may hold a pack of its own.
        let threads = std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 4));
        let spawn = |_| {
            let (shared, jobs) = (Arc::clone(&shared), Arc::clone(&jobs));
            std::thread::spawn(move || work(&shared, &jobs))
        };
        Ok(Session {
            workers: (0..threads).map(spawn).collect(),
            shared,
            queue: Some(queue),
            claimed: HashSet::new(),
            relied: HashSet::new(),
            told: 0,
            writer: Some(writer),
        })
    }

    /// Stores a chunk unless the vault has it. Blocks while the queue is full.
    pub(crate) fn store(
        &mut self,
        kind: ObjectKind,
        plain: Vec<u8>,
        watch: &Watch,
    ) -> Result<ChunkId, Error> {
        if watch.is_cancelled() {
            return Err(Error::Cancelled);
        }
        if self.shared.failed.load(Ordering::Acquire) {
            return Err(self.failure());
        }
        let id = self.shared.vault.keys.chunk_id(&plain);
        if !self.has(&id) {
            self.claimed.insert(id);
            let sent = self
                .queue
                .as_ref()
                .map(|queue| queue.send(Job { kind, id, plain }));
            if !matches!(sent, Some(Ok(()))) {
                return Err(self.failure());
            }
        }
        self.tell(watch);
        Ok(id)
    }

    /// Whether the chunk is stored or on its way; the snapshot then counts on it.
    pub(crate) fn has(&mut self, id: &ChunkId) -> bool {
        if self.claimed.contains(id) {
            return true;
        }
        match self.shared.vault.index().get(id) {
            Some(place) if !self.shuns(&place.pack) => {
                self.relied.insert(place.pack);
                true
            }
            _ => false,
        }
    }

    fn shuns(&self, pack: &PackName) -> bool {
        let writer = self.writer.as_ref();
        writer.is_some_and(|writer| writer.tombs.shuns(pack))
    }

    /// Publishes what is left.
    pub(crate) fn finish(mut self, watch: &Watch) -> Result<Finished, Error> {
        self.join();
        for slot in [&self.shared.data, &self.shared.tree] {
            let builder = lock(slot).take();
            if let (Some(builder), false) = (builder, self.shared.failed.load(Ordering::Acquire)) {
                publish(&self.shared, builder);
            }
        }
        if self.shared.failed.load(Ordering::Acquire) {
            return Err(self.failure());
        }
        self.tell(watch);
        let writer = self.writer.take().ok_or(Error::Cancelled)?;
        Ok(Finished {
            stored_bytes: self.told,
            relied: std::mem::take(&mut self.relied),
            writer,
        })
    }

    fn tell(&mut self, watch: &Watch) {
        let stored = self.shared.stored.load(Ordering::Relaxed);
        watch
            .bytes_stored
            .fetch_add(stored - self.told, Ordering::Relaxed);
        self.told = stored;
    }

    fn failure(&self) -> Error {
        lock(&self.shared.failure)
            .take()
            .unwrap_or(Error::Cancelled)
    }

    fn join(&mut self) {
        self.queue = None;
        for worker in self.workers.drain(..) {
            if worker.join().is_err() {
                fail(
                    &self.shared,
                    Error::Derive("a thread stopped unexpectedly".to_owned()),
                );
            }
        }
    }
}

impl Drop for Session {
    /// An abandoned session leaves what it published and nothing else.
    fn drop(&mut self) {
        if !self.workers.is_empty() {
            self.shared.failed.store(true, Ordering::Release);
            self.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fail(shared: &Shared, error: Error) {
    lock(&shared.failure).get_or_insert(error);
    shared.failed.store(true, Ordering::Release);
}

fn work(shared: &Shared, jobs: &Mutex<Receiver<Job>>) {
    let mut compressor = zstd::bulk::Compressor::new(LEVEL).ok();
    loop {
        let job = lock(jobs).recv();
        let Ok(job) = job else { return };
        // After a failure the queue is only emptied, so that nobody waits for room in it.
        if shared.failed.load(Ordering::Acquire) {
            continue;
        }
        let packed = compressor
            .as_mut()
            .and_then(|c| c.compress(&job.plain).ok());
        let packed = packed.filter(|packed| packed.len() < job.plain.len());
        let slot = if job.kind == ObjectKind::Tree {
            &shared.tree
        } else {
            &shared.data
        };
        let full = {
            let mut slot = lock(slot);
            match append(shared, &mut slot, &job, packed.as_deref()) {
                Ok(full) => full,
                Err(error) => {
                    fail(shared, error);
                    continue;
                }
            }
        };
        if let Some(builder) = full {
            publish(shared, builder);
        }
    }
}

/// A pack being filled.
struct Builder {
    name: PackName,
    header: [u8; pack::HEADER_LEN],
    sealer: Sealer,
    body: Vec<u8>,
    entries: Vec<pack::Entry>,
}

/// Adds a chunk; returns the pack when it is full.
fn append(
    shared: &Shared,
    slot: &mut Option<Builder>,
    job: &Job,
    packed: Option<&[u8]>,
) -> Result<Option<Builder>, Error> {
    if slot.is_none() {
        let name = (job.kind, random()?);
        let header = pack::header(name.0, &name.1);
        let sealer = shared.vault.keys.pack(&header);
        // Only pages that are written to cost memory; growing would copy the pack several times.
        let mut body = Vec::with_capacity(PACK_BYTES + PACK_BYTES / 4);
        body.extend_from_slice(&header);
        *slot = Some(Builder {
            name,
            header,
            sealer,
            body,
            entries: Vec::new(),
        });
    }
    let Some(builder) = slot.as_mut() else {
        return Ok(None);
    };
    let from = builder.body.len();
    builder.body.extend_from_slice(packed.unwrap_or(&job.plain));
    let plain_len = length(job.plain.len())?;
    let aad = pack::chunk_aad(&builder.header, &job.id, plain_len, packed.is_some());
    let number = builder.entries.len() as u64;
    let sealed = builder.sealer.seal(number, &aad, &mut builder.body, from);
    sealed.map_err(|bad| Error::Derive(bad.to_string()))?;
    let sealed_len = length(builder.body.len() - from)?;
    builder.entries.push(pack::Entry {
        id: job.id,
        sealed_len,
        plain_len,
        zstd: packed.is_some(),
    });
    let full = builder.body.len() >= PACK_BYTES || builder.entries.len() >= PACK_CHUNKS;
    Ok(if full { slot.take() } else { None })
}

fn length(len: usize) -> Result<u32, Error> {
    u32::try_from(len).map_err(|_| Error::Derive("a chunk is too long".to_owned()))
}

fn publish(shared: &Shared, mut builder: Builder) {
    let from = builder.body.len();
    builder
        .body
        .extend_from_slice(&pack::encode_directory(&builder.entries));
    if let Err(bad) = builder
        .sealer
        .seal(pack::DIRECTORY, &builder.header, &mut builder.body, from)
    {
        return fail(shared, Error::Derive(bad.to_string()));
    }
    let Ok(directory_len) = length(builder.body.len() - from) else {
        return fail(
            shared,
            Error::Derive("a pack's directory is too long".to_owned()),
        );
    };
    builder.body.extend_from_slice(&directory_len.to_le_bytes());
    let bytes = object::finish(builder.body);
    match shared
        .vault
        .target
        .put(builder.name.0, &hex_name(&builder.name.1), &bytes)
    {
        Ok(()) => {
            shared.vault.index_mut().add(builder.name, &builder.entries);
            shared
                .stored
                .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        Err(error) => fail(shared, error.into()),
    }
}
