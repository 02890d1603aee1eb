//! The threads that write, what they count, and when they stop.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vault::restore::{RestorePlan, RestoreStats};
use vault::{Error, Node, Problem, Vault, Watch};

use super::server::{Server, bytes};
use super::upload::{self, Job};
use super::walk::Walk;

/// Each holds a buffer of [`upload::BUFFER`] and what reads ahead in the vault; the pauses of a network of 20 ms are
/// filled with as many small files.
const WRITERS: usize = 8;
const PROBLEMS_KEPT: usize = 10_000;
/// The walk goes down by recursion, as deep as the vault lets a tree be.
const STACK_BYTES: usize = 64 << 20;

const ENOSPC: i32 = 28;
const EROFS: i32 = 30;
const EDQUOT: i32 = 122;

/// A folder that entries are written into. It gets its own attributes when the last below it is done.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// Nothing for folders on the way that were not saved themselves.
    pub(super) node: Option<Box<Node>>,
    pub(super) above: Option<Arc<Folder>>,
    /// Made by this restore: nothing can be in it.
    pub(super) fresh: bool,
}

pub(super) struct Shared<'a> {
    pub(super) server: &'a Server,
    pub(super) vault: &'a Vault,
    pub(super) plan: &'a RestorePlan,
    pub(super) watch: &'a Watch,
    files: AtomicU64,
    bytes: AtomicU64,
    unchanged: AtomicU64,
    /// Entries whose owner could not be set.
    unowned: AtomicU64,
    /// Entries with extended attributes, and the first of them.
    plain: AtomicU64,
    first_plain: Mutex<Option<String>>,
    problems: Mutex<Vec<Problem>>,
    ended: AtomicBool,
    /// Why nothing more can be written.
    end: Mutex<Option<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn shown(path: &[u8]) -> String {
    let escape = |c: char| match c.is_control() {
        true => c.escape_default().collect::<Vec<char>>(),
        false => vec![c],
    };
    let text = String::from_utf8_lossy(path);
    text.chars().flat_map(escape).collect()
}

pub(super) fn execute(
    server: &Server,
    vault: &Vault,
    plan: &RestorePlan,
    watch: &Watch,
) -> Result<(RestoreStats, Vec<Problem>), Error> {
    watch.files_total.fetch_add(plan.files, Ordering::Relaxed);
    watch.bytes_total.fetch_add(plan.bytes, Ordering::Relaxed);
    let shared = Shared {
        server,
        vault,
        plan,
        watch,
        files: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        unchanged: AtomicU64::new(0),
        unowned: AtomicU64::new(0),
        plain: AtomicU64::new(0),
        first_plain: Mutex::default(),
        problems: Mutex::default(),
        ended: AtomicBool::new(false),
        end: Mutex::default(),
    };
    let (walked, folders, hard) = crew(&shared, |queue| {
        let mut walk = Walk::new(&shared, queue);
        let walked = walk.run();
        (walked, walk.folders, walk.hard)
    })?;
    shared.stop_if_asked()?;
    walked?;
    // Other names of a file, once the first is whole.
    crew(&shared, |queue| {
        for job in hard {
            // Also when it is being stopped: folders are left then without a word.
            if queue.send(job).is_err() {
                break;
            }
        }
    })?;
    shared.stop_if_asked()?;
    Ok(shared.finish(folders))
}

