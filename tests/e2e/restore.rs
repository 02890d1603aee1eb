//! `reprise restore`: says what it will write, writes only that, refuses what would hurt.

use crate::harness::{Appliance, Start, Temp, config_text, tool, tree, within};
use crate::nas::{Kind, Nas};
use serde_json::json;
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
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

fn entries(folder: &Path) -> usize {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = names.map(|entry| entry.file_name());
    names
        .filter(|name| !name.to_string_lossy().starts_with(".reprise-"))
        .count()
}

/// To a folder of the box and to one of a server: killed in the middle, gone on with, and only the rest is written.
#[test]
fn a_restore_that_was_killed_goes_on_and_writes_only_the_rest() {
    let nas = Nas::start(Kind::default());
    let folder = Temp::new();
    let share = folder.join("share/docs");
    std::fs::create_dir_all(&share).expect("a folder");
    for n in 0..500_u32 {
        let bytes = (0..75_000_u32)
            .flat_map(|at| (at.wrapping_mul(2_654_435_761) ^ (n * 7919)).to_le_bytes());
        std::fs::write(share.join(format!("{n}")), bytes.collect::<Vec<u8>>()).expect("a file");
    }
    let docs = share.display().to_string();
    tool("chown", &["-R", "4242:4242", &docs]);
    // Whole seconds, which are all that SFTP carries.
    tool(
        "find",
        &[&docs, "-exec", "touch", "-d", "@1700000000", "{}", "+"],
    );
    let url = nas.place("volume1").url.to_string();
    let (key, known, host) = (
        nas.folder.join("key"),
        nas.folder.join("known_hosts"),
        nas.fingerprint("host"),
    );
    let text = config_text(&format!(
        "[[server]]\nname = \"erp\"\nurl = \"{url}\"\nssh_key = \"{}\"\nknown_hosts = \"{}\"\nhost_key = \"{host}\"\n\
         [[plan]]\nname = \"compta\"\nfiles = [\"share/docs\"]\ntargets = [\"local\"]\n",
        key.display(),
        known.display()
    ));
    let mut appliance = Appliance::first_start(&folder, &text);
    let run = appliance.cli(&["plan", "run", "compta"]);
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let here = folder.join("back").display().to_string();
    for (to, lies) in [
        (format!("{url}/back"), nas.disk().join("volume1/back")),
        (here, folder.join("back")),
    ] {
        let shown = appliance.cli_json(&["restore", "compta@latest", "--to", &to, "--dry-run"]);
        assert_eq!(
            (&shown["destination"], &shown["files"]),
            (&to.clone().into(), &500.into()),
            "{shown}"
        );
        assert!(shown["free_bytes"].as_u64() > shown["needed_bytes"].as_u64());
        let order = json!({ "target": "local", "snapshot": "compta@latest", "destination": to });
        let (status, body) = appliance.post("/api/restores", &order);
        assert!(status < 300, "{status} {body}");
        let id = body["id"].as_str().expect("its id").to_owned();
        within(Duration::from_secs(60), "some files are there", || {
            (entries(&lies) >= 15).then_some(())
        });
        appliance.kill();
        let before: Vec<(OsString, u64)> = std::fs::read_dir(&lies)
            .expect("the folder")
            .flatten()
            .map(|entry| (entry.file_name(), entry.metadata().expect("an entry").ino()))
            .filter(|(name, _)| !name.to_string_lossy().starts_with(".reprise-"))
            .collect();
        assert!(before.len() < 500, "it was over before it was killed");
        for (name, _) in &before {
            assert_eq!(
                std::fs::read(lies.join(name)).expect("restored"),
                std::fs::read(share.join(name)).expect("saved"),
                "{name:?} is half a file"
            );
        }
        appliance = Appliance::start(&folder, Start::default());
        let cut = appliance.get(&format!("/api/restores/{id}"));
        assert_eq!(
            (&cut["outcome"], &cut["can_resume"]),
            (&"interrupted".into(), &true.into()),
            "{cut}"
        );
        let done = appliance.cli(&["restore", "--resume", &id]);
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        assert!(done.status.success(), "{said}");
        assert_eq!(tree::differences(&share, &lies), "");
        for (name, inode) in before {
            let now = std::fs::metadata(lies.join(&name)).expect("there").ino();
            assert_eq!(now, inode, "{name:?} was written again");
        }
        let ended = appliance.get(&format!("/api/restores/{id}"));
        assert_eq!(
            (&ended["outcome"], &ended["resumed"], &ended["files"]),
            (&"done".into(), &1.into(), &500.into())
        );
        let again = appliance.cli(&["restore", "--resume", &id]);
        assert_eq!(again.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&again.stderr).contains("it is done"));
    }
    // What no server of the configuration allows is refused in words.
    for (to, words) in [
        ("sftp://root@elsewhere.lan/srv".to_owned(), "no [[server]]"),
        (
            format!("{}/etc", url.trim_end_matches("/volume1")),
            "[[server]]",
        ),
    ] {
        let refused = appliance.cli(&["restore", "compta@latest", "--to", &to, "--yes"]);
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains(words), "{said}");
    }
}
