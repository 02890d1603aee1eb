use crate::bench::Bench;
use continuity::overview::Verdict;
use continuity::{APPLIANCE, records};
use state::journal;
use state::wire::{Fact, Outcome};

#[tokio::test]
async fn at_its_first_start_the_appliance_saves_itself_to_every_vault_and_proves_it() {
    let bench = Bench::new().await;
    let marker = Fact::ApplianceStarted {
        version: "marker".into(),
    };
    journal::record(bench.db(), bench.continuity.clock.now(), marker)
        .await
        .unwrap();
    bench.continuity.tick().await.unwrap();
    bench.continuity.settle().await;
    let runs = records::runs(bench.db(), 10).await.unwrap();
    assert_eq!(runs.len(), 2, "{runs:?}");
    assert!(
        runs.iter()
            .all(|r| r.plan == APPLIANCE && r.outcome == Some(Outcome::Done)),
        "{runs:?}"
    );
    let proofs = records::proofs(bench.db(), 10).await.unwrap();
    assert_eq!(proofs.len(), 2);
    for proof in &proofs {
        assert!(proof.passed, "{proof:?}");
        // state.db, reprise.toml, tls/key.pem
        assert_eq!(proof.files, 3);
        assert!(proof.evidence.journal_head.unwrap() >= 1);
    }
    let vault = bench.continuity.vaults.open("second").await.unwrap();
    let snapshot = vault.snapshot("appliance@latest").unwrap();
    assert_eq!(snapshot.kind, vault::Kind::Appliance);
    assert!(bench.scratch_is_empty());
    // Two copies, both on this disk: proven, and honest about it.
    let overview = bench.continuity.overview().await.unwrap();
    assert_eq!(
        (overview.appliance.verdict, overview.protected),
        (Verdict::Proven, 0)
    );
    assert!(
        bench.continuity.tick().await.unwrap().is_empty(),
        "not again today"
    );
}

#[tokio::test]
async fn the_copy_holds_the_state_and_no_vault_password() {
    let bench = Bench::new().await;
    bench.run(APPLIANCE).await;
    let request = continuity::RestoreRequest {
        target: "nas".into(),
        snapshot: "appliance@latest".into(),
        paths: Vec::new(),
        destination: continuity::Destination::here(bench.join("bare")),
        overwrite: vault::restore::Overwrite::Refuse,
    };
    let id = bench
        .continuity
        .start_restore(request, "test")
        .await
        .unwrap();
    bench.continuity.wait_restore(&id).await.unwrap();
    let copy = state::Db::open_file(&bench.join("bare/state.db"))
        .await
        .unwrap();
    continuity::migrate(&copy).await.unwrap();
    let runs = records::runs(&copy, 10).await.unwrap();
    assert_eq!(
        runs.len(),
        2,
        "the copy knows the run that made it, and the one queued behind it"
    );
    assert_eq!(
        std::fs::read_to_string(bench.join("bare/reprise.toml")).unwrap(),
        std::fs::read_to_string(bench.join("reprise.toml")).unwrap()
    );
    for file in crate::bench::files(&bench.join("bare")) {
        let bytes = std::fs::read(&file).unwrap();
        let password = crate::bench::PASSWORD.as_bytes();
        assert!(
            !bytes.windows(password.len()).any(|w| w == password),
            "{}",
            file.display()
        );
    }
}

#[tokio::test]
async fn a_vault_that_cannot_take_it_does_not_stop_the_other() {
    let bench = Bench::new().await;
    std::fs::remove_dir_all(bench.join("second")).unwrap();
    bench.continuity.tick().await.unwrap();
    bench.continuity.settle().await;
    let runs = records::runs(bench.db(), 10).await.unwrap();
    let outcome = |target: &str| runs.iter().find(|r| r.target == target).unwrap().outcome;
    assert_eq!(
        (outcome("nas"), outcome("second")),
        (Some(Outcome::Done), Some(Outcome::Failed))
    );
    assert!(
        bench.continuity.tick().await.unwrap().is_empty(),
        "not again at once"
    );
}
