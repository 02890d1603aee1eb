//! `reprise vault` alone: no appliance, no configuration, no state; and the real binary killed while it writes.

use crate::harness::{Temp, cli, eventually, tool, tree};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// `reprise vault VERB … --password-file FOLDER/password`
fn vault(folder: &Temp, arguments: &[&str]) -> Output {
    let password = folder.join("password");
    let mut all = vec!["vault"];
    all.extend(arguments);
    all.extend(["--password-file", password.to_str().expect("plain text")]);
    cli(folder.path(), &all)
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

fn done(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(output));
    serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
}

struct Place {
    folder: Temp,
    vault: String,
    source: PathBuf,
}

fn place() -> Place {
    let folder = Temp::new();
    std::fs::write(folder.join("password"), "correct horse\n").expect("a password");
    let vault = folder.join("vault").display().to_string();
    let source = folder.join("source");
    Place {
        folder,
        vault,
        source,
    }
}

#[test]
fn the_vault_verbs_work_without_an_appliance() {
    let Place {
        folder,
        vault: url,
        source,
    } = place();
    tree::plant(&source);
    let from = source.display().to_string();
    done(&vault(&folder, &["init", &url]));
    let again = vault(&folder, &["init", &url]);
    assert!(
        text(&again).contains("already holds one"),
        "{}",
        text(&again)
    );
    done(&vault(
        &folder,
        &["backup", &url, &from, "--plan", "compta", "--json"],
    ));
    let second = done(&vault(
        &folder,
        &["backup", &url, &from, "--plan", "compta", "--json"],
    ));
    assert_eq!(second["stored_bytes"], 0);
    let listed = done(&vault(&folder, &["snapshots", &url, "--json"]));
    assert_eq!(listed["snapshots"].as_array().map(Vec::len), Some(2));
    let top = done(&vault(&folder, &["ls", &url, "compta@latest", "--json"]));
    assert_eq!(top[0]["path"], from.as_str());
    std::fs::write(source.join("needle.txt"), "found").expect("a file");
    done(&vault(
        &folder,
        &["backup", &url, &from, "--plan", "compta", "--json"],
    ));
    let found = done(&vault(&folder, &["find", &url, "NEEDLE", "--json"]));
    let path = found[0]["path"].as_str().expect("one is found").to_owned();
    let cat = vault(&folder, &["cat", &url, "latest", &path]);
    assert_eq!(cat.stdout, b"found", "{}", text(&cat));
    assert_eq!(found[0]["snapshots"], 1);
    let range = vault(
        &folder,
        &[
            "cat", &url, "latest", &path, "--offset", "1", "--length", "3",
        ],
    );
    assert_eq!(range.stdout, b"oun", "{}", text(&range));
    let archive = vault(&folder, &["cat", &url, "latest", &from, "--format", "tar"]);
    // A socket fits in no tar: done, with a problem.
    let said = String::from_utf8_lossy(&archive.stderr);
    assert_eq!(archive.status.code(), Some(3), "{said}");
    assert_eq!(&archive.stdout[257..262], b"ustar");
    let all = done(&vault(
        &folder,
        &["ls", &url, "latest", "--recursive", "--json"],
    ));
    let paths = all.as_array().expect("a list").iter().map(|e| &e["path"]);
    assert!(paths.clone().count() > 10 && paths.clone().any(|p| *p == path.as_str()));
    let snapshots = listed["snapshots"].as_array().expect("a list");
    let first = snapshots[0]["id"].as_str().expect("an id");
    let changes = done(&vault(&folder, &["diff", &url, first, "latest", "--json"]));
    let added =
        |change: &Value| change["change"] == "added" && change["new"]["path"] == path.as_str();
    assert!(
        changes.as_array().expect("a list").iter().any(added),
        "{changes}"
    );
    let now = done(&vault(
        &folder,
        &["diff", &url, "latest", "--content", "--json"],
    ));
    assert_eq!(now, Value::Array(Vec::new()));
    let to = folder.join("to");
    let planned = done(&vault(
        &folder,
        &[
            "restore",
            &url,
            "latest",
            "--to",
            to.to_str().expect("plain text"),
            "--dry-run",
            "--json",
        ],
    ));
    assert!(
        !to.exists() && planned["files"].as_u64() > Some(10),
        "{planned}"
    );
    let restored = done(&vault(
        &folder,
        &[
            "restore",
            &url,
            "latest",
            "--to",
            to.to_str().expect("plain text"),
            "--compare",
            "--json",
        ],
    ));
    assert_eq!(restored["differences"], Value::Array(Vec::new()));
    assert_eq!(tree::differences(&source, &to), "");
    assert_eq!(tree::block_differences(&source, &to), Vec::<String>::new());
    let checked = done(&vault(&folder, &["check", &url, "--read-all", "--json"]));
    assert_eq!(checked["problems"], Value::Array(Vec::new()));
    assert_eq!(
        done(&vault(&folder, &["stats", &url, "--json"]))["snapshots"],
        3
    );
}

