//! Writes what a [`RestorePlan`] says: one thread makes folders and names (so a folder's times are final once its
//! entries exist), a few write contents.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::AtFlags;
use rustix::io::Errno;

use crate::attributes;
use crate::inner::Inner;
use crate::node::{Node, Segment};
use crate::problem::show;
use crate::restore::RestorePlan;
use crate::restore_tree::{Tree, open_folder_path};
use crate::{Error, Problem, Vault, Watch, deep};

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
        read_only: AtomicBool::new(false),
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

pub(crate) fn bad_destination(plan: &RestorePlan, what: String) -> Error {
    Error::BadDestination {
        destination: show(plan.destination.as_os_str().as_bytes()),
        what,
    }
}

pub(crate) struct Shared<'a> {
    pub(crate) vault: &'a Arc<Inner>,
    watch: &'a Watch,
    problems: Mutex<Vec<Problem>>,
    /// Entries whose owner could not be set.
    unowned: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
    /// The destination has no room left: no file can succeed any more.
    pub(crate) full: AtomicBool,
    pub(crate) read_only: AtomicBool,
}

impl Shared<'_> {
    pub(crate) fn problem(&self, path: &[u8], what: impl std::fmt::Display) {
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
        self.watch.is_cancelled()
            || self.full.load(Ordering::Relaxed)
            || self.read_only.load(Ordering::Relaxed)
    }

    /// After some errors no other file can be written either.
    pub(crate) fn end_at(&self, error: &io::Error) {
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOSPC | Errno::DQUOT) => self.full.store(true, Ordering::Relaxed),
            Some(Errno::ROFS) => self.read_only.store(true, Ordering::Relaxed),
            _ => {}
        }
    }

    pub(crate) fn stop_if_asked(&self, plan: &RestorePlan) -> Result<(), Error> {
        if self.full.load(Ordering::Relaxed) {
            return Err(bad_destination(
                plan,
                "the disk is full; free some space or choose another folder".to_owned(),
            ));
        }
        if self.read_only.load(Ordering::Relaxed) {
            return Err(bad_destination(
                plan,
                "it is mounted read-only; mount it writable or choose another folder".to_owned(),
            ));
        }
        if self.watch.is_cancelled() {
            Err(Error::Cancelled)
        } else {
            Ok(())
        }
    }

    pub(crate) fn finished(&self, node: &Node, result: io::Result<Vec<String>>) -> bool {
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
                self.end_at(&error);
                self.problem(&node.path, format_args!("was not restored: {error}"));
                false
            }
        }
    }

    pub(crate) fn owned(&self, outcome: attributes::Outcome) -> Vec<String> {
        if !outcome.owner_set {
            self.unowned.fetch_add(1, Ordering::Relaxed);
        }
        outcome.notes
    }

    /// Content, then everything about the file.
    pub(crate) fn fill(&self, file: BorrowedFd<'_>, node: &Node) -> io::Result<Vec<String>> {
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
pub(crate) struct Job {
    pub(crate) folder: Arc<OwnedFd>,
    pub(crate) file: OwnedFd,
    pub(crate) node: Node,
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
