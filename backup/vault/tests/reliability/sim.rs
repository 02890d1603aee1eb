//! Publishing one object, with every single call on files failing, lying or being the last before the power goes.

use vault::target::sim::{Done, Fault, Lie, Loss, Quirks, SimNas};
use vault::target::{Error, ObjectKind, Target};

use crate::support::noise;

const NAME: &str = "00112233445566778899aabbccddeeff";
const PATH: &str = "packs/00112233445566778899aabbccddeeff";
const LENGTHS: [usize; 3] = [0, 40, 20_000];

fn quirks() -> [Quirks; 4] {
    let plain = Quirks::default();
    let no_links = Quirks {
        no_links: true,
        ..plain
    };
    [
        plain,
        no_links,
        Quirks {
            no_careful_rename: true,
            ..no_links
        },
        Quirks {
            longest_write: Some(3000),
            ..plain
        },
    ]
}

fn prepared(quirks: Quirks) -> SimNas {
    let nas = SimNas::new(quirks);
    nas.target(1).prepare().unwrap();
    nas
}

/// Puts an object on a copy of the NAS with that fault; true when the fault struck.
fn put(nas: &SimNas, fault: Fault, bytes: &[u8]) -> (SimNas, Result<(), Error>, bool) {
    let nas = nas.copy(nas.quirks());
    nas.fail(Some(fault));
    let told = nas.target(2).put(ObjectKind::Pack, NAME, bytes);
    let struck = nas.struck().is_some();
    (nas, told, struck)
}

/// How many calls a put takes that nothing disturbs.
fn calls(nas: &SimNas, bytes: &[u8]) -> u64 {
    let nas = nas.copy(nas.quirks());
    nas.target(2).put(ObjectKind::Pack, NAME, bytes).unwrap();
    nas.calls()
}

#[test]
fn an_object_is_whole_or_absent_wherever_the_power_goes() {
    for quirks in quirks() {
        let nas = prepared(quirks);
        for len in LENGTHS {
            let bytes = noise(1, len);
            let calls = calls(&nas, &bytes);
            assert!(calls >= 8, "{calls}");
            let mut promised = 0;
            for at in 1..=calls + 1 {
                for done in [Done::No, Done::Half, Done::Yes] {
                    for loss in [Loss::Nothing, Loss::Unsynced, Loss::Torn]
                        .into_iter()
                        .chain((0..12).map(Loss::Chance))
                    {
                        let fault = Fault {
                            at,
                            lie: Lie::Down,
                            done,
                        };
                        let (nas, told, struck) = put(&nas, fault, &bytes);
                        let label =
                            format!("{quirks:?} {len} {fault:?} {:?} {loss:?}", nas.struck());
                        assert_eq!(struck, at <= calls, "{label}");
                        nas.cut(loss);
                        let target = nas.target(3);
                        match target.get(ObjectKind::Pack, NAME) {
                            Ok(found) => assert!(found == bytes, "{label}: torn under its name"),
                            Err(Error::NotFound { .. }) => {
                                assert!(told.is_err(), "{label}: told, and lost");
                            }
                            Err(error) => panic!("{label}: {error}"),
                        }
                        promised += usize::from(told.is_ok());
                        let strays = target.strays().unwrap();
                        assert!(strays.len() <= 1, "{label}: {strays:?}");
                        for stray in strays {
                            assert!(!stray.own, "{label}");
                            target.remove_stray(&stray.name).unwrap();
                        }
                        let left: Vec<_> = nas
                            .paths()
                            .into_iter()
                            .filter(|path| path != PATH)
                            .collect();
                        assert!(left.is_empty(), "{label}: {left:?}");
                    }
                }
            }
            assert!(promised >= 45, "{promised}");
        }
    }
}

/// The same with fsync made a no-op: the test above has teeth.
#[test]
fn without_fsync_objects_that_were_promised_are_lost() {
    let nas = prepared(Quirks::default());
    let nas = nas.copy(Quirks {
        ignores_sync: true,
        ..Quirks::default()
    });
    nas.settle();
    let bytes = noise(1, 5000);
    let (mut lost, mut torn) = (0, 0);
    for loss in [Loss::Unsynced, Loss::Torn]
        .into_iter()
        .chain((0..20).map(Loss::Chance))
    {
        let nas = nas.copy(nas.quirks());
        nas.target(2).put(ObjectKind::Pack, NAME, &bytes).unwrap();
        nas.cut(loss);
        match nas.target(3).get(ObjectKind::Pack, NAME) {
            Ok(found) => torn += usize::from(found != bytes),
            Err(_) => lost += 1,
        }
    }
    assert!(lost > 3 && torn > 3, "{lost} {torn}");
}

