//! `reprise vault`, the real binary, killed or stopped before its calls on files, one after the other.

use crate::harness::tracer::{Ended, Traced, kill_before};
use crate::harness::{Temp, cli, tool, tree};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use vault::restore::{self, Overwrite};
use vault::target::LocalTarget;
use vault::{KdfCost, Secret, Snapshot, Vault, Watch};

/// So many places in a run are tried; of a run with fewer calls, every one.
const SAMPLES: u64 = 40;
const REPRISE: &str = env!("CARGO_BIN_EXE_reprise");
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

    fn arguments<'a>(&self, verb: &[&'a str], password: &'a str) -> Vec<&'a str> {
        [&["vault"], verb, &["--password-file", password]].concat()
    }

    /// Runs `reprise vault …` and kills it before that call.
    fn killed(&self, verb: &[&str], at: u64) -> Ended {
        let password = self.text("password");
        kill_before(REPRISE, &self.arguments(verb, &password), at)
    }

    fn started(&self, verb: &[&str]) -> Traced {
        let password = self.text("password");
        Traced::start(REPRISE, &self.arguments(verb, &password))
    }

    /// What `reprise vault …` says, and whether it succeeded.
    fn says(&self, verb: &[&str]) -> (bool, String) {
        let password = self.text("password");
        let output = cli(self.folder.path(), &self.arguments(verb, &password));
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    }

    fn open(&self) -> Vault {
        let target = LocalTarget::open(&self.at("vault"), false).expect("the vault's folder");
        Vault::open(Arc::new(target), &Secret::new(PASSWORD.into())).expect("open the vault")
    }

    /// Everything verifies, and each snapshot gives back the folder it was made of. What an end in the middle left lying
    /// is named, until a prune has tidied it.
    fn holds(&self, snapshots: &[(&Snapshot, &str)], is_tidy: bool) {
        let vault = self.open();
        let checked = vault.check(true, None, &Watch::new()).expect("check");
        let is_left = |what: &str| what.contains("not ended") || what.contains("is void");
        let mut problems = checked.problems;
        problems.retain(|problem| is_tidy || !is_left(&problem.what));
        assert_eq!(problems, []);
        for (snapshot, want) in snapshots {
            let to = self.at("restored");
            let plan = restore::plan(&vault, snapshot, &[], &to, Overwrite::Refuse).expect("plan");
            let (_, problems) = restore::execute(&vault, &plan, &Watch::new()).expect("restore");
            assert_eq!(problems, []);
            assert_eq!(tree::differences(&self.at(want), &to), "");
            std::fs::remove_dir_all(&to).expect("remove");
        }
    }

    /// The next backup and the next prune succeed and leave no stray.
    fn goes_on(&self) {
        let (vault, source) = (self.text("vault"), self.text("source"));
        for verb in [
            &["backup", &vault, &source][..],
            &["prune", &vault, "--no-wait"],
        ] {
            let (succeeded, said) = self.says(verb);
            assert!(succeeded, "{verb:?}: {said}");
        }
        let strays = std::fs::read_dir(self.at("vault/tmp")).expect("a folder");
        assert_eq!(strays.count(), 0, "a stray is left");
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
        world.holds(&held, false);
        world.goes_on();
        let after = world.snapshots();
        let latest = after.last().expect("a snapshot");
        world.holds(&[(&after[0], "before"), (latest, "source")], true);
    }
    for call in ["create", "write", "fsync", "link", "unlink"] {
        assert!(struck.contains(call), "never before {call}: {struck:?}");
    }
    assert!(committed <= 12, "killed after the commit only at its end");
}

