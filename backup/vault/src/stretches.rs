//! What a file is made of, opened: in lots of neighbours of one frame, on several threads, handed over in order.

use std::io;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use crate::frames::Frame;
use crate::index::PackName;
use crate::inner::Inner;
use crate::segments::SegmentCursor;
use crate::{ChunkId, Error, Segment};

/// Lots that wait to be asked for, each at most one frame's bytes; as many again as there are threads are being opened.
const LOTS_AHEAD: usize = 2;
/// Stretches of a lot: a frame has as many chunks of the usual length.
const STRETCHES: usize = 128;
const THREADS: std::ops::RangeInclusive<usize> = 2..=4;

/// A part of a file, verified.
pub(crate) enum Stretch {
    Bytes(Arc<Frame>, Range<usize>),
    Hole(u64),
}

impl Stretch {
    /// Joins what lies behind this one in the same frame.
    fn join(&mut self, next: Stretch) -> Result<(), Stretch> {
        match (self, next) {
            (Stretch::Bytes(frame, range), Stretch::Bytes(other, following))
                if Arc::ptr_eq(frame, &other) && range.end == following.start =>
            {
                range.end = following.end;
                Ok(())
            }
            (_, next) => Err(next),
        }
    }
}

/// Opens one stretch.
pub(crate) fn load(vault: &Inner, segment: Segment) -> Result<Stretch, Error> {
    match segment {
        Segment::Hole { len } => Ok(Stretch::Hole(len)),
        Segment::Chunk { id, len } => {
            let (frame, range) = vault.held(&id)?;
            match range.len() == len as usize {
                true => Ok(Stretch::Bytes(frame, range)),
                false => Err(Error::Damaged {
                    object: format!("chunk {id}"),
                    what: "it has another length than the file says".to_owned(),
                }),
            }
        }
    }
}

/// What follows in a file.
pub(crate) struct Stretches {
    lots: Receiver<Receiver<Lot>>,
    lot: std::vec::IntoIter<Result<Stretch, Error>>,
    /// What comes after an error is not asked for, and not there.
    stopped: bool,
}

type Lot = Vec<Result<Stretch, Error>>;

impl Stretches {
    /// Begins to open what comes from here on; `None` without threads.
    pub(crate) fn begin(vault: &Arc<Inner>, from: SegmentCursor) -> Option<Stretches> {
        let threads = std::thread::available_parallelism().map_or(2, |n| n.get());
        let (queue, lots) = sync_channel(LOTS_AHEAD);
        let feed = Arc::new(Mutex::new(Feed {
            cursor: from,
            next: None,
            queue: Some(queue),
        }));
        let mut begun = 0;
        for _ in 0..threads.clamp(*THREADS.start(), *THREADS.end()) {
            let (vault, feed) = (Arc::clone(vault), Arc::clone(&feed));
            let thread = std::thread::Builder::new().name("read ahead".to_owned());
            begun += usize::from(thread.spawn(move || work(&vault, &feed)).is_ok());
        }
        let lot = Vec::new().into_iter();
        (begun > 0).then_some(Stretches {
            lots,
            lot,
            stopped: false,
        })
    }

    /// `None` at the end of the file.
    pub(crate) fn next(&mut self) -> io::Result<Option<Stretch>> {
        loop {
            if let Some(next) = self.lot.next() {
                self.stopped |= next.is_err();
                return next.map(Some).map_err(io::Error::other);
            }
            // Or its thread is gone without an answer.
            let stopped = || io::Error::other("reading stopped at an error; open the file again");
            if self.stopped {
                return Err(stopped());
            }
            match self.lots.recv() {
                Ok(lot) => {
                    let lot = lot.recv();
                    self.stopped = lot.is_err();
                    self.lot = lot.map_err(|_| stopped())?.into_iter();
                }
                Err(_) => return Ok(None),
            }
        }
    }
}

/// Where the threads take their work: under its lock lots are cut and put into the queue, so both have one order.
struct Feed {
    cursor: SegmentCursor,
    /// Taken from the cursor, and of the next lot.
    next: Option<(Segment, Option<(PackName, u16)>)>,
    /// Gone at the end of the file.
    queue: Option<SyncSender<Receiver<Lot>>>,
}

fn work(vault: &Inner, feed: &Mutex<Feed>) {
    loop {
        let taken = {
            let mut feed = feed.lock().unwrap_or_else(PoisonError::into_inner);
            feed.take(vault)
        };
        let Some((segments, failed, answer)) = taken else {
            return;
        };
        let mut lot: Lot = Vec::new();
        for segment in segments {
            let opened = load(vault, segment);
            let is_failed = opened.is_err();
            match (lot.last_mut(), opened) {
                (Some(Ok(last)), Ok(stretch)) => {
                    if let Err(stretch) = last.join(stretch) {
                        lot.push(Ok(stretch));
                    }
                }
                (_, opened) => lot.push(opened),
            }
            if is_failed {
                break;
            }
        }
        lot.extend(failed.map(Err));
        // Nobody wants it any more: the queue says so too.
        let _ = answer.send(lot);
    }
}

type Taken = (Vec<Segment>, Option<Error>, SyncSender<Lot>);

