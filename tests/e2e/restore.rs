//! `reprise restore`: says what it will write, writes only that, refuses what would hurt.

use crate::harness::{Appliance, Temp, config_text, within};
use serde_json::json;
use std::time::Duration;

fn saved(folder: &Temp) -> Appliance {
    std::fs::create_dir_all(folder.join("share/letters")).expect("folders");
    std::fs::write(folder.join("share/letters/a.txt"), "letter a").expect("a file");
    std::fs::write(folder.join("share/b.txt"), "b").expect("a file");
    let text =
        config_text("[[plan]]\nname = \"compta\"\nfiles = [\"share\"]\ntargets = [\"local\"]\n");
    let appliance = Appliance::first_start(folder, &text);
    let run = appliance.cli(&["plan", "run", "compta"]);
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    appliance
}

#[test]
fn a_folder_comes_back_alone_and_a_dry_run_writes_nothing() {
    let folder = Temp::new();
    let appliance = saved(&folder);
    let place = folder.join("back").display().to_string();
    let letters = folder.join("share/letters").display().to_string();
    let arguments = ["restore", "compta@latest", &letters, "--to", &place];
    let shown = appliance.cli(&[&arguments[..], &["--dry-run", "--json"]].concat());
    assert!(
        shown.status.success(),
        "{}",
        String::from_utf8_lossy(&shown.stderr)
    );
    let plan: serde_json::Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    assert_eq!(
        plan["placements"][0]["to"],
        format!("{place}/letters"),
        "{plan}"
    );
    assert_eq!(
        (&plan["files"], &plan["existing_count"]),
        (&1.into(), &0.into()),
        "{plan}"
    );
    assert!(!folder.join("back").exists());
    let done = appliance.cli(&[&arguments[..], &["--yes"]].concat());
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert_eq!(
        std::fs::read(folder.join("back/letters/a.txt")).expect("the letter"),
        b"letter a"
    );
    assert!(!folder.join("back/b.txt").exists());
    let journal = appliance.get("/api/journal");
    let fact = journal
        .as_array()
        .and_then(|l| l.iter().find(|e| e["fact"] == "restored"));
    assert_eq!(fact.expect("a fact")["files"], 1);
}

#[test]
fn what_would_hurt_or_does_not_exist_is_refused_in_words() {
    let folder = Temp::new();
    let appliance = saved(&folder);
    let share = folder.join("share").display().to_string();
    let vault = folder.join("vault/x").display().to_string();
    let back = folder.join("back").display().to_string();
    for (snapshot, to, words) in [
        ("compta@latest", "/", "/"),
        ("compta@latest", vault.as_str(), "vault"),
        ("compta@latest", share.as_str(), "already there"),
        ("paie@latest", back.as_str(), "paie@latest"),
        ("ffffffff", back.as_str(), "ffffffff"),
    ] {
        let output = appliance.cli(&["restore", snapshot, "--to", to, "--yes"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{snapshot} to {to}: {said}");
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    assert_eq!(
        std::fs::read(folder.join("share/b.txt")).expect("untouched"),
        b"b"
    );
    assert!(!folder.join("back").exists());
}

#[test]
fn a_restore_asked_through_the_api_is_followed_to_its_end() {
    let folder = Temp::new();
    let appliance = saved(&folder);
    let place = folder.join("back").display().to_string();
    let order = json!({ "target": "local", "snapshot": "compta@latest", "paths": [], "destination": place });
    let (status, body) = appliance.post("/api/restores", &order);
    assert!(status < 300, "{status} {body}");
    let id = body["id"].as_str().expect("its id").to_owned();
    let ended = within(Duration::from_secs(60), "the restore ends", || {
        let restore = appliance.get(&format!("/api/restores/{id}"));
        (!restore["outcome"].is_null()).then_some(restore)
    });
    assert_eq!(
        (&ended["outcome"], &ended["files"]),
        (&"done".into(), &2.into()),
        "{ended}"
    );
}
