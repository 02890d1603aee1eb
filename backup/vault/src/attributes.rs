//! Gives a restored entry its owner, mode, extended attributes and times, in the order in which none undoes another.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Gid, Mode, Stat, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use crate::node::{Node, NodeKind, Xattr};
use crate::source;

pub(crate) struct Outcome {
    pub(crate) owner_set: bool,
    /// What could not be set, in words.
    pub(crate) notes: Vec<String>,
}

/// What a file has when it is created in a folder where nothing is inherited: the same for every file of that folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Born {
    uid: u32,
    gid: u32,
    /// What is taken from the mode that was asked for; none when this file system makes modes of its own.
    mask: Option<u32>,
}

impl Born {
    /// Looks at the first file, created with mode `asked` and not changed since.
    pub(crate) fn observe(
        file: BorrowedFd<'_>,
        asked: u32,
        umask: Option<u32>,
    ) -> io::Result<Born> {
        let stat = rustix::fs::fstat(file)?;
        Ok(Born {
            uid: stat.st_uid,
            gid: stat.st_gid,
            mask: umask.filter(|mask| stat.st_mode & 0o7777 == asked & !mask),
        })
    }
}

/// A file that was created with mode `asked` where nothing is inherited: what it has already is not set again.
pub(crate) fn set_new(
    file: BorrowedFd<'_>,
    node: &Node,
    born: &Born,
    asked: u32,
) -> io::Result<Outcome> {
    let owner_set = (born.uid, born.gid) == (node.uid, node.gid) || set_owner(file, node)?;
    let wanted = mode(node, owner_set);
    if born
        .mask
        .is_none_or(|mask| Mode::from_raw_mode(asked & !mask) != wanted)
    {
        rustix::fs::fchmod(file, wanted)?;
    }
    let notes = set_open_xattrs(file, &[], node);
    rustix::fs::futimens(file, &times(node))?;
    Ok(Outcome { owner_set, notes })
}

/// A folder that was made where nothing is inherited.
pub(crate) fn set_fresh(file: BorrowedFd<'_>, node: &Node) -> io::Result<Outcome> {
    set_all(file, node, &[])
}

/// A file or folder that is open.
pub(crate) fn set_open(file: BorrowedFd<'_>, node: &Node) -> io::Result<Outcome> {
    set_all(file, node, &source::xattrs(file).unwrap_or_default())
}

/// A file that may have everything already.
pub(crate) fn correct(file: BorrowedFd<'_>, node: &Node, stat: &Stat) -> io::Result<Outcome> {
    let there = source::xattrs(file).unwrap_or_default();
    let own = |xattr: &&Xattr| !xattr.name.starts_with(b"security.");
    let same = stat.st_mode & 0o7777 == node.mode
        && (stat.st_uid, stat.st_gid) == (node.uid, node.gid)
        && (stat.st_atime, stat.st_atime_nsec as u32) == (node.atime_s, node.atime_ns)
        && (stat.st_mtime, stat.st_mtime_nsec as u32) == (node.mtime_s, node.mtime_ns)
        && there.iter().filter(own).eq(node.xattrs.iter().filter(own))
        && node.xattrs.iter().all(|xattr| there.contains(xattr));
    if same {
        return Ok(Outcome {
            owner_set: true,
            notes: Vec::new(),
        });
    }
    set_all(file, node, &there)
}

fn set_all(file: BorrowedFd<'_>, node: &Node, there: &[Xattr]) -> io::Result<Outcome> {
    let owner_set = set_owner(file, node)?;
    rustix::fs::fchmod(file, mode(node, owner_set))?;
    let notes = set_open_xattrs(file, there, node);
    rustix::fs::futimens(file, &times(node))?;
    Ok(Outcome { owner_set, notes })
}

fn set_owner(file: BorrowedFd<'_>, node: &Node) -> io::Result<bool> {
    let (uid, gid) = (Some(Uid::from_raw(node.uid)), Some(Gid::from_raw(node.gid)));
    owner(rustix::fs::fchown(file, uid, gid), || {
        rustix::fs::fstat(file).is_ok_and(|stat| (stat.st_uid, stat.st_gid) == (node.uid, node.gid))
    })
}

