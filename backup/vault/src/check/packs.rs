//! Every byte of packs, read whole one after the other, by a few threads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use crate::format::envelope;
use crate::index::{self, PackName, Place};
use crate::inner::{Inner, hex_name};
use crate::{Error, Problem, Watch};

/// Each holds one pack.
const READERS: usize = 2;

/// What was found wrong.
#[derive(Default)]
pub(crate) struct Damage {
    /// Packs nothing of which can be used: not readable, or without a directory.
    pub(crate) lost: BTreeSet<PackName>,
    /// Frame and slot of each chunk that does not verify.
    pub(crate) chunks: BTreeMap<PackName, BTreeSet<(u16, u16)>>,
    /// There, and not as it was written.
    pub(crate) rotten: BTreeSet<PackName>,
    pub(crate) bytes_read: u64,
    pub(crate) problems: Vec<Problem>,
}

impl Damage {
    pub(crate) fn is_sound(&self, place: &Place) -> bool {
        let bad = self.chunks.get(&place.pack);
        !self.lost.contains(&place.pack)
            && !bad.is_some_and(|bad| bad.contains(&(place.frame, place.slot)))
    }
}

pub(crate) fn read(inner: &Inner, packs: Vec<PackName>, watch: &Watch) -> Result<Damage, Error> {
    watch
        .files_total
        .fetch_add(packs.len() as u64, Ordering::Relaxed);
    let damage = Mutex::new(Damage::default());
    let next = Mutex::new(packs.into_iter());
    let lock = || damage.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| {
                loop {
                    let pack = next.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(pack) = pack.filter(|_| !watch.is_cancelled()) else {
                        return;
                    };
                    let (bytes_read, found) = read_pack(inner, pack);
                    let mut damage = lock();
                    damage.bytes_read += bytes_read;
                    if let Some(found) = found {
                        damage.add(pack, found);
                    }
                    watch.bytes_done.fetch_add(bytes_read, Ordering::Relaxed);
                    watch.files_done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    if watch.is_cancelled() {
        return Err(Error::Cancelled);
    }
    let mut damage = damage.into_inner().unwrap_or_else(PoisonError::into_inner);
    damage.problems.sort_by(|a, b| a.object.cmp(&b.object));
    Ok(damage)
}

struct Found {
    what: String,
    /// Nothing of it can be used.
    is_lost: bool,
    is_there: bool,
    chunks: BTreeSet<(u16, u16)>,
}

impl Damage {
    fn add(&mut self, pack: PackName, found: Found) {
        let object = pack.0.object(&hex_name(&pack.1));
        self.problems.push(Problem::new(object, found.what));
        if found.is_lost {
            self.lost.insert(pack);
        }
        if found.is_there {
            self.rotten.insert(pack);
        }
        if !found.chunks.is_empty() {
            self.chunks.insert(pack, found.chunks);
        }
    }
}

/// Bytes read; and what is wrong.
fn read_pack(inner: &Inner, pack: PackName) -> (u64, Option<Found>) {
    let (kind, id) = pack;
    let lost = |what: String, is_there| Found {
        what,
        is_lost: true,
        is_there,
        chunks: BTreeSet::new(),
    };
    let bytes = match inner.target.get(kind, &hex_name(&id)) {
        Ok(bytes) => bytes,
        Err(error) => return (0, Some(lost(error.to_string(), false))),
    };
    let len = bytes.len() as u64;
    let whole = envelope::parse_as(&bytes, kind, &id);
    let directory = match index::directory_of(&inner.keys, pack, &bytes) {
        Ok(directory) => directory,
        Err(bad) => return (len, Some(lost(bad.to_string(), true))),
    };
    let (mut all, mut chunks) = (0u64, BTreeSet::new());
    for (number, frame) in (0u16..).zip(&directory.frames) {
        let from = frame.offset as usize;
        let sealed = bytes.get(from..from + frame.len as usize);
        let opened = sealed.and_then(|sealed| inner.open_frame(&pack, number, sealed).ok());
        for (slot, (short, _)) in (0u16..).zip(&frame.chunks) {
            let plain = opened.as_ref().and_then(|frame| frame.chunk(slot));
            all += 1;
            if plain.map(|plain| inner.keys.chunk_id(plain).short()) != Some(*short) {
                chunks.insert((number, slot));
            }
        }
    }
    let what = match (&whole, chunks.len()) {
        (Ok(_), 0) => return (len, None),
        (Ok(_), hit) => format!("{hit} of its {all} chunks do not verify"),
        (Err(bad), hit) => format!("{bad}; {hit} of its {all} chunks are lost"),
    };
    let found = Found {
        what,
        is_lost: false,
        is_there: true,
        chunks,
    };
    (len, Some(found))
}
