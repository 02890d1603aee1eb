//! Looking without restoring: a name in all snapshots, what differs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;

use support::*;
use vault::diff::{self, Change};
use vault::find::{self, Pattern};
use vault::{Snapshot, Watch};

#[test]
fn a_name_is_found_in_all_snapshots_with_its_versions() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    for folder in ["a", "b/deep", "c"] {
        fs::create_dir_all(from.join(folder)).unwrap();
        fs::write(from.join(folder).join("other"), folder).unwrap();
    }
    let report = from.join("b/deep/Report.ods");
    let (_, vault) = in_memory();
    fs::write(&report, b"one").unwrap();
    save(&vault, &from);
    fs::write(from.join("a/new"), b"x").unwrap();
    save(&vault, &from);
    fs::write(&report, b"two").unwrap();
    fs::write(from.join("c/report.bak"), b"x").unwrap();
    save(&vault, &from);
    fs::remove_file(&report).unwrap();
    save(&vault, &from);
    let (snapshots, _) = vault.snapshots().unwrap();
    let look = |pattern: &str| {
        let found = find::find(&vault, &snapshots, &Pattern::new(pattern), &Watch::new()).unwrap();
        assert_eq!(found.problems, []);
        let line = |v: find::Version| {
            let path = String::from_utf8(v.node.path).unwrap();
            let below = path.strip_prefix(from.to_str().unwrap()).unwrap();
            (below.to_owned(), v.first, v.last, v.count)
        };
        let lines: Vec<_> = found.versions.into_iter().map(line).collect();
        (lines, found.lists)
    };
    let line = |path: &str, first, last, count| (path.to_owned(), first, last, count);
    let both = [
        line("/b/deep/Report.ods", 0, 1, 2),
        line("/b/deep/Report.ods", 2, 2, 1),
        line("/c/report.bak", 2, 3, 2),
    ];
    // Five folders, then each one that changed: `from` and `a`, `from`, `c`, `b` and `deep`, the last three again.
    assert_eq!(look("report"), (both.to_vec(), 5 + 2 + 4 + 3));
    assert_eq!(look("*.ods").0, both[..2]);
    assert_eq!(look("**/c/report*").0, both[2..]);
    assert_eq!(look("deep").0, [line("/b/deep", 0, 3, 4)]);
    assert_eq!(look("nothing").0, []);
}

fn changes(diff: impl FnOnce(diff::Tell<'_>) -> Vec<vault::Problem>, from: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let problems = diff(&mut |change: Change| {
        let path = String::from_utf8_lossy(change.path()).into_owned();
        let path = path.strip_prefix(from.to_str().unwrap()).unwrap();
        let sign = match (&change.old, &change.new) {
            (None, _) => "+",
            (_, None) => "-",
            _ => "M",
        };
        let what: Vec<_> = change.what.iter().map(|what| what.name()).collect();
        lines.push(
            format!("{sign} {path} {}", what.join(" "))
                .trim_end()
                .to_owned(),
        );
        Ok(())
    });
    assert_eq!(problems, []);
    lines
}

fn change_things(from: &Path) {
    fs::write(from.join("same size"), b"54321").unwrap();
    set_time(&from.join("same size"), 5000);
    fs::write(from.join("grown"), b"grown and grown").unwrap();
    set_time(&from.join("grown"), 5000);
    fs::remove_file(from.join("gone")).unwrap();
    fs::remove_dir_all(from.join("folder gone")).unwrap();
    fs::create_dir(from.join("folder new")).unwrap();
    fs::write(from.join("folder new/x"), b"x").unwrap();
    std::os::unix::fs::chown(from.join("owned"), Some(77), None).unwrap();
    fs::remove_file(from.join("was file")).unwrap();
    fs::create_dir(from.join("was file")).unwrap();
    fs::remove_file(from.join("link")).unwrap();
    std::os::unix::fs::symlink("elsewhere", from.join("link")).unwrap();
    for name in ["link", ""] {
        set_time(&from.join(name), 1000);
    }
}

