//! A run that ends at any call on files, by a line that goes down or power that goes: the vault opens, what was
//! committed is byte for byte the same, what was not is whole or absent, and the next run succeeds.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use vault::target::sim::{Done, Fault, Lie, Loss, Quirks, SimNas};
use vault::target::{self, ObjectKind, Target};
use vault::{Error, KdfCost, Snapshot, SnapshotId, Vault, Watch, prune};

use crate::content::{self, Content};
use crate::support::*;

/// A vault with three snapshots, and a folder that has changed since.
struct World {
    _scratch: Scratch,
    nas: SimNas,
    old: Vec<(Snapshot, Content)>,
    from: PathBuf,
}

fn open(nas: &SimNas, machine: u32) -> Result<Vault, Error> {
    Vault::open(Arc::new(nas.target(machine)), &password())
}

/// Of the first snapshot's pack little is needed by the last, of the second's nothing.
fn world(quirks: Quirks) -> World {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    let nas = SimNas::new(quirks);
    let vault = Vault::create(Arc::new(nas.target(1)), &password(), KdfCost::MINIMUM).unwrap();
    let mut old = Vec::new();
    fs::create_dir_all(from.join("sub")).unwrap();
    fs::write(from.join("stays"), noise(1, 3000)).unwrap();
    fs::write(from.join("goes"), noise(2, 20_000)).unwrap();
    for day in 0..3 {
        fs::write(from.join("sub/changes"), noise(10 + day, 2000)).unwrap();
        fs::write(from.join(format!("sub/of day {day}")), noise(20 + day, 500)).unwrap();
        old.push((save(&vault, &from), content::of_folder(&from)));
        fs::remove_file(from.join(format!("sub/of day {day}"))).unwrap();
        fs::remove_file(from.join("goes")).ok();
    }
    fs::write(from.join("sub/changes"), noise(30, 2500)).unwrap();
    fs::write(from.join("new"), noise(31, 700)).unwrap();
    nas.settle();
    World {
        _scratch: scratch,
        nas,
        old,
        from,
    }
}

fn prune(vault: &Vault, dry_run: bool) -> Result<prune::Report, Error> {
    let request = prune::Request {
        now_ms: now(),
        dry_run,
        revoke: false,
        wait: &|_| false,
        settle: &|| {},
    };
    vault.prune(&request, &Watch::new())
}

/// What is interrupted.
struct Job {
    run: fn(&World, &Vault) -> Result<(), Error>,
    /// So many of the oldest snapshots are forgotten by it.
    forgets: usize,
    commits: bool,
}

const BACKUP: Job = Job {
    run: |world, vault| save_with(vault, &[&world.from], &Watch::new()).map(|_| ()),
    forgets: 0,
    commits: true,
};

/// One pack goes, one is rewritten.
const PRUNE: Job = Job {
    run: |world, vault| {
        let names: Vec<_> = world.old[..2].iter().map(|(old, _)| old.name()).collect();
        vault.forget(&names, false, now())?;
        prune(vault, false).map(|_| ())
    },
    forgets: 2,
    commits: false,
};

/// What is wrong afterwards; whether there is a new snapshot.
fn judge(nas: &SimNas, world: &World, job: &Job, told: bool) -> Result<bool, String> {
    let broken = |what: &str| {
        let what = what.to_owned();
        move |error: Error| format!("{what}: failed to {error}")
    };
    let vault = open(nas, 3).map_err(broken("opening"))?;
    let (listed, _) = vault.snapshots().map_err(broken("listing"))?;
    for (at, (old, was)) in world.old.iter().enumerate() {
        let Some(snapshot) = listed.iter().find(|snapshot| snapshot.id == old.id) else {
            match at < job.forgets {
                true => continue,
                false => return Err("an old snapshot is gone".to_owned()),
            }
        };
        if told && at < job.forgets {
            return Err("told forgotten, and it is listed".to_owned());
        }
        let is = content::of_snapshot(&vault, snapshot).map_err(broken("an old snapshot"))?;
        if is != *was {
            return Err("an old snapshot is not what it was".to_owned());
        }
    }
    let want = content::of_folder(&world.from);
    let mut committed = false;
    for new in &listed {
        if world.old.iter().any(|(old, _)| old.id == new.id) {
            continue;
        }
        committed = true;
        if content::of_snapshot(&vault, new).map_err(broken("the new snapshot"))? != want {
            return Err("the new snapshot is not what was saved".to_owned());
        }
    }
    if told && job.commits && !committed {
        return Err("told done, and it is not there".to_owned());
    }
    let (next, problems) =
        save_with(&vault, &[&world.from], &Watch::new()).map_err(broken("the next run"))?;
    if !problems.is_empty() {
        return Err(format!("the next run has problems: {problems:?}"));
    }
    clean(nas, &vault).map_err(broken("tidying up"))??;
    let report = vault
        .check(true, None, &Watch::new())
        .map_err(broken("the check"))?;
    if !report.problems.is_empty() {
        return Err(format!("the check finds {:?}", report.problems));
    }
    if content::of_snapshot(&vault, &next).map_err(broken("the next snapshot"))? != want {
        return Err("the next snapshot is not what was saved".to_owned());
    }
    Ok(committed)
}

