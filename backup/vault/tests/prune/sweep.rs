//! What goes, what moves, what stays.

use std::fs;

use crate::support::*;
use crate::world::{World, prune, quick};
use vault::target::ObjectKind;
use vault::writer::{Chunking, Meta, SnapshotWriter};
use vault::{Kind, Vault, Watch};

#[test]
fn what_only_forgotten_snapshots_needed_goes() {
    let world = World::new();
    let from = world.folder("from", &[("stays", 1, 500_000), ("goes", 2, 5_000_000)]);
    let first = save(&world.vault, &from);
    fs::remove_file(from.join("goes")).unwrap();
    let second = save(&world.vault, &from);
    let nothing = world.prune();
    assert_eq!((nothing.packs_deleted, nothing.snapshots), (0, 2));
    world.forget(&first);
    let before = world.bytes();
    let report = world.prune();
    let freed = report.bytes_deleted - report.bytes_moved;
    assert!(freed > 4_900_000, "{report:?}");
    assert!(world.bytes() < before - 4_900_000);
    world.is_whole(&[(&second, &from)]);
    // A second one finds nothing to do and leaves everything as it is.
    let before = world.target.objects().clone();
    assert_eq!(world.prune().packs_deleted, 0);
    assert!(*world.target.objects() == before);
    assert_eq!(
        world.objects(ObjectKind::Tomb).len(),
        1,
        "the forgotten parent"
    );
}

#[test]
fn half_empty_packs_are_rewritten_and_every_byte_stays() {
    let world = World::new();
    let files: Vec<(String, u64, usize)> = (0..60)
        .map(|n| (format!("file {n}"), n, 20_000 + 8000 * n as usize))
        .collect();
    let files: Vec<(&str, u64, usize)> =
        files.iter().map(|(a, b, c)| (a.as_str(), *b, *c)).collect();
    let from = world.folder("from", &files);
    fs::write(from.join("text"), "the same line again\n".repeat(50_000)).unwrap();
    let first = save(&world.vault, &from);
    for (n, file) in files.iter().enumerate() {
        if n % 3 != 0 {
            fs::remove_file(from.join(file.0)).unwrap();
        }
    }
    let second = save(&world.vault, &from);
    let node = |path: &str| {
        let path = format!("{}/{path}", from.display());
        world.vault.node(&second, path.as_bytes()).unwrap()
    };
    let (ids, text) = (node("file 33").segments, node("text").segments);
    let packs = world.objects(ObjectKind::Pack);
    // Somebody has the vault open, and reads only afterwards.
    let reader = Vault::open(world.target.clone(), &password()).unwrap();
    world.forget(&first);
    let report = world.prune();
    let to = world.scratch.folder("read late");
    assert_eq!(restore_all(&reader, &second, &to), []);
    assert!(report.packs_rewritten >= 1, "{report:?}");
    assert!(
        report.bytes_moved > 4_500_000 && report.bytes_moved < 8_000_000,
        "{report:?}"
    );
    let now = world.objects(ObjectKind::Pack);
    assert!(
        packs.iter().all(|pack| !now.contains(pack)),
        "{packs:?} {now:?}"
    );
    world.is_whole(&[(&second, &from)]);
    assert_eq!(
        (node("file 33").segments, node("text").segments),
        (ids, text)
    );
    // The next run finds everything where it is now.
    let third = save(&world.vault, &from);
    assert_eq!(third.stored_bytes, 0);
    world.is_whole(&[(&second, &from), (&third, &from)]);
}

#[test]
fn what_does_not_verify_is_not_moved_and_its_pack_stays() {
    let world = World::new();
    let from = world.folder("from", &[("stays", 1, 900_000), ("goes", 2, 5_000_000)]);
    let first = save(&world.vault, &from);
    fs::remove_file(from.join("goes")).unwrap();
    save(&world.vault, &from);
    world.forget(&first);
    for ((kind, _), bytes) in world.target.objects().iter_mut() {
        if *kind == ObjectKind::Pack {
            // Frames are spoiled here and there.
            (1..20).for_each(|n| bytes[n * 300_000] ^= 1);
        }
    }
    let vault = Vault::open(world.target.clone(), &password()).unwrap();
    let packs = world.objects(ObjectKind::Pack);
    let report = prune(&vault, quick()).unwrap();
    assert_eq!(report.problems.len(), 1, "{report:?}");
    assert!(report.problems[0].what.contains("it stays"), "{report:?}");
    let now = world.objects(ObjectKind::Pack);
    assert!(packs.iter().all(|pack| now.contains(pack)));
}

#[test]
fn many_small_packs_and_index_objects_become_few() {
    let world = World::new();
    let from = world.folder("from", &[("a", 0, 1000)]);
    let mut last = save(&world.vault, &from);
    for n in 1..40 {
        fs::write(from.join("a"), noise(n, 50_000)).unwrap();
        fs::write(from.join(format!("b {n}")), noise(100 + n, 3000)).unwrap();
        let next = save(&world.vault, &from);
        world.forget(&last);
        last = next;
    }
    assert!(world.objects(ObjectKind::Index).len() >= 40);
    world.prune();
    assert!(world.objects(ObjectKind::Index).len() <= 2);
    assert!(world.objects(ObjectKind::Pack).len() <= 2);
    assert!(world.objects(ObjectKind::Tree).len() <= 2);
    assert!(world.objects(ObjectKind::Session).len() <= 2);
    world.is_whole(&[(&last, &from)]);
}

#[test]
fn packs_that_no_snapshot_ever_needed_go_too() {
    let world = World::new();
    let from = world.folder("from", &[("a", 1, 2_000_000)]);
    let kept = save(&world.vault, &from);
    let bytes = world.bytes();
    // A run that is given up.
    let watch = Watch::new();
    let meta = Meta {
        kind: Kind::Image,
        plan: "image".to_owned(),
        host: "here".to_owned(),
        started_ms: now(),
    };
    let mut given_up = SnapshotWriter::begin(&world.vault, meta, &watch).unwrap();
    let stream = noise(2, 80_000_000);
    given_up
        .add_stream("b", &mut &stream[..], Chunking::Cdc, 0o600)
        .unwrap();
    drop(given_up);
    assert!(world.bytes() > bytes);
    world.prune();
    assert_eq!(world.bytes(), bytes);
    world.is_whole(&[(&kept, &from)]);
}
