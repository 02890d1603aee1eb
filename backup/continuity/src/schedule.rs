//! What is due now. Pure: the same plans, history and moment always give the same jobs.
//!
//! A plan runs once per local day, at its hour. On the day that hour does not exist (clocks go
//! forward) it runs later by the length of the gap; on the day it comes twice (clocks go back), at the
//! first of the two. A run missed because the appliance was off is made up for once, however many
//! days were missed.

use config::{Plan, TimeOfDay};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use state::Timestamp;
use std::time::Duration;

/// Something to start now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    Run { plan: String, target: String },
    Proof { plan: String, target: String },
    SelfBackup { target: String },
}

/// What is known of one plan on one target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    pub plan: String,
    pub target: String,
    /// A run is queued or going on.
    pub busy: bool,
    /// Start of the newest run that was not interrupted by a power cut.
    pub last_start: Option<Timestamp>,
    /// Whether that run left a snapshot.
    pub last_saved: bool,
    /// Starts of the newest interrupted runs since `last_start`, newest first; a few are enough.
    pub interrupted: Vec<Timestamp>,
    /// The newest proof, and whether it passed.
    pub last_proof: Option<(Timestamp, bool)>,
    /// A snapshot exists that could be proven.
    pub provable: bool,
}

/// A plan with the moment its present hour was first seen: hours before it are not "missed".
#[derive(Clone, Debug)]
pub struct Known<'a> {
    pub plan: &'a Plan,
    pub since: Timestamp,
}

/// The appliance saves itself this often.
pub const SELF_BACKUP_EVERY: Duration = Duration::from_secs(24 * 3600);
/// … and tries again this soon after it could not.
pub const SELF_BACKUP_RETRY: Duration = Duration::from_secs(3600);
/// A proof that did not pass is tried again at least this often.
pub const PROOF_RETRY: Duration = Duration::from_secs(24 * 3600);
/// How often a run is started again for one hour when power cuts end it. More would loop for ever on
/// a run that itself brings the machine down.
const RESTARTS: usize = 2;

/// The jobs to start at `now`.
pub fn due(
    plans: &[Known<'_>],
    targets: &[String],
    history: &[History],
    now: Timestamp,
    tz: &TimeZone,
) -> Vec<Job> {
    let none = History::default();
    let of = |plan: &str, target: &str| {
        history
            .iter()
            .find(|h| h.plan == plan && h.target == target)
            .unwrap_or(&none)
    };
    let mut jobs = Vec::new();
    for target in targets {
        if self_backup_is_due(of(crate::APPLIANCE, target), now) {
            jobs.push(Job::SelfBackup {
                target: target.clone(),
            });
        }
    }
    for known in plans {
        for target in &known.plan.targets {
            let past = of(&known.plan.name, target);
            let (plan, target) = (known.plan.name.clone(), target.clone());
            if run_is_due(known, past, now, tz) {
                jobs.push(Job::Run { plan, target });
            } else if proof_is_due(known.plan, past, now) {
                jobs.push(Job::Proof { plan, target });
            }
        }
    }
    jobs
}

fn run_is_due(known: &Known<'_>, past: &History, now: Timestamp, tz: &TimeZone) -> bool {
    let Some(at) = known.plan.at else {
        return false;
    };
    let Some(hour) = latest_occurrence(at, now, tz) else {
        return false;
    };
    let restarts = past.interrupted.iter().filter(|t| **t >= hour).count();
    !past.busy
        && hour >= known.since
        && past.last_start.is_none_or(|t| t < hour)
        && restarts < RESTARTS
}

fn proof_is_due(plan: &Plan, past: &History, now: Timestamp) -> bool {
    let Some(every) = plan.prove.every else {
        // After each run: the run itself sees to it.
        return false;
    };
    !past.busy
        && past.provable
        && match past.last_proof {
            None => true,
            Some((at, true)) => now.since(at) >= every,
            Some((at, false)) => now.since(at) >= every.min(PROOF_RETRY),
        }
}

fn self_backup_is_due(past: &History, now: Timestamp) -> bool {
    let wait = if past.last_saved {
        SELF_BACKUP_EVERY
    } else {
        SELF_BACKUP_RETRY
    };
    // When power cuts keep ending it, it is tried each hour instead of at each start.
    let held = past.interrupted.len() >= RESTARTS
        && past
            .interrupted
            .first()
            .is_some_and(|newest| now.since(*newest) < SELF_BACKUP_RETRY);
    !past.busy && !held && past.last_start.is_none_or(|last| now.since(last) >= wait)
}

/// The newest moment, at or before `now`, at which the local clock showed `at` for the first time
/// that day.
fn latest_occurrence(at: TimeOfDay, now: Timestamp, tz: &TimeZone) -> Option<Timestamp> {
    let today = jiff::Timestamp::from_millisecond(now.0)
        .ok()?
        .to_zoned(tz.clone())
        .date();
    [Some(today), today.yesterday().ok()]
        .into_iter()
        .flatten()
        .filter_map(|day| occurrence(day, at, tz))
        .find(|moment| *moment <= now)
}

/// The next moment after `now` at which a plan runs; for pages that announce it.
pub fn next(at: TimeOfDay, now: Timestamp, tz: &TimeZone) -> Option<Timestamp> {
    let today = jiff::Timestamp::from_millisecond(now.0)
        .ok()?
        .to_zoned(tz.clone())
        .date();
    [Some(today), today.tomorrow().ok()]
        .into_iter()
        .flatten()
        .filter_map(|day| occurrence(day, at, tz))
        .find(|moment| *moment > now)
}

fn occurrence(day: Date, at: TimeOfDay, tz: &TimeZone) -> Option<Timestamp> {
    let time = Time::new(
        i8::try_from(at.hour).ok()?,
        i8::try_from(at.minute).ok()?,
        0,
        0,
    )
    .ok()?;
    // "Compatible" is RFC 5545's rule: after a gap, the first of a fold.
    let zoned = tz
        .to_ambiguous_zoned(day.to_datetime(time))
        .compatible()
        .ok()?;
    Some(Timestamp(zoned.timestamp().as_millisecond()))
}
