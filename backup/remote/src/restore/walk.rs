//! Walks the saved tree: makes folders, decides what becomes of each name, and passes the rest on to the crew.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use vault::restore::{Fate, Ground, There, fate, sibling};
use vault::{Error, Node, NodeKind};

use super::carry;
use super::crew::{Folder, Shared, below};
use super::upload::{Job, What};

/// Names looked at and folders made in one go.
const LOT: usize = 512;

pub(super) struct Walk<'a> {
    shared: &'a Shared<'a>,
    queue: SyncSender<Job>,
    /// Files with several names: where the first is, and how many names were met.
    linked: HashMap<(u64, u64), (PathBuf, u32)>,
    /// Their other names, made when the first is whole.
    pub(super) hard: Vec<Job>,
    pub(super) folders: u64,
}

impl<'a> Walk<'a> {
    pub(super) fn new(shared: &'a Shared<'a>, queue: SyncSender<Job>) -> Walk<'a> {
        Walk {
            shared,
            queue,
            linked: HashMap::new(),
            hard: Vec::new(),
            folders: 0,
        }
    }

    pub(super) fn run(&mut self) -> Result<(), Error> {
        let plan = self.shared.plan;
        if let Err(error) = self.way(&plan.destination) {
            self.shared.end_at(&error);
            self.shared.stop_if_asked()?;
            let what = format!("it cannot be made: {error}; choose another folder");
            return Err(self.shared.server.refuse(&plan.destination, what));
        }
        for (node, placement) in plan.nodes().iter().zip(&plan.placements) {
            let own = |path: &Path, node| {
                Arc::new(Folder {
                    path: path.to_owned(),
                    node,
                    above: None,
                    fresh: false,
                })
            };
            if placement.to == plan.destination {
                let folder = own(&placement.to, Some(Box::new(bare(node))));
                self.content(&folder, node)?;
                self.shared.leave(folder);
                continue;
            }
            let above = placement.to.parent().unwrap_or(&plan.destination);
            let name = placement.to.file_name().unwrap_or_default();
            match self.way(above) {
                Ok(()) => {
                    use std::os::unix::ffi::OsStrExt;
                    let mut node = node.clone();
                    node.name = name.as_bytes().to_vec();
                    let folder = own(above, None);
                    self.lot(&folder, vec![node])?;
                }
                Err(error) => {
                    self.shared.end_at(&error);
                    let what = format_args!("was not restored: {error}");
                    self.shared.problem(&node.path, what);
                }
            }
        }
        Ok(())
    }

    /// Makes what is missing of a path whose links were resolved when it was planned. A link that has come since is not
    /// followed.
    fn way(&self, path: &Path) -> io::Result<()> {
        let mut missing = Vec::new();
        for folder in path.ancestors() {
            let there = self.there(vec![folder.to_owned()])?;
            match there.into_iter().next().flatten() {
                Some(_) => break,
                None => missing.push(folder),
            }
        }
        for folder in missing.into_iter().rev() {
            let made = self.shared.server.make_folders(&[folder.to_owned()])?;
            for made in made {
                // Somebody else was quicker: what it is comes out below.
                if let Err(error) = made
                    && self.there(vec![folder.to_owned()])?.first() == Some(&None)
                {
                    return Err(error);
                }
            }
        }
        self.is_real(path)
    }

    fn is_real(&self, path: &Path) -> io::Result<()> {
        match self.shared.server.resolved(path)? {
            Some(real) if real == path => Ok(()),
            Some(real) => Err(io::Error::other(format!(
                "{} leads to {}, through a link that was not there when this was planned; nothing was written there",
                path.display(),
                real.display()
            ))),
            None => Err(io::Error::other(format!(
                "the server cannot say where {} leads",
                path.display()
            ))),
        }
    }

    fn there(&self, paths: Vec<PathBuf>) -> io::Result<Vec<Option<There>>> {
        self.shared.server.there(&paths)
    }

    fn content(&mut self, folder: &Arc<Folder>, node: &Node) -> Result<(), Error> {
        self.folders += 1;
        match self.shared.vault.entries(node) {
            Ok(mut children) => {
                while !children.is_empty() {
                    let rest = children.split_off(children.len().min(LOT));
                    self.lot(folder, children)?;
                    children = rest;
                }
            }
            Err(error) => self.shared.problem(
                &node.path,
                format_args!("what the folder holds was not restored: {error}"),
            ),
        }
        Ok(())
    }

    /// Some entries of one folder.
    fn lot(&mut self, folder: &Arc<Folder>, nodes: Vec<Node>) -> Result<(), Error> {
        self.shared.stop_if_asked()?;
        let paths: Vec<PathBuf> = nodes.iter().map(|n| below(&folder.path, &n.name)).collect();
        let there = match folder.fresh {
            true => vec![None; nodes.len()],
            false => match self.there(paths.clone()) {
                Ok(there) => there,
                Err(error) => return self.lost(&folder.path, &error),
            },
        };
        let absent = nodes.iter().zip(&there).zip(&paths);
        let absent = absent.filter(|((node, there), _)| node.is_dir() && there.is_none());
        let absent: Vec<PathBuf> = absent.map(|(_, path)| path.clone()).collect();
        let made = match self.shared.server.make_folders(&absent) {
            Ok(made) => made,
            Err(error) => return self.lost(&folder.path, &error),
        };
        let mut made = made.into_iter();
        for ((node, there), path) in nodes.into_iter().zip(there).zip(paths) {
            self.shared.stop_if_asked()?;
            if !node.is_dir() {
                self.entry(folder, node, path, there)?;
                continue;
            }
            let fresh = there.is_none();
            let entered = match fate(&node, there.as_ref(), self.shared.plan.overwrite) {
                Fate::New => match made.next().unwrap_or(Ok(())) {
                    Ok(()) => Ok(()),
                    Err(error) => Err(error),
                },
                Fate::Enter => self.is_real(&path),
                _ => Err(io::Error::other(
                    "something that is not a folder is in the way; move it away",
                )),
            };
            match entered {
                Ok(()) => self.folder(folder, &node, path, fresh)?,
                // Made a moment ago by somebody else, or by a request whose answer was lost: no longer fresh.
                Err(_) if fresh && self.is_folder_now(&path) => {
                    self.folder(folder, &node, path, false)?;
                }
                Err(error) => {
                    self.shared.end_at(&error);
                    let what =
                        format_args!("the folder was not restored, nor what it holds: {error}");
                    self.shared.problem(&node.path, what);
                }
            }
        }
        Ok(())
    }

    fn is_folder_now(&self, path: &Path) -> bool {
        let there = self.there(vec![path.to_owned()]).unwrap_or_default();
        let is_folder = |there: &There| there.kind == NodeKind::Dir;
        there
            .first()
            .and_then(Option::as_ref)
            .is_some_and(is_folder)
            && self.is_real(path).is_ok()
    }

    fn lost(&self, path: &Path, error: &io::Error) -> Result<(), Error> {
        self.shared.end_at(error);
        self.shared.stop_if_asked()?;
        let what = format!("what is in {} is not told: {error}", path.display());
        Err(self
            .shared
            .server
            .refuse(&self.shared.plan.destination, what))
    }

    fn folder(
        &mut self,
        above: &Arc<Folder>,
        node: &Node,
        path: PathBuf,
        fresh: bool,
    ) -> Result<(), Error> {
        let folder = Arc::new(Folder {
            path,
            node: Some(Box::new(bare(node))),
            above: Some(Arc::clone(above)),
            fresh,
        });
        self.content(&folder, node)?;
        self.shared.leave(folder);
        Ok(())
    }

    /// Anything but a folder.
    fn entry(
        &mut self,
        folder: &Arc<Folder>,
        mut node: Node,
        mut path: PathBuf,
        there: Option<There>,
    ) -> Result<(), Error> {
        if let Some(what) = carry::refused(&node.kind) {
            self.shared.problem(&node.path, what);
            return Ok(());
        }
        let plan = self.shared.plan;
        let mut fate_now = fate(&node, there.as_ref(), plan.overwrite);
        if fate_now == Fate::Beside {
            node.name = sibling(&node.name, &plan.snapshot.id);
            path = below(&folder.path, &node.name);
            let there = match self.there(vec![path.clone()]) {
                Ok(there) => there.into_iter().next().flatten(),
                Err(error) => return self.lost(&folder.path, &error),
            };
            fate_now = fate(&node, there.as_ref(), plan.overwrite);
        }
        let replaces = match fate_now {
            Fate::New => false,
            Fate::Replace { .. } => true,
            Fate::Same => {
                self.first_of(&node, &path);
                self.shared.unchanged(&node);
                return Ok(());
            }
            Fate::Keep | Fate::Beside => {
                let what = "is already there; what was there was left as it was";
                self.shared.problem(&node.path, what);
                return Ok(());
            }
            Fate::Enter | Fate::Blocked => {
                let what = "was not restored: a folder of that name is in the way";
                self.shared.problem(&node.path, what);
                return Ok(());
            }
        };
        let first = self.first_of(&node, &path);
        let job = Job {
            folder: Arc::clone(folder),
            node,
            replaces,
            what: first.map_or(What::Itself, What::NameOf),
        };
        match job.what {
            What::NameOf(_) => self.hard.push(job),
            // Every writer has ended, which the end of the restore will tell.
            What::Itself => drop(self.queue.send(job)),
        }
        Ok(())
    }

    /// Where the file has a name already; else this is its first.
    fn first_of(&mut self, node: &Node, path: &Path) -> Option<PathBuf> {
        if node.links < 2 {
            return None;
        }
        let saved = (node.device, node.inode);
        if let Some((first, met)) = self.linked.get_mut(&saved) {
            *met += 1;
            let first = first.clone();
            if *met >= node.links {
                self.linked.remove(&saved);
            }
            return Some(first);
        }
        self.linked.insert(saved, (path.to_owned(), 1));
        None
    }
}

/// Without what it holds: it waits until the last below it is done.
fn bare(node: &Node) -> Node {
    let mut node = node.clone();
    node.segments = vault::Segments::default();
    node
}
