//! Writes what a [`RestorePlan`] says.
//!
//! Everything is created relative to an open folder, one name at a time, links never followed: what was saved, or what
//! another user puts into the destination meanwhile, cannot lead out of it. One thread makes folders and names (so a
//! folder's times are final once its entries exist); a few write contents.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::attributes;
use crate::format::tree;
use crate::node::{Node, NodeKind, Segment};
use crate::restore::{Overwrite, RestorePlan};
use crate::vault::{Inner, show};
use crate::{Error, Problem, Vault, Watch, deep, keys, source};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestoreStats {
    /// Everything written that is not a folder.
    pub files: u64,
    pub folders: u64,
    pub bytes: u64,
}

const QUEUE: usize = 32;
const PROBLEMS_KEPT: usize = 10_000;

/// Writes what the plan says; a file that fails is a problem and the rest goes on. Fails when the destination cannot be
/// made or is full, or when the watch is cancelled. What is reported as done survives a power cut when the plan is `durable`.
pub fn execute(
    vault: &Vault,
    plan: &RestorePlan,
    watch: &Watch,
) -> Result<(RestoreStats, Vec<Problem>), Error> {
    watch.files_total.fetch_add(plan.files, Ordering::Relaxed);
    watch.bytes_total.fetch_add(plan.bytes, Ordering::Relaxed);
    let shared = Shared {
        vault: &vault.inner,
        watch,
        problems: Mutex::default(),
        unowned: AtomicU64::new(0),
        files: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        full: AtomicBool::new(false),
    };
    let (queue, jobs) = sync_channel(QUEUE);
    let jobs = Arc::new(Mutex::new(jobs));
    let folders = std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 8));
        for _ in 0..threads {
            let (shared, jobs) = (&shared, Arc::clone(&jobs));
            scope.spawn(move || work(shared, &jobs));
        }
        // Only the workers hold the queue's end: were they all to stop, sending fails instead of waiting for ever.
        drop(jobs);
        deep::run(|| {
            let mut tree = Tree {
                shared: &shared,
                plan,
                queue,
                base: None,
                linked: HashMap::new(),
                folders: 0,
            };
            tree.run()?;
            Ok(tree.folders)
        })
    })?;
    shared.stop_if_asked(plan)?;
    if plan.durable
        && let Ok(folder) = open_folder_path(&plan.destination)
    {
        rustix::fs::syncfs(&folder).map_err(|error| {
            bad_destination(
                plan,
                format!("cannot be written to disk: {error}; check the disk"),
            )
        })?;
    }
    let stats = RestoreStats {
        files: shared.files.load(Ordering::Relaxed),
        folders,
        bytes: shared.bytes.load(Ordering::Relaxed),
    };
    let mut problems = shared
        .problems
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let unowned = shared.unowned.load(Ordering::Relaxed);
    if unowned > 0 {
        let what = format!(
            "the owner of {unowned} entries could not be set; restore as root to keep owners"
        );
        problems.push(Problem::new(plan.destination.display().to_string(), what));
    }
    Ok((stats, problems))
}

fn bad_destination(plan: &RestorePlan, what: String) -> Error {
    Error::BadDestination {
        destination: show(plan.destination.as_os_str().as_bytes()),
        what,
    }
}

struct Shared<'a> {
    vault: &'a Arc<Inner>,
    watch: &'a Watch,
    problems: Mutex<Vec<Problem>>,
    /// Entries whose owner could not be set.
    unowned: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
    /// The destination has no room left: no file can succeed any more.
    full: AtomicBool,
}

