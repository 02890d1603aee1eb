//! `tests/data/vault/v1/`: a vault as format 1 was published. Every later version restores it; it is never made anew
//! (UPDATE_GOLDEN=1 did, while format 1 was being settled, under `unshare --uts sh -c "hostname agen; …"`: objects name the
//! machine that wrote them).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use support::{Scratch, password, restore_all, save};
use vault::target::{LocalTarget, ObjectKind};
use vault::writer::{Chunking, Meta, SnapshotWriter};
use vault::{KdfCost, Kind, RecoveryKey, Secret, Segments, Snapshot, Vault, Watch};

fn run(folder: &Path, tool: &str, arguments: &[&str]) {
    let mut command = std::process::Command::new(tool);
    let done = command
        .args(arguments)
        .current_dir(folder)
        .status()
        .unwrap();
    assert!(done.success(), "{tool} {arguments:?}");
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/vault/v1")
}

/// Blocks of 16 KiB that are all different and shrink well; `changed` of them are others.
fn disk(changed: &[usize]) -> Vec<u8> {
    let block = |n: usize| {
        let word = if changed.contains(&n) { !n } else { n };
        word.to_le_bytes().repeat(16 * 1024 / 8)
    };
    (0..640).flat_map(block).collect()
}

/// What no compression shrinks and everybody can make again.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    let mut stream = blake3::Hasher::new();
    stream.update(&seed.to_le_bytes());
    stream.finalize_xof().fill(&mut bytes);
    bytes
}

fn plant(root: &Path) {
    fs::create_dir_all(root.join("clients/été")).unwrap();
    fs::create_dir(root.join("empty folder")).unwrap();
    for n in 0..40 {
        let text = format!("client {n}\n").repeat(n * 7);
        fs::write(root.join(format!("clients/{n:03}.txt")), text).unwrap();
    }
    fs::write(root.join("clients/été/noise"), noise(1, 40_000)).unwrap();
    fs::write(root.join("disk.img"), disk(&[])).unwrap();
    fs::write(
        root.join("several chunks"),
        "several chunks; ".repeat(60_000),
    )
    .unwrap();
    let odd = Path::new(std::ffi::OsStr::from_bytes(b"not utf-8 \xff\n"));
    fs::write(root.join(odd), b"odd").unwrap();
    let sparse = fs::File::create(root.join("sparse")).unwrap();
    sparse.set_len(3 << 20).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"in the middle", 1 << 20).unwrap();
    fs::hard_link(root.join("clients/007.txt"), root.join("linked")).unwrap();
    symlink("clients/007.txt", root.join("link")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    run(root, "mkfifo", &["pipe"]);
    run(root, "mknod", &["null", "c", "1", "3"]);
    run(
        root,
        "setfattr",
        &["-n", "user.origin", "-v", "agen", "clients/001.txt"],
    );
    run(root, "chown", &["1234:100", "clients/002.txt"]);
    run(root, "chmod", &["4751", "clients/003.txt"]);
    run(
        root,
        "touch",
        &["-d", "1969-07-20 20:17:40.5 UTC", "clients/004.txt"],
    );
    run(root, "touch", &["-d", "2106-02-07 06:28:16 UTC", "clients"]);
}

fn change(root: &Path) {
    fs::write(root.join("disk.img"), disk(&[3, 300])).unwrap();
    fs::write(root.join("clients/010.txt"), "changed\n").unwrap();
    fs::remove_file(root.join("clients/011.txt")).unwrap();
    fs::write(root.join("new"), b"new").unwrap();
}

/// Everything about a tree that a restore brings back, one line an entry.
fn describe(root: &Path) -> String {
    let mut text = String::new();
    let mut paths = vec![root.to_owned()];
    while let Some(path) = paths.pop() {
        let meta = fs::symlink_metadata(&path).unwrap();
        let kind = meta.file_type();
        if kind.is_dir() {
            let inside = fs::read_dir(&path)
                .unwrap()
                .map(|entry| entry.unwrap().path());
            let from = paths.len();
            paths.extend(inside);
            paths[from..].sort_by(|a, b| b.cmp(a));
        }
        let detail = if kind.is_file() {
            let hash = blake3::hash(&fs::read(&path).unwrap());
            let sparse = if meta.blocks() * 512 < meta.len() / 2 {
                " sparse"
            } else {
                ""
            };
            format!("file {} {}{sparse}", meta.len(), &hash.to_hex()[..32])
        } else if kind.is_symlink() {
            format!("link {}", fs::read_link(&path).unwrap().display())
        } else if kind.is_dir() {
            "folder".to_owned()
        } else if kind.is_fifo() {
            "pipe".to_owned()
        } else {
            format!("device {:x}", meta.rdev())
        };
        let mode = match kind.is_symlink() {
            true => 0,
            false => meta.permissions().mode() & 0o7777,
        };
        let links = if kind.is_dir() { 1 } else { meta.nlink() };
        let below = path.strip_prefix(root).unwrap().as_os_str().as_bytes();
        write!(
            text,
            "{} {mode:04o} {}:{} {}.{:09} {links} {detail}",
            below.escape_ascii(),
            meta.uid(),
            meta.gid(),
            meta.mtime(),
            meta.mtime_nsec()
        )
        .unwrap();
        let mut value = [0; 64];
        if !kind.is_symlink()
            && let Ok(len) = rustix::fs::getxattr(&path, "user.origin", &mut value)
        {
            write!(text, " user.origin={}", value[..len].escape_ascii()).unwrap();
        }
        text.push('\n');
    }
    text
}

