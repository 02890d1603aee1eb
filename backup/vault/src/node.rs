//! One entry of a saved tree.

use crate::ChunkId;

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
    /// Plain blake3 of the whole file taken when it was read; files only.
    pub content_hash: Option<[u8; 32]>,
    /// What the file is made of, in order.
    pub segments: Vec<Segment>,
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

impl Node {
    pub fn is_dir(&self) -> bool {
        self.kind == NodeKind::Dir
    }

    pub fn is_file(&self) -> bool {
        self.kind == NodeKind::File
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
