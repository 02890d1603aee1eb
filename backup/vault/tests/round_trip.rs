//! What was saved comes back: content, holes, links, owners, modes, attributes, times.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::Ordering;

use support::*;
use vault::restore::{self, Overwrite};
use vault::writer::{Chunking, Meta, SnapshotWriter};
use vault::{Error, Kind, Segment, Watch};

#[test]
fn a_nasty_tree_comes_back_identical_says_rsync() {
    let scratch = Scratch::new();
    let (from, to) = (scratch.0.join("from"), scratch.folder("to"));
    nasty_tree(&from);
    let atimes = |path: &std::path::Path| {
        let meta = path.metadata().unwrap();
        (meta.atime(), meta.atime_nsec())
    };
    let before = (atimes(&from.join("big")), atimes(&from.join("dir")));
    let vault = in_folder(&scratch.folder("vault"));
    let snapshot = save(&vault, &from);
    assert_eq!(
        before,
        (atimes(&from.join("big")), atimes(&from.join("dir"))),
        "saving changed access times"
    );
    assert_eq!(restore_all(&vault, &snapshot, &to), []);
    assert_eq!(
        before.0,
        atimes(&to.join("big")),
        "the access time was not restored"
    );
    assert_eq!(differences(&from, &to), "");
}

#[test]
fn a_second_run_stores_no_data_and_opens_nothing_unchanged() {
    let scratch = Scratch::new();
    let from = scratch.0.join("from");
    nasty_tree(&from);
    let (target, vault) = in_memory();
    let file = from.join("text");
    let first = save(&vault, &from);
    let objects = || target.objects().len();
    let (before, stats) = (objects(), vault.stats().unwrap());
    let watch = Opened::watch(&file);
    let second = save(&vault, &from);
    assert!(!watch.was_opened(), "an unchanged file was opened");
    assert_eq!(second.stored_bytes, 0);
    assert_eq!(
        objects(),
        before + 3,
        "only the snapshot and its session are new"
    );
    assert_eq!(vault.stats().unwrap().chunks, stats.chunks);
    let node = |snapshot| vault.node(snapshot, file.as_os_str().as_bytes()).unwrap();
    assert_eq!(node(&first).segments, node(&second).segments);
    fs::write(&file, b"changed").unwrap();
    let watch = Opened::watch(&file);
    let third = save(&vault, &from);
    assert!(watch.was_opened());
    assert_ne!(node(&second).segments, node(&third).segments);
    assert_ne!(node(&second).content_tag(), node(&third).content_tag());
    assert!(third.stored_bytes > 0);
}

#[test]
fn several_roots_keep_their_paths_and_a_selection_lands_by_name() {
    let scratch = Scratch::new();
    let (one, two) = (scratch.folder("srv/one"), scratch.folder("etc/two"));
    fs::write(one.join("a"), b"a").unwrap();
    fs::write(two.join("b"), b"b").unwrap();
    let (_, vault) = in_memory();
    let (snapshot, _) = save_with(&vault, &[&one, &two, &two.join("b")], &Watch::new()).unwrap();
    assert_eq!(snapshot.roots, [two.clone(), one.clone()]);
    let to = scratch.folder("to");
    assert_eq!(restore_all(&vault, &snapshot, &to), []);
    assert_eq!(
        fs::read(to.join(two.strip_prefix("/").unwrap()).join("b")).unwrap(),
        b"b"
    );
    let picked = scratch.0.join("picked");
    let selection = [
        one.join("a").as_os_str().as_bytes().to_vec(),
        two.as_os_str().as_bytes().to_vec(),
    ];
    let plan = restore::plan(&vault, &snapshot, &selection, &picked, Overwrite::Refuse).unwrap();
    assert!(!picked.exists(), "planning writes nothing");
    restore::execute(&vault, &plan, &Watch::new()).unwrap();
    assert_eq!(
        vault::compare::compare(&vault, &plan, &Watch::new())
            .unwrap()
            .differences,
        []
    );
    assert_eq!(
        (
            fs::read(picked.join("a")).unwrap(),
            fs::read(picked.join("two/b")).unwrap()
        ),
        (b"a".to_vec(), b"b".to_vec())
    );
}

