//! One file of a walk: known from the parent snapshot, or read.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering;

use rustix::fs::{FileType, Stat};

use crate::ChunkId;
use crate::content::{Failed, Stored};
use crate::known::{is_same_content, is_same_entry, is_unmoved, size_of};
use crate::node::{Node, NodeKind, Segment, Segments};
use crate::paged;
use crate::session::Session;
use crate::source::{self, Extent, FILE, Stretch};
use crate::walk::{Here, Kept, Linked, Store, Walk};
use crate::writer::Chunking;

/// Files up to this size are read once more when they changed while being read.
const READ_AGAIN_BYTES: u64 = 64 * 1024 * 1024;
/// Files up to this size are not looked at again before they are read: reading them once more is as cheap.
const SMALL_BYTES: u64 = 64 * 1024;

/// What is known of a file before it is read.
enum Found {
    Known(Kept),
    /// What the parent snapshot has of it.
    ToRead(Option<Node>),
}

impl Walk<'_> {
    pub(crate) fn file(
        &mut self,
        here: &Here<'_>,
        name: Vec<u8>,
        seen: &Stat,
        old: Option<Node>,
    ) -> Result<Kept, Failed> {
        let was_there = old.is_some();
        let kept = match self.known(here, &name, seen, old) {
            Found::Known(kept) => {
                let bytes = &self.watch.bytes_done;
                bytes.fetch_add(kept.node.size, Ordering::Relaxed);
                kept
            }
            Found::ToRead(old) if self.store.is_some() => {
                Kept::new(self.read(here, &name, seen)?, old)
            }
            Found::ToRead(_) => {
                let mut node = source::node(&name, &here.path_of(&name), NodeKind::File, seen);
                node.size = size_of(seen);
                Kept { node, same: false }
            }
        };
        self.remember(&kept.node);
        self.count(was_there, &kept);
        Ok(kept)
    }

    /// The file without reading it: another name of one that was saved, or unchanged.
    fn known(&mut self, here: &Here<'_>, name: &[u8], seen: &Stat, old: Option<Node>) -> Found {
        let fresh = |from: &Node| Node {
            size: from.size,
            content_hash: from.content_hash,
            segments: from.segments.clone(),
            xattrs: from.xattrs.clone(),
            ..source::node(name, &here.path_of(name), NodeKind::File, seen)
        };
        if seen.st_nlink > 1
            && let Some(first) = self.linked.get(&(seen.st_dev, seen.st_ino))
            && is_same_content(&first.node, seen, false)
        {
            return Found::Known(Kept::new(fresh(&first.node), old));
        }
        let Some(old) = old else {
            return Found::ToRead(None);
        };
        let same = is_same_content(&old, seen, self.any_inode());
        if !same || !self.settled.is(&old, seen, here.folder.as_fd()) {
            return Found::ToRead(Some(old));
        }
        // What was damaged meanwhile is stored again.
        if !self.holds(&old) {
            return Found::ToRead(Some(old));
        }
        if is_same_entry(&old, seen, self.any_inode()) {
            return Found::Known(Kept {
                node: old,
                same: true,
            });
        }
        Found::Known(Kept {
            node: fresh(&old),
            same: false,
        })
    }

    /// Whether the vault holds all of the file. A list of stretches that cannot be read costs reading the file again.
    fn holds(&mut self, old: &Node) -> bool {
        let chunk = |segment: &Segment| match segment {
            Segment::Chunk { id, .. } => Some(*id),
            Segment::Hole { .. } => None,
        };
        let vault = self.vault;
        match &old.segments {
            Segments::Inline(segments) => segments.iter().filter_map(chunk).all(|id| self.has(&id)),
            Segments::Listed(parts) => {
                parts.iter().all(|part| self.has(&part.id))
                    && vault.segments(old).all(|segment| {
                        segment.is_ok_and(|segment| chunk(&segment).is_none_or(|id| self.has(&id)))
                    })
            }
        }
    }

    fn remember(&mut self, node: &Node) {
        if node.links < 2 {
            return;
        }
        let key = (node.device, node.inode);
        let linked = self.linked.entry(key).or_insert_with(|| Linked {
            node: node.clone(),
            left: node.links,
        });
        linked.left = linked.left.saturating_sub(1);
        if linked.left == 0 {
            self.linked.remove(&key);
        }
    }

    fn read(&mut self, here: &Here<'_>, name: &[u8], seen: &Stat) -> Result<Node, Failed> {
        let file = source::open_quietly(here.folder.as_fd(), name, FILE).map_err(Failed::Read)?;
        let look = || rustix::fs::fstat(&file).map_err(|error| Failed::Read(error.into()));
        let is_small = size_of(seen) <= SMALL_BYTES;
        let mut stat = if is_small { *seen } else { look()? };
        let mut again = 1 + u8::from(is_small);
        loop {
            if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                return Err(Failed::Read(io::Error::other(
                    "it became another kind of file; it is saved by the next run",
                )));
            }
            let path = here.path_of(name);
            let mut node = source::node(name, &path, NodeKind::File, &stat);
            node.xattrs = source::xattrs(file.as_fd()).map_err(Failed::Read)?;
            let stored = self.content_of(&file, &node, &stat)?;
            let (size, after) = (stored.size, look()?);
            let same = size == size_of(&stat) && is_unmoved(&stat, &after);
            if !same && again > 0 && size_of(&after) <= READ_AGAIN_BYTES {
                stat = after;
                again -= 1;
                continue;
            }
            if !same {
                self.problem(
                    &path,
                    "changed while it was read; what was read is kept and may mix two states",
                );
                // Never taken for unchanged by the next run.
                (node.ctime_s, node.ctime_ns) = (-1, 1);
            }
            node.size = size;
            if let Some(Store { session, .. }) = &mut self.store {
                (node.segments, node.content_hash) = stored.finish(session, self.watch)?;
            }
            return Ok(node);
        }
    }

    fn content_of(&mut self, file: &OwnedFd, node: &Node, stat: &Stat) -> Result<Stored, Failed> {
        let mut stored = Stored::default();
        let Some(Store { session, content }) = &mut self.store else {
            return Ok(stored);
        };
        let (watch, size) = (self.watch, size_of(stat));
        let fixed = self.vault.keys.cuts().fixed;
        let chunking = chunking_of(file, &node.name, size, fixed).map_err(Failed::Read)?;
        let is_plain = size <= SMALL_BYTES && node.xattrs.is_empty();
        let extents = match is_plain && source::is_full(stat) {
            true => vec![Extent {
                start: 0,
                end: size,
            }],
            false => source::extents(file.as_fd(), stat).map_err(Failed::Read)?,
        };
        for extent in extents {
            let hole = extent.start.saturating_sub(stored.size);
            self.watch.bytes_done.fetch_add(hole, Ordering::Relaxed);
            stored.hole(session, hole, watch)?;
            for part in aligned(extent, chunking) {
                let mut stretch = Stretch::new(file, part);
                let each = |session: &mut Session, id: ChunkId, plain: &[u8]| {
                    stored.chunk(session, id, plain, watch)
                };
                content.store(session, &mut stretch, chunking, watch, each)?;
                if stretch.at() < part.end {
                    return Ok(stored);
                }
            }
        }
        let hole = size.saturating_sub(stored.size);
        self.watch.bytes_done.fetch_add(hole, Ordering::Relaxed);
        stored.hole(session, hole, watch)?;
        Ok(stored)
    }
}

