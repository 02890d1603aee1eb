//! A file being written, by whichever thread holds a chunk of it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::execute::Shared;
use super::folder::Folder;
use super::links::Group;
use crate::attributes::{self, Born};
use crate::format::tree;
use crate::node::Node;

/// What happens under the file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Nothing is there.
    New,
    /// Something is: the new file is made under another name and moved over it, so that there is always a whole one.
    Replace,
    /// What is there looks like the saved file.
    There,
}

pub(crate) struct Filling {
    pub(crate) node: Node,
    pub(crate) way: Way,
    pub(crate) group: Option<Arc<Group>>,
    /// Bytes at the end that no chunk covers.
    ends_in_hole: bool,
    /// Pieces that are not written yet, and one while the walk adds some.
    left: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    folder: Option<Arc<Folder>>,
    open: Option<Arc<OwnedFd>>,
    /// What is under the name is ours to take away.
    made: bool,
    error: Option<io::Error>,
    notes: Vec<String>,
}

/// Why nothing more is written: it was said already.
pub(crate) struct Failed;

impl Filling {
    pub(crate) fn new(
        folder: Arc<Folder>,
        node: Node,
        way: Way,
        group: Option<Arc<Group>>,
        notes: Vec<String>,
    ) -> Filling {
        let state = State {
            folder: Some(folder),
            notes,
            ..State::default()
        };
        Filling {
            ends_in_hole: false,
            node,
            way,
            group,
            left: AtomicUsize::new(1),
            state: Mutex::new(state),
        }
    }

