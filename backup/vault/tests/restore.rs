//! Restores over what is there, after an interruption, in many batches; archives.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;

use support::*;
use vault::restore::{self, Overwrite, RestoreStats};
use vault::{Error, Problem, Snapshot, Vault, Watch};

fn over(
    vault: &Vault,
    snapshot: &Snapshot,
    to: &Path,
    verify: bool,
) -> (RestoreStats, Vec<Problem>) {
    let mut plan = restore::plan(vault, snapshot, &[], to, Overwrite::Replace).unwrap();
    (plan.verify_existing, plan.durable) = (verify, false);
    restore::execute(vault, &plan, &Watch::new()).unwrap()
}

#[test]
fn what_is_right_already_is_not_written_again() {
    let scratch = Scratch::new();
    let (from, to) = (scratch.0.join("from"), scratch.folder("to"));
    nasty_tree(&from);
    let (_, vault) = in_memory();
    let snapshot = save(&vault, &from);
    assert_eq!(restore_all(&vault, &snapshot, &to), []);
    let inode = |name: &str| to.join(name).symlink_metadata().unwrap().ino();
    let names = [
        "big",
        "small",
        "empty",
        "holes between",
        "link",
        "fifo",
        "setuid",
    ];
    let before = names.map(inode);
    for verify in [false, true] {
        let (stats, problems) = over(&vault, &snapshot, &to, verify);
        assert_eq!(problems, []);
        assert_eq!(stats.unchanged, stats.files, "verify {verify}");
        assert_eq!(names.map(inode), before);
        assert_eq!(differences(&from, &to), "");
    }
    // Attributes alone, content with another time, a file that is gone, one that became a link, a broken hard link.
    fs::set_permissions(
        to.join("small"),
        std::os::unix::fs::PermissionsExt::from_mode(0o777),
    )
    .unwrap();
    fs::write(to.join("text"), b"other").unwrap();
    fs::remove_file(to.join("setuid")).unwrap();
    fs::remove_file(to.join("empty")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", to.join("empty")).unwrap();
    fs::remove_file(to.join("dir/sub/same as big")).unwrap();
    fs::write(to.join("dir/sub/same as big"), b"alone").unwrap();
    let (stats, problems) = over(&vault, &snapshot, &to, false);
    assert_eq!(problems, []);
    assert_eq!(stats.files - stats.unchanged, 4, "{stats:?}");
    assert_eq!(inode("small"), before[1]);
    assert_eq!(differences(&from, &to), "");
}

#[test]
fn content_changed_behind_a_files_times_is_found_on_request() {
    let scratch = Scratch::new();
    let (from, to) = (scratch.folder("from"), scratch.folder("to"));
    for name in ["a", "b", "hole"] {
        fs::write(from.join(name), noise(name.len() as u64, 700_000)).unwrap();
    }
    fs::File::create(from.join("hole"))
        .unwrap()
        .set_len(1 << 20)
        .unwrap();
    let (_, vault) = in_memory();
    let snapshot = save(&vault, &from);
    assert_eq!(restore_all(&vault, &snapshot, &to), []);
    for (name, at) in [("a", 699_999), ("hole", 1 << 19)] {
        let file = fs::OpenOptions::new()
            .write(true)
            .open(to.join(name))
            .unwrap();
        let time = file.metadata().unwrap().modified().unwrap();
        file.write_all_at(b"!", at).unwrap();
        file.set_modified(time).unwrap();
    }
    assert_eq!(over(&vault, &snapshot, &to, false).0.unchanged, 3);
    assert_ne!(differences(&from, &to), "");
    let (stats, problems) = over(&vault, &snapshot, &to, true);
    assert_eq!((stats.unchanged, problems), (1, Vec::new()));
    assert_eq!(differences(&from, &to), "");
}

#[test]
fn an_interrupted_restore_goes_on_where_it_was() {
    let scratch = Scratch::new();
    let (from, to) = (scratch.folder("from"), scratch.folder("to"));
    for n in 0..300 {
        let folder = from.join(format!("{}", n % 7));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("file {n}")), noise(n, 40_000)).unwrap();
    }
    fs::write(from.join("long"), noise(7, 6_000_000)).unwrap();
    let (_, vault) = in_memory();
    let snapshot = save(&vault, &from);
    let mut done = 0;
    for bytes in [1 << 16, 3 << 20, 8 << 20, 12 << 20] {
        let plan = restore::plan(&vault, &snapshot, &[], &to, Overwrite::Replace).unwrap();
        let watch = Watch::new();
        let ended = std::sync::atomic::AtomicBool::new(false);
        let result = std::thread::scope(|scope| {
            scope.spawn(|| {
                while watch.bytes_done.load(Ordering::Relaxed) < bytes
                    && !ended.load(Ordering::Relaxed)
                {
                    std::hint::spin_loop();
                }
                watch.cancel();
            });
            let result = restore::execute(&vault, &plan, &watch);
            ended.store(true, Ordering::Relaxed);
            result
        });
        if let Err(error) = result {
            assert!(matches!(error, Error::Cancelled), "{error}");
        }
        // Whatever has its name is whole.
        let mut whole = 0;
        let mut folders = vec![to.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                    continue;
                }
                let saved = from.join(entry.path().strip_prefix(&to).unwrap());
                assert!(
                    fs::read(&saved).unwrap() == fs::read(entry.path()).unwrap(),
                    "{}",
                    saved.display()
                );
                whole += 1;
            }
        }
        assert!(whole >= done, "an interrupted restore undid another");
        done = whole;
    }
    let (stats, problems) = over(&vault, &snapshot, &to, false);
    assert_eq!(
        (stats.unchanged, stats.files, problems),
        (done, 301, Vec::new())
    );
    assert_eq!(differences(&from, &to), "");
}

