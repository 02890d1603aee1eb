//! What the handlers share: who may do what, the limits, and the manifests in use.

use super::alive::Alive;
use super::answer::Refusal;
use super::captures::Captures;
use crate::host::{self, parts};
use crate::rate::Bucket;
use crate::serve::Boot;
use crate::session::machine::Event;
use crate::session::records::{self, Advanced, Bound};
use crate::session::{self, Session, SessionId, SessionState};
use images::manifest::Chunks;
use state::Timestamp;
use state::progress::Progress;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Questions held at once; more are told to come back.
const MOST_HELD: usize = 256;
/// Chunks read from the vault at once.
const MOST_READS: usize = 8;
/// Manifests kept in memory: about 72 bytes per MiB of disk each.
const MOST_MANIFESTS: usize = 4;
/// First reports per second that are let in, and at once after a pause: a power cut brings a whole
/// company back at the same moment.
const REPORTS_PER_S: f64 = 2.0;
const REPORTS_AT_ONCE: f64 = 200.0;

#[derive(Clone)]
pub(super) struct Agents {
    pub(super) boot: Boot,
    pub(super) held: Arc<Semaphore>,
    pub(super) reads: Arc<Semaphore>,
    manifests: Arc<tokio::sync::Mutex<HashMap<String, Arc<Chunks>>>>,
    pub(super) reports: Arc<Bucket>,
    pub(super) alive: Arc<Alive>,
    pub(super) captures: Captures,
}

impl Agents {
    pub(super) fn new(boot: Boot) -> Agents {
        let reports = Bucket::new(REPORTS_PER_S, REPORTS_AT_ONCE, boot.clock.now());
        Agents {
            reports: Arc::new(reports),
            boot,
            held: Arc::new(Semaphore::new(MOST_HELD)),
            reads: Arc::new(Semaphore::new(MOST_READS)),
            manifests: Arc::default(),
            alive: Arc::default(),
            captures: Captures::default(),
        }
    }

    /// The session, if this agent holds it and it is not over.
    pub(super) async fn session(&self, hash: &str, id: &str) -> Result<Bound, Refusal> {
        let id = SessionId(parts::one_line(id));
        let bound = records::get(&self.boot.db, &id)
            .await
            .map_err(Refusal::broken)?
            .filter(|bound| bound.agent_hash.as_deref() == Some(hash))
            .ok_or(Refusal::NotYours)?;
        // The host may have been forgotten, or may have booted again with another key.
        let host = host::records::by_agent(&self.boot.db, hash)
            .await
            .map_err(Refusal::broken)?;
        if host.as_ref() == Some(&bound.session.host) {
            Ok(bound)
        } else {
            Err(Refusal::NotYours)
        }
    }

    pub(super) async fn running(&self, hash: &str, id: &str) -> Result<Session, Refusal> {
        let session = self.session(hash, id).await?.session;
        if session.state.is_over() {
            let why = format!("the session is {}", session.state.as_str());
            return Err(Refusal::Over(why));
        }
        Ok(session)
    }

    pub(super) async fn advance(
        &self,
        id: &SessionId,
        event: Event,
        hash: &str,
    ) -> Result<Session, Refusal> {
        let now = self.boot.clock.now();
        let advanced = records::advance(&self.boot.db, id, event, Some(hash), now)
            .await
            .map_err(Refusal::broken)?;
        match advanced {
            Advanced::Now(session) => {
                self.show(&session, now);
                Ok(*session)
            }
            Advanced::Refused(why) => Err(Refusal::Over(why.to_string())),
            Advanced::Unknown => Err(Refusal::NotYours),
        }
    }

    /// Posts a session's progress where the console looks.
    pub(super) fn show(&self, session: &Session, now: Timestamp) {
        let (done_bytes, total_bytes) = match session.state {
            SessionState::Reading {
                done_bytes,
                total_bytes,
            }
            | SessionState::Writing {
                done_bytes,
                total_bytes,
            }
            | SessionState::Verifying {
                done_bytes,
                total_bytes,
            } => (done_bytes, total_bytes),
            _ => (0, 0),
        };
        let key = session.id.as_str();
        if session.state.is_over() {
            return self.boot.board.remove(key);
        }
        let step = session.state.as_str().to_owned();
        // A rate is that of its step: reading back is faster than writing.
        let started = match self.boot.board.get(key) {
            Some(shown) if shown.step == step => shown.started,
            _ => now,
        };
        let progress = Progress {
            kind: "session".to_owned(),
            subject: session.host_name.clone(),
            step,
            done_bytes,
            total_bytes,
            started,
            updated: now,
        };
        self.boot.board.set(key, progress);
    }

    pub(super) async fn chunks(&self, session: &Session) -> Result<Arc<Chunks>, Refusal> {
        // Of a capture there is one as soon as it is stored.
        if session.image.is_empty() {
            return Err(Refusal::Bad("this session has no image".to_owned()));
        }
        // Held while loading: a hundred machines with one image load its manifest once.
        let mut manifests = self.manifests.lock().await;
        if let Some(chunks) = manifests.get(&session.image) {
            return Ok(Arc::clone(chunks));
        }
        let vault = (self.boot.images)().await.map_err(Refusal::Broken)?;
        let image = session.image.clone();
        let chunks = session::blocking(move || {
            let image = images::catalogue::find(&vault, &image)?;
            images::manifest::load(&vault, &image)
        })
        .await
        .map_err(Refusal::broken)?
        .map_err(Refusal::broken)?;
        let chunks = Arc::new(chunks);
        if manifests.len() >= MOST_MANIFESTS {
            manifests.clear();
        }
        manifests.insert(session.image.clone(), Arc::clone(&chunks));
        Ok(chunks)
    }
}
