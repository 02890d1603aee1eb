//! The list of entries of one folder; [`super::list`] writes and reads it entry by entry.

use super::bytes::{Cursor, Put};
use super::frame::MAX_CHUNK;
use super::list::{Encoder, Entries};
use super::times::{self, Nanos};
use super::{Bad, segments};
use crate::ChunkId;
use crate::node::{Node, NodeKind, Segments, Xattr};

pub(super) const VERSION: u8 = 1;
/// Bytes an entry takes at least.
pub(super) const NODE_LEAST: usize = 8;

/// Which parts of an entry are there, and what it is.
mod flags {
    pub(super) const KIND: u8 = 0b0000_0111;
    /// Mode, owner and group differ from the entry before.
    pub(super) const OWNER: u8 = 0b0000_1000;
    pub(super) const DEVICE: u8 = 0b0001_0000;
    pub(super) const LINKS: u8 = 0b0010_0000;
    pub(super) const XATTRS: u8 = 0b0100_0000;
    pub(super) const HASH: u8 = 0b1000_0000;
}

/// Chunks of a folder list, in order.
pub(crate) fn put_parts(out: &mut Vec<u8>, parts: &[(ChunkId, u32)]) {
    out.put_varint(parts.len() as u64);
    for (id, len) in parts {
        out.extend_from_slice(id.as_bytes());
        out.put_varint(u64::from(*len));
    }
}

pub(crate) fn get_parts(cursor: &mut Cursor<'_>) -> Result<Vec<(ChunkId, u32)>, Bad> {
    let count = cursor.varint_count(33)?;
    let mut parts = Vec::with_capacity(count);
    for _ in 0..count {
        let (id, len) = (ChunkId::from_bytes(cursor.array()?), cursor.varint_u32()?);
        if len == 0 || len > MAX_CHUNK {
            return Err(Bad::Value("chunk length"));
        }
        parts.push((id, len));
    }
    Ok(parts)
}

/// What the next entry is written against: most are alike.
#[derive(Clone, Default)]
pub(super) struct Before {
    name: Vec<u8>,
    owner: (u32, u32, u32),
    device: u64,
    inode: u64,
    mtime: Nanos,
    ctime: Nanos,
    atime: Nanos,
}

pub(super) fn shared(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// The entries of a folder, as stored, sorted by name. `name`s of roots are whole paths.
pub(crate) fn encode(nodes: &[Node], name: impl Fn(&Node) -> &[u8]) -> Vec<u8> {
    let mut list = Encoder::with_room(nodes.len());
    nodes.iter().for_each(|node| list.push(node, name(node)));
    list.finish()
}

pub(super) fn encode_node(out: &mut Vec<u8>, node: &Node, name: &[u8], before: &mut Before) {
    let kind = match node.kind {
        NodeKind::File => 0,
        NodeKind::Dir => 1,
        NodeKind::Symlink { .. } => 2,
        NodeKind::Fifo => 3,
        NodeKind::Socket => 4,
        NodeKind::CharDevice { .. } => 5,
        NodeKind::BlockDevice { .. } => 6,
    };
    let owner = (node.mode, node.uid, node.gid);
    let flag = |there: bool, flag: u8| if there { flag } else { 0 };
    let hash = node.content_hash.filter(|_| node.is_file());
    out.push(
        kind | flag(owner != before.owner, flags::OWNER)
            | flag(node.device != before.device, flags::DEVICE)
            | flag(node.links != 1, flags::LINKS)
            | flag(!node.xattrs.is_empty(), flags::XATTRS)
            | flag(hash.is_some(), flags::HASH),
    );
    let same = shared(&before.name, name);
    out.put_varint(same as u64);
    out.put_short_blob(&name[same..]);
    if owner != before.owner {
        for value in [node.mode, node.uid, node.gid] {
            out.put_varint(u64::from(value));
        }
    }
    if node.device != before.device {
        out.put_varint(node.device);
    }
    out.put_varint_i64(node.inode.wrapping_sub(before.inode).cast_signed());
    if node.links != 1 {
        out.put_varint(u64::from(node.links));
    }
    let mtime = times::nanos(node.mtime_s, node.mtime_ns);
    let ctime = times::nanos(node.ctime_s, node.ctime_ns);
    let atime = times::nanos(node.atime_s, node.atime_ns);
    times::put(out, mtime, &[before.mtime]);
    times::put(out, ctime, &[mtime, before.ctime]);
    times::put(out, atime, &[mtime, ctime, before.atime]);
    if !node.xattrs.is_empty() {
        out.put_varint(node.xattrs.len() as u64);
        for xattr in &node.xattrs {
            out.put_short_blob(&xattr.name);
            out.put_short_blob(&xattr.value);
        }
    }
    match &node.kind {
        NodeKind::File => {
            hash.iter().for_each(|hash| out.extend_from_slice(hash));
            segments::encode(out, &node.segments);
        }
        NodeKind::Dir => put_parts(out, &node.subtree),
        NodeKind::Symlink { target } => out.put_short_blob(target),
        NodeKind::CharDevice { major, minor } | NodeKind::BlockDevice { major, minor } => {
            out.put_varint(u64::from(*major));
            out.put_varint(u64::from(*minor));
        }
        NodeKind::Fifo | NodeKind::Socket => {}
    }
    before.name.clear();
    before.name.extend_from_slice(name);
    (before.owner, before.device, before.inode) = (owner, node.device, node.inode);
    (before.mtime, before.ctime, before.atime) = (mtime, ctime, atime);
}

/// Which names a folder list may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// Plain names: no `/`, NUL, `.`, `..`, nothing empty.
    Plain,
    /// Plain names, or absolute paths made of them: the roots of a snapshot.
    Roots,
}

