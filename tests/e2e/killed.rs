//! `reprise vault backup`, the real binary, killed before its calls on files, one after the other.

use crate::harness::tracer::{Ended, kill_before};
use crate::harness::{Temp, cli, tool, tree};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// So many places in a run are tried; of a run with fewer calls, every one.
const SAMPLES: u64 = 24;

struct World {
    folder: Temp,
}

impl World {
    /// A vault with one snapshot of `before`, kept as `pristine`; `source` has changed since.
    fn new() -> World {
        let world = World {
            folder: Temp::new(),
        };
        std::fs::write(world.path("password"), "correct horse\n").expect("a password");
        tree::plant(&world.folder.join("source"));
        world.done(&["init", &world.path("pristine")]);
        world.done(&["backup", &world.path("pristine"), &world.path("source")]);
        world.copy("source", "before");
        let source = world.folder.join("source");
        for n in 0..4 {
            std::fs::write(source.join(format!("new {n}")), format!("{n}").repeat(9000))
                .expect("a file");
        }
        world
    }

    fn path(&self, leaf: &str) -> String {
        self.folder.join(leaf).display().to_string()
    }

    fn copy(&self, from: &str, to: &str) {
        tool("cp", &["-a", &self.path(from), &self.path(to)]);
    }

    fn done(&self, arguments: &[&str]) -> Value {
        let password = self.path("password");
        let mut all = vec!["vault"];
        all.extend(arguments);
        all.extend(["--password-file", &password]);
        let output = cli(self.folder.path(), &all);
        assert!(
            output.status.success(),
            "{arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    fn killed(&self, arguments: &[&str], at: u64) -> Ended {
        let password = self.path("password");
        let mut all = vec!["vault"];
        all.extend(arguments);
        all.extend(["--password-file", &password]);
        kill_before(env!("CARGO_BIN_EXE_reprise"), &all, at)
    }

    fn restores(&self, snapshot: &str, want: &str) {
        let to = self.path("restored");
        self.done(&["restore", &self.path("vault"), snapshot, "--to", &to]);
        assert_eq!(
            tree::differences(Path::new(&self.path(want)), Path::new(&to)),
            ""
        );
        std::fs::remove_dir_all(&to).expect("remove");
    }

    fn snapshots(&self) -> Vec<String> {
        let listed = self.done(&["snapshots", &self.path("vault"), "--json"]);
        let snapshots = listed["snapshots"].as_array().expect("a list");
        let ids = snapshots.iter().map(|snapshot| snapshot["id"].as_str());
        ids.map(|id| id.expect("an id").to_owned()).collect()
    }

    fn checks(&self) {
        let checked = self.done(&["check", &self.path("vault"), "--read-all", "--json"]);
        assert_eq!(checked["problems"], Value::Array(Vec::new()));
    }
}

/// Evenly spread, with the first and the last.
fn places(calls: u64) -> BTreeSet<u64> {
    let samples = SAMPLES.min(calls);
    (0..samples)
        .map(|n| 1 + n * (calls - 1) / (samples - 1).max(1))
        .collect()
}

#[test]
fn a_backup_killed_before_any_call_loses_nothing_and_the_next_one_succeeds() {
    let world = World::new();
    let (vault, source) = (world.path("vault"), world.path("source"));
    world.copy("pristine", "vault");
    let old = world.snapshots();
    let Ended::Exited { code: 0, calls } = world.killed(&["backup", &vault, &source], u64::MAX)
    else {
        panic!("the run that nobody disturbed failed");
    };
    assert!(calls > 10, "{calls}");
    assert_eq!(world.snapshots().len(), 2);
    let (mut struck, mut committed) = (BTreeSet::new(), 0);
    for at in places(calls) {
        std::fs::remove_dir_all(&vault).expect("remove");
        world.copy("pristine", "vault");
        // How the work falls to the threads differs from run to run; so may the number of calls, by a few.
        let ended = world.killed(&["backup", &vault, &source], at);
        println!("call {at} of {calls}: {ended:?}");
        let after = world.snapshots();
        assert_eq!(after[..1], old, "the old snapshot is gone");
        match ended {
            Ended::Killed { call } => struck.insert(call),
            Ended::Exited { code, .. } => {
                assert_eq!((code, after.len()), (0, 2), "told done, but not committed");
                continue;
            }
        };
        world.checks();
        world.restores(&old[0], "before");
        if after.len() == 2 {
            committed += 1;
            world.restores("latest", "source");
        }
        world.done(&["backup", &vault, &source]);
        world.checks();
        world.restores("latest", "source");
    }
    for call in ["create", "write", "fsync", "link", "unlink"] {
        assert!(struck.contains(call), "never before {call}: {struck:?}");
    }
    assert!(committed <= 4, "{committed}: killed after the commit only at its end");
}
