//! Targets: one contract for all, and what a folder on a real disk can do wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use support::*;
use vault::target::{Error, LocalTarget, MemoryTarget, ObjectKind, Target};
use vault::{Vault, Watch};

fn contract(target: &dyn Target) {
    target.prepare().unwrap();
    let (kind, name) = (ObjectKind::Pack, "00112233445566778899aabbccddeeff");
    assert_eq!(target.size(kind, name).unwrap(), None);
    assert!(matches!(
        target.get(kind, name),
        Err(Error::NotFound { .. })
    ));
    assert!(matches!(
        target.get_range(kind, name, 0, 1),
        Err(Error::NotFound { .. })
    ));
    let bytes = noise(1, 300_000);
    target.put(kind, name, &bytes).unwrap();
    assert!(matches!(
        target.put(kind, name, b"other"),
        Err(Error::Exists { .. })
    ));
    assert_eq!(
        target.get(kind, name).unwrap(),
        bytes,
        "the first one stays"
    );
    assert_eq!(target.size(kind, name).unwrap(), Some(300_000));
    assert_eq!(
        target.get_range(kind, name, 299_990, 10).unwrap(),
        &bytes[299_990..]
    );
    assert_eq!(target.get_range(kind, name, 300_000, 0).unwrap(), b"");
    for (offset, len) in [(299_990, 11), (300_001, 0), (u64::MAX, 1), (0, usize::MAX)] {
        assert!(
            matches!(
                target.get_range(kind, name, offset, len),
                Err(Error::Short { .. })
            ),
            "{offset} {len}"
        );
    }
    assert_eq!(
        target.list(kind).unwrap(),
        [vault::target::Entry {
            name: name.to_owned(),
            size: 300_000
        }]
    );
    assert_eq!(target.list(ObjectKind::Snapshot).unwrap(), []);
    target.put(ObjectKind::Snapshot, name, b"").unwrap();
    assert_eq!(target.get(ObjectKind::Snapshot, name).unwrap(), b"");
    target.put(ObjectKind::Key, "key", b"k").unwrap();
    assert!(matches!(target.prepare(), Err(Error::NotEmpty { .. })));
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            scope.spawn(move || {
                for n in 0..10u8 {
                    target
                        .put(
                            ObjectKind::Tree,
                            &format!("{thread:016x}{n:016x}"),
                            &[thread, n],
                        )
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(target.list(ObjectKind::Tree).unwrap().len(), 40);
}

#[test]
fn every_target_keeps_the_contract() {
    contract(&MemoryTarget::new());
    let scratch = Scratch::new();
    contract(&LocalTarget::open(&scratch.0, false).unwrap());
    assert_eq!(
        fs::read_dir(scratch.0.join("tmp")).unwrap().count(),
        0,
        "no stray is left"
    );
}

fn open(folder: &Path, must_be_mounted: bool) -> Error {
    LocalTarget::open(folder, must_be_mounted).unwrap_err()
}

#[test]
fn a_folder_that_is_missing_or_no_folder_is_said() {
    let scratch = Scratch::new();
    let missing = scratch.0.join("missing");
    assert!(matches!(open(&missing, false), Error::Missing { .. }));
    fs::write(scratch.0.join("file"), b"x").unwrap();
    assert!(matches!(
        open(&scratch.0.join("file"), false),
        Error::NotAFolder { .. }
    ));
    let said = open(&missing, false).to_string();
    assert!(
        said.contains(missing.to_str().unwrap()) && said.contains("mount"),
        "{said}"
    );
    fs::write(scratch.folder("full").join("something"), b"x").unwrap();
    let target = Arc::new(LocalTarget::open(&scratch.0.join("full"), false).unwrap());
    let refused = Vault::create(target, &password(), vault::KdfCost::MINIMUM)
        .map(|_| ())
        .unwrap_err();
    assert!(refused.to_string().contains("something"), "{refused}");
    assert_eq!(
        fs::read_dir(scratch.0.join("full")).unwrap().count(),
        1,
        "nothing was made there"
    );
}

#[test]
fn a_creation_that_was_cut_off_is_completed() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.0.join("packs")).unwrap();
    fs::create_dir(scratch.0.join("lost+found")).unwrap();
    in_folder(&scratch.0);
    reopen(&scratch.0);
}

#[test]
fn nothing_is_written_where_nothing_is_mounted() {
    let scratch = Scratch::new();
    let (point, from) = (scratch.folder("nas"), scratch.folder("from"));
    fs::write(from.join("a"), noise(1, 1000)).unwrap();
    assert!(matches!(open(&point, true), Error::NotMounted { .. }));
    let mounted = Mounted::tmpfs(point.clone(), "size=8m");
    fs::create_dir(point.join("reprise")).unwrap();
    let target = Arc::new(LocalTarget::open(&point.join("reprise"), true).unwrap());
    let vault = Vault::create(target, &password(), vault::KdfCost::MINIMUM).unwrap();
    save(&vault, &from);
    // The share goes away under an open vault; its mount point has a folder of the same name.
    drop(mounted);
    fs::create_dir_all(point.join("reprise/tmp")).unwrap();
    for folder in ["packs", "trees", "snapshots"] {
        fs::create_dir_all(point.join("reprise").join(folder)).unwrap();
    }
    let refused = save_with(&vault, &[&from], &Watch::new()).unwrap_err();
    assert!(
        matches!(refused, vault::Error::Target(Error::NotMounted { .. })),
        "{refused}"
    );
    assert_eq!(walk(&point), 0, "the system disk got something");
}

/// How many files lie below.
fn walk(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            if entry.path().is_dir() {
                walk(&entry.path())
            } else {
                1
            }
        })
        .sum()
}

