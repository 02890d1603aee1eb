//! The first start, the second, and every way to stop.

use crate::harness::{Appliance, Start, Temp, config_text, eventually, prepare};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

/// The proof of the appliance's own backup, once there is one.
fn own_proof(appliance: &Appliance) -> Value {
    eventually("the appliance has proven its own backup", || {
        let proofs = appliance.get("/api/proofs");
        let mut proofs = proofs.as_array()?.iter();
        proofs.find(|p| p["plan"] == "appliance").cloned()
    })
}

fn fingerprint(log: &str) -> Option<String> {
    let line = log.lines().find(|l| l.contains("SHA-256 fingerprint"))?;
    line.split_whitespace().last().map(str::to_owned)
}

#[test]
fn a_first_start_proves_its_own_backup_within_a_minute_and_says_what_that_is_worth() {
    let folder = Temp::new();
    let appliance = Appliance::first_start(&folder, &config_text(""));
    let proof = own_proof(&appliance);
    assert_eq!(proof["passed"], true, "{proof}");
    assert_eq!(proof["level"], "restored");
    // State, configuration, certificate, key: each was compared.
    assert!(proof["files"].as_u64() >= Some(4), "{proof}");
    let id = proof["id"].as_str().expect("its id");
    let shown = appliance.get(&format!("/api/proofs/{id}"));
    assert!(
        shown["evidence"]["journal_head"].as_i64() > Some(0),
        "{shown}"
    );
    let said = |language: &str| {
        let status = appliance.get(&format!("/api/status?lang={language}"));
        status["sentence"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(
        said("en"),
        "0 of your services are protected; this copy dies with this box."
    );
    // French says none in words, and with its own apostrophe and narrow space.
    assert_eq!(
        said("fr"),
        "0 de vos services sont protégés\u{202f}; cette copie disparaît avec ce boîtier."
    );
    let status = appliance.cli(&["pra", "status"]);
    let shown = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(shown.contains("this copy dies with this box"), "{shown}");
}

#[test]
fn sigterm_stops_cleanly_and_a_second_start_finds_everything() {
    let folder = Temp::new();
    let first = Appliance::first_start(&folder, &config_text(""));
    let proof = own_proof(&first);
    let (status, log) = first.terminate();
    assert!(status.success(), "{log}");
    assert!(!folder.join("state/ports.json").exists(), "{log}");
    assert!(!folder.join("state/control.sock").exists(), "{log}");
    let second = Appliance::start(&folder, Start::default());
    second.says("SHA-256 fingerprint");
    assert_eq!(fingerprint(&log), fingerprint(&second.log()));
    assert!(fingerprint(&log).is_some());
    let proofs = second.get("/api/proofs");
    assert!(
        proofs.as_array().expect("a list").contains(&proof),
        "{proofs}"
    );
}

#[test]
fn kill_9_loses_nothing_committed() {
    let folder = Temp::new();
    let first = Appliance::first_start(&folder, &config_text(""));
    own_proof(&first);
    let journal = first.get("/api/journal?after=0&limit=1000");
    let before = journal.as_array().expect("facts").clone();
    let snapshots = first.get("/api/snapshots")["snapshots"].clone();
    assert!(!before.is_empty() && snapshots[0]["plan"] == "appliance");
    let log = first.kill();
    let second = Appliance::start(&folder, Start::default());
    let journal = second.get("/api/journal?after=0&limit=1000");
    let after = journal.as_array().expect("facts");
    assert_eq!(after.get(..before.len()), Some(before.as_slice()));
    assert_eq!(second.get("/api/snapshots")["snapshots"][0], snapshots[0]);
    second.says("SHA-256 fingerprint");
    assert_eq!(fingerprint(&log), fingerprint(&second.log()));
    assert!(second.terminate().0.success());
}

#[test]
fn the_service_manager_is_told() {
    let folder = Temp::new();
    prepare(&folder, &config_text(""));
    let place = folder.join("notify.sock");
    let socket = UnixDatagram::bind(&place).expect("a socket");
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .expect("a timeout");
    let hear = || {
        let mut bytes = [0; 256];
        let length = socket.recv(&mut bytes).expect("a message");
        String::from_utf8_lossy(&bytes[..length]).trim().to_owned()
    };
    let place = place.display().to_string();
    let appliance = Appliance::start(
        &folder,
        Start {
            environment: &[("NOTIFY_SOCKET", &place)],
            ..Start::default()
        },
    );
    assert_eq!(hear(), "READY=1");
    assert!(appliance.terminate().0.success());
    assert_eq!(hear(), "STOPPING=1");
}

#[test]
fn the_log_is_json_when_asked() {
    let folder = Temp::new();
    let config = config_text("[log]\nformat = \"json\"\nfilter = \"info\"\n");
    let appliance = Appliance::first_start(&folder, &config);
    let (status, log) = appliance.terminate();
    assert!(status.success(), "{log}");
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}")))
        .collect();
    assert!(
        lines
            .iter()
            .all(|l| l["timestamp"].is_string() && l["level"].is_string())
    );
    let says = |text: &str| {
        lines
            .iter()
            .any(|l| l["message"].as_str().is_some_and(|m| m.contains(text)))
    };
    assert!(
        says("the console is at https://127.0.0.1:") && says("stopping"),
        "{log}"
    );
}

#[test]
fn a_one_time_password_without_a_terminal_lies_in_a_private_file_and_is_not_logged() {
    let folder = Temp::new();
    let appliance = Appliance::first_start(&folder, &config_text(""));
    let password = appliance.one_time_password();
    assert!(password.len() >= 20);
    let file = folder.join("state/admin-password");
    let mode = std::fs::metadata(&file).expect("it").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let log = appliance.log();
    assert!(
        log.contains("admin-password") && !log.contains(&password),
        "{log}"
    );
    // Lost: whoever can open the state folder gets another.
    let renewed = appliance.cli(&["user", "password"]);
    let renewed = String::from_utf8_lossy(&renewed.stdout).trim().to_owned();
    assert!(renewed.len() >= 20 && renewed != password);
}

#[test]
fn setup_makes_a_first_start_and_never_overwrites() {
    let folder = Temp::new();
    let place = folder.path().display().to_string();
    let setup = || crate::harness::cli(folder.path(), &["setup", "--yes", "--dir", &place]);
    let first = setup();
    assert!(
        first.status.success(),
        "{}",
        String::from_utf8_lossy(&first.stderr)
    );
    let said = String::from_utf8_lossy(&first.stderr).into_owned();
    assert!(
        said.contains("vault-password") && said.contains("Without it nothing can be restored"),
        "{said}"
    );
    let config = std::fs::read(folder.join("reprise.toml")).expect("written");
    let password =
        std::fs::read_to_string(folder.join("reprise-data/vault-password")).expect("made");
    assert!(!said.contains(password.trim()), "a password is not printed");
    // Edited by its owner; a second setup leaves all of it alone.
    let edited = [config.as_slice(), b"# mine\n"].concat();
    std::fs::write(folder.join("reprise.toml"), &edited).expect("edited");
    let second = setup();
    assert!(second.status.success());
    assert_eq!(
        std::fs::read(folder.join("reprise.toml")).expect("kept"),
        edited
    );
    let kept = std::fs::read_to_string(folder.join("reprise-data/vault-password"));
    assert_eq!(kept.expect("kept"), password);
    let check = crate::harness::cli(folder.path(), &["config", "check"]);
    assert!(
        check.status.success(),
        "{}",
        String::from_utf8_lossy(&check.stderr)
    );
    // What it made opens.
    let listed = crate::harness::cli(folder.path(), &["snapshot", "list", "--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert_eq!(listed, serde_json::json!({"snapshots": [], "problems": []}));
}