/// Decodes a folder list; `parent` is the path its entries lie in. Names are validated here, once: whoever holds a
/// [`Node`] can join its name to a path.
pub(crate) fn decode(bytes: &[u8], parent: &[u8], names: Names) -> Result<Vec<Node>, Bad> {
    Entries::new(bytes, parent, names)?.collect()
}

pub(super) fn place(stored: &[u8], parent: &[u8], names: Names) -> Result<(Vec<u8>, Vec<u8>), Bad> {
    if names == Names::Roots && stored.first() == Some(&b'/') {
        if stored.len() > LONGEST_ROOT {
            return Err(Bad::Value("name"));
        }
        if stored == b"/" {
            return Ok((stored.to_vec(), stored.to_vec()));
        }
        let mut parts = stored[1..].split(|b| *b == b'/');
        if !parts.all(is_plain) {
            return Err(Bad::Value("name"));
        }
        let name = stored.rsplit(|b| *b == b'/').next().unwrap_or_default();
        return Ok((name.to_vec(), stored.to_vec()));
    }
    if !is_plain(stored) {
        return Err(Bad::Value("name"));
    }
    Ok((stored.to_vec(), join(parent, stored)))
}

/// Longest path of a root: no system opens a longer one.
const LONGEST_ROOT: usize = 4096;
/// Longest name: NTFS and VFAT allow 255 UTF-16 units, which are up to 765 bytes here.
pub(crate) const LONGEST_NAME: usize = 1024;

pub(crate) fn is_plain(name: &[u8]) -> bool {
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name != b"."
        && name != b".."
        && !name.iter().any(|b| matches!(b, b'/' | 0))
}