/// The next prune leaves nothing that nobody needs.
fn clean(nas: &SimNas, vault: &Vault) -> Result<Result<(), String>, Error> {
    let report = prune(vault, false)?;
    if !report.problems.is_empty() {
        return Ok(Err(format!("the prune finds {:?}", report.problems)));
    }
    let again = prune(&open(nas, 4)?, true)?;
    let left = again.packs_deleted + again.snapshots_deleted;
    let paths = nas.paths();
    let sessions = paths.iter().filter(|path| path.starts_with("sessions/"));
    let tombs = paths.iter().filter(|path| path.starts_with("tombs/"));
    let strays = paths.iter().filter(|path| path.starts_with("tmp/"));
    Ok(
        match (left, sessions.count(), tombs.count(), strays.count()) {
            // Those of the newest snapshot and of the prune itself; what was forgotten.
            (0, 0..=4, 0..=1, 0) => Ok(()),
            left => Err(format!("{left:?} is left: {paths:?}")),
        },
    )
}

#[derive(Debug, Default)]
struct Tally {
    calls: u64,
    runs: u64,
    /// The run was told that it failed, and the snapshot is there.
    committed_untold: u64,
}

/// A job for every call it makes, interrupted there.
fn interrupted_everywhere(
    world: &World,
    job: &Job,
    quirks: Quirks,
    losses: &[Loss],
) -> Result<Tally, String> {
    let mut tally = Tally::default();
    for at in 1.. {
        let mut struck = false;
        for done in [Done::No, Done::Half, Done::Yes] {
            for (n, loss) in losses.iter().enumerate() {
                let loss = match loss {
                    Loss::Chance(seed) => Loss::Chance(seed + 1000 * at + n as u64),
                    other => *other,
                };
                let nas = world.nas.copy(quirks);
                let fault = Fault {
                    at,
                    lie: Lie::Down,
                    done,
                };
                nas.fail(Some(fault));
                let told = open(&nas, 2)
                    .and_then(|vault| (job.run)(world, &vault))
                    .is_ok();
                let what = nas.struck();
                struck |= what.is_some();
                nas.cut(loss);
                let committed = judge(&nas, world, job, told)
                    .map_err(|found| format!("{fault:?} {what:?} {loss:?}: {found}"))?;
                tally.runs += 1;
                tally.committed_untold += u64::from(committed && !told);
            }
        }
        if !struck {
            tally.calls = at - 1;
            break;
        }
    }
    Ok(tally)
}

const LOSSES: [Loss; 5] = [
    Loss::Nothing,
    Loss::Unsynced,
    Loss::Torn,
    Loss::Chance(1),
    Loss::Chance(2),
];

#[test]
fn a_backup_interrupted_at_any_call_loses_nothing() {
    let plain = Quirks::default();
    for (quirks, losses) in [
        (plain, &LOSSES[..]),
        (
            Quirks {
                no_links: true,
                ..plain
            },
            &LOSSES[1..4],
        ),
    ] {
        let world = world(quirks);
        let tally = interrupted_everywhere(&world, &BACKUP, quirks, losses)
            .unwrap_or_else(|found| panic!("{quirks:?}: {found}"));
        assert!(tally.calls > 30 && tally.runs > 500, "{tally:?}");
        // The answer to the commit itself was lost.
        assert!(tally.committed_untold > 0, "{tally:?}");
    }
}

