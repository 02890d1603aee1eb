//! Journey b: a plan protects a real tree, an unchanged second run stores nothing, what comes back is
//! the same for an independent tool, and the hour of a plan is kept.

use crate::harness::tree::{FILES, block_differences, differences, plant};
use crate::harness::{Appliance, Temp, config_text, make_vault, within};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn plan_text(more: &str) -> String {
    config_text(&format!(
        "[[target]]\nname = \"nas\"\nurl = \"nas\"\npassword_file = \"password\"\n\
         [[plan]]\nname = \"compta\"\nfiles = [\"share\"]\ntargets = [\"nas\"]\n{more}"
    ))
}

fn with_nas(folder: &Temp) {
    std::fs::create_dir(folder.join("nas")).expect("the second folder");
    make_vault(&folder.join("nas"));
}

fn entries(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries.map(|e| e.expect("an entry").path()).collect()
}

/// The newest entry of a list whose `plan` is `compta`.
fn newest(list: &Value) -> Option<&Value> {
    list.as_array()?
        .iter()
        .find(|entry| entry["plan"] == "compta")
}

/// Waits for the proof of `snapshot`.
fn proof_of(appliance: &Appliance, snapshot: &Value) -> Value {
    within(Duration::from_secs(300), "the run is proven", || {
        let proofs = appliance.get("/api/proofs");
        let found = proofs
            .as_array()?
            .iter()
            .find(|p| &p["snapshot"] == snapshot);
        found.cloned()
    })
}

#[test]
fn a_real_tree_is_saved_proven_and_restored_identical() {
    let folder = Temp::new();
    plant(&folder.join("share"));
    with_nas(&folder);
    let appliance = Appliance::first_start(&folder, &plan_text(""));
    let run = appliance.cli(&["plan", "run", "compta"]);
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let runs = appliance.get("/api/runs");
    let first = newest(&runs).expect("the run").clone();
    assert_eq!(
        (&first["outcome"], &first["problem_count"]),
        (&"done".into(), &0.into()),
        "{first}"
    );
    assert!(first["files"].as_u64() > Some(FILES), "{first}");
    let packs = entries(&folder.join("nas/packs"));
    assert!(!packs.is_empty());

    // Nothing changed: no data is stored again.
    let again = appliance.cli(&["plan", "run", "compta"]);
    assert!(
        again.status.success(),
        "{}",
        String::from_utf8_lossy(&again.stderr)
    );
    let runs = appliance.get("/api/runs");
    let second = newest(&runs).expect("the second run").clone();
    assert_ne!(first["id"], second["id"]);
    assert_eq!(second["files"], first["files"]);
    assert_eq!(
        entries(&folder.join("nas/packs")),
        packs,
        "no pack of data was added"
    );

    // Each was restored to scratch and compared, and what that showed is kept.
    for run in [&first, &second] {
        let proof = proof_of(&appliance, &run["snapshot"]);
        assert_eq!(proof["passed"], true, "{proof}");
        let id = proof["id"].as_str().expect("its id");
        let shown = appliance.cli_json(&["proof", "show", id]);
        assert_eq!(shown["files"], run["files"], "{shown}");
        assert_eq!(shown["evidence"]["differences_total"], 0, "{shown}");
        assert_eq!(
            shown["evidence"]["listing_blake3"].as_str().map(str::len),
            Some(64)
        );
        assert!(
            shown["evidence"]["sample"]
                .as_array()
                .is_some_and(|s| s.len() > 5),
            "{shown}"
        );
    }

    let back = folder.join("back");
    let place = back.display().to_string();
    let restored = appliance.cli(&[
        "restore",
        "compta@latest",
        "--target",
        "nas",
        "--to",
        &place,
        "--yes",
    ]);
    assert!(
        restored.status.success(),
        "{}",
        String::from_utf8_lossy(&restored.stderr)
    );
    assert_eq!(differences(&folder.join("share"), &back), "");
    assert_eq!(block_differences(&folder.join("share"), &back), [""; 0]);

    // The same tool does find a difference when there is one.
    std::fs::write(back.join("clients/050/7.dat"), "changed").expect("a change");
    std::fs::remove_file(back.join("empty")).expect("a loss");
    let found = differences(&folder.join("share"), &back);
    assert!(
        found.contains("clients/050/7.dat") && found.contains("empty"),
        "{found}"
    );
}

