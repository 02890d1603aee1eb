//! The list of entries of one folder.

use super::Bad;
use super::bytes::{Cursor, Put};
use super::pack0::MAX_PLAIN;
use crate::ChunkId;
use crate::node::{Node, NodeKind, Segment, Xattr};

const VERSION: u8 = 0;
/// Fixed bytes every entry has at least.
const NODE_LEAST: usize = 4 + 1 + 12 + 36 + 20 + 4;

/// Chunks of a folder list, in order.
pub(crate) fn put_parts(out: &mut Vec<u8>, parts: &[(ChunkId, u32)]) {
    out.put_count(parts.len());
    for (id, len) in parts {
        out.extend_from_slice(id.as_bytes());
        out.put_u32(*len);
    }
}

pub(crate) fn get_parts(cursor: &mut Cursor<'_>) -> Result<Vec<(ChunkId, u32)>, Bad> {
    let count = cursor.count(36)?;
    let mut parts = Vec::with_capacity(count);
    for _ in 0..count {
        parts.push((
            ChunkId::from_bytes(cursor.array()?),
            chunk_len(cursor.u32()?)?,
        ));
    }
    Ok(parts)
}

fn chunk_len(len: u32) -> Result<u32, Bad> {
    if len == 0 || len > MAX_PLAIN {
        Err(Bad::Value("chunk length"))
    } else {
        Ok(len)
    }
}

/// The entries of a folder, as stored. `names` of roots are whole paths.
pub(crate) fn encode(nodes: &[Node], name: impl Fn(&Node) -> &[u8]) -> Vec<u8> {
    let mut out = vec![VERSION];
    out.put_count(nodes.len());
    for node in nodes {
        out.put_blob(name(node));
        encode_node(&mut out, node);
    }
    out
}

fn encode_node(out: &mut Vec<u8>, node: &Node) {
    out.push(match node.kind {
        NodeKind::File => 0,
        NodeKind::Dir => 1,
        NodeKind::Symlink { .. } => 2,
        NodeKind::Fifo => 3,
        NodeKind::Socket => 4,
        NodeKind::CharDevice { .. } => 5,
        NodeKind::BlockDevice { .. } => 6,
    });
    for value in [node.mode, node.uid, node.gid] {
        out.put_u32(value);
    }
    for (s, ns) in [
        (node.mtime_s, node.mtime_ns),
        (node.atime_s, node.atime_ns),
        (node.ctime_s, node.ctime_ns),
    ] {
        out.put_i64(s);
        out.put_u32(ns);
    }
    out.put_u64(node.device);
    out.put_u64(node.inode);
    out.put_u32(node.links);
    out.put_count(node.xattrs.len());
    for xattr in &node.xattrs {
        out.put_blob(&xattr.name);
        out.put_blob(&xattr.value);
    }
    match &node.kind {
        NodeKind::File => {
            out.put_u64(node.size);
            out.extend_from_slice(&node.content_hash.unwrap_or_default());
            out.put_count(node.segments.len());
            for segment in &node.segments {
                match segment {
                    Segment::Chunk { id, len } => {
                        out.push(0);
                        out.extend_from_slice(id.as_bytes());
                        out.put_u32(*len);
                    }
                    Segment::Hole { len } => {
                        out.push(1);
                        out.put_u64(*len);
                    }
                }
            }
        }
        NodeKind::Dir => put_parts(out, &node.subtree),
        NodeKind::Symlink { target } => out.put_blob(target),
        NodeKind::CharDevice { major, minor } | NodeKind::BlockDevice { major, minor } => {
            out.put_u32(*major);
            out.put_u32(*minor);
        }
        NodeKind::Fifo | NodeKind::Socket => {}
    }
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
    let mut cursor = Cursor::new(bytes);
    let version = cursor.u8()?;
    if version != VERSION {
        return Err(Bad::Newer(u32::from(version)));
    }
    let count = cursor.count(NODE_LEAST)?;
    let mut nodes = Vec::new();
    for _ in 0..count {
        let stored = cursor.blob()?;
        let (name, path) = place(stored, parent, names)?;
        nodes.push(decode_node(&mut cursor, name, path)?);
    }
    cursor.end()?;
    if nodes.windows(2).any(|pair| pair[0].path >= pair[1].path) {
        return Err(Bad::Value("order of names"));
    }
    Ok(nodes)
}