pub(crate) fn join(parent: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = parent.to_vec();
    if !path.is_empty() && path.last() != Some(&b'/') {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

pub(super) fn decode_node(
    cursor: &mut Cursor<'_>,
    flags: u8,
    before: &mut Before,
    name: Vec<u8>,
    path: Vec<u8>,
) -> Result<Node, Bad> {
    let has = |flag: u8| flags & flag != 0;
    let differs = |differs: bool| match differs {
        true => Ok(()),
        false => Err(Bad::Value("repeated value")),
    };
    if has(flags::OWNER) {
        let owner = (
            cursor.varint_u32()?,
            cursor.varint_u32()?,
            cursor.varint_u32()?,
        );
        differs(owner != before.owner)?;
        before.owner = owner;
    }
    let (mode, uid, gid) = before.owner;
    if mode > 0o7777 {
        return Err(Bad::Value("mode"));
    }
    if has(flags::DEVICE) {
        let device = cursor.varint()?;
        differs(device != before.device)?;
        before.device = device;
    }
    before.inode = before
        .inode
        .wrapping_add(cursor.varint_i64()?.cast_unsigned());
    let mut links = 1;
    if has(flags::LINKS) {
        links = cursor.varint_u32()?;
        differs(links != 1)?;
    }
    before.mtime = times::get(cursor, &[before.mtime])?;
    before.ctime = times::get(cursor, &[before.mtime, before.ctime])?;
    before.atime = times::get(cursor, &[before.mtime, before.ctime, before.atime])?;
    let (mtime_s, mtime_ns) = times::split(before.mtime)?;
    let (ctime_s, ctime_ns) = times::split(before.ctime)?;
    let (atime_s, atime_ns) = times::split(before.atime)?;
    let xattrs = match has(flags::XATTRS) {
        true => get_xattrs(cursor)?,
        false => Vec::new(),
    };
    let mut node = Node {
        name,
        path,
        kind: NodeKind::Fifo,
        size: 0,
        mode,
        uid,
        gid,
        mtime_s,
        mtime_ns,
        atime_s,
        atime_ns,
        ctime_s,
        ctime_ns,
        device: before.device,
        inode: before.inode,
        links,
        xattrs,
        content_hash: None,
        segments: Segments::default(),
        subtree: Vec::new(),
    };
    let kind = flags & flags::KIND;
    if has(flags::HASH) && kind != 0 {
        return Err(Bad::Value("hash"));
    }
    node.kind = match kind {
        0 => {
            if has(flags::HASH) {
                node.content_hash = Some(cursor.array()?);
            }
            node.segments = segments::decode(cursor)?;
            let size = node.segments.bytes().filter(|size| *size >> 63 == 0);
            node.size = size.ok_or(Bad::Value("file size"))?;
            NodeKind::File
        }
        1 => {
            node.subtree = get_parts(cursor)?;
            NodeKind::Dir
        }
        2 => {
            let target = cursor.short_blob()?.to_vec();
            if target.is_empty() || target.contains(&0) {
                return Err(Bad::Value("link target"));
            }
            NodeKind::Symlink { target }
        }
        3 => NodeKind::Fifo,
        4 => NodeKind::Socket,
        5 => NodeKind::CharDevice {
            major: cursor.varint_u32()?,
            minor: cursor.varint_u32()?,
        },
        6 => NodeKind::BlockDevice {
            major: cursor.varint_u32()?,
            minor: cursor.varint_u32()?,
        },
        _ => return Err(Bad::Unknown("type of entry")),
    };
    Ok(node)
}

fn get_xattrs(cursor: &mut Cursor<'_>) -> Result<Vec<Xattr>, Bad> {
    let count = cursor.varint_count(3)?;
    let mut xattrs = Vec::new();
    for _ in 0..count {
        let (name, value) = (cursor.short_blob()?.to_vec(), cursor.short_blob()?.to_vec());
        if name.is_empty() || name.contains(&0) {
            return Err(Bad::Value("extended attribute"));
        }
        xattrs.push(Xattr { name, value });
    }
    match xattrs.is_empty() {
        true => Err(Bad::Value("extended attribute")),
        false => Ok(xattrs),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::node::Segment;

    pub(crate) fn node(name: &[u8], kind: NodeKind) -> Node {
        Node {
            name: name.to_vec(),
            path: join(b"/r", name),
            kind,
            size: 0,
            mode: 0o4755,
            uid: 1,
            gid: 2,
            mtime_s: -5,
            mtime_ns: 999_999_999,
            atime_s: 6,
            atime_ns: 7,
            ctime_s: 8,
            ctime_ns: 9,
            device: 10,
            inode: 11,
            links: 2,
            xattrs: vec![Xattr {
                name: b"user.a".to_vec(),
                value: vec![0, 255],
            }],
            content_hash: None,
            segments: Segments::default(),
            subtree: Vec::new(),
        }
    }

    fn sample() -> Vec<Node> {
        let mut file = node(b"b\n\xff", NodeKind::File);
        file.content_hash = Some([4; 32]);
        file.segments = Segments::Inline(vec![
            Segment::Chunk {
                id: ChunkId::from_bytes([3; 32]),
                len: 5,
            },
            Segment::Hole { len: 4096 },
        ]);
        file.size = 4101;
        let mut dir = node(b"c", NodeKind::Dir);
        dir.subtree = vec![(ChunkId::from_bytes([1; 32]), 2)];
        vec![
            node(
                b"a",
                NodeKind::Symlink {
                    target: b"../x".to_vec(),
                },
            ),
            file,
            dir,
            node(b"d", NodeKind::Fifo),
            node(b"e", NodeKind::Socket),
            node(b"f", NodeKind::CharDevice { major: 1, minor: 3 }),
            node(b"g", NodeKind::BlockDevice { major: 8, minor: 0 }),
        ]
    }

    #[test]
    fn every_kind_of_entry_round_trips() {
        let nodes = sample();
        let bytes = encode(&nodes, |n| &n.name);
        assert_eq!(decode(&bytes, b"/r", Names::Plain), Ok(nodes));
        for cut in 0..bytes.len() {
            assert!(
                decode(&bytes[..cut], b"/r", Names::Plain).is_err(),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn an_entry_of_a_small_file_takes_few_bytes() {
        let small = |n: u64| {
            let mut node = node(format!("file-{n:06}.txt").as_bytes(), NodeKind::File);
            (node.mtime_s, node.mtime_ns) = (1_790_000_000 + n as i64 / 20_000, n as u32 * 50_000);
            (node.ctime_s, node.ctime_ns) = (node.mtime_s, node.mtime_ns);
            (node.atime_s, node.atime_ns) = (node.mtime_s, node.mtime_ns);
            (node.inode, node.links, node.xattrs) = (1000 + n, 1, Vec::new());
            node.segments = Segments::Inline(vec![Segment::Chunk {
                id: ChunkId::from_bytes([n as u8; 32]),
                len: 1000,
            }]);
            node.size = 1000;
            node
        };
        let nodes: Vec<Node> = (0..1000).map(small).collect();
        let bytes = encode(&nodes, |node| &node.name);
        assert_eq!(decode(&bytes, b"/r", Names::Plain), Ok(nodes));
        assert!(bytes.len() <= 1000 * 54, "{} bytes", bytes.len());
    }

    #[test]
    fn names_that_could_leave_the_folder_are_refused() {
        let with = |name: &[u8]| encode(&[node(name, NodeKind::Fifo)], |n| &n.name);
        let long = vec![b'x'; LONGEST_NAME + 1];
        let bad: [&[u8]; 8] = [b"", b".", b"..", b"a/b", b"a\0b", b"/", b"/etc", &long];
        for name in bad {
            assert_eq!(
                decode(&with(name), b"/r", Names::Plain),
                Err(Bad::Value("name")),
                "{name:?}"
            );
        }
        let endless = b"/a".repeat(LONGEST_ROOT / 2 + 1);
        let bad: [&[u8]; 7] = [
            b"/a/../b", b"/a//b", b"/a/", b"//", b"a/b", b"/a/.", &endless,
        ];
        for name in bad {
            assert_eq!(
                decode(&with(name), b"", Names::Roots),
                Err(Bad::Value("name")),
                "{name:?}"
            );
        }
        for (stored, name) in [
            ("/", "/"),
            ("/srv/share", "share"),
            ("disk.raw", "disk.raw"),
        ] {
            let nodes = decode(&with(stored.as_bytes()), b"", Names::Roots).unwrap();
            assert_eq!(
                (nodes[0].name.as_slice(), nodes[0].path.as_slice()),
                (name.as_bytes(), stored.as_bytes())
            );
        }
    }

    #[test]
    fn a_name_of_a_windows_disk_does_not_spoil_the_list_of_its_folder() {
        let longest_on_ntfs = "é".repeat(255);
        let nodes = [
            node(b"a", NodeKind::Fifo),
            node(longest_on_ntfs.as_bytes(), NodeKind::Fifo),
        ];
        let bytes = encode(&nodes, |n| &n.name);
        let read = decode(&bytes, b"/r", Names::Plain).unwrap();
        assert_eq!(read[1].name, longest_on_ntfs.as_bytes());
    }

    #[test]
    fn two_entries_of_one_name_are_refused() {
        let bytes = encode(
            &[node(b"a", NodeKind::Fifo), node(b"a", NodeKind::Socket)],
            |n| &n.name,
        );
        assert_eq!(
            decode(&bytes, b"/r", Names::Plain),
            Err(Bad::Value("order of names"))
        );
    }
}
