//! Looking at the files of this machine without changing them: not even their access times.

use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, SeekFrom, Stat};
use rustix::io::Errno;

use crate::node::{Node, NodeKind, Segments, Xattr};

/// Opens without changing the access time, which only the owner may ask for.
pub(crate) fn open_quietly(
    folder: BorrowedFd<'_>,
    name: &[u8],
    flags: OFlags,
) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC;
    match rustix::fs::openat(folder, name, flags | OFlags::NOATIME, Mode::empty()) {
        Err(Errno::PERM) => Ok(rustix::fs::openat(folder, name, flags, Mode::empty())?),
        other => Ok(other?),
    }
}

pub(crate) const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY);
/// Not following a link that was put there meanwhile, not waiting on a pipe that was put there meanwhile.
pub(crate) const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);

pub(crate) fn look(folder: BorrowedFd<'_>, name: &[u8]) -> io::Result<Stat> {
    Ok(rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Names in a folder, sorted, without `.` and `..`.
pub(crate) fn names(folder: BorrowedFd<'_>) -> io::Result<Vec<Vec<u8>>> {
    rustix::fs::seek(folder, SeekFrom::Start(0))?;
    let mut buffer = vec![MaybeUninit::uninit(); 64 * 1024];
    let mut dir = RawDir::new(folder, &mut buffer);
    let mut names = Vec::new();
    while let Some(entry) = dir.next() {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(name);
        }
    }
    Ok(each_once(names))
}

/// A file that is replaced while its folder is read may be listed twice (btrfs, tmpfs and network shares do so); a list
/// with one name twice would be refused by every reader, and the whole folder lost with it.
fn each_once(mut names: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    names.sort_unstable();
    names.dedup();
    names
}

/// What `stat` tells, as a node of that kind.
pub(crate) fn node(name: &[u8], path: &[u8], kind: NodeKind, stat: &Stat) -> Node {
    // Reading a link's target changes its access time, and nothing can prevent it: it would differ in every run.
    let is_link = matches!(kind, NodeKind::Symlink { .. });
    let (atime, atime_ns) = if is_link {
        (stat.st_mtime, stat.st_mtime_nsec)
    } else {
        (stat.st_atime, stat.st_atime_nsec)
    };
    Node {
        name: name.to_vec(),
        path: path.to_vec(),
        kind,
        size: 0,
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime_s: stat.st_mtime,
        mtime_ns: stat.st_mtime_nsec as u32,
        atime_s: atime,
        atime_ns: atime_ns as u32,
        ctime_s: stat.st_ctime,
        ctime_ns: stat.st_ctime_nsec as u32,
        device: stat.st_dev,
        inode: stat.st_ino,
        links: u32::try_from(stat.st_nlink).unwrap_or(u32::MAX),
        xattrs: Vec::new(),
        content_hash: None,
        segments: Segments::default(),
        subtree: Vec::new(),
    }
}

pub(crate) fn kind_of(folder: BorrowedFd<'_>, name: &[u8], stat: &Stat) -> io::Result<NodeKind> {
    let (major, minor) = (
        rustix::fs::major(stat.st_rdev),
        rustix::fs::minor(stat.st_rdev),
    );
    Ok(match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => NodeKind::File,
        FileType::Directory => NodeKind::Dir,
        FileType::Symlink => NodeKind::Symlink {
            target: rustix::fs::readlinkat(folder, name, Vec::new())?.into_bytes(),
        },
        FileType::Fifo => NodeKind::Fifo,
        FileType::Socket => NodeKind::Socket,
        FileType::CharacterDevice => NodeKind::CharDevice { major, minor },
        FileType::BlockDevice => NodeKind::BlockDevice { major, minor },
        FileType::Unknown => return Err(io::Error::other("it is of an unknown type")),
    })
}

/// What cannot be opened (links, pipes, devices) has its attributes under this path.
pub(crate) fn path_at(folder: BorrowedFd<'_>, name: &[u8]) -> Vec<u8> {
    let mut path = format!("/proc/self/fd/{}/", folder.as_raw_fd()).into_bytes();
    path.extend_from_slice(name);
    path
}

/// Extended attributes (access control lists among them) of an open file, sorted by name.
pub(crate) fn xattrs(file: BorrowedFd<'_>) -> io::Result<Vec<Xattr>> {
    collect(
        |buffer| rustix::fs::flistxattr(file, buffer),
        |name, buffer| rustix::fs::fgetxattr(file, name, buffer),
    )
}

/// Extended attributes of an entry that is not opened.
pub(crate) fn xattrs_at(folder: BorrowedFd<'_>, name: &[u8]) -> io::Result<Vec<Xattr>> {
    let path = path_at(folder, name);
    collect(
        |buffer| rustix::fs::llistxattr(path.as_slice(), buffer),
        |name, buffer| rustix::fs::lgetxattr(path.as_slice(), name, buffer),
    )
}

/// Linux limits both the list of names and each value to this.
const LONGEST_XATTR: usize = 64 * 1024;

