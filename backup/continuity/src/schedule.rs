//! What is due now. Pure: the same plans, history and moment always give the same jobs.
//!
//! A plan runs once per local day, at its hour. On the day that hour does not exist (clocks go
//! forward) it runs later by the length of the gap; on the day it comes twice (clocks go back), at the
//! first of the two. A run missed because the appliance was off is made up for once, however many
//! days were missed. One that failed (the NAS was off, the database did not answer) is tried again each
//! hour until it has saved something or the next day's hour has come.

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
    /// The disk of the target is not plugged in: nothing can be done there, and nothing is missed.
    pub away: bool,
    /// Start of the newest run that was not interrupted by a power cut.
    pub last_start: Option<Timestamp>,
    /// Whether that run left a snapshot.
    pub last_saved: bool,
    /// It failed, by itself: nobody stopped it.
    pub last_failed: bool,
    /// Starts of the newest interrupted runs since `last_start`, newest first; a few are enough.
    pub interrupted: Vec<Timestamp>,
    /// The newest proof, and whether it passed.
    pub last_proof: Option<(Timestamp, bool)>,
    /// A snapshot exists that could be proven.
    pub provable: bool,
    /// The newest snapshot has no proof, passed or not.
    pub unproven: bool,
    /// Proofs that were begun and never ended: the appliance went down in the middle, or they go on.
    pub proofs_cut_off: u64,
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
/// A plan whose run failed is tried again this soon.
pub const RUN_RETRY: Duration = Duration::from_secs(3600);
/// A proof that did not pass is tried again at least this often.
pub const PROOF_RETRY: Duration = Duration::from_secs(24 * 3600);
/// How often a run is started again for one hour when power cuts end it, and a proof at all. More
/// would loop for ever on one that itself brings the machine down.
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
        let past = of(crate::APPLIANCE, target);
        if past.away {
            continue;
        }
        let target = target.clone();
        if self_backup_is_due(past, now) {
            jobs.push(Job::SelfBackup { target });
        } else if proof_is_due(None, past, now) {
            let plan = crate::APPLIANCE.to_owned();
            jobs.push(Job::Proof { plan, target });
        }
    }
    for known in plans {
        for target in &known.plan.targets {
            let past = of(&known.plan.name, target);
            if past.away {
                continue;
            }
            let (plan, target) = (known.plan.name.clone(), target.clone());
            if run_is_due(known, past, now, tz) {
                jobs.push(Job::Run { plan, target });
            } else if proof_is_due(known.plan.prove.every, past, now) {
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
    let again = |last| past.last_failed && now.since(last) >= RUN_RETRY;
    !past.busy
        && hour >= known.since
        && past.last_start.is_none_or(|t| t < hour || again(t))
        && restarts < RESTARTS
}

/// `every` absent: each run is proven by its own task, and here only if that was cut off.
fn proof_is_due(every: Option<Duration>, past: &History, now: Timestamp) -> bool {
    let free = !past.busy && past.provable && past.proofs_cut_off < RESTARTS as u64;
    free && match (every, past.last_proof) {
        (None, _) => past.unproven,
        (Some(_), None) => true,
        (Some(every), Some((at, true))) => now.since(at) >= every,
        (Some(every), Some((at, false))) => now.since(at) >= every.min(PROOF_RETRY),
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

#[cfg(test)]
mod tests {
    use super::*;
    use config::{Keep, Level, Prove};

    fn moment(text: &str) -> Timestamp {
        let at: jiff::Timestamp = text.parse().expect("RFC 3339");
        Timestamp(at.as_millisecond())
    }

    fn plan(at: Option<&str>, every: Option<u64>) -> Plan {
        let at = at.map(|text| {
            let (hour, minute) = text.split_once(':').expect("HH:MM");
            TimeOfDay {
                hour: hour.parse().expect("hour"),
                minute: minute.parse().expect("minute"),
            }
        });
        Plan {
            name: "compta".into(),
            files: vec!["/srv".into()],
            at,
            targets: vec!["nas".into()],
            exclude: Vec::new(),
            database: None,
            database_password_file: None,
            recipe: None,
            skip_caches: false,
            keep: Keep::default(),
            tier: 1,
            rpo: None,
            rto: None,
            prove: Prove {
                level: Level::Restored,
                every: every.map(Duration::from_secs),
            },
        }
    }

    fn paris() -> TimeZone {
        TimeZone::get("Europe/Paris").expect("zone")
    }

    fn past(last_start: Option<&str>) -> History {
        History {
            plan: "compta".into(),
            target: "nas".into(),
            last_start: last_start.map(moment),
            last_saved: last_start.is_some(),
            ..History::default()
        }
    }

    fn jobs(plan: &Plan, since: &str, past: &History, now: &str) -> Vec<Job> {
        let known = [Known {
            plan,
            since: moment(since),
        }];
        due(
            &known,
            &[],
            std::slice::from_ref(past),
            moment(now),
            &paris(),
        )
    }

    fn runs(plan: &Plan, since: &str, past: &History, now: &str) -> bool {
        jobs(plan, since, past, now)
            .iter()
            .any(|job| matches!(job, Job::Run { .. }))
    }

    #[test]
    fn a_plan_is_due_from_its_hour_until_it_ran() {
        let plan = plan(Some("02:00"), None);
        let long_ago = "2026-01-01T00:00:00Z";
        for (case, since, last, now, due) in [
            (
                "before the hour",
                long_ago,
                Some("2026-11-21T01:00:05Z"),
                "2026-11-22T00:59:59Z",
                false,
            ),
            (
                "at the hour",
                long_ago,
                Some("2026-11-21T01:00:05Z"),
                "2026-11-22T01:00:00Z",
                true,
            ),
            (
                "already run",
                long_ago,
                Some("2026-11-22T01:00:00Z"),
                "2026-11-22T01:00:01Z",
                false,
            ),
            (
                "missed, made up for",
                long_ago,
                Some("2026-11-10T01:00:00Z"),
                "2026-11-22T15:00:00Z",
                true,
            ),
            (
                "made up for once",
                long_ago,
                Some("2026-11-22T15:00:00Z"),
                "2026-11-22T15:00:01Z",
                false,
            ),
            (
                "run by hand after the hour counts",
                long_ago,
                Some("2026-11-22T09:00:00Z"),
                "2026-11-22T23:00:00Z",
                false,
            ),
            (
                "run by hand before the hour does not",
                long_ago,
                Some("2026-11-21T22:00:00Z"),
                "2026-11-22T01:00:00Z",
                true,
            ),
            (
                "new plan waits for its hour",
                "2026-11-22T12:00:00Z",
                None,
                "2026-11-22T12:00:01Z",
                false,
            ),
            (
                "new plan at its first hour",
                "2026-11-22T12:00:00Z",
                None,
                "2026-11-23T01:00:00Z",
                true,
            ),
            (
                "clock before the plan was seen",
                "2026-11-22T12:00:00Z",
                None,
                "2020-01-01T12:00:00Z",
                false,
            ),
        ] {
            assert_eq!(runs(&plan, since, &past(last), now), due, "{case}");
        }
    }

    #[test]
    fn a_plan_without_an_hour_runs_by_hand_only() {
        assert!(!runs(
            &plan(None, None),
            "2020-01-01T00:00:00Z",
            &past(None),
            "2026-11-22T02:00:00Z"
        ));
    }

    #[test]
    fn a_run_that_failed_is_tried_again_each_hour_and_one_that_saved_is_not() {
        let plan = plan(Some("02:00"), None);
        let failed = |start: &str| History {
            last_failed: true,
            last_saved: false,
            ..past(Some(start))
        };
        let due = |plan: &Plan, past: &History, now| runs(plan, "2026-01-01T00:00:00Z", past, now);
        for (case, past, now, want) in [
            (
                "at once",
                failed("2026-11-22T01:00:00Z"),
                "2026-11-22T01:59:59Z",
                false,
            ),
            (
                "an hour later",
                failed("2026-11-22T01:00:00Z"),
                "2026-11-22T02:00:00Z",
                true,
            ),
            (
                "again",
                failed("2026-11-22T02:00:00Z"),
                "2026-11-22T02:59:59Z",
                false,
            ),
            (
                "all day",
                failed("2026-11-22T22:00:00Z"),
                "2026-11-22T23:30:00Z",
                true,
            ),
            (
                "saved",
                past(Some("2026-11-22T01:00:00Z")),
                "2026-11-22T12:00:00Z",
                false,
            ),
            (
                "by hand, a plan not yet seen at its hour",
                failed("2026-01-01T00:00:01Z"),
                "2026-01-01T00:59:00Z",
                false,
            ),
        ] {
            assert_eq!(due(&plan, &past, now), want, "{case}");
        }
        let by_hand = self::plan(None, None);
        let past = failed("2026-11-22T01:00:00Z");
        assert!(
            !due(&by_hand, &past, "2026-11-22T12:00:00Z"),
            "never by itself"
        );
        let busy = History { busy: true, ..past };
        assert!(!due(&plan, &busy, "2026-11-22T12:00:00Z"));
    }

    #[test]
    fn never_two_at_once() {
        let busy = History {
            busy: true,
            ..past(Some("2026-11-21T01:00:00Z"))
        };
        assert!(!runs(
            &plan(Some("02:00"), None),
            "2020-01-01T00:00:00Z",
            &busy,
            "2026-11-22T03:00:00Z"
        ));
    }

    #[test]
    fn a_run_that_power_cuts_end_is_started_again_twice_a_day_at_most() {
        let cut = |times: &[&str]| History {
            interrupted: times.iter().map(|t| moment(t)).collect(),
            ..past(Some("2026-11-21T01:00:00Z"))
        };
        let plan = plan(Some("02:00"), None);
        let due = |history: &History| {
            runs(
                &plan,
                "2020-01-01T00:00:00Z",
                history,
                "2026-11-22T04:00:00Z",
            )
        };
        assert!(due(&cut(&["2026-11-22T01:00:00Z"])));
        assert!(!due(&cut(&[
            "2026-11-22T02:30:00Z",
            "2026-11-22T01:00:00Z"
        ])));
        assert!(
            due(&cut(&["2026-11-21T02:30:00Z", "2026-11-21T01:00:00Z"])),
            "a new day starts afresh"
        );
    }

    /// Walks through a day minute by minute, and notes each start.
    fn starts(hour: &str, from: &str, to: &str) -> Vec<String> {
        let plan = plan(Some(hour), None);
        let (mut now, end) = (moment(from), moment(to));
        let mut history = past(None);
        let mut starts = Vec::new();
        while now < end {
            let known = [Known {
                plan: &plan,
                since: moment(from),
            }];
            if !due(&known, &[], std::slice::from_ref(&history), now, &paris()).is_empty() {
                history.last_start = Some(now);
                let at = jiff::Timestamp::from_millisecond(now.0).expect("in range");
                starts.push(at.to_string());
            }
            now = now + Duration::from_secs(60);
        }
        starts
    }

    #[test]
    fn once_a_day_when_clocks_change() {
        // 29 March 2026: 02:00 CET becomes 03:00 CEST; 02:30 does not exist.
        assert_eq!(
            starts("02:30", "2026-03-27T23:00:00Z", "2026-03-30T22:00:00Z"),
            [
                "2026-03-28T01:30:00Z",
                "2026-03-29T01:30:00Z",
                "2026-03-30T00:30:00Z"
            ]
        );
        // 25 October 2026: 03:00 CEST becomes 02:00 CET; 02:30 comes twice, the first counts.
        assert_eq!(
            starts("02:30", "2026-10-23T22:00:00Z", "2026-10-26T22:00:00Z"),
            [
                "2026-10-24T00:30:00Z",
                "2026-10-25T00:30:00Z",
                "2026-10-26T01:30:00Z"
            ]
        );
        // Midnight exists every day here.
        assert_eq!(
            starts("00:00", "2026-10-23T22:30:00Z", "2026-10-26T22:00:00Z"),
            ["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"]
        );
    }

    #[test]
    fn the_next_hour_is_announced() {
        let two = TimeOfDay {
            hour: 2,
            minute: 30,
        };
        for (now, want) in [
            ("2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"),
            ("2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
            ("2026-11-22T00:00:00Z", "2026-11-22T01:30:00Z"),
        ] {
            assert_eq!(
                next(two, moment(now), &paris()),
                Some(moment(want)),
                "{now}"
            );
        }
    }

    #[test]
    fn proofs_are_due_by_their_own_age() {
        let weekly = plan(None, Some(7 * 24 * 3600));
        let proven = |at: &str, passed| History {
            provable: true,
            last_proof: Some((moment(at), passed)),
            ..past(Some("2026-11-01T01:00:00Z"))
        };
        let due = |plan: &Plan, history: &History| {
            !jobs(
                plan,
                "2020-01-01T00:00:00Z",
                history,
                "2026-11-22T12:00:00Z",
            )
            .is_empty()
        };
        assert!(!due(&weekly, &proven("2026-11-20T12:00:00Z", true)));
        assert!(due(&weekly, &proven("2026-11-15T12:00:00Z", true)));
        assert!(
            due(&weekly, &proven("2026-11-21T12:00:00Z", false)),
            "a failed one comes back in a day"
        );
        assert!(!due(&weekly, &proven("2026-11-21T13:00:00Z", false)));
        assert!(!due(&weekly, &past(None)), "nothing to prove");
        assert!(due(
            &weekly,
            &History {
                provable: true,
                ..past(Some("2026-11-01T01:00:00Z"))
            }
        ));
        assert!(
            !due(&plan(None, None), &proven("2020-01-01T00:00:00Z", true)),
            "its runs see to it"
        );
        let busy = History {
            busy: true,
            ..proven("2026-11-01T12:00:00Z", true)
        };
        assert!(!due(&weekly, &busy));
    }

    #[test]
    fn a_proof_that_a_power_cut_ended_is_made_up_for() {
        let saved = |unproven, proofs_cut_off| History {
            provable: true,
            unproven,
            proofs_cut_off,
            ..past(Some("2026-11-22T01:00:00Z"))
        };
        let after_runs = plan(None, None);
        let own = |history: &History| History {
            plan: crate::APPLIANCE.into(),
            ..history.clone()
        };
        for (history, want) in [
            (saved(true, 0), true),
            (saved(true, 1), true),
            (saved(true, 2), false),
            (saved(false, 0), false),
        ] {
            let now = "2026-11-22T12:00:00Z";
            let job = Job::Proof {
                plan: "compta".into(),
                target: "nas".into(),
            };
            let jobs = jobs(&after_runs, "2020-01-01T00:00:00Z", &history, now);
            assert_eq!(jobs.contains(&job), want, "{history:?}");
            let jobs = due(
                &[],
                &["nas".to_owned()],
                &[own(&history)],
                moment(now),
                &paris(),
            );
            assert_eq!(!jobs.is_empty(), want, "the appliance's own: {history:?}");
        }
    }

    #[test]
    fn the_appliance_saves_itself_at_once_then_daily() {
        let own = |last: Option<&str>, saved: bool, interrupted: &[&str], busy: bool| History {
            plan: crate::APPLIANCE.into(),
            busy,
            last_saved: saved,
            interrupted: interrupted.iter().map(|t| moment(t)).collect(),
            ..past(last)
        };
        let now = "2026-11-22T12:00:00Z";
        for (case, history, want) in [
            ("first start", own(None, false, &[], false), true),
            ("going on", own(None, false, &[], true), false),
            (
                "this morning",
                own(Some("2026-11-22T08:00:00Z"), true, &[], false),
                false,
            ),
            (
                "yesterday",
                own(Some("2026-11-21T12:00:00Z"), true, &[], false),
                true,
            ),
            (
                "failed just now",
                own(Some("2026-11-22T11:30:00Z"), false, &[], false),
                false,
            ),
            (
                "failed an hour ago",
                own(Some("2026-11-22T11:00:00Z"), false, &[], false),
                true,
            ),
            (
                "cut off once",
                own(None, false, &["2026-11-22T11:59:00Z"], false),
                true,
            ),
            (
                "cut off again and again",
                own(
                    None,
                    false,
                    &["2026-11-22T11:59:00Z", "2026-11-22T11:58:00Z"],
                    false,
                ),
                false,
            ),
            (
                "cut off, an hour later",
                own(
                    None,
                    false,
                    &["2026-11-22T10:59:00Z", "2026-11-22T10:58:00Z"],
                    false,
                ),
                true,
            ),
        ] {
            let jobs = due(&[], &["nas".to_owned()], &[history], moment(now), &paris());
            assert_eq!(!jobs.is_empty(), want, "{case}");
        }
    }
}