/// What was forgotten goes, and of what stays nothing, wherever the prune ends; the next one finishes it.
#[test]
fn a_prune_killed_before_any_call_loses_nothing_and_the_next_one_succeeds() {
    let world = World::new();
    let (vault, source) = (world.text("vault"), world.text("source"));
    world.renew();
    let (saved, said) = world.says(&["backup", &vault, &source]);
    assert!(saved, "{said}");
    let first = world.snapshots().remove(0);
    let forgotten = world
        .open()
        .forget(&[first.name()], true, 4_000_000_000_000);
    forgotten.expect("forget");
    // From here on each prune begins.
    std::fs::remove_dir_all(world.at("pristine")).expect("remove");
    world.copy("vault", "pristine");
    let Ended::Exited { code: 0, calls } = world.killed(&["prune", &vault], u64::MAX) else {
        panic!("the prune that nobody disturbed failed");
    };
    assert!(calls > 10, "{calls}");
    let mut struck = BTreeSet::new();
    for at in places(calls) {
        world.renew();
        let ended = world.killed(&["prune", &vault], at);
        println!("call {at} of {calls}: {ended:?}");
        let after = world.snapshots();
        assert_eq!(
            after.len(),
            1,
            "what was forgotten is back, or more is gone"
        );
        if let Ended::Killed { call } = ended {
            struck.insert(call);
        }
        world.holds(&[(&after[0], "source")], false);
        world.goes_on();
        let after = world.snapshots();
        let kept: Vec<_> = after.iter().map(|snapshot| (snapshot, "source")).collect();
        assert_eq!(kept.len(), 2);
        world.holds(&kept, true);
    }
    for call in ["create", "write", "fsync", "link", "unlink"] {
        assert!(struck.contains(call), "never before {call}: {struck:?}");
    }
}

/// A prune, for its whole length, meets a backup that was stopped at some call and counts on a pack that nothing else
/// needs; then the backup goes on.
#[test]
fn a_prune_beside_a_stopped_backup_deletes_nothing_that_lives() {
    let world = World::new();
    let (vault, source, other) = (
        world.text("vault"),
        world.text("source"),
        world.text("other"),
    );
    world.renew();
    std::fs::create_dir(world.at("other")).expect("a folder");
    std::fs::write(world.at("other").join("file"), "other").expect("a file");
    let counted = world.killed(&["backup", &vault, &source], u64::MAX);
    let Ended::Exited { code: 0, calls } = counted else {
        panic!("the run that nobody disturbed failed: {counted:?}");
    };
    let (mut waited, mut voided, mut whole) = (0, 0, 0);
    for at in places(calls) {
        for how in ["--no-wait", "--revoke"] {
            world.renew();
            let saved = world.says(&["backup", &vault, &other, "--plan", "other"]);
            assert!(saved.0, "{saved:?}");
            let first = world.snapshots().remove(0);
            let mut backup = world.started(&["backup", &vault, &source]);
            let Ok(call) = backup.run_to(at) else {
                continue;
            };
            // What the backup has found stored already is needed by nothing now.
            world
                .open()
                .forget(&[first.name()], true, 4_000_000_000_000)
                .expect("forget");
            let (pruned, said) = world.says(&["prune", &vault, how]);
            assert!(
                pruned || (how == "--no-wait" && said.contains("at work")),
                "{said}"
            );
            waited += u64::from(!pruned);
            let code = backup.finish();
            println!("{how} at call {at} of {calls} ({call}): {pruned}, then {code}");
            let after = world.snapshots();
            let new = after.iter().find(|snapshot| snapshot.plan != "other");
            // One that had committed when it was revoked is told so, and what it committed counts.
            assert!(new.is_some() || code != 0, "told done, and it is not there");
            assert!(
                code == 0 || how == "--revoke",
                "a writer that was waited for fails"
            );
            (voided, whole) = (voided + u64::from(code != 0), whole + u64::from(code == 0));
            let rest = after
                .iter()
                .find(|snapshot| snapshot.plan == "other")
                .expect("the other");
            let mut held = vec![(rest, "other")];
            held.extend(new.map(|new| (new, "source")));
            world.holds(&held, false);
            world.goes_on();
            let after = world.snapshots();
            world.holds(&[(after.last().expect("the next"), "source")], true);
        }
    }
    assert!(
        waited > 0 && voided > 0 && whole > 0,
        "{waited} {voided} {whole}"
    );
}
