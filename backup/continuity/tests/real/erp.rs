//! Plans with a database: saved, restored by the standard client, and what happens in bad nights.

use crate::bench::{Bench, PASSWORD, plan};
use crate::servers::{self, Server};
use config::{Plan, PlanRecipe};
use continuity::{Run, records};
use databases::Engine;
use state::wire::{Fact, Outcome};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use vault::target::LocalTarget;
use vault::{Secret, Vault};

const FOLDER: &str = "/.reprise/databases/dolibarr";

/// A company's Dolibarr: invoices, and their documents.
pub(crate) fn dolibarr() -> Server {
    let server = Server::start(Engine::MariaDb);
    server.admin("CREATE DATABASE dolibarr CHARACTER SET utf8mb4");
    server.sql(
        "dolibarr",
        "CREATE TABLE llx_facture (rowid INT PRIMARY KEY AUTO_INCREMENT, ref VARCHAR(30), fk_statut INT, last_main_doc VARCHAR(255), total DOUBLE, note TEXT);
         CREATE TABLE llx_user (rowid INT PRIMARY KEY, login VARCHAR(50), statut INT); INSERT INTO llx_user VALUES (1, 'admin', 1);
         INSERT INTO llx_facture SELECT seq, CONCAT('FA26-', LPAD(seq, 6, '0')), 1, NULL, seq * 1.2, CONCAT(SHA2(seq, 512), SHA2(-seq, 512)) FROM seq_1_to_50000;",
    );
    server
}

fn password() -> String {
    servers::PASSWORD.replace('\\', "\\\\").replace('\'', "\\'")
}

pub(crate) fn installed(folder: &Path, server: &Server) {
    let (conf, invoices) = (
        folder.join("erp/htdocs/conf"),
        folder.join("erp/documents/facture"),
    );
    std::fs::create_dir_all(&conf).unwrap();
    std::fs::create_dir_all(folder.join("erp/documents/facture/temp")).unwrap();
    std::fs::write(folder.join("erp/documents/facture/temp/half"), "x").unwrap();
    for n in 49_990..=50_000 {
        let name = format!("FA26-{n:06}");
        std::fs::create_dir_all(invoices.join(&name)).unwrap();
        std::fs::write(
            invoices.join(format!("{name}/{name}.pdf")),
            format!("%PDF {n}"),
        )
        .unwrap();
    }
    let socket = server.folder.join("s");
    let text = format!(
        "<?php\n$dolibarr_main_data_root='{}';\n$dolibarr_main_db_host='localhost:{}';\n$dolibarr_main_db_name='dolibarr';\n$dolibarr_main_db_prefix='llx_';\n$dolibarr_main_db_user='erp';\n$dolibarr_main_db_pass='{}';\n$dolibarr_main_db_type='mysqli';\n",
        folder.join("erp/documents").display(),
        socket.display(),
        password(),
    );
    std::fs::write(conf.join("conf.php"), text).unwrap();
}

pub(crate) fn erp(folder: &Path) -> Plan {
    Plan {
        files: Vec::new(),
        recipe: Some(PlanRecipe {
            name: "dolibarr".to_owned(),
            folder: folder.join("erp"),
        }),
        ..plan("erp", folder)
    }
}

fn open(bench: &Bench) -> Vault {
    let target = LocalTarget::open(&bench.join("nas"), false).unwrap();
    Vault::open(Arc::new(target), &Secret::new(PASSWORD.into())).unwrap()
}

