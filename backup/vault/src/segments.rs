//! The stretches of a file, one after the other, whether its folder's list holds them or chunks of their own do.

use crate::format::segments;
use crate::inner::Inner;
use crate::problem::show;
use crate::{ChunkId, Error, Node, Segment, SegmentPart, Segments};

/// More stretches than this are listed in chunks of their own.
const INLINE: usize = 512;
/// Stretches in such a chunk: where it ends is decided by the names of the chunks it lists, so that what is inserted into a
/// file changes only the lists around it.
const PART_LEAST: usize = 128;
const PART_MOST: usize = 2048;
const PART_MEAN: u16 = 512;

/// Walks through a file's stretches; holds one list at a time.
#[derive(Clone, Default)]
pub(crate) struct SegmentCursor {
    segments: Segments,
    /// The next list to load.
    part: usize,
    loaded: Vec<Segment>,
    next: usize,
}

impl SegmentCursor {
    pub(crate) fn new(node: &Node) -> SegmentCursor {
        let (segments, loaded) = match &node.segments {
            Segments::Inline(all) => (Segments::default(), all.clone()),
            listed => (listed.clone(), Vec::new()),
        };
        SegmentCursor {
            segments,
            part: 0,
            loaded,
            next: 0,
        }
    }

    pub(crate) fn next(&mut self, vault: &Inner) -> Result<Option<Segment>, Error> {
        while self.next >= self.loaded.len() {
            let Some(part) = self.segments.parts().get(self.part) else {
                return Ok(None);
            };
            self.loaded = vault.segment_part(part)?;
            (self.part, self.next) = (self.part + 1, 0);
        }
        let segment = self.loaded.get(self.next).copied();
        self.next += 1;
        Ok(segment)
    }

    /// From the start: passes over what lies before `offset` without loading it. What is returned is how far into the next
    /// stretch `offset` lies.
    pub(crate) fn seek(
        mut self,
        vault: &Inner,
        offset: u64,
    ) -> Result<(SegmentCursor, u64), Error> {
        let mut left = offset;
        while let Some(part) = self.segments.parts().get(self.part)
            && part.bytes <= left
        {
            left -= part.bytes;
            self.part += 1;
        }
        loop {
            match self.next(vault)? {
                Some(segment) if segment.len() <= left => left -= segment.len(),
                Some(_) => {
                    // The stretch is given out again.
                    self.next -= 1;
                    return Ok((self, left));
                }
                None => return Ok((self, 0)),
            }
        }
    }
}

/// The stretches of one file. After an error there are no more.
pub struct SegmentReader<'a> {
    vault: &'a Inner,
    cursor: Option<SegmentCursor>,
}

impl<'a> SegmentReader<'a> {
    pub(crate) fn new(vault: &'a Inner, node: &Node) -> SegmentReader<'a> {
        SegmentReader {
            vault,
            cursor: Some(SegmentCursor::new(node)),
        }
    }
}

impl Iterator for SegmentReader<'_> {
    type Item = Result<Segment, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.cursor.as_mut()?.next(self.vault);
        if next.is_err() {
            self.cursor = None;
        }
        next.transpose()
    }
}

impl Inner {
    pub(crate) fn segments(&self, node: &Node) -> SegmentReader<'_> {
        SegmentReader::new(self, node)
    }

    pub(crate) fn segment_part(&self, part: &SegmentPart) -> Result<Vec<Segment>, Error> {
        let plain = self.chunk(&part.id)?;
        segments::decode_part(&plain, part).map_err(|bad| Error::Damaged {
            object: format!(
                "the list of a file's parts in chunk {}",
                show(&part.id.as_bytes()[..4])
            ),
            what: bad.to_string(),
        })
    }
}

/// Collects the stretches of a file being stored. Memory is bounded by the lists that are full having been stored.
#[derive(Default)]
pub(crate) struct SegmentList {
    pending: Vec<Segment>,
    /// Of `pending`, looked at for an end of a list.
    seen: usize,
    parts: Vec<SegmentPart>,
}

impl SegmentList {
    /// `store` is given full lists to be stored as chunks of a tree pack.
    pub(crate) fn push<E>(
        &mut self,
        segment: Segment,
        store: impl FnMut(Vec<u8>) -> Result<ChunkId, E>,
    ) -> Result<(), E> {
        if let (Segment::Hole { len }, Some(Segment::Hole { len: last })) =
            (segment, self.pending.last_mut())
        {
            *last = last.saturating_add(len);
            return Ok(());
        }
        if segment.is_empty() {
            return Ok(());
        }
        self.pending.push(segment);
        if self.parts.is_empty() && self.pending.len() <= INLINE {
            return Ok(());
        }
        self.cut(store)
    }

