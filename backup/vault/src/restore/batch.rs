//! Files to fill, and which ranges of which packs fill them; pure.

use std::ops::Range;
use std::sync::Arc;

use super::filling::Filling;
use crate::ChunkId;

/// Where a chunk lies. Ordered as a pack is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    /// Position of the pack in the restore's own list of packs.
    pub(crate) pack: u32,
    pub(crate) frame: u32,
    pub(crate) slot: u32,
}

/// A frame's bytes in its pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) offset: u64,
    pub(crate) len: u32,
}

impl Span {
    pub(crate) fn end(&self) -> u64 {
        self.offset + u64::from(self.len)
    }
}

/// One chunk that one file wants at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) spot: Spot,
    /// Position in [`Batch::files`].
    pub(crate) file: u32,
    pub(crate) len: u32,
    pub(crate) at: u64,
    pub(crate) id: ChunkId,
}

/// One request to the target: neighbouring frames of a pack, and what lies between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fetch {
    pub(crate) pack: u32,
    pub(crate) offset: u64,
    pub(crate) len: usize,
    pub(crate) frames: Vec<(Span, Range<usize>)>,
}

/// Longest request: with some readers at work, what they hold stays small.
const LONGEST: u64 = 4 * 1024 * 1024;
/// Reading over a gap of this size costs less than another request, on a disk as on a network.
const GAP: u64 = 64 * 1024;
/// Many tiny files are shared out to the threads in lots of this size.
const PIECES: usize = 2048;

/// Everything the walk gathered before it was worth reading.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) files: Vec<Arc<Filling>>,
    pub(crate) pieces: Vec<Piece>,
    /// Files without a piece, and files that are already there.
    pub(crate) others: Vec<Arc<Filling>>,
}

/// Sorts the pieces and says what to read. `span` is asked once per frame; pieces whose frame has none are left out
/// and returned second.
pub(crate) fn plan(
    pieces: &mut [Piece],
    mut span: impl FnMut(&Piece) -> Option<Span>,
) -> (Vec<Fetch>, Vec<Range<usize>>) {
    pieces.sort_unstable_by_key(|piece| (piece.spot, piece.file, piece.at));
    let (mut fetches, mut lost) = (Vec::<Fetch>::new(), Vec::new());
    let mut from = 0;
    let frames = pieces.chunk_by(|a, b| (a.spot.pack, a.spot.frame) == (b.spot.pack, b.spot.frame));
    for frame in frames {
        let range = from..from + frame.len();
        from = range.end;
        let Some(first) = frame.first() else { continue };
        let Some(span) = span(first) else {
            lost.push(range);
            continue;
        };
        match fetches.last_mut() {
            Some(last) if joins(last, first.spot.pack, span, range.end) => {
                last.len = usize::try_from(span.end() - last.offset).unwrap_or(usize::MAX);
                last.frames.push((span, range));
            }
            _ => fetches.push(Fetch {
                pack: first.spot.pack,
                offset: span.offset,
                len: span.len as usize,
                frames: vec![(span, range)],
            }),
        }
    }
    (fetches, lost)
}

fn joins(last: &Fetch, pack: u32, span: Span, to: usize) -> bool {
    let end = last.offset + last.len as u64;
    let from = last.frames.first().map_or(0, |(_, range)| range.start);
    last.pack == pack
        && span.offset >= end
        && span.offset - end <= GAP
        && span.end() - last.offset <= LONGEST
        && to - from <= PIECES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(pack: u32, frame: u32, slot: u32, file: u32) -> Piece {
        Piece {
            spot: Spot { pack, frame, slot },
            file,
            len: 10,
            at: u64::from(slot) * 10,
            id: ChunkId::from_bytes([frame as u8; 32]),
        }
    }

    /// Frames of 1000 bytes one behind the other.
    fn dense(piece: &Piece) -> Option<Span> {
        Some(Span {
            offset: u64::from(piece.spot.frame) * 1000,
            len: 1000,
        })
    }

    #[test]
    fn neighbours_are_read_together_and_every_frame_once() {
        let mut pieces = [
            piece(1, 5, 0, 0),
            piece(0, 1, 1, 1),
            piece(0, 0, 0, 2),
            piece(0, 1, 0, 1),
            piece(0, 1, 0, 3),
            piece(1, 500, 0, 0),
        ];
        let (fetches, lost) = plan(&mut pieces, dense);
        assert_eq!(lost, []);
        let seen: Vec<_> = fetches
            .iter()
            .map(|f| (f.pack, f.offset, f.len, f.frames.len()))
            .collect();
        assert_eq!(
            seen,
            [(0, 0, 2000, 2), (1, 5000, 1000, 1), (1, 500_000, 1000, 1)]
        );
        assert_eq!(fetches[0].frames[1].1, 1..4);
        assert!(pieces.is_sorted_by_key(|piece| piece.spot));
    }

    #[test]
    fn a_request_has_a_longest_length_and_a_small_gap_is_read_over() {
        let long = |piece: &Piece| {
            Some(Span {
                offset: u64::from(piece.spot.frame) * (1 << 20),
                len: 1 << 20,
            })
        };
        let mut pieces: Vec<_> = (0..10).map(|frame| piece(0, frame, 0, 0)).collect();
        let (fetches, _) = plan(&mut pieces, long);
        assert_eq!(
            fetches.iter().map(|f| f.len >> 20).collect::<Vec<_>>(),
            [4, 4, 2]
        );
        let mut pieces = [piece(0, 0, 0, 0), piece(0, 50, 0, 0), piece(0, 300, 0, 0)];
        let (fetches, _) = plan(&mut pieces, dense);
        assert_eq!(
            fetches.iter().map(|f| f.frames.len()).collect::<Vec<_>>(),
            [2, 1]
        );
    }

    #[test]
    fn what_lies_nowhere_is_said_and_tiny_files_are_shared_out() {
        let mut pieces: Vec<_> = (0..3).map(|frame| piece(0, frame, 0, 0)).collect();
        let (fetches, lost) = plan(&mut pieces, |piece| {
            dense(piece).filter(|_| piece.spot.frame != 1)
        });
        assert_eq!((fetches.len(), lost.len()), (1, 1));
        assert_eq!(lost.first(), Some(&(1..2)));
        let mut pieces: Vec<_> = (0..40)
            .flat_map(|frame| (0..100).map(move |slot| piece(0, frame, slot, slot)))
            .collect();
        let (fetches, _) = plan(&mut pieces, dense);
        assert_eq!(fetches.len(), 2);
        // An offset from a foreign index cannot run over the end of numbers.
        let mut pieces = [piece(0, 0, 0, 0), piece(0, 1, 0, 0)];
        let (fetches, _) = plan(&mut pieces, |p| {
            Some(Span {
                offset: if p.spot.frame == 0 { 9000 } else { 0 },
                len: 5,
            })
        });
        assert_eq!(fetches.len(), 2);
    }
}
