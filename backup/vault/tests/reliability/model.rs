//! Anything in any order, against a naive copy of every snapshot.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use vault::backup;
use vault::restore::{self, Overwrite};
use vault::target::{MemoryTarget, ObjectKind};
use vault::{Kind, Snapshot, Vault, Watch, prune};

use crate::chance::{Chance, seed};
use crate::content::{self, Content};
use crate::support::*;

/// Vaults, one after the other, and what is done to each.
const LIVES: u64 = 6;
const STEPS: usize = 500;
const FILES: usize = 40;
const STEPS_SHOWN: usize = 40;

struct Saved {
    snapshot: Snapshot,
    content: Content,
    /// Damage took something of it: what is left must still be true.
    hurt: bool,
}

struct Model {
    scratch: Scratch,
    from: PathBuf,
    chance: Chance,
    target: Arc<MemoryTarget>,
    vault: Vault,
    saved: Vec<Saved>,
    /// Packs that were harmed and left lying.
    bad: Vec<String>,
    /// Milliseconds since 1970, as this machine's clock says, so that fresh files are not taken for settled ones.
    clock: i64,
    log: Vec<String>,
    done: std::collections::BTreeMap<&'static str, usize>,
}

impl Drop for Model {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let from = self.log.len().saturating_sub(STEPS_SHOWN);
            eprintln!(
                "the last of {} steps:\n{}",
                self.log.len(),
                self.log[from..].join("\n")
            );
        }
    }
}

/// Every file below, in a stable order.
fn files(content: &Content, folders: bool) -> Vec<String> {
    let wanted = content
        .iter()
        .filter(|(_, bytes)| bytes.is_none() == folders);
    wanted
        .map(|(path, _)| String::from_utf8(path.clone()).expect("the model's own names"))
        .collect()
}

impl Model {
    fn new(seed: u64) -> Model {
        let scratch = Scratch::new();
        let (target, vault) = in_memory();
        Model {
            from: scratch.folder("from"),
            scratch,
            chance: Chance::new(seed),
            target,
            vault,
            saved: Vec::new(),
            bad: Vec::new(),
            clock: 0,
            log: Vec::new(),
            done: Default::default(),
        }
    }

    fn step(&mut self) {
        type Step = fn(&mut Model) -> String;
        let steps: [(usize, &'static str, Step); 14] = [
            (30, "write", Model::write),
            (20, "edit", Model::edit),
            (14, "delete", Model::delete),
            (8, "rename", Model::rename),
            (6, "folder", Model::make_folder),
            (20, "backup", Model::backup),
            (10, "read", Model::read),
            (3, "restore", Model::restore),
            (6, "reopen", Model::reopen),
            (5, "check", Model::check),
            (8, "damage undone", Model::damage_undone),
            (2, "damage", Model::damage),
            (5, "forget", Model::forget),
            (5, "prune", Model::prune),
        ];
        let total = steps.iter().map(|(weight, ..)| weight).sum();
        let mut at = self.chance.below(total);
        for (weight, name, step) in steps {
            if at < weight {
                self.log.push(name.to_owned());
                let what = step(self);
                *self.done.entry(name).or_default() += 1;
                if let Some(last) = self.log.last_mut() {
                    *last = format!("{name}: {what}");
                }
                return;
            }
            at -= weight;
        }
    }

    fn now(&mut self) -> i64 {
        let from = self.from.join(".clock");
        // The file system's own time, and never the same twice.
        fs::write(&from, b"").unwrap();
        let modified = from.metadata().unwrap().modified().unwrap();
        fs::remove_file(&from).unwrap();
        let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
        self.clock = (self.clock + 1).max(since.as_millis() as i64);
        self.clock
    }

    fn bytes(&mut self) -> Vec<u8> {
        let len = match self.chance.below(20) {
            0 => 0,
            1..12 => self.chance.below(300),
            12..19 => self.chance.below(9000),
            _ => self.chance.below(200_000),
        };
        match self.chance.below(3) {
            0 => vec![self.chance.next() as u8; len],
            _ => noise(self.chance.next(), len),
        }
    }

    fn write(&mut self) -> String {
        let now = content::of_folder(&self.from);
        let names = files(&now, false);
        let name = match names.len() < FILES && self.chance.below(3) > 0 {
            true => {
                let folders = files(&now, true);
                let number = self.chance.below(1000);
                match self.chance.pick(&folders) {
                    Some(folder) if number < 500 => format!("{folder}/f{number}"),
                    _ => format!("f{number}"),
                }
            }
            false => match self.chance.pick(&names) {
                Some(name) => name.clone(),
                None => return "nothing".to_owned(),
            },
        };
        let bytes = match self.chance.below(4) {
            // The same content somewhere else.
            0 => self
                .chance
                .pick(&names)
                .map(|name| now[name.as_bytes()].clone()),
            _ => None,
        };
        let bytes = bytes.flatten().unwrap_or_else(|| self.bytes());
        fs::write(self.from.join(&name), &bytes).unwrap();
        format!("{name} {} bytes", bytes.len())
    }

    fn edit(&mut self) -> String {
        let names = files(&content::of_folder(&self.from), false);
        let Some(name) = self.chance.pick(&names) else {
            return "nothing".to_owned();
        };
        let mut bytes = fs::read(self.from.join(name)).unwrap();
        let at = self.chance.below(bytes.len() + 1);
        let what = match self.chance.below(3) {
            0 => {
                bytes.truncate(at);
                "cut"
            }
            1 => {
                bytes.splice(at..at, noise(self.chance.next(), 50));
                "inserted"
            }
            // Of the same length: only its times tell.
            _ => {
                bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 0x55);
                "changed"
            }
        };
        fs::write(self.from.join(name), &bytes).unwrap();
        format!("{name} {what} at {at}")
    }

