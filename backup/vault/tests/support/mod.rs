//! What the vault's tests share: scratch folders, vaults with a cheap password, a nasty tree.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part"
)]

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use vault::backup::{self, Request};
use vault::restore::{self, Overwrite};
use vault::target::{LocalTarget, MemoryTarget};
use vault::{Error, KdfCost, Kind, Problem, Secret, Snapshot, Vault, Watch};

/// A folder that is removed at the end, also of a failed test.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "reprise-vault-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Scratch(path.canonicalize().unwrap())
    }

    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// A small file system of its own, unmounted and removed at the end.
pub struct Mounted(pub PathBuf);

impl Mounted {
    pub fn tmpfs(path: PathBuf, options: &str) -> Mounted {
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&path)
            .status()
            .unwrap();
        assert!(done.success(), "mounting needs root");
        Mounted(path)
    }

    pub fn remount(&self, options: &str) {
        let done = Command::new("mount")
            .args(["-o", &format!("remount,{options}")])
            .arg(&self.0)
            .status()
            .unwrap();
        assert!(done.success(), "mounting needs root");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

/// The kernel tells how often a file was opened.
pub struct Opened(std::os::fd::OwnedFd);

impl Opened {
    pub fn watch(file: &Path) -> Opened {
        use rustix::fs::inotify;
        let queue = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
        inotify::add_watch(&queue, file, inotify::WatchFlags::OPEN).unwrap();
        Opened(queue)
    }

    pub fn was_opened(&self) -> bool {
        rustix::io::read(&self.0, &mut [0; 4096]).is_ok_and(|len| len > 0)
    }
}

pub fn password() -> Secret {
    Secret::new(b"correct horse".to_vec())
}

pub fn in_memory() -> (Arc<MemoryTarget>, Vault) {
    let target = Arc::new(MemoryTarget::new());
    let vault = Vault::create(target.clone(), &password(), KdfCost::MINIMUM).unwrap();
    (target, vault)
}

pub fn in_folder(folder: &Path) -> Vault {
    let target = Arc::new(LocalTarget::open(folder, false).unwrap());
    Vault::create(target, &password(), KdfCost::MINIMUM).unwrap()
}

pub fn reopen(folder: &Path) -> Vault {
    Vault::open(
        Arc::new(LocalTarget::open(folder, false).unwrap()),
        &password(),
    )
    .unwrap()
}

/// Milliseconds, later with each call, and later than any file made by the tests.
pub fn now() -> i64 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    4_000_000_000_000 + 1000 * i64::from(NEXT.fetch_add(1, Ordering::Relaxed))
}

pub fn save_with(
    vault: &Vault,
    roots: &[&Path],
    watch: &Watch,
) -> Result<(Snapshot, Vec<Problem>), Error> {
    let request = Request {
        kind: Kind::Files,
        plan: "test".to_owned(),
        host: "here".to_owned(),
        roots: roots.iter().map(|root| root.to_path_buf()).collect(),
        now_ms: now(),
        end_ms: &now,
    };
    backup::run(vault, &request, watch)
}

pub fn save(vault: &Vault, root: &Path) -> Snapshot {
    let (snapshot, problems) = save_with(vault, &[root], &Watch::new()).unwrap();
    assert_eq!(problems, []);
    snapshot
}

/// Restores everything into an empty folder and compares.
pub fn restore_all(vault: &Vault, snapshot: &Snapshot, to: &Path) -> Vec<Problem> {
    let plan = restore::plan(vault, snapshot, &[], to, Overwrite::Refuse).unwrap();
    let (stats, problems) = restore::execute(vault, &plan, &Watch::new()).unwrap();
    if problems.is_empty() {
        assert_eq!(
            (stats.files, stats.folders, stats.bytes),
            (plan.files, plan.folders, plan.bytes)
        );
        let found = vault::compare::compare(vault, &plan, &Watch::new()).unwrap();
        assert_eq!(found.differences, []);
        assert_eq!((found.files, found.folders), (plan.files, plan.folders));
    }
    problems
}

/// Bytes that look random and are the same in every run.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// What an independent tool finds different between two trees; and the blocks of sparse files.
pub fn differences(a: &Path, b: &Path) -> String {
    let mut found = rsync_differences(a, b);
    compare_blocks(a, b, &mut found);
    found
}

/// Without the blocks.
pub fn rsync_differences(a: &Path, b: &Path) -> String {
    let slash = |path: &Path| format!("{}/", path.display());
    let rsync = Command::new("rsync")
        .args([
            "-aHAXnc",
            "-@-1",
            "--numeric-ids",
            "--delete",
            "-i",
            "--devices",
            "--specials",
        ])
        .args([slash(a), slash(b)])
        .output()
        .expect("rsync is installed");
    String::from_utf8_lossy(&[rsync.stdout, rsync.stderr].concat()).into_owned()
}

fn compare_blocks(a: &Path, b: &Path, found: &mut String) {
    for entry in fs::read_dir(a).unwrap() {
        let entry = entry.unwrap();
        let other = b.join(entry.file_name());
        let (Ok(one), Ok(two)) = (entry.path().symlink_metadata(), other.symlink_metadata()) else {
            found.push_str(&format!("{} is missing\n", other.display()));
            continue;
        };
        if one.is_dir() {
            compare_blocks(&entry.path(), &other, found);
        } else if one.blocks() != two.blocks() {
            found.push_str(&format!(
                "{}: {} blocks, restored {}\n",
                entry.path().display(),
                one.blocks(),
                two.blocks()
            ));
        }
    }
}