#[test]
fn existing_files_are_refused_kept_or_replaced() {
    let scratch = Scratch::new();
    let (from, to) = (scratch.folder("from"), scratch.folder("to"));
    for name in ["a", "b"] {
        fs::write(from.join(name), name).unwrap();
    }
    fs::write(to.join("a"), b"mine").unwrap();
    std::os::unix::fs::symlink(scratch.0.join("victim"), to.join("b")).unwrap();
    fs::write(scratch.0.join("victim"), b"untouched").unwrap();
    let (_, vault) = in_memory();
    let snapshot = save(&vault, &from);
    let plan = |overwrite| restore::plan(&vault, &snapshot, &[], &to, overwrite);
    let refused = plan(Overwrite::Refuse).unwrap_err();
    assert!(
        matches!(refused, Error::WouldOverwrite { count: 2, .. }),
        "{refused}"
    );
    let keep = plan(Overwrite::Keep).unwrap();
    assert_eq!((keep.existing_count, keep.fresh), (2, false));
    let (_, problems) = restore::execute(&vault, &keep, &Watch::new()).unwrap();
    assert_eq!(problems.len(), 2);
    assert_eq!(fs::read(to.join("a")).unwrap(), b"mine");
    let replace = plan(Overwrite::Replace).unwrap();
    let (_, problems) = restore::execute(&vault, &replace, &Watch::new()).unwrap();
    assert_eq!(problems, []);
    assert_eq!(
        vault::compare::compare(&vault, &replace, &Watch::new())
            .unwrap()
            .differences,
        []
    );
    assert_eq!(
        differences(&from, &to),
        "",
        "no stray of the replacement is left"
    );
    assert_eq!(
        fs::read(scratch.0.join("victim")).unwrap(),
        b"untouched",
        "a link in the destination was followed"
    );
}

#[test]
fn a_planted_link_does_not_lead_a_restore_out_of_its_folder() {
    let scratch = Scratch::new();
    let (from, to, outside) = (
        scratch.folder("from/dir"),
        scratch.folder("to"),
        scratch.folder("outside"),
    );
    fs::write(from.join("file"), b"x").unwrap();
    std::os::unix::fs::symlink(&outside, to.join("dir")).unwrap();
    let (_, vault) = in_memory();
    let snapshot = save(&vault, from.parent().unwrap());
    let plan = restore::plan(&vault, &snapshot, &[], &to, Overwrite::Replace).unwrap();
    let (_, problems) = restore::execute(&vault, &plan, &Watch::new()).unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn the_system_and_the_vault_itself_are_refused_as_destination() {
    let scratch = Scratch::new();
    let (from, folder) = (scratch.folder("from/vault"), scratch.folder("place/vault"));
    fs::write(from.join("x"), b"x").unwrap();
    let vault = in_folder(&folder);
    let snapshot = save(&vault, from.parent().unwrap());
    let link = scratch.0.join("link");
    std::os::unix::fs::symlink(&folder, &link).unwrap();
    // Then folders that hold the vault: what is restored would be written over them. In the first one the folder `vault`
    // of the snapshot would even land on the vault.
    for to in [
        "/".as_ref(),
        folder.as_path(),
        &folder.join("packs/new"),
        &link,
        folder.parent().unwrap(),
        &scratch.0,
    ] {
        let refused = restore::plan(&vault, &snapshot, &[], to, Overwrite::Replace).unwrap_err();
        assert!(
            matches!(refused, Error::BadDestination { .. }),
            "{}: {refused}",
            to.display()
        );
    }
    // Beside the vault there is room.
    let beside = [from.as_os_str().as_bytes().to_vec()];
    let plan = restore::plan(&vault, &snapshot, &beside, &scratch.0, Overwrite::Refuse).unwrap();
    assert_eq!(plan.placements[0].to, scratch.0.join("vault"));
}

#[test]
fn what_cannot_be_read_is_a_problem_and_the_rest_is_saved() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    fs::write(from.join("good"), b"good").unwrap();
    // The vault's own folder lies inside what is saved; a root is missing.
    let vault = in_folder(&scratch.folder("from/vault"));
    let (snapshot, problems) =
        save_with(&vault, &[&from, &scratch.0.join("missing")], &Watch::new()).unwrap();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        problems.iter().any(|p| p.what.contains("vault itself"))
            && problems
                .iter()
                .any(|p| p.object.ends_with("missing") && p.what == "does not exist")
    );
    assert_eq!(snapshot.problems, problems);
    assert_eq!(snapshot.files, 1);
    let nothing = save_with(&vault, &[&scratch.0.join("missing")], &Watch::new()).unwrap_err();
    assert!(matches!(nothing, Error::NothingSaved { .. }));
    assert_eq!(vault.snapshots().unwrap().0.len(), 1);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_a_problem() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    fs::write(from.join("log"), vec![b'x'; 3 << 20]).unwrap();
    let (_, vault) = in_memory();
    let ended = std::sync::atomic::AtomicBool::new(false);
    let problems = std::thread::scope(|scope| {
        scope.spawn(|| {
            use std::io::Write;
            let mut log = fs::OpenOptions::new()
                .append(true)
                .open(from.join("log"))
                .unwrap();
            while !ended.load(Ordering::Relaxed) {
                log.write_all(b"line\n").unwrap();
            }
        });
        // The writer runs beside several attempts: one of them at least sees it.
        let mut problems = Vec::new();
        for _ in 0..50 {
            problems = save_with(&vault, &[&from], &Watch::new()).unwrap().1;
            if !problems.is_empty() {
                break;
            }
        }
        ended.store(true, Ordering::Relaxed);
        problems
    });
    assert!(
        problems
            .iter()
            .any(|problem| problem.what.contains("changed while it was read")),
        "{problems:?}"
    );
    // Whatever was read is restorable.
    assert_eq!(
        restore_all(
            &vault,
            &vault.snapshot("latest").unwrap(),
            &scratch.folder("to")
        ),
        []
    );
}