    fn delete(&mut self) -> String {
        let now = content::of_folder(&self.from);
        let (names, folders) = (files(&now, false), files(&now, true));
        if self.chance.below(12) == 0
            && let Some(folder) = self.chance.pick(&folders)
        {
            fs::remove_dir_all(self.from.join(folder)).unwrap();
            return format!("{folder} with all in it");
        }
        let Some(name) = self.chance.pick(&names) else {
            return "nothing".to_owned();
        };
        fs::remove_file(self.from.join(name)).unwrap();
        name.clone()
    }

    fn rename(&mut self) -> String {
        let now = content::of_folder(&self.from);
        let all: Vec<String> = [files(&now, false), files(&now, true)].concat();
        let to = format!("r{}", self.chance.below(1000));
        match self.chance.pick(&all) {
            Some(name) if !self.from.join(&to).exists() => {
                fs::rename(self.from.join(name), self.from.join(&to)).unwrap();
                format!("{name} to {to}")
            }
            _ => "nothing".to_owned(),
        }
    }

    fn make_folder(&mut self) -> String {
        let folders = files(&content::of_folder(&self.from), true);
        let name = format!("d{}", self.chance.below(100));
        let name = match self.chance.pick(&folders) {
            Some(folder) if folders.len() < 12 => format!("{folder}/{name}"),
            _ => name,
        };
        if !self.from.join(&name).exists() {
            fs::create_dir(self.from.join(&name)).unwrap();
        }
        name
    }

    fn backup(&mut self) -> String {
        let now_ms = self.now();
        let request = backup::Request {
            kind: Kind::Files,
            plan: "model".to_owned(),
            host: "here".to_owned(),
            roots: vec![self.from.clone()],
            now_ms,
            end_ms: &|| now_ms,
        };
        let (snapshot, problems) = backup::run(&self.vault, &request, &Watch::new()).unwrap();
        assert_eq!(problems, []);
        let content = content::of_folder(&self.from);
        let what = format!("{} of {} entries", snapshot.id, content.len());
        self.saved.push(Saved {
            snapshot,
            content,
            hurt: false,
        });
        self.true_to(self.saved.len() - 1);
        what
    }

    /// A snapshot reads as what was saved; one that was hurt at least reads as nothing else.
    fn true_to(&self, at: usize) {
        let saved = &self.saved[at];
        let lost = content::lost(&self.vault, &saved.snapshot, &saved.content)
            .unwrap_or_else(|found| panic!("{}: {found}", saved.snapshot.id));
        assert!(
            saved.hurt || lost == 0,
            "{}: {lost} entries are lost",
            saved.snapshot.id
        );
    }