#[test]
fn many_batches_keep_links_holes_and_long_files() {
    let scratch = Scratch::new();
    // In memory: a disk's file system takes its time for so many new files where others were just deleted.
    let mounted = Mounted::tmpfs(scratch.folder("mounted"), "size=400m");
    let (from, to) = (mounted.0.join("from"), mounted.0.join("to"));
    fs::create_dir(&from).unwrap();
    fs::create_dir(&to).unwrap();
    // More files than one batch holds; names of the first ones come back in the last folder.
    for n in 0..17_000u32 {
        let folder = from.join(format!("{:02}", n / 500));
        if n % 500 == 0 {
            fs::create_dir(&folder).unwrap();
        }
        let file = folder.join(format!("{n}"));
        match n % 50 {
            49 => fs::hard_link(from.join(format!("00/{}", n % 40)), &file).unwrap(),
            48 => fs::File::create(&file)
                .unwrap()
                .set_len(u64::from(n))
                .unwrap(),
            _ => fs::write(&file, format!("content {n}")).unwrap(),
        }
    }
    fs::write(from.join("long"), noise(1, 40_000_000)).unwrap();
    let vault = in_folder(&scratch.folder("vault"));
    let snapshot = save(&vault, &from);
    assert_eq!(restore_all(&vault, &snapshot, &to), []);
    assert_eq!(differences(&from, &to), "");
}

#[test]
fn strays_of_a_killed_replacement_are_used_up() {
    let scratch = Scratch::new();
    let (from, to) = (scratch.folder("from"), scratch.folder("to"));
    fs::write(from.join("a"), b"saved").unwrap();
    fs::write(to.join("a"), b"mine").unwrap();
    let (_, vault) = in_memory();
    let snapshot = save(&vault, &from);
    // The name under which the new file is made, as a kill leaves it.
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(snapshot.id.to_string().as_bytes())
        .update(b"a");
    let stray = to.join(format!(".reprise-{}", &hasher.finalize().to_hex()[..24]));
    fs::write(&stray, b"half").unwrap();
    let (_, problems) = over(&vault, &snapshot, &to, false);
    assert_eq!(problems, []);
    assert!(!stray.exists());
    assert_eq!(differences(&from, &to), "");
}

#[test]
fn tar_unpacks_what_was_saved() {
    let scratch = Scratch::new();
    let (from, to) = (scratch.0.join("from"), scratch.folder("to"));
    nasty_tree(&from);
    // Numbers that an old header cannot hold.
    std::os::unix::fs::chown(from.join("-rf"), Some(3_000_000), Some(4_000_000)).unwrap();
    let (_, vault) = in_memory();
    let snapshot = save(&vault, &from);
    let file = scratch.0.join("all.tar");
    let out = fs::File::create(&file).unwrap();
    let path = from.as_os_str().as_bytes();
    let problems = vault::tar::write(&vault, &snapshot, path, out).unwrap();
    assert_eq!(problems.len(), 1, "a socket fits in no tar: {problems:?}");
    let unpacked = Command::new("tar")
        .args([
            "--extract",
            "--xattrs",
            "--xattrs-include=*",
            "--numeric-owner",
            "--same-owner",
        ])
        .args(["--preserve-permissions", "--warning=no-timestamp", "--file"])
        .arg(&file)
        .arg("--directory")
        .arg(&to)
        .output()
        .unwrap();
    assert!(unpacked.status.success(), "{unpacked:?}");
    assert_eq!(String::from_utf8_lossy(&unpacked.stderr), "");
    let missing = fs::read_to_string(to.join("NOT IN THIS ARCHIVE.txt")).unwrap();
    assert_eq!(missing.lines().count(), 1);
    fs::remove_file(from.join("sock")).unwrap();
    // Its time changed with the socket.
    let time = to.join("from").metadata().unwrap().modified().unwrap();
    fs::File::open(&from).unwrap().set_modified(time).unwrap();
    // A tar knows no holes here: only the bytes are compared. Attributes of links and pipes GNU tar does not restore.
    assert_eq!(rsync_differences(&from, &to.join("from")), "");
}