fn read(vault: &Vault, run: &Run, path: &str) -> Vec<u8> {
    let snapshot = vault.snapshot(run.snapshot.as_ref().unwrap()).unwrap();
    let node = vault.node(&snapshot, path.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    vault
        .open_file(&node)
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

#[tokio::test]
async fn an_application_is_one_restore_point_and_its_database_comes_back_by_the_standard_client() {
    let server = dolibarr();
    let bench = Bench::with(|folder| {
        installed(folder, &server);
        vec![erp(folder)]
    })
    .await;
    let run = bench.run("erp").await;
    assert_eq!(run.outcome, Some(Outcome::Done), "{run:?}");
    assert_eq!(run.detail, None);
    let vault = open(&bench);
    let snapshot = vault.snapshot(run.snapshot.as_ref().unwrap()).unwrap();
    let documents = bench.join("erp/documents/facture").display().to_string();
    for (path, held) in [
        (format!("{documents}/FA26-050000/FA26-050000.pdf"), true),
        (format!("{documents}/temp/half"), false),
        (
            bench.join("erp/htdocs/conf/conf.php").display().to_string(),
            true,
        ),
    ] {
        assert_eq!(
            vault.node(&snapshot, path.as_bytes()).is_ok(),
            held,
            "{path}"
        );
    }
    let manifest = read(&vault, &run, &format!("{FOLDER}/manifest.json"));
    let manifest = databases::Manifest::decode(&manifest).unwrap();
    assert_eq!((manifest.tables.len(), manifest.rows()), (2, 50_001));
    let mut all = read(&vault, &run, &format!("{FOLDER}/before.sql"));
    for table in &manifest.tables {
        all.extend(read(&vault, &run, &format!("{FOLDER}/{}", table.file)));
    }
    all.extend(read(&vault, &run, &format!("{FOLDER}/after.sql")));
    server.admin("CREATE DATABASE back");
    let loaded = server.client("back", &all);
    assert!(loaded.status.success(), "{loaded:?}");
    let sum =
        "SELECT COUNT(*), SUM(CRC32(CONCAT_WS(',', rowid, ref, total, note))) FROM llx_facture";
    assert_eq!(server.sql("back", sum), server.sql("dolibarr", sum));
    assert!(bench.scratch_is_empty());
    server.assert_no_login();
    // The night after: ten rows of fifty thousand.
    server.sql(
        "dolibarr",
        "UPDATE llx_facture SET note = 'paid' WHERE rowid % 5000 = 7",
    );
    let second = bench.run("erp").await;
    assert_eq!(second.outcome, Some(Outcome::Done), "{second:?}");
    assert!(second.read_bytes > 13_000_000, "{second:?}");
    assert!(
        second.stored_bytes * 5 < run.stored_bytes,
        "{} then {}",
        run.stored_bytes,
        second.stored_bytes
    );
    println!(
        "read {} stored {} then {}",
        run.read_bytes, run.stored_bytes, second.stored_bytes
    );
}

#[tokio::test]
async fn documents_that_were_emptied_alarm_and_name_the_last_good_restore_point() {
    let server = dolibarr();
    let bench = Bench::with(|folder| {
        installed(folder, &server);
        vec![erp(folder)]
    })
    .await;
    let good = bench.run("erp").await;
    let invoices = bench.join("erp/documents/facture");
    std::fs::remove_dir_all(&invoices).unwrap();
    std::fs::create_dir_all(&invoices).unwrap();
    for _ in 0..2 {
        let run = bench.run("erp").await;
        assert_eq!(run.outcome, Some(Outcome::Problems), "{run:?}");
        let said = run.detail.clone().unwrap();
        assert!(said.contains("erp/documents is empty"), "{said}");
        let id = &good.snapshot.as_ref().unwrap()[..8];
        assert!(
            said.contains(&format!("restore point {id} of 2026-11-22")),
            "{said}"
        );
    }
    let facts = bench.facts().await;
    let alarms = facts
        .iter()
        .filter(|fact| matches!(fact, Fact::Trouble { object, .. } if object == "plan erp"));
    assert_eq!(alarms.count(), 1, "{facts:?}");
    // What the recipe leaves out does not count as documents, and most rows of a database do not go away in a night.
    std::fs::create_dir_all(invoices.join("temp")).unwrap();
    std::fs::write(invoices.join("temp/half"), "x").unwrap();
    server.sql("dolibarr", "DELETE FROM llx_facture WHERE rowid > 20000");
    let run = bench.run("erp").await;
    let said = run.detail.clone().unwrap();
    assert!(said.contains("erp/documents is empty"), "{said}");
    assert!(
        said.contains("failed to find 30000 of the 50001 rows of database mariadb://"),
        "{said}"
    );
    // The settings are gone too: the run fails by name.
    std::fs::remove_dir_all(bench.join("erp/htdocs")).unwrap();
    let run = bench.run("erp").await;
    assert_eq!(run.outcome, Some(Outcome::Failed));
    let said = run.detail.unwrap();
    assert!(
        said.contains("find Dolibarr in") && said.contains("conf.php"),
        "{said}"
    );
}

#[tokio::test]
async fn a_database_that_cannot_be_dumped_is_told_and_the_files_are_saved() {
    let server = dolibarr();
    let bench = Bench::with(|folder| {
        installed(folder, &server);
        std::fs::write(folder.join("wrong"), "wrong\n").unwrap();
        let both = Plan {
            database_password_file: Some(folder.join("wrong")),
            ..erp(folder)
        };
        let alone = Plan {
            name: "base".to_owned(),
            recipe: None,
            database: Some(server.source("dolibarr").url),
            ..both.clone()
        };
        vec![both, alone]
    })
    .await;
    let run = bench.run("erp").await;
    assert_eq!(run.outcome, Some(Outcome::Problems), "{run:?}");
    let said = run.detail.clone().unwrap();
    assert!(
        said.contains("failed to save database mariadb://erp@localhost/dolibarr"),
        "{said}"
    );
    assert!(
        said.contains("ERROR 1045") && said.contains("database_password_file"),
        "{said}"
    );
    let vault = open(&bench);
    let snapshot = vault.snapshot(run.snapshot.as_ref().unwrap()).unwrap();
    assert!(vault.node(&snapshot, FOLDER.as_bytes()).is_err());
    let alone = bench.run("base").await;
    assert_eq!(
        (alone.outcome, &alone.snapshot),
        (Some(Outcome::Failed), &None)
    );
    let said = alone.detail.clone().unwrap();
    assert!(
        said.starts_with("failed to save plan base: database mariadb://"),
        "{said}"
    );
    let problems = records::problems(bench.db(), &alone.id).await.unwrap();
    assert_eq!(problems.len(), 1);
    // Put right, the next run ends the incident.
    std::fs::write(bench.join("wrong"), format!("{}\n", servers::PASSWORD)).unwrap();
    assert_eq!(bench.run("base").await.outcome, Some(Outcome::Done));
    assert!(bench.scratch_is_empty());
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_leaves_no_restore_point_of_it() {
    let server = dolibarr();
    let bench = Bench::with(|folder| {
        installed(folder, &server);
        let url = server.source("dolibarr").url;
        vec![Plan {
            files: Vec::new(),
            database: Some(url),
            database_password_file: server.source("dolibarr").password_file,
            ..plan("base", folder)
        }]
    })
    .await;
    // Enough rows that the dump is at work for a while.
    server.sql("dolibarr", "CREATE TABLE llx_long AS SELECT seq, SHA2(seq, 512) AS a, SHA2(-seq, 512) AS b FROM seq_1_to_400000");
    let ids = bench.continuity.start_run("base", "test").await.unwrap();
    let kill = async {
        loop {
            let query = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'erp' AND INFO LIKE 'SELECT CO%FROM `llx\\_long`%'";
            if server.admin(query) != "0" {
                server.admin("KILL USER erp@localhost");
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let (run, ()) = tokio::join!(bench.continuity.wait_run(&ids[0]), kill);
    let run = run.unwrap();
    bench.continuity.settle().await;
    assert_eq!(
        (run.outcome, &run.snapshot),
        (Some(Outcome::Failed), &None),
        "{run:?}"
    );
    let said = run.detail.unwrap();
    assert!(
        said.contains("table llx_long") && said.contains("run the plan again"),
        "{said}"
    );
    assert!(open(&bench).snapshots().unwrap().0.is_empty());
    assert_eq!(bench.run("base").await.outcome, Some(Outcome::Done));
}

/// Nextcloud, on PostgreSQL; its settings say where everything is.
#[tokio::test]
async fn nextcloud_on_postgresql_is_one_restore_point() {
    let server = Server::start(Engine::PostgreSql);
    server.admin("CREATE DATABASE nextcloud");
    server.sql(
        "nextcloud",
        "CREATE TABLE oc_users (uid text PRIMARY KEY); INSERT INTO oc_users VALUES ('anne'), ('bob')",
    );
    let bench = Bench::with(|folder| {
        let data = folder.join("nc-data");
        std::fs::create_dir_all(data.join("anne/files")).unwrap();
        std::fs::create_dir_all(data.join("appdata_x/preview/1")).unwrap();
        std::fs::write(data.join("anne/files/a.odt"), "odt").unwrap();
        std::fs::write(data.join("appdata_x/preview/1/p.png"), "png").unwrap();
        std::fs::create_dir_all(folder.join("nc/config")).unwrap();
        let settings = format!(
            "<?php\n$CONFIG = array (\n 'dbtype' => 'pgsql',\n 'dbhost' => '{}',\n 'dbname' => 'nextcloud',\n 'dbuser' => 'erp',\n 'dbpassword' => '{}',\n 'datadirectory' => '{}',\n);\n",
            server.folder.display(),
            password(),
            data.display(),
        );
        std::fs::write(folder.join("nc/config/config.php"), settings).unwrap();
        vec![Plan {
            files: Vec::new(),
            recipe: Some(PlanRecipe {
                name: "nextcloud".to_owned(),
                folder: folder.join("nc"),
            }),
            ..plan("cloud", folder)
        }]
    })
    .await;
    let run = bench.run("cloud").await;
    assert_eq!(
        (run.outcome, run.detail.clone()),
        (Some(Outcome::Done), None),
        "{run:?}"
    );
    let vault = open(&bench);
    let snapshot = vault.snapshot(run.snapshot.as_ref().unwrap()).unwrap();
    let data = bench.join("nc-data").display().to_string();
    for (path, held) in [
        (format!("{data}/anne/files/a.odt"), true),
        (format!("{data}/appdata_x/preview/1/p.png"), false),
        (
            "/.reprise/databases/nextcloud/manifest.json".to_owned(),
            true,
        ),
        (
            bench.join("nc/config/config.php").display().to_string(),
            true,
        ),
    ] {
        assert_eq!(
            vault.node(&snapshot, path.as_bytes()).is_ok(),
            held,
            "{path}"
        );
    }
    // The recipe's questions, by the settings in the restore point itself.
    let from_vault = |path: &Path| {
        let node = vault.node(&snapshot, path.as_os_str().as_encoded_bytes());
        let node = node.map_err(|_| std::io::Error::from(std::io::ErrorKind::NotFound))?;
        let mut bytes = Vec::new();
        let mut file = vault.open_file(&node).map_err(std::io::Error::other)?;
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let plan = bench.continuity.config.plan("cloud").unwrap();
    let checks = continuity::source::checks(plan, &from_vault)
        .unwrap()
        .unwrap();
    assert_eq!(checks[0].query, "SELECT uid FROM oc_users LIMIT 3");
    assert_eq!(server.sql("nextcloud", &checks[0].query), "anne\nbob");
}