#[test]
fn a_read_only_target_can_be_restored_from_and_says_why_it_takes_nothing() {
    let scratch = Scratch::new();
    let (point, from) = (scratch.folder("disk"), scratch.folder("from"));
    fs::write(from.join("a"), noise(1, 1000)).unwrap();
    let mounted = Mounted::tmpfs(point.clone(), "size=8m");
    let snapshot = save(&in_folder(&point), &from);
    mounted.remount("ro");
    let vault = reopen(&point);
    fs::write(from.join("a"), noise(2, 1000)).unwrap();
    let refused = save_with(&vault, &[&from], &Watch::new()).unwrap_err();
    assert!(
        matches!(refused, vault::Error::Target(Error::ReadOnly { .. })),
        "{refused}"
    );
    fs::write(from.join("a"), noise(1, 1000)).unwrap();
    assert_eq!(restore_all(&vault, &snapshot, &scratch.folder("to")), []);
}

#[test]
fn a_full_target_loses_nothing_and_goes_on_when_there_is_room() {
    let scratch = Scratch::new();
    let (point, from) = (scratch.folder("disk"), scratch.folder("from"));
    fs::write(from.join("a"), noise(1, 1 << 20)).unwrap();
    let mounted = Mounted::tmpfs(point.clone(), "size=8m");
    let vault = in_folder(&point);
    let old = save(&vault, &from);
    fs::write(from.join("b"), noise(2, 20 << 20)).unwrap();
    let refused = save_with(&vault, &[&from], &Watch::new()).unwrap_err();
    let vault::Error::Target(Error::Full {
        free_bytes,
        needed_bytes,
        ..
    }) = &refused
    else {
        panic!("{refused}")
    };
    assert!(
        *needed_bytes > (20 << 20) && *free_bytes < (8 << 20),
        "{refused}"
    );
    assert_eq!(
        fs::read_dir(point.join("tmp")).unwrap().count(),
        0,
        "half an object keeps the disk full"
    );
    let vault = reopen(&point);
    assert_eq!(vault.snapshots().unwrap().0, std::slice::from_ref(&old));
    assert_eq!(vault.check(true, None, &Watch::new()).unwrap().problems, []);
    mounted.remount("size=64m");
    save(&vault, &from);
    let second = restore_all(
        &vault,
        &vault.snapshot("latest").unwrap(),
        &scratch.folder("to"),
    );
    assert_eq!(second, []);
}

#[test]
fn a_read_only_destination_stops_the_restore_and_says_so() {
    let scratch = Scratch::new();
    let (point, from) = (scratch.folder("disk"), scratch.folder("from"));
    fs::write(from.join("a"), "a").unwrap();
    fs::create_dir(from.join("folder")).unwrap();
    let (_, vault) = in_memory();
    let snapshot = save(&vault, &from);
    let mounted = Mounted::tmpfs(point.clone(), "size=4m");
    mounted.remount("ro");
    let plan = vault::restore::plan(&vault, &snapshot, &[], &point, Default::default()).unwrap();
    let stopped = vault::restore::execute(&vault, &plan, &Watch::new()).unwrap_err();
    assert!(
        stopped.to_string().contains("mounted read-only"),
        "{stopped}"
    );
    assert_eq!(fs::read_dir(&point).unwrap().count(), 0);
}

#[test]
fn a_full_destination_stops_the_restore_and_says_so() {
    let scratch = Scratch::new();
    let (point, from) = (scratch.folder("disk"), scratch.folder("from"));
    for n in 0..20 {
        fs::write(from.join(format!("{n}")), noise(n, 1 << 20)).unwrap();
    }
    let (_, vault) = in_memory();
    let snapshot = save(&vault, &from);
    let _mounted = Mounted::tmpfs(point.clone(), "size=4m");
    let plan = vault::restore::plan(&vault, &snapshot, &[], &point, Default::default()).unwrap();
    let stopped = vault::restore::execute(&vault, &plan, &Watch::new()).unwrap_err();
    assert!(stopped.to_string().contains("full"), "{stopped}");
    // No file is there in part.
    for entry in fs::read_dir(&point).unwrap().map(Result::unwrap) {
        assert_eq!(
            fs::read(entry.path()).unwrap(),
            fs::read(from.join(entry.file_name())).unwrap()
        );
    }
}
