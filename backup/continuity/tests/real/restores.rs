use crate::bench::Bench;
use continuity::{RestoreRequest, records};
use state::wire::{Fact, Outcome};
use vault::restore::Overwrite;

fn request(bench: &Bench, to: &str) -> RestoreRequest {
    RestoreRequest {
        target: "nas".into(),
        snapshot: "compta@latest".into(),
        paths: Vec::new(),
        destination: bench.join(to),
        overwrite: Overwrite::Refuse,
    }
}

#[tokio::test]
async fn a_restore_is_shown_then_done_then_a_fact() {
    let bench = Bench::new().await;
    bench.run("compta").await;
    let request = request(&bench, "back");
    let shown = bench.continuity.plan_restore(&request).await.unwrap();
    assert_eq!(shown.files, 21);
    assert!(!bench.join("back").exists(), "a plan writes nothing");
    let id = bench
        .continuity
        .start_restore(request.clone(), "admin")
        .await
        .unwrap();
    let restore = bench.continuity.wait_restore(&id).await.unwrap();
    assert_eq!(
        (restore.outcome, restore.files),
        (Some(Outcome::Done), 21),
        "{restore:?}"
    );
    for name in ["clients/7.txt", "clients/19.txt"] {
        let (a, b) = (
            bench.join("share").join(name),
            bench.join("back").join(name),
        );
        assert_eq!(
            std::fs::read(a).unwrap(),
            std::fs::read(b).unwrap(),
            "{name}"
        );
    }
    let facts = bench.facts().await;
    let Some(Fact::Restored {
        by, files, outcome, ..
    }) = facts.last()
    else {
        panic!("{facts:?}");
    };
    assert_eq!(
        (by.as_str(), *files, *outcome),
        ("admin", 21, Outcome::Done)
    );
    // A second one finds files in the way, and says so before it writes.
    let error = bench
        .continuity
        .start_restore(request, "admin")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("already there"), "{error}");
    assert_eq!(records::restores(bench.db(), 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn one_file_lands_under_its_own_name() {
    let bench = Bench::new().await;
    bench.run("compta").await;
    let path = bench
        .join("share/clients/5.txt")
        .display()
        .to_string()
        .into_bytes();
    let one = RestoreRequest {
        paths: vec![path],
        ..request(&bench, "one")
    };
    let id = bench.continuity.start_restore(one, "admin").await.unwrap();
    let restore = bench.continuity.wait_restore(&id).await.unwrap();
    assert_eq!(restore.outcome, Some(Outcome::Done));
    let got = std::fs::read(bench.join("one/5.txt")).unwrap();
    assert_eq!(
        got,
        std::fs::read(bench.join("share/clients/5.txt")).unwrap()
    );
}

#[tokio::test]
async fn what_does_not_exist_is_refused_by_name() {
    let bench = Bench::new().await;
    bench.run("compta").await;
    for (request, name) in [
        (
            RestoreRequest {
                snapshot: "paie@latest".into(),
                ..request(&bench, "x")
            },
            "paie@latest",
        ),
        (
            RestoreRequest {
                target: "tape".into(),
                ..request(&bench, "x")
            },
            "nas, second",
        ),
        (
            RestoreRequest {
                paths: vec![b"/nowhere".to_vec()],
                ..request(&bench, "x")
            },
            "/nowhere",
        ),
        (
            request(&bench, "state/scratch/x"),
            "the running appliance keeps its state",
        ),
        (
            RestoreRequest {
                destination: "relative".into(),
                ..request(&bench, "x")
            },
            "relative",
        ),
    ] {
        let error = bench
            .continuity
            .start_restore(request, "admin")
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(name), "{error}");
    }
}