    /// Stores every list that has an end. The last stretch may still grow.
    fn cut<E>(&mut self, mut store: impl FnMut(Vec<u8>) -> Result<ChunkId, E>) -> Result<(), E> {
        while self.seen + 1 < self.pending.len() {
            let ends = self.pending.get(self.seen).is_some_and(is_end);
            self.seen += 1;
            if (ends && self.seen >= PART_LEAST) || self.seen >= PART_MOST {
                self.store_first(self.seen, &mut store)?;
                self.seen = 0;
            }
        }
        Ok(())
    }

    fn store_first<E>(
        &mut self,
        count: usize,
        mut store: impl FnMut(Vec<u8>) -> Result<ChunkId, E>,
    ) -> Result<(), E> {
        let part = self.pending.get(..count).unwrap_or_default();
        let bytes = segments::encode_part(part);
        let len = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let (count_u32, encoded) = (len(part.len()), len(bytes.len()));
        let hole = |segment: &Segment| match segment {
            Segment::Hole { len } => *len,
            Segment::Chunk { .. } => 0,
        };
        let holes = part.iter().map(hole).fold(0, u64::saturating_add);
        let covered = part.iter().map(Segment::len).fold(0, u64::saturating_add);
        self.parts.push(SegmentPart {
            id: store(bytes)?,
            len: encoded,
            count: count_u32,
            bytes: covered,
            holes,
        });
        self.pending.drain(..count.min(self.pending.len()));
        Ok(())
    }

    pub(crate) fn finish<E>(
        mut self,
        mut store: impl FnMut(Vec<u8>) -> Result<ChunkId, E>,
    ) -> Result<Segments, E> {
        if self.parts.is_empty() && self.pending.len() <= INLINE {
            return Ok(Segments::Inline(self.pending));
        }
        self.cut(&mut store)?;
        if !self.pending.is_empty() {
            self.store_first(self.pending.len(), &mut store)?;
        }
        Ok(Segments::Listed(self.parts))
    }
}

fn is_end(segment: &Segment) -> bool {
    match segment {
        Segment::Chunk { id, .. } => {
            let [a, b, ..] = *id.as_bytes();
            u16::from_le_bytes([a, b]).is_multiple_of(PART_MEAN)
        }
        Segment::Hole { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::convert::Infallible;

    fn chunk(n: u32) -> Segment {
        let id = *blake3::hash(&n.to_le_bytes()).as_bytes();
        Segment::Chunk {
            id: ChunkId::from_bytes(id),
            len: 1 + n % 4096,
        }
    }

    fn list(segments: &[Segment]) -> (Segments, HashMap<ChunkId, Vec<u8>>) {
        let (mut list, mut stored) = (SegmentList::default(), HashMap::new());
        let mut store = |bytes: Vec<u8>| -> Result<ChunkId, Infallible> {
            let id = ChunkId::from_bytes(*blake3::hash(&bytes).as_bytes());
            stored.insert(id, bytes);
            Ok(id)
        };
        for segment in segments {
            list.push(*segment, &mut store).unwrap();
            assert!(list.pending.len() <= PART_MOST + 1, "memory is bounded");
        }
        let segments = list.finish(&mut store).unwrap();
        (segments, stored)
    }

    #[test]
    fn few_stretches_stay_in_the_folders_list_and_holes_join() {
        let hole = Segment::Hole { len: 10 };
        let (segments, stored) = list(&[hole, hole, chunk(1), hole, Segment::Hole { len: 0 }]);
        let joined = vec![Segment::Hole { len: 20 }, chunk(1), hole];
        assert_eq!(segments, Segments::Inline(joined));
        assert!(stored.is_empty());
        let all: Vec<_> = (0..INLINE as u32).map(chunk).collect();
        assert_eq!(list(&all).0, Segments::Inline(all));
        // None of these ends a list.
        let same = |_| Segment::Chunk {
            id: ChunkId::from_bytes([1; 32]),
            len: 5,
        };
        let all: Vec<_> = (0..=INLINE).map(same).collect();
        assert_eq!(list(&all).0.parts().len(), 1);
    }

    #[test]
    fn many_stretches_are_listed_in_parts_and_an_insertion_changes_few_of_them() {
        let mut all: Vec<_> = (0..100_000).map(chunk).collect();
        all.insert(70_000, Segment::Hole { len: 1 << 40 });
        let (segments, stored) = list(&all);
        assert_eq!(segments.count(), all.len() as u64);
        assert_eq!(segments.hole_bytes(), 1 << 40);
        assert_eq!(segments.bytes(), Some(all.iter().map(Segment::len).sum()));
        let mut found = Vec::new();
        for part in segments.parts() {
            let bytes = &stored[&part.id];
            assert_eq!(bytes.len(), part.len as usize);
            found.extend(segments::decode_part(bytes, part).unwrap());
        }
        assert_eq!(found, all);
        let parts = segments.parts().len();
        assert!((100..400).contains(&parts), "{parts} parts");
        all.insert(50_000, chunk(1_000_000));
        let (_, after) = list(&all);
        let new = after.keys().filter(|id| !stored.contains_key(id)).count();
        assert!(new <= 3, "{new} new lists");
    }
}
