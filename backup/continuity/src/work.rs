//! What is queued or going on in this process: how to wait for it, stop it, and see how far it is.

use state::progress::{Board, Progress};
use state::{Clock, Timestamp};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use vault::Watch;

/// How often the board is brought up to date.
const STEP: Duration = Duration::from_millis(250);

/// Cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct Work {
    doing: Arc<Mutex<BTreeMap<String, Doing>>>,
    stopping: Arc<AtomicBool>,
    /// Held by the proof that uses the scratch folder.
    pub(crate) scratch: Arc<tokio::sync::Mutex<()>>,
}

struct Doing {
    /// The same for work that must not be started twice.
    about: String,
    cancel: CancellationToken,
    /// Closed when the work has ended.
    ended: watch::Receiver<()>,
}

/// Held by the task that does the work; dropping it (also on a fault) is the end of the work.
pub(crate) struct Ticket {
    key: String,
    work: Work,
    pub(crate) cancel: CancellationToken,
    _ended: watch::Sender<()>,
}

impl Work {
    // A std mutex: held for a map operation only, never across an await.
    fn doing(&self) -> MutexGuard<'_, BTreeMap<String, Doing>> {
        self.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `about` tells the same work from another; see [`Work::busy`].
    pub(crate) fn begin(&self, key: &str, about: &str) -> Ticket {
        let cancel = CancellationToken::new();
        if self.stopping() {
            cancel.cancel();
        }
        let (sender, ended) = watch::channel(());
        let doing = Doing {
            about: about.to_owned(),
            cancel: cancel.clone(),
            ended,
        };
        self.doing().insert(key.to_owned(), doing);
        Ticket {
            key: key.to_owned(),
            work: self.clone(),
            cancel,
            _ended: sender,
        }
    }

    pub(crate) fn holds(&self, key: &str) -> bool {
        self.doing().contains_key(key)
    }

    pub(crate) fn busy(&self, about: &str) -> bool {
        self.doing().values().any(|doing| doing.about == about)
    }

    pub(crate) fn idle(&self) -> bool {
        self.doing().is_empty()
    }

    /// Returns at once when there is no such work.
    pub(crate) async fn wait(&self, key: &str) {
        let ended = self.doing().get(key).map(|doing| doing.ended.clone());
        if let Some(mut ended) = ended {
            while ended.changed().await.is_ok() {}
        }
    }

    /// Says whether there was such work to stop.
    pub(crate) fn cancel(&self, key: &str) -> bool {
        let doing = self.doing();
        let found = doing.get(key);
        if let Some(doing) = found {
            doing.cancel.cancel();
        }
        found.is_some()
    }

    /// The appliance stops: everything ends soon, nothing new gets far.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        for doing in self.doing().values() {
            doing.cancel.cancel();
        }
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    pub(crate) async fn settle(&self) {
        loop {
            let next = self.doing().keys().next().cloned();
            let Some(key) = next else { return };
            self.wait(&key).await;
        }
    }
}

impl Ticket {
    pub(crate) fn key(&self) -> &str {
        &self.key
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.work.doing().remove(&self.key);
    }
}

/// One line of the board, kept up to date while some vault work goes on.
pub(crate) struct Line<'a> {
    pub(crate) board: &'a Board,
    pub(crate) clock: &'a Clock,
    pub(crate) key: &'a str,
    pub(crate) kind: &'static str,
    pub(crate) subject: &'a str,
}

impl Line<'_> {
    /// Runs `work` (blocking, may take hours) with a watch that `cancel` stops, and posts `step`.
    pub(crate) async fn follow<T, F>(
        &self,
        step: &'static str,
        cancel: &CancellationToken,
        work: F,
    ) -> Result<T, crate::blocking::Crashed>
    where
        T: Send + 'static,
        F: FnOnce(&Watch) -> T + Send + 'static,
    {
        let watch = Arc::new(Watch::new());
        let seen = Arc::clone(&watch);
        let started = self.clock.now();
        let done = crate::blocking(move || work(&watch));
        tokio::pin!(done);
        let mut beat = tokio::time::interval(STEP);
        let mut told = false;
        let result = loop {
            tokio::select! {
                result = &mut done => break result,
                () = cancel.cancelled(), if !told => {
                    seen.cancel();
                    told = true;
                }
                _ = beat.tick() => self.board.set(self.key, self.progress(step, &seen, started)),
            }
        };
        self.board.remove(self.key);
        result
    }

    fn progress(&self, step: &str, watch: &Watch, started: Timestamp) -> Progress {
        Progress {
            kind: self.kind.to_owned(),
            subject: self.subject.to_owned(),
            step: step.to_owned(),
            done_bytes: watch.bytes_done.load(Ordering::Relaxed),
            total_bytes: watch.bytes_total.load(Ordering::Relaxed),
            started,
            updated: self.clock.now(),
        }
    }
}
