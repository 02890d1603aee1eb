//! One disk into an image: read and packed by a few threads, handed over in order, and what the vault then holds
//! compared with what was read.

use super::chunks::{self, Pass};
use super::client::{Client, Packed};
use super::deployment::{Deployment, Error};
use super::source::SourceDisk;
use crate::capture::{self, chunk_len};
use crate::import::CHUNK_BYTES;
use crate::wire::{Inventory, Manifest, ManifestChunk, Step, Wanted};
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Two read and pack while one hands over.
const WORKERS: usize = 3;
/// The network is the narrow place: little effort, for half of the bytes.
const LEVEL: i32 = 1;
/// How often a thread that waits for its turn looks whether it should go on.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The vault is at work for somebody else. The server holds the question itself; one that does not is not hammered.
const BUSY: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Captured {
    pub(super) bytes: u64,
    pub(super) took: Duration,
}

impl Deployment<'_> {
    /// The disk of the order, into the image that it names.
    pub(super) fn capture(&self, inventory: &Inventory, sys: &Path) -> Result<Captured, Error> {
        let (order, size) = (self.order, self.order.disk_size_bytes);
        let disk = capture::accept_order(order, inventory)?;
        let source = SourceDisk::open(Path::new(&disk.path), size)?;
        if let Some(partition) = source.encrypted(&sys.join("block").join(&disk.name))? {
            let disk = disk.name.clone();
            return Err(capture::Refused::BitLocker { disk, partition }.into());
        }
        self.say_what_will_happen()?;

        let start = Instant::now();
        let line = Line::of(size);
        self.pass(Step::Read, size, WORKERS, |pass| {
            if let Err(error) = line.work(pass, &source, self.client, &order.session) {
                pass.fail(error);
            }
        })?;
        let stored = self.client.manifest(&order.session)?;
        line.is_what_was_read(&stored)?;
        self.report(Step::Verify, size, size)?;
        Ok(Captured {
            bytes: size,
            took: start.elapsed(),
        })
    }
}

/// The chunks of a disk in line: read by whoever is free, handed over one after the other. After the last one stands
/// the end, without bytes.
struct Line {
    size_bytes: u64,
    state: Mutex<State>,
    moved: Condvar,
}

struct State {
    /// The next that nobody took.
    untaken: usize,
    /// The next that is handed over.
    turn: usize,
    /// How often the server wanted to begin again: what was taken before is not handed over any more.
    round: usize,
    stored: bool,
    /// What each chunk was when it was handed over.
    read: Vec<Option<ManifestChunk>>,
}

/// A place in the line.
#[derive(Clone, Copy)]
struct Place {
    index: usize,
    round: usize,
}

impl Line {
    fn of(size_bytes: u64) -> Line {
        Line {
            size_bytes,
            state: Mutex::new(State {
                untaken: 0,
                turn: 0,
                round: 0,
                stored: false,
                read: vec![None; capture::chunks(size_bytes)],
            }),
            moved: Condvar::new(),
        }
    }