/// `fixed`: chunks of files that are written in place.
fn chunking_of(file: &OwnedFd, name: &[u8], size: u64, fixed: u32) -> io::Result<Chunking> {
    if size < paged::LEAST_BYTES {
        return Ok(Chunking::Cdc);
    }
    let mut head = [0; paged::HEAD_BYTES];
    let len = rustix::io::pread(file, &mut head, 0)?;
    Ok(match paged::is_paged(name, &head[..len], size) {
        true => Chunking::Fixed(fixed),
        false => Chunking::Cdc,
    })
}

/// Fixed cuts lie at the same places of the file wherever its holes are: what comes before the first is a part of its own.
fn aligned(extent: Extent, chunking: Chunking) -> impl Iterator<Item = Extent> {
    let Extent { start, end } = extent;
    let middle = match chunking {
        Chunking::Cdc => start,
        Chunking::Fixed(len) => start.next_multiple_of(u64::from(len).max(1)).min(end),
    };
    [(start, middle), (middle, end)]
        .into_iter()
        .filter(|(start, end)| start < end)
        .map(|(start, end)| Extent { start, end })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_cuts_do_not_move_with_the_holes() {
        let parts = |start, end, chunking| {
            let extent = Extent { start, end };
            let parts = aligned(extent, chunking);
            parts.map(|part| (part.start, part.end)).collect::<Vec<_>>()
        };
        assert_eq!(parts(4096, 99_999, Chunking::Cdc), [(4096, 99_999)]);
        let fixed = Chunking::Fixed(16_384);
        assert_eq!(parts(0, 99_999, fixed), [(0, 99_999)]);
        assert_eq!(
            parts(4096, 99_999, fixed),
            [(4096, 16_384), (16_384, 99_999)]
        );
        assert_eq!(parts(4096, 8192, fixed), [(4096, 8192)]);
        assert_eq!(parts(0, 0, fixed), []);
    }
}