fn set_time(path: &Path, seconds: i64) {
    let time = rustix::fs::Timespec {
        tv_sec: seconds,
        tv_nsec: 0,
    };
    let times = rustix::fs::Timestamps {
        last_access: time,
        last_modification: time,
    };
    let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
    rustix::fs::utimensat(rustix::fs::CWD, path, &times, flags).unwrap();
}

fn things(from: &Path) {
    for folder in ["deep/er", "folder gone", "untouched"] {
        fs::create_dir_all(from.join(folder)).unwrap();
        fs::write(from.join(folder).join("inside"), b"inside").unwrap();
    }
    for (name, text) in [
        ("same size", "12345"),
        ("grown", "grown"),
        ("gone", "gone"),
        ("owned", "owned"),
        ("was file", "file"),
    ] {
        fs::write(from.join(name), text).unwrap();
        set_time(&from.join(name), 1000);
    }
    std::os::unix::fs::symlink("nowhere", from.join("link")).unwrap();
    set_time(&from.join("link"), 1000);
    set_time(from, 1000);
}

const CHANGED: [&str; 12] = [
    "- /folder gone",
    "- /folder gone/inside",
    "+ /folder new",
    "+ /folder new/x",
    "- /gone",
    "M /grown content size time",
    "M /link content",
    "M /owned owner",
    "M /same size content time",
    "- /was file",
    "+ /was file",
    "",
];

#[test]
fn two_snapshots_are_compared() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    things(&from);
    let (_, vault) = in_memory();
    let one = save(&vault, &from);
    change_things(&from);
    let two = save(&vault, &from);
    let run = |a: &Snapshot, b: &Snapshot, path: &[u8]| {
        let diff = |tell: diff::Tell<'_>| {
            diff::snapshots(&vault, (a, b), path, &Watch::new(), tell).unwrap()
        };
        changes(diff, &from)
    };
    assert_eq!(run(&one, &two, b""), CHANGED[..11]);
    assert_eq!(run(&one, &one, b""), Vec::<String>::new());
    let below = |name: &str| from.join(name).as_os_str().as_bytes().to_vec();
    assert_eq!(run(&one, &two, &below("folder gone")), CHANGED[..2]);
    assert_eq!(run(&two, &one, &below("gone")), ["+ /gone"]);
    let nowhere = below("nowhere");
    let mut nothing = |_| Ok(());
    let watch = Watch::new();
    let refused = diff::snapshots(&vault, (&one, &two), &nowhere, &watch, &mut nothing);
    assert!(matches!(refused, Err(vault::Error::NoSuchPath { .. })));
}

#[test]
fn a_snapshot_is_compared_with_what_is_there_now() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    things(&from);
    let (_, vault) = in_memory();
    let saved = save(&vault, &from);
    let run = |folder: Option<&Path>, content| {
        let diff = |tell: diff::Tell<'_>| {
            diff::live(&vault, &saved, b"", folder, content, &Watch::new(), tell).unwrap()
        };
        changes(diff, &from)
    };
    assert_eq!(run(None, true), Vec::<String>::new());
    // A copy elsewhere is the same too.
    let to = scratch.folder("to");
    assert_eq!(restore_all(&vault, &saved, &to), []);
    assert_eq!(run(Some(&to), true), Vec::<String>::new());
    // Behind the file's times: only reading finds it.
    let secret = from.join("untouched/inside");
    let time = secret.metadata().unwrap().modified().unwrap();
    let file = fs::OpenOptions::new().write(true).open(&secret).unwrap();
    file.write_all_at(b"!", 3).unwrap();
    file.set_modified(time).unwrap();
    assert_eq!(run(None, false), Vec::<String>::new());
    assert_eq!(run(None, true), ["M /untouched/inside content"]);
    file.write_all_at(b"i", 3).unwrap();
    file.set_modified(time).unwrap();
    change_things(&from);
    let mut expected: Vec<String> = CHANGED[..11]
        .iter()
        .map(|line| (*line).to_owned())
        .collect();
    assert_eq!(run(None, true), expected);
    // Content of the same size is not looked at.
    expected[8] = "M /same size time".to_owned();
    assert_eq!(run(None, false), expected);
    fs::remove_dir_all(&from).unwrap();
    assert!(run(None, false).iter().all(|line| line.starts_with('-')));
}