#[test]
fn an_image_keeps_its_chunks_and_zeros_become_holes() {
    let mut disk = noise(3, 5 << 20);
    disk[2 << 20..4 << 20].fill(0);
    disk.extend_from_slice(&[0; 1000]);
    let (_, vault) = in_memory();
    let watch = Watch::new();
    let meta = Meta {
        kind: Kind::Image,
        plan: "debian".into(),
        host: "agen".into(),
        started_ms: 1_700_000_000_123,
    };
    let mut writer = SnapshotWriter::begin(&vault, meta, &watch).unwrap();
    let stored = writer
        .add_stream(
            "disk.raw",
            &mut disk.as_slice(),
            Chunking::Fixed(1 << 20),
            0o600,
        )
        .unwrap();
    writer.add_bytes("manifest", b"{}").unwrap();
    assert!(writer.add_bytes("a/b", b"").is_err());
    let snapshot = writer.finish(1_700_000_001_000).unwrap();
    assert_eq!(
        (snapshot.files, snapshot.bytes, snapshot.kind),
        (2, disk.len() as u64 + 2, Kind::Image)
    );
    assert_eq!(stored.content_hash, *blake3_of(&disk));
    let zeros: Vec<bool> = stored.chunks.iter().map(|chunk| chunk.zero).collect();
    assert_eq!(zeros, [false, false, true, true, false, true]);
    for (chunk, plain) in stored.chunks.iter().zip(disk.chunks(1 << 20)) {
        assert_eq!(vault.chunk(&chunk.id).unwrap(), plain);
        assert_eq!(chunk.plain, *blake3_of(plain));
        let packed = vault.chunk_packed(&chunk.id).unwrap();
        assert_eq!((packed.plain_len, packed.zstd), (chunk.len, chunk.zero));
    }
    let node = vault.node(&snapshot, b"disk.raw").unwrap();
    let segments: Result<Vec<Segment>, _> = vault.segments(&node).collect();
    let holes = segments.unwrap().into_iter().filter_map(|s| match s {
        Segment::Hole { len } => Some(len),
        Segment::Chunk { .. } => None,
    });
    let holes: Vec<u64> = holes.collect();
    assert_eq!((holes.len(), holes[0]), (2, 2 << 20), "zeros join");
    let mut reader = vault.open_file(&node).unwrap();
    for at in [
        0,
        1,
        1 << 20,
        (2 << 20) + 5,
        (4 << 20) - 1,
        5 << 20,
        disk.len() - 1,
        disk.len(),
        disk.len() + 9,
    ] {
        let mut rest = Vec::new();
        reader.seek_to(at as u64).unwrap();
        reader.read_to_end(&mut rest).unwrap();
        assert!(rest == disk[at.min(disk.len())..], "from {at}");
    }
    assert_eq!(
        vault
            .list(&snapshot, b"")
            .unwrap()
            .iter()
            .map(|n| n.display_name())
            .collect::<Vec<_>>(),
        ["disk.raw", "manifest"]
    );
}

