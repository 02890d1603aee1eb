//! What a snapshot needs: every chunk of its lists and files, each list read once however many snapshots share it.

use std::collections::{BTreeSet, HashSet};

use crate::format::tree::Names;
use crate::index::PackName;
use crate::inner::Inner;
use crate::{ChunkId, Error, Node, Segment, Segments, Snapshot, Watch, deep};

/// Walks trees; remembers the lists it has seen.
pub(crate) struct Needs<'a> {
    vault: &'a Inner,
    watch: &'a Watch,
    seen: HashSet<[u8; 16]>,
}

impl<'a> Needs<'a> {
    pub(crate) fn new(vault: &'a Inner, watch: &'a Watch) -> Needs<'a> {
        Needs {
            vault,
            watch,
            seen: HashSet::new(),
        }
    }

    /// Tells `each` of every chunk that the snapshot needs and that was not told before (some twice). Stops when `each`
    /// says no, and then is false.
    pub(crate) fn walk(
        &mut self,
        snapshot: &Snapshot,
        each: &mut dyn FnMut(&ChunkId) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        self.list(&snapshot.tree, Names::Roots, each, 0)
    }

    fn list(
        &mut self,
        parts: &[(ChunkId, u32)],
        names: Names,
        each: &mut dyn FnMut(&ChunkId) -> Result<bool, Error>,
        depth: usize,
    ) -> Result<bool, Error> {
        if self.watch.is_cancelled() {
            return Err(Error::Cancelled);
        }
        if !self.seen.insert(name_of(parts)) || depth > deep::LEVELS {
            return Ok(true);
        }
        for (id, _) in parts {
            if !each(id)? {
                return Ok(false);
            }
        }
        for node in self.vault.entries(parts, b"", names)? {
            if !self.file(&node, each)? {
                return Ok(false);
            }
            if node.is_dir() && !self.list(&node.subtree, Names::Plain, each, depth + 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn file(
        &mut self,
        node: &Node,
        each: &mut dyn FnMut(&ChunkId) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        let mut all = |segments: &[Segment]| -> Result<bool, Error> {
            for segment in segments {
                if let Segment::Chunk { id, .. } = segment
                    && !each(id)?
                {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        if let Segments::Inline(segments) = &node.segments {
            return all(segments);
        }
        for part in node.segments.parts() {
            if !self.seen.insert(name_of(&[(part.id, 0)])) {
                continue;
            }
            let listed = self.vault.segment_part(part)?;
            let itself = Segment::Chunk {
                id: part.id,
                len: 0,
            };
            if !all(&[itself])? || !all(&listed)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A list is made of parts; equal parts are equal lists.
fn name_of(parts: &[(ChunkId, u32)]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for (id, _) in parts {
        hasher.update(id.as_bytes());
    }
    let mut name = [0; 16];
    name.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    name
}

impl Inner {
    /// Whether every chunk of the snapshot lies in a pack that is none of those.
    pub(crate) fn holds(
        &self,
        snapshot: &Snapshot,
        without: &BTreeSet<PackName>,
    ) -> Result<bool, Error> {
        self.refresh()?;
        let watch = Watch::new();
        let mut needs = Needs::new(self, &watch);
        needs.walk(snapshot, &mut |id| {
            let place = self.index().get(id);
            Ok(place.is_some_and(|place| !without.contains(&place.pack)))
        })
    }
}