#[test]
fn a_tar_of_all_roots_keeps_their_paths() {
    let scratch = Scratch::new();
    let (one, two) = (scratch.folder("srv/one"), scratch.folder("etc/two"));
    fs::write(one.join("a"), b"a").unwrap();
    fs::write(two.join("b"), b"b").unwrap();
    let (_, vault) = in_memory();
    let (snapshot, _) = save_with(&vault, &[&one, &two], &Watch::new()).unwrap();
    let mut bytes = Vec::new();
    assert_eq!(
        vault::tar::write(&vault, &snapshot, b"", &mut bytes).unwrap(),
        []
    );
    let file = scratch.0.join("all.tar");
    fs::write(&file, &bytes).unwrap();
    let listed = Command::new("tar")
        .arg("--list")
        .arg("--file")
        .arg(&file)
        .output()
        .unwrap();
    let below = |path: &Path, last: &str| {
        let path = path.strip_prefix("/").unwrap().display().to_string();
        format!("{path}/{last}\n")
    };
    let want = [
        below(&two, ""),
        below(&two, "b"),
        below(&one, ""),
        below(&one, "a"),
    ]
    .concat();
    assert_eq!(String::from_utf8_lossy(&listed.stdout), want);
}

/// A tree restored once, then changed in each way that matters, and what each policy makes of it.
#[test]
fn a_policy_says_what_becomes_of_what_is_there_and_what_will_be_lost() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    let names = ["absent", "same", "older", "newer", "link"];
    for name in &names[..4] {
        fs::write(from.join(name), format!("saved {name}")).unwrap();
    }
    std::os::unix::fs::symlink("saved", from.join("link")).unwrap();
    let (_, vault) = in_memory();
    let snapshot = save(&vault, &from);
    let saved = fs::metadata(from.join("older"))
        .unwrap()
        .modified()
        .unwrap();
    let second = std::time::Duration::from_secs(1);
    for (overwrite, want, lost) in [
        (Overwrite::Keep, ["saved", "saved", "mine", "mine"], &[][..]),
        (
            Overwrite::Older,
            ["saved", "saved", "saved", "mine"],
            &[("older", false)],
        ),
        (
            Overwrite::Replace,
            ["saved"; 4],
            &[("link", false), ("newer", true), ("older", false)],
        ),
        (
            Overwrite::Beside,
            ["saved", "saved", "mine", "mine"],
            &[][..],
        ),
    ] {
        let to = scratch.folder(&format!("{overwrite:?}"));
        assert_eq!(restore_all(&vault, &snapshot, &to), []);
        fs::remove_file(to.join("absent")).unwrap();
        for (name, time) in [("older", saved - second), ("newer", saved + second)] {
            fs::write(to.join(name), format!("mine {name}")).unwrap();
            let file = fs::OpenOptions::new().write(true).open(to.join(name));
            file.unwrap().set_modified(time).unwrap();
        }
        fs::remove_file(to.join("link")).unwrap();
        std::os::unix::fs::symlink("mine", to.join("link")).unwrap();
        let same = fs::metadata(to.join("same")).unwrap().ino();

        let mut plan = restore::plan(&vault, &snapshot, &[], &to, overwrite).unwrap();
        plan.whole_names = true;
        let said: Vec<(&str, bool)> = plan
            .lost
            .iter()
            .map(|(path, newer)| (path.file_name().unwrap().to_str().unwrap(), *newer))
            .filter(|(name, _)| overwrite == Overwrite::Replace || *name != "link")
            .collect();
        match overwrite {
            // Whether a link made just now is newer than the saved one is not what this is about.
            Overwrite::Replace => assert_eq!(
                said.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
                ["link", "newer", "older"]
            ),
            _ => assert_eq!(said, lost),
        }
        let is_newer = |name| said.iter().any(|(n, newer)| *n == name && *newer);
        assert_eq!(is_newer("newer"), overwrite == Overwrite::Replace);
        assert_eq!(plan.in_the_way.same, 1);
        assert!(plan.free_bytes.unwrap() > 0 && !plan.is_too_big());
        let (_, problems) = restore::execute(&vault, &plan, &Watch::new()).unwrap();
        for (name, want) in names.iter().zip(want) {
            let got = fs::read_to_string(to.join(name)).unwrap();
            assert_eq!(got, format!("{want} {name}"), "{overwrite:?}");
        }
        assert_eq!(fs::metadata(to.join("same")).unwrap().ino(), same);
        let kept = match overwrite {
            Overwrite::Keep => vec!["link", "newer", "older"],
            Overwrite::Older => vec!["link", "newer"],
            _ => Vec::new(),
        };
        let named: Vec<_> = problems
            .iter()
            .map(|p| p.object.rsplit('/').next().unwrap())
            .collect();
        assert_eq!(named, kept, "{overwrite:?}: {problems:?}");
        let beside = plan.sibling_of(&to.join("older"));
        assert_eq!(beside.exists(), overwrite == Overwrite::Beside);
        if overwrite == Overwrite::Beside {
            assert_eq!(fs::read_to_string(&beside).unwrap(), "saved older");
            let link = fs::read_link(plan.sibling_of(&to.join("link"))).unwrap();
            assert_eq!(link, Path::new("saved"));
            // Once more: its own are found again, nothing is written and nothing is in the way.
            let again = restore::plan(&vault, &snapshot, &[], &to, overwrite).unwrap();
            let (stats, problems) = restore::execute(&vault, &again, &Watch::new()).unwrap();
            assert_eq!((stats.unchanged, problems), (stats.files, Vec::new()));
            // Somebody went on working in it: it is his now.
            fs::write(&beside, "mine, too").unwrap();
            let (_, problems) = restore::execute(&vault, &again, &Watch::new()).unwrap();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(fs::read_to_string(&beside).unwrap(), "mine, too");
        }
        let strays = fs::read_dir(&to).unwrap().filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().starts_with(".reprise-")
        });
        assert_eq!(strays.count(), 0);
    }
}