fn collect(
    list: impl Fn(&mut [u8]) -> rustix::io::Result<usize>,
    get: impl Fn(&[u8], &mut [u8]) -> rustix::io::Result<usize>,
) -> io::Result<Vec<Xattr>> {
    // Most files have none, or a few short ones.
    let mut small = [0; 1024];
    let mut large = Vec::new();
    let mut buffer = &mut small[..];
    let mut listed = list(buffer);
    if listed == Err(Errno::RANGE) {
        large.resize(LONGEST_XATTR, 0);
        buffer = &mut large;
        listed = list(buffer);
    }
    let len = match listed {
        Ok(len) => len,
        // No attributes on this file system; no /proc to reach a link's.
        Err(Errno::OPNOTSUPP | Errno::NOENT) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let names: Vec<Vec<u8>> = buffer[..len]
        .split(|b| *b == 0)
        .filter(|n| !n.is_empty())
        .map(<[u8]>::to_vec)
        .collect();
    let mut xattrs = Vec::with_capacity(names.len());
    let mut value = Vec::new();
    for name in names {
        let mut got = get(&name, buffer);
        if got == Err(Errno::RANGE) {
            value.resize(LONGEST_XATTR, 0);
            buffer = &mut value;
            got = get(&name, buffer);
        }
        match got {
            Ok(len) => xattrs.push(Xattr {
                value: buffer[..len].to_vec(),
                name,
            }),
            Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    xattrs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(xattrs)
}

/// A stretch of a file that holds data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// So many blocks are in use that there is hardly room for a hole (a page of attributes may stand for one).
pub(crate) fn is_full(stat: &Stat) -> bool {
    let blocks = u64::try_from(stat.st_blocks).unwrap_or(0);
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    size > 0 && blocks.saturating_mul(512) >= size.next_multiple_of(4096)
}

/// Where the file holds data; the rest are holes.
///
/// Space that was reserved and never written (`fallocate`) reads as a hole too. When the blocks in use say that all
/// of the file is allocated, it is read as data, so that the restored copy takes the same place.
pub(crate) fn extents(file: BorrowedFd<'_>, stat: &Stat) -> io::Result<Vec<Extent>> {
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    let whole = || {
        if size > 0 {
            vec![Extent {
                start: 0,
                end: size,
            }]
        } else {
            Vec::new()
        }
    };
    let mut extents = Vec::new();
    let mut at = 0;
    while at < size {
        let start = match rustix::fs::seek(file, SeekFrom::Data(at)) {
            Ok(start) => start,
            Err(Errno::NXIO) => break,
            Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(whole()),
            Err(error) => return Err(error.into()),
        };
        let end = rustix::fs::seek(file, SeekFrom::Hole(start))?.min(size);
        if start >= size || end <= start {
            break;
        }
        extents.push(Extent { start, end });
        at = end;
    }
    let page = |bytes: u64| bytes.next_multiple_of(4096);
    let held: u64 = extents
        .iter()
        .map(|extent| page(extent.end) - extent.start / 4096 * 4096)
        .sum();
    let holes = page(size).saturating_sub(held);
    let reserved = u64::try_from(stat.st_blocks)
        .unwrap_or(0)
        .saturating_mul(512)
        .saturating_sub(held);
    // Attributes and extent maps take a few blocks of their own: small holes beside them stay holes.
    if holes > 0 && reserved >= holes && reserved > 64 * 1024 {
        return Ok(whole());
    }
    Ok(extents)
}

/// Whether a stretch of a file reads as zeros; holes in it are passed over. `buffer` is only room to read into.
pub(crate) fn is_zero(
    file: BorrowedFd<'_>,
    stretch: Extent,
    buffer: &mut Vec<u8>,
) -> io::Result<bool> {
    buffer.resize(256 * 1024, 0);
    let mut at = stretch.start;
    while at < stretch.end {
        at = match rustix::fs::seek(file, SeekFrom::Data(at)) {
            Ok(data) => data,
            Err(Errno::NXIO) => return Ok(true),
            // A file system without holes: everything is data.
            Err(Errno::INVAL | Errno::OPNOTSUPP) => at,
            Err(error) => return Err(error.into()),
        };
        let left = usize::try_from(stretch.end.saturating_sub(at)).unwrap_or(usize::MAX);
        let room = buffer.len().min(left);
        let read = rustix::io::pread(file, &mut buffer[..room], at)?;
        if buffer[..read].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        if read == 0 {
            return Ok(true);
        }
        at += read as u64;
    }
    Ok(true)
}

/// Reads `start..end` of a file; ends early when the file does.
pub(crate) struct Stretch<'a> {
    file: BorrowedFd<'a>,
    at: u64,
    end: u64,
}

impl<'a> Stretch<'a> {
    pub(crate) fn new(file: &'a OwnedFd, extent: Extent) -> Stretch<'a> {
        Stretch {
            file: file.as_fd(),
            at: extent.start,
            end: extent.end,
        }
    }

    /// Where the next read would start.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }
}

impl Read for Stretch<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(0);
        }
        let len = buf.len().min(left);
        let read = rustix::io::pread(self.file, &mut buf[..len], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// File systems made up by the kernel: their folder is saved, what is in them is not.
pub(crate) fn is_made_up(folder: BorrowedFd<'_>) -> bool {
    const MAGICS: [u64; 15] = [
        0x9fa0,
        0x6265_6572,
        0x27_e0eb,
        0x6367_7270,
        0x1cd1,
        0x6462_6720,
        0x7472_6163,
        0x7363_6673,
        0xcafe_4a11,
        0x6165_676c,
        0x1980_0202,
        0x6573_5543,
        0xde5e_81e4,
        0x4249_4e4d,
        0x0187,
    ];
    rustix::fs::fstatfs(folder)
        .is_ok_and(|stat| MAGICS.contains(&(stat.f_type as u64 & 0xffff_ffff)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_listed_twice_is_one_entry() {
        let listed = [&b"b"[..], b"a", b"b", b"c"].map(<[u8]>::to_vec);
        let once = [&b"a"[..], b"b", b"c"].map(<[u8]>::to_vec);
        assert_eq!(each_once(listed.to_vec()), once);
    }
}
