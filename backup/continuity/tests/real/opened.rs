//! A database is proven by loading it, and its proven copy is opened to be read.

use crate::bench::{Bench, plan};
use crate::erp::{dolibarr, erp, installed};
use config::{Level, Plan, Prove};
use continuity::opened::{Stage, Why};
use continuity::{OpenRequest, records};
use std::process::Command;
use std::time::Duration;

#[tokio::test]
async fn a_database_is_restored_and_opened_and_what_lacks_is_named() {
    let server = dolibarr();
    let mut bench = Bench::with(|folder| {
        installed(folder, &server);
        let prove = Prove {
            level: Level::Loaded,
            every: None,
        };
        vec![
            Plan {
                prove,
                ..erp(folder)
            },
            Plan {
                prove,
                ..plan("compta", &folder.join("share"))
            },
        ]
    })
    .await;
    let request = |minutes: u64| OpenRequest {
        plan: "erp".into(),
        target: "nas".into(),
        database: None,
        listen: "127.0.0.1:0".parse().unwrap(),
        lasts: Duration::from_secs(60 * minutes),
    };
    let said = bench.continuity.open_database(request(5), "test").await;
    let said = said.unwrap_err().to_string();
    assert!(said.contains("reprise proof run erp"), "{said}");
    bench.run("erp").await;
    let proof = records::proofs(bench.db(), 1).await.unwrap().remove(0);
    assert_eq!(
        (proof.passed, proof.level),
        (true, Level::Loaded),
        "{:?}",
        proof.detail
    );
    let loaded = &proof.evidence.databases[0];
    assert_eq!((loaded.tables, loaded.rows), (2, 50_001));
    assert!(loaded.checked && loaded.walled, "{loaded:?}");
    assert_eq!(loaded.answers[0].files, 3, "{loaded:?}");
    assert_eq!(loaded.answers[0].found[0], "FA26-050000");
    assert!(bench.scratch_is_empty());
    // Without a database the same level is a restore.
    bench.run("compta").await;
    let files = records::proofs(bench.db(), 1).await.unwrap().remove(0);
    assert_eq!((files.passed, files.level), (true, Level::Restored));

    // Opened: read by the standard client, never written, closed at its hour.
    let id = bench
        .continuity
        .open_database(request(5), "test")
        .await
        .unwrap();
    let again = bench.continuity.open_database(request(5), "test").await;
    assert!(again.unwrap_err().to_string().contains("close it first"));
    let opened = loop {
        let all = bench.continuity.opened_databases();
        let now = all.into_iter().find(|o| o.id == id).unwrap();
        if now.stage != Stage::Loading {
            break now;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(opened.stage, Stage::Open);
    let password = bench.continuity.opened_password(&id).unwrap();
    assert_eq!(bench.continuity.opened_password(&id), None, "told once");
    let ask = |sql: &'static str| {
        let (user, port) = (opened.user.clone().unwrap(), opened.listen.port());
        let password = password.clone();
        tokio::task::spawn_blocking(move || {
            Command::new("mariadb")
                .args(["--no-defaults", "-h", "127.0.0.1", "-N", "-B", "-e", sql])
                .arg(format!("--port={port}"))
                .arg(format!("--user={user}"))
                .arg("dolibarr")
                .env("MYSQL_PWD", password)
                .output()
                .unwrap()
        })
    };
    let read = ask("SELECT COUNT(*) FROM llx_facture").await.unwrap();
    assert_eq!(
        String::from_utf8_lossy(&read.stdout).trim(),
        "50000",
        "{read:?}"
    );
    let written = ask("DELETE FROM llx_facture").await.unwrap();
    assert!(!written.status.success());
    bench.continuity.clock.advance(Duration::from_secs(301));
    bench.continuity.settle().await;
    let all = bench.continuity.opened_databases();
    assert_eq!(all[0].stage, Stage::Closed(Why::Time));
    assert!(!ask("SELECT 1").await.unwrap().status.success());
    assert!(bench.scratch_is_empty());

    // A document that is gone: the proof fails by its name.
    let gone = bench.join("erp/documents/facture/FA26-050000");
    std::fs::remove_dir_all(gone).unwrap();
    bench.run("erp").await;
    let proof = records::proofs(bench.db(), 1).await.unwrap().remove(0);
    assert!(!proof.passed);
    let said = proof.detail.unwrap();
    assert!(said.contains("the document of FA26-050000"), "{said}");
    bench.restart().await;
    assert!(bench.continuity.opened_databases().is_empty());
}
