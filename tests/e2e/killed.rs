//! `reprise vault backup`, the real binary, killed before its calls on files, one after the other.

use crate::harness::tracer::{Ended, kill_before};
use crate::harness::{Temp, tool, tree};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vault::restore::{self, Overwrite};
use vault::target::LocalTarget;
use vault::{KdfCost, Secret, Snapshot, Vault, Watch};

/// So many places in a run are tried; of a run with fewer calls, every one.
const SAMPLES: u64 = 40;
const PASSWORD: &str = "correct horse";

struct World {
    folder: Temp,
}

impl World {
    /// A vault with one snapshot of `before`, kept as `pristine`; `source` has changed since. Its password costs
    /// nothing to try: it is tried some hundred times here.
    fn new() -> World {
        let world = World {
            folder: Temp::new(),
        };
        std::fs::write(world.at("password"), PASSWORD).expect("a password");
        let source = world.at("source");
        std::fs::create_dir_all(source.join("folder/empty")).expect("a folder");
        for n in 0..6 {
            let text = format!("file {n} ").repeat(n * 700);
            std::fs::write(source.join(format!("folder/{n}")), text).expect("a file");
        }
        std::fs::create_dir(world.at("pristine")).expect("a folder");
        let target = LocalTarget::open(&world.at("pristine"), false).expect("a folder");
        let secret = Secret::new(PASSWORD.into());
        Vault::create(Arc::new(target), &secret, KdfCost::MINIMUM).expect("make a vault");
        let (pristine, from) = (world.text("pristine"), world.text("source"));
        let first = world.killed(&["backup", &pristine, &from], u64::MAX);
        assert!(matches!(first, Ended::Exited { code: 0, .. }), "{first:?}");
        world.copy("source", "before");
        for n in 4..9 {
            let text = format!("changed {n} ").repeat(n * 900);
            std::fs::write(source.join(format!("folder/{n}")), text).expect("a file");
        }
        world
    }

    fn at(&self, leaf: &str) -> PathBuf {
        self.folder.join(leaf)
    }

    fn text(&self, leaf: &str) -> String {
        self.at(leaf).display().to_string()
    }

    fn copy(&self, from: &str, to: &str) {
        tool("cp", &["-a", &self.text(from), &self.text(to)]);
    }

    fn renew(&self) {
        std::fs::remove_dir_all(self.at("vault")).ok();
        self.copy("pristine", "vault");
    }

    /// Runs `reprise vault …` and kills it before that call.
    fn killed(&self, arguments: &[&str], at: u64) -> Ended {
        let password = self.text("password");
        let mut all = vec!["vault"];
        all.extend(arguments);
        all.extend(["--password-file", &password]);
        kill_before(env!("CARGO_BIN_EXE_reprise"), &all, at)
    }

    fn open(&self) -> Vault {
        let target = LocalTarget::open(&self.at("vault"), false).expect("the vault's folder");
        Vault::open(Arc::new(target), &Secret::new(PASSWORD.into())).expect("open the vault")
    }

    /// Everything verifies, and each snapshot gives back the folder it was made of.
    fn holds(&self, snapshots: &[(&Snapshot, &str)]) {
        let vault = self.open();
        let checked = vault.check(true, None, &Watch::new()).expect("check");
        assert_eq!(checked.problems, []);
        for (snapshot, want) in snapshots {
            let to = self.at("restored");
            let plan = restore::plan(&vault, snapshot, &[], &to, Overwrite::Refuse).expect("plan");
            let (_, problems) = restore::execute(&vault, &plan, &Watch::new()).expect("restore");
            assert_eq!(problems, []);
            let restored = to.join(self.at("source").strip_prefix("/").expect("absolute"));
            let restored = if restored.exists() {
                restored
            } else {
                to.clone()
            };
            assert_eq!(tree::differences(&self.at(want), Path::new(&restored)), "");
            std::fs::remove_dir_all(&to).expect("remove");
        }
    }

    fn snapshots(&self) -> Vec<Snapshot> {
        let (snapshots, problems) = self.open().snapshots().expect("list");
        assert_eq!(problems, []);
        snapshots
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
    let (vault, source) = (world.text("vault"), world.text("source"));
    world.renew();
    let old = world.snapshots();
    let Ended::Exited { code: 0, calls } = world.killed(&["backup", &vault, &source], u64::MAX)
    else {
        panic!("the run that nobody disturbed failed");
    };
    assert!(calls > 10, "{calls}");
    assert_eq!(world.snapshots().len(), 2);
    let (mut struck, mut committed) = (BTreeSet::new(), 0);
    for at in places(calls) {
        world.renew();
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
        let mut held = vec![(&after[0], "before")];
        held.extend(after.get(1).map(|new| (new, "source")));
        committed += held.len() - 1;
        world.holds(&held);
        let next = world.killed(&["backup", &vault, &source], u64::MAX);
        assert!(matches!(next, Ended::Exited { code: 0, .. }), "{next:?}");
        let after = world.snapshots();
        let latest = after.last().expect("a snapshot");
        world.holds(&[(&after[0], "before"), (latest, "source")]);
    }
    for call in ["create", "write", "fsync", "link", "unlink"] {
        assert!(struck.contains(call), "never before {call}: {struck:?}");
    }
    assert!(committed <= 8, "killed after the commit only at its end");
}