/// What is lost is named and agreed to first; then it goes, and the room with it, in one opening.
#[test]
fn forgetting_is_agreed_to_and_frees_what_only_the_forgotten_needed() {
    let Place {
        folder,
        vault: url,
        source,
    } = place();
    std::fs::create_dir(&source).expect("a folder");
    let from = source.display().to_string();
    done(&vault(&folder, &["init", &url]));
    for day in 1..=4u8 {
        // Nothing of one day is of use on the next.
        let text: String = (0..60_000u32)
            .map(|n| format!("{day} {}\n", n.wrapping_mul(2_654_435_761)))
            .collect();
        std::fs::write(source.join("file"), text).expect("a file");
        done(&vault(&folder, &["backup", &url, &from]));
    }
    let count = || {
        let listed = done(&vault(&folder, &["snapshots", &url, "--json"]));
        listed["snapshots"].as_array().map_or(0, Vec::len)
    };
    let takes = || done(&vault(&folder, &["stats", &url, "--json"]))["stored_bytes"].as_u64();
    let before = takes().expect("a number");
    let rules = ["forget", url.as_str(), "--keep-last", "2"];
    // Nobody can be asked here.
    let asked = vault(&folder, &rules);
    assert_eq!(asked.status.code(), Some(1), "{}", text(&asked));
    assert!(text(&asked).contains("give --yes"), "{}", text(&asked));
    assert_eq!(count(), 4);
    let looked = done(&vault(
        &folder,
        &[&rules[..], &["--dry-run", "--json"]].concat(),
    ));
    assert_eq!(looked["forgotten"].as_array().map(Vec::len), Some(2));
    assert_eq!(count(), 4);
    done(&vault(
        &folder,
        &["hold", &url, "latest", "--note", "audit"],
    ));
    let held = vault(&folder, &["forget", &url, "latest", "--even-last", "--yes"]);
    assert!(text(&held).contains("audit"), "{}", text(&held));
    // Forgotten, and still there until a prune.
    done(&vault(&folder, &[&rules[..], &["--yes"]].concat()));
    assert_eq!((count(), takes() < Some(before * 3 / 4)), (2, false));
    let planned = done(&vault(&folder, &["prune", &url, "--dry-run", "--json"]));
    assert!(planned["packs_deleted"].as_u64() >= Some(2), "{planned}");
    let pruned = done(&vault(&folder, &["prune", &url, "--json"]));
    assert_eq!(pruned["packs_deleted"], planned["packs_deleted"]);
    assert!(takes() < Some(before * 3 / 4), "{pruned}");
    let last = [
        "forget",
        &url,
        "--keep-last",
        "1",
        "--prune",
        "--yes",
        "--json",
    ];
    let done_at_once = done(&vault(&folder, &last));
    assert_eq!(done_at_once["forgotten"].as_array().map(Vec::len), Some(1));
    let freed = done_at_once["prune"]["bytes_freed"].as_u64();
    assert!(freed > Some(before / 8), "{done_at_once}");
    assert_eq!((count(), takes() < Some(before / 2)), (1, true));
    let checked = done(&vault(&folder, &["check", &url, "--read-all", "--json"]));
    assert_eq!(checked["problems"], Value::Array(Vec::new()));
    let to = folder.join("restored").display().to_string();
    done(&vault(&folder, &["restore", &url, "latest", "--to", &to]));
    assert_eq!(tree::differences(&source, &folder.join("restored")), "");
}

