//! Sends what GLPI has not got yet, one machine after the other.

use super::answer::Answer;
use super::client::{self, Request};
use super::standing::{Standing, TOLD_AFTER, is_due, pause};
use super::{Fault, document, records};
use crate::host::{self, Host, HostState};
use crate::trouble::Trouble;
use config::Glpi;
use state::{Clock, Db, Timestamp, journal};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often it is looked whether there is something to do.
const BEAT: Duration = Duration::from_millis(500);
/// After a fault of our own database.
const ROUND: Duration = Duration::from_secs(60);

/// A machine of which GLPI has not got the newest.
struct Waiting {
    host: Host,
    document: Vec<u8>,
    digest: String,
    standing: Standing,
}

/// How it goes with the server itself; forgotten by a restart, which tries at once.
#[derive(Default)]
struct Server {
    /// Failed attempts in a row.
    failures: i64,
    /// Not before.
    until: Timestamp,
    fault: Option<Fault>,
}

struct Queue {
    db: Db,
    clock: Clock,
    glpi: Arc<Glpi>,
    server: Server,
    trouble: Trouble,
}

/// Until `shutdown`. What waits stays in the table.
pub(crate) async fn keep(db: Db, clock: Clock, glpi: Glpi, shutdown: CancellationToken) {
    let mut queue = Queue {
        trouble: Trouble::of(&db, &clock, "GLPI".to_owned()).await,
        glpi: Arc::new(glpi),
        server: Server::default(),
        db,
        clock,
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = queue.run() => {}
    }
}

impl Queue {
    async fn run(&mut self) {
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut commits = self.db.commits();
        let mut changed = true;
        // Every change of a machine that GLPI is told of stands in the journal.
        let mut seen = (0, Timestamp(0));
        let mut next = Some(Timestamp(0));
        loop {
            beat.tick().await;
            changed |= commits.has_changed().unwrap_or(false);
            commits.mark_unchanged();
            if std::mem::take(&mut changed) {
                match self.stamp().await {
                    Ok(now) if now != seen => {
                        if now.1 > seen.1 {
                            self.server.until = Timestamp(0);
                        }
                        seen = now;
                        next = Some(Timestamp(0));
                    }
                    Ok(_) => {}
                    Err(error) => next = self.later(&error),
                }
            }
            if next.is_some_and(|at| is_due(at, self.clock.now())) {
                next = match self.round().await {
                    Ok(next) => next,
                    Err(error) => self.later(&error),
                };
            }
        }
    }

    fn later(&self, error: &host::Error) -> Option<Timestamp> {
        tracing::error!(%error, "failed to look after what GLPI is sent; trying again in a minute");
        Some(self.clock.now() + ROUND)
    }

    /// The last entry of the journal, and when somebody last asked to send again.
    async fn stamp(&self) -> Result<(i64, Timestamp), host::Error> {
        let head = journal::head(&self.db).await?;
        Ok((head, records::last_asked(&self.db).await?))
    }

    /// Sends what is due; says when something will be again.
    async fn round(&mut self) -> Result<Option<Timestamp>, host::Error> {
        let mut waiting = self.waiting().await?;
        // One that is refused again and again does not stand before the others.
        waiting.sort_by_key(|w| (w.standing.attempts, w.standing.next, w.host.id.clone()));
        let mut later: Vec<Timestamp> = Vec::new();
        let mut stuck: HashMap<String, Standing> = HashMap::new();
        for waiting in waiting {
            let now = self.clock.now();
            let due = is_due(waiting.standing.next, now) && is_due(self.server.until, now);
            let standing = match due {
                true => self.attempt(&waiting, now).await?,
                false => waiting.standing,
            };
            if standing.waits(&waiting.digest) {
                later.push(standing.next.max(self.server.until));
                if standing.attempts >= TOLD_AFTER {
                    stuck.insert(waiting.host.name, standing);
                }
            }
        }
        match self.sentence(&stuck) {
            Some(sentence) => self.trouble.begins(&sentence).await,
            None => self.trouble.over().await,
        }
        Ok(later.into_iter().min())
    }