fn copy(from: &Path, to: &Path) {
    for kind in ObjectKind::ALL {
        fs::create_dir_all(to.join(kind.folder())).unwrap();
        let Ok(entries) = fs::read_dir(from.join(kind.folder())) else {
            continue;
        };
        for entry in entries {
            let entry = entry.unwrap();
            fs::copy(entry.path(), to.join(kind.folder()).join(entry.file_name())).unwrap();
        }
    }
    fs::create_dir_all(to.join("tmp")).unwrap();
}

/// Makes the fixture.
fn make() {
    let scratch = Scratch::new();
    let (from, place) = (scratch.folder("from"), scratch.folder("vault"));
    plant(&from);
    let target = Arc::new(LocalTarget::open(&place, false).unwrap());
    let vault = Vault::create_labelled(
        target,
        &password(),
        KdfCost::MINIMUM,
        "first",
        1_790_000_000_000,
    )
    .unwrap();
    vault
        .add_password(&second(), KdfCost::MINIMUM, "second", 1_790_000_000_001)
        .unwrap();
    let recovery = RecoveryKey::generate().unwrap();
    vault
        .add_recovery(&recovery, "paper", 1_790_000_000_002)
        .unwrap();
    let mut expected = vec![("day-1", describe(&from))];
    let first = save(&vault, &from);
    vault.hold(&first, "for ever", 1_790_000_000_003).unwrap();
    change(&from);
    expected.push(("day-2", describe(&from)));
    let day2 = save(&vault, &from);
    vault.mark_proven(&day2, "", 1_790_000_000_004).unwrap();
    let watch = Watch::new();
    let meta = Meta {
        kind: Kind::Image,
        plan: "image".to_owned(),
        host: "here".to_owned(),
        started_ms: 1_790_000_000_005,
    };
    let mut writer = SnapshotWriter::begin(&vault, meta, &watch).unwrap();
    let (raw, fixed) = (disk(&[5]), Chunking::Fixed(16 * 1024));
    writer
        .add_stream("disk.raw", &mut raw.as_slice(), fixed, 0o600)
        .unwrap();
    writer.add_bytes("manifest", b"{}").unwrap();
    writer.finish(1_790_000_001_000).unwrap();
    // Forgotten, and not pruned: a tomb lies there.
    fs::write(from.join("scrap"), noise(2, 1000)).unwrap();
    let scrap = save(&vault, &from);
    vault
        .forget(&[scrap.name()], true, 1_790_000_001_001)
        .unwrap();
    let data = data();
    fs::remove_dir_all(&data).ok();
    fs::create_dir_all(&data).unwrap();
    copy(&place, &data.join("vault"));
    for (name, text) in expected {
        fs::write(data.join(format!("{name}.txt")), text).unwrap();
    }
    fs::write(data.join("recovery.txt"), recovery.words().join("\n")).unwrap();
}

fn second() -> Secret {
    Secret::new(b"battery staple".to_vec())
}

fn restored(vault: &Vault, snapshot: &Snapshot) -> String {
    let scratch = Scratch::new();
    let to = scratch.folder("to");
    assert_eq!(restore_all(vault, snapshot, &to), []);
    describe(&to)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "UPDATE_GOLDEN=1 makes it anew")]
fn a_vault_of_format_1_is_restored_as_it_was_saved() {
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        make();
    }
    let scratch = Scratch::new();
    copy(&data().join("vault"), &scratch.0);
    let recovery = RecoveryKey::from_file(&data().join("recovery.txt")).unwrap();
    for secret in [password(), second(), recovery.secret()] {
        let target = Arc::new(LocalTarget::open(&scratch.0, false).unwrap());
        let vault = Vault::open(target, &secret).unwrap();
        assert_eq!(vault.keys().unwrap().0.len(), 3);
    }
    let vault = support::reopen(&scratch.0);
    let (snapshots, problems) = vault.snapshots().unwrap();
    assert_eq!((snapshots.len(), problems), (3, Vec::new()));
    assert_eq!(vault.holds().unwrap().len(), 1);
    let tombs = vault.target().names(ObjectKind::Tomb).unwrap();
    assert_eq!(tombs.len(), 1);
    for (name, snapshot) in ["day-1", "day-2"].iter().zip(&snapshots) {
        let expected = fs::read_to_string(data().join(format!("{name}.txt"))).unwrap();
        assert_eq!(restored(&vault, snapshot), expected, "{name}");
    }
    let node = vault.node(&snapshots[2], b"disk.raw").unwrap();
    let listed = matches!(node.segments, Segments::Listed(_));
    assert!(listed, "{} stretches", node.segments.count());
    let mut bytes = Vec::new();
    let mut reader = vault.open_file(&node).unwrap();
    std::io::Read::read_to_end(&mut reader, &mut bytes).unwrap();
    assert!(bytes == disk(&[5]), "the image is what was saved");
    let report = vault.check(true, None, &Watch::new()).unwrap();
    assert_eq!(report.problems, []);
}