fn blake3_of(bytes: &[u8]) -> Box<[u8; 32]> {
    Box::new(*blake3::hash(bytes).as_bytes())
}

#[test]
fn browsing_finds_folders_files_and_says_what_is_missing() {
    let scratch = Scratch::new();
    let from = scratch.0.join("from");
    nasty_tree(&from);
    let (_, vault) = in_memory();
    let snapshot = save(&vault, &from);
    let base = from.as_os_str().as_bytes().to_vec();
    let roots = vault.list(&snapshot, b"").unwrap();
    assert_eq!(
        (roots.len(), roots[0].path.clone(), roots[0].display_name()),
        (1, base.clone(), "from".to_owned())
    );
    let below = |name: &str| [base.as_slice(), b"/", name.as_bytes()].concat();
    assert!(
        vault
            .list(&snapshot, &base)
            .unwrap()
            .is_sorted_by(|a, b| a.name < b.name)
    );
    assert_eq!(
        vault
            .node(&snapshot, &below("dir/sub/"))
            .unwrap()
            .display_name(),
        "sub"
    );
    assert!(matches!(
        vault.node(&snapshot, &below("dir/none")),
        Err(Error::NoSuchPath { .. })
    ));
    assert!(matches!(
        vault.node(&snapshot, &below("small/none")),
        Err(Error::NoSuchPath { .. })
    ));
    assert!(matches!(
        vault.list(&snapshot, &below("small")),
        Err(Error::WrongKind { .. })
    ));
    let folder = vault.node(&snapshot, &below("dir")).unwrap();
    assert!(matches!(
        vault.open_file(&folder),
        Err(Error::WrongKind { .. })
    ));
    let mut text = String::new();
    vault
        .open_file(&vault.node(&snapshot, &below("small")).unwrap())
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, "hello");
}

#[test]
fn comparing_finds_every_kind_of_difference() {
    let scratch = Scratch::new();
    let (from, to) = (scratch.0.join("from"), scratch.folder("to"));
    nasty_tree(&from);
    let (_, vault) = in_memory();
    let snapshot = save(&vault, &from);
    let plan = restore::plan(&vault, &snapshot, &[], &to, Overwrite::Refuse).unwrap();
    restore::execute(&vault, &plan, &Watch::new()).unwrap();
    let differences = || {
        vault::compare::compare(&vault, &plan, &Watch::new())
            .unwrap()
            .differences
    };
    assert_eq!(differences(), []);
    let found = |name: &str, what: &str| {
        let found = differences();
        let seen = found
            .iter()
            .any(|problem| problem.object.ends_with(name) && problem.what.contains(what));
        assert!(seen, "{name} {what}: {found:?}");
    };
    let run = |program: &str, args: &[&str]| {
        assert!(
            std::process::Command::new(program)
                .args(args)
                .current_dir(&to)
                .status()
                .unwrap()
                .success()
        );
    };
    run(
        "sh",
        &["-c", "printf H | dd of=text conv=notrunc status=none"],
    );
    found("/text", "another content");
    run("truncate", &["-s", "1", "dir/sub/inherits"]);
    run("sh", &["-c", "echo longer >> dir/sub/inherits"]);
    found("/inherits", "bytes instead of");
    run("chmod", &["600", "setuid"]);
    found("/setuid", "mode 0600 instead of 6755");
    run("chown", &["0:0", "dir"]);
    run("chown", &["5:6", "empty dir"]);
    found("/empty dir", "belongs to 5:6");
    run("touch", &["-d", "2020-01-01 UTC", "hole last"]);
    found("/hole last", "was changed at 1577836800.000000000");
    run("setfattr", &["-x", "user.comment", "small"]);
    found("/small", "user.comment");
    run("ln", &["-sfn", "elsewhere", "out"]);
    found("/out", "points elsewhere");
    run("rm", &["-rf", "deep"]);
    found("/deep", "was not restored");
    run("sh", &["-c", "cp big copy; mv copy 'dir/sub/same as big'"]);
    found("/same as big", "no longer a hard link");
    run("cp", &["--sparse=never", "all hole", "copy"]);
    run("mv", &["copy", "all hole"]);
    found("/all hole", "place of its holes");
    run("touch", &["extra"]);
    found("/extra", "was not saved");
    run("sh", &["-c", "rm fifo; mkdir fifo"]);
    found("/fifo", "is a folder instead of a named pipe");
}