    async fn waiting(&self) -> Result<Vec<Waiting>, host::Error> {
        let hosts = host::list(&self.db).await?;
        let mut standings = records::all(&self.db).await?;
        let found = hosts.into_iter().filter_map(|host| {
            let standing = standings.remove(host.id.as_str()).unwrap_or_default();
            self.wanted(host, standing)
        });
        Ok(found.collect())
    }

    fn wanted(&self, host: Host, standing: Standing) -> Option<Waiting> {
        if host.state != HostState::Approved {
            return None;
        }
        let document = document::document(&host, self.glpi.tag.as_deref())?;
        let document = document.to_string().into_bytes();
        let digest = blake3::hash(&document).to_hex().to_string();
        standing.waits(&digest).then_some(Waiting {
            host,
            document,
            digest,
            standing,
        })
    }

    /// Sends it, or asks how far it is; the newest of it, which may be another than a while ago.
    async fn attempt(&mut self, listed: &Waiting, now: Timestamp) -> Result<Standing, host::Error> {
        let host = match host::get(&self.db, &listed.host.id).await {
            Ok(host) => host,
            // Forgotten meanwhile: it waits for nothing.
            Err(host::Error::Unknown(_)) => {
                return Ok(Standing {
                    accepted_digest: listed.digest.clone(),
                    ..Standing::default()
                });
            }
            Err(error) => return Err(error),
        };
        let standing = records::of(&self.db, &host.id).await?;
        let Some(newest) = self.wanted(host, standing) else {
            return Ok(records::of(&self.db, &listed.host.id).await?);
        };
        let Waiting {
            host,
            document,
            digest,
            standing,
        } = newest;
        let question = standing.question(&digest).map(str::to_owned);
        let request = Request {
            agent: document::agent_id(&host),
            id: question.clone().unwrap_or_else(request_id),
            document: question.is_none().then_some(document),
        };
        let glpi = Arc::clone(&self.glpi);
        let asked = tokio::task::spawn_blocking(move || client::ask(&glpi, &request));
        let answer = asked
            .await
            .unwrap_or_else(|error| Answer::Refused(Fault::Silent(error.to_string()), None));
        self.remember(&host.name, &answer, now);
        let after = standing.after(&digest, &answer, self.clock.now());
        records::note(&self.db, &host.id, after.clone()).await?;
        Ok(after)
    }

    /// What an answer says about the server itself.
    fn remember(&mut self, name: &str, answer: &Answer, now: Timestamp) {
        match answer {
            Answer::Refused(fault, wait) if fault.is_of_server() => {
                let failures = self.server.failures + 1;
                if failures == 1 || failures == TOLD_AFTER {
                    tracing::warn!(host = name, failures, %fault, "GLPI did not take an inventory");
                }
                self.server = Server {
                    failures,
                    until: now + pause(failures).max(wait.unwrap_or_default()),
                    fault: Some(fault.clone()),
                };
            }
            Answer::Refused(fault, _) => {
                tracing::warn!(host = name, %fault, "GLPI did not take an inventory");
                self.server = Server::default();
            }
            Answer::Pending { .. } => self.server = Server::default(),
            Answer::Accepted => {
                tracing::info!(host = name, "GLPI accepted an inventory");
                self.server = Server::default();
            }
        }
    }

    /// What the console is told: that of the server first, else that of a machine.
    fn sentence(&self, stuck: &HashMap<String, Standing>) -> Option<String> {
        let server = &self.server;
        if let Some(fault) = server
            .fault
            .as_ref()
            .filter(|_| server.failures >= TOLD_AFTER)
        {
            return Some(format!("failed to send inventories to GLPI: {fault}"));
        }
        // While the server fails, what it said of a machine before is no news.
        let (name, standing) = stuck.iter().min_by_key(|(name, _)| name.as_str())?;
        let problem = &standing.problem;
        Some(match stuck.len() - 1 {
            0 => format!("failed to send the inventory of {name} to GLPI: {problem}"),
            more => {
                format!("failed to send the inventory of {name} and {more} more to GLPI: {problem}")
            }
        })
    }
}

/// Eight hexadecimal digits, in capitals.
fn request_id() -> String {
    let random = blake3::hash(state::id::new().as_bytes());
    let digits = random.as_bytes().iter().take(4);
    digits.map(|byte| format!("{byte:02X}")).collect()
}
