//! Files put back on another machine: an independent tool sees no difference, nothing lands elsewhere, and what was cut
//! off goes on.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use remote::restore::Server;
use vault::backup::{self, Request};
use vault::restore::{Overwrite, RestorePlan};
use vault::target::MemoryTarget;
use vault::{Error, KdfCost, Kind as What, Secret, Snapshot, Vault, Watch};

use crate::nas::{Kind, Nas};
use crate::nights::hasty;

/// The user of the NAS.
const USER: u32 = 4242;

fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..len.div_ceil(8))
        .flat_map(|_| next())
        .take(len)
        .collect()
}

fn run(program: &str, args: &[&OsStr]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Everything that SFTP can carry, of the user of the NAS.
fn tree(root: &Path) {
    fs::create_dir_all(root.join("dir/sub/deep")).unwrap();
    fs::create_dir(root.join("empty folder")).unwrap();
    fs::write(root.join("empty"), b"").unwrap();
    fs::write(root.join("big"), noise(1, 5_000_000)).unwrap();
    for n in 0..150 {
        fs::write(root.join(format!("dir/{n}")), noise(n, 3000)).unwrap();
    }
    for name in [
        &b"not utf8 \xff\xfe"[..],
        b"new\nline and \x1b[31m",
        b"-rf",
        b" spaces ",
        "été.odt".as_bytes(),
        &[b'x'; 255],
    ] {
        fs::write(root.join("dir/sub").join(OsStr::from_bytes(name)), name).unwrap();
    }
    let holes = fs::File::create(root.join("holes")).unwrap();
    holes.set_len(64 << 20).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&holes, b"between", 9 << 20).unwrap();
    symlink("big", root.join("link")).unwrap();
    symlink("../../../../etc", root.join("dir/out")).unwrap();
    symlink("nowhere", root.join("dir/dangling")).unwrap();
    fs::hard_link(root.join("big"), root.join("dir/sub/deep/same as big")).unwrap();
    run(
        "chown",
        &[OsStr::new("-hR"), OsStr::new("4242:4242"), root.as_os_str()],
    );
    mode(&root.join("empty"), 0o400);
    mode(&root.join("dir/7"), 0o6755);
    mode(&root.join("dir/sub"), 0o2750);
    mode(&root.join("empty folder"), 0o500);
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400);
    let file = fs::File::open(root.join("dir/3")).unwrap();
    file.set_modified(old).unwrap();
    run(
        "touch",
        &["-h", "-d", "2001-02-03 04:05:06", "--"]
            .map(OsStr::new)
            .iter()
            .copied()
            .chain([root.join("link").as_os_str(), root.join("dir").as_os_str()])
            .collect::<Vec<_>>(),
    );
}

fn saved(from: &Path) -> (Vault, Snapshot) {
    let secret = Secret::new(b"a password".to_vec());
    let vault = Vault::create(Arc::new(MemoryTarget::new()), &secret, KdfCost::MINIMUM).unwrap();
    let now = || 1_700_000_000_000;
    let request = Request {
        kind: What::Files,
        plan: "test".to_owned(),
        host: "here".to_owned(),
        roots: vec![from.to_owned()],
        now_ms: now(),
        end_ms: &now,
    };
    let (snapshot, problems) = backup::run(&vault, &request, &Watch::new()).unwrap();
    assert_eq!(problems, []);
    (vault, snapshot)
}

/// What an independent tool finds different: content, owners, modes, seconds, links, hard links.
fn differences(a: &Path, b: &Path) -> String {
    let (mut from, mut to) = (a.as_os_str().to_owned(), b.as_os_str().to_owned());
    from.push("/");
    to.push("/");
    let flags = ["-aHnic", "--delete", "--numeric-ids"].map(OsStr::new);
    run("rsync", &[&flags[..], &[&from, &to]].concat())
}

/// A folder on the NAS as its user, this machine and the server name it.
fn folder(nas: &Nas, name: &str) -> (PathBuf, PathBuf) {
    let there = PathBuf::from(nas.place(&format!("volume1/{name}")).url.path);
    (nas.disk().join("volume1").join(name), there)
}

