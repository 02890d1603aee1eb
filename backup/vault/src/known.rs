//! Is an entry still what the parent snapshot has? Pure: a node of the snapshot against a stat of today.

use rustix::fs::{FileType, Stat};

use crate::node::{Node, NodeKind};
use crate::scan::{Entry, Look};

/// Whether inode numbers of the files that are saved mean anything.
///
/// Some systems (NFS servers, mergerfs and other FUSE, FAT) give new numbers with each mount. Elsewhere a name that leads to
/// another inode of the same size, mtime and ctime cannot be made: putting a file under a name sets its ctime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inodes {
    kept: u64,
    /// Entries that differ by their inode only.
    moved: u64,
}

/// From so many on it is no accident.
const MOVED_LEAST: u64 = 8;

impl Inodes {
    pub(crate) fn are_unstable(self) -> bool {
        self.moved >= MOVED_LEAST && self.moved / 4 > self.kept
    }

    /// Compares a folder's files with its list in the parent snapshot (of long ones the beginning), both sorted by name.
    pub(crate) fn learn(&mut self, entries: &[Entry], before: &[Node]) {
        let mut before = before.iter().peekable();
        for entry in entries {
            while before.next_if(|old| old.name < entry.name).is_some() {}
            let Some(old) = before.next_if(|old| old.name == entry.name) else {
                continue;
            };
            if let Look::Other(stat) = &entry.look
                && is_same_content(old, stat, true)
            {
                match old.inode == stat.st_ino {
                    true => self.kept += 1,
                    false => self.moved += 1,
                }
            }
        }
    }
}

/// Same kind, size, mtime, ctime and (unless they mean nothing) inode. Not the device: its number changes with each mount on
/// some systems. Extended attributes cannot change without the ctime.
pub(crate) fn is_same_content(old: &Node, stat: &Stat, any_inode: bool) -> bool {
    (any_inode || old.inode == stat.st_ino)
        && (old.mtime_s, i64::from(old.mtime_ns)) == (stat.st_mtime, nanos(stat.st_mtime_nsec))
        && (old.ctime_s, i64::from(old.ctime_ns)) == (stat.st_ctime, nanos(stat.st_ctime_nsec))
        && is_kind(&old.kind, FileType::from_raw_mode(stat.st_mode))
        && (!old.is_file() || old.size == size_of(stat))
}

/// Everything else that a node keeps of a stat, except the access time: that only somebody read it is no change.
pub(crate) fn is_same_entry(old: &Node, stat: &Stat, any_inode: bool) -> bool {
    is_same_content(old, stat, any_inode && (old.is_dir() || stat.st_nlink == 1))
        && old.mode == stat.st_mode & 0o7777
        && (old.uid, old.gid) == (stat.st_uid, stat.st_gid)
        && u64::from(old.links) == stat.st_nlink
        && old.device == stat.st_dev
}

/// Equal in all but the access time.
pub(crate) fn is_same_node(old: &Node, new: &Node) -> bool {
    (old.atime_s, old.atime_ns) == (new.atime_s, new.atime_ns) && old == new || {
        let mut new = new.clone();
        (new.atime_s, new.atime_ns) = (old.atime_s, old.atime_ns);
        *old == new
    }
}

#[expect(clippy::unnecessary_cast, reason = "its type depends on the C library")]
fn nanos(value: impl Copy + TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(0) as i64
}

fn is_kind(kind: &NodeKind, of: FileType) -> bool {
    matches!(
        (kind, of),
        (NodeKind::File, FileType::RegularFile)
            | (NodeKind::Dir, FileType::Directory)
            | (NodeKind::Symlink { .. }, FileType::Symlink)
            | (NodeKind::Fifo, FileType::Fifo)
            | (NodeKind::Socket, FileType::Socket)
            | (NodeKind::CharDevice { .. }, FileType::CharacterDevice)
            | (NodeKind::BlockDevice { .. }, FileType::BlockDevice)
    )
}

pub(crate) fn size_of(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// Nobody wrote to the file between the two.
pub(crate) fn is_unmoved(before: &Stat, after: &Stat) -> bool {
    let key = |s: &Stat| {
        (
            (s.st_dev, s.st_ino, s.st_size),
            (s.st_mtime, s.st_mtime_nsec),
            (s.st_ctime, s.st_ctime_nsec),
        )
    };
    key(before) == key(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source;

    fn stat() -> Stat {
        rustix::fs::stat("/proc/self/exe").unwrap()
    }

    fn node(name: &[u8], stat: &Stat) -> Node {
        let mut node = source::node(name, name, NodeKind::File, stat);
        node.size = size_of(stat);
        node
    }

    type Change = fn(&mut Node);

    #[test]
    fn a_file_is_known_by_inode_size_and_both_times() {
        let (stat, nlink) = (stat(), |links: u32| move |n: &mut Node| n.links = links);
        let _ = nlink;
        let table: [(&str, Change, bool, bool); 9] = [
            ("nothing", |_| {}, true, true),
            ("access time", |n| n.atime_s += 1, true, true),
            ("inode", |n| n.inode += 1, false, false),
            ("size", |n| n.size += 1, false, false),
            ("mtime", |n| n.mtime_ns ^= 1, false, false),
            ("ctime", |n| n.ctime_s += 1, false, false),
            ("kind", |n| n.kind = NodeKind::Fifo, false, false),
            ("device", |n| n.device += 1, true, false),
            ("mode", |n| n.mode ^= 1, true, false),
        ];
        for (what, change, content, entry) in table {
            let mut old = node(b"a", &stat);
            change(&mut old);
            assert_eq!(is_same_content(&old, &stat, false), content, "{what}");
            assert_eq!(is_same_entry(&old, &stat, false), entry, "{what}");
        }
        let mut old = node(b"a", &stat);
        old.inode += 1;
        assert!(is_same_content(&old, &stat, true));
    }

    #[test]
    fn inodes_are_unstable_when_most_differ_by_nothing_else() {
        let stat = stat();
        let learnt = |moved: usize, kept: usize, other: usize| {
            let total = moved + kept + other;
            let name = |at: usize| format!("{at:04}").into_bytes();
            let entries: Vec<Entry> = (0..total)
                .map(|at| Entry {
                    name: name(at),
                    look: Look::Other(Box::new(stat)),
                })
                .collect();
            let before: Vec<Node> = (0..total)
                .map(|at| {
                    let mut old = node(&name(at), &stat);
                    old.inode += u64::from(at < moved || at >= moved + kept);
                    old.mtime_s += i64::from(at >= moved + kept);
                    old
                })
                .collect();
            let mut inodes = Inodes::default();
            inodes.learn(&entries, &before);
            assert_eq!((inodes.moved, inodes.kept), (moved as u64, kept as u64));
            inodes.are_unstable()
        };
        for (moved, kept, other, want) in [
            (0, 0, 0, false),
            (7, 0, 0, false),
            (8, 0, 0, true),
            (8, 2, 0, false),
            (40, 2, 90, true),
            (0, 100, 3, false),
        ] {
            assert_eq!(learnt(moved, kept, other), want, "{moved} {kept} {other}");
        }
    }

    #[test]
    fn a_node_that_was_only_read_is_the_same() {
        let old = node(b"a", &stat());
        let mut new = old.clone();
        new.atime_s += 5;
        assert!(is_same_node(&old, &new));
        new.uid += 1;
        assert!(!is_same_node(&old, &new));
    }
}