#[test]
fn each_mistake_is_one_sentence_with_its_object() {
    let Place {
        folder, vault: url, ..
    } = place();
    done(&vault(&folder, &["init", &url]));
    let missing = folder.join("missing").display().to_string();
    let other = folder.path().display().to_string();
    let wrong = folder.join("wrong");
    std::fs::write(&wrong, "wrong horse\n").expect("a password");
    let wrong = cli(
        folder.path(),
        &[
            "vault",
            "snapshots",
            &url,
            "--password-file",
            wrong.to_str().expect("text"),
        ],
    );
    let none = cli(folder.path(), &["vault", "snapshots", &url]);
    for (output, says) in [
        (wrong, "wrong password"),
        (none, "--password-file"),
        (vault(&folder, &["snapshots", &missing]), missing.as_str()),
        (
            vault(&folder, &["snapshots", &url, "--must-be-mounted"]),
            "nothing is mounted",
        ),
        (vault(&folder, &["snapshots", &other]), "holds no vault"),
        (vault(&folder, &["init", &other]), "not empty"),
        (vault(&folder, &["snapshots", "sftp://nas/x"]), "sftp"),
        (
            vault(&folder, &["restore", &url, "latest", "--to", "/"]),
            "there is none",
        ),
    ] {
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            said.contains(says) && said.trim_end().lines().count() == 1,
            "{said}"
        );
    }
}

/// How far a run has come, seen from outside.
fn objects(vault: &Path, folder: &str) -> usize {
    std::fs::read_dir(vault.join(folder)).map_or(0, Iterator::count)
}

#[test]
fn a_backup_killed_at_any_stage_loses_nothing_committed() {
    let Place {
        folder,
        vault: url,
        source,
    } = place();
    std::fs::create_dir(&source).expect("a folder");
    let fill = |name: &str, mib: usize| {
        let place = format!("of={}", source.join(name).display());
        tool(
            "dd",
            &[
                "if=/dev/urandom",
                &place,
                "bs=1M",
                &format!("count={mib}"),
                "status=none",
            ],
        );
    };
    fill("old", 2);
    let from = source.display().to_string();
    done(&vault(&folder, &["init", &url]));
    done(&vault(&folder, &["backup", &url, &from]));
    let at = Path::new(&url);
    let first = objects(at, "packs");
    // Killed with an object half written, with one, two, three packs published, and with the folder lists.
    type Stage = fn(&Path, usize) -> bool;
    let stages: [Stage; 5] = [
        |at, _| objects(at, "tmp") > 0,
        |at, before| objects(at, "packs") > before,
        |at, before| objects(at, "packs") > before + 1,
        |at, before| objects(at, "packs") > before + 2,
        |at, _| objects(at, "trees") > 1,
    ];
    for (number, stage) in stages.iter().enumerate() {
        fill(&format!("new {number}"), 110);
        let (before, known) = (objects(at, "packs"), objects(at, "snapshots"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_reprise"))
            .args(["vault", "backup", &url, &from, "--password-file"])
            .arg(folder.join("password"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start reprise");
        // A run that was quicker than this test ends by itself: then it must have committed.
        eventually("the run comes to its stage", || {
            (stage(at, before) || child.try_wait().expect("ask the child").is_some()).then_some(())
        });
        child.kill().expect("kill -9");
        let ended = child.wait().expect("wait for the child");
        if ended.success() {
            assert_eq!(
                objects(at, "snapshots"),
                known + 1,
                "told done, but not committed"
            );
        }
        // One that was killed between its commit and its end is named until a prune has tidied it; nothing else may be.
        let checked = vault(&folder, &["check", &url, "--read-all", "--json"]);
        if text(&checked).contains("has committed and not ended") {
            assert_eq!(objects(at, "snapshots"), known + 1, "stage {number}");
            done(&vault(&folder, &["prune", &url, "--no-wait"]));
        }
        let checked = done(&vault(&folder, &["check", &url, "--read-all", "--json"]));
        assert_eq!(
            checked["problems"],
            Value::Array(Vec::new()),
            "stage {number}"
        );
        std::fs::remove_file(source.join(format!("new {number}"))).expect("remove");
    }
    assert!(
        objects(at, "packs") > first,
        "the kills came after something was written"
    );
    done(&vault(&folder, &["backup", &url, &from]));
    let to = folder.join("to").display().to_string();
    done(&vault(
        &folder,
        &[
            "restore",
            &url,
            "latest",
            "--to",
            &to,
            "--compare",
            "--json",
        ],
    ));
    assert_eq!(tree::differences(&source, Path::new(&to)), "");
}
