//! Whatever happens to an object: it is seen, nothing panics, nothing wrong is given out, and what does not need the
//! object can still be restored.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::support::*;
use vault::restore::{self, Overwrite};
use vault::target::{MemoryTarget, ObjectKind};
use vault::{Error, Snapshot, Vault, Watch};

type Objects = std::collections::BTreeMap<(ObjectKind, String), Vec<u8>>;

struct World {
    scratch: Scratch,
    objects: Objects,
    /// Each with its source; they share no object.
    snapshots: [(Snapshot, std::path::PathBuf); 2],
}

fn world() -> World {
    let scratch = Scratch::new();
    let (target, vault) = in_memory();
    let make = |name: &str, seed: u64| {
        let from = scratch.folder(name);
        for n in 0..5 {
            fs::write(from.join(format!("file {n}")), noise(seed + n, 2000)).unwrap();
        }
        fs::write(from.join("text"), format!("{name} ").repeat(3000)).unwrap();
        fs::create_dir(from.join(name)).unwrap();
        fs::write(from.join(name).join("inside"), noise(seed + 9, 100)).unwrap();
        (save(&vault, &from), from)
    };
    let snapshots = [make("one", 100), make("two", 200)];
    let objects = target.objects().clone();
    World {
        scratch,
        objects,
        snapshots,
    }
}

/// Restores what it can; fails when a restored file differs from its source. True when everything came back.
fn restored(vault: &Vault, snapshot: &Snapshot, from: &Path, to: &Path) -> bool {
    let whole = restore::plan(vault, snapshot, &[], to, Overwrite::Refuse).is_ok_and(|mut plan| {
        plan.durable = false;
        restore::execute(vault, &plan, &Watch::new())
            .unwrap()
            .1
            .is_empty()
    });
    let mut same = 0;
    let mut folders = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = folders.pop() {
        for entry in fs::read_dir(&to).into_iter().flatten().map(Result::unwrap) {
            let source = from.join(entry.file_name());
            if source.is_dir() {
                folders.push((source, entry.path()));
            } else {
                assert!(
                    fs::read(&source).unwrap() == fs::read(entry.path()).unwrap(),
                    "wrong data was restored"
                );
                same += 1;
            }
        }
    }
    assert!(
        !whole || same == 7,
        "a restore without problems lacks files"
    );
    fs::remove_dir_all(to).ok();
    whole
}

fn damages(bytes: &[u8]) -> Vec<(String, Option<Vec<u8>>)> {
    let mut all = vec![
        ("deleted".to_owned(), None),
        ("emptied".to_owned(), Some(Vec::new())),
    ];
    let step = (bytes.len() / 24).max(1);
    for at in (0..bytes.len())
        .step_by(step)
        .chain(bytes.len().saturating_sub(60)..bytes.len())
    {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1 << (at % 8);
        all.push((format!("flipped at {at}"), Some(flipped)));
    }
    for at in (1..bytes.len())
        .step_by(bytes.len() / 8 + 1)
        .chain([bytes.len() - 1])
    {
        all.push((format!("cut at {at}"), Some(bytes[..at].to_vec())));
    }
    let mut longer = bytes.to_vec();
    longer.push(0);
    all.push(("grown".to_owned(), Some(longer)));
    all
}

#[test]
fn every_damage_to_every_object_is_seen_and_harms_nothing_else() {
    let world = world();
    let mut harmed = [0, 0];
    for ((kind, name), bytes) in &world.objects {
        for (what, damage) in damages(bytes) {
            let target = Arc::new(MemoryTarget::new());
            *target.objects() = world.objects.clone();
            match damage {
                Some(bytes) => target.objects().insert((*kind, name.clone()), bytes),
                None => target.objects().remove(&(*kind, name.clone())),
            };
            let label = format!("{kind:?} {what}");
            let vault = match Vault::open(target, &password()) {
                Ok(vault) => vault,
                Err(Error::Damaged { .. } | Error::NotAVault { .. })
                    if *kind == ObjectKind::Key =>
                {
                    continue;
                }
                Err(error) => panic!("{label}: {error}"),
            };
            assert_ne!(
                *kind,
                ObjectKind::Key,
                "{label}: a damaged key was accepted"
            );
            let report = vault.check(true, None, &Watch::new()).unwrap();
            // That a session that has ended once began is of no use to anybody.
            let traceless = *kind == ObjectKind::Session && what == "deleted" && name.len() == 32;
            assert_eq!(report.problems.is_empty(), traceless, "{label}");
            let listed = vault.snapshots().unwrap().0;
            let mut whole = 0;
            for (at, (snapshot, from)) in world.snapshots.iter().enumerate() {
                let there = listed.iter().any(|listed| listed.id == snapshot.id);
                if there && restored(&vault, snapshot, from, &world.scratch.0.join("to")) {
                    whole += 1;
                } else {
                    harmed[at] += 1;
                }
            }
            assert!(whole >= 1, "{label}: both snapshots are hit");
        }
    }
    assert!(
        harmed[0] > 20 && harmed[1] > 20,
        "the damages did hit: {harmed:?}"
    );
}

