//! By rules, by name; what is held, proven or the last stays.

use std::collections::HashMap;

use crate::support::*;
use crate::world::{World, quick};
use vault::forget::Circumstances;
use vault::retention::{Reason, Rules};
use vault::target::ObjectKind;
use vault::{Error, Watch};

#[test]
fn what_is_forgotten_is_gone_and_not_missed() {
    let world = World::new();
    let from = world.folder("from", &[("a", 1, 100_000)]);
    let first = save(&world.vault, &from);
    let second = save(&world.vault, &from);
    world.forget(&first);
    assert_eq!(world.objects(ObjectKind::Snapshot).len(), 1);
    assert_eq!(world.objects(ObjectKind::Tomb).len(), 1);
    world.is_whole(&[(&second, &from)]);
    assert!(matches!(
        world.vault.snapshot(&first.id.to_string()),
        Err(Error::NoSuchSnapshot { .. })
    ));
    // The next one goes on from there, and when the newest itself was forgotten.
    let third = save(&world.vault, &from);
    assert_eq!(third.seq, 3);
    world.forget(&third);
    let fourth = save(&world.vault, &from);
    assert_eq!(fourth.seq, 4);
    world.is_whole(&[(&second, &from), (&fourth, &from)]);
    assert_eq!(world.objects(ObjectKind::Tomb).len(), 1);
}

#[test]
fn a_crash_between_the_tomb_and_the_deletion_forgets_all_the_same() {
    let world = World::new();
    let from = world.folder("from", &[("a", 1, 100_000)]);
    let first = save(&world.vault, &from);
    let second = save(&world.vault, &from);
    let name = (ObjectKind::Snapshot, first.name().to_string());
    let object = world.target.objects()[&name].clone();
    world.forget(&first);
    world.target.objects().insert(name, object);
    world.is_whole(&[(&second, &from)]);
    assert_eq!(world.prune().snapshots_deleted, 1);
    assert_eq!(world.objects(ObjectKind::Snapshot).len(), 1);
    world.is_whole(&[(&second, &from)]);
}

#[test]
fn what_is_held_or_proven_or_last_is_not_forgotten() {
    let world = World::new();
    let from = world.folder("from", &[("a", 1, 1000)]);
    let all: Vec<_> = (0..5).map(|_| save(&world.vault, &from)).collect();
    world.vault.hold(&all[0], "audit 2026", now()).unwrap();
    world.vault.mark_proven(&all[1], "drill", now()).unwrap();
    world.vault.mark_proven(&all[2], "drill", now()).unwrap();
    let rules = Rules {
        last: 1,
        ..Rules::default()
    };
    let nothing = HashMap::new();
    let circumstances = Circumstances {
        now_ms: now(),
        offset_s: &|_| 0,
        protected: &nothing,
    };
    let (judged, problems) = world.vault.judge(&rules, &circumstances).unwrap();
    assert_eq!(problems, []);
    let kept: Vec<_> = judged.iter().map(|(_, verdict)| verdict.keep).collect();
    assert_eq!(kept, [true, false, true, false, true]);
    let held = Reason::Protected("held: audit 2026".to_owned());
    assert_eq!(judged[0].1.reasons, [held]);
    assert_eq!(judged[2].1.reasons, [Reason::NewestProven]);
    let refused = |at: usize, even_last| {
        let forgotten = world.vault.forget(&[all[at].name()], even_last, now());
        matches!(forgotten, Err(Error::MayNotForget { .. }))
    };
    assert!(refused(0, false) && refused(0, true), "it is held");
    assert!(refused(2, false) && refused(4, false));
    assert_eq!(world.vault.snapshots().unwrap().0.len(), 5);
    // Released, it may go; the release stays said although the hold is older.
    assert_eq!(world.vault.release(&all[0], "", now()).unwrap().len(), 1);
    assert_eq!(world.vault.holds().unwrap(), []);
    assert_eq!(world.vault.release(&all[0], "", now()).unwrap(), []);
    world.forget(&all[0]);
    world.forget(&all[2]);
    let marks = world.objects(ObjectKind::Mark).len();
    world.prune();
    let left = world.objects(ObjectKind::Mark).len();
    assert!(left < marks, "marks of what is gone: {left} of {marks}");
    assert_eq!(world.vault.holds().unwrap(), []);
}

#[test]
fn a_snapshot_that_cannot_be_read_stops_a_prune_until_it_is_forgotten() {
    let world = World::new();
    let from = world.folder("from", &[("a", 1, 100_000)]);
    let first = save(&world.vault, &from);
    let second = save(&world.vault, &from);
    let name = (ObjectKind::Snapshot, first.name().to_string());
    world.target.objects().get_mut(&name).unwrap()[60] ^= 1;
    let vault = vault::Vault::open(world.target.clone(), &password()).unwrap();
    assert_eq!(vault.unreadable().unwrap(), [first.name()]);
    let refused = crate::world::prune(&vault, quick());
    assert!(
        matches!(refused, Err(Error::Unknowable { .. })),
        "{refused:?}"
    );
    vault.forget(&[first.name()], false, now()).unwrap();
    crate::world::prune(&vault, quick()).unwrap();
    let report = vault.check(true, None, &Watch::new()).unwrap();
    assert_eq!(report.problems, []);
    world.is_whole(&[(&second, &from)]);
}
