use crate::bench::{Bench, files, plan};
use continuity::overview::Verdict;
use continuity::records;
use state::wire::{Fact, Outcome};

#[tokio::test]
async fn a_run_saves_is_proven_and_both_are_facts() {
    let bench = Bench::new().await;
    let run = bench.run("compta").await;
    assert_eq!(
        (run.outcome, run.problems, run.detail.clone()),
        (Some(Outcome::Done), 0, None)
    );
    assert_eq!(run.files, 21);
    assert!(run.read_bytes > 100_000, "{run:?}");
    assert!(run.stored_bytes > 0, "{run:?}");
    let kinds: Vec<&str> = bench.facts().await.iter().map(Fact::kind).collect();
    assert_eq!(kinds, ["run_started", "run_finished", "proof_finished"]);
    let proof = records::proofs(bench.db(), 10).await.unwrap().remove(0);
    assert!(proof.passed, "{proof:?}");
    assert_eq!(Some(&proof.snapshot), run.snapshot.as_ref());
    assert!(
        bench.continuity.board.all().is_empty(),
        "nothing goes on any more"
    );
}

#[tokio::test]
async fn an_unchanged_second_run_stores_no_data() {
    let bench = Bench::new().await;
    bench.run("compta").await;
    let packs = files(&bench.join("nas/packs"));
    assert!(!packs.is_empty());
    let second = bench.run("compta").await;
    assert_eq!(second.outcome, Some(Outcome::Done));
    assert_eq!(
        files(&bench.join("nas/packs")),
        packs,
        "no pack of data was added"
    );
    std::fs::write(bench.join("share/new.txt"), "one more").unwrap();
    let third = bench.run("compta").await;
    assert_eq!(third.files, second.files + 1);
    assert!(files(&bench.join("nas/packs")).len() > packs.len());
    assert_eq!(records::runs(bench.db(), 2).await.unwrap()[0].id, third.id);
}

#[tokio::test]
async fn every_target_of_a_plan_gets_its_run_and_its_proof() {
    let bench = Bench::with(|folder| {
        let mut both = plan("compta", &folder.join("share"));
        both.targets.push("second".into());
        vec![both]
    })
    .await;
    let ids = bench.continuity.start_run("compta", "test").await.unwrap();
    assert_eq!(ids.len(), 2);
    bench.continuity.settle().await;
    for (id, target) in ids.iter().zip(["nas", "second"]) {
        let run = bench.continuity.wait_run(id).await.unwrap();
        assert_eq!(
            (run.target.as_str(), run.outcome),
            (target, Some(Outcome::Done))
        );
    }
    let proofs = records::proofs(bench.db(), 10).await.unwrap();
    assert_eq!(proofs.iter().filter(|p| p.passed).count(), 2);
}

#[tokio::test]
async fn a_plan_that_runs_is_not_queued_twice_and_a_queued_run_can_be_cancelled() {
    let bench = Bench::new().await;
    // On this one-threaded runtime nothing runs before the next wait.
    let first = bench.continuity.start_run("compta", "test").await.unwrap();
    let again = bench
        .continuity
        .start_run("compta", "somebody")
        .await
        .unwrap();
    assert_eq!(first, again);
    bench.continuity.settle().await;
    let next = bench.continuity.start_run("compta", "test").await.unwrap();
    assert_ne!(first, next);
    bench.continuity.cancel_run(&next[0]).await.unwrap();
    let run = bench.continuity.wait_run(&next[0]).await.unwrap();
    assert_eq!(
        (run.outcome, run.snapshot),
        (Some(Outcome::Cancelled), None)
    );
    let late = bench
        .continuity
        .cancel_run(&next[0])
        .await
        .unwrap_err()
        .to_string();
    assert!(late.contains("ended already"), "{late}");
}

#[tokio::test]
async fn a_file_that_cannot_be_saved_is_a_problem_and_the_rest_is_saved() {
    let bench = Bench::with(|folder| {
        let mut two = plan("compta", &folder.join("share"));
        two.files.push(folder.join("gone"));
        vec![two]
    })
    .await;
    let run = bench.run("compta").await;
    assert_eq!((run.outcome, run.problems), (Some(Outcome::Problems), 1));
    let problems = records::problems(bench.db(), &run.id).await.unwrap();
    assert!(problems[0].object.ends_with("gone"), "{problems:?}");
    assert_eq!(run.files, 21);
}

#[tokio::test]
async fn a_folder_that_is_not_in_the_copy_at_all_is_said_and_protects_nothing() {
    let bench = Bench::with(|folder| {
        let mut two = plan("compta", &folder.join("share"));
        two.files.push(folder.join("gone"));
        vec![two]
    })
    .await;
    let run = bench.run("compta").await;
    let detail = run.detail.clone().unwrap_or_default();
    assert!(detail.contains("/gone of plan compta"), "{detail}");
    assert!(detail.contains("bring it back"), "{detail}");
    let told = bench.facts().await.into_iter().any(|fact| {
        matches!(fact, Fact::Trouble { object, sentence } if object == "plan compta" && sentence == detail)
    });
    assert!(told, "{:?}", bench.facts().await);
    let overview = bench.continuity.overview().await.unwrap();
    assert_eq!(overview.services[0].verdict, Verdict::Failing);
    assert_eq!(overview.protected, 0);
}

#[tokio::test]
async fn an_unknown_plan_is_refused_with_what_there_is() {
    let bench = Bench::new().await;
    let error = bench
        .continuity
        .start_run("comta", "test")
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("comta") && error.contains("compta, appliance"),
        "{error}"
    );
}

#[test]
fn a_run_that_a_power_cut_ended_is_found_at_the_next_start() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let first = runtime();
    let (mut bench, id) = first.block_on(async {
        let bench = Bench::new().await;
        let id = bench
            .continuity
            .start_run("compta", "test")
            .await
            .unwrap()
            .remove(0);
        (bench, id)
    });
    // Every task is gone in the middle of what it did.
    drop(first);
    std::fs::create_dir_all(bench.join("state/scratch/proof-left/files")).unwrap();
    runtime().block_on(async {
        bench.restart().await;
        bench.continuity.recover().await.unwrap();
        let run = bench.continuity.wait_run(&id).await.unwrap();
        assert_eq!(run.outcome, Some(Outcome::Interrupted));
        assert!(bench.scratch_is_empty());
        let facts = bench.facts().await;
        let Some(Fact::RunFinished { run, outcome, .. }) = facts.last() else {
            panic!("{facts:?}");
        };
        assert_eq!((run, *outcome), (&id.0, Outcome::Interrupted));
        // It stands in nobody's way.
        assert_eq!(bench.run("compta").await.outcome, Some(Outcome::Done));
        bench.continuity.recover().await.unwrap();
        assert_eq!(
            bench.continuity.wait_run(&id).await.unwrap().outcome,
            Some(Outcome::Interrupted)
        );
    });
}
