//! Writes what a [`RestorePlan`] says: one thread walks the tree, several read packs and write files.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use super::RestorePlan;
use super::folder::{Folder, Handles, open_path};
use super::gather::{Gather, Task};
use super::links::Waiting;
use super::opener::Opener;
use super::tree::Tree;
use super::{existing, fetch, flush};
use crate::inner::Inner;
use crate::node::Node;
use crate::problem::show;
use crate::{Error, Problem, Vault, Watch, attributes, deep};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestoreStats {
    /// Everything written that is not a folder.
    pub files: u64,
    pub folders: u64,
    pub bytes: u64,
    /// Of the files, those that were there already and were left as they are.
    pub unchanged: u64,
}

const PROBLEMS_KEPT: usize = 10_000;
/// Each reader holds one request and one open frame.
const READERS: std::ops::RangeInclusive<usize> = 3..=4;

/// Writes what the plan says; a file that fails is a problem and the rest goes on. Fails when the destination cannot be
/// made or is full, or when the watch is cancelled. What is reported as done survives a power cut when the plan is `durable`.
pub fn execute(
    vault: &Vault,
    plan: &RestorePlan,
    watch: &Watch,
) -> Result<(RestoreStats, Vec<Problem>), Error> {
    watch.files_total.fetch_add(plan.files, Ordering::Relaxed);
    watch.bytes_total.fetch_add(plan.bytes, Ordering::Relaxed);
    deep::run(|| {
        let shared = Shared::new(&vault.inner, plan, watch)?;
        let (folders, unflushed) = write_flushing(&shared)?;
        shared.stop_if_asked()?;
        if plan.durable {
            let flushed = unflushed.map_or_else(|| flush::now(&shared), Err);
            flushed.map_err(|error| {
                let what = format!("cannot be written to disk: {error}; check the disk");
                bad_destination(plan, what)
            })?;
        }
        Ok(shared.finish(folders))
    })
}

/// [`write()`], and what could not be flushed meanwhile.
fn write_flushing(shared: &Shared<'_>) -> Result<(u64, Option<Errno>), Error> {
    if !shared.plan.durable {
        return Ok((write(shared)?, None));
    }
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let flusher = scope.spawn(|| flush::beside(shared, &is_over));
        let written = {
            // Also when writing panics: the flusher must not run for ever.
            let _over = Over(&is_over, flusher.thread());
            write(shared)
        };
        // It does not panic; if it did, the last flush tells what it can.
        let unflushed = flusher.join().unwrap_or_default();
        Ok((written?, unflushed))
    })
}

struct Over<'a>(&'a AtomicBool, &'a Thread);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
        self.1.unpark();
    }
}

/// Returns how many folders were made or entered.
fn write(shared: &Shared<'_>) -> Result<u64, Error> {
    let threads = std::thread::available_parallelism()
        .map_or(2, |n| n.get())
        .clamp(*READERS.start(), *READERS.end());
    let (queue, tasks) = sync_channel(2 * threads);
    let tasks = Arc::new(Mutex::new(tasks));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let tasks = Arc::clone(&tasks);
            scope.spawn(move || work(shared, &tasks));
        }
        // Only the workers hold the queue's end: were they all to stop, sending fails instead of waiting for ever.
        drop(tasks);
        let mut tree = Tree::new(shared, Gather::new(shared, queue));
        tree.run()?;
        Ok(tree.folders)
    })
}

fn work(shared: &Shared<'_>, tasks: &Mutex<Receiver<Task>>) {
    let mut opener = Opener::default();
    loop {
        let task = lock(tasks).recv();
        let Ok(task) = task else { return };
        let _landing = Landing(&shared.flight);
        match task {
            Task::Fetch(ready, number) => {
                fetch::run(shared, &ready, &ready.fetches[number], &mut opener);
            }
            Task::Others(ready, lot) => {
                for filling in &ready.batch.others[lot] {
                    match filling.way {
                        super::filling::Way::There => existing::examine(shared, filling),
                        _ => filling.done(shared, 1),
                    }
                }
            }
        }
    }
}

