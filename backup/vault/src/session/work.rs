//! The threads of a session: workers compress and seal, one publishes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::claims::Claims;
use super::pack::Builder;
use super::press::Press;
use super::{DATA_BYTES, Frame};
use crate::Error;
use crate::format::pack::Directory;
use crate::inner::{Inner, hex_name};
use crate::target::ObjectKind;
use crate::writers::pack_id;

/// Buffers kept for use again.
const SPARE_FRAMES: usize = 8;
const SPARE_PACKS: usize = 1;

pub(super) struct Shared {
    pub(super) vault: Arc<Inner>,
    session: [u8; 16],
    data: Mutex<Option<Builder>>,
    tree: Mutex<Option<Builder>>,
    failure: Mutex<Option<Error>>,
    pub(super) failed: AtomicBool,
    /// Bytes of published objects.
    pub(super) stored: AtomicU64,
    /// What published packs hold: the index knows it now.
    settled: Mutex<Vec<Directory>>,
    any_settled: AtomicBool,
    frames: Mutex<Vec<Vec<u8>>>,
    packs: Mutex<Vec<Vec<u8>>>,
}

pub(super) type Started = (Arc<Shared>, SyncSender<Frame>, Vec<JoinHandle<()>>);

/// More workers would only wait for the reading thread.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 4))
}

pub(super) fn start(vault: &Arc<Inner>, session: [u8; 16]) -> Started {
    let shared = Arc::new(Shared {
        vault: Arc::clone(vault),
        session,
        data: Mutex::default(),
        tree: Mutex::default(),
        failure: Mutex::default(),
        failed: AtomicBool::new(false),
        stored: AtomicU64::new(0),
        settled: Mutex::default(),
        any_settled: AtomicBool::new(false),
        frames: Mutex::default(),
        packs: Mutex::default(),
    });
    let workers = workers();
    let (queue, frames) = sync_channel(workers);
    let frames = Arc::new(Mutex::new(frames));
    // Handed over, not queued: what is published is one pack, while the next is being filled.
    let (full, packs) = sync_channel(0);
    let mut threads: Vec<JoinHandle<()>> = (0..workers)
        .map(|_| {
            let (shared, frames, full) = (Arc::clone(&shared), Arc::clone(&frames), full.clone());
            std::thread::spawn(move || work(&shared, &frames, &full))
        })
        .collect();
    let publishing = Arc::clone(&shared);
    threads.push(std::thread::spawn(move || {
        packs.into_iter().for_each(|pack| publishing.publish(pack));
        // Every worker has ended: what is open is the rest.
        for slot in [&publishing.data, &publishing.tree] {
            let rest = lock(slot).take();
            rest.into_iter().for_each(|pack| publishing.publish(pack));
        }
    }));
    (shared, queue, threads)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn fail(&self, error: Error) {
        lock(&self.failure).get_or_insert(error);
        self.failed.store(true, Ordering::Release);
    }

    pub(super) fn failure(&self) -> Error {
        lock(&self.failure).take().unwrap_or(Error::Cancelled)
    }

    pub(super) fn buffer(&self) -> Vec<u8> {
        let spare = lock(&self.frames).pop();
        spare.unwrap_or_else(|| Vec::with_capacity(DATA_BYTES + DATA_BYTES / 8))
    }

    pub(super) fn frame(&self, kind: ObjectKind) -> Frame {
        Frame {
            kind,
            plain: self.buffer(),
            chunks: Vec::new(),
        }
    }

    /// Takes back the claims on chunks that lie in published packs.
    pub(super) fn settle(&self, claims: &mut Claims) {
        if !self.any_settled.swap(false, Ordering::Acquire) {
            return;
        }
        let settled = std::mem::take(&mut *lock(&self.settled));
        let frames = settled.iter().flat_map(|directory| &directory.frames);
        frames
            .flat_map(|frame| &frame.chunks)
            .for_each(|(id, _)| claims.remove(id));
    }

    fn publish(&self, pack: Builder) {
        if self.failed.load(Ordering::Acquire) {
            return;
        }
        let (name, directory, bytes) = match pack.finish() {
            Ok(finished) => finished,
            Err(bad) => return self.fail(Error::Derive(bad.to_string())),
        };
        let put = self.vault.target.put(name.0, &hex_name(&name.1), &bytes);
        if let Err(error) = put {
            return self.fail(error.into());
        }
        let size = bytes.len() as u64;
        self.vault.index_mut().add(name, size, &directory);
        self.stored.fetch_add(size, Ordering::Relaxed);
        lock(&self.settled).push(directory);
        self.any_settled.store(true, Ordering::Release);
        give_back(&self.packs, bytes, SPARE_PACKS);
    }

    fn append(
        &self,
        press: &mut Press,
        frame: Frame,
        full: &SyncSender<Builder>,
    ) -> Result<(), Error> {
        let pressed = press.press(&frame.plain, &frame.chunks);
        let slot = match frame.kind {
            ObjectKind::Tree => &self.tree,
            _ => &self.data,
        };
        let mut slot = lock(slot);
        if slot.is_none() {
            let body = lock(&self.packs).pop().unwrap_or_default();
            *slot = Some(Builder::new(
                (frame.kind, pack_id(&self.session)?),
                &self.vault.keys,
                body,
            ));
        }
        if let Some(builder) = slot.as_mut() {
            builder
                .append(&pressed, frame.chunks)
                .map_err(|bad| Error::Derive(bad.to_string()))?;
        }
        // The others wait for the slot meanwhile: no third pack is begun while two are in memory.
        if let Some(pack) = slot.take_if(|builder| builder.is_full())
            && full.send(pack).is_err()
        {
            let what = "a thread stopped unexpectedly".to_owned();
            return Err(Error::Derive(what));
        }
        drop(slot);
        give_back(&self.frames, frame.plain, SPARE_FRAMES);
        Ok(())
    }
}

fn give_back(spare: &Mutex<Vec<Vec<u8>>>, mut buffer: Vec<u8>, most: usize) {
    buffer.clear();
    let mut spare = lock(spare);
    if spare.len() < most {
        spare.push(buffer);
    }
}

fn work(shared: &Shared, frames: &Mutex<Receiver<Frame>>, full: &SyncSender<Builder>) {
    let mut press = Press::new();
    loop {
        let frame = lock(frames).recv();
        let Ok(frame) = frame else { return };
        // After a failure the queue is only emptied, so that nobody waits for room in it.
        if shared.failed.load(Ordering::Acquire) {
            continue;
        }
        if let Err(error) = shared.append(&mut press, frame, full) {
            shared.fail(error);
        }
    }
}