fn server(nas: &Nas) -> Server {
    let mut place = nas.place("volume1");
    place.patience = hasty();
    Server::open(&place).unwrap()
}

fn planned(
    server: &Server,
    (vault, snapshot): &(Vault, Snapshot),
    to: &Path,
    overwrite: Overwrite,
) -> RestorePlan {
    server.plan(vault, snapshot, &[], to, overwrite).unwrap()
}

fn comes_back(kind: Kind, lost: &[&str]) {
    let nas = Nas::start(kind);
    let from = nas.folder.join("from");
    tree(&from);
    let saved = saved(&from);
    let (here, there) = folder(&nas, "back/again");
    let server = server(&nas);
    let plan = planned(&server, &saved, &there, Overwrite::Refuse);
    assert!(!here.exists(), "a plan writes nothing");
    assert_eq!(plan.placements[0].to, there);
    let watch = Watch::new();
    let (stats, problems) = server.execute(&saved.0, &plan, &watch).unwrap();
    assert_eq!(
        (stats.files, stats.folders, stats.bytes),
        (plan.files, plan.folders, plan.bytes)
    );
    assert_eq!(watch.bytes_done.load(Ordering::Relaxed), plan.bytes);
    for (problem, part) in problems.iter().zip(lost) {
        assert!(problem.to_string().contains(part), "{problem}");
    }
    assert_eq!(problems.len(), lost.len(), "{problems:?}");
    if lost.is_empty() {
        assert_eq!(differences(&from, &here), "");
        let blocks = fs::metadata(here.join("holes")).unwrap().blocks();
        assert!(blocks < 1024, "holes take {blocks} blocks");
    }
    // Once more: all is there, nothing is written.
    let inode = |name: &str| fs::symlink_metadata(here.join(name)).unwrap().ino();
    let before = ["big", "link", "dir/3"].map(inode);
    for overwrite in [Overwrite::Replace, Overwrite::Keep, Overwrite::Beside] {
        let again = planned(&server, &saved, &there, overwrite);
        assert_eq!(again.in_the_way.same, plan.files, "{overwrite:?}");
        assert_eq!(again.needed_bytes, 0);
        let (stats, _) = server.execute(&saved.0, &again, &Watch::new()).unwrap();
        assert_eq!(stats.unchanged, stats.files);
    }
    assert_eq!(["big", "link", "dir/3"].map(inode), before);
    let refused = server.plan(&saved.0, &saved.1, &[], &there, Overwrite::Refuse);
    assert!(
        matches!(refused, Err(Error::WouldOverwrite { .. })),
        "{refused:?}"
    );
}

#[test]
fn rsync_finds_no_difference_on_openssh() {
    comes_back(Kind::default(), &[]);
}

#[test]
fn rsync_finds_no_difference_in_a_chroot() {
    comes_back(
        Kind {
            is_chrooted: true,
            ..Kind::default()
        },
        &[],
    );
}

#[test]
fn a_server_that_can_little_gets_what_it_can_and_the_rest_is_named() {
    comes_back(
        Kind {
            sftp: Some("-P hardlink,fsync,statvfs"),
            ..Kind::default()
        },
        &["no longer a hard link"],
    );
}

