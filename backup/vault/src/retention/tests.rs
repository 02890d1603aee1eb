//! Golden tables: which of a row of snapshots stay, and why.

use super::*;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// 2026-03-20 14:00 UTC, a Friday.
const NOW: i64 = 1_774_015_200_000;

fn id(n: usize) -> SnapshotId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(n as u64).to_be_bytes());
    SnapshotId::from_bytes(bytes)
}

/// One group; `times[0]` is the oldest.
fn chain(times: &[i64]) -> Vec<Point> {
    let point = |(n, time): (usize, &i64)| Point {
        id: id(n),
        seq: n as u64 + 1,
        kind: Kind::Files,
        plan: "compta".to_owned(),
        host: "agen".to_owned(),
        started_ms: *time,
    };
    times.iter().enumerate().map(point).collect()
}

fn facts<'a>(
    now_ms: i64,
    proven: &'a [SnapshotId],
    protected: &'a HashMap<SnapshotId, String>,
) -> Facts<'a> {
    Facts {
        now_ms,
        offset_s: &|_| 0,
        proven,
        protected,
    }
}

fn plain(points: &[Point], rules: &Rules) -> Vec<Verdict> {
    decide(points, rules, &facts(NOW, &[], &HashMap::new()))
}

/// `n: reason, reason` for each that is kept, newest first.
fn kept(verdicts: &[Verdict]) -> Vec<String> {
    let line = |(n, verdict): (usize, &Verdict)| {
        let reasons: Vec<_> = verdict.reasons.iter().map(ToString::to_string).collect();
        assert_eq!(verdict.keep, verdict.reasons != [Reason::NoRuleKeepsIt]);
        verdict.keep.then(|| format!("{n}: {}", reasons.join(", ")))
    };
    let mut lines: Vec<_> = verdicts.iter().enumerate().filter_map(line).collect();
    lines.reverse();
    lines
}

/// Every six hours for 900 days, the newest two hours ago.
fn long_row() -> Vec<Point> {
    chain(
        &(0..3600)
            .map(|n| NOW - 2 * HOUR - (3599 - n) * 6 * HOUR)
            .collect::<Vec<_>>(),
    )
}

#[test]
fn each_rule_keeps_the_newest_of_each_of_its_periods() {
    let row = long_row();
    let none = Rules::default();
    let table: [(Rules, &[&str]); 8] = [
        (
            Rules { last: 3, ..none },
            &[
                "3599: newest of its plan, one of the last 3",
                "3598: one of the last 3",
                "3597: one of the last 3",
            ],
        ),
        (
            Rules { hourly: 2, ..none },
            &[
                "3599: newest of its plan, newest of 2026-03-20 12h",
                "3598: newest of 2026-03-20 06h",
            ],
        ),
        (
            Rules { daily: 3, ..none },
            &[
                "3599: newest of its plan, newest of 2026-03-20",
                "3596: newest of 2026-03-19",
                "3592: newest of 2026-03-18",
            ],
        ),
        (
            Rules { weekly: 3, ..none },
            &[
                "3599: newest of its plan, newest of 2026-W12",
                "3580: newest of 2026-W11",
                "3552: newest of 2026-W10",
            ],
        ),
        (
            Rules { monthly: 4, ..none },
            &[
                "3599: newest of its plan, newest of 2026-03",
                "3520: newest of 2026-02",
                "3408: newest of 2026-01",
                "3284: newest of 2025-12",
            ],
        ),
        (
            Rules { yearly: 9, ..none },
            &[
                "3599: newest of its plan, newest of 2026",
                "3284: newest of 2025",
                "1824: newest of 2024",
                "360: newest of 2023",
            ],
        ),
        (
            Rules {
                within_ms: Some(DAY),
                ..none
            },
            &[
                "3599: newest of its plan, young enough",
                "3598: young enough",
                "3597: young enough",
                "3596: young enough",
                "3595: young enough",
            ],
        ),
        (
            Rules {
                last: 1,
                daily: 2,
                weekly: 2,
                yearly: 2,
                ..none
            },
            &[
                "3599: newest of its plan, one of the last 1, newest of 2026-03-20, newest of 2026-W12, newest of 2026",
                "3596: newest of 2026-03-19",
                "3580: newest of 2026-W11",
                "3284: newest of 2025",
            ],
        ),
    ];
    for (rules, want) in table {
        assert_eq!(kept(&plain(&row, &rules)), want, "{rules:?}");
    }
}

#[test]
fn days_begin_at_local_midnight() {
    // 23:30 and 00:30 in Paris around 2026-03-19, winter time; 22:30 and 23:30 of one day in Greenwich.
    let points = chain(&[NOW - 39 * HOUR - HOUR / 2, NOW - 38 * HOUR - HOUR / 2, NOW]);
    let rules = Rules {
        daily: 5,
        ..Rules::default()
    };
    let nothing = HashMap::new();
    let days = |offset_s: &dyn Fn(i64) -> i32| {
        let facts = Facts {
            offset_s,
            ..facts(NOW, &[], &nothing)
        };
        kept(&decide(&points, &rules, &facts)).len()
    };
    assert_eq!(days(&|_| 3600), 3);
    assert_eq!(days(&|_| 0), 2);
    assert_eq!(days(&|at| if at == NOW { 0 } else { 3600 }), 3);
}

#[test]
fn without_rules_nothing_is_forgotten() {
    let verdicts = plain(&long_row(), &Rules::default());
    assert!(verdicts.iter().all(|verdict| verdict.keep));
}

