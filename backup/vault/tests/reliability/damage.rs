//! Whatever happens to an object: it is seen, nothing panics, nothing wrong is given out, and what does not need the
//! object can still be restored.

use std::fs;
use std::sync::Arc;

use vault::target::{MemoryTarget, ObjectKind};
use vault::{Error, Snapshot, SnapshotId, Vault, Watch, prune};

use crate::content::{self, Content};
use crate::support::*;

type Objects = std::collections::BTreeMap<(ObjectKind, String), Vec<u8>>;

struct World {
    _scratch: Scratch,
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
        _scratch: scratch,
        objects,
        snapshots,
    }
}

/// What a damage does to a vault of which `objects` is a copy: it is seen, gives out nothing wrong, and harms only
/// snapshots that need the object. Returns how many files of each snapshot are lost.
fn harm(
    objects: &Objects,
    snapshots: &[(SnapshotId, Content)],
    key: &(ObjectKind, String),
    damage: Option<Vec<u8>>,
    label: &str,
) -> Vec<usize> {
    let (kind, is_deleted) = (key.0, damage.is_none());
    let target = Arc::new(MemoryTarget::new());
    *target.objects() = objects.clone();
    match damage {
        Some(bytes) => target.objects().insert(key.clone(), bytes),
        None => target.objects().remove(key),
    };
    let vault = match Vault::open(target, &password()) {
        Ok(vault) => vault,
        Err(
            Error::Damaged { .. }
            | Error::NotAVault { .. }
            | Error::NewerFormat { .. }
            | Error::WrongPassword { .. },
        ) if kind == ObjectKind::Key => return vec![0; snapshots.len()],
        Err(error) => panic!("{label}: failed to {error}"),
    };
    assert_ne!(kind, ObjectKind::Key, "{label}: a damaged key was accepted");
    let seen = match vault.check(true, None, &Watch::new()) {
        Ok(report) => !report.problems.is_empty(),
        Err(_) => true,
    };
    let listed = vault.snapshots().map_or(Vec::new(), |(listed, _)| listed);
    let lost = snapshots.iter().map(|(id, want)| {
        let snapshot = listed.iter().find(|snapshot| snapshot.id == *id);
        snapshot.map_or(want.len() + 1, |snapshot| {
            content::lost(&vault, snapshot, want).unwrap_or_else(|found| panic!("{label}: {found}"))
        })
    });
    let lost: Vec<usize> = lost.collect();
    // Nothing is lost with an index object that is gone: packs are read without it. That a session that has ended once
    // began is of no use to anybody. Of a mark, or a tomb of what is gone, nothing else tells that it was there.
    let hit = lost.iter().filter(|lost| **lost > 0).count();
    let may_be_unseen = is_deleted
        && match kind {
            ObjectKind::Index | ObjectKind::Mark | ObjectKind::Tomb => true,
            ObjectKind::Session => key.1.len() == 32,
            _ => false,
        };
    assert!(seen || may_be_unseen, "{label}: not seen");
    let needed = matches!(
        kind,
        ObjectKind::Pack | ObjectKind::Tree | ObjectKind::Snapshot
    );
    assert!(hit <= usize::from(needed), "{label}: {lost:?} are lost");
    assert!(seen || is_deleted || hit == 0, "{label}: {lost:?} unseen");
    lost
}

/// Two snapshots of two folders that share nothing, and what they hold; one is held, a third was forgotten.
fn apart(sizes: &[usize]) -> (Objects, Vec<(SnapshotId, Content)>) {
    let scratch = Scratch::new();
    let (target, vault) = in_memory();
    let mut snapshots = Vec::new();
    fs::write(scratch.folder("gone").join("file"), noise(7, 100)).unwrap();
    let gone = save(&vault, &scratch.0.join("gone"));
    for (n, name) in ["one", "two"].into_iter().enumerate() {
        let from = scratch.folder(name);
        fs::create_dir(from.join("folder")).unwrap();
        for (at, len) in sizes.iter().enumerate() {
            let seed = (n * 100 + at) as u64;
            let place = if at % 2 == 0 { "folder/" } else { "" };
            fs::write(from.join(format!("{place}{name} {at}")), noise(seed, *len)).unwrap();
        }
        let snapshot = save(&vault, &from);
        vault.hold(&snapshot, "a lawyer asked", now()).unwrap();
        snapshots.push((snapshot.id, content::of_folder(&from)));
    }
    vault.forget(&[gone.name()], true, now()).unwrap();
    let request = prune::Request {
        now_ms: now(),
        dry_run: false,
        revoke: false,
        wait: &|_| false,
        settle: &|| {},
    };
    vault.prune(&request, &Watch::new()).unwrap();
    let objects = target.objects().clone();
    (objects, snapshots)
}

