//! Damage in place: named by path, not counted on after a repair, healed by the next backup, gone with the next prune.

use std::fs;
use std::path::Path;

use crate::support::*;
use crate::world::World;
use vault::target::ObjectKind;
use vault::{Problem, Vault, Watch};

fn fresh(world: &World) -> Vault {
    Vault::open(world.target.clone(), &password()).unwrap()
}

fn check(world: &World) -> Vec<Problem> {
    let report = fresh(world).check(true, None, &Watch::new());
    report.unwrap().problems
}

/// Changes the first data pack.
fn spoil(world: &World, change: impl Fn(&mut Vec<u8>)) -> String {
    let mut objects = world.target.objects();
    let first = objects
        .iter_mut()
        .find(|((kind, _), _)| *kind == ObjectKind::Pack);
    let ((_, name), bytes) = first.unwrap();
    change(bytes);
    format!("packs/{name}")
}

#[test]
fn a_pack_that_rotted_is_stored_again_after_a_repair_and_goes() {
    let world = World::new();
    let from = world.folder(
        "from",
        &[("a", 1, 4_600_000), ("b", 2, 900_000), ("c", 3, 10_000)],
    );
    let first = save(&world.vault, &from);
    // Its middle, which is of the long frame whichever was pressed first.
    let pack = spoil(&world, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    });
    let found = check(&world);
    let objects: Vec<_> = found
        .iter()
        .map(|problem| problem.object.as_str())
        .collect();
    assert_eq!(objects[0], pack, "{found:?}");
    let hit = |name: &str| objects.iter().any(|object| object.ends_with(name));
    assert!(
        hit("/from/a") && !hit("/from/b") && !hit("/from/c"),
        "{found:?}"
    );
    // A backup does not read what it counts on: it cannot know.
    let again = fresh(&world);
    for name in ["a", "b", "c"] {
        fs::write(from.join(name), fs::read(from.join(name)).unwrap()).unwrap();
    }
    let second = save(&again, &from);
    assert!(second.stored_bytes < 50_000, "{second:?}");
    let report = fresh(&world).repair(now(), &Watch::new()).unwrap();
    assert_eq!(
        (report.packs_bad, report.packs_searched),
        (1, 0),
        "{report:?}"
    );
    assert_eq!(report.problems.len(), 1, "{report:?}");
    // Saying it twice says it once.
    fresh(&world).repair(now(), &Watch::new()).unwrap();
    assert_eq!(world.objects(ObjectKind::Tomb).len(), 1);
    for name in ["a", "b", "c"] {
        fs::write(from.join(name), fs::read(from.join(name)).unwrap()).unwrap();
    }
    let third = save(&fresh(&world), &from);
    assert!(third.stored_bytes > 2_800_000, "{third:?}");
    let left = check(&world);
    assert_eq!(left.len(), 1, "only the pack itself: {left:?}");
    let vault = fresh(&world);
    crate::world::prune(&vault, crate::world::quick()).unwrap();
    assert!(
        !world
            .objects(ObjectKind::Pack)
            .iter()
            .any(|name| pack.ends_with(name.as_str()))
    );
    world.is_whole(&[(&first, &from), (&second, &from), (&third, &from)]);
    assert_eq!(
        world.objects(ObjectKind::Tomb).len(),
        0,
        "nothing is left to say"
    );
}

#[test]
fn what_is_sound_in_a_rotten_pack_is_moved_by_a_prune_and_the_rest_stays_named() {
    let world = World::new();
    let from = world.folder("from", &[("a", 1, 300_000), ("b", 2, 900_000)]);
    save(&world.vault, &from);
    let pack = spoil(&world, |bytes| bytes[150_000] ^= 1);
    fresh(&world).repair(now(), &Watch::new()).unwrap();
    let before = check(&world);
    let report = crate::world::prune(&fresh(&world), crate::world::quick()).unwrap();
    assert_eq!(report.problems.len(), 1, "{report:?}");
    assert_eq!(report.packs_deleted, 0);
    let after = check(&world);
    assert_eq!(before, after);
    assert_eq!(after[0].object, pack);
}

#[test]
fn a_pack_without_its_directory_is_searched_for_frames() {
    let world = World::new();
    let from = world.folder("from", &[("a", 1, 6_000_000), ("b", 2, 6_000_000)]);
    let first = save(&world.vault, &from);
    // No index object says what it holds, and the end of its directory is gone (which has more than 20 chunks: no
    // frame ends so late, wherever the vault's key cuts); so is one frame.
    let indexes = world.objects(ObjectKind::Index);
    for name in indexes {
        world.target.objects().remove(&(ObjectKind::Index, name));
    }
    spoil(&world, |bytes| {
        let len = bytes.len();
        bytes[len - 100..].fill(0);
        bytes[300_000] ^= 1;
    });
    let lost = |found: &[Problem]| {
        let files = found
            .iter()
            .filter(|problem| problem.object.contains("/from/"));
        files.count()
    };
    assert_eq!(lost(&check(&world)), 2);
    let report = fresh(&world).repair(now(), &Watch::new()).unwrap();
    assert_eq!(
        (report.packs_bad, report.packs_searched),
        (1, 1),
        "{report:?}"
    );
    assert!(report.chunks_found > 20, "{report:?}");
    // Most of it is there again, without the pack having changed; the next backup brings the rest.
    let vault = fresh(&world);
    let path = |name: &str| format!("{}/{name}", from.display()).into_bytes();
    let read = |name: &str| {
        let node = vault.node(&first, &path(name)).unwrap();
        let mut bytes = Vec::new();
        let read = std::io::Read::read_to_end(&mut vault.open_file(&node).unwrap(), &mut bytes);
        read.is_ok_and(|_| bytes == fs::read(from.join(name)).unwrap())
    };
    assert_eq!((read("a"), read("b")), (false, true));
    for name in ["a", "b"] {
        fs::write(from.join(name), fs::read(from.join(name)).unwrap()).unwrap();
    }
    save(&vault, &from);
    let left = check(&world);
    assert_eq!(lost(&left), 0, "{left:?}");
}

#[test]
fn lost_and_damaged_index_objects_are_written_anew() {
    let world = World::new();
    let from = world.folder("from", &[("a", 1, 300_000)]);
    let mut all = Vec::new();
    for n in 0..4 {
        fs::write(from.join(format!("b {n}")), noise(50 + n, 5000)).unwrap();
        all.push(save(&world.vault, &from));
    }
    let indexes = world.objects(ObjectKind::Index);
    assert_eq!(indexes.len(), 4);
    world
        .target
        .objects()
        .remove(&(ObjectKind::Index, indexes[0].clone()));
    let damaged = (ObjectKind::Index, indexes[1].clone());
    world.target.objects().get_mut(&damaged).unwrap()[50] ^= 1;
    let found = check(&world);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].object.starts_with("index/"));
    let report = fresh(&world).repair(now(), &Watch::new()).unwrap();
    assert_eq!((report.indexes_before, report.indexes_after), (3, 1));
    assert_eq!(report.problems, []);
    assert_eq!(check(&world), []);
    let last = all.last().unwrap();
    let to = world.scratch.folder("to");
    assert_eq!(restore_all(&fresh(&world), last, &to), []);
    assert!(Path::new(&to).exists());
}