    fn read(&mut self) -> String {
        if self.saved.is_empty() {
            return "nothing".to_owned();
        }
        let at = self.chance.below(self.saved.len());
        self.true_to(at);
        let (listed, problems) = self.vault.snapshots().unwrap();
        let hurt = self.saved.iter().any(|saved| saved.hurt);
        assert!(hurt || problems.is_empty(), "{problems:?}");
        for saved in self.saved.iter().filter(|saved| !saved.hurt) {
            assert!(
                listed.contains(&saved.snapshot),
                "{} is gone",
                saved.snapshot.id
            );
        }
        assert!(listed.len() <= self.saved.len(), "one came out of nowhere");
        self.saved[at].snapshot.id.to_string()
    }

    fn restore(&mut self) -> String {
        let whole: Vec<usize> = (0..self.saved.len())
            .filter(|at| !self.saved[*at].hurt)
            .collect();
        let Some(at) = self.chance.pick(&whole) else {
            return "nothing".to_owned();
        };
        let Saved {
            snapshot, content, ..
        } = &self.saved[*at];
        let to = self.scratch.folder("to");
        let mut plan = restore::plan(&self.vault, snapshot, &[], &to, Overwrite::Refuse).unwrap();
        plan.durable = false;
        let (_, problems) = restore::execute(&self.vault, &plan, &Watch::new()).unwrap();
        assert_eq!(problems, []);
        assert!(content::of_folder(&to) == *content, "restored differently");
        fs::remove_dir_all(&to).unwrap();
        snapshot.id.to_string()
    }

    fn reopen(&mut self) -> String {
        self.vault = Vault::open(self.target.clone(), &password()).unwrap();
        String::new()
    }

    fn check(&mut self) -> String {
        let report = self.vault.check(true, None, &Watch::new()).unwrap();
        let hurt = self.saved.iter().any(|saved| saved.hurt);
        let is_known = |object: &str| self.bad.iter().any(|bad| object.ends_with(bad));
        let mut others = report.problems.iter();
        let other = others.find(|problem| !is_known(&problem.object));
        assert!(hurt || other.is_none(), "{:?}", report.problems);
        format!("{} problems", report.problems.len())
    }

    fn object(&mut self, of: &[ObjectKind]) -> Option<(ObjectKind, String)> {
        let keys: Vec<_> = self.target.objects().keys().cloned().collect();
        let keys: Vec<_> = keys.into_iter().filter(|key| of.contains(&key.0)).collect();
        self.chance.pick(&keys).cloned()
    }

    /// Something is wrong for a while, as with a share that was not mounted completely.
    fn damage_undone(&mut self) -> String {
        let Some(key) = self.object(&ObjectKind::ALL[1..]) else {
            return "nothing".to_owned();
        };
        let good = self.target.objects()[&key].clone();
        let mut bad = good.clone();
        let at = self.chance.below(good.len());
        let what = match self.chance.below(3) {
            0 => {
                self.target.objects().remove(&key);
                format!("{key:?} deleted")
            }
            1 => {
                bad.truncate(at);
                self.target.objects().insert(key.clone(), bad);
                format!("{key:?} cut at {at}")
            }
            _ => {
                bad[at] ^= 1 << (at % 8);
                self.target.objects().insert(key.clone(), bad);
                format!("{key:?} flipped at {at}")
            }
        };
        let vault = Vault::open(self.target.clone(), &password()).unwrap();
        let listed = vault.snapshots().map_or(Vec::new(), |(listed, _)| listed);
        for saved in &self.saved {
            if listed.contains(&saved.snapshot) {
                content::lost(&vault, &saved.snapshot, &saved.content)
                    .unwrap_or_else(|found| panic!("{what}: {found}"));
            }
        }
        self.target.objects().insert(key, good);
        what
    }