    pub(crate) fn ending_in_hole(mut self, yes: bool) -> Filling {
        self.ends_in_hole = yes;
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add_piece(&self) {
        self.left.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn fail(&self, error: io::Error) {
        self.state().error.get_or_insert(error);
    }

    /// Takes the file out of the hands of its writers.
    pub(crate) fn take_folder(&self) -> Option<Arc<Folder>> {
        self.state().folder.take()
    }

    /// Writes a stretch; the first one makes the file.
    pub(crate) fn write(&self, shared: &Shared<'_>, bytes: &[u8], at: u64) -> Result<(), Failed> {
        let open = self.opened(shared)?;
        write_at(open.as_fd(), bytes, at).map_err(|error| {
            shared.end_at(&error);
            self.fail(error);
            Failed
        })
    }

    fn opened(&self, shared: &Shared<'_>) -> Result<Arc<OwnedFd>, Failed> {
        let mut state = self.state();
        if state.error.is_some() {
            return Err(Failed);
        }
        if let Some(open) = &state.open {
            return Ok(Arc::clone(open));
        }
        if shared.stopping() {
            state.error = Some(io::Error::other("the restore was stopped"));
            return Err(Failed);
        }
        match self.create(shared, &mut state) {
            Ok(open) => Ok(open),
            Err(error) => {
                state.error = Some(error);
                Err(Failed)
            }
        }
    }

    fn create(&self, shared: &Shared<'_>, state: &mut State) -> io::Result<Arc<OwnedFd>> {
        let folder = state.folder.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let name = self.name(shared);
        let inside = shared.handles.get(folder)?;
        let made = match create(inside.as_fd(), &name, first_mode(folder, &self.node)) {
            // A run that was interrupted left it.
            Err(error)
                if self.is_renamed(shared) && error.kind() == io::ErrorKind::AlreadyExists =>
            {
                rustix::fs::unlinkat(&*inside, name.as_slice(), AtFlags::empty())?;
                create(inside.as_fd(), &name, first_mode(folder, &self.node))
            }
            other => other,
        };
        let open = Arc::new(made?);
        state.open = Some(Arc::clone(&open));
        state.made = true;
        Ok(open)
    }

    fn name(&self, shared: &Shared<'_>) -> Vec<u8> {
        match self.is_renamed(shared) {
            true => shared.beside(&self.node.name),
            false => self.node.name.clone(),
        }
    }

    /// Written under another name first.
    fn is_renamed(&self, shared: &Shared<'_>) -> bool {
        self.way == Way::Replace || shared.plan.whole_names
    }

    /// Some pieces are written, or will never be. Who says so for the last one finishes the file.
    pub(crate) fn done(&self, shared: &Shared<'_>, pieces: usize) {
        if self.left.fetch_sub(pieces, Ordering::AcqRel) == pieces {
            self.finish(shared);
        }
    }

    fn finish(&self, shared: &Shared<'_>) {
        let ready = self.opened(shared);
        let mut state = std::mem::take(&mut *self.state());
        let Some(folder) = state.folder.take() else {
            return;
        };
        let result = match (ready, state.error.take()) {
            (Ok(open), None) => self.complete(shared, &folder, open.as_fd()),
            (_, error) => Err(error.unwrap_or_else(|| io::ErrorKind::Other.into())),
        };
        let result = result.map(|notes| [std::mem::take(&mut state.notes), notes].concat());
        if result.is_err() && state.made {
            // Half a file under its real name would be taken for the file.
            if let Ok(inside) = shared.handles.get(&folder) {
                let name = self.name(shared);
                let _ = rustix::fs::unlinkat(&*inside, name.as_slice(), AtFlags::empty());
            }
        }
        let done = shared.finished(&self.node, result);
        self.release(shared, folder, done);
    }

    /// Tells those who wait for it: names that become links of it, and its folder.
    pub(crate) fn release(&self, shared: &Shared<'_>, folder: Arc<Folder>, done: bool) {
        if let Some(group) = &self.group {
            let path = done.then(|| tree::join(&folder.path, &self.node.name));
            group.finished(shared, path);
        }
        shared.leave(folder);
    }

    /// Length, then everything about the file, then its name.
    fn complete(
        &self,
        shared: &Shared<'_>,
        folder: &Folder,
        file: BorrowedFd<'_>,
    ) -> io::Result<Vec<String>> {
        if self.ends_in_hole {
            rustix::fs::ftruncate(file, self.node.size)?;
        }
        let outcome = if folder.fresh && folder.clean {
            let asked = first_mode(folder, &self.node);
            let born = match folder.born.get() {
                Some(born) => born,
                None => {
                    let seen = Born::observe(file, asked, shared.umask)?;
                    folder.born.get_or_init(|| seen)
                }
            };
            attributes::set_new(file, &self.node, born, asked)?
        } else {
            attributes::set_open(file, &self.node)?
        };
        let notes = shared.owned(outcome);
        if self.is_renamed(shared) {
            let (inside, beside) = (shared.handles.get(folder)?, self.name(shared));
            let inside = inside.as_fd();
            match self.way {
                Way::New => give_name(inside, &beside, &self.node.name)?,
                Way::Replace | Way::There => {
                    let name = self.node.name.as_slice();
                    rustix::fs::renameat(inside, beside.as_slice(), inside, name)?;
                }
            }
        }
        Ok(notes)
    }
}

/// Renames, never over something that came meanwhile.
fn give_name(folder: BorrowedFd<'_>, from: &[u8], to: &[u8]) -> io::Result<()> {
    match rustix::fs::renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE) {
        // NFS, and some file systems of FUSE, know no such renaming.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            rustix::fs::linkat(folder, from, folder, to, AtFlags::empty())?;
            Ok(rustix::fs::unlinkat(folder, from, AtFlags::empty())?)
        }
        other => Ok(other?),
    }
}

/// In a folder that nobody else can enter yet a file may have its mode from the start.
fn first_mode(folder: &Folder, node: &Node) -> u32 {
    if folder.fresh && folder.clean {
        node.mode & 0o777
    } else {
        0o600
    }
}

fn create(folder: BorrowedFd<'_>, name: &[u8], mode: u32) -> io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(
        folder,
        name,
        flags,
        Mode::from_raw_mode(mode),
    )?)
}

fn write_at(file: BorrowedFd<'_>, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = rustix::io::retry_on_intr(|| rustix::io::pwrite(file, bytes, at))?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written..];
        at += written as u64;
    }
    Ok(())
}