pub(super) fn bad_destination(plan: &RestorePlan, what: String) -> Error {
    Error::BadDestination {
        destination: show(plan.destination.as_os_str().as_bytes()),
        what,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tasks handed over and not done.
#[derive(Default)]
pub(crate) struct Flight {
    count: Mutex<usize>,
    landed: Condvar,
}

impl Flight {
    pub(crate) fn begin(&self) {
        *lock(&self.count) += 1;
    }

    pub(crate) fn end(&self) {
        let mut count = lock(&self.count);
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.landed.notify_all();
        }
    }

    pub(crate) fn wait(&self) {
        let mut count = lock(&self.count);
        while *count > 0 {
            count = self
                .landed
                .wait(count)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Ends the task also when it panics: the walk must not wait for ever.
struct Landing<'a>(&'a Flight);

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

pub(crate) struct Shared<'a> {
    pub(crate) vault: &'a Arc<Inner>,
    pub(crate) plan: &'a RestorePlan,
    watch: &'a Watch,
    pub(crate) handles: Handles,
    pub(crate) flight: Flight,
    /// The process's own, as far as the system tells.
    pub(crate) umask: Option<u32>,
    /// How many files of one batch may be open at once.
    pub(crate) open_files: usize,
    /// Names that must be restored in another way than was tried.
    again: Mutex<Vec<Waiting>>,
    problems: Mutex<Vec<Problem>>,
    /// Entries whose owner could not be set.
    unowned: AtomicU64,
    files: AtomicU64,
    unchanged: AtomicU64,
    bytes: AtomicU64,
    /// The destination has no room left: no file can succeed any more.
    full: AtomicBool,
    read_only: AtomicBool,
}

impl<'a> Shared<'a> {
    fn new(
        vault: &'a Arc<Inner>,
        plan: &'a RestorePlan,
        watch: &'a Watch,
    ) -> Result<Shared<'a>, Error> {
        let made = std::fs::DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(&plan.destination);
        let base = made
            .and_then(|()| open_path(&plan.destination))
            .map_err(|error| {
                let what = format!("it cannot be made: {error}; choose another folder");
                bad_destination(plan, what)
            })?;
        let open = getrlimit(Resource::Nofile).current.unwrap_or(1024);
        let open = usize::try_from(open).unwrap_or(1024);
        Ok(Shared {
            vault,
            plan,
            watch,
            handles: Handles::new(base, (open / 4).clamp(16, 4096)),
            flight: Flight::default(),
            umask: umask(),
            open_files: (open / 8).clamp(16, 2048),
            again: Mutex::default(),
            problems: Mutex::default(),
            unowned: AtomicU64::new(0),
            files: AtomicU64::new(0),
            unchanged: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            full: AtomicBool::new(false),
            read_only: AtomicBool::new(false),
        })
    }

    fn finish(self, folders: u64) -> (RestoreStats, Vec<Problem>) {
        let stats = RestoreStats {
            files: self.files.into_inner(),
            folders,
            bytes: self.bytes.into_inner(),
            unchanged: self.unchanged.into_inner(),
        };
        let mut problems = self
            .problems
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let unowned = self.unowned.into_inner();
        if unowned > 0 {
            let what = format!(
                "the owner of {unowned} entries could not be set; restore as root to keep owners"
            );
            let object = self.plan.destination.display().to_string();
            problems.push(Problem::new(object, what));
        }
        (stats, problems)
    }

    pub(crate) fn problem(&self, path: &[u8], what: impl std::fmt::Display) {
        let mut problems = lock(&self.problems);
        match problems.len() {
            0..PROBLEMS_KEPT => problems.push(Problem::new(show(path), what.to_string())),
            PROBLEMS_KEPT => problems.push(Problem::new(
                "and others",
                "there are more problems than these",
            )),
            _ => {}
        }
    }

    /// Bytes and files so far, those of unfinished files too.
    pub(super) fn done(&self) -> (u64, u64) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (count(&self.watch.bytes_done), count(&self.files))
    }

    pub(crate) fn stopping(&self) -> bool {
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

    pub(crate) fn stop_if_asked(&self) -> Result<(), Error> {
        let refuse = |what: &str| Err(bad_destination(self.plan, what.to_owned()));
        if self.full.load(Ordering::Relaxed) {
            return refuse("the disk is full; free some space or choose another folder");
        }
        if self.read_only.load(Ordering::Relaxed) {
            return refuse("it is mounted read-only; mount it writable or choose another folder");
        }
        if self.watch.is_cancelled() {
            Err(Error::Cancelled)
        } else {
            Ok(())
        }
    }

    pub(crate) fn bytes_passed(&self, bytes: u64) {
        self.watch.bytes_done.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn unchanged(&self) {
        self.unchanged.fetch_add(1, Ordering::Relaxed);
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

    pub(crate) fn again(&self, waiting: Waiting) {
        lock(&self.again).push(waiting);
    }

    pub(crate) fn take_again(&self) -> Vec<Waiting> {
        std::mem::take(&mut *lock(&self.again))
    }

    pub(crate) fn beside(&self, name: &[u8]) -> Vec<u8> {
        self.plan.unfinished(name)
    }

    /// The last who leaves a folder gives it its own attributes, and then leaves the folder above it.
    pub(crate) fn leave(&self, folder: Arc<Folder>) {
        let mut next = Some(folder);
        while let Some(folder) = next.take().and_then(Arc::into_inner) {
            if let Some(node) = &folder.node
                && !self.stopping()
            {
                self.settle(&folder, node);
            }
            next = folder.above;
        }
    }

    fn settle(&self, folder: &Folder, node: &Node) {
        let open = self.handles.get(folder);
        let set = open.and_then(|open| match folder.fresh && folder.clean {
            true => attributes::set_fresh(open.as_fd(), node),
            false => attributes::set_open(open.as_fd(), node),
        });
        match set {
            Ok(outcome) => self
                .owned(outcome)
                .into_iter()
                .for_each(|note| self.problem(&node.path, note)),
            Err(error) => self.problem(
                &node.path,
                format_args!("its owner, mode and times were not set: {error}"),
            ),
        }
    }
}

/// Only told to who asks this way: setting it to learn it would change what other threads create meanwhile.
fn umask() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(line.trim(), 8).ok()
}
