use crate::bench::{Bench, plan};
use continuity::unprotected::{self, Standing};
use state::Timestamp;
use state::wire::Fact;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// `share` is saved, `work/anne` is not, of `work/bob` one folder is.
async fn bench() -> Bench {
    let bench = Bench::configured(|folder, config| {
        let mut plan = plan("compta", &folder.join("share"));
        plan.files.push(folder.join("work/bob/saved"));
        config.plans = vec![plan];
        config.appliance.scan = vec![folder.join("work")];
    })
    .await;
    for file in ["work/anne/a", "work/bob/saved/b", "work/bob/other"] {
        let path = bench.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }
    provisioner::migrate(bench.db()).await.unwrap();
    bench
}

/// Objects of this bench and how they stand: the machine under the test may have databases of its own.
async fn exposed(bench: &Bench) -> Vec<(String, Standing)> {
    let look = unprotected::look(&bench.continuity).await.unwrap();
    let place = format!("{}/", bench.join("work").display());
    let ours = look
        .exposed
        .into_iter()
        .filter(|e| e.what.object().contains(&place));
    ours.map(|e| (e.what.object().replace(&place, ""), e.standing))
        .collect()
}

#[tokio::test]
async fn what_nobody_saves_is_listed_until_a_plan_saves_it_or_somebody_accepts_the_risk_for_a_while()
 {
    let bench = bench().await;
    let partly = || {
        (
            "folder bob".to_owned(),
            Standing::Partly(vec![bench.join("work/bob/saved")]),
        )
    };
    let open = || ("folder anne".to_owned(), Standing::Open);
    assert_eq!(exposed(&bench).await, [open(), partly()]);

    let object = format!("folder {}", bench.join("work/anne").display());
    let now = bench.continuity.clock.now();
    let accept = async |object: &str, why: &str, until: Timestamp| {
        unprotected::accept(&bench.continuity, object, "admin", why, until).await
    };
    for (object, why, until, says) in [
        (object.as_str(), " ", now + DAY, "say why"),
        (
            object.as_str(),
            "a copy elsewhere",
            now,
            "between tomorrow and one year",
        ),
        (
            object.as_str(),
            "a copy elsewhere",
            now + 400 * DAY,
            "between tomorrow and one year",
        ),
        (
            "folder /nowhere",
            "a copy elsewhere",
            now + DAY,
            "there is none",
        ),
    ] {
        let refused = accept(object, why, until).await.unwrap_err().to_string();
        assert!(refused.contains(says), "{refused}");
    }
    accept(&object, "a copy elsewhere", now + 7 * DAY)
        .await
        .unwrap();
    let found = exposed(&bench).await;
    assert_eq!(found[0], partly(), "what is open comes first");
    let (name, Standing::Accepted(accepted)) = &found[1] else {
        panic!("{found:?}");
    };
    assert_eq!(
        (name.as_str(), accepted.by.as_str(), accepted.why.as_str()),
        ("folder anne", "admin", "a copy elsewhere")
    );
    assert_eq!(accepted.until, now + 7 * DAY);

    bench.continuity.clock.advance(7 * DAY);
    let found = exposed(&bench).await;
    assert!(
        matches!(&found[0], (name, Standing::RunOut(_)) if name == "folder anne"),
        "{found:?}"
    );
    let again = bench.continuity.clock.now() + DAY;
    accept(&object, "one more day", again).await.unwrap();
    unprotected::withdraw(&bench.continuity, &object, "admin")
        .await
        .unwrap();
    assert_eq!(exposed(&bench).await, [open(), partly()]);
    let twice = unprotected::withdraw(&bench.continuity, &object, "admin").await;
    assert!(twice.unwrap_err().to_string().contains("there is none"));
    let facts: Vec<&str> = bench
        .facts()
        .await
        .iter()
        .map(Fact::kind)
        .filter(|k| k.starts_with("risk"))
        .collect();
    assert_eq!(facts, ["risk_accepted", "risk_accepted", "risk_withdrawn"]);
}

#[tokio::test]
async fn an_acceptance_that_runs_out_is_written_down_once() {
    let bench = bench().await;
    let object = format!("folder {}", bench.join("work/anne").display());
    let until = bench.continuity.clock.now() + DAY;
    unprotected::accept(&bench.continuity, &object, "admin", "not mine", until)
        .await
        .unwrap();
    bench.continuity.clock.advance(DAY);
    let shutdown = tokio_util::sync::CancellationToken::new();
    let serving = tokio::spawn({
        let (continuity, shutdown) = (bench.continuity.clone(), shutdown.clone());
        async move { continuity.serve(shutdown).await }
    });
    let ran_out = async || {
        let facts = bench.facts().await;
        facts
            .iter()
            .filter(|fact| matches!(fact, Fact::RiskRanOut { .. }))
            .count()
    };
    let mut commits = bench.db().commits();
    let written = async {
        while ran_out().await == 0 {
            commits.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(60), written)
        .await
        .unwrap();
    shutdown.cancel();
    serving.await.unwrap();
    continuity_looks_again(&bench).await;
    assert_eq!(ran_out().await, 1);
}

/// One more start of the scheduler, which looks at everything once.
async fn continuity_looks_again(bench: &Bench) {
    let shutdown = tokio_util::sync::CancellationToken::new();
    let (continuity, ended) = (bench.continuity.clone(), shutdown.clone());
    let serving = tokio::spawn(async move { continuity.serve(ended).await });
    bench.continuity.tick().await.unwrap();
    shutdown.cancel();
    serving.await.unwrap();
}