#[test]
fn a_lie_about_any_call_neither_fails_nor_doubles_a_put() {
    for quirks in quirks() {
        let nas = prepared(quirks);
        for len in LENGTHS {
            let bytes = noise(1, len);
            let calls = calls(&nas, &bytes);
            for at in 1..=calls {
                for lie in [Lie::NotFound, Lie::Denied, Lie::Stale, Lie::Interrupted] {
                    for done in [Done::No, Done::Yes] {
                        let fault = Fault { at, lie, done };
                        let (nas, told, _) = put(&nas, fault, &bytes);
                        let label = format!("{quirks:?} {len} {fault:?} {:?}", nas.struck());
                        told.unwrap_or_else(|error| panic!("{label}: {error}"));
                        nas.cut(Loss::Unsynced);
                        assert_eq!(nas.read(PATH), Some(bytes.clone()), "{label}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_lie_about_any_call_neither_fails_nor_undoes_a_removal() {
    let nas = prepared(Quirks::default());
    for name in ["a", "b", "c"] {
        nas.target(1).put(ObjectKind::Pack, name, b"x").unwrap();
    }
    for at in 1..8 {
        for lie in [Lie::NotFound, Lie::Denied, Lie::Stale, Lie::Interrupted] {
            for done in [Done::No, Done::Yes] {
                let nas = nas.copy(Quirks::default());
                let fault = Fault { at, lie, done };
                nas.fail(Some(fault));
                let told = nas.target(2).remove(ObjectKind::Pack, &["a", "b"]);
                told.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
                nas.cut(Loss::Unsynced);
                assert_eq!(nas.paths(), ["packs/c"], "{fault:?}");
            }
        }
    }
}

/// A snapshot that comes back after the packs it names are gone would be a snapshot that cannot be restored.
#[test]
fn what_was_removed_first_never_outlives_what_was_removed_later() {
    let nas = prepared(Quirks::default());
    nas.target(1).put(ObjectKind::Snapshot, "s", b"x").unwrap();
    nas.target(1).put(ObjectKind::Pack, "p", b"x").unwrap();
    for at in 1..10 {
        for seed in 0..20 {
            let nas = nas.copy(Quirks::default());
            nas.fail(Some(Fault {
                at,
                lie: Lie::Down,
                done: Done::Yes,
            }));
            let target = nas.target(2);
            let _ = target
                .remove(ObjectKind::Snapshot, &["s"])
                .and_then(|()| target.remove(ObjectKind::Pack, &["p"]));
            nas.cut(Loss::Chance(seed));
            let left = nas.paths();
            assert_ne!(left, ["snapshots/s"], "call {at}, seed {seed}");
        }
    }
}

#[test]
fn a_full_nas_is_said_at_every_byte_and_nothing_is_left_on_it() {
    let nas = prepared(Quirks::default());
    let bytes = noise(1, 700);
    for capacity in 0..=700 {
        let nas = nas.copy(Quirks {
            capacity: Some(capacity),
            ..Quirks::default()
        });
        let told = nas.target(2).put(ObjectKind::Pack, NAME, &bytes);
        match told {
            Ok(()) => assert_eq!(capacity, 700),
            Err(Error::Full {
                needed_bytes: 700,
                free_bytes,
                ..
            }) => {
                assert!(
                    capacity < 700 && free_bytes <= capacity,
                    "{capacity} {free_bytes}"
                );
                assert_eq!(
                    nas.paths(),
                    [""; 0],
                    "{capacity}: half an object keeps it full"
                );
            }
            Err(error) => panic!("{capacity}: {error}"),
        }
    }
}

#[test]
fn a_stray_that_a_sweep_takes_from_its_writer_is_written_again() {
    for quirks in quirks() {
        let nas = prepared(quirks);
        let bytes = noise(1, 5000);
        for at in 1..=calls(&nas, &bytes) {
            let nas = nas.copy(quirks);
            nas.sweep_strays_before(at);
            nas.target(2).put(ObjectKind::Pack, NAME, &bytes).unwrap();
            nas.cut(Loss::Unsynced);
            assert_eq!(nas.read(PATH), Some(bytes.clone()), "{quirks:?} {at}");
        }
    }
}

#[test]
fn names_of_another_machine_are_listed_late_and_found_at_once() {
    let nas = prepared(Quirks {
        listing_delay: 50,
        ..Quirks::default()
    });
    let (one, other) = (nas.target(1), nas.target(2));
    one.put(ObjectKind::Session, "s", b"x").unwrap();
    assert_eq!(one.names(ObjectKind::Session).unwrap(), ["s"]);
    assert_eq!(other.names(ObjectKind::Session).unwrap(), [""; 0]);
    assert_eq!(other.size(ObjectKind::Session, "s").unwrap(), Some(1));
    let asked = (0..60).find(|_| !other.names(ObjectKind::Session).unwrap().is_empty());
    assert!(asked.is_some());
    one.remove(ObjectKind::Session, &["s"]).unwrap();
    assert_eq!(other.names(ObjectKind::Session).unwrap(), ["s"]);
    assert_eq!(other.size(ObjectKind::Session, "s").unwrap(), None);
}
