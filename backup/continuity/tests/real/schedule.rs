use crate::bench::{Bench, NOON, at, plan};
use continuity::records;
use continuity::schedule::Job;
use state::Timestamp;
use state::wire::Outcome;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const HOUR: Duration = Duration::from_secs(3600);

/// Moves the clock to `until` in steps of ten minutes; returns when runs of `compta` were started.
async fn walk(bench: &Bench, until: Timestamp) -> Vec<i64> {
    let mut started = Vec::new();
    while bench.continuity.clock.now() < until {
        let jobs = bench.continuity.tick().await.unwrap();
        bench.continuity.settle().await;
        if jobs.iter().any(|job| matches!(job, Job::Run { .. })) {
            started.push(bench.continuity.clock.now().seconds());
        }
        bench.continuity.clock.advance(Duration::from_secs(600));
    }
    started
}

async fn nightly() -> Bench {
    Bench::with(|folder| vec![at(plan("compta", &folder.join("share")), 2, 30)]).await
}

#[tokio::test]
async fn a_plan_runs_once_each_night_at_its_hour() {
    let bench = nightly().await;
    let started = walk(&bench, NOON + 60 * HOUR).await;
    // 02:30 in Paris is 01:30 UTC: 14.5 hours after noon.
    let first = NOON.seconds() + 14 * 3600 + 1800;
    assert_eq!(started, [first, first + 24 * 3600]);
    let runs = records::runs(bench.db(), 100).await.unwrap();
    let of_plan: Vec<_> = runs.iter().filter(|run| run.plan == "compta").collect();
    assert_eq!(of_plan.len(), 2);
    assert!(
        of_plan
            .iter()
            .all(|run| run.by == "schedule" && run.outcome == Some(Outcome::Done))
    );
}

#[tokio::test]
async fn a_night_missed_while_the_box_was_off_is_made_up_for_once() {
    let mut bench = nightly().await;
    assert_eq!(walk(&bench, NOON + HOUR).await.len(), 0);
    bench.continuity.clock.advance(72 * HOUR);
    bench.restart().await;
    let now = bench.continuity.clock.now();
    assert_eq!(walk(&bench, now + HOUR).await, [now.seconds()]);
}

#[tokio::test]
async fn serve_starts_what_is_due_and_stops_when_told() {
    let bench = nightly().await;
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn({
        let (continuity, shutdown) = (bench.continuity.clone(), shutdown.clone());
        async move { continuity.serve(shutdown).await }
    });
    // The appliance saves itself first; then its night comes.
    wait_for(&bench, "appliance").await;
    bench.continuity.clock.advance(15 * HOUR);
    wait_for(&bench, "compta").await;
    shutdown.cancel();
    serving.await.unwrap();
    assert!(bench.continuity.board.all().is_empty());
}

/// Until a proof of `plan` is kept, with a deadline; woken by commits.
async fn wait_for(bench: &Bench, plan: &str) {
    let mut commits = bench.db().commits();
    let found = async {
        loop {
            let proofs = records::proofs(bench.db(), 100).await.unwrap();
            if proofs
                .iter()
                .any(|proof| proof.plan == plan && proof.passed)
            {
                return;
            }
            commits.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(60), found)
        .await
        .unwrap_or_else(|_| panic!("no proof of {plan} within a minute"));
}

#[tokio::test]
async fn a_proof_has_its_own_rhythm() {
    let bench = Bench::with(|folder| {
        let mut weekly = at(plan("compta", &folder.join("share")), 2, 30);
        weekly.prove.every = Some(48 * HOUR);
        vec![weekly]
    })
    .await;
    walk(&bench, NOON + 120 * HOUR).await;
    let proofs = records::proofs(bench.db(), 100).await.unwrap();
    let of_plan = proofs.iter().filter(|p| p.plan == "compta").count();
    // Five nights: after the first run, 48 hours later, 48 hours later.
    assert_eq!(of_plan, 3);
}

#[test]
fn a_proof_that_a_stop_cut_off_is_made_at_the_next_start() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let first = runtime();
    let mut bench = first.block_on(async {
        let bench = Bench::new().await;
        let ids = bench.continuity.start_run("compta", "test").await.unwrap();
        let run = bench.continuity.wait_run(&ids[0]).await.unwrap();
        assert_eq!(run.outcome, Some(Outcome::Done));
        bench
    });
    // The run has ended, its proof has only begun.
    drop(first);
    runtime().block_on(async {
        bench.restart().await;
        assert!(records::proofs(bench.db(), 10).await.unwrap().is_empty());
        bench.continuity.recover().await.unwrap();
        let proof = Job::Proof {
            plan: "compta".into(),
            target: "nas".into(),
        };
        assert!(bench.continuity.tick().await.unwrap().contains(&proof));
        bench.continuity.settle().await;
        let proofs = records::proofs(bench.db(), 10).await.unwrap();
        let own = proofs.iter().find(|p| p.plan == "compta").unwrap();
        assert!(own.passed, "{own:?}");
        assert!(bench.continuity.tick().await.unwrap().is_empty());
    });
}