#[test]
fn what_sftp_cannot_carry_is_named() {
    let nas = Nas::start(Kind::default());
    let from = nas.folder.join("from");
    fs::create_dir(&from).unwrap();
    for name in ["plain", "rich", "program"] {
        fs::write(from.join(name), name).unwrap();
    }
    run("mkfifo", &[from.join("fifo").as_os_str()]);
    run(
        "setfattr",
        &["-n", "user.comment", "-v", "x"]
            .map(OsStr::new)
            .iter()
            .copied()
            .chain([from.join("rich").as_os_str()])
            .collect::<Vec<_>>(),
    );
    mode(&from.join("program"), 0o4755);
    let long_ago = SystemTime::UNIX_EPOCH - Duration::from_secs(5);
    let file = fs::File::options().append(true).open(from.join("plain"));
    file.unwrap().set_modified(long_ago).unwrap();
    let saved = saved(&from);
    let (here, there) = folder(&nas, "back");
    let server = server(&nas);
    let plan = planned(&server, &saved, &there, Overwrite::Refuse);
    let (_, problems) = server.execute(&saved.0, &plan, &Watch::new()).unwrap();
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    for parts in [
        ["fifo", "named pipe"],
        ["plain", "before 1970"],
        ["owner of 4 entries", "as root"],
        ["attributes of 1 entries", "rich"],
    ] {
        let is_said = said
            .iter()
            .any(|s| parts.iter().all(|part| s.contains(part)));
        assert!(is_said, "{parts:?} is not in {said:?}");
    }
    assert_eq!(said.len(), 4, "{said:?}");
    // It was root's: it must not run as somebody else's.
    let program = fs::metadata(here.join("program")).unwrap();
    assert_eq!((program.uid(), program.mode() & 0o7777), (USER, 0o755));
}

#[test]
fn each_policy_does_what_its_plan_said() {
    let nas = Nas::start(Kind::default());
    let from = nas.folder.join("from");
    fs::create_dir(&from).unwrap();
    let names = ["absent", "newer", "older", "same"];
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let write = |path: &Path, text: &str, seconds| {
        fs::write(path, text).unwrap();
        let file = fs::File::options().append(true).open(path).unwrap();
        file.set_modified(at(seconds)).unwrap();
        std::os::unix::fs::chown(path, Some(USER), Some(USER)).unwrap();
    };
    for name in names {
        write(&from.join(name), &format!("saved {name}"), 1_000_000);
    }
    std::os::unix::fs::chown(&from, Some(USER), Some(USER)).unwrap();
    let saved = saved(&from);
    let server = server(&nas);
    for (overwrite, want, lost) in [
        (Overwrite::Keep, ["saved", "mine", "mine", "saved"], &[][..]),
        (
            Overwrite::Older,
            ["saved", "mine", "saved", "saved"],
            &[("older", false)],
        ),
        (
            Overwrite::Replace,
            ["saved"; 4],
            &[("newer", true), ("older", false)],
        ),
        (Overwrite::Beside, ["saved", "mine", "mine", "saved"], &[]),
    ] {
        let (here, there) = folder(&nas, &format!("{overwrite:?}"));
        fs::create_dir(&here).unwrap();
        std::os::unix::fs::chown(&here, Some(USER), Some(USER)).unwrap();
        for (name, seconds) in [("newer", 1_000_001), ("older", 999_999)] {
            write(&here.join(name), &format!("mine {name}"), seconds);
        }
        write(&here.join("same"), "saved same", 1_000_000);
        let plan = planned(&server, &saved, &there, overwrite);
        let said: Vec<(&str, bool)> = plan
            .lost
            .iter()
            .map(|(path, newer)| (path.file_name().unwrap().to_str().unwrap(), *newer))
            .collect();
        assert_eq!(said, lost, "{overwrite:?}");
        assert!(plan.free_bytes.unwrap() > 0);
        let (_, problems) = server.execute(&saved.0, &plan, &Watch::new()).unwrap();
        for (name, want) in names.iter().zip(want) {
            let got = fs::read_to_string(here.join(name)).unwrap();
            assert_eq!(got, format!("{want} {name}"), "{overwrite:?}");
        }
        let kept = match overwrite {
            Overwrite::Keep => 2,
            Overwrite::Older => 1,
            _ => 0,
        };
        assert_eq!(problems.len(), kept, "{problems:?}");
        let sibling = nas.disk().join("volume1").join(format!("{overwrite:?}"));
        let sibling = sibling.join(plan.sibling_of(&there.join("newer")).file_name().unwrap());
        assert_eq!(sibling.exists(), overwrite == Overwrite::Beside);
        let entries = fs::read_dir(&here).unwrap().count();
        assert_eq!(entries, if overwrite == Overwrite::Beside { 6 } else { 4 });
    }
}