#[test]
fn a_byte_in_the_hole_of_a_huge_file_is_found() {
    use std::os::unix::fs::FileExt;
    let scratch = Scratch::new();
    let (from, to) = (scratch.folder("from"), scratch.folder("to"));
    let sparse = fs::File::create(from.join("sparse")).unwrap();
    sparse.set_len(64 << 30).unwrap();
    sparse.write_all_at(b"in the middle", 10 << 30).unwrap();
    let (_, vault) = in_memory();
    let snapshot = save(&vault, &from);
    let plan = restore::plan(&vault, &snapshot, &[], &to, Overwrite::Refuse).unwrap();
    restore::execute(&vault, &plan, &Watch::new()).unwrap();
    let differences = || {
        vault::compare::compare(&vault, &plan, &Watch::new())
            .unwrap()
            .differences
    };
    assert_eq!(differences(), []);
    let restored = fs::OpenOptions::new()
        .write(true)
        .open(to.join("sparse"))
        .unwrap();
    let times = restored.metadata().unwrap().modified().unwrap();
    restored.write_all_at(b"x", 40 << 30).unwrap();
    restored.set_modified(times).unwrap();
    let found = differences();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].what.contains("another content"), "{found:?}");
}

#[test]
fn a_cancelled_run_leaves_no_snapshot_and_its_packs_serve_the_next() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    // Two packs' worth: the first is published while the run goes on.
    for n in 0..10 {
        fs::write(from.join(format!("{n}")), noise(n, 8 << 20)).unwrap();
    }
    let (target, vault) = in_memory();
    let watch = Watch::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while watch.bytes_stored.load(Ordering::Relaxed) == 0 {
                std::thread::yield_now();
            }
            watch.cancel();
        });
        assert!(matches!(
            save_with(&vault, &[&from], &watch),
            Err(Error::Cancelled)
        ));
    });
    assert_eq!(vault.snapshots().unwrap().0.len(), 0);
    let kept = target.objects().len();
    assert!(kept > 1, "a pack was published");
    let snapshot = save(&vault, &from);
    assert!(
        snapshot.stored_bytes < snapshot.bytes - (12 << 20),
        "{} of {}",
        snapshot.stored_bytes,
        snapshot.bytes
    );
    assert_eq!(restore_all(&vault, &snapshot, &scratch.folder("to")), []);
}

#[test]
fn what_another_process_saved_is_seen() {
    let scratch = Scratch::new();
    let (from, folder) = (scratch.folder("from"), scratch.folder("vault"));
    fs::write(from.join("a"), b"a").unwrap();
    let first = in_folder(&folder);
    let second = reopen(&folder);
    let snapshot = save(&second, &from);
    assert_eq!(first.snapshot("test@latest").unwrap(), snapshot);
    assert_eq!(restore_all(&first, &snapshot, &scratch.folder("to")), []);
}

#[test]
fn a_tree_deeper_than_any_path_may_be_long_comes_back() {
    use rustix::fs::{CWD, Mode, OFlags};
    let scratch = Scratch::new();
    let (from, to) = (scratch.folder("from"), scratch.folder("to"));
    let name = "d".repeat(200);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let mut folder = rustix::fs::openat(CWD, &from, flags, Mode::empty()).unwrap();
    for _ in 0..300 {
        rustix::fs::mkdirat(&folder, &name, Mode::RWXU).unwrap();
        folder = rustix::fs::openat(&folder, &name, flags, Mode::empty()).unwrap();
    }
    let bottom = OFlags::WRONLY | OFlags::CREATE;
    let file = rustix::fs::openat(&folder, "bottom", bottom, Mode::RUSR).unwrap();
    rustix::io::write(&file, b"here").unwrap();
    let (_, vault) = in_memory();
    let snapshot = save(&vault, &from);
    assert_eq!(restore_all(&vault, &snapshot, &to), []);
    let plan = restore::plan(&vault, &snapshot, &[], &to, Overwrite::Keep).unwrap();
    assert_eq!((plan.files, plan.folders, plan.bytes), (1, 301, 4));
}
