//! What is queued or going on in this process: how to wait for it, stop it, and see how far it is.

use state::progress::{Board, Progress};
use state::{Clock, Timestamp};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use vault::Watch;

/// How often the board is brought up to date.
const STEP: Duration = Duration::from_millis(250);

/// How often, and at most how many times, an end that could not be written down is tried again: a day and a night.
const AGAIN: Duration = Duration::from_secs(1);
const TRIES: u32 = 24 * 3600;

/// Cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct Work {
    doing: Arc<Mutex<BTreeMap<String, Doing>>>,
    stopping: Arc<AtomicBool>,
    /// How many works were begun.
    begun: Arc<AtomicU64>,
    /// Held by the proof that uses the scratch folder.
    pub(crate) scratch: Arc<tokio::sync::Mutex<()>>,
}

struct Doing {
    /// The same for work that must not be started twice.
    about: String,
    number: u64,
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

    /// `about` tells the same work from another; see [`Work::count`].
    pub(crate) fn begin(&self, key: &str, about: &str) -> Ticket {
        let cancel = CancellationToken::new();
        if self.stopping() {
            cancel.cancel();
        }
        let (sender, ended) = watch::channel(());
        let doing = Doing {
            about: about.to_owned(),
            number: self.begun.fetch_add(1, Ordering::Relaxed),
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

    pub(crate) fn count(&self, about: &str) -> usize {
        self.doing().values().filter(|d| d.about == about).count()
    }

    /// The last begun that nobody stopped.
    pub(crate) fn last(&self, about: &str) -> Option<String> {
        let doing = self.doing();
        let same = doing
            .iter()
            .filter(|(_, d)| d.about == about && !d.cancel.is_cancelled());
        let last = same.max_by_key(|(_, d)| d.number);
        last.map(|(key, _)| key.clone())
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

    /// Writes how work ended, again and again until it is written or the appliance stops: work whose end is not in the
    /// database goes on for ever there, and its plan would not run again before a restart. A state disk that is full
    /// tonight has room tomorrow.
    pub(crate) async fn write_down<W>(&self, what: &str, write: impl Fn() -> W)
    where
        W: Future<Output = Result<(), state::db::Error>>,
    {
        let mut told = false;
        for _ in 0..TRIES {
            let Err(error) = write().await else { return };
            if !told {
                tracing::error!(%error, "failed to record the end of a {what}; trying again each second");
                told = true;
            }
            if self.stopping() {
                return;
            }
            tokio::time::sleep(AGAIN).await;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_on_the_board_until_it_has_stopped() {
        let (board, clock) = (Board::default(), Clock::manual(Timestamp(0)));
        let cancel = CancellationToken::new();
        let line = Line {
            board: &board,
            clock: &clock,
            key: "one",
            kind: "run",
            subject: "compta",
        };
        let endless = |watch: &Watch| {
            watch.bytes_total.store(100, Ordering::Relaxed);
            watch.bytes_done.store(25, Ordering::Relaxed);
            while !watch.is_cancelled() {
                std::thread::yield_now();
            }
            "stopped"
        };
        let seen = async {
            let mut changes = board.changes();
            loop {
                changes.changed().await.expect("the board");
                if board.get("one").and_then(|line| line.percent()) == Some(25) {
                    cancel.cancel();
                    return board.get("one").expect("its line");
                }
            }
        };
        let both = async { tokio::join!(line.follow("store", &cancel, endless), seen) };
        let (result, seen) = tokio::time::timeout(Duration::from_secs(60), both)
            .await
            .expect("it stops");
        assert_eq!(result.expect("no fault"), "stopped");
        assert_eq!((seen.kind.as_str(), seen.step.as_str()), ("run", "store"));
        assert!(board.all().is_empty());
    }

    #[tokio::test]
    async fn a_fault_in_the_work_is_an_error_and_leaves_no_line() {
        let (board, clock) = (Board::default(), Clock::manual(Timestamp(0)));
        let line = Line {
            board: &board,
            clock: &clock,
            key: "one",
            kind: "run",
            subject: "compta",
        };
        let cancel = CancellationToken::new();
        let fault = |_: &Watch| -> u8 { panic!("a fault") };
        assert!(line.follow("store", &cancel, fault).await.is_err());
        assert!(board.all().is_empty());
    }

    #[tokio::test]
    async fn who_waits_wakes_when_the_ticket_is_gone_and_a_stop_reaches_what_comes_later() {
        let work = Work::default();
        work.wait("unknown").await;
        let ticket = work.begin("one", "run");
        assert!(work.holds("one") && !work.idle() && work.count("run") == 1);
        let waiting = work.clone();
        let waiter = tokio::spawn(async move { waiting.settle().await });
        work.stop();
        assert!(ticket.cancel.is_cancelled());
        drop(ticket);
        waiter.await.expect("woken");
        assert!(work.idle() && !work.cancel("one"));
        assert!(work.begin("two", "run").cancel.is_cancelled());
    }
}
