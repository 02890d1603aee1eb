//! Makes the folders and names of a restore.
//!
//! Everything is created relative to an open folder, one name at a time, links never followed: what was saved, or what
//! another user puts into the destination meanwhile, cannot lead out of it.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::format::tree;
use crate::node::{Node, NodeKind};
use crate::restore::{Overwrite, RestorePlan};
use crate::restore_write::{Job, Shared, bad_destination};
use crate::{Error, attributes, deep, keys, source};

pub(crate) struct Tree<'a> {
    pub(crate) shared: &'a Shared<'a>,
    pub(crate) plan: &'a RestorePlan,
    pub(crate) queue: SyncSender<Job>,
    pub(crate) base: Option<Arc<OwnedFd>>,
    /// First restored name of each hard-linked file: its path below the destination.
    pub(crate) linked: HashMap<(u64, u64), Vec<u8>>,
    pub(crate) folders: u64,
}

pub(crate) fn open_folder_path(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(
        path,
        source::FOLDER | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}

/// Opens a folder below another; links and `..` are refused by the kernel.
fn open_below(folder: BorrowedFd<'_>, path: &[u8]) -> io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(
        folder,
        path,
        source::FOLDER | OFlags::CLOEXEC,
        Mode::empty(),
        resolve,
    ) {
        // Kernels before 5.6, or a filter: one plain name can be opened just as safely without it.
        Err(Errno::NOSYS | Errno::PERM) if tree::is_plain(path) => Ok(rustix::fs::openat(
            folder,
            path,
            source::FOLDER | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        )?),
        other => Ok(other?),
    }
}

