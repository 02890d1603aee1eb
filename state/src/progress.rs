//! What is going on right now: in memory only, because a power cut ends it anyway.
//!
//! The journal says what *happened*; this board says how far it is. The console samples it.

use crate::clock::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// One long piece of work, as a person wants to see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// What it is about: `run`, `proof`, `restore`, `session`, `import`.
    pub kind: String,
    /// The plan, host or image it is about.
    pub subject: String,
    /// The step it is in: `scan`, `store`, `write`, `verify` …
    pub step: String,
    pub done_bytes: u64,
    /// Zero while the total is not known yet.
    pub total_bytes: u64,
    pub started: Timestamp,
    pub updated: Timestamp,
}

impl Progress {
    /// Bytes per second since the start.
    pub fn rate(&self) -> f64 {
        let seconds = self.updated.since(self.started).as_secs_f64();
        if seconds > 0.0 {
            self.done_bytes as f64 / seconds
        } else {
            0.0
        }
    }

    /// Time left at that rate; `None` while it cannot be told.
    pub fn eta(&self) -> Option<Duration> {
        let rate = self.rate();
        (rate > 0.0 && self.total_bytes >= self.done_bytes && self.total_bytes > 0)
            .then(|| Duration::from_secs_f64((self.total_bytes - self.done_bytes) as f64 / rate))
    }

    /// 0 to 100; `None` while the total is not known.
    pub fn percent(&self) -> Option<u8> {
        (self.total_bytes > 0).then(|| {
            u8::try_from(self.done_bytes.min(self.total_bytes) * 100 / self.total_bytes)
                .unwrap_or(100)
        })
    }
}

/// The board where workers post and the console reads. Cloning shares it.
#[derive(Clone)]
pub struct Board {
    // A std mutex: held for a map operation only, never across an await.
    work: Arc<Mutex<BTreeMap<String, Progress>>>,
    version: Arc<watch::Sender<u64>>,
}

impl Default for Board {
    fn default() -> Self {
        Board {
            work: Arc::default(),
            version: Arc::new(watch::Sender::new(0)),
        }
    }
}

impl Board {
    fn work(&self) -> MutexGuard<'_, BTreeMap<String, Progress>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Posts or replaces the line `key` (an id: run, session …).
    pub fn set(&self, key: &str, progress: Progress) {
        self.work().insert(key.to_owned(), progress);
        self.version.send_modify(|v| *v += 1);
    }

    pub fn remove(&self, key: &str) {
        self.work().remove(key);
        self.version.send_modify(|v| *v += 1);
    }

    pub fn get(&self, key: &str) -> Option<Progress> {
        self.work().get(key).cloned()
    }

    pub fn all(&self) -> Vec<(String, Progress)> {
        self.work()
            .iter()
            .map(|(k, p)| (k.clone(), p.clone()))
            .collect()
    }

    /// Wakes whenever a line changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_eta_come_from_what_was_done() {
        let p = Progress {
            kind: "run".into(),
            subject: "compta".into(),
            step: "store".into(),
            done_bytes: 250,
            total_bytes: 1000,
            started: Timestamp(0),
            updated: Timestamp(1000),
        };
        assert_eq!(p.percent(), Some(25));
        assert_eq!(p.eta(), Some(Duration::from_secs(3)));
        let unknown = Progress {
            total_bytes: 0,
            ..p
        };
        assert_eq!((unknown.percent(), unknown.eta()), (None, None));
    }
}
