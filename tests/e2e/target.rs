//! A vault's folder that cannot be used: one sentence with the next action, in the log, in the
//! journal and on the console; the other target's backups go on.

use crate::harness::{
    Appliance, Mount, Start, Temp, config_text, eventually, make_vault, prepare, tool,
};
use serde_json::Value;
use std::process::Output;

/// Target `nas` in folder `nas`, beside the good one.
fn with_nas(more: &str) -> String {
    config_text(&format!(
        "[[target]]\nname = \"nas\"\nurl = \"nas\"\npassword_file = \"nas-password\"\n{more}"
    ))
}

/// A plan that saves the folder of [`share`] to `nas`.
const NOTES: &str = "[[plan]]\nname = \"notes\"\nfiles = [\"share\"]\ntargets = [\"nas\"]\n";

fn share(folder: &Temp) {
    std::fs::create_dir(folder.join("share")).expect("a folder");
    std::fs::write(folder.join("share/note"), "a note").expect("a file");
}

/// What was saved of [`share`] comes back whole.
fn comes_back(appliance: &Appliance, folder: &Temp) {
    let back = folder.join("back").display().to_string();
    let restored = appliance.cli(&[
        "restore",
        "notes@latest",
        "--target",
        "nas",
        "--to",
        &back,
        "--yes",
    ]);
    assert!(restored.status.success(), "{}", said(&restored));
    let note = std::fs::read(folder.join("back/note")).expect("restored");
    assert_eq!(note, b"a note");
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Starts, and waits for the trouble with `nas`: it says each of `expected`, once, and the
/// appliance's own backup to the good target is proven meanwhile.
fn troubled(folder: &Temp, expected: &[&str]) -> Appliance {
    let appliance = Appliance::start(folder, Start::default());
    let trouble = eventually("a trouble with the target", || {
        let status = appliance.get("/api/status?lang=en");
        let mut troubles = status["troubles"].as_array()?.iter();
        let ours = troubles.find(|t| t["object"].as_str().is_some_and(|o| o.contains("nas")))?;
        ours["sentence"].as_str().map(str::to_owned)
    });
    for part in expected {
        assert!(trouble.contains(part), "{part:?} in {trouble:?}");
    }
    let good = eventually("the other target's proof", || {
        let proofs = appliance.get("/api/proofs");
        let mut proofs = proofs.as_array()?.iter();
        proofs.find(|p| p["target"] == "local").cloned()
    });
    assert_eq!(good["passed"], true, "{good}");
    let journal = appliance.get("/api/journal?after=0&limit=1000");
    let told = |fact: &Value| {
        fact["fact"] == "trouble" && fact["object"].as_str().is_some_and(|o| o.contains("nas"))
    };
    let times = journal
        .as_array()
        .expect("facts")
        .iter()
        .filter(|f| told(f))
        .count();
    assert_eq!(times, 1, "one fact per incident: {journal}");
    appliance
}

fn password(folder: &Temp) {
    std::fs::write(
        folder.join("nas-password"),
        "correct horse battery staple\n",
    )
    .expect("written");
}

#[test]
fn a_missing_folder_is_never_made_and_comes_back_by_itself() {
    let folder = Temp::new();
    prepare(&folder, &with_nas(NOTES));
    password(&folder);
    share(&folder);
    let place = folder.join("nas").display().to_string();
    let appliance = troubled(&folder, &[&place, "mount"]);
    assert!(
        !folder.join("nas").exists(),
        "an unmounted NAS must not become a folder of this disk"
    );
    let failed = appliance.cli(&["plan", "run", "notes"]);
    assert_eq!(failed.status.code(), Some(1));
    let sentence = said(&failed);
    assert!(sentence.contains(&place), "{sentence}");
    std::fs::create_dir(folder.join("nas")).expect("it is back");
    make_vault(&folder.join("nas"));
    let done = appliance.cli(&["plan", "run", "notes"]);
    assert!(done.status.success(), "{}", said(&done));
    eventually("the trouble is over", || {
        let status = appliance.get("/api/status");
        status["troubles"].as_array()?.is_empty().then_some(())
    });
}

#[test]
fn a_folder_that_must_be_mounted_and_is_not_is_an_error() {
    let folder = Temp::new();
    prepare(
        &folder,
        &with_nas("").replace("url = \"nas\"", "url = \"nas\"\nmust_be_mounted = true"),
    );
    password(&folder);
    // The folder is there, with a vault even; but nothing is mounted.
    std::fs::create_dir(folder.join("nas")).expect("the mount point");
    make_vault(&folder.join("nas"));
    let place = folder.join("nas").display().to_string();
    let appliance = troubled(&folder, &[&place, "mounted"]);
    let found = appliance.get("/api/snapshots");
    assert!(found["problems"].to_string().contains("nas"), "{found}");
}

#[test]
fn a_mounted_folder_satisfies_must_be_mounted() {
    let folder = Temp::new();
    prepare(
        &folder,
        &with_nas("").replace(
            "url = \"nas\"",
            "url = \"nas/vault\"\nmust_be_mounted = true",
        ),
    );
    password(&folder);
    let _nas = Mount::tmpfs(&folder.join("nas"), "size=64m");
    std::fs::create_dir(folder.join("nas/vault")).expect("a folder");
    make_vault(&folder.join("nas/vault"));
    let appliance = Appliance::start(&folder, Start::default());
    let proof = eventually("a proof on the mounted folder", || {
        let proofs = appliance.get("/api/proofs");
        let mut proofs = proofs.as_array()?.iter();
        proofs.find(|p| p["target"] == "nas").cloned()
    });
    assert_eq!(proof["passed"], true, "{proof}");
}

#[test]
fn a_read_only_folder_is_said_and_its_snapshots_stay_readable() {
    let folder = Temp::new();
    prepare(&folder, &with_nas(NOTES));
    password(&folder);
    share(&folder);
    std::fs::create_dir(folder.join("nas")).expect("a folder");
    make_vault(&folder.join("nas"));
    let saved = crate::harness::cli(folder.path(), &["plan", "run", "notes"]);
    assert!(saved.status.success(), "{}", said(&saved));
    let _mount = Mount::read_only(&folder.join("nas"));
    let place = folder.join("nas").display().to_string();
    let appliance = troubled(&folder, &[&place, "read-only"]);
    comes_back(&appliance, &folder);
}

#[test]
fn a_full_folder_is_said_and_nothing_committed_is_lost() {
    let folder = Temp::new();
    prepare(&folder, &with_nas(NOTES));
    password(&folder);
    share(&folder);
    let _nas = Mount::tmpfs(&folder.join("nas"), "size=16m");
    make_vault(&folder.join("nas"));
    let appliance = Appliance::start(&folder, Start::default());
    let first = appliance.cli(&["plan", "run", "notes"]);
    assert!(first.status.success(), "{}", said(&first));
    // More than the folder can hold, and nothing that compresses.
    let place = folder.join("share/large").display().to_string();
    tool(
        "dd",
        &[
            "if=/dev/urandom",
            &format!("of={place}"),
            "bs=1M",
            "count=40",
            "status=none",
        ],
    );
    let failed = appliance.cli(&["plan", "run", "notes"]);
    assert_eq!(failed.status.code(), Some(1));
    let sentence = said(&failed);
    let nas = folder.join("nas").display().to_string();
    assert!(
        sentence.contains(&nas) && sentence.contains("full"),
        "{sentence}"
    );
    // What was saved before is whole, and can be brought back.
    comes_back(&appliance, &folder);
    assert!(!folder.join("back/large").exists());
}

#[test]
fn a_wrong_vault_password_is_said_without_showing_it() {
    let folder = Temp::new();
    prepare(&folder, &with_nas(""));
    std::fs::create_dir(folder.join("nas")).expect("a folder");
    make_vault(&folder.join("nas"));
    std::fs::write(folder.join("nas-password"), "hunter2hunter2\n").expect("written");
    let place = folder.join("nas").display().to_string();
    let appliance = troubled(&folder, &[&place, "wrong password", "password file"]);
    assert!(
        !appliance.log().contains("hunter2"),
        "a password is never logged"
    );
}