fn set_open_xattrs(file: BorrowedFd<'_>, there: &[Xattr], node: &Node) -> Vec<String> {
    let flags = XattrFlags::empty();
    set_xattrs(
        there,
        &node.xattrs,
        |xattr| rustix::fs::fsetxattr(file, xattr.name.as_slice(), &xattr.value, flags),
        |name| rustix::fs::fremovexattr(file, name),
    )
}

/// A link, pipe, socket or device: reached by its name in an open folder, links not followed.
pub(crate) fn set_at(folder: BorrowedFd<'_>, name: &[u8], node: &Node) -> io::Result<Outcome> {
    let there = source::xattrs_at(folder, name).unwrap_or_default();
    set_named(folder, name, node, &there)
}

/// The same, just created where nothing is inherited.
pub(crate) fn set_new_at(folder: BorrowedFd<'_>, name: &[u8], node: &Node) -> io::Result<Outcome> {
    set_named(folder, name, node, &[])
}

fn set_named(
    folder: BorrowedFd<'_>,
    name: &[u8],
    node: &Node,
    there: &[Xattr],
) -> io::Result<Outcome> {
    let (uid, gid) = (Some(Uid::from_raw(node.uid)), Some(Gid::from_raw(node.gid)));
    let owner_set = owner(
        rustix::fs::chownat(folder, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW),
        || {
            source::look(folder, name)
                .is_ok_and(|stat| (stat.st_uid, stat.st_gid) == (node.uid, node.gid))
        },
    )?;
    let path = source::path_at(folder, name);
    if !matches!(node.kind, NodeKind::Symlink { .. }) {
        rustix::fs::chmodat(folder, name, mode(node, owner_set), AtFlags::empty())?;
    }
    let notes = set_xattrs(
        there,
        &node.xattrs,
        |xattr| {
            rustix::fs::lsetxattr(
                path.as_slice(),
                xattr.name.as_slice(),
                &xattr.value,
                XattrFlags::empty(),
            )
        },
        |name| rustix::fs::lremovexattr(path.as_slice(), name),
    );
    rustix::fs::utimensat(
        folder.as_fd(),
        name,
        &times(node),
        AtFlags::SYMLINK_NOFOLLOW,
    )?;
    Ok(Outcome { owner_set, notes })
}

/// Not being root is no failure: the entry then belongs to who restores it.
fn owner(set: rustix::io::Result<()>, already: impl Fn() -> bool) -> io::Result<bool> {
    match set {
        Ok(()) => Ok(true),
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::INVAL) => Ok(already()),
        Err(error) => Err(error.into()),
    }
}

/// A program must not run as somebody it does not belong to.
fn mode(node: &Node, owner_set: bool) -> Mode {
    Mode::from_raw_mode(if owner_set {
        node.mode
    } else {
        node.mode & 0o1777
    })
}

fn times(node: &Node) -> Timestamps {
    Timestamps {
        last_access: Timespec {
            tv_sec: node.atime_s,
            tv_nsec: node.atime_ns.into(),
        },
        last_modification: Timespec {
            tv_sec: node.mtime_s,
            tv_nsec: node.mtime_ns.into(),
        },
    }
}

/// What is there and was not saved is taken away (a new file inherits its folder's default access list), except labels
/// that the system itself sets.
fn set_xattrs(
    there: &[Xattr],
    wanted: &[Xattr],
    set: impl Fn(&Xattr) -> rustix::io::Result<()>,
    remove: impl Fn(&[u8]) -> rustix::io::Result<()>,
) -> Vec<String> {
    let mut notes = Vec::new();
    let extra = there.iter().filter(|xattr| {
        !wanted.iter().any(|w| w.name == xattr.name) && !xattr.name.starts_with(b"security.")
    });
    for xattr in extra {
        if let Err(error) = remove(&xattr.name) {
            notes.push(format!(
                "attribute {} could not be removed: {error}",
                crate::problem::show(&xattr.name)
            ));
        }
    }
    for xattr in wanted.iter().filter(|xattr| !there.contains(xattr)) {
        if let Err(error) = set(xattr) {
            notes.push(format!(
                "attribute {} was not restored: {error}",
                crate::problem::show(&xattr.name)
            ));
        }
    }
    notes
}
