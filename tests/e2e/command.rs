//! The command line itself: help, version, exit codes, and work without a running `serve`.

use crate::harness::{Appliance, Start, Temp, cli, config_text, prepare};
use std::path::Path;

#[test]
fn the_version_names_commit_and_date() {
    let folder = Temp::new();
    let output = cli(folder.path(), &["--version"]);
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let rest = text.strip_prefix(concat!("reprise ", env!("CARGO_PKG_VERSION"), " ("));
    let inside = rest.and_then(|r| r.strip_suffix(')')).expect(&text);
    let (commit, date) = inside.split_once(", ").expect(&text);
    assert!(
        commit == "unknown" || commit.chars().all(|c| c.is_ascii_hexdigit()),
        "{text}"
    );
    assert!(date == "unknown" || date.len() == 10, "{text}");
}

/// The help of a command and of every command under it.
fn help(path: &[&str], all: &mut String) {
    let folder = std::env::temp_dir();
    let mut arguments = path.to_vec();
    arguments.push("--help");
    let output = cli(&folder, &arguments);
    assert!(output.status.success(), "reprise {arguments:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    all.push_str(&format!("$ reprise {}\n{text}\n", arguments.join(" ")));
    let commands = text.split_once("\nCommands:\n").map(|(_, rest)| rest);
    for line in commands.unwrap_or_default().lines() {
        let Some(name) = line.strip_prefix("  ").and_then(|l| l.split(' ').next()) else {
            break;
        };
        if !name.is_empty() && name != "help" {
            let mut inner = path.to_vec();
            inner.push(name);
            help(&inner, all);
        }
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "UPDATE_GOLDEN=1 rewrites the golden"
)]
fn help_is_as_written_down() {
    let mut all = String::new();
    help(&[], &mut all);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/help.txt");
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        std::fs::create_dir_all(golden.parent().expect("a folder")).expect("a folder");
        std::fs::write(&golden, &all).expect("the golden");
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    assert_eq!(
        all,
        expected,
        "UPDATE_GOLDEN=1 rewrites {}",
        golden.display()
    );
}

#[test]
fn exit_codes_say_what_happened() {
    let folder = Temp::new();
    std::fs::create_dir(folder.join("share")).expect("a folder");
    std::fs::write(folder.join("share/note"), "a note").expect("a file");
    let plans = "[[plan]]\nname = \"good\"\nfiles = [\"share\"]\ntargets = [\"local\"]\n\
                 [[plan]]\nname = \"half\"\nfiles = [\"share\", \"gone\"]\ntargets = [\"local\"]\n";
    prepare(&folder, &config_text(plans));
    let code = |arguments: &[&str]| {
        let output = cli(folder.path(), arguments);
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (usage, said) = code(&["plan", "rum"]);
    assert_eq!(usage, Some(2), "{said}");
    assert!(said.contains("'run'"), "{said}");
    let (failed, said) = code(&["plan", "run", "goood"]);
    assert_eq!(failed, Some(1), "{said}");
    assert!(
        said.contains("failed to find the plan goood") && said.contains("good, half"),
        "{said}"
    );
    // No serve is running: the same commands work in their own process.
    let (done, said) = code(&["plan", "run", "good"]);
    assert_eq!(done, Some(0), "{said}");
    let (problems, said) = code(&["plan", "run", "half"]);
    assert_eq!(problems, Some(3), "{said}");
    let gone = folder.join("gone").display().to_string();
    assert!(said.contains("problem: ") && said.contains(&gone), "{said}");
}

#[test]
fn a_command_works_the_same_beside_serve_and_alone() {
    let folder = Temp::new();
    std::fs::create_dir(folder.join("share")).expect("a folder");
    std::fs::write(folder.join("share/note"), "a note").expect("a file");
    let plan = "[[plan]]\nname = \"notes\"\nfiles = [\"share\"]\ntargets = [\"local\"]\n";
    prepare(&folder, &config_text(plan));
    let alone = cli(folder.path(), &["plan", "run", "notes"]);
    assert!(
        alone.status.success(),
        "{}",
        String::from_utf8_lossy(&alone.stderr)
    );
    // The proof that follows a run is part of the command: it is not cut off.
    let listed = || {
        let output = cli(folder.path(), &["proof", "list", "--json"]);
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON")
    };
    let proofs = listed();
    assert_eq!(
        (&proofs[0]["plan"], &proofs[0]["passed"]),
        (&"notes".into(), &true.into()),
        "{proofs}"
    );
    assert!(!folder.join("state/control.sock").exists());
    let appliance = Appliance::start(&folder, Start::default());
    let beside = listed();
    let list = beside.as_array().expect("a list");
    assert!(list.contains(&proofs[0]), "{beside}");
    assert!(appliance.cli(&["plan", "run", "notes"]).status.success());
}
