//! Walks folders and stores what it finds. A bad entry is a problem; only the vault's own failures stop the walk.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::fs::{CWD, FileType, Stat};

use crate::ahead::{Ahead, Scanner};
use crate::content::{Content, Failed};
use crate::folder_list::NewList;
use crate::format::tree;
use crate::inner::Inner;
use crate::known::{self, Inodes};
use crate::node::{Node, NodeKind};
use crate::problem::show;
use crate::scan::{From, Held, Look, Looked, Place, Rules};
use crate::session::Session;
use crate::settled::Settled;
use crate::source::{self, FOLDER};
use crate::tally::{Count, Tally};
use crate::{ChunkId, Error, Problem, Watch, deep};

pub(crate) struct Walk<'a> {
    pub(crate) vault: &'a Inner,
    pub(crate) watch: &'a Watch,
    pub(crate) scanner: &'a Scanner<'a>,
    /// `None`: a dry run, nothing is read or stored.
    pub(crate) store: Option<Store>,
    pub(crate) settled: Settled,
    /// Hard-linked files stored so far of which more names may come.
    pub(crate) linked: HashMap<(u64, u64), Linked>,
    pub(crate) inodes: Inodes,
    pub(crate) problems: Vec<Problem>,
    pub(crate) tally: Tally,
}

/// Where contents go.
pub(crate) struct Store {
    pub(crate) session: Session,
    pub(crate) content: Content,
}

pub(crate) struct Linked {
    pub(crate) node: Node,
    /// Names that have not come yet.
    pub(crate) left: u32,
}

/// An entry of the new snapshot.
pub(crate) struct Kept {
    pub(crate) node: Node,
    /// It is the parent snapshot's node, unchanged.
    pub(crate) same: bool,
}

type Saved = Result<Option<Kept>, Error>;

/// A folder that is being walked.
pub(crate) struct Here<'a> {
    pub(crate) folder: &'a OwnedFd,
    pub(crate) path: &'a [u8],
    pub(crate) depth: usize,
}

impl Here<'_> {
    pub(crate) fn path_of(&self, name: &[u8]) -> Vec<u8> {
        tree::join(self.path, name)
    }
}

