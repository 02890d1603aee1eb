//! An open place in the destination.
//!
//! Every path below the destination is opened by the kernel's own rule (`openat2`: beneath, no links): what was saved,
//! or what another user puts into the destination meanwhile, cannot lead out of it.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::attributes::Born;
use crate::format::tree;
use crate::node::Node;
use crate::source;

/// Longer paths are opened in steps: the kernel takes 4096 bytes at once.
const STEP: usize = 3000;

pub(crate) struct Folder {
    /// Below the destination; empty for the destination itself.
    pub(crate) path: Vec<u8>,
    /// What it gets when everything in it is there; nothing for folders on the way that were not saved themselves.
    pub(crate) node: Option<Box<Node>>,
    /// Released with it: a folder is finished after all below it.
    pub(crate) above: Option<Arc<Folder>>,
    /// Made by this restore and closed to others until it is finished: nothing unexpected can be in it.
    pub(crate) fresh: bool,
    /// Has no access list that new entries inherit.
    pub(crate) clean: bool,
    /// Who owns what is created here; asked once. Only for fresh and clean folders, where it cannot change.
    pub(crate) born: OnceLock<Born>,
    open: Mutex<Weak<OwnedFd>>,
}

impl Folder {
    pub(crate) fn new(
        path: Vec<u8>,
        node: Option<Box<Node>>,
        above: Option<Arc<Folder>>,
        fresh: bool,
        clean: bool,
    ) -> Folder {
        Folder {
            path,
            node,
            above,
            fresh,
            clean,
            born: OnceLock::new(),
            open: Mutex::default(),
        }
    }
}

/// Open folders, the latest of them: a folder whose handle was given up is opened again when needed.
pub(crate) struct Handles {
    base: Arc<OwnedFd>,
    open: Mutex<VecDeque<Arc<OwnedFd>>>,
    most: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Handles {
    pub(crate) fn new(base: OwnedFd, most: usize) -> Handles {
        Handles {
            base: Arc::new(base),
            open: Mutex::default(),
            most,
        }
    }

    pub(crate) fn base(&self) -> BorrowedFd<'_> {
        self.base.as_fd()
    }

    pub(crate) fn get(&self, folder: &Folder) -> io::Result<Arc<OwnedFd>> {
        if folder.path.is_empty() {
            return Ok(Arc::clone(&self.base));
        }
        if let Some(open) = lock(&folder.open).upgrade() {
            return Ok(open);
        }
        Ok(self.keep(folder, below(self.base(), &folder.path)?))
    }

    /// Remembers the handle of a folder that was just opened.
    pub(crate) fn keep(&self, folder: &Folder, open: OwnedFd) -> Arc<OwnedFd> {
        let open = Arc::new(open);
        *lock(&folder.open) = Arc::downgrade(&open);
        let mut kept = lock(&self.open);
        kept.push_back(Arc::clone(&open));
        let given_up = if kept.len() > self.most {
            kept.pop_front()
        } else {
            None
        };
        drop(kept);
        drop(given_up);
        open
    }
}

pub(crate) fn open_path(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(
        path,
        source::FOLDER | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}

/// Opens a folder below another; links and `..` are refused by the kernel.
pub(crate) fn below(folder: BorrowedFd<'_>, path: &[u8]) -> io::Result<OwnedFd> {
    let mut reached: Option<OwnedFd> = None;
    let mut rest = path;
    loop {
        let cut = match rest.len() {
            0..=STEP => rest.len(),
            _ => rest[..STEP]
                .iter()
                .rposition(|byte| *byte == b'/')
                .ok_or(Errno::NAMETOOLONG)?,
        };
        let from = reached.as_ref().map_or(folder, |open| open.as_fd());
        let open = beneath(from, &rest[..cut])?;
        if cut == rest.len() {
            return Ok(open);
        }
        reached = Some(open);
        rest = &rest[cut + 1..];
    }
}

fn beneath(folder: BorrowedFd<'_>, path: &[u8]) -> io::Result<OwnedFd> {
    let flags = source::FOLDER | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(folder, path, flags, Mode::empty(), resolve) {
        // Kernels before 5.6, or a filter: one plain name after the other can be opened just as safely without it.
        Err(Errno::NOSYS | Errno::PERM) => by_name(folder, path),
        other => Ok(other?),
    }
}

fn by_name(folder: BorrowedFd<'_>, path: &[u8]) -> io::Result<OwnedFd> {
    let flags = source::FOLDER | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut reached: Option<OwnedFd> = None;
    for name in path.split(|byte| *byte == b'/') {
        if !tree::is_plain(name) {
            return Err(Errno::INVAL.into());
        }
        let from = reached.as_ref().map_or(folder, |open| open.as_fd());
        reached = Some(rustix::fs::openat(from, name, flags, Mode::empty())?);
    }
    reached.ok_or_else(|| Errno::INVAL.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_links_nor_dots_are_followed_and_long_paths_are_reached() {
        let scratch = super::super::Scratch::new("folder");
        let base = open_path(&scratch.0).unwrap();
        std::fs::create_dir(scratch.0.join("real")).unwrap();
        std::os::unix::fs::symlink("real", scratch.0.join("link")).unwrap();
        for open in [beneath, by_name] {
            assert!(open(base.as_fd(), b"real").is_ok());
            for path in [
                &b"link"[..],
                b"..",
                b"real/../../etc",
                b"/etc",
                b"none",
                b"real/none",
                b"",
            ] {
                assert!(open(base.as_fd(), path).is_err(), "{path:?}");
            }
        }
        let (name, mut path) = ([b'x'; 200], Vec::new());
        let mut folder = open_path(&scratch.0).unwrap();
        for level in 0..40 {
            rustix::fs::mkdirat(&folder, name.as_slice(), Mode::RWXU).unwrap();
            folder = beneath(folder.as_fd(), &name).unwrap();
            if level > 0 {
                path.push(b'/');
            }
            path.extend_from_slice(&name);
        }
        let (found, reached) = (
            rustix::fs::fstat(below(base.as_fd(), &path).unwrap()).unwrap(),
            rustix::fs::fstat(&folder).unwrap(),
        );
        assert_eq!(found.st_ino, reached.st_ino);
    }

    #[test]
    fn a_folder_whose_handle_was_given_up_is_opened_again() {
        let scratch = super::super::Scratch::new("handles");
        let handles = Handles::new(open_path(&scratch.0).unwrap(), 2);
        let folders: Vec<Folder> = (0..5)
            .map(|n| {
                std::fs::create_dir(scratch.0.join(n.to_string())).unwrap();
                Folder::new(n.to_string().into_bytes(), None, None, true, true)
            })
            .collect();
        for _ in 0..2 {
            for folder in &folders {
                handles.get(folder).unwrap();
            }
        }
        assert_eq!(lock(&handles.open).len(), 2);
        let open = folders
            .iter()
            .filter(|folder| lock(&folder.open).strong_count() > 0);
        assert_eq!(open.count(), 2);
    }
}
