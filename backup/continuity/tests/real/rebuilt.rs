//! A saved database into a new one of a real server: shown, made, compared, written down.

use crate::bench::{Bench, plan};
use crate::erp::dolibarr;
use crate::servers::{self, Server};
use config::{DatabaseUrl, Plan};
use continuity::{DatabaseRequest, Restore};
use databases::Engine;
use state::wire::{Fact, Outcome};

async fn saved(server: &Server, database: &str) -> Bench {
    let bench = Bench::with(|folder| {
        let password = folder.join("database-password");
        std::fs::write(&password, format!("{}\n", servers::PASSWORD)).unwrap();
        vec![Plan {
            files: Vec::new(),
            database: Some(server.source(database).url),
            database_password_file: Some(password),
            ..plan("erp", folder)
        }]
    })
    .await;
    let run = bench.run("erp").await;
    assert_eq!(run.outcome, Some(Outcome::Done), "{run:?}");
    bench
}

fn request(to: DatabaseUrl) -> DatabaseRequest {
    DatabaseRequest {
        target: "nas".into(),
        snapshot: "erp@latest".into(),
        dump: None,
        to,
        password: Some(servers::PASSWORD.into()),
    }
}

async fn restored(bench: &Bench, request: DatabaseRequest) -> Restore {
    let started = bench.continuity.start_database(request, "admin").await;
    bench
        .continuity
        .wait_restore(&started.unwrap())
        .await
        .unwrap()
}

async fn refused(bench: &Bench, request: DatabaseRequest) -> String {
    let started = bench.continuity.start_database(request, "admin").await;
    started.expect_err("it was begun").to_string()
}

fn postgres() -> Server {
    let server = Server::start(Engine::PostgreSql);
    server.admin("CREATE DATABASE dolibarr");
    server.sql(
        "dolibarr",
        "CREATE TABLE llx_facture (rowid INT PRIMARY KEY, note TEXT); CREATE TABLE llx_user (rowid SERIAL PRIMARY KEY, login TEXT); \
         INSERT INTO llx_user (login) VALUES ('admin'); \
         INSERT INTO llx_facture SELECT n, md5(n::text) || md5((-n)::text) FROM generate_series(1, 50000) AS n",
    );
    server
}

#[tokio::test]
async fn a_database_comes_back_in_a_new_one_and_never_over_one_that_exists() {
    for server in [dolibarr(), postgres()] {
        let bench = saved(&server, "dolibarr").await;
        let asked = request(server.source("dolibarr_back").url);
        let shown = bench.continuity.plan_database(&asked).await.unwrap();
        assert_eq!(shown.manifest.tables.len(), 2);
        assert_eq!(shown.manifest.rows(), 50_001);
        assert_eq!(shown.dump, "/.reprise/databases/dolibarr");
        let restore = restored(&bench, asked.clone()).await;
        assert_eq!(restore.outcome, Some(Outcome::Done), "{restore:?}");
        let said = restore.detail.clone().unwrap();
        assert!(
            said.starts_with("verified: 2 tables with 50001 rows"),
            "{said}"
        );
        assert!(!restore.can_resume());
        let count = "SELECT COUNT(*), MIN(note), MAX(note) FROM llx_facture";
        assert_eq!(
            server.sql("dolibarr_back", count),
            server.sql("dolibarr", count)
        );
        let facts = bench.facts().await;
        let Some(Fact::Restored {
            destination,
            by,
            outcome,
            ..
        }) = facts.last()
        else {
            panic!("{facts:?}")
        };
        assert_eq!(destination, &asked.to.to_string());
        assert_eq!((by.as_str(), *outcome), ("admin", Outcome::Done));
        // Now it exists, and what is in it stays.
        server.sql("dolibarr_back", "DELETE FROM llx_facture WHERE rowid > 7");
        let said = refused(&bench, asked.clone()).await;
        assert!(
            said.contains("it exists already") && said.contains("dolibarr_back"),
            "{said}"
        );
        let left = server.sql("dolibarr_back", "SELECT COUNT(*) FROM llx_facture");
        assert_eq!(left, "7");
        // A wrong password, another dump, a restore point without any.
        let other = server.source("third").url;
        let wrong = DatabaseRequest {
            password: Some("wrong".into()),
            ..request(other.clone())
        };
        let said = refused(&bench, wrong).await;
        assert!(said.contains("check the user"), "{said}");
        let unknown = DatabaseRequest {
            dump: Some("shop".into()),
            ..request(other)
        };
        let said = refused(&bench, unknown).await;
        assert!(
            said.contains("find the dump shop") && said.contains("it holds dolibarr"),
            "{said}"
        );
        // No login is left, neither of the dump nor of the load.
        server.assert_no_login();
        let left = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
        let ours = format!("reprise-login-{}-", std::process::id());
        let left = left.filter(|e| e.file_name().to_string_lossy().starts_with(&ours));
        assert_eq!(left.count(), 0);
    }
}

#[tokio::test]
async fn a_restore_into_a_new_database_that_is_stopped_says_what_is_left_there() {
    let server = dolibarr();
    let bench = saved(&server, "dolibarr").await;
    let asked = request(server.source("half").url);
    let id = bench.continuity.start_database(asked, "admin").await;
    let id = id.unwrap();
    // Once the database is there, its load goes on.
    let there = || server.admin("SHOW DATABASES LIKE 'half'") == "half";
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !there() {
        assert!(std::time::Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    bench.continuity.cancel_restore(&id).await.unwrap();
    let restore = bench.continuity.wait_restore(&id).await.unwrap();
    assert_eq!(restore.outcome, Some(Outcome::Cancelled), "{restore:?}");
    let said = restore.detail.unwrap();
    assert!(
        said.contains("was left there") && said.ends_with("DROP DATABASE `half`"),
        "{said}"
    );
    assert!(there());
}
