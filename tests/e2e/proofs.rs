//! A proof that loads a database, ended in the middle: its throw-away server and its folder go with it, and the next
//! proof of the plan works.

use crate::harness::{Appliance, Start, Temp, config_text, prepare, within};
use crate::servers::{self, Server};
use databases::Engine;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(240);

/// A process: its id, and the name of its program, as an id may be given away again.
type Process = (Pid, String);

/// `/proc/ID/stat`: the name of the program, and the parent.
fn stat(id: i32) -> Option<(String, i32)> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (name, rest) = text.split_once('(')?.1.rsplit_once(')')?;
    Some((
        name.to_owned(),
        rest.split_whitespace().nth(1)?.parse().ok()?,
    ))
}

/// What `of` started, and what that started.
fn below(of: u32) -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").expect("processes").flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let all: Vec<(i32, String, i32)> = ids
        .filter_map(|id| stat(id).map(|(name, parent)| (id, name, parent)))
        .collect();
    let mut found = vec![i32::try_from(of).expect("an id")];
    let mut at = 0;
    while at < found.len() {
        let parent = found[at];
        found.extend(all.iter().filter(|p| p.2 == parent).map(|p| p.0));
        at += 1;
    }
    let named = all.into_iter().filter(|p| found[1..].contains(&p.0));
    named
        .filter_map(|(id, name, _)| Some((Pid::from_raw(id)?, name)))
        .collect()
}

fn lives((id, name): &Process) -> bool {
    stat(id.as_raw_nonzero().get()).is_some_and(|(now, _)| now == *name)
}

fn proofs(appliance: &Appliance) -> Vec<Value> {
    let all = appliance.get("/api/proofs");
    let all = all.as_array().expect("a list").iter();
    all.filter(|proof| proof["plan"] == "erp")
        .cloned()
        .collect()
}

/// What the journal says of proofs of the plan: passed or not, oldest first.
fn told(appliance: &Appliance) -> Vec<bool> {
    let journal = appliance.get("/api/journal");
    let mut all: Vec<&Value> = journal.as_array().expect("a list").iter().collect();
    all.sort_by_key(|line| line["number"].as_i64());
    let proofs = all
        .into_iter()
        .filter(|line| line["fact"] == "proof_finished" && line["plan"] == "erp");
    proofs.map(|line| line["passed"] == true).collect()
}

/// A database of 20,000 bills that a plan saves.
pub(crate) struct Erp {
    pub(crate) folder: Temp,
    /// Ends with the test.
    pub(crate) server: Server,
}

impl Erp {
    /// `level` of its proofs.
    pub(crate) fn new(engine: Engine, level: &str) -> Erp {
        let server = Server::start(engine);
        server.admin("CREATE DATABASE dolibarr");
        let rows = match engine {
            Engine::MariaDb => {
                "INSERT INTO llx_facture SELECT seq, SHA2(seq, 256) FROM seq_1_to_20000"
            }
            Engine::PostgreSql => {
                "INSERT INTO llx_facture SELECT n, md5(n::text) FROM generate_series(1, 20000) AS n"
            }
        };
        let table = "CREATE TABLE llx_facture (rowid INT PRIMARY KEY, ref VARCHAR(70))";
        server.sql("dolibarr", &format!("{table}; {rows};"));
        let folder = Temp::new();
        let url = server.source("dolibarr").url.to_string();
        let password = format!("{}\n", servers::PASSWORD);
        std::fs::write(folder.join("database-password"), password).expect("a password");
        prepare(
            &folder,
            &config_text(&format!(
                "[[plan]]\nname = \"erp\"\ndatabase = \"{url}\"\n\
                 database_password_file = \"database-password\"\ntargets = [\"local\"]\nprove = {{ level = \"{level}\" }}\n"
            )),
        );
        Erp { folder, server }
    }

    /// A run has saved the database, its proof has begun, and its throw-away server is held in the middle of it.
    fn held(&self, appliance: &Appliance) -> Vec<Process> {
        let saved = appliance.cli(&["plan", "run", "erp"]);
        let said = String::from_utf8_lossy(&saved.stderr);
        assert!(saved.status.success(), "{said}");
        let held = within(LONG, "the throw-away server runs", || {
            let found = below(appliance.pid());
            let runs = found
                .iter()
                .any(|(_, name)| name == "mariadbd" || name == "postgres");
            runs.then_some(found)
        });
        for (id, _) in &held {
            // One that ended by itself meanwhile needs none.
            let _ = kill_process(*id, Signal::STOP);
        }
        assert!(proofs(appliance).is_empty(), "it ended too soon to be cut");
        held
    }

    /// What was held is let go, and finds that it has nobody left.
    fn nothing_runs(&self, held: &[Process]) {
        within(LONG, "the throw-away server is gone", || {
            let left: Vec<&Process> = held.iter().filter(|process| lives(process)).collect();
            for (id, _) in &left {
                let _ = kill_process(*id, Signal::CONT);
            }
            left.is_empty().then_some(())
        });
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mounts");
        let place = self.folder.join("state/scratch").display().to_string();
        assert!(!mounts.contains(&place), "{mounts}");
    }

    fn nothing_is_left(&self) {
        let scratch = self.folder.join("state/scratch");
        within(LONG, "its folder is gone", || {
            let left = std::fs::read_dir(&scratch).map_or(0, Iterator::count);
            (left == 0).then_some(())
        });
    }

    /// Started again, it makes up for the proof by itself, once, and that is all anybody is told of.
    fn goes_on(&self) {
        let appliance = Appliance::start(&self.folder, Start::default());
        let proof = within(LONG, "the proof is made up for", || {
            proofs(&appliance).into_iter().next()
        });
        assert_eq!(
            (&proof["passed"], &proof["level"]),
            (&true.into(), &"loaded".into())
        );
        assert_eq!(
            told(&appliance),
            [true],
            "{}",
            appliance.get("/api/journal")
        );
        let status = appliance.get("/api/status");
        assert_eq!(status["troubles"], Value::Array(Vec::new()), "{status}");
        self.nothing_is_left();
        // And so does the next that is asked for.
        let again = appliance.cli(&["proof", "run", "erp"]);
        assert!(
            again.status.success(),
            "{}",
            String::from_utf8_lossy(&again.stderr)
        );
        assert_eq!(told(&appliance), [true, true]);
        let started = below(appliance.pid());
        let (status, log) = appliance.terminate();
        assert!(status.success(), "{log}");
        self.nothing_runs(&started);
        self.nothing_is_left();
    }
}

#[test]
fn a_proof_that_kill_9_ended_leaves_no_server_and_is_made_up_for() {
    for engine in [Engine::MariaDb, Engine::PostgreSql] {
        let erp = Erp::new(engine, "loaded");
        let appliance = Appliance::start(&erp.folder, Start::default());
        let held = erp.held(&appliance);
        appliance.kill();
        erp.nothing_runs(&held);
        erp.goes_on();
    }
}

#[test]
fn a_proof_that_a_stop_ended_takes_its_server_and_its_folder_along() {
    let erp = Erp::new(Engine::MariaDb, "loaded");
    let appliance = Appliance::start(&erp.folder, Start::default());
    let held = erp.held(&appliance);
    let (status, log) = appliance.terminate();
    assert!(status.success(), "{log}");
    erp.nothing_runs(&held);
    erp.nothing_is_left();
    erp.goes_on();
}
