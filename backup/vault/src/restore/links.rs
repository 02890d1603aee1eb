//! Names of one file: the first is written, the others become hard links of it once it is whole.

use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::AtFlags;

use super::execute::Shared;
use super::folder::{Folder, below};
use crate::node::Node;
use crate::problem::show;
use crate::source;

/// A name that waits, or that must be restored in another way than was tried.
pub(crate) struct Waiting {
    pub(crate) folder: Arc<Folder>,
    pub(crate) node: Node,
    /// Something is under the name already.
    pub(crate) replaces: bool,
    /// Who waits for it when it is written; nobody when it has to be a copy.
    pub(crate) group: Option<Arc<Group>>,
    pub(crate) notes: Vec<String>,
}

pub(crate) struct Group {
    /// Saved path of the name that is written.
    first: Vec<u8>,
    state: Mutex<State>,
}

enum State {
    Writing(Vec<Waiting>),
    /// Path below the destination.
    Written(Vec<u8>),
    Failed,
}

impl Group {
    pub(crate) fn new(first: Vec<u8>) -> Group {
        Group {
            first,
            state: Mutex::new(State::Writing(Vec::new())),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another name of the file: linked now, or when the file is whole.
    pub(crate) fn join(&self, shared: &Shared<'_>, waiting: Waiting) {
        let mut state = self.state();
        let path = match &mut *state {
            State::Writing(queue) => {
                queue.push(waiting);
                return;
            }
            State::Written(path) => Some(path.clone()),
            State::Failed => None,
        };
        drop(state);
        self.settle(shared, path.as_deref(), waiting);
    }

    /// The file is whole under `path`, or was not restored.
    pub(crate) fn finished(&self, shared: &Shared<'_>, path: Option<Vec<u8>>) {
        let now = path.clone().map_or(State::Failed, State::Written);
        let before = std::mem::replace(&mut *self.state(), now);
        if let State::Writing(queue) = before {
            for waiting in queue {
                self.settle(shared, path.as_deref(), waiting);
            }
        }
    }

    fn settle(&self, shared: &Shared<'_>, path: Option<&[u8]>, mut waiting: Waiting) {
        let Some(path) = path else {
            let what = format!("it is a hard link of {}, which was not", show(&self.first));
            shared.finished(&waiting.node, Err(io::Error::other(what)));
            return shared.leave(waiting.folder);
        };
        match link(shared, path, &waiting) {
            Ok(()) => {
                shared.finished(&waiting.node, Ok(Vec::new()));
                shared.leave(waiting.folder);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                shared.finished(&waiting.node, Err(error));
                shared.leave(waiting.folder);
            }
            Err(error) => {
                let note = format!("is a copy, no longer a hard link: {error}");
                waiting.notes.push(note);
                waiting.group = None;
                shared.again(waiting);
            }
        }
    }
}

fn link(shared: &Shared<'_>, first: &[u8], waiting: &Waiting) -> io::Result<()> {
    let (above, last) = match first.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (
            Some(below(shared.handles.base(), &first[..at])?),
            &first[at + 1..],
        ),
        None => (None, first),
    };
    let from = above
        .as_ref()
        .map_or(shared.handles.base(), |above| above.as_fd());
    let (folder, name) = (shared.handles.get(&waiting.folder)?, &waiting.node.name);
    if !waiting.replaces {
        return Ok(rustix::fs::linkat(
            from,
            last,
            &*folder,
            name.as_slice(),
            AtFlags::empty(),
        )?);
    }
    let (there, wanted) = (
        source::look(folder.as_fd(), name)?,
        source::look(from, last)?,
    );
    if (there.st_dev, there.st_ino) == (wanted.st_dev, wanted.st_ino) {
        shared.unchanged();
        return Ok(());
    }
    let beside = shared.beside(name);
    let make = || rustix::fs::linkat(from, last, &*folder, beside.as_slice(), AtFlags::empty());
    match make() {
        // A run that was interrupted left it.
        Err(rustix::io::Errno::EXIST) => {
            rustix::fs::unlinkat(&*folder, beside.as_slice(), AtFlags::empty())?;
            make()?;
        }
        other => other?,
    }
    let moved = rustix::fs::renameat(&*folder, beside.as_slice(), &*folder, name.as_slice());
    if moved.is_err() {
        let _ = rustix::fs::unlinkat(&*folder, beside.as_slice(), AtFlags::empty());
    }
    Ok(moved?)
}