#[test]
fn a_planted_link_leads_nowhere() {
    let nas = Nas::start(Kind {
        mounts: "mkdir -p outside; chmod 777 outside",
        ..Kind::default()
    });
    let from = nas.folder.join("from");
    fs::create_dir_all(from.join("dir/sub")).unwrap();
    fs::write(from.join("dir/sub/file"), b"x").unwrap();
    fs::write(from.join("link"), b"x").unwrap();
    let saved = saved(&from);
    let outside = nas.disk().join("outside");
    fs::write(outside.join("victim"), b"untouched").unwrap();
    mode(&outside.join("victim"), 0o666);
    let (here, there) = folder(&nas, "to");
    fs::create_dir(&here).unwrap();
    std::os::unix::fs::chown(&here, Some(USER), Some(USER)).unwrap();
    symlink(&outside, here.join("dir")).unwrap();
    symlink(outside.join("victim"), here.join("link")).unwrap();
    let server = server(&nas);
    let plan = planned(&server, &saved, &there, Overwrite::Replace);
    // One more, where the name is that of a file being written.
    let unfinished = plan.unfinished(b"link");
    symlink(
        outside.join("victim"),
        here.join(OsStr::from_bytes(&unfinished)),
    )
    .unwrap();
    let (_, problems) = server.execute(&saved.0, &plan, &Watch::new()).unwrap();
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(
        said.iter()
            .any(|s| s.contains("/dir: the folder was not restored")),
        "{said:?}"
    );
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(fs::read(outside.join("victim")).unwrap(), b"untouched");
    assert_eq!(fs::read(here.join("link")).unwrap(), b"x");
    assert!(here.join("link").symlink_metadata().unwrap().is_file());

    // A link that comes between the plan and the writing.
    let (here, there) = folder(&nas, "late");
    let plan = planned(&server, &saved, &there.join("sub"), Overwrite::Replace);
    symlink(&outside, &here).unwrap();
    let refused = server.execute(&saved.0, &plan, &Watch::new());
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("link") && said.contains("late"), "{said}");
    assert!(!outside.join("sub/dir").exists());

    // A destination that leads out of the server's folder, by its name or by a link.
    for to in [
        outside.clone(),
        there.join("x"),
        PathBuf::from("/"),
        PathBuf::from("/etc"),
    ] {
        let refused = server.plan(&saved.0, &saved.1, &[], &to, Overwrite::Replace);
        let said = refused.unwrap_err().to_string();
        assert!(
            said.contains("outside") || said.contains("[[server]]"),
            "{said}"
        );
    }
    for to in ["relative", "/a/../b"] {
        let refused = server.plan(&saved.0, &saved.1, &[], Path::new(to), Overwrite::Replace);
        assert!(refused.unwrap_err().to_string().contains("in full"), "{to}");
    }
}

#[test]
fn a_full_disk_is_said_and_no_half_file_has_a_real_name() {
    let nas = Nas::start(Kind {
        mounts: "mkdir volume1/full; mount -t tmpfs -o size=8m,mode=777 none volume1/full",
        ..Kind::default()
    });
    let from = nas.folder.join("from");
    fs::create_dir(&from).unwrap();
    fs::write(from.join("a small one"), b"fits").unwrap();
    fs::write(from.join("big"), noise(3, 20 << 20)).unwrap();
    let saved = saved(&from);
    let there = PathBuf::from(nas.place("volume1/full/back").url.path);
    let server = server(&nas);
    let plan = planned(&server, &saved, &there, Overwrite::Refuse);
    assert!(plan.is_too_big() && plan.free_bytes.unwrap() <= 8 << 20);
    let failed = server.execute(&saved.0, &plan, &Watch::new()).unwrap_err();
    let said = failed.to_string();
    assert!(
        said.contains("full") && said.contains("free some space"),
        "{said}"
    );
    // What the server has: only this restore's names, and none for the file that did not fit.
    let left = planned(&server, &saved, &there, Overwrite::Keep);
    assert!(
        left.existing
            .iter()
            .all(|path| path.ends_with("a small one")),
        "{left:?}"
    );
}