impl Feed {
    /// The next lot, and where its stretches are awaited. `None` at the end, or when nobody wants more.
    fn take(&mut self, vault: &Inner) -> Option<Taken> {
        let queue = self.queue.as_ref()?;
        let (mut segments, mut failed) = (Vec::new(), None);
        let mut of_lot = None;
        while segments.len() < STRETCHES {
            let (segment, frame) = match self.next.take() {
                Some(next) => next,
                None => match self.cursor.next(vault) {
                    Ok(Some(segment)) => (segment, frame_of(vault, &segment)),
                    Ok(None) => break,
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                },
            };
            if frame.is_some() && of_lot.is_some() && frame != of_lot {
                self.next = Some((segment, frame));
                break;
            }
            of_lot = of_lot.or(frame);
            segments.push(segment);
        }
        let is_end = segments.is_empty() && failed.is_none();
        let (answer, lot) = sync_channel(1);
        if is_end || queue.send(lot).is_err() || failed.is_some() {
            self.queue = None;
        }
        (!is_end).then_some((segments, failed, answer))
    }
}

fn frame_of(vault: &Inner, segment: &Segment) -> Option<(PackName, u16)> {
    let of = |id: &ChunkId| {
        vault
            .index()
            .best(id)
            .map(|place| (place.pack, place.frame))
    };
    match segment {
        Segment::Chunk { id, .. } => of(id),
        Segment::Hole { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::index::Place;
    use crate::target::MemoryTarget;
    use crate::writer::{Chunking, Meta, SnapshotWriter};
    use crate::{KdfCost, Kind, Node, Secret, Vault, Watch};

    const MIB: usize = 1024 * 1024;

    /// Frames in an order of their own, holes, a part that comes twice, and an end that fills no chunk.
    fn content() -> Vec<u8> {
        let mut bytes = vec![0; 24 * MIB];
        let mut noise = blake3::Hasher::new().finalize_xof();
        noise.fill(&mut bytes);
        bytes[5 * MIB..8 * MIB].fill(0);
        bytes[20 * MIB..20 * MIB + 500_000].fill(b'x');
        bytes.copy_within(MIB..2 * MIB, 15 * MIB);
        bytes.truncate(24 * MIB - 12_345);
        bytes
    }

    fn saved(bytes: &[u8]) -> (Arc<MemoryTarget>, Vault, Node) {
        let target = Arc::new(MemoryTarget::default());
        let secret = Secret::new(b"p".to_vec());
        let vault = Vault::create(target.clone(), &secret, KdfCost::MINIMUM).unwrap();
        let meta = Meta {
            kind: Kind::Files,
            plan: "disk".to_owned(),
            host: "pc".to_owned(),
            started_ms: 0,
        };
        let watch = Watch::new();
        let mut writer = SnapshotWriter::begin(&vault, meta, &watch).unwrap();
        let mut from = bytes;
        let chunking = Chunking::Fixed(32 * 1024);
        writer
            .add_stream("disk", &mut from, chunking, 0o600)
            .unwrap();
        let snapshot = writer.finish(1).unwrap();
        let node = vault.node(&snapshot, b"disk").unwrap();
        // What this process remembers of writing must not help.
        let vault = Vault::open(target.clone(), &secret).unwrap();
        (target, vault, node)
    }

    #[test]
    fn what_several_threads_open_comes_in_order_from_any_place() {
        let bytes = content();
        let (_, vault, node) = saved(&bytes);
        let mut reader = vault.open_file(&node).unwrap();
        let mut whole = Vec::new();
        reader.read_to_end(&mut whole).unwrap();
        assert!(whole == bytes);
        assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0, "the end is the end");
        for from in [
            0,
            1,
            5 * MIB - 1,
            6 * MIB,
            15 * MIB + 7,
            bytes.len(),
            bytes.len() + 1,
        ] {
            reader.seek_to(from as u64).unwrap();
            // Given up in the middle, and begun anew.
            let mut some = vec![0; (3 * MIB).min(bytes.len().saturating_sub(from))];
            reader.read_exact(&mut some).unwrap();
            assert!(
                some == bytes[from.min(bytes.len())..][..some.len()],
                "{from}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_ends_the_stream_after_what_lies_before_it() {
        let bytes = content();
        let (target, vault, node) = saved(&bytes);
        // The frame that is needed last, and what lies before its first chunk.
        let (mut at, mut begins) = (0, Vec::<(Place, usize)>::new());
        for segment in vault.segments(&node).map(Result::unwrap) {
            if let Segment::Chunk { id, .. } = segment {
                let place = vault.inner.index().best(&id).unwrap();
                let same = |(begun, _): &(Place, usize)| {
                    (begun.pack, begun.frame) == (place.pack, place.frame)
                };
                if !begins.iter().any(same) {
                    begins.push((place, at));
                }
            }
            at += segment.len() as usize;
        }
        let (last, before) = *begins.last().unwrap();
        assert!(begins.len() > 4, "the file lies in several frames");
        let name = crate::inner::hex_name(&last.pack.1);
        for ((_, object), bytes) in target.objects().iter_mut() {
            if *object == name {
                bytes[last.offset as usize + 1000] ^= 1;
            }
        }
        let mut reader = vault.open_file(&node).unwrap();
        let mut read = Vec::new();
        assert!(reader.read_to_end(&mut read).is_err());
        assert_eq!(read.len(), before);
        assert!(bytes.starts_with(&read));
        assert!(reader.read(&mut [0; 9]).is_err(), "not taken for the end");
    }
}