#[test]
fn the_check_names_the_files_that_are_hit_and_the_next_run_heals() {
    let world = world();
    let target = Arc::new(MemoryTarget::new());
    *target.objects() = world.objects.clone();
    // The first data pack: the one the first snapshot needs.
    let vault = Vault::open(target.clone(), &password()).unwrap();
    let mut hit = None;
    for ((kind, name), bytes) in &world.objects {
        if *kind == ObjectKind::Pack {
            target.objects().remove(&(*kind, name.clone()));
            let report = vault
                .check(false, Some(&world.snapshots[0].0), &Watch::new())
                .unwrap();
            if !report.problems.is_empty() {
                hit = Some(report);
                break;
            }
            target
                .objects()
                .insert((*kind, name.clone()), bytes.clone());
        }
    }
    let report = hit.expect("one of the packs is the first snapshot's");
    assert_eq!(report.problems.len(), 7, "{:?}", report.problems);
    assert!(
        report
            .problems
            .iter()
            .any(|problem| problem.object.ends_with("/one/one/inside"))
    );
    assert_eq!(
        vault
            .check(true, Some(&world.snapshots[1].0), &Watch::new())
            .unwrap()
            .problems,
        []
    );
    // The sources still exist: saving them again stores the lost chunks, and the old snapshot is whole again.
    let (again, _) = save_with(&vault, &[&world.snapshots[0].1], &Watch::new()).unwrap();
    assert!(again.stored_bytes > 10_000);
    assert_eq!(vault.check(true, None, &Watch::new()).unwrap().problems, []);
}

#[test]
fn foreign_objects_are_problems_and_never_fatal() {
    let scratch = Scratch::new();
    let (from, folder) = (scratch.folder("from"), scratch.folder("vault"));
    fs::write(from.join("a"), b"a").unwrap();
    let snapshot = save(&in_folder(&folder), &from);
    for place in ["packs", "trees", "snapshots"] {
        fs::write(folder.join(place).join("Thumbs.db"), b"junk").unwrap();
        fs::write(folder.join(place).join("0".repeat(32)), b"junk").unwrap();
        fs::create_dir(folder.join(place).join("f".repeat(32))).unwrap();
    }
    fs::write(folder.join("tmp/left by a power cut"), b"half").unwrap();
    let vault = reopen(&folder);
    let (snapshots, problems) = vault.snapshots().unwrap();
    assert_eq!((snapshots.len(), problems.len()), (1, 3), "{problems:?}");
    assert_eq!(
        vault
            .check(true, None, &Watch::new())
            .unwrap()
            .problems
            .len(),
        9
    );
    assert_eq!(restore_all(&vault, &snapshot, &scratch.folder("to")), []);
}

#[test]
fn passwords_formats_and_empty_folders_are_told_apart() {
    let (target, _) = in_memory();
    let open = |password: &str| {
        Vault::open(target.clone(), &vault::Secret::new(password.into())).map(|_| ())
    };
    assert!(open("correct horse").is_ok());
    for wrong in ["", "correct hors", "correct horse ", "Correct horse"] {
        assert!(
            matches!(open(wrong), Err(Error::WrongPassword { .. })),
            "{wrong:?}"
        );
    }
    let again = Vault::create(target.clone(), &password(), vault::KdfCost::MINIMUM).map(|_| ());
    assert!(matches!(again, Err(Error::AlreadyAVault { .. })));
    let empty = Vault::open(Arc::new(MemoryTarget::new()), &password()).map(|_| ());
    assert!(matches!(empty, Err(Error::NotAVault { .. })));
    // A later format: the number, with the object's end made to fit.
    let key = target.objects().keys().next().unwrap().clone();
    assert_eq!(key.0, ObjectKind::Key);
    let good = target.objects()[&key].clone();
    let with = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        let hashed = bytes.len() - 40;
        let hash = blake3::hash(&bytes[..hashed]);
        bytes[hashed..hashed + 32].copy_from_slice(hash.as_bytes());
        target.objects().insert(key.clone(), bytes);
    };
    with(10, 1);
    assert!(matches!(open("correct horse"), Err(Error::Newer { .. })));
    with(7, b'9');
    assert!(matches!(
        open("correct horse"),
        Err(Error::NewerFormat {
            found: 9,
            known: 1,
            ..
        })
    ));
}