/// Runs `feed` beside the writers, and waits for them.
fn crew<T: Send>(
    shared: &Shared<'_>,
    feed: impl FnOnce(SyncSender<Job>) -> T + Send,
) -> Result<T, Error> {
    let (queue, jobs) = sync_channel(2 * WRITERS);
    let jobs = Arc::new(Mutex::new(jobs));
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            let jobs: Arc<Mutex<Receiver<Job>>> = Arc::clone(&jobs);
            scope.spawn(move || {
                let mut buffer = Vec::new();
                loop {
                    let job = lock(&jobs).recv();
                    let Ok(job) = job else { return };
                    upload::run(shared, job, &mut buffer);
                }
            });
        }
        drop(jobs);
        let feeder = std::thread::Builder::new()
            .name("walk".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, move || feed(queue));
        let feeder = feeder.map_err(|error| {
            let what = format!("no thread could be started: {error}; free some memory");
            shared.server.refuse(&shared.plan.destination, what)
        })?;
        match feeder.join() {
            Ok(fed) => Ok(fed),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

impl Shared<'_> {
    pub(super) fn problem(&self, path: &[u8], what: impl std::fmt::Display) {
        let mut problems = lock(&self.problems);
        match problems.len() {
            0..PROBLEMS_KEPT => problems.push(Problem::new(shown(path), what.to_string())),
            PROBLEMS_KEPT => problems.push(Problem::new(
                "and others",
                "there are more problems than these",
            )),
            _ => {}
        }
    }

    pub(super) fn stopping(&self) -> bool {
        self.watch.is_cancelled() || self.ended.load(Ordering::Relaxed)
    }

    pub(super) fn stop_if_asked(&self) -> Result<(), Error> {
        if let Some(what) = lock(&self.end).clone() {
            return Err(self.server.refuse(&self.plan.destination, what));
        }
        match self.watch.is_cancelled() {
            true => Err(Error::Cancelled),
            false => Ok(()),
        }
    }

    /// After some errors no other file can be written either.
    pub(super) fn end_at(&self, error: &io::Error) {
        let what = match error.raw_os_error() {
            Some(ENOSPC) => "the server's disk is full; free some space there or choose another folder, then go on with the restore".to_owned(),
            Some(EDQUOT) => "the user's quota on the server is used up; raise it, then go on with the restore".to_owned(),
            Some(EROFS) => "it is mounted read-only on the server; mount it writable or choose another folder".to_owned(),
            _ if error.kind() == io::ErrorKind::NotConnected => {
                format!("{error}; what is there already stays: go on with the restore once the server is back")
            }
            _ => return,
        };
        lock(&self.end).get_or_insert(what);
        self.ended.store(true, Ordering::Relaxed);
    }

    pub(super) fn unchanged(&self, node: &Node) {
        self.unchanged.fetch_add(1, Ordering::Relaxed);
        self.watch
            .bytes_done
            .fetch_add(node.size, Ordering::Relaxed);
        self.count(node);
    }

    fn count(&self, node: &Node) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(node.size, Ordering::Relaxed);
        self.watch.files_done.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn finished(&self, node: &Node, result: io::Result<Vec<String>>) {
        match result {
            Ok(notes) => {
                self.count(node);
                for note in notes {
                    self.problem(&node.path, note);
                }
            }
            Err(error) => {
                self.end_at(&error);
                if !self.stopping() {
                    self.problem(&node.path, format_args!("was not restored: {error}"));
                }
            }
        }
    }

    /// What could not be carried of an entry that is there now.
    pub(super) fn bare(&self, node: &Node, is_owned: bool) {
        if !is_owned {
            self.unowned.fetch_add(1, Ordering::Relaxed);
        }
        if !node.xattrs.is_empty() {
            self.plain.fetch_add(1, Ordering::Relaxed);
            lock(&self.first_plain).get_or_insert_with(|| shown(&node.path));
        }
    }

    /// The last who leaves a folder gives it its own attributes, and then leaves the folder above it.
    pub(super) fn leave(&self, folder: Arc<Folder>) {
        let mut next = Some(folder);
        while let Some(folder) = next.take().and_then(Arc::into_inner) {
            if let Some(node) = &folder.node
                && !self.stopping()
            {
                match upload::settle(self, &folder.path, node) {
                    Ok(notes) => {
                        for note in notes {
                            self.problem(&node.path, note);
                        }
                    }
                    Err(error) => {
                        self.end_at(&error);
                        let what = format_args!("its owner, mode and times were not set: {error}");
                        self.problem(&node.path, what);
                    }
                }
            }
            next = folder.above;
        }
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
        let object = shown(bytes(&self.plan.destination));
        let (unowned, plain) = (self.unowned.into_inner(), self.plain.into_inner());
        if unowned > 0 {
            problems.push(Problem::new(
                &object,
                format!(
                    "the owner of {unowned} entries could not be set; log in to the server as root to keep owners"
                ),
            ));
        }
        if plain > 0 {
            let first = lock(&self.first_plain).take().unwrap_or_default();
            problems.push(Problem::new(
                &object,
                format!(
                    "the extended attributes of {plain} entries (access lists are among them; first: {first}) cannot be carried by SFTP; set them there, or restore on the machine itself with `reprise vault restore`"
                ),
            ));
        }
        (stats, problems)
    }
}

pub(super) fn below(folder: &Path, name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    folder.join(std::ffi::OsStr::from_bytes(name))
}