#[test]
fn cuts_are_survived_and_a_server_that_is_gone_is_gone_on_with() {
    let mut nas = Nas::start(Kind::default());
    let from = nas.folder.join("from");
    fs::create_dir_all(from.join("dir")).unwrap();
    for n in 0..120 {
        fs::write(from.join(format!("dir/{n}")), noise(n, 300_000)).unwrap();
    }
    run(
        "chown",
        &[OsStr::new("-hR"), OsStr::new("4242:4242"), from.as_os_str()],
    );
    let saved = saved(&from);
    let (here, there) = folder(&nas, "back");
    let reached = |watch: &Watch, files: u64, is_over: &dyn Fn() -> bool| {
        while watch.files_done.load(Ordering::Relaxed) < files && !is_over() {
            std::thread::yield_now();
        }
    };
    {
        let server = server(&nas);
        let plan = planned(&server, &saved, &there, Overwrite::Refuse);
        let watch = Watch::new();
        let ended = std::thread::scope(|scope| {
            let writer = scope.spawn(|| server.execute(&saved.0, &plan, &watch));
            for files in [10, 25] {
                reached(&watch, files, &|| writer.is_finished());
                assert!(nas.kill_sessions() > 0);
            }
            reached(&watch, 40, &|| writer.is_finished());
            nas.stop();
            writer.join().unwrap()
        });
        let said = ended.unwrap_err().to_string();
        for part in ["does not answer", "go on with the restore"] {
            assert!(said.contains(part), "{part:?} is not in {said}");
        }
    }
    let whole = || {
        let names = fs::read_dir(here.join("dir"))
            .unwrap()
            .map(|e| e.unwrap().file_name());
        let names = names.filter(|name| !name.as_bytes().starts_with(b".reprise-"));
        names
            .inspect(|name| {
                let same = fs::read(from.join("dir").join(name)).unwrap();
                assert_eq!(
                    fs::read(here.join("dir").join(name)).unwrap(),
                    same,
                    "{name:?}"
                );
            })
            .count() as u64
    };
    let before = whole();
    assert!(before >= 40, "{before}");
    nas.start_again("host");
    let server = server(&nas);
    let plan = planned(&server, &saved, &there, Overwrite::Keep);
    assert_eq!(plan.in_the_way.same, before);
    let (stats, problems) = server.execute(&saved.0, &plan, &Watch::new()).unwrap();
    assert_eq!((stats.unchanged, problems), (before, Vec::new()));
    assert_eq!(differences(&from, &here), "");
}

#[test]
fn a_stopped_restore_leaves_whole_files_only() {
    let nas = Nas::start(Kind::default());
    let from = nas.folder.join("from");
    fs::create_dir(&from).unwrap();
    for n in 0..40 {
        fs::write(from.join(format!("{n}")), noise(n, 2 << 20)).unwrap();
    }
    let saved = saved(&from);
    let (here, there) = folder(&nas, "back");
    let server = server(&nas);
    let plan = planned(&server, &saved, &there, Overwrite::Refuse);
    let watch = Watch::new();
    let ended = std::thread::scope(|scope| {
        let writer = scope.spawn(|| server.execute(&saved.0, &plan, &watch));
        while watch.files_done.load(Ordering::Relaxed) < 3 && !writer.is_finished() {
            std::thread::yield_now();
        }
        watch.cancel();
        writer.join().unwrap()
    });
    assert!(matches!(ended, Err(Error::Cancelled)), "{ended:?}");
    let names = fs::read_dir(&here).unwrap().map(|e| e.unwrap().file_name());
    for name in names {
        let same = fs::read(from.join(&name)).unwrap();
        assert_eq!(fs::read(here.join(&name)).unwrap(), same, "{name:?}");
    }
}
