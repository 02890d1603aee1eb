//! One entry of a saved tree.

use crate::ChunkId;
use crate::format::segments;

/// A file, folder, link or special file as it was when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Last component of the path; any bytes but `/` and NUL.
    pub name: Vec<u8>,
    /// Where it is in the snapshot: absolute below a root of files (`/srv/share/a`), a plain name in an image (`disk.raw`).
    pub path: Vec<u8>,
    pub kind: NodeKind,
    /// Bytes of a file (holes included), else 0.
    pub size: u64,
    /// Permission bits with setuid, setgid and sticky (`0o7777`).
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub mtime_s: i64,
    pub mtime_ns: u32,
    pub atime_s: i64,
    pub atime_ns: u32,
    pub ctime_s: i64,
    pub ctime_ns: u32,
    /// Device and inode on the machine that was saved: equal pairs with `links` > 1 are hard links of one file.
    pub device: u64,
    pub inode: u64,
    pub links: u32,
    pub xattrs: Vec<Xattr>,
    /// Plain blake3 of the file's data in order, holes left out, taken when it was read. Only of files of more than one
    /// chunk: a single chunk's name says as much.
    pub content_hash: Option<[u8; 32]>,
    /// What the file is made of; read through [`crate::Vault::segments`].
    pub segments: Segments,
    /// The folder's own list of entries; folders only.
    pub(crate) subtree: Vec<(ChunkId, u32)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind {
    File,
    Dir,
    Symlink { target: Vec<u8> },
    Fifo,
    Socket,
    CharDevice { major: u32, minor: u32 },
    BlockDevice { major: u32, minor: u32 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Xattr {
    pub name: Vec<u8>,
    pub value: Vec<u8>,
}

/// A stretch of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    Chunk {
        id: ChunkId,
        len: u32,
    },
    /// Reads as zeros and takes no place.
    Hole {
        len: u64,
    },
}

impl Segment {
    pub fn len(&self) -> u64 {
        match self {
            Segment::Chunk { len, .. } => u64::from(*len),
            Segment::Hole { len } => *len,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The stretches of a file, in order. Those of a large file lie in chunks of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segments {
    Inline(Vec<Segment>),
    Listed(Vec<SegmentPart>),
}

/// A chunk that lists stretches of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentPart {
    pub id: ChunkId,
    /// Bytes of the list itself.
    pub len: u32,
    /// Stretches in it.
    pub count: u32,
    /// Bytes of the file they make up.
    pub bytes: u64,
    /// Of these, bytes of holes.
    pub holes: u64,
}

impl Default for Segments {
    fn default() -> Segments {
        Segments::Inline(Vec::new())
    }
}

impl Segments {
    /// How many there are.
    pub fn count(&self) -> u64 {
        match self {
            Segments::Inline(segments) => segments.len() as u64,
            Segments::Listed(parts) => parts.iter().map(|part| u64::from(part.count)).sum(),
        }
    }

    /// How many of them, or of their lists, are held in memory with the entry.
    pub(crate) fn inline_len(&self) -> usize {
        match self {
            Segments::Inline(segments) => segments.len(),
            Segments::Listed(parts) => parts.len(),
        }
    }

    /// Bytes of the file; `None` when they do not fit a number.
    pub(crate) fn bytes(&self) -> Option<u64> {
        let add = |sum: u64, len: u64| sum.checked_add(len);
        match self {
            Segments::Inline(segments) => segments.iter().map(Segment::len).try_fold(0, add),
            Segments::Listed(parts) => parts.iter().map(|part| part.bytes).try_fold(0, add),
        }
    }

    /// Bytes of the file that take no place.
    pub fn hole_bytes(&self) -> u64 {
        let hole = |segment: &Segment| match segment {
            Segment::Hole { len } => *len,
            Segment::Chunk { .. } => 0,
        };
        match self {
            Segments::Inline(segments) => segments.iter().map(hole).fold(0, u64::saturating_add),
            Segments::Listed(parts) => parts.iter().map(|part| part.holes).sum(),
        }
    }

    /// The chunks of the list itself: they lie in tree packs and must be kept with the file.
    pub fn parts(&self) -> &[SegmentPart] {
        match self {
            Segments::Inline(_) => &[],
            Segments::Listed(parts) => parts,
        }
    }
}

impl Node {
    pub fn is_dir(&self) -> bool {
        self.kind == NodeKind::Dir
    }

    pub fn is_file(&self) -> bool {
        self.kind == NodeKind::File
    }

    /// Plain blake3 of the whole file, where it is known without reading it: not of one chunk, not with holes.
    pub fn plain_hash(&self) -> Option<[u8; 32]> {
        self.content_hash
            .filter(|_| self.segments.hole_bytes() == 0)
    }

    /// Equal for files of the same content in one vault; says nothing to who does not have the vault.
    pub fn content_tag(&self) -> [u8; 32] {
        let mut bytes = Vec::new();
        segments::encode(&mut bytes, &self.segments);
        *blake3::hash(&bytes).as_bytes()
    }

    /// The name for people: bytes that are not UTF-8 are replaced.
    pub fn display_name(&self) -> String {
        String::from_utf8_lossy(&self.name).into_owned()
    }
}

impl NodeKind {
    /// What it is called in messages.
    pub fn name(&self) -> &'static str {
        match self {
            NodeKind::File => "file",
            NodeKind::Dir => "folder",
            NodeKind::Symlink { .. } => "symbolic link",
            NodeKind::Fifo => "named pipe",
            NodeKind::Socket => "socket",
            NodeKind::CharDevice { .. } => "character device",
            NodeKind::BlockDevice { .. } => "block device",
        }
    }
}
