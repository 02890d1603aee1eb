//! A folder's list, written and read entry by entry: of a folder of a million files only the bytes are held.

use super::Bad;
use super::bytes::{Cursor, Put};
use super::tree::{Before, NODE_LEAST, Names, VERSION, decode_node, encode_node, place, shared};
use crate::node::Node;

/// Room before the entries: the version, and their count, which is known last.
const HEAD: usize = 11;
/// What an entry of a small file takes, and some more.
const ENTRY_BYTES: usize = 80;

/// Writes the list of a folder.
pub(crate) struct Encoder {
    out: Vec<u8>,
    count: u64,
    before: Before,
}

impl Encoder {
    /// For about so many entries.
    pub(crate) fn with_room(entries: usize) -> Encoder {
        let mut out = Vec::with_capacity(HEAD + entries.saturating_mul(ENTRY_BYTES));
        out.resize(HEAD, 0);
        Encoder {
            out,
            count: 0,
            before: Before::default(),
        }
    }

    /// The next entry, in the order of names. `name`s of roots are whole paths.
    pub(crate) fn push(&mut self, node: &Node, name: &[u8]) {
        encode_node(&mut self.out, node, name, &mut self.before);
        self.count += 1;
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let mut head = vec![VERSION];
        head.put_varint(self.count);
        self.out.splice(..HEAD, head);
        self.out
    }
}

/// Reads a folder list; ends after the first error.
#[derive(Clone)]
pub(crate) struct Entries<B> {
    bytes: B,
    /// How far it was read.
    at: usize,
    left: usize,
    is_first: bool,
    parent: Vec<u8>,
    names: Names,
    before: Before,
    /// The names that were read last.
    stored: Vec<u8>,
    last: Vec<u8>,
}

impl<B: AsRef<[u8]>> Entries<B> {
    /// `parent` is the path the entries lie in.
    pub(crate) fn new(bytes: B, parent: &[u8], names: Names) -> Result<Entries<B>, Bad> {
        let whole = bytes.as_ref();
        let mut cursor = Cursor::new(whole);
        let version = cursor.u8()?;
        if version != VERSION {
            return Err(Bad::Newer(u32::from(version)));
        }
        let left = cursor.varint_count(NODE_LEAST)?;
        let at = whole.len() - cursor.len();
        if left == 0 {
            cursor.end()?;
        }
        Ok(Entries {
            bytes,
            at,
            left,
            is_first: true,
            parent: parent.to_vec(),
            names,
            before: Before::default(),
            stored: Vec::new(),
            last: Vec::new(),
        })
    }

    /// Entries not read yet.
    pub(crate) fn left(&self) -> usize {
        self.left
    }

    /// The same entries once more, from here on.
    pub(crate) fn again(&self) -> Entries<&[u8]> {
        Entries {
            bytes: self.bytes.as_ref(),
            at: self.at,
            left: self.left,
            is_first: self.is_first,
            parent: self.parent.clone(),
            names: self.names,
            before: self.before.clone(),
            stored: self.stored.clone(),
            last: Vec::new(),
        }
    }

    fn read(&mut self) -> Result<Node, Bad> {
        let rest = self.bytes.as_ref().get(self.at..).ok_or(Bad::Short)?;
        let mut cursor = Cursor::new(rest);
        let flags = cursor.u8()?;
        let same = usize::try_from(cursor.varint()?).map_err(|_| Bad::Value("name"))?;
        let suffix = cursor.short_blob()?;
        let (stored, last) = (&mut self.stored, &mut self.last);
        std::mem::swap(stored, last);
        stored.clear();
        stored.extend_from_slice(last.get(..same).ok_or(Bad::Value("name"))?);
        stored.extend_from_slice(suffix);
        let (name, path) = place(stored, &self.parent, self.names)?;
        if !self.is_first && last >= stored {
            return Err(Bad::Value("order of names"));
        }
        if shared(last, stored) != same {
            return Err(Bad::Value("name"));
        }
        let node = decode_node(&mut cursor, flags, &mut self.before, name, path)?;
        self.at += rest.len() - cursor.len();
        self.is_first = false;
        self.left -= 1;
        if self.left == 0 {
            cursor.end()?;
        }
        Ok(node)
    }
}

impl<B: AsRef<[u8]>> Iterator for Entries<B> {
    type Item = Result<Node, Bad>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let read = self.read();
        if read.is_err() {
            self.left = 0;
        }
        Some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tree::tests::node;
    use crate::node::NodeKind;

    #[test]
    fn entries_are_read_from_any_place_as_from_the_first() {
        let nodes: Vec<Node> = (0..50)
            .map(|n| node(format!("a{n:03}").as_bytes(), NodeKind::Fifo))
            .collect();
        let mut list = Encoder::with_room(0);
        nodes.iter().for_each(|node| list.push(node, &node.name));
        let bytes = list.finish();
        for from in [0, 1, 30, 50] {
            let mut entries = Entries::new(&bytes, b"/r", Names::Plain).unwrap();
            let first: Vec<Node> = entries.by_ref().take(from).map(Result::unwrap).collect();
            assert_eq!(
                (first.as_slice(), entries.left()),
                (&nodes[..from], 50 - from)
            );
            let again: Vec<Node> = entries.again().map(Result::unwrap).collect();
            assert_eq!(again, nodes[from..]);
            let rest: Vec<Node> = entries.map(Result::unwrap).collect();
            assert_eq!(rest, nodes[from..]);
        }
    }

    #[test]
    fn a_list_ends_with_its_first_error() {
        let nodes = [b"a", b"b", b"c"].map(|name| node(name, NodeKind::Fifo));
        let mut list = Encoder::with_room(3);
        nodes.iter().for_each(|node| list.push(node, &node.name));
        let bytes = list.finish();
        let cut = Entries::new(&bytes[..bytes.len() - 1], b"/r", Names::Plain).unwrap();
        let read: Vec<bool> = cut.map(|entry| entry.is_ok()).collect();
        assert_eq!(read, [true, true, false]);
        let longer = [&bytes[..], b"x"].concat();
        let read = Entries::new(&longer, b"/r", Names::Plain).unwrap();
        assert_eq!(read.filter(|entry| entry.is_err()).count(), 1);
    }
}
