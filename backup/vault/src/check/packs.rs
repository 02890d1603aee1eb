//! Every byte of packs, read whole one after the other, by a few threads.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use crate::format::pack::DirFrame;
use crate::format::{Bad, envelope};
use crate::index::{self, PackName, Place};
use crate::inner::{Inner, hex_name};
use crate::{Error, Problem, Watch};

const READERS: usize = 2;
/// Read at once; a frame that is longer is put together.
const BLOCK: u64 = 4 * 1024 * 1024;

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
    let name = hex_name(&id);
    let lost = |what: String, is_there| Found {
        what,
        is_lost: true,
        is_there,
        chunks: BTreeSet::new(),
    };
    let size = match inner.target.size(kind, &name) {
        Ok(Some(size)) => size,
        Ok(None) => return (0, Some(lost("it is gone".to_owned(), false))),
        Err(error) => return (0, Some(lost(error.to_string(), false))),
    };
    let directory = match index::read_directory(&*inner.target, &inner.keys, pack, size) {
        Ok(directory) => directory,
        Err(error) => return (0, Some(lost(error.to_string(), true))),
    };
    let mut reading = Reading {
        inner,
        pack,
        frames: (0u16..).zip(directory.frames.iter()).peekable(),
        hasher: blake3::Hasher::new(),
        bytes: Vec::new(),
        from: 0,
        all: 0,
        bad: BTreeSet::new(),
    };
    let mut at = 0;
    let mut head = Vec::new();
    while at < size {
        let len = BLOCK.min(size - at);
        let block = match inner.target.get_range(kind, &name, at, len as usize) {
            Ok(block) => block,
            Err(error) => return (at, Some(lost(error.to_string(), true))),
        };
        if at == 0 {
            head.extend_from_slice(&block[..block.len().min(envelope::HEADER_LEN)]);
        }
        at += len;
        reading.add(&block, size);
    }
    let whole = reading.whole(&head, size);
    let Reading { all, bad, .. } = reading;
    let what = match (whole, bad.len()) {
        (Ok(()), 0) => return (at, None),
        (Ok(()), hit) => format!("{hit} of its {all} chunks do not verify"),
        (Err(why), hit) => format!("{why}; {hit} of its {all} chunks are lost"),
    };
    let found = Found {
        what,
        is_lost: false,
        is_there: true,
        chunks: bad,
    };
    (at, Some(found))
}

/// A pack on its way through: holds what is not opened yet.
struct Reading<'a, I: Iterator<Item = (u16, &'a DirFrame)>> {
    inner: &'a Inner,
    pack: PackName,
    frames: Peekable<I>,
    hasher: blake3::Hasher,
    bytes: Vec<u8>,
    /// Where these begin.
    from: u64,
    all: u64,
    bad: BTreeSet<(u16, u16)>,
}

impl<'a, I: Iterator<Item = (u16, &'a DirFrame)>> Reading<'a, I> {
    fn add(&mut self, block: &[u8], size: u64) {
        let seen = self.from + self.bytes.len() as u64;
        let hashed = size.saturating_sub(envelope::UNHASHED as u64);
        let left = usize::try_from(hashed.saturating_sub(seen)).unwrap_or(usize::MAX);
        self.hasher.update(&block[..block.len().min(left)]);
        self.bytes.extend_from_slice(block);
        let end = seen + block.len() as u64;
        let mut done = 0;
        while let Some((number, frame)) = self
            .frames
            .next_if(|(_, frame)| u64::from(frame.offset) + u64::from(frame.len) <= end)
        {
            let from = usize::try_from(u64::from(frame.offset).saturating_sub(self.from));
            let from = from.unwrap_or(usize::MAX);
            let to = from.saturating_add(frame.len as usize);
            self.open(number, frame, from..to);
            done = to;
        }
        let done = done.max(match self.frames.peek() {
            Some(_) => 0,
            // Behind the last frame only the end is looked at again.
            None => self.bytes.len().saturating_sub(envelope::TRAILER_LEN),
        });
        self.bytes.drain(..done.min(self.bytes.len()));
        self.from = end - self.bytes.len() as u64;
    }

    fn open(&mut self, number: u16, frame: &DirFrame, range: Range<usize>) {
        // Hashed already, and not looked at again.
        let sealed = self.bytes.get_mut(range);
        let opened =
            sealed.and_then(|sealed| self.inner.open_frame(&self.pack, number, sealed).ok());
        for (slot, (short, _)) in (0u16..).zip(&frame.chunks) {
            let plain = opened.as_ref().and_then(|frame| frame.chunk(slot));
            self.all += 1;
            if plain.map(|plain| self.inner.keys.chunk_id(plain).short()) != Some(*short) {
                self.bad.insert((number, slot));
            }
        }
    }

    /// Header and trailer, when everything has passed.
    fn whole(&self, head: &[u8], size: u64) -> Result<(), Bad> {
        let split = self.bytes.len().checked_sub(envelope::TRAILER_LEN);
        let last = split.and_then(|split| self.bytes.get(split..));
        let trailer = envelope::parse_trailer(last.ok_or(Bad::Short)?, size)?;
        if *self.hasher.finalize().as_bytes() != trailer.hash {
            return Err(Bad::Hash);
        }
        envelope::expect(&envelope::parse_header(head)?, self.pack.0, &self.pack.1)
    }
}
