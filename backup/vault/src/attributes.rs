//! Gives a restored entry its owner, mode, extended attributes and times, in the order in which none undoes another.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use crate::node::{Node, NodeKind, Xattr};
use crate::source;

pub(crate) struct Outcome {
    pub(crate) owner_set: bool,
    /// What could not be set, in words.
    pub(crate) notes: Vec<String>,
}

/// A file or folder that is open.
pub(crate) fn set_open(file: BorrowedFd<'_>, node: &Node) -> io::Result<Outcome> {
    let owner_set = owner(
        rustix::fs::fchown(
            file,
            Some(Uid::from_raw(node.uid)),
            Some(Gid::from_raw(node.gid)),
        ),
        || {
            rustix::fs::fstat(file)
                .is_ok_and(|stat| (stat.st_uid, stat.st_gid) == (node.uid, node.gid))
        },
    )?;
    rustix::fs::fchmod(file, mode(node, owner_set))?;
    let notes = set_xattrs(
        &source::xattrs(file).unwrap_or_default(),
        &node.xattrs,
        |xattr| {
            rustix::fs::fsetxattr(
                file,
                xattr.name.as_slice(),
                &xattr.value,
                XattrFlags::empty(),
            )
        },
        |name| rustix::fs::fremovexattr(file, name),
    );
    rustix::fs::futimens(file, &times(node))?;
    Ok(Outcome { owner_set, notes })
}

/// A link, pipe, socket or device: reached by its name in an open folder, links not followed.
pub(crate) fn set_at(folder: BorrowedFd<'_>, name: &[u8], node: &Node) -> io::Result<Outcome> {
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
        &source::xattrs_at(folder, name).unwrap_or_default(),
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