#[test]
fn a_prune_and_its_compaction_interrupted_at_any_call_lose_nothing() {
    let quirks = Quirks::default();
    let world = world(quirks);
    // It does what it is to be interrupted in.
    let nas = world.nas.copy(quirks);
    let vault = open(&nas, 2).unwrap();
    let names: Vec<_> = world.old[..2].iter().map(|(old, _)| old.name()).collect();
    vault.forget(&names, false, now()).unwrap();
    let report = prune(&vault, false).unwrap();
    assert!(
        report.packs_rewritten > 0 && report.packs_deleted > report.packs_rewritten,
        "{report:?}"
    );
    let tally = interrupted_everywhere(&world, &PRUNE, quirks, &LOSSES)
        .unwrap_or_else(|found| panic!("{found}"));
    assert!(tally.calls > 60, "{tally:?}");
}

/// The same with fsync made a no-op must find something, or it proves nothing.
#[test]
fn the_crash_tests_fail_where_fsync_does_nothing() {
    let world = world(Quirks::default());
    let quirks = Quirks {
        ignores_sync: true,
        ..Quirks::default()
    };
    for job in [BACKUP, PRUNE] {
        for loss in [Loss::Unsynced, Loss::Torn, Loss::Chance(1)] {
            let found = interrupted_everywhere(&world, &job, quirks, &[loss]);
            assert!(
                found.is_err(),
                "forgets {} {loss:?}: {found:?}",
                job.forgets
            );
        }
    }
}

#[test]
fn a_run_through_a_nas_that_lies_once_anywhere_succeeds() {
    let world = world(Quirks::default());
    for job in [BACKUP, PRUNE] {
        for lie in [Lie::NotFound, Lie::Denied, Lie::Stale, Lie::Interrupted] {
            for done in [Done::No, Done::Yes] {
                for at in 1..400 {
                    let nas = world.nas.copy(Quirks::default());
                    let fault = Fault { at, lie, done };
                    nas.fail(Some(fault));
                    let told = open(&nas, 2).and_then(|vault| (job.run)(&world, &vault));
                    let (what, calls) = (nas.struck(), nas.calls());
                    told.unwrap_or_else(|error| panic!("{fault:?} {what:?}: {error}"));
                    // One that does not fit the call is not told: nothing new to see.
                    if what.is_some() {
                        nas.cut(Loss::Unsynced);
                        judge(&nas, &world, &job, true)
                            .unwrap_or_else(|found| panic!("{fault:?} {what:?}: {found}"));
                    }
                    if calls < at {
                        break;
                    }
                }
            }
        }
    }
}

#[test]
fn a_nas_that_fills_up_at_any_point_of_a_backup_loses_nothing() {
    let world = world(Quirks::default());
    let used: u64 = world
        .nas
        .paths()
        .iter()
        .map(|path| world.nas.read(path).unwrap().len() as u64)
        .sum();
    let mut went = 0;
    for room in (0..20_000).step_by(211) {
        let nas = world.nas.copy(Quirks {
            capacity: Some(used + room),
            ..Quirks::default()
        });
        let told = open(&nas, 2).and_then(|vault| save_with(&vault, &[&world.from], &Watch::new()));
        if let Err(error) = &told {
            assert!(
                matches!(error, Error::Target(target::Error::Full { .. })),
                "{room}: {error}"
            );
        }
        went += u64::from(told.is_ok());
        assert_eq!(nas.target(3).strays().unwrap(), [], "{room}");
        nas.cut(Loss::Unsynced);
        let nas = nas.copy(Quirks::default());
        judge(&nas, &world, &BACKUP, told.is_ok())
            .unwrap_or_else(|found| panic!("{room}: {found}"));
    }
    assert!((1..90).contains(&went), "{went}");
}