impl Walk<'_> {
    pub(crate) fn problem(&mut self, path: &[u8], what: impl std::fmt::Display) {
        self.problems
            .push(Problem::new(show(path), what.to_string()));
    }

    fn unreadable(&mut self, path: &[u8], error: &io::Error) {
        match error.kind() {
            io::ErrorKind::NotFound => {
                self.problem(path, "went away while the folder was being saved")
            }
            _ => self.problem(path, format_args!("cannot be read: {error}")),
        }
    }

    /// A root that was not there when the backup began did not go away meanwhile.
    fn no_root(&mut self, path: &[u8], error: &io::Error) {
        match error.kind() {
            io::ErrorKind::NotFound => self.problem(path, "does not exist"),
            _ => self.unreadable(path, error),
        }
    }

    /// A root of the snapshot; `old` is the same root in the parent snapshot.
    pub(crate) fn root(
        &mut self,
        root: &Path,
        path: &[u8],
        old: Option<Node>,
        rules: Rules,
    ) -> Result<Option<Node>, Error> {
        let name = root
            .file_name()
            .map_or(&b"/"[..], |name| name.as_encoded_bytes());
        let not_a_folder = Some(rustix::io::Errno::NOTDIR.raw_os_error());
        // A root may be a symbolic link to a folder (`/srv/current`): the admin named it, so it is followed.
        let saved = match source::open_quietly(CWD, path, FOLDER) {
            Ok(folder) => {
                let before = old.as_ref().map(|old| old.subtree.clone());
                let ahead = Ahead::new(Place {
                    from: From::Opened(folder),
                    path: path.to_vec(),
                    depth: 0,
                    before: before.unwrap_or_default(),
                    rules: Arc::new(rules),
                });
                self.folder(&ahead, name.to_vec(), path, old, 0)?
            }
            Err(error) if error.raw_os_error() == not_a_folder => {
                let above = root.parent().unwrap_or(Path::new("/"));
                match source::open_quietly(CWD, above.as_os_str().as_encoded_bytes(), FOLDER) {
                    Ok(folder) => {
                        let here = Here {
                            folder: &folder,
                            path: above.as_os_str().as_encoded_bytes(),
                            depth: 0,
                        };
                        let look = match source::look(folder.as_fd(), name) {
                            Ok(stat) => Look::Other(Box::new(stat)),
                            Err(error) => Look::Failed(error),
                        };
                        self.entry(&here, name.to_vec(), look, old)?
                    }
                    Err(error) => {
                        self.no_root(path, &error);
                        None
                    }
                }
            }
            Err(error) => {
                self.no_root(path, &error);
                None
            }
        };
        Ok(saved.map(|kept| kept.node))
    }

    /// An entry of an open folder.
    fn entry(&mut self, here: &Here<'_>, name: Vec<u8>, look: Look, old: Option<Node>) -> Saved {
        if self.watch.is_cancelled() {
            return Err(Error::Cancelled);
        }
        // One name that no reader accepts would cost the whole folder.
        if !tree::is_plain(&name) {
            let path = here.path_of(&name);
            self.problem(&path, "is not saved: its name is too long or not a name");
            return Ok(None);
        }
        let stat = match look {
            Look::Folder(ahead) => {
                let path = here.path_of(&name);
                return self.folder(&ahead, name, &path, old, here.depth + 1);
            }
            Look::Other(stat) => Ok(*stat),
            Look::Later => source::look(here.folder.as_fd(), &name),
            Look::Failed(error) => Err(error),
        };
        let stat = match stat {
            Ok(stat) => stat,
            Err(error) => {
                self.unreadable(&here.path_of(&name), &error);
                return Ok(None);
            }
        };
        let shown = name.clone();
        let saved = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => self.file(here, name, &stat, old),
            // It was none when the folder was listed.
            FileType::Directory => Err(Failed::Read(io::Error::other(
                "it became a folder; it is saved by the next run",
            ))),
            _ => self.special(here, name, &stat, old),
        };
        match saved {
            Ok(kept) => {
                self.watch.files_done.fetch_add(1, Ordering::Relaxed);
                Ok(Some(kept))
            }
            Err(Failed::Read(error)) => {
                self.unreadable(&here.path_of(&shown), &error);
                Ok(None)
            }
            Err(Failed::Vault(error)) => Err(error),
        }
    }

    fn folder(
        &mut self,
        ahead: &Arc<Ahead>,
        name: Vec<u8>,
        path: &[u8],
        old: Option<Node>,
        depth: usize,
    ) -> Saved {
        if depth > deep::LEVELS {
            let most = deep::LEVELS;
            self.problem(
                path,
                format_args!("is deeper than {most} folders; it is not saved"),
            );
            return Ok(None);
        }
        let looked = match self.scanner.take(ahead) {
            Ok(looked) => looked,
            Err(_) if self.watch.is_cancelled() => return Err(Error::Cancelled),
            Err(error) => {
                self.unreadable(path, &error);
                return Ok(None);
            }
        };
        self.tally.excluded += looked.excluded + u64::from(looked.held == Held::Elsewhere);
        if looked.held == Held::Vault {
            self.problem(path, "is the vault itself; it is not saved into itself");
            return Ok(None);
        }
        let old = old.filter(Node::is_dir);
        let (stat, folder) = (looked.stat, Arc::clone(&looked.folder));
        let here = Here {
            folder: &folder,
            path,
            depth,
        };
        let (list, same) = self.entries(&here, looked)?;
        let known = old.as_ref();
        let known = known.filter(|old| known::is_same_entry(old, &stat, self.any_inode()));
        let known = known.filter(|old| self.settled.is(old, &stat, folder.as_fd()));
        if let Some(known) = known.filter(|_| same) {
            let parts = known.subtree.clone();
            if parts.iter().all(|(id, _)| self.has(id))
                && let Some(node) = old
            {
                return Ok(Some(Kept { node, same: true }));
            }
        }
        let mut node = source::node(&name, path, NodeKind::Dir, &stat);
        match known {
            Some(known) => node.xattrs.clone_from(&known.xattrs),
            None => match source::xattrs(folder.as_fd()) {
                Ok(xattrs) => node.xattrs = xattrs,
                Err(error) => {
                    self.problem(path, format_args!("its attributes cannot be read: {error}"))
                }
            },
        }
        if let Some(Store { session, content }) = &mut self.store {
            node.subtree = content.store_tree(session, &list.finish(), self.watch)?;
        }
        Ok(Some(Kept::new(node, old)))
    }

    /// The list of a folder, and whether it is just that of the parent snapshot.
    fn entries(&mut self, here: &Here<'_>, looked: Looked) -> Result<(NewList, bool), Error> {
        // Whatever it holds, nothing of it is saved; the list is there, and empty.
        let mut same = looked.before.is_some();
        let before = looked.before.unwrap_or_default();
        self.inodes.learn(&looked.entries, before.first());
        self.tally.unstable_inodes = self.inodes.are_unstable();
        let mut before = before.into_nodes().peekable();
        let mut list = NewList::with_room(looked.entries.len());
        for entry in looked.entries {
            while let Some(gone) = before.next_if(|old| old.name < entry.name) {
                same = false;
                self.gone(&gone);
            }
            let old = before.next_if(|old| old.name == entry.name);
            match self.entry(here, entry.name, entry.look, old)? {
                Some(kept) => {
                    same &= kept.same;
                    list.push(kept.node);
                }
                None => same = false,
            }
        }
        for gone in before {
            same = false;
            self.gone(&gone);
        }
        Ok((list, same))
    }

    /// Counts what is in the parent snapshot only.
    fn gone(&mut self, old: &Node) {
        if !old.is_dir() {
            return self.tally.removed.add(old.size);
        }
        for below in self.vault.children(old).unwrap_or_default() {
            self.gone(&below);
        }
    }

    fn special(
        &mut self,
        here: &Here<'_>,
        name: Vec<u8>,
        stat: &Stat,
        old: Option<Node>,
    ) -> Result<Kept, Failed> {
        let was_there = old.is_some();
        let kept = match old {
            Some(old)
                if known::is_same_entry(&old, stat, self.any_inode())
                    && self.settled.is(&old, stat, here.folder.as_fd()) =>
            {
                Kept {
                    node: old,
                    same: true,
                }
            }
            old => {
                let folder = here.folder.as_fd();
                let kind = source::kind_of(folder, &name, stat).map_err(Failed::Read)?;
                let mut node = source::node(&name, &here.path_of(&name), kind, stat);
                node.xattrs = source::xattrs_at(folder, &name).map_err(Failed::Read)?;
                Kept::new(node, old)
            }
        };
        self.count(was_there, &kept);
        Ok(kept)
    }

    pub(crate) fn count(&mut self, was_there: bool, kept: &Kept) {
        let tally = &mut self.tally;
        let count: &mut Count = match (kept.same, was_there) {
            (true, _) => &mut tally.unchanged,
            (false, true) => &mut tally.changed,
            (false, false) => &mut tally.new,
        };
        count.add(kept.node.size);
    }

    pub(crate) fn any_inode(&self) -> bool {
        self.tally.unstable_inodes
    }

    /// Whether the vault holds the chunk; the new snapshot then counts on it.
    pub(crate) fn has(&mut self, id: &ChunkId) -> bool {
        match &mut self.store {
            Some(store) => store.session.has(id),
            None => self.vault.index().get(id).is_some(),
        }
    }
}

impl Kept {
    /// A node that was made anew may still equal the old one; that it was only read meanwhile is no change.
    pub(crate) fn new(node: Node, old: Option<Node>) -> Kept {
        match old {
            Some(old) if known::is_same_node(&old, &node) => Kept {
                node: old,
                same: true,
            },
            _ => Kept { node, same: false },
        }
    }
}