#[test]
fn plans_hosts_and_kinds_do_not_compete() {
    let mut points = chain(&[NOW - 4 * DAY, NOW - 3 * DAY, NOW - 2 * DAY, NOW - DAY, NOW]);
    points[0].plan = "other".to_owned();
    points[1].host = "pau".to_owned();
    points[2].kind = Kind::Image;
    let rules = Rules {
        last: 1,
        ..Rules::default()
    };
    let verdicts = plain(&points, &rules);
    let keep: Vec<bool> = verdicts.iter().map(|verdict| verdict.keep).collect();
    assert_eq!(keep, [true, true, true, false, true]);
}

#[test]
fn the_newest_proven_and_what_is_held_stay() {
    let points = chain(&(0..10).map(|n| NOW - (10 - n) * DAY).collect::<Vec<_>>());
    let held = HashMap::from([(id(2), "held: audit 2026".to_owned())]);
    // Given in any order; what is not there does not count.
    let proven = [id(4), id(99), id(1), id(3)];
    let rules = Rules {
        last: 2,
        ..Rules::default()
    };
    let verdicts = decide(&points, &rules, &facts(NOW, &proven, &held));
    assert_eq!(
        kept(&verdicts),
        [
            "9: newest of its plan, one of the last 2",
            "8: one of the last 2",
            "4: newest proven snapshot",
            "2: held: audit 2026",
        ]
    );
}

#[test]
fn forged_times_evict_nobody() {
    let honest: Vec<i64> = (0..30).map(|n| NOW - (30 - n) * DAY).collect();
    let rules = Rules {
        last: 3,
        daily: 14,
        weekly: 8,
        monthly: 12,
        ..Rules::default()
    };
    let want: Vec<usize> = {
        let verdicts = plain(&chain(&honest), &rules);
        (0..30).filter(|n| verdicts[*n].keep).collect()
    };
    assert!(want.len() >= 14);
    let year = 365 * DAY;
    let forgeries: [(&str, Vec<i64>); 6] = [
        ("one in the future", vec![NOW + 10 * year]),
        (
            "one for each future day",
            (1..60).map(|n| NOW + 2 * DAY + n * DAY).collect(),
        ),
        ("one long ago", vec![NOW - 30 * year]),
        (
            "many long ago, more than there are honest ones",
            (0..50).map(|n| NOW - 30 * year + n * DAY).collect(),
        ),
        (
            "the ends of time",
            vec![i64::MAX, i64::MIN, i64::MAX, i64::MIN],
        ),
        ("falling", (0..50).map(|n| NOW - year - n * DAY).collect()),
    ];
    for (what, forged) in forgeries {
        let times: Vec<i64> = honest.iter().chain(&forged).copied().collect();
        let verdicts = plain(&chain(&times), &rules);
        for n in &want {
            assert!(verdicts[*n].keep, "{what}: {n} was evicted");
        }
    }
}

#[test]
fn a_forged_time_takes_no_place_and_is_named() {
    let mut times: Vec<i64> = (0..10).map(|n| NOW - (10 - n) * DAY).collect();
    times[4] = NOW + 900 * DAY;
    let rules = Rules {
        daily: 3,
        ..Rules::default()
    };
    let lines = kept(&plain(&chain(&times), &rules));
    assert_eq!(lines.len(), 4);
    assert!(
        lines[3].starts_with("4: its time cannot be true"),
        "{lines:?}"
    );
}

#[test]
fn a_clock_set_back_a_little_is_no_forgery() {
    let mut times: Vec<i64> = (0..10).map(|n| NOW - (10 - n) * DAY).collect();
    // The clock was an hour fast, then corrected; and the last two were taken within the hour.
    times[8] = times[9] + HOUR;
    let rules = Rules {
        last: 1,
        daily: 3,
        ..Rules::default()
    };
    let lines = kept(&plain(&chain(&times), &rules));
    assert!(
        lines.iter().all(|line| !line.contains("cannot be true")),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 3, "{lines:?}");
}

#[test]
fn whatever_the_times_the_newest_of_the_plan_and_the_newest_proven_stay() {
    let mut state = 7u64;
    let mut next = |limit: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % limit
    };
    for round in 0..500 {
        let count = 1 + next(20) as usize;
        let latest = if round % 2 == 0 { 800 } else { 700 };
        let mut times: Vec<i64> = (0..count)
            .map(|_| NOW + DAY * (next(latest) as i64 - 700))
            .collect();
        if round % 2 == 1 {
            times.sort();
        }
        let proven: Vec<SnapshotId> = (0..next(4)).map(|_| id(next(20) as usize)).collect();
        let rules = Rules {
            last: next(3) as u32,
            hourly: next(3) as u32,
            daily: next(5) as u32,
            weekly: next(3) as u32,
            monthly: next(3) as u32,
            yearly: next(3) as u32,
            within_ms: (next(3) == 0).then(|| next(40) as i64 * DAY),
        };
        let points = chain(&times);
        let verdicts = decide(&points, &rules, &facts(NOW, &proven, &HashMap::new()));
        assert!(verdicts[count - 1].keep, "round {round}");
        if let Some(newest) = (0..count).rev().find(|n| proven.contains(&id(*n))) {
            assert!(verdicts[newest].keep, "round {round}");
            assert!(verdicts[newest].reasons.contains(&Reason::NewestProven));
        }
        if !times.is_sorted() {
            continue;
        }
        // What the rules leave is the same when they are applied again.
        let left: Vec<Point> = points
            .iter()
            .zip(&verdicts)
            .filter(|(_, v)| v.keep)
            .map(|(p, _)| p.clone())
            .collect();
        let again = decide(&left, &rules, &facts(NOW, &proven, &HashMap::new()));
        assert!(
            again.iter().all(|verdict| verdict.keep),
            "round {round}: {rules:?} {times:?}"
        );
    }
}