#[test]
fn two_machines_that_see_each_other_late_both_commit() {
    let quirks = Quirks {
        listing_delay: 40,
        ..Quirks::default()
    };
    let world = world(quirks);
    let nas = world.nas.copy(quirks);
    let ids: Vec<SnapshotId> = std::thread::scope(|scope| {
        let run = |machine| {
            let (nas, from) = (&nas, &world.from);
            scope.spawn(move || {
                let vault = open(nas, machine).unwrap();
                let saved = (0..5).map(|_| save(&vault, from).id);
                saved.collect::<Vec<_>>()
            })
        };
        let both = [run(5), run(6)];
        both.into_iter()
            .flat_map(|run| run.join().unwrap())
            .collect()
    });
    nas.settle();
    let vault = open(&nas, 7).unwrap();
    let listed = vault.snapshots().unwrap().0;
    assert_eq!(listed.len(), 13);
    let want = content::of_folder(&world.from);
    for id in ids {
        let snapshot = listed.iter().find(|snapshot| snapshot.id == id).unwrap();
        assert_eq!(content::of_snapshot(&vault, snapshot).unwrap(), want);
    }
    assert_eq!(vault.check(true, None, &Watch::new()).unwrap().problems, []);
}

/// Writers and a sweep at once, each seeing late what the other did: no snapshot that counts lacks anything.
#[test]
fn backups_beside_prunes_that_see_each_other_late_lose_nothing() {
    for listing_delay in [0, 1, 7, 20, 60, 61, 62, 63, 64, 150] {
        side_by_side(Quirks {
            listing_delay,
            ..Quirks::default()
        });
    }
}

fn side_by_side(quirks: Quirks) {
    let world = world(quirks);
    let nas = world.nas.copy(quirks);
    let want = content::of_folder(&world.from);
    let (runs, pruned) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let vault = open(&nas, 5).unwrap();
            (0..15)
                .map(|_| save(&vault, &world.from))
                .collect::<Vec<_>>()
        });
        let vault = open(&nas, 6).unwrap();
        let mut pruned = 0;
        while !writer.is_finished() {
            let (listed, _) = vault.snapshots().unwrap();
            let keep = listed.len().saturating_sub(2);
            let names: Vec<_> = listed[..keep].iter().map(Snapshot::name).collect();
            vault.forget(&names, false, now()).unwrap();
            let request = prune::Request {
                now_ms: now(),
                dry_run: false,
                revoke: false,
                wait: &|_| {
                    std::thread::yield_now();
                    true
                },
                // As long as a listing may lag.
                settle: &|| {
                    let target = nas.target(6);
                    (0..quirks.listing_delay).for_each(|_| drop(target.names(ObjectKind::Mark)));
                },
            };
            pruned += u64::from(vault.prune(&request, &Watch::new()).is_ok());
        }
        (writer.join().unwrap(), pruned)
    });
    assert!(pruned > 0, "{quirks:?}");
    nas.settle();
    let vault = open(&nas, 7).unwrap();
    let listed = vault.snapshots().unwrap().0;
    assert!(listed.iter().any(|snapshot| snapshot.id == runs[14].id));
    for snapshot in &listed {
        let is = content::of_snapshot(&vault, snapshot).unwrap();
        let old = world.old.iter().find(|(old, _)| old.id == snapshot.id);
        assert!(is == *old.map_or(&want, |(_, was)| was), "{}", snapshot.id);
    }
    let report = vault.check(true, None, &Watch::new()).unwrap();
    assert_eq!(report.problems, [], "{quirks:?}");
}

/// Making a vault can be repeated whatever became of the first try.
#[test]
fn a_creation_interrupted_at_any_call_can_be_repeated() {
    for at in 1..80 {
        for (n, done) in [Done::No, Done::Half, Done::Yes].into_iter().enumerate() {
            for loss in [
                Loss::Nothing,
                Loss::Unsynced,
                Loss::Torn,
                Loss::Chance(at * 3 + n as u64),
            ] {
                let nas = SimNas::new(Quirks::default());
                nas.fail(Some(Fault {
                    at,
                    lie: Lie::Down,
                    done,
                }));
                let create = |machine| {
                    Vault::create(Arc::new(nas.target(machine)), &password(), KdfCost::MINIMUM)
                };
                let told = create(1).is_ok();
                let what = nas.struck();
                nas.cut(loss);
                let label = format!("{at} {done:?} {what:?} {loss:?}");
                let opened = open(&nas, 2);
                assert!(
                    !told || opened.is_ok(),
                    "{label}: told made, and does not open"
                );
                if opened.is_err() {
                    create(3).unwrap_or_else(|error| panic!("{label}: {error}"));
                }
                let target = nas.target(4);
                assert_eq!(target.names(ObjectKind::Key).unwrap().len(), 1, "{label}");
            }
        }
    }
}