#[test]
fn a_plan_runs_at_its_hour() {
    let folder = Temp::new();
    std::fs::create_dir(folder.join("share")).expect("a folder");
    std::fs::write(folder.join("share/note"), "a note").expect("a file");
    with_nas(&folder);
    // 50 to 110 seconds from now: the appliance must have started before, on a busy machine too.
    let zone = jiff::tz::TimeZone::get("Europe/Paris").expect("the zone of the configuration");
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(110);
    let at = soon.to_zoned(zone).strftime("%H:%M").to_string();
    let appliance = Appliance::first_start(&folder, &plan_text(&format!("at = \"{at}\"\n")));
    assert_eq!(
        newest(&appliance.get("/api/runs")),
        None,
        "not before its hour"
    );
    let run = within(
        Duration::from_secs(180),
        "the plan runs at its hour",
        || {
            let runs = appliance.get("/api/runs");
            newest(&runs)
                .filter(|run| run["outcome"] == "done")
                .cloned()
        },
    );
    assert_eq!(run["by"], "schedule", "{run}");
    assert_eq!(proof_of(&appliance, &run["snapshot"])["passed"], true);
    let of_plan = |list: Value| {
        list.as_array()
            .map(|l| l.iter().filter(|r| r["plan"] == "compta").count())
    };
    assert_eq!(of_plan(appliance.get("/api/runs")), Some(1), "once");
}

#[test]
fn a_run_that_kill_9_ended_is_marked_and_what_was_committed_is_there() {
    let folder = Temp::new();
    std::fs::create_dir(folder.join("share")).expect("a folder");
    std::fs::write(folder.join("share/note"), "a note").expect("a file");
    with_nas(&folder);
    let appliance = Appliance::first_start(&folder, &plan_text(""));
    assert!(appliance.cli(&["plan", "run", "compta"]).status.success());
    let before = newest(&appliance.get("/api/runs"))
        .expect("the run")
        .clone();
    // Long enough to be caught in the middle: a run begins to store after its first megabytes.
    let big = std::fs::File::create(folder.join("share/big")).expect("a file");
    std::io::copy(
        &mut std::io::Read::take(
            std::fs::File::open("/dev/urandom").expect("random"),
            400 << 20,
        ),
        &mut &big,
    )
    .expect("a big file");
    let (status, _) = appliance.post("/api/plans/compta/run", &Value::Null);
    assert!(status < 300, "{status}");
    within(Duration::from_secs(60), "the run is under way", || {
        let progress = appliance.get("/api/progress");
        let line = progress
            .as_array()?
            .iter()
            .find(|p| p["subject"] == "compta" && p["kind"] == "run")?;
        (line["done_bytes"].as_u64() > Some(0)).then_some(())
    });
    let log = appliance.kill();
    let appliance = Appliance::start(&folder, crate::harness::Start::default());
    // The console answers before the last words on what was cut off are written.
    let cut = within(Duration::from_secs(60), "the run has an end", || {
        let runs = appliance.get("/api/runs");
        let cut = newest(&runs)?.clone();
        (!cut["outcome"].is_null()).then_some(cut)
    });
    assert_ne!(cut["id"], before["id"]);
    assert_eq!(cut["outcome"], "interrupted", "{log}");
    // The vault is whole, and the next run works.
    let again = appliance.cli(&["plan", "run", "compta"]);
    assert!(
        again.status.success(),
        "{}",
        String::from_utf8_lossy(&again.stderr)
    );
    let place = folder.join("back").display().to_string();
    let snapshot = before["snapshot"].as_str().expect("the first snapshot");
    let restored = appliance.cli(&[
        "restore", snapshot, "--target", "nas", "--to", &place, "--yes",
    ]);
    assert!(
        restored.status.success(),
        "{}",
        String::from_utf8_lossy(&restored.stderr)
    );
    assert_eq!(
        std::fs::read(folder.join("back/note")).expect("the note"),
        b"a note"
    );
}
