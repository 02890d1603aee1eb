use crate::bench::{Bench, plan};
use config::{Keep, Plan};
use continuity::records;
use state::wire::{Fact, Outcome};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(done.unwrap().success());
}

async fn points(bench: &Bench) -> Vec<String> {
    let vault = bench.continuity.vaults.open("nas").await.unwrap();
    let (snapshots, problems) = vault.snapshots().unwrap();
    assert_eq!(problems, []);
    snapshots.iter().map(|s| s.id.to_string()).collect()
}

#[tokio::test]
async fn a_plan_keeps_what_it_says_and_the_rest_makes_room() {
    let keep = Keep {
        daily: 2,
        ..Keep::default()
    };
    let bench = Bench::with(|folder| {
        vec![Plan {
            keep,
            exclude: vec!["*.tmp".to_owned()],
            ..plan("compta", &folder.join("share"))
        }]
    })
    .await;
    let mut saved = Vec::new();
    for day in 0..5u8 {
        // New bytes each day, gone the next: only old points need them.
        let noise: Vec<u8> = (0..200_000u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> (8 + day)) as u8)
            .collect();
        std::fs::write(bench.join("share/today"), noise).unwrap();
        std::fs::write(bench.join("share/draft.tmp"), "not saved").unwrap();
        let run = bench.run("compta").await;
        assert_eq!(run.outcome, Some(Outcome::Done), "{run:?}");
        saved.push(run.snapshot.unwrap());
        bench.continuity.clock.advance(DAY);
    }
    assert_eq!(points(&bench).await, saved[3..], "the newest of two days");
    let facts = bench.facts().await;
    let forgotten: u64 = facts
        .iter()
        .map(|fact| match fact {
            Fact::SnapshotsForgotten { plan, count, .. } => {
                assert_eq!(plan, "compta");
                *count
            }
            _ => 0,
        })
        .sum();
    assert_eq!(forgotten, 3);
    let freed: u64 = facts
        .iter()
        .map(|fact| match fact {
            Fact::Pruned { freed_bytes, .. } => *freed_bytes,
            _ => 0,
        })
        .sum();
    assert!(freed > 10_000, "{freed} bytes freed");
    let vault = bench.continuity.vaults.open("nas").await.unwrap();
    let report = vault.check(true, None, &vault::Watch::new()).unwrap();
    assert_eq!(report.problems, []);
    let latest = vault.snapshot("compta@latest").unwrap();
    let draft = bench.join("share/draft.tmp");
    let draft = draft.as_os_str().as_encoded_bytes();
    assert!(vault.node(&latest, draft).is_err(), "it was left out");
}

#[tokio::test]
async fn without_keep_every_point_stays() {
    let bench = Bench::new().await;
    for _ in 0..3 {
        bench.run("compta").await;
        bench.continuity.clock.advance(DAY);
    }
    assert_eq!(points(&bench).await.len(), 3);
}

#[tokio::test]
async fn a_nas_put_back_to_yesterday_is_told() {
    let bench = Bench::new().await;
    let (vault, older): (PathBuf, PathBuf) = (bench.join("nas"), bench.join("older"));
    bench.run("compta").await;
    copy(&vault, &older);
    let lost = bench.run("compta").await.snapshot.unwrap();
    std::fs::remove_dir_all(&vault).unwrap();
    std::fs::rename(&older, &vault).unwrap();
    bench.continuity.vaults.close("nas").await;
    let run = bench.run("compta").await;
    assert_eq!(run.outcome, Some(Outcome::Done), "it saves all the same");
    let troubles = records::troubles(bench.db()).await.unwrap();
    let told = troubles.iter().find(|t| t.kind == "rolled back").unwrap();
    assert_eq!(told.object, "history of target nas");
    assert!(told.sentence.contains(&lost), "{}", told.sentence);
}