#[test]
fn with_whole_names_a_restore_that_is_cut_off_leaves_no_half_file_and_goes_on_whatever_its_policy()
{
    let scratch = Scratch::new();
    let (from, to) = (scratch.folder("from"), scratch.0.join("to"));
    for n in 0..40 {
        fs::write(from.join(format!("file {n}")), noise(n, 900_000)).unwrap();
    }
    fs::hard_link(from.join("file 3"), from.join("linked")).unwrap();
    let (_, vault) = in_memory();
    let snapshot = save(&vault, &from);
    let plan = |overwrite| {
        let mut plan = restore::plan(&vault, &snapshot, &[], &to, overwrite).unwrap();
        plan.whole_names = true;
        plan
    };
    let cut = plan(Overwrite::Refuse);
    let watch = Watch::new();
    let stopped = std::thread::scope(|scope| {
        let writer = scope.spawn(|| restore::execute(&vault, &cut, &watch));
        while watch.files_done.load(Ordering::Relaxed) < 5 && !writer.is_finished() {
            std::thread::yield_now();
        }
        watch.cancel();
        writer.join().unwrap()
    });
    let whole = || {
        let named = fs::read_dir(&to).unwrap().map(|entry| entry.unwrap());
        let named = named.filter(|e| !e.file_name().to_string_lossy().starts_with(".reprise-"));
        named
            .map(|entry| {
                let same = fs::read(from.join(entry.file_name())).unwrap();
                assert_eq!(fs::read(entry.path()).unwrap(), same);
            })
            .count()
    };
    let before = whole();
    assert!(matches!(stopped, Err(Error::Cancelled)), "{stopped:?}");
    assert!(before >= 5);
    // A power cut leaves what was being written under its other name; somebody puts a file of his own there.
    let mut absent = (0..40).map(|n| format!("file {n}"));
    let absent = absent.rfind(|name| !to.join(name).exists());
    let unfinished = cut.unfinished(absent.unwrap().as_bytes());
    fs::write(to.join(std::ffi::OsStr::from_bytes(&unfinished)), b"ha").unwrap();
    fs::remove_file(to.join("file 0")).ok();
    fs::write(to.join("file 0"), b"mine").unwrap();
    let (stats, problems) =
        restore::execute(&vault, &plan(Overwrite::Keep), &Watch::new()).unwrap();
    assert!(stats.unchanged >= 4, "{stats:?}");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(fs::read(to.join("file 0")).unwrap(), b"mine");
    fs::copy(from.join("file 0"), to.join("file 0")).unwrap();
    assert_eq!(whole(), 41);
    assert_eq!(
        fs::read_dir(&to).unwrap().count(),
        41,
        "a stray is left behind"
    );
}
