//! A folder's list as the parent snapshot has it, and as the new one will: both are held as the bytes they are stored in but
//! for a few entries, so that a folder of a million files takes the memory of its names.

use crate::format::list::{Encoder, Entries};
use crate::format::tree::Names;
use crate::inner::Inner;
use crate::{ChunkId, Node};

/// Entries decoded before anybody asks.
pub(crate) const AT_ONCE: usize = 16 * 1024;
/// New entries held until they are written down: most folders stay as they were, and are not written at all.
const HELD: usize = 4 * 1024;

/// The parent snapshot's list.
#[derive(Default)]
pub(crate) struct OldList {
    first: Vec<Node>,
    /// What follows is sound: it was read through once.
    rest: Option<Entries<Vec<u8>>>,
    /// Names and lists of folders among what follows.
    folders: Vec<Subfolder>,
}

type Parts = Vec<(ChunkId, u32)>;
type Subfolder = (Vec<u8>, Parts);

impl OldList {
    /// `None`: it cannot be read, which costs reading the files again, nothing else.
    pub(crate) fn read(vault: &Inner, parts: &[(ChunkId, u32)], path: &[u8]) -> Option<OldList> {
        OldList::of(vault.list(parts).ok()?, path)
    }

    fn of(bytes: Vec<u8>, path: &[u8]) -> Option<OldList> {
        let mut entries = Entries::new(bytes, path, Names::Plain).ok()?;
        let first = entries.by_ref().take(AT_ONCE).collect::<Result<_, _>>();
        let mut list = OldList {
            first: first.ok()?,
            ..OldList::default()
        };
        if entries.left() == 0 {
            return Some(list);
        }
        for node in entries.again() {
            let node = node.ok()?;
            if node.is_dir() {
                list.folders.push((node.name, node.subtree));
            }
        }
        list.rest = Some(entries);
        Some(list)
    }

    /// The list of a folder in it.
    pub(crate) fn subtree(&self, name: &[u8]) -> Parts {
        let first = self.first.binary_search_by(|node| node.name[..].cmp(name));
        if let Some(node) = first.ok().and_then(|at| self.first.get(at)) {
            return node.subtree.clone();
        }
        let at = self.folders.binary_search_by(|(of, _)| of[..].cmp(name));
        let folder = at.ok().and_then(|at| self.folders.get(at));
        folder.map_or_else(Vec::new, |(_, parts)| parts.clone())
    }

    /// Its first entries, at most [`AT_ONCE`].
    pub(crate) fn first(&self) -> &[Node] {
        &self.first
    }

    /// All of them, in order.
    pub(crate) fn into_nodes(self) -> impl Iterator<Item = Node> {
        let rest = self.rest.into_iter().flatten();
        self.first.into_iter().chain(rest.filter_map(Result::ok))
    }
}

/// The new snapshot's list.
#[derive(Default)]
pub(crate) struct NewList {
    held: Vec<Node>,
    written: Option<Encoder>,
}

impl NewList {
    /// For about so many entries.
    pub(crate) fn with_room(entries: usize) -> NewList {
        NewList {
            held: Vec::with_capacity(entries.min(HELD)),
            written: None,
        }
    }

    /// The next entry, in the order of names.
    pub(crate) fn push(&mut self, node: Node) {
        self.held.push(node);
        if self.held.len() >= HELD {
            self.write();
        }
    }

    fn write(&mut self) -> &mut Encoder {
        let held = std::mem::take(&mut self.held);
        let list = self
            .written
            .get_or_insert_with(|| Encoder::with_room(held.len()));
        held.iter().for_each(|node| list.push(node, &node.name));
        list
    }

    /// As it is stored.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.write();
        self.written.map(Encoder::finish).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NodeKind;
    use crate::format::tree::{self, tests::node};

    /// Every fifth one is a folder.
    fn nodes(count: usize) -> Vec<Node> {
        let named = |n: usize| {
            let folder = n.is_multiple_of(5);
            let kind = if folder {
                NodeKind::Dir
            } else {
                NodeKind::Fifo
            };
            let mut node = node(format!("{n:06}").as_bytes(), kind);
            if folder {
                node.subtree = vec![(ChunkId::from_bytes([n as u8; 32]), 1 + n as u32)];
            }
            node
        };
        (0..count).map(named).collect()
    }

    #[test]
    fn a_list_of_any_length_is_written_and_read_again() {
        for count in [0, 1, HELD, HELD + 1, AT_ONCE, AT_ONCE + 7, 3 * AT_ONCE] {
            let nodes = nodes(count);
            let mut new = NewList::with_room(count);
            nodes.iter().cloned().for_each(|node| new.push(node));
            let bytes = new.finish();
            assert!(bytes == tree::encode(&nodes, |node| &node.name), "{count}");
            let old = OldList::of(bytes, b"/r").unwrap();
            assert_eq!(old.first(), &nodes[..count.min(AT_ONCE)]);
            for node in nodes.iter().step_by(61) {
                assert_eq!(old.subtree(&node.name), node.subtree, "{:?}", node.name);
            }
            assert_eq!(old.subtree(b"other"), []);
            assert!(old.into_nodes().eq(nodes), "{count}");
        }
    }

    #[test]
    fn a_list_that_is_damaged_anywhere_is_none() {
        let bytes = tree::encode(&nodes(AT_ONCE + 100), |node| &node.name);
        assert!(OldList::of(bytes[..bytes.len() - 1].to_vec(), b"/r").is_none());
        assert!(OldList::of([&bytes[..], b"x"].concat(), b"/r").is_none());
    }
}
