//! What a folder on a real disk can do wrong.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::support::*;
use vault::target::{Error, LocalTarget};
use vault::{Vault, Watch};

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
    for kind in vault::target::ObjectKind::ALL {
        fs::create_dir_all(point.join("reprise").join(kind.folder())).unwrap();
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
        *needed_bytes > (8 << 20) && *free_bytes < (8 << 20),
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