/// A damage, and what to call it.
type Damage = (String, Option<Vec<u8>>);

/// Does every damage to every object, on two threads; how many files were lost in all.
fn all(
    objects: &Objects,
    snapshots: &[(SnapshotId, Content)],
    damages: impl Fn(&[u8]) -> Vec<Damage> + Sync,
) -> (usize, usize) {
    let work: Vec<_> = objects
        .iter()
        .flat_map(|(key, bytes)| damages(bytes).into_iter().map(move |damage| (key, damage)))
        .collect();
    let half = |odd: usize| {
        let mine = work.iter().skip(odd).step_by(2);
        mine.map(|(key, (what, damage))| {
            let label = format!("{:?} {what}", key.0);
            let lost = harm(objects, snapshots, key, damage.clone(), &label);
            lost.iter().sum::<usize>()
        })
        .sum::<usize>()
    };
    let lost = std::thread::scope(|scope| {
        let other = scope.spawn(|| half(1));
        half(0) + other.join().expect("the other half")
    });
    (work.len(), lost)
}

#[test]
fn a_flipped_bit_in_any_byte_is_seen_and_harms_nothing_else() {
    let (objects, snapshots) = apart(&[0, 300, 80]);
    let (done, lost) = all(&objects, &snapshots, |bytes| {
        let flip = |at: usize| {
            let mut flipped = bytes.to_vec();
            flipped[at] ^= 1 << (at % 8);
            (format!("flipped at {at} of {}", bytes.len()), Some(flipped))
        };
        (0..bytes.len()).map(flip).collect()
    });
    assert!(done > 1500 && lost > 500, "{done} {lost}");
}

#[test]
fn a_cut_or_zeros_at_any_4_kib_are_seen_and_harm_nothing_else() {
    const BLOCK: usize = 4096;
    let (objects, snapshots) = apart(&[70_000, 30_000, 5000, 300]);
    let (done, lost) = all(&objects, &snapshots, |bytes| {
        let mut damages = vec![
            ("deleted".to_owned(), None),
            ("zeroed".to_owned(), Some(vec![0; bytes.len()])),
            (
                "one byte short".to_owned(),
                Some(bytes[..bytes.len() - 1].to_vec()),
            ),
            ("one byte long".to_owned(), Some([bytes, &[0]].concat())),
            ("twice".to_owned(), Some([bytes, bytes].concat())),
        ];
        for at in (0..bytes.len()).step_by(BLOCK) {
            damages.push((format!("cut at {at}"), Some(bytes[..at].to_vec())));
            let mut zeroed = bytes.to_vec();
            let end = (at + BLOCK).min(bytes.len());
            zeroed[at..end].fill(0);
            damages.push((format!("zeros at {at}"), Some(zeroed)));
        }
        damages
    });
    assert!(done > 100 && lost > 100, "{done} {lost}");
}

/// The copies of two machines mixed up, or a share restored half from an older copy of itself.
#[test]
fn an_object_in_place_of_another_is_seen_and_harms_nothing_else() {
    let (objects, snapshots) = apart(&[3000, 200]);
    let mut done = 0;
    for (key, bytes) in &objects {
        for (other, instead) in &objects {
            if key != other && bytes != instead {
                let label = format!("{:?} in place of {:?}", other.0, key.0);
                harm(&objects, &snapshots, key, Some(instead.clone()), &label);
                done += 1;
            }
        }
    }
    assert!(done > 20, "{done}");
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