impl Tree<'_> {
    pub(crate) fn run(&mut self) -> Result<(), Error> {
        let make = |error: io::Error| {
            bad_destination(
                self.plan,
                format!("it cannot be made: {error}; choose another folder"),
            )
        };
        let mut builder = std::fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .recursive(true)
            .create(&self.plan.destination)
            .map_err(make)?;
        let base = Arc::new(open_folder_path(&self.plan.destination).map_err(make)?);
        self.base = Some(Arc::clone(&base));
        for (node, placement) in self.plan.nodes.iter().zip(&self.plan.placements) {
            let relative = placement
                .to
                .strip_prefix(&self.plan.destination)
                .unwrap_or(Path::new(""));
            let relative = relative.as_os_str().as_bytes();
            if relative.is_empty() {
                self.content(&base, node, b"", 0)?;
                self.settle(base.as_fd(), node);
                continue;
            }
            let above = match relative.iter().rposition(|byte| *byte == b'/') {
                Some(at) => self.way(&base, &relative[..at]),
                None => Ok(Arc::clone(&base)),
            };
            let node = Node {
                name: relative
                    .rsplit(|b| *b == b'/')
                    .next()
                    .unwrap_or_default()
                    .to_vec(),
                ..node.clone()
            };
            match above {
                Ok(folder) => self.node(&folder, &node, relative, 0)?,
                Err(error) => self
                    .shared
                    .problem(&node.path, format_args!("was not restored: {error}")),
            }
        }
        Ok(())
    }

    /// Folders on the way to one of several roots: they were not saved themselves.
    fn way(&self, base: &Arc<OwnedFd>, path: &[u8]) -> io::Result<Arc<OwnedFd>> {
        let mut folder = Arc::clone(base);
        for name in path.split(|byte| *byte == b'/') {
            match rustix::fs::mkdirat(&*folder, name, Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            folder = Arc::new(open_below(folder.as_fd(), name)?);
        }
        Ok(folder)
    }

    /// `path` is relative to the destination.
    fn node(
        &mut self,
        folder: &Arc<OwnedFd>,
        node: &Node,
        path: &[u8],
        depth: usize,
    ) -> Result<(), Error> {
        self.shared.stop_if_asked(self.plan)?;
        match node.kind {
            NodeKind::Dir => self.folder(folder, node, path, depth),
            _ => {
                self.file(folder, node, path);
                Ok(())
            }
        }
    }

    fn folder(
        &mut self,
        above: &Arc<OwnedFd>,
        node: &Node,
        path: &[u8],
        depth: usize,
    ) -> Result<(), Error> {
        let made =
            match rustix::fs::mkdirat(&**above, node.name.as_slice(), Mode::from_raw_mode(0o700)) {
                Ok(()) | Err(Errno::EXIST) => open_below(above.as_fd(), &node.name),
                Err(error) => Err(error.into()),
            };
        match made {
            Ok(folder) if depth <= deep::LEVELS => {
                let folder = Arc::new(folder);
                self.content(&folder, node, path, depth)?;
                self.settle(folder.as_fd(), node);
            }
            Ok(_) => self
                .shared
                .problem(&node.path, "is too deep; it was not restored"),
            Err(error) => {
                self.shared.end_at(&error);
                self.shared.problem(
                    &node.path,
                    format_args!("the folder was not restored, nor what it holds: {error}"),
                );
            }
        }
        Ok(())
    }

    fn content(
        &mut self,
        folder: &Arc<OwnedFd>,
        node: &Node,
        path: &[u8],
        depth: usize,
    ) -> Result<(), Error> {
        self.folders += 1;
        match self.shared.vault.children(node) {
            Ok(children) => children.iter().try_for_each(|child| {
                self.node(folder, child, &tree::join(path, &child.name), depth + 1)
            }),
            Err(error) => {
                self.shared.problem(
                    &node.path,
                    format_args!("what the folder holds was not restored: {error}"),
                );
                Ok(())
            }
        }
    }

    /// A folder's own attributes, once everything in it exists.
    fn settle(&self, folder: BorrowedFd<'_>, node: &Node) {
        match attributes::set_open(folder, node) {
            Ok(outcome) => self
                .shared
                .owned(outcome)
                .into_iter()
                .for_each(|note| self.shared.problem(&node.path, note)),
            Err(error) => self.shared.problem(
                &node.path,
                format_args!("its owner, mode and times were not set: {error}"),
            ),
        }
    }

    fn file(&mut self, folder: &Arc<OwnedFd>, node: &Node, path: &[u8]) {
        let there = source::look(folder.as_fd(), &node.name);
        let replaces = match there {
            Ok(_) if self.plan.overwrite != Overwrite::Replace => {
                return self.shared.problem(
                    &node.path,
                    "is already there; what was there is left as it was",
                );
            }
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {
                return self.shared.problem(
                    &node.path,
                    "was not restored: a folder of that name is in the way",
                );
            }
            Ok(_) => true,
            Err(_) => false,
        };
        let group = (node.links > 1).then_some((node.device, node.inode));
        // Files written by the other threads are new, single and plain; everything else is done here and now.
        if node.is_file() && group.is_none() && !replaces {
            match create(folder.as_fd(), &node.name) {
                Ok(file) => {
                    let job = Job {
                        folder: Arc::clone(folder),
                        file,
                        node: node.clone(),
                    };
                    if self.queue.send(job).is_err() {
                        self.shared
                            .problem(&node.path, "was not restored: the writing threads stopped");
                    }
                }
                Err(error) => {
                    self.shared.finished(node, Err(error));
                }
            }
            return;
        }
        let done = if replaces {
            self.replace(folder, node, group)
        } else {
            self.make(folder, &node.name, node, group)
        };
        if self.shared.finished(node, done)
            && let Some(group) = group
        {
            self.linked.entry(group).or_insert_with(|| path.to_vec());
        }
    }

    /// Made under another name and moved over the old one: there is always a whole file under the name.
    fn replace(
        &self,
        folder: &Arc<OwnedFd>,
        node: &Node,
        group: Option<(u64, u64)>,
    ) -> io::Result<Vec<String>> {
        let random = u64::from_le_bytes(keys::random().map_err(io::Error::other)?);
        let name = format!(".reprise-{random:016x}").into_bytes();
        let notes = self.make(folder, &name, node, group)?;
        let moved =
            rustix::fs::renameat(&**folder, name.as_slice(), &**folder, node.name.as_slice());
        // Gone after a rename, except when both names were already the same file (rename then does nothing).
        let _ = rustix::fs::unlinkat(&**folder, name.as_slice(), AtFlags::empty());
        moved?;
        Ok(notes)
    }

    /// Creates the entry under `name`; takes it away again when that fails.
    fn make(
        &self,
        folder: &Arc<OwnedFd>,
        name: &[u8],
        node: &Node,
        group: Option<(u64, u64)>,
    ) -> io::Result<Vec<String>> {
        let mut notes = Vec::new();
        if let Some(first) = group.and_then(|group| self.linked.get(&group)) {
            match self.link(first, folder.as_fd(), name) {
                Ok(()) => return Ok(notes),
                Err(error) => notes.push(format!("is a copy, no longer a hard link: {error}")),
            }
        }
        if node.is_file() {
            let file = create(folder.as_fd(), name)?;
            let filled = self.shared.fill(file.as_fd(), node);
            return match filled {
                Ok(more) => {
                    notes.extend(more);
                    Ok(notes)
                }
                Err(error) => {
                    let _ = rustix::fs::unlinkat(&**folder, name, AtFlags::empty());
                    Err(error)
                }
            };
        }
        let mode = Mode::from_raw_mode(0o600);
        match &node.kind {
            NodeKind::Symlink { target } => {
                rustix::fs::symlinkat(target.as_slice(), &**folder, name)?
            }
            NodeKind::Fifo => rustix::fs::mknodat(&**folder, name, FileType::Fifo, mode, 0)?,
            NodeKind::Socket => rustix::fs::mknodat(&**folder, name, FileType::Socket, mode, 0)?,
            NodeKind::CharDevice { major, minor } => {
                let device = rustix::fs::makedev(*major, *minor);
                rustix::fs::mknodat(&**folder, name, FileType::CharacterDevice, mode, device)?;
            }
            NodeKind::BlockDevice { major, minor } => {
                let device = rustix::fs::makedev(*major, *minor);
                rustix::fs::mknodat(&**folder, name, FileType::BlockDevice, mode, device)?;
            }
            NodeKind::File | NodeKind::Dir => {}
        }
        notes.extend(
            self.shared
                .owned(attributes::set_at(folder.as_fd(), name, node)?),
        );
        Ok(notes)
    }

    fn link(&self, first: &[u8], folder: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
        let base = self.base.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let (above, last) = match first.iter().rposition(|byte| *byte == b'/') {
            Some(at) => (
                Some(open_below(base.as_fd(), &first[..at])?),
                &first[at + 1..],
            ),
            None => (None, first),
        };
        let from = above.as_ref().map_or(base.as_fd(), |above| above.as_fd());
        Ok(rustix::fs::linkat(
            from,
            last,
            folder,
            name,
            AtFlags::empty(),
        )?)
    }
}

fn create(folder: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(
        folder,
        name,
        flags,
        Mode::from_raw_mode(0o600),
    )?)
}