impl Shared<'_> {
    fn problem(&self, path: &[u8], what: impl std::fmt::Display) {
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        match problems.len() {
            0..PROBLEMS_KEPT => problems.push(Problem::new(show(path), what.to_string())),
            PROBLEMS_KEPT => problems.push(Problem::new(
                "and others",
                "there are more problems than these",
            )),
            _ => {}
        }
    }

    fn stopping(&self) -> bool {
        self.watch.is_cancelled() || self.full.load(Ordering::Relaxed)
    }

    fn stop_if_asked(&self, plan: &RestorePlan) -> Result<(), Error> {
        if self.full.load(Ordering::Relaxed) {
            return Err(bad_destination(
                plan,
                "the disk is full; free some space or choose another folder".to_owned(),
            ));
        }
        if self.watch.is_cancelled() {
            Err(Error::Cancelled)
        } else {
            Ok(())
        }
    }

    fn finished(&self, node: &Node, result: io::Result<Vec<String>>) -> bool {
        match result {
            Ok(notes) => {
                self.files.fetch_add(1, Ordering::Relaxed);
                self.bytes.fetch_add(node.size, Ordering::Relaxed);
                self.watch.files_done.fetch_add(1, Ordering::Relaxed);
                notes
                    .into_iter()
                    .for_each(|note| self.problem(&node.path, note));
                true
            }
            Err(error) => {
                if matches!(
                    error.raw_os_error().map(Errno::from_raw_os_error),
                    Some(Errno::NOSPC | Errno::DQUOT)
                ) {
                    self.full.store(true, Ordering::Relaxed);
                }
                self.problem(&node.path, format_args!("was not restored: {error}"));
                false
            }
        }
    }

    fn owned(&self, outcome: attributes::Outcome) -> Vec<String> {
        if !outcome.owner_set {
            self.unowned.fetch_add(1, Ordering::Relaxed);
        }
        outcome.notes
    }

    /// Content, then everything about the file.
    fn fill(&self, file: BorrowedFd<'_>, node: &Node) -> io::Result<Vec<String>> {
        let mut at = 0;
        for segment in &node.segments {
            if self.stopping() {
                return Err(io::Error::other("the restore was stopped"));
            }
            if let Segment::Chunk { id, len } = segment {
                let plain = self.vault.chunk(id).map_err(io::Error::other)?;
                if plain.len() != *len as usize {
                    return Err(io::Error::other(format!(
                        "chunk {id} has another length than the file says"
                    )));
                }
                write_at(file, &plain, at)?;
            }
            at += segment.len();
            self.watch
                .bytes_done
                .fetch_add(segment.len(), Ordering::Relaxed);
        }
        rustix::fs::ftruncate(file, node.size)?;
        Ok(self.owned(attributes::set_open(file, node)?))
    }
}

fn write_at(file: BorrowedFd<'_>, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = rustix::io::pwrite(file, bytes, at)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written..];
        at += written as u64;
    }
    Ok(())
}

/// A new file to fill; its folder is kept to take the name away again when that fails.
struct Job {
    folder: Arc<OwnedFd>,
    file: OwnedFd,
    node: Node,
}

fn work(shared: &Shared<'_>, jobs: &Mutex<Receiver<Job>>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { folder, file, node }) = job else {
            return;
        };
        let filled = shared.fill(file.as_fd(), &node);
        if !shared.finished(&node, filled) {
            // Half a file under its real name would be taken for the file.
            let _ = rustix::fs::unlinkat(&*folder, node.name.as_slice(), AtFlags::empty());
        }
    }
}

struct Tree<'a> {
    shared: &'a Shared<'a>,
    plan: &'a RestorePlan,
    queue: SyncSender<Job>,
    base: Option<Arc<OwnedFd>>,
    /// First restored name of each hard-linked file: its path below the destination.
    linked: HashMap<(u64, u64), Vec<u8>>,
    folders: u64,
}

fn open_folder_path(path: &Path) -> io::Result<OwnedFd> {
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
    fn run(&mut self) -> Result<(), Error> {
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
                if error.raw_os_error() == Some(Errno::NOSPC.raw_os_error()) {
                    self.shared.full.store(true, Ordering::Relaxed);
                }
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