fn place(stored: &[u8], parent: &[u8], names: Names) -> Result<(Vec<u8>, Vec<u8>), Bad> {
    if names == Names::Roots && stored.first() == Some(&b'/') {
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

fn decode_node(cursor: &mut Cursor<'_>, name: Vec<u8>, path: Vec<u8>) -> Result<Node, Bad> {
    let kind = cursor.u8()?;
    let (mode, uid, gid) = (cursor.u32()?, cursor.u32()?, cursor.u32()?);
    if mode > 0o7777 {
        return Err(Bad::Value("mode"));
    }
    let mut time = || -> Result<(i64, u32), Bad> {
        let time = (cursor.i64()?, cursor.u32()?);
        if time.1 < 1_000_000_000 {
            Ok(time)
        } else {
            Err(Bad::Value("time"))
        }
    };
    let ((mtime_s, mtime_ns), (atime_s, atime_ns), (ctime_s, ctime_ns)) =
        (time()?, time()?, time()?);
    let (device, inode, links) = (cursor.u64()?, cursor.u64()?, cursor.u32()?);
    let mut xattrs = Vec::new();
    for _ in 0..cursor.count(8)? {
        let (name, value) = (cursor.blob()?.to_vec(), cursor.blob()?.to_vec());
        if name.is_empty() || name.contains(&0) {
            return Err(Bad::Value("extended attribute"));
        }
        xattrs.push(Xattr { name, value });
    }
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
        device,
        inode,
        links,
        xattrs,
        content_hash: None,
        segments: Vec::new(),
        subtree: Vec::new(),
    };
    node.kind = match kind {
        0 => {
            decode_content(cursor, &mut node)?;
            NodeKind::File
        }
        1 => {
            node.subtree = get_parts(cursor)?;
            NodeKind::Dir
        }
        2 => {
            let target = cursor.blob()?.to_vec();
            if target.is_empty() || target.contains(&0) {
                return Err(Bad::Value("link target"));
            }
            NodeKind::Symlink { target }
        }
        3 => NodeKind::Fifo,
        4 => NodeKind::Socket,
        5 => NodeKind::CharDevice {
            major: cursor.u32()?,
            minor: cursor.u32()?,
        },
        6 => NodeKind::BlockDevice {
            major: cursor.u32()?,
            minor: cursor.u32()?,
        },
        _ => return Err(Bad::Value("type of entry")),
    };
    Ok(node)
}

fn decode_content(cursor: &mut Cursor<'_>, node: &mut Node) -> Result<(), Bad> {
    node.size = cursor.u64()?;
    node.content_hash = Some(cursor.array()?);
    let count = cursor.count(9)?;
    let mut total = 0u64;
    for _ in 0..count {
        let segment = match cursor.u8()? {
            0 => Segment::Chunk {
                id: ChunkId::from_bytes(cursor.array()?),
                len: chunk_len(cursor.u32()?)?,
            },
            1 => Segment::Hole { len: cursor.u64()? },
            _ => return Err(Bad::Value("segment")),
        };
        total = total
            .checked_add(segment.len())
            .ok_or(Bad::Value("file size"))?;
        node.segments.push(segment);
    }
    if total != node.size || i64::try_from(total).is_err() {
        return Err(Bad::Value("file size"));
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

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
            segments: Vec::new(),
            subtree: Vec::new(),
        }
    }

    fn sample() -> Vec<Node> {
        let mut file = node(b"b\n\xff", NodeKind::File);
        file.content_hash = Some([4; 32]);
        file.segments = vec![
            Segment::Chunk {
                id: ChunkId::from_bytes([3; 32]),
                len: 5,
            },
            Segment::Hole { len: 4096 },
        ];
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
        let bad: [&[u8]; 6] = [b"/a/../b", b"/a//b", b"/a/", b"//", b"a/b", b"/a/."];
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
