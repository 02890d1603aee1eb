use crate::bench::Bench;
use continuity::{Destination, RestoreRequest, records};
use state::wire::{Fact, Outcome};
use vault::restore::Overwrite;

fn request(bench: &Bench, to: &str) -> RestoreRequest {
    RestoreRequest {
        target: "nas".into(),
        snapshot: "compta@latest".into(),
        paths: Vec::new(),
        destination: Destination::here(bench.join(to)),
        overwrite: Overwrite::Refuse,
    }
}

#[tokio::test]
async fn a_restore_is_shown_then_done_then_a_fact() {
    let bench = Bench::new().await;
    bench.run("compta").await;
    let request = request(&bench, "back");
    let shown = bench.continuity.plan_restore(&request).await.unwrap();
    assert_eq!(shown.plan.files, 21);
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
                destination: Destination::here("relative"),
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

#[tokio::test]
async fn a_restore_that_left_something_out_goes_on_under_its_own_id_and_writes_only_the_rest() {
    use std::os::unix::fs::MetadataExt;
    let bench = Bench::new().await;
    bench.run("compta").await;
    let mine = bench.join("back/clients/7.txt");
    std::fs::create_dir_all(mine.parent().unwrap()).unwrap();
    std::fs::write(&mine, "mine").unwrap();
    let request = RestoreRequest {
        overwrite: Overwrite::Keep,
        ..request(&bench, "back")
    };
    let planned = bench.continuity.plan_restore(&request).await.unwrap();
    assert_eq!(planned.plan.in_the_way.kept, 1);
    assert_eq!(planned.to, bench.join("back").display().to_string());
    let started = bench.continuity.start_restore(request.clone(), "admin");
    let id = started.await.unwrap();
    let ended = bench.continuity.wait_restore(&id).await.unwrap();
    assert_eq!(
        (ended.outcome, ended.problems),
        (Some(Outcome::Problems), 1)
    );
    assert!(ended.can_resume());
    // As it was resolved, not as it was asked: a newer snapshot does not change it.
    let asked = ended.asked.clone().unwrap();
    assert_eq!(asked.snapshot, ended.snapshot);
    assert_eq!(
        (asked.overwrite, asked.destination),
        (request.overwrite, request.destination)
    );
    std::fs::write(bench.join("share/clients/new.txt"), "new").unwrap();
    bench.run("compta").await;

    std::fs::remove_file(&mine).unwrap();
    let other = bench.join("back/clients/8.txt");
    let before = std::fs::metadata(&other).unwrap().ino();
    assert_eq!(bench.continuity.resume_restore(&id).await.unwrap(), id);
    let ended = bench.continuity.wait_restore(&id).await.unwrap();
    assert_eq!(
        (ended.outcome, ended.problems, ended.resumed),
        (Some(Outcome::Done), 0, 1)
    );
    assert!(
        records::restore_problems(bench.db(), &id)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        std::fs::metadata(&other).unwrap().ino(),
        before,
        "written again"
    );
    let same = std::fs::read(bench.join("share/clients/7.txt")).unwrap();
    assert_eq!(std::fs::read(&mine).unwrap(), same);
    assert!(!bench.join("back/clients/new.txt").exists());
    assert_eq!(records::restores(bench.db(), 10).await.unwrap().len(), 1);
    let error = bench.continuity.resume_restore(&id).await.unwrap_err();
    assert!(error.to_string().contains("it is done"), "{error}");
}

#[tokio::test]
async fn files_go_back_to_where_they_were_and_what_will_be_lost_is_said() {
    let bench = Bench::new().await;
    bench.run("compta").await;
    let share = bench.join("share");
    std::fs::remove_file(share.join("clients/3.txt")).unwrap();
    std::fs::write(share.join("clients/4.txt"), "written since").unwrap();
    let home = RestoreRequest {
        destination: Destination {
            server: None,
            folder: None,
        },
        overwrite: Overwrite::Replace,
        ..request(&bench, "")
    };
    let planned = bench.continuity.plan_restore(&home).await.unwrap();
    assert_eq!(planned.plan.destination, share);
    assert_eq!(planned.plan.lost, [(share.join("clients/4.txt"), true)]);
    let id = bench.continuity.start_restore(home, "admin").await.unwrap();
    let ended = bench.continuity.wait_restore(&id).await.unwrap();
    assert_eq!(ended.outcome, Some(Outcome::Done), "{ended:?}");
    assert!(share.join("clients/3.txt").exists());
    assert_ne!(
        std::fs::read(share.join("clients/4.txt")).unwrap(),
        b"written since"
    );
}
