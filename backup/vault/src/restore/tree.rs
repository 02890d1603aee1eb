//! Walks the saved tree: makes folders, links, pipes and devices, and passes files on.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode};
use rustix::io::Errno;

use super::execute::Shared;
use super::filling::Way;
use super::folder::{Folder, below};
use super::gather::Gather;
use super::links::{Group, Waiting};
use super::{Fate, Overwrite, existing, fate, sibling};
use crate::format::tree;
use crate::node::{Node, NodeKind, Segments};
use crate::{Error, attributes, deep, source};

pub(crate) struct Tree<'a> {
    shared: &'a Shared<'a>,
    gather: Gather<'a>,
    /// Files with several names, and how many of their names were met.
    linked: HashMap<(u64, u64), (Arc<Group>, u32)>,
    pub(crate) folders: u64,
}

/// New entries inherit it.
const DEFAULT_ACL: &str = "system.posix_acl_default";

impl<'a> Tree<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>, gather: Gather<'a>) -> Tree<'a> {
        Tree {
            shared,
            gather,
            linked: HashMap::new(),
            folders: 0,
        }
    }

    pub(crate) fn run(&mut self) -> Result<(), Error> {
        let walked = self.placements();
        // What must be done in another way may find again that it must.
        loop {
            self.gather.flush();
            self.shared.flight.wait();
            let again = self.shared.take_again();
            if again.is_empty() || self.shared.stopping() {
                break;
            }
            for waiting in again {
                self.once_more(waiting);
            }
        }
        walked
    }

    fn placements(&mut self) -> Result<(), Error> {
        let plan = self.shared.plan;
        let is_base = |to: &Path| to == plan.destination;
        // Several roots, or chosen entries: the destination is then only a place, and keeps its own attributes.
        let place = || {
            let clean = inherits_nothing(self.shared.handles.base());
            Arc::new(Folder::new(Vec::new(), None, None, false, clean))
        };
        let base = place();
        for (node, placement) in plan.nodes.iter().zip(&plan.placements) {
            if is_base(&placement.to) {
                let own = Some(Box::new(node.clone()));
                let folder = Arc::new(Folder::new(Vec::new(), own, None, false, base.clean));
                self.content(&folder, node, 0)?;
                self.shared.leave(folder);
                continue;
            }
            let relative = placement.to.strip_prefix(&plan.destination);
            let relative = relative.unwrap_or(Path::new("")).as_os_str().as_bytes();
            let (above, name) = match relative.iter().rposition(|byte| *byte == b'/') {
                Some(at) => (self.way(&base, &relative[..at]), &relative[at + 1..]),
                None => (Ok(Arc::clone(&base)), relative),
            };
            let node = Node {
                name: name.to_vec(),
                ..node.clone()
            };
            match above {
                Ok(folder) => {
                    self.entry(&folder, node, 0)?;
                    self.shared.leave(folder);
                }
                Err(error) => self
                    .shared
                    .problem(&node.path, format_args!("was not restored: {error}")),
            }
        }
        Ok(())
    }

    /// Folders on the way to one of several roots: they were not saved themselves.
    fn way(&self, base: &Arc<Folder>, path: &[u8]) -> io::Result<Arc<Folder>> {
        let mut folder = Arc::clone(base);
        for name in path.split(|byte| *byte == b'/') {
            let inside = self.shared.handles.get(&folder)?;
            match rustix::fs::mkdirat(&*inside, name, Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            let open = below(inside.as_fd(), name)?;
            let (path, clean) = (
                tree::join(&folder.path, name),
                inherits_nothing(open.as_fd()),
            );
            let next = Arc::new(Folder::new(path, None, Some(folder), false, clean));
            self.shared.handles.keep(&next, open);
            folder = next;
        }
        Ok(folder)
    }

    fn entry(&mut self, folder: &Arc<Folder>, node: Node, depth: usize) -> Result<(), Error> {
        self.shared.stop_if_asked()?;
        if node.is_dir() {
            return self.folder(folder, node, depth);
        }
        self.file(folder, node);
        Ok(())
    }

    fn folder(&mut self, above: &Arc<Folder>, node: Node, depth: usize) -> Result<(), Error> {
        match self.enter(above, &node) {
            Ok(folder) if depth <= deep::LEVELS => {
                let folder = Arc::new(folder);
                self.content(&folder, &node, depth)?;
                self.shared.leave(folder);
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

    fn enter(&self, above: &Arc<Folder>, node: &Node) -> io::Result<Folder> {
        let inside = self.shared.handles.get(above)?;
        let made = rustix::fs::mkdirat(&*inside, node.name.as_slice(), Mode::from_raw_mode(0o700));
        let fresh = match made {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => return Err(error.into()),
        };
        let open = below(inside.as_fd(), &node.name)?;
        let clean = match fresh {
            true if above.clean => true,
            // What it inherited would be inherited further; its own list comes at the end.
            true => matches!(
                rustix::fs::fremovexattr(&open, DEFAULT_ACL),
                Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP)
            ),
            false => false,
        };
        let own = Node {
            segments: Segments::default(),
            subtree: Vec::new(),
            ..node.clone()
        };
        let path = tree::join(&above.path, &node.name);
        let above = Some(Arc::clone(above));
        let folder = Folder::new(path, Some(Box::new(own)), above, fresh, clean);
        self.shared.handles.keep(&folder, open);
        Ok(folder)
    }

    fn content(&mut self, folder: &Arc<Folder>, node: &Node, depth: usize) -> Result<(), Error> {
        self.folders += 1;
        match self.shared.vault.children(node) {
            Ok(children) => {
                for child in children {
                    self.entry(folder, child, depth + 1)?;
                }
            }
            Err(error) => self.shared.problem(
                &node.path,
                format_args!("what the folder holds was not restored: {error}"),
            ),
        }
        Ok(())
    }

    fn file(&mut self, folder: &Arc<Folder>, node: Node) {
        let mut waiting = Waiting {
            folder: Arc::clone(folder),
            node,
            replaces: false,
            group: None,
            notes: Vec::new(),
        };
        let mut fate = self.fate(folder, &waiting.node);
        if fate == Fate::Beside {
            waiting.node.name = sibling(&waiting.node.name, &self.shared.plan.snapshot.id);
            fate = self.fate(folder, &waiting.node);
        }
        let path = &waiting.node.path;
        let way = match fate {
            Fate::New => Way::New,
            Fate::Same => Way::There,
            Fate::Replace { .. } => Way::Replace,
            // Under the sibling's name: somebody changed what was restored before.
            Fate::Keep | Fate::Beside => {
                let what = "is already there; what was there was left as it was";
                self.shared.problem(path, what);
                return self.shared.leave(waiting.folder);
            }
            Fate::Enter | Fate::Blocked => {
                let what = "was not restored: a folder of that name is in the way";
                self.shared.problem(path, what);
                return self.shared.leave(waiting.folder);
            }
        };
        waiting.replaces = way != Way::New;
        if waiting.node.links > 1 {
            let saved = (waiting.node.device, waiting.node.inode);
            match self.linked.get_mut(&saved) {
                Some((group, met)) => {
                    let group = Arc::clone(group);
                    *met += 1;
                    if *met >= waiting.node.links {
                        self.linked.remove(&saved);
                    }
                    return group.join(self.shared, waiting);
                }
                None => {
                    let group = Arc::new(Group::new(waiting.node.path.clone()));
                    self.linked.insert(saved, (Arc::clone(&group), 1));
                    waiting.group = Some(group);
                }
            }
        }
        self.write(waiting, way);
    }

    /// What is under the name; a look that fails is as good as nothing there: making it will tell.
    fn fate(&self, folder: &Folder, node: &Node) -> Fate {
        let there = match folder.fresh {
            true => None,
            false => self.shared.handles.get(folder).ok().and_then(|inside| {
                let stat = source::look(inside.as_fd(), &node.name).ok()?;
                existing::seen(inside.as_fd(), &node.name, &stat).ok()
            }),
        };
        fate(node, there.as_ref(), self.shared.plan.overwrite)
    }

    fn once_more(&mut self, waiting: Waiting) {
        let way = match waiting.replaces {
            true => Way::Replace,
            false => Way::New,
        };
        self.write(waiting, way);
    }

    fn write(&mut self, waiting: Waiting, way: Way) {
        if waiting.node.is_file() {
            return self.gather.file(waiting, way);
        }
        let Waiting {
            folder,
            node,
            group,
            mut notes,
            ..
        } = waiting;
        let made = self.special(&folder, &node, way);
        let made = made.map(|more| {
            notes.extend(more);
            notes
        });
        let done = self.shared.finished(&node, made);
        if let Some(group) = group {
            group.finished(
                self.shared,
                done.then(|| tree::join(&folder.path, &node.name)),
            );
        }
        self.shared.leave(folder);
    }

    /// A link, pipe, socket or device.
    fn special(&self, folder: &Folder, node: &Node, way: Way) -> io::Result<Vec<String>> {
        let inside = self.shared.handles.get(folder)?;
        let inside = inside.as_fd();
        if way == Way::New {
            return self.make(folder, inside, &node.name, node);
        }
        let there = source::look(inside, &node.name)?;
        if source::kind_of(inside, &node.name, &there)? == node.kind
            && (there.st_nlink == 1 || node.links > 1)
        {
            self.shared.unchanged();
            if self.shared.plan.overwrite != Overwrite::Replace {
                return Ok(Vec::new());
            }
            let outcome = attributes::set_at(inside, &node.name, node)?;
            return Ok(self.shared.owned(outcome));
        }
        let beside = self.shared.beside(&node.name);
        // A run that was interrupted may have left it.
        let _ = rustix::fs::unlinkat(inside, beside.as_slice(), AtFlags::empty());
        let notes = self.make(folder, inside, &beside, node)?;
        let moved = rustix::fs::renameat(inside, beside.as_slice(), inside, node.name.as_slice());
        if moved.is_err() {
            let _ = rustix::fs::unlinkat(inside, beside.as_slice(), AtFlags::empty());
        }
        moved?;
        Ok(notes)
    }

    fn make(
        &self,
        folder: &Folder,
        inside: BorrowedFd<'_>,
        name: &[u8],
        node: &Node,
    ) -> io::Result<Vec<String>> {
        let special = |kind, device| {
            rustix::fs::mknodat(inside, name, kind, Mode::from_raw_mode(0o600), device)
        };
        match &node.kind {
            NodeKind::Symlink { target } => {
                rustix::fs::symlinkat(target.as_slice(), inside, name)?;
            }
            NodeKind::Fifo => special(FileType::Fifo, 0)?,
            NodeKind::Socket => special(FileType::Socket, 0)?,
            NodeKind::CharDevice { major, minor } => {
                special(
                    FileType::CharacterDevice,
                    rustix::fs::makedev(*major, *minor),
                )?;
            }
            NodeKind::BlockDevice { major, minor } => {
                special(FileType::BlockDevice, rustix::fs::makedev(*major, *minor))?;
            }
            NodeKind::File | NodeKind::Dir => {}
        }
        let set = match folder.fresh && folder.clean {
            true => attributes::set_new_at(inside, name, node),
            false => attributes::set_at(inside, name, node),
        };
        match set {
            Ok(outcome) => Ok(self.shared.owned(outcome)),
            Err(error) => {
                let _ = rustix::fs::unlinkat(inside, name, AtFlags::empty());
                Err(error)
            }
        }
    }
}

fn inherits_nothing(folder: BorrowedFd<'_>) -> bool {
    matches!(
        rustix::fs::fgetxattr(folder, DEFAULT_ACL, &mut [0u8; 0]),
        Err(Errno::NODATA | Errno::OPNOTSUPP)
    )
}
