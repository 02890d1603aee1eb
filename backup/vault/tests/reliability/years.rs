//! Ten years of nights.

use std::collections::HashMap;
use std::fs;

use vault::backup;
use vault::forget::Circumstances;
use vault::retention::Rules;
use vault::target::ObjectKind;
use vault::{Kind, Snapshot, Vault, Watch, prune};

use crate::content::{self, Content};
use crate::support::*;

const DAY_MS: i64 = 24 * 3_600_000;
/// 2030-01-01 22:00 UTC.
const BEGIN_MS: i64 = 1_893_535_200_000;
const DAYS: i64 = 3653;
const RULES: Rules = Rules {
    last: 2,
    hourly: 0,
    daily: 7,
    weekly: 4,
    monthly: 12,
    yearly: 10,
    within_ms: None,
};
/// The most that the rules keep.
const KEPT: usize = 2 + 7 + 4 + 12 + 10;

#[test]
fn ten_years_of_daily_runs_stay_small_and_whole() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    let (target, mut vault) = in_memory();
    let mut kept: Vec<(Snapshot, Content)> = Vec::new();
    let (mut most_bytes, mut most_objects) = (0, 0);
    fs::write(from.join("never changes"), noise(1, 10_000)).unwrap();
    for day in 0..DAYS {
        // A log that grows and is begun anew, a file that is replaced, one a month that is added, one that goes again.
        let length = 40 * (day as usize % 90 + 1);
        fs::write(from.join("log"), &noise(2, 40 * 90)[..length]).unwrap();
        fs::write(
            from.join("state"),
            noise(1000 + day as u64, 300 + day as usize % 7),
        )
        .unwrap();
        if day % 30 == 0 {
            fs::write(
                from.join(format!("month {}", day / 30)),
                noise(day as u64, 500),
            )
            .unwrap();
            fs::remove_file(from.join(format!("month {}", day / 30 - 12))).ok();
        }
        let now_ms = BEGIN_MS + day * DAY_MS;
        let snapshot = run(&vault, &from, now_ms);
        kept.push((snapshot, content::of_folder(&from)));
        forget(&vault, now_ms, &mut kept);
        // Every week, as an appliance would; and one that is opened anew each month.
        if day % 7 == 6 {
            sweep(&vault, now_ms);
            let objects = target.objects();
            most_objects = most_objects.max(objects.len());
            most_bytes = most_bytes.max(objects.values().map(Vec::len).sum());
        }
        if day % 30 == 29 {
            vault = Vault::open(target.clone(), &password()).unwrap();
        }
        if day % 365 == 364 {
            holds(&vault, &kept);
        }
    }
    sweep(&vault, BEGIN_MS + DAYS * DAY_MS);
    holds(&vault, &kept);
    let of = |kind| target.objects().keys().filter(|key| key.0 == kind).count();
    println!(
        "{} snapshots, {most_objects} objects and {most_bytes} bytes at most; at the end {:?}",
        kept.len(),
        ObjectKind::ALL.map(|kind| (kind.folder(), of(kind)))
    );
    assert!((20..=KEPT).contains(&kept.len()), "{}", kept.len());
    assert!(most_objects < 400, "{most_objects} objects");
    assert!(most_bytes < 1_000_000, "{most_bytes} bytes");
    assert_eq!(of(ObjectKind::Tomb), 1);
    assert!(of(ObjectKind::Session) <= 4);
}

fn run(vault: &Vault, from: &std::path::Path, now_ms: i64) -> Snapshot {
    let request = backup::Request {
        kind: Kind::Files,
        plan: "nightly".to_owned(),
        host: "here".to_owned(),
        roots: vec![from.to_owned()],
        now_ms,
        end_ms: &|| now_ms + 60_000,
    };
    let (snapshot, problems) = backup::run(vault, &request, &Watch::new()).unwrap();
    assert_eq!(problems, []);
    snapshot
}

fn forget(vault: &Vault, now_ms: i64, kept: &mut Vec<(Snapshot, Content)>) {
    let circumstances = Circumstances {
        now_ms,
        offset_s: &|_| 3600,
        protected: &HashMap::new(),
    };
    let (judged, problems) = vault.judge(&RULES, &circumstances).unwrap();
    assert_eq!(problems, []);
    let go = judged.iter().filter(|(_, verdict)| !verdict.keep);
    let names: Vec<_> = go.map(|(snapshot, _)| snapshot.name()).collect();
    vault.forget(&names, false, now_ms).unwrap();
    kept.retain(|(snapshot, _)| !names.contains(&snapshot.name()));
}

fn sweep(vault: &Vault, now_ms: i64) {
    let request = prune::Request {
        now_ms,
        dry_run: false,
        revoke: false,
        wait: &|_| false,
        settle: &|| {},
    };
    let report = vault.prune(&request, &Watch::new()).unwrap();
    assert_eq!(report.problems, []);
}

fn holds(vault: &Vault, kept: &[(Snapshot, Content)]) {
    let report = vault.check(true, None, &Watch::new()).unwrap();
    assert_eq!(report.problems, []);
    let (listed, problems) = vault.snapshots().unwrap();
    assert_eq!((listed.len(), problems.len()), (kept.len(), 0));
    for (snapshot, was) in kept {
        assert!(content::of_snapshot(vault, snapshot).unwrap() == *was);
    }
}
