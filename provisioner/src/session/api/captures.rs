//! Disks on their way into the vault, one per session. In memory: after a restart of the appliance a machine hands its
//! disk over again from the beginning, and the vault finds what it has already.

use super::answer::Refusal;
use crate::serve::Boot;
use crate::session::arriving::{self, Piece};
use crate::session::records;
use crate::session::{Session, SessionId};
use images::capture::{chunk_len, chunks};
use images::wire::Wanted;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How long a machine's request is held while the vault is busy. Its agent waits longer.
const HOLD: Duration = Duration::from_secs(20);
/// A machine that hands over nothing for so long was switched off.
const SILENT: Duration = Duration::from_secs(15 * 60);
/// At the same time; a further machine waits. Each takes a few MiB here, and what the vault's writer takes.
const MOST: usize = 4;

#[derive(Clone, Default)]
pub(super) struct Captures(Arc<Mutex<HashMap<SessionId, Arc<Capture>>>>);

struct Capture {
    /// Held for the length of a request: one after the other.
    feed: tokio::sync::Mutex<Feed>,
    /// `None` while it goes on; then whether it is in the vault, or why not.
    outcome: watch::Receiver<Option<Result<(), String>>>,
}

struct Feed {
    pieces: mpsc::Sender<Piece>,
    next: usize,
    ended: bool,
    touched: tokio::time::Instant,
}

impl Captures {
    fn all(&self) -> MutexGuard<'_, HashMap<SessionId, Arc<Capture>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Chunk `index` of the session's disk; `piece`: its bytes, `None` for zeros, and for the end after the last one.
    pub(super) async fn take(
        &self,
        boot: &Boot,
        session: &Session,
        index: usize,
        bytes: Option<Vec<u8>>,
    ) -> Result<Wanted, Refusal> {
        let count = chunks(session.disk_size_bytes);
        if index == count && !session.image.is_empty() {
            return Ok(Wanted {
                next: count,
                stored: true,
            });
        }
        let capture = self.of(boot, session)?;
        let mut feed = capture.feed.lock().await;
        feed.touched = tokio::time::Instant::now();
        if let Some(outcome) = finished(&capture) {
            return outcome.map(|()| all_of(count));
        }
        let asked_for = Wanted {
            next: feed.next,
            stored: false,
        };
        if index != feed.next {
            return Ok(asked_for);
        }
        let piece = match (chunk_len(session.disk_size_bytes, index), bytes) {
            (Some(len), None) => Piece::Zeros(len),
            (Some(len), Some(bytes)) if bytes.len() == len => Piece::Bytes(bytes),
            (None, None) => Piece::End,
            _ => return Err(Refusal::Bad(format!("chunk {index} has another length"))),
        };
        if !feed.ended {
            match tokio::time::timeout(HOLD, feed.pieces.clone().reserve_owned()).await {
                Err(_) => return Ok(asked_for),
                Ok(Ok(place)) => {
                    feed.ended = matches!(piece, Piece::End);
                    place.send(piece);
                }
                // It ended early; why is said below.
                Ok(Err(_)) => feed.ended = true,
            }
            if !feed.ended {
                feed.next += 1;
                return Ok(Wanted {
                    next: feed.next,
                    stored: false,
                });
            }
        }
        let mut outcome = capture.outcome.clone();
        let known = outcome.wait_for(Option::is_some);
        // A task that crashed says nothing; the next request begins anew.
        let _ = tokio::time::timeout(HOLD, known).await;
        match finished(&capture) {
            Some(outcome) => outcome.map(|()| all_of(count)),
            None => Ok(asked_for),
        }
    }

    /// The session's, begun now if there is none.
    fn of(&self, boot: &Boot, session: &Session) -> Result<Arc<Capture>, Refusal> {
        let mut all = self.all();
        let room = all.len() < MOST;
        match all.entry(session.id.clone()) {
            Entry::Occupied(entry) => Ok(Arc::clone(entry.get())),
            Entry::Vacant(_) if !room => Err(Refusal::Busy),
            Entry::Vacant(entry) => {
                let capture = begin(boot, session);
                entry.insert(Arc::clone(&capture));
                tokio::spawn(self.clone().keep(boot.clone(), session.id.clone()));
                Ok(capture)
            }
        }
    }

    /// Lets go of it when its session is over, or its machine is gone: what has arrived is then no image.
    async fn keep(self, boot: Boot, id: SessionId) {
        let mut commits = boot.db.commits();
        loop {
            commits.borrow_and_update();
            let session = records::get(&boot.db, &id).await;
            let is_over = !matches!(&session, Ok(Some(bound)) if !bound.session.state.is_over());
            let Some(capture) = self.all().get(&id).cloned() else {
                return;
            };
            let silent = capture.feed.lock().await.touched.elapsed();
            drop(capture);
            if (is_over && session.is_ok()) || silent > SILENT {
                self.all().remove(&id);
                return;
            }
            let _ = tokio::time::timeout(HOLD, commits.changed()).await;
        }
    }
}

fn finished(capture: &Capture) -> Option<Result<(), Refusal>> {
    let outcome = capture.outcome.borrow().clone();
    if outcome.is_none() && capture.outcome.has_changed().is_err() {
        return Some(Err(Refusal::NotStored(
            "store the image: the task crashed; the log of the appliance says why".to_owned(),
        )));
    }
    outcome.map(|outcome| outcome.map_err(Refusal::NotStored))
}

fn all_of(count: usize) -> Wanted {
    Wanted {
        next: count,
        stored: true,
    }
}

/// The vault's part, which waits until nobody else writes there.
fn begin(boot: &Boot, session: &Session) -> Arc<Capture> {
    let (pieces, arriving) = arriving::channel();
    let (said, outcome) = watch::channel(None);
    let stored = (boot.store)(
        session.image_name.clone(),
        arriving,
        session.disk_size_bytes,
    );
    let (boot, id) = (boot.clone(), session.id.clone());
    tokio::spawn(async move {
        let outcome = match stored.await {
            Ok(image) => records::became(&boot.db, &id, &image)
                .await
                .map_err(|error| format!("write down that image {image} is stored: {error}")),
            Err(why) => Err(why),
        };
        match &outcome {
            Ok(()) => tracing::info!(session = %id, "a captured disk is stored"),
            Err(why) => tracing::warn!(session = %id, why, "a captured disk is not stored"),
        }
        said.send_replace(Some(outcome));
    });
    Arc::new(Capture {
        feed: tokio::sync::Mutex::new(Feed {
            pieces,
            next: 0,
            ended: false,
            touched: tokio::time::Instant::now(),
        }),
        outcome,
    })
}
