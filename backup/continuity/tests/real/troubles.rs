use crate::bench::{Bench, PASSWORD, files, make_vault, plan};
use continuity::records;
use state::wire::{Fact, Outcome};

/// Objects and sentences of the incidents, `over` for an end.
async fn incidents(bench: &Bench) -> Vec<(String, String)> {
    let facts = bench.facts().await;
    facts
        .into_iter()
        .filter_map(|fact| match fact {
            Fact::Trouble { object, sentence } => Some((object, sentence)),
            Fact::TroubleOver { object } => Some((object, "over".to_owned())),
            _ => None,
        })
        .collect()
}

async fn fails(bench: &Bench, words: &[&str]) {
    let run = bench.run("compta").await;
    assert_eq!(
        (run.outcome, &run.snapshot),
        (Some(Outcome::Failed), &None),
        "{run:?}"
    );
    let detail = run.detail.unwrap();
    assert!(detail.starts_with("failed to "), "{detail}");
    for word in words {
        assert!(detail.contains(word), "{word:?} is not in {detail:?}");
    }
}

#[tokio::test]
async fn a_missing_vault_folder_is_one_incident_until_it_is_back() {
    let bench = Bench::new().await;
    let (there, away) = (bench.join("nas"), bench.join("away"));
    let path = there.display().to_string();
    bench.run("compta").await;
    std::fs::rename(&there, &away).unwrap();
    fails(&bench, &[&path, "does not exist", "nas"]).await;
    fails(&bench, &[&path]).await;
    assert!(
        !there.exists(),
        "an unmounted NAS never becomes a vault on the system disk"
    );
    assert_eq!(records::troubles(bench.db()).await.unwrap().len(), 1);
    std::fs::rename(&away, &there).unwrap();
    assert_eq!(bench.run("compta").await.outcome, Some(Outcome::Done));
    let seen = incidents(&bench).await;
    let objects: Vec<&str> = seen.iter().map(|(object, _)| object.as_str()).collect();
    assert_eq!(
        objects,
        ["target nas", "target nas"],
        "begun once, over once: {seen:?}"
    );
    assert_eq!(seen[1].1, "over");
    assert!(records::troubles(bench.db()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_wrong_password_and_a_missing_password_file_are_named() {
    let bench = Bench::new().await;
    std::fs::write(bench.join("password"), "wrong\n").unwrap();
    fails(&bench, &["wrong password", "nas"]).await;
    std::fs::remove_file(bench.join("password")).unwrap();
    fails(&bench, &[&bench.join("password").display().to_string()]).await;
    std::fs::write(bench.join("password"), format!("{PASSWORD}\n")).unwrap();
    assert_eq!(bench.run("compta").await.outcome, Some(Outcome::Done));
    let kinds: Vec<String> = incidents(&bench)
        .await
        .into_iter()
        .map(|(object, _)| object)
        .collect();
    assert_eq!(kinds, ["target nas"; 3], "wrong, then missing, then over");
}

#[tokio::test]
async fn a_folder_that_holds_no_vault_is_left_alone() {
    let bench = Bench::new().await;
    std::fs::remove_dir_all(bench.join("nas")).unwrap();
    std::fs::create_dir(bench.join("nas")).unwrap();
    fails(&bench, &["holds no vault", "vault init"]).await;
    assert_eq!(std::fs::read_dir(bench.join("nas")).unwrap().count(), 0);
    make_vault(&bench.join("nas"));
    assert_eq!(bench.run("compta").await.outcome, Some(Outcome::Done));
}

#[tokio::test]
async fn a_plan_whose_folder_is_gone_is_its_own_trouble_and_others_go_on() {
    let bench = Bench::with(|folder| {
        vec![
            plan("compta", &folder.join("gone")),
            plan("paie", &folder.join("share")),
        ]
    })
    .await;
    fails(&bench, &["compta", "gone"]).await;
    assert_eq!(bench.run("paie").await.outcome, Some(Outcome::Done));
    let seen = incidents(&bench).await;
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen[0].0, "plan compta");
}

/// As a state disk that is full for a while: the writes at the end of a run are refused.
#[tokio::test]
async fn a_run_whose_end_could_not_be_written_is_written_later_and_the_plan_runs_again() {
    let bench = Bench::new().await;
    let refuse = "CREATE TRIGGER full BEFORE UPDATE OF outcome ON run \
                  BEGIN SELECT RAISE(ABORT, 'disk full, says the test'); END";
    let there_is_room = "DROP TRIGGER full";
    let change = |sql: &'static str| {
        let change = bench.db().write(move |conn| {
            Box::pin(async move { sqlx::raw_sql(sql).execute(conn).await.map(drop) })
        });
        async move { change.await.unwrap() }
    };
    change(refuse).await;
    let ids = bench.continuity.start_run("compta", "test").await.unwrap();
    // Every write moves this on, also a refused one: the last of these are the run's end, refused again and again.
    let refused = async {
        let mut commits = bench.db().commits();
        while files(&bench.join("nas/snapshots")).is_empty() {
            commits.changed().await.unwrap();
        }
        for _ in 0..5 {
            commits.changed().await.unwrap();
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), refused)
        .await
        .expect("the run came to its end");
    change(there_is_room).await;
    let run = bench.continuity.wait_run(&ids[0]).await.unwrap();
    assert_eq!(run.outcome, Some(Outcome::Done));
    bench.continuity.settle().await;
    let next = bench.run("compta").await;
    assert_ne!(next.id, run.id);
    assert_eq!(next.outcome, Some(Outcome::Done));
}