    /// One thread: until all is stored, or somebody stopped.
    fn work(
        &self,
        pass: &Pass,
        source: &SourceDisk,
        client: &Client,
        session: &str,
    ) -> Result<(), chunks::Error> {
        while let Some(place) = self.take(pass) {
            let given = match chunk_len(self.size_bytes, place.index) {
                Some(len) => Some(pack(source, place.index, len)?),
                None => None,
            };
            while self.has_turn(pass, place) {
                let packed = given.as_ref().and_then(|(_, packed)| packed.as_ref());
                let wanted = client.give(session, place.index, packed)?;
                let is_taken =
                    self.handed_over(pass, place, given.as_ref().map(|(c, _)| *c), wanted)?;
                if !is_taken {
                    std::thread::sleep(BUSY);
                }
            }
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let waited = self.moved.wait_timeout(state, LOOK_EVERY);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// The next place; `None` when there is nothing more to do.
    fn take(&self, pass: &Pass) -> Option<Place> {
        let mut state = self.state();
        // When all are taken, whoever took the last may still hear that it begins again.
        while state.untaken > state.read.len() && !state.stored && !pass.is_stopped() {
            state = self.wait(state);
        }
        if state.stored || pass.is_stopped() {
            return None;
        }
        let (index, round) = (state.untaken, state.round);
        state.untaken += 1;
        Some(Place { index, round })
    }

    /// Waits until it is this place's turn; `false`: it was, or will not be.
    fn has_turn(&self, pass: &Pass, place: Place) -> bool {
        let mut state = self.state();
        while !pass.is_stopped() && state.round == place.round && state.turn < place.index {
            state = self.wait(state);
        }
        !pass.is_stopped()
            && !state.stored
            && state.round == place.round
            && state.turn == place.index
    }

    /// What the server said; `false`: it could not take it now.
    fn handed_over(
        &self,
        pass: &Pass,
        place: Place,
        chunk: Option<ManifestChunk>,
        wanted: Wanted,
    ) -> Result<bool, chunks::Error> {
        let mut state = self.state();
        let next = wanted.next;
        if wanted.stored && chunk.is_none() {
            state.stored = true;
        } else if next == place.index + 1 && chunk.is_some() {
            state.turn = next;
            state.read[place.index] = chunk;
        } else if next < place.index {
            // It was started anew, and what it had not finished is lost.
            state.round += 1;
            (state.untaken, state.turn) = (next, next);
        } else if next == place.index {
            return Ok(false);
        } else {
            return Err(chunks::Error::OutOfLine {
                given: place.index,
                wanted: next,
            });
        }
        let done = state.turn as u64 * u64::from(CHUNK_BYTES);
        pass.set_done(done.min(self.size_bytes));
        drop(state);
        self.moved.notify_all();
        Ok(true)
    }

    /// Does the vault hold what was read? Its manifest names each chunk by the hash of what it stored.
    fn is_what_was_read(&self, stored: &Manifest) -> Result<(), chunks::Error> {
        let state = self.state();
        let is_same = stored.size_bytes == self.size_bytes
            && stored.chunk_bytes == CHUNK_BYTES
            && stored.chunks.len() == state.read.len();
        if !is_same {
            return Err(chunks::Error::Manifest("it is not of this disk"));
        }
        let both = state.read.iter().zip(&stored.chunks);
        match both
            .enumerate()
            .find(|(_, (read, stored))| **read != Some(**stored))
        {
            None => Ok(()),
            Some((index, _)) => Err(chunks::Error::StoredOther { index }),
        }
    }
}

/// Chunk `index` of the disk; zeros have no bytes.
fn pack(
    source: &SourceDisk,
    index: usize,
    len: usize,
) -> Result<(ManifestChunk, Option<Packed>), chunks::Error> {
    let mut plain = vec![0; len];
    source.read(index as u64 * u64::from(CHUNK_BYTES), &mut plain)?;
    let chunk = ManifestChunk {
        plain: *blake3::hash(&plain).as_bytes(),
        zero: plain.iter().all(|byte| *byte == 0),
    };
    if chunk.zero {
        return Ok((chunk, None));
    }
    let small = zstd::bulk::compress(&plain, LEVEL).ok();
    let small = small.filter(|small| small.len() < len);
    let packed = Packed {
        zstd: small.is_some(),
        plain_len: len as u64,
        bytes: small.unwrap_or(plain),
    };
    Ok((chunk, Some(packed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn chunk(mark: u8) -> Option<ManifestChunk> {
        Some(ManifestChunk {
            plain: [mark; 32],
            zero: false,
        })
    }

    fn wanted(next: usize) -> Wanted {
        Wanted {
            next,
            stored: false,
        }
    }

    #[test]
    fn chunks_are_handed_over_in_order_and_again_after_a_fresh_start() {
        let (pass, line) = (Pass::default(), Line::of(2 * MIB + 512));
        let places: Vec<Place> = (0..4).filter_map(|_| line.take(&pass)).collect();
        assert_eq!(
            places.iter().map(|p| p.index).collect::<Vec<_>>(),
            [0, 1, 2, 3]
        );
        let say = |place, chunk, wanted| line.handed_over(&pass, place, chunk, wanted);
        assert!(line.has_turn(&pass, places[0]));
        assert!(
            !say(places[0], chunk(1), wanted(0)).unwrap(),
            "busy: the same again"
        );
        assert!(line.has_turn(&pass, places[0]));
        assert!(say(places[0], chunk(1), wanted(1)).unwrap());
        assert!(!line.has_turn(&pass, places[0]) && line.has_turn(&pass, places[1]));
        assert!(say(places[1], chunk(2), wanted(2)).unwrap());
        assert_eq!(pass.done_bytes(), 2 * MIB);

        assert!(
            say(places[2], chunk(3), wanted(0)).unwrap(),
            "it begins again"
        );
        assert_eq!(pass.done_bytes(), 0);
        assert!(!line.has_turn(&pass, places[2]) && !line.has_turn(&pass, places[3]));
        for (index, mark) in [(0, 1), (1, 2), (2, 4)] {
            let place = line.take(&pass).unwrap();
            assert!(place.index == index && line.has_turn(&pass, place));
            assert!(say(place, chunk(mark), wanted(index + 1)).unwrap());
        }
        assert_eq!(pass.done_bytes(), 2 * MIB + 512);
        let end = line.take(&pass).unwrap();
        assert!(end.index == 3 && line.has_turn(&pass, end));
        assert!(!say(end, None, wanted(3)).unwrap(), "the vault finishes");
        let stored = Wanted {
            next: 3,
            stored: true,
        };
        assert!(say(end, None, stored).unwrap());
        assert!(line.take(&pass).is_none() && !line.has_turn(&pass, end));

        let manifest = |marks: [u8; 3]| Manifest {
            size_bytes: 2 * MIB + 512,
            chunk_bytes: CHUNK_BYTES,
            chunks: marks.into_iter().filter_map(chunk).collect(),
        };
        assert!(line.is_what_was_read(&manifest([1, 2, 4])).is_ok());
        assert!(matches!(
            line.is_what_was_read(&manifest([1, 2, 3])),
            Err(chunks::Error::StoredOther { index: 2 })
        ));
        let mut shorter = manifest([1, 2, 4]);
        shorter.size_bytes -= 512;
        assert!(matches!(
            line.is_what_was_read(&shorter),
            Err(chunks::Error::Manifest(_))
        ));
    }

    #[test]
    fn an_answer_that_skips_chunks_is_not_believed() {
        let (pass, line) = (Pass::default(), Line::of(2 * MIB));
        let first = line.take(&pass).unwrap();
        assert!(matches!(
            line.handed_over(&pass, first, chunk(1), wanted(2)),
            Err(chunks::Error::OutOfLine {
                given: 0,
                wanted: 2
            })
        ));
        // "Stored" is said of the whole disk only.
        let early = Wanted {
            next: 2,
            stored: true,
        };
        assert!(line.handed_over(&pass, first, chunk(1), early).is_err());
    }

    #[test]
    fn a_stopped_line_lets_everybody_go() {
        let (pass, line) = (Pass::default(), Line::of(2 * MIB));
        let places: Vec<Place> = (0..3).filter_map(|_| line.take(&pass)).collect();
        pass.stop();
        assert!(!line.has_turn(&pass, places[1]));
        assert!(line.take(&pass).is_none());
    }
}
