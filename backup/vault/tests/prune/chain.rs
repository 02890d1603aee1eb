//! A snapshot that is deleted behind the vault's back is missed, and so is a vault that was put back to an older state.

use crate::support::*;
use crate::world::World;
use vault::target::ObjectKind;
use vault::{Problem, Vault, Watch};

fn problems(world: &World) -> Vec<Problem> {
    let vault = Vault::open(world.target.clone(), &password()).unwrap();
    vault.check(false, None, &Watch::new()).unwrap().problems
}

fn delete(world: &World, snapshot: &vault::Snapshot) -> String {
    let name = snapshot.name().to_string();
    let gone = world
        .target
        .objects()
        .remove(&(ObjectKind::Snapshot, name.clone()));
    assert!(gone.is_some());
    ObjectKind::Snapshot.folder().to_owned() + "/" + &name
}

#[test]
fn any_deleted_snapshot_is_missed_also_the_newest_and_after_a_prune() {
    for pruned in [false, true] {
        for at in 0..3 {
            let world = World::new();
            let from = world.folder("from", &[("a", 1, 1000)]);
            let all: Vec<_> = (0..3).map(|_| save(&world.vault, &from)).collect();
            if pruned {
                world.prune();
                assert!(
                    world.objects(ObjectKind::Session).len() <= 2,
                    "few sessions stay"
                );
            }
            assert_eq!(problems(&world), []);
            let name = delete(&world, &all[at]);
            let found = problems(&world);
            let named: Vec<_> = found
                .iter()
                .filter(|problem| problem.object == name)
                .collect();
            assert_eq!(named.len(), 1, "{at}: {found:?}");
            assert!(named[0].what.starts_with("is missing"), "{found:?}");
            // A prune does not make it forgotten.
            if at == 2 {
                world.prune();
                assert!(
                    problems(&world)
                        .iter()
                        .any(|problem| problem.object == name)
                );
            }
        }
    }
}

#[test]
fn a_vault_put_back_to_an_older_state_is_noticed_by_who_remembers_its_head() {
    let world = World::new();
    let from = world.folder("from", &[("a", 1, 1000)]);
    assert_eq!(world.vault.head().unwrap(), None);
    save(&world.vault, &from);
    let before = world.target.objects().clone();
    let second = save(&world.vault, &from);
    let head = world.vault.head().unwrap().unwrap();
    assert_eq!(head, second.name());
    let check = |expected| {
        let vault = Vault::open(world.target.clone(), &password()).unwrap();
        let report = vault.check_from(expected, false, &Watch::new()).unwrap();
        report.problems
    };
    assert_eq!(check(Some(head)), []);
    *world.target.objects() = before;
    assert_eq!(check(None), [], "nothing in the vault itself tells");
    let found = check(Some(head));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].what.contains("older state"), "{found:?}");
    // Also when it went on since.
    save(&world.vault, &from);
    assert_eq!(check(Some(head)).len(), 1);
}

#[test]
fn a_head_that_was_forgotten_since_is_not_missed() {
    let world = World::new();
    let from = world.folder("from", &[("a", 1, 1000)]);
    let first = save(&world.vault, &from);
    let head = world.vault.head().unwrap();
    for _ in 0..3 {
        save(&world.vault, &from);
    }
    world.forget(&first);
    world.prune();
    let report = world.vault.check_from(head, false, &Watch::new());
    assert_eq!(report.unwrap().problems, []);
}
