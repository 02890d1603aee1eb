//! One backup of one plan to one target.

mod execute;
pub(crate) mod records;
mod store;

pub(crate) use execute::{millis, start};

use crate::schedule::History;
use state::Timestamp;
use state::wire::Outcome;

state::id!(
    /// Names one run: one plan, one target, one attempt.
    RunId
);

/// A run as the console and the command line show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub id: RunId,
    pub plan: String,
    pub target: String,
    /// Which vault it went to; `None` until it was opened. Tells the disks of a rotation apart.
    pub vault: Option<String>,
    /// Who asked: a user's name, or `schedule`.
    pub by: String,
    pub queued: Timestamp,
    /// `None` while it waits for its turn on the target.
    pub started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    /// `None` until it has ended.
    pub outcome: Option<Outcome>,
    /// 32 hexadecimal digits; present as soon as the snapshot is committed.
    pub snapshot: Option<String>,
    pub files: u64,
    /// Bytes of the files the snapshot holds.
    pub read_bytes: u64,
    /// Bytes this run added to the vault.
    pub stored_bytes: u64,
    /// How many things could not be saved; the first of them are kept, see `records::problems`.
    pub problems: u64,
    pub took_ms: u64,
    /// Why it failed, one sentence with the next action.
    pub detail: Option<String>,
}

/// What the schedule reads out of the newest runs of one plan on one target, newest first.
pub(crate) fn history(newest: &[Run]) -> History {
    let happened = newest
        .iter()
        .position(|run| run.outcome != Some(Outcome::Interrupted));
    let last = happened.and_then(|at| newest.get(at));
    let before = happened.unwrap_or(newest.len());
    History {
        busy: newest.iter().any(|run| run.outcome.is_none()),
        last_start: last.map(|run| run.queued),
        last_saved: last.is_some_and(|run| run.snapshot.is_some()),
        last_failed: last.is_some_and(|run| run.outcome == Some(Outcome::Failed)),
        interrupted: newest[..before].iter().map(|run| run.queued).collect(),
        ..History::default()
    }
}