fn run(program: &str, args: &[&str], path: &Path) {
    let done = Command::new(program)
        .args(args)
        .arg(path)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(
        done.status.success(),
        "{program} {args:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

fn name(bytes: &[u8]) -> &std::ffi::OsStr {
    std::ffi::OsStr::from_bytes(bytes)
}

/// Everything a folder can hold that programs forget. Needs root for devices and owners.
pub fn nasty_tree(root: &Path) {
    fs::create_dir_all(root).unwrap();
    fs::write(root.join("empty"), b"").unwrap();
    fs::write(root.join("small"), b"hello").unwrap();
    fs::write(root.join("big"), noise(1, 9_000_000)).unwrap();
    fs::write(root.join("text"), "the same line again\n".repeat(100_000)).unwrap();
    fs::write(root.join(name(b"not utf8 \xff\xfe")), b"x").unwrap();
    fs::write(root.join("new\nline and \x1b[31m"), b"x").unwrap();
    fs::write(root.join("x".repeat(255)), b"x").unwrap();
    fs::write(root.join("-rf"), b"x").unwrap();
    // Links: to a file, to nothing, to a folder, out of the tree, a long one.
    symlink("small", root.join("link")).unwrap();
    symlink("nothing", root.join("dangling")).unwrap();
    symlink("../../../../etc", root.join("out")).unwrap();
    symlink(name(&[b'y'; 4000]), root.join("long link")).unwrap();
    // Hard links, also across folders and of something that is not a file.
    fs::create_dir_all(root.join("dir/sub")).unwrap();
    fs::hard_link(root.join("big"), root.join("dir/sub/same as big")).unwrap();
    fs::hard_link(root.join("link"), root.join("dir/same link")).unwrap();
    run("mkfifo", &[], &root.join("fifo"));
    fs::hard_link(root.join("fifo"), root.join("dir/same fifo")).unwrap();
    for (kind, numbers) in [("c", ["1", "3"]), ("b", ["7", "200"])] {
        let done = Command::new("mknod")
            .arg(root.join(format!("device {kind}")))
            .arg(kind)
            .args(numbers)
            .status()
            .unwrap();
        assert!(done.success(), "making devices needs root");
    }
    std::os::unix::net::UnixListener::bind(root.join("sock")).unwrap();
    // Sparse: a hole at each place, all hole, data only, reserved and never written.
    let sparse = |name: &str, parts: &[(u64, usize)], size: u64| {
        use std::os::unix::fs::FileExt;
        let file = fs::File::create(root.join(name)).unwrap();
        for (at, len) in parts {
            file.write_all_at(&noise(*at + 5, *len), *at).unwrap();
        }
        file.set_len(size).unwrap();
    };
    sparse("hole first", &[(1 << 20, 4096)], (1 << 20) + 4096);
    sparse("hole last", &[(0, 4096)], 3 << 20);
    sparse(
        "holes between",
        &[(0, 8192), (1 << 20, 70_000), (5 << 20, 1)],
        9 << 20,
    );
    sparse("all hole", &[], 64 << 20);
    fs::write(root.join("zeros, all allocated"), vec![0; 3 << 20]).unwrap();
    run("fallocate", &["-l", "2M"], &root.join("reserved"));
    // Attributes and access lists.
    run(
        "setfattr",
        &["-n", "user.comment", "-v", "0x00ff41"],
        &root.join("small"),
    );
    run(
        "setfattr",
        &["-n", "user.on folder", "-v", "yes"],
        &root.join("dir"),
    );
    run(
        "setfattr",
        &["-h", "-n", "trusted.on link", "-v", "yes"],
        &root.join("link"),
    );
    run("setfacl", &["-m", "u:1234:rw,g:2345:r"], &root.join("text"));
    run(
        "setfacl",
        &["-d", "-m", "u:1234:rwx"],
        &root.join("dir/sub"),
    );
    fs::write(root.join("dir/sub/inherits"), b"x").unwrap();
    // Modes, owners, times.
    fs::write(root.join("setuid"), b"#!/bin/sh\n").unwrap();
    std::os::unix::fs::chown(root.join("setuid"), Some(1234), Some(2345)).unwrap();
    std::os::unix::fs::lchown(root.join("dangling"), Some(77), Some(88)).unwrap();
    fs::set_permissions(root.join("setuid"), fs::Permissions::from_mode(0o6755)).unwrap();
    fs::set_permissions(root.join("dir"), fs::Permissions::from_mode(0o1777)).unwrap();
    fs::create_dir(root.join("closed")).unwrap();
    fs::write(root.join("closed/inside"), b"x").unwrap();
    fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::create_dir(root.join("empty dir")).unwrap();
    let mut deep = root.join("deep");
    for _ in 0..60 {
        deep.push("level");
    }
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("bottom"), b"x").unwrap();
    run(
        "touch",
        &["-d", "1931-02-03 04:05:06.123456789 UTC"],
        &root.join("small"),
    );
    run(
        "touch",
        &["-d", "2106-02-07 06:28:17.987654321 UTC"],
        &root.join("empty"),
    );
    run(
        "touch",
        &["-h", "-d", "2001-01-01 00:00:00.000000001 UTC"],
        &root.join("link"),
    );
    run(
        "touch",
        &["-d", "2002-02-02 02:02:02.000000002 UTC"],
        &root.join("dir/sub"),
    );
    run(
        "touch",
        &["-d", "2003-03-03 03:03:03.000000003 UTC"],
        &root.join("dir"),
    );
    run("touch", &["-d", "2004-04-04 04:04:04.000000004 UTC"], root);
}