    /// Something is gone for good. A check tells what that hits; after a repair the next run is whole again.
    fn damage(&mut self) -> String {
        let Some(key) = self.object(&[ObjectKind::Pack, ObjectKind::Tree]) else {
            return "nothing".to_owned();
        };
        let how = self.chance.below(3);
        let left = {
            let mut objects = self.target.objects();
            match objects.get_mut(&key) {
                Some(bytes) if how == 0 => bytes.truncate(bytes.len() / 2),
                Some(bytes) if how == 1 => {
                    let at = bytes.len() / 3;
                    // Not a flip: the same pack may be hit twice, and a second flip would mend it.
                    bytes[at] = bytes[at].wrapping_add(0x11);
                }
                _ => drop(objects.remove(&key)),
            }
            objects.get(&key).map(Vec::len)
        };
        self.reopen();
        let report = self.vault.check(true, None, &Watch::new()).unwrap();
        for saved in &mut self.saved {
            let lost = content::lost(&self.vault, &saved.snapshot, &saved.content);
            saved.hurt = lost.unwrap_or_else(|found| panic!("{key:?}: {found}")) > 0;
        }
        let hurt = self.saved.iter().filter(|saved| saved.hurt).count();
        // One that nobody needs may go unseen.
        if left.is_some() {
            self.bad.push(key.1.clone());
        }
        let is_harmless = left.is_none() && hurt == 0;
        assert!(
            is_harmless || !report.problems.is_empty(),
            "{key:?} {left:?}: not seen"
        );
        let now = self.now();
        let repaired = self.vault.repair(now, &Watch::new()).unwrap();
        self.backup();
        format!("{key:?} left {left:?}; {hurt} hurt; {repaired:?}")
    }
}

/// Nothing waits, nothing is slow: the only writer is here.
fn sweep(vault: &Vault, now_ms: i64, dry_run: bool) -> Result<prune::Report, vault::Error> {
    let request = prune::Request {
        now_ms,
        dry_run,
        revoke: false,
        wait: &|_| false,
        settle: &|| {},
    };
    vault.prune(&request, &Watch::new())
}

impl Model {
    /// Any but the newest.
    fn forget(&mut self) -> String {
        let Some(others) = self.saved.len().checked_sub(1) else {
            return "nothing".to_owned();
        };
        let mut gone = Vec::new();
        for at in (0..others).rev() {
            if self.chance.below(2) == 0 {
                gone.push(self.saved.remove(at).snapshot.name());
            }
        }
        let now = self.now();
        self.vault.forget(&gone, false, now).unwrap();
        let (listed, _) = self.vault.snapshots().unwrap();
        assert!(listed.iter().all(|listed| !gone.contains(&listed.name())));
        format!("{} of {}", gone.len(), others + 1)
    }

    fn prune(&mut self) -> String {
        let now = self.now();
        // What a list that is gone needs is not known: it is refused until those snapshots are forgotten.
        let mut report = sweep(&self.vault, now, false);
        if let Err(error) = report {
            assert!(
                self.saved.iter().any(|saved| saved.hurt),
                "failed to {error}"
            );
            assert!(
                matches!(error, vault::Error::Unknowable { .. }),
                "failed to {error}"
            );
            let hurt = self.saved.iter().filter(|saved| saved.hurt);
            let names: Vec<_> = hurt.map(|saved| saved.snapshot.name()).collect();
            self.vault.forget(&names, true, now).unwrap();
            self.saved.retain(|saved| !saved.hurt);
            report = sweep(&self.vault, now, false);
        }
        let report = report.unwrap();
        for at in 0..self.saved.len() {
            self.true_to(at);
        }
        let again = sweep(&self.vault, now, true).unwrap();
        // As long as somebody needs what is lost of a pack, the pack stays and is looked at each time.
        let is_hurt = self.saved.iter().any(|saved| saved.hurt);
        let left = (again.packs_deleted, again.snapshots_deleted);
        assert!(is_hurt || left == (0, 0), "{report:?} {again:?}");
        if !is_hurt {
            self.bad.clear();
        }
        self.check();
        format!("{} packs left", again.packs)
    }
}

#[test]
fn whatever_is_done_in_whatever_order_reads_as_a_naive_copy_says() {
    let seed = seed();
    let mut done = std::collections::BTreeMap::new();
    for life in 0..LIVES {
        let mut model = Model::new(seed + life);
        for _ in 0..STEPS {
            model.step();
        }
        model.reopen();
        model.check();
        for at in 0..model.saved.len() {
            model.true_to(at);
        }
        for (step, count) in &model.done {
            *done.entry(*step).or_insert(0) += count;
        }
    }
    println!("{done:?}");
    assert!(done.values().all(|count| *count > 10), "{done:?}");
}
