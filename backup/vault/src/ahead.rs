//! A few threads look at folders ahead of the walk, in the order in which it will come (so that neither the disk nor the
//! parent snapshot's lists make it wait). The look-ahead is bounded; what nobody has looked at yet, the walk looks at itself.

use std::io;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::Watch;
use crate::inner::Inner;
use crate::scan::{Eyes, Look, Looked, Place};

/// Entries and folders looked at and not yet walked.
const ENTRIES_AHEAD: usize = 16 * 1024;
const FOLDERS_AHEAD: usize = 128;

/// A folder that somebody looks at, or will.
pub(crate) struct Ahead(Mutex<State>);

enum State {
    Waiting(Box<Place>),
    Taken,
    Done(Box<io::Result<Looked>>),
}

pub(crate) struct Scanner<'a> {
    vault: &'a Inner,
    watch: &'a Watch,
    /// The vault's own folder as (device, inode).
    own: Option<(u64, u64)>,
    line: Mutex<Line>,
    news: Condvar,
    ended: AtomicBool,
}

#[derive(Default)]
struct Line {
    /// What is to be looked at, the next one last.
    next: Vec<Arc<Ahead>>,
    entries: usize,
    folders: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ahead {
    pub(crate) fn new(place: Place) -> Arc<Ahead> {
        Arc::new(Ahead(Mutex::new(State::Waiting(Box::new(place)))))
    }

    /// Takes the work, if nobody has.
    fn take_place(&self) -> Option<Place> {
        let mut state = lock(&self.0);
        match std::mem::replace(&mut *state, State::Taken) {
            State::Waiting(place) => Some(*place),
            other => {
                *state = other;
                None
            }
        }
    }

    fn take_looked(&self) -> Option<io::Result<Looked>> {
        let mut state = lock(&self.0);
        match std::mem::replace(&mut *state, State::Taken) {
            State::Done(looked) => Some(*looked),
            other => {
                *state = other;
                None
            }
        }
    }
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(vault: &'a Inner, own: Option<(u64, u64)>, watch: &'a Watch) -> Scanner<'a> {
        Scanner {
            vault,
            watch,
            own,
            line: Mutex::default(),
            news: Condvar::new(),
            ended: AtomicBool::new(false),
        }
    }

    /// Runs `walk` beside the threads that look ahead for it.
    pub(crate) fn beside<T>(&self, walk: impl FnOnce() -> T) -> T {
        struct End<'s, 'a>(&'s Scanner<'a>);
        impl Drop for End<'_, '_> {
            fn drop(&mut self) {
                self.0.ended.store(true, Ordering::Relaxed);
                // Under the lock: nobody is between looking whether it ended and waiting.
                let _line = lock(&self.0.line);
                self.0.news.notify_all();
            }
        }
        let threads = std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 4));
        std::thread::scope(|scope| {
            let _end = End(self);
            for _ in 0..threads {
                let thread = std::thread::Builder::new().name("scan".to_owned());
                // Without a thread the walk looks at everything itself.
                let _ = thread.spawn_scoped(scope, || self.work());
            }
            walk()
        })
    }

    /// What the folder holds: waits for who looks at it, or looks.
    pub(crate) fn take(&self, ahead: &Arc<Ahead>) -> io::Result<Looked> {
        let mut line = lock(&self.line);
        loop {
            if let Some(looked) = ahead.take_looked() {
                line.folders -= 1;
                if let Ok(looked) = &looked {
                    line.entries -= looked.entries.len();
                }
                self.news.notify_all();
                return looked;
            }
            if let Some(place) = ahead.take_place() {
                drop(line);
                let looked = self.look(place, &mut Vec::new())?;
                lock(&self.line).follow(&looked);
                self.news.notify_all();
                return Ok(looked);
            }
            line = self.news.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn work(&self) {
        let mut buffer = Vec::new();
        let mut line = lock(&self.line);
        while !self.is_ended() {
            let room = line.entries < ENTRIES_AHEAD && line.folders < FOLDERS_AHEAD;
            let Some(ahead) = room.then(|| line.next.pop()).flatten() else {
                line = self.news.wait(line).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let Some(place) = ahead.take_place() else {
                continue;
            };
            drop(line);
            let looked = catch_unwind(AssertUnwindSafe(|| self.look(place, &mut buffer)))
                .unwrap_or_else(|_| Err(io::Error::other("looking at it stopped unexpectedly")));
            line = lock(&self.line);
            line.folders += 1;
            if let Ok(looked) = &looked {
                line.entries += looked.entries.len();
                line.follow(looked);
            }
            *lock(&ahead.0) = State::Done(Box::new(looked));
            self.news.notify_all();
        }
    }

    fn look(&self, place: Place, buffer: &mut Vec<MaybeUninit<u8>>) -> io::Result<Looked> {
        let eyes = Eyes {
            vault: self.vault,
            own: self.own,
            is_stopped: &|| self.is_ended() || self.watch.is_cancelled(),
        };
        eyes.look(place, buffer)
    }

    fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

impl Line {
    /// What lies below comes next, the first of it first.
    fn follow(&mut self, looked: &Looked) {
        for entry in looked.entries.iter().rev() {
            if let Look::Folder(ahead) = &entry.look {
                self.next.push(Arc::clone(ahead));
            }
        }
    }
}
