//! What a backup takes, leaves out and leaves alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

use support::{
    Mounted, Opened, Scratch, in_folder, in_memory, noise, now, reopen, restore_all, save,
};
use vault::backup::{self, Count, Options, Request, Saved, Tally};
use vault::{Error, Kind, Snapshot, Vault, Watch};

fn request<'a>(roots: &[&Path]) -> Request<'a> {
    Request {
        kind: Kind::Files,
        plan: "test".to_owned(),
        host: "here".to_owned(),
        roots: roots.iter().map(|root| root.to_path_buf()).collect(),
        now_ms: now(),
        end_ms: &now,
    }
}

fn save_as(vault: &Vault, root: &Path, options: &Options) -> Saved {
    let saved = backup::save(vault, &request(&[root]), options, &Watch::new()).unwrap();
    assert_eq!(saved.problems, []);
    saved
}

fn preview(vault: &Vault, root: &Path, options: &Options) -> Tally {
    let (tally, problems) =
        backup::preview(vault, &request(&[root]), options, &Watch::new()).unwrap();
    assert_eq!(problems, []);
    tally
}

fn excluding(lines: &[&str]) -> Options {
    Options {
        exclude: lines.iter().map(|line| line.as_bytes().to_vec()).collect(),
        ..Options::default()
    }
}

fn plant(root: &Path, files: &[&str]) {
    for file in files {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
}

/// Paths below the root of everything that is not a folder; of an empty folder, its path with a slash.
fn held(vault: &Vault, snapshot: &Snapshot, root: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let path = folder.as_os_str().as_encoded_bytes();
        let nodes = vault.list(snapshot, path).unwrap();
        let below = |path: &Path| path.strip_prefix(root).unwrap().display().to_string();
        if nodes.is_empty() {
            paths.push(below(&folder) + "/");
        }
        for node in nodes {
            let path = folder.join(node.display_name());
            match node.is_dir() {
                true => folders.push(path),
                false => paths.push(below(&path)),
            }
        }
    }
    paths.sort();
    paths
}

fn count(files: u64, bytes: u64) -> Count {
    Count { files, bytes }
}

#[test]
fn what_is_excluded_is_left_out_and_counted_and_no_problem() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    plant(
        &from,
        &[
            "a.txt",
            "a.tmp",
            "sub/b.txt",
            "sub/b.tmp",
            "sub/keep.tmp",
            "cache/x/y",
            "top",
        ],
    );
    let (_, vault) = in_memory();
    let absolute = from.join("top").display().to_string();
    let options = excluding(&["*.tmp", "!keep.tmp", "cache/", &absolute]);
    let saved = save_as(&vault, &from, &options);
    assert_eq!(
        held(&vault, &saved.snapshot, &from),
        ["a.txt", "sub/b.txt", "sub/keep.tmp"]
    );
    assert_eq!((saved.tally.excluded, saved.tally.new.files), (4, 3));
    assert_eq!(saved.snapshot.problems, []);
    assert_eq!(saved.snapshot.files, 3);
    // Left out from now on: gone from the snapshot; the other way round: new.
    let fewer = save_as(&vault, &from, &excluding(&["*.t*", "cache", "top"]));
    assert_eq!(held(&vault, &fewer.snapshot, &from), ["sub/"]);
    assert_eq!(fewer.tally.removed, count(3, 26));
    let all = save_as(&vault, &from, &Options::default());
    assert_eq!((all.tally.new.files, all.tally.excluded), (7, 0));
    assert_eq!(
        restore_all(&vault, &all.snapshot, &scratch.folder("to")),
        []
    );
}

#[test]
fn a_root_that_is_excluded_is_an_error() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    plant(&from, &["disk.iso"]);
    let (target, vault) = in_memory();
    let before = target.objects().len();
    for (root, pattern) in [
        (from.clone(), from.display().to_string()),
        (from.join("disk.iso"), "*.iso".to_owned()),
    ] {
        let tried = backup::save(
            &vault,
            &request(&[&root]),
            &excluding(&[&pattern]),
            &Watch::new(),
        );
        let Err(Error::BadRoot { path, what }) = tried else {
            panic!("{root:?} was saved");
        };
        assert_eq!(PathBuf::from(path), root);
        assert!(what.contains(&pattern), "{what}");
    }
    assert_eq!(target.objects().len(), before);
}

#[test]
fn tagged_caches_and_marked_folders_are_left_out_when_asked() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    plant(
        &from,
        &[
            "cache/a",
            "cache/b/c",
            "fake/a",
            "marked/a",
            "marked/.nobackup",
            "x",
        ],
    );
    let signature = "Signature: 8a477f597d28d172789f06886806bc55\n# a comment";
    fs::write(from.join("cache/CACHEDIR.TAG"), signature).unwrap();
    // Only the signature makes it a tag, and a root was named by hand.
    fs::write(from.join("fake/CACHEDIR.TAG"), "mine").unwrap();
    fs::write(from.join("CACHEDIR.TAG"), signature).unwrap();
    let (_, vault) = in_memory();
    let options = Options {
        skip_caches: true,
        markers: vec![b".nobackup".to_vec()],
        ..Options::default()
    };
    let saved = save_as(&vault, &from, &options);
    assert_eq!(
        held(&vault, &saved.snapshot, &from),
        [
            "CACHEDIR.TAG",
            "cache/CACHEDIR.TAG",
            "fake/CACHEDIR.TAG",
            "fake/a",
            "marked/.nobackup",
            "x"
        ]
    );
    assert_eq!(saved.tally.excluded, 3);
    assert_eq!(
        save_as(&vault, &from, &Options::default()).tally.new.files,
        3
    );
}

#[test]
fn another_file_system_is_left_out_when_asked() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    let mounted = Mounted::tmpfs(scratch.folder("from/mnt"), "size=1m");
    plant(&from, &["a", "mnt/b"]);
    let (_, vault) = in_memory();
    let options = Options {
        one_file_system: true,
        ..Options::default()
    };
    let saved = save_as(&vault, &from, &options);
    assert_eq!(held(&vault, &saved.snapshot, &from), ["a", "mnt/"]);
    assert_eq!(saved.tally.excluded, 1);
    assert_eq!(
        restore_all(&vault, &saved.snapshot, &scratch.folder("to")),
        []
    );
    let all = save_as(&vault, &from, &Options::default());
    assert_eq!(held(&vault, &all.snapshot, &from), ["a", "mnt/b"]);
    drop(mounted);
}

#[test]
fn a_dry_run_tells_what_a_run_does_and_writes_nothing() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    plant(&from, &["same", "changed", "gone", "old/gone", "sub/same"]);
    symlink("same", from.join("link")).unwrap();
    let (target, vault) = in_memory();
    let names = || {
        let objects = target.objects();
        objects
            .keys()
            .map(|name| format!("{name:?}"))
            .collect::<Vec<_>>()
    };
    let before = names();
    let first = preview(&vault, &from, &Options::default());
    assert_eq!(first.new, count(6, 31));
    assert_eq!(names(), before);
    assert_eq!(save_as(&vault, &from, &Options::default()).tally, first);
    fs::write(from.join("changed"), "otherwise").unwrap();
    fs::remove_file(from.join("gone")).unwrap();
    fs::remove_dir_all(from.join("old")).unwrap();
    plant(&from, &["new/new"]);
    fs::hard_link(from.join("new/new"), from.join("new/twice")).unwrap();
    let before = names();
    let watch = Opened::watch(&from.join("changed"));
    let second = preview(&vault, &from, &excluding(&["nothing"]));
    assert!(!watch.was_opened(), "a file was opened");
    assert_eq!(names(), before);
    let want = Tally {
        new: count(2, 14),
        changed: count(1, 9),
        unchanged: count(3, 12),
        removed: count(2, 12),
        excluded: 0,
        unstable_inodes: false,
    };
    assert_eq!(second, want);
    let saved = save_as(&vault, &from, &Options::default());
    assert_eq!(saved.tally, want);
    assert_eq!(
        restore_all(&vault, &saved.snapshot, &scratch.folder("to")),
        []
    );
    let missing = request(&[&scratch.0.join("missing")]);
    let nothing = backup::preview(&vault, &missing, &Options::default(), &Watch::new());
    assert!(matches!(nothing, Err(Error::NothingSaved { .. })));
}

#[test]
fn a_file_that_was_only_read_changes_no_list() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    plant(&from, &["a/b/c", "a/d"]);
    let (_, vault) = in_memory();
    let first = save(&vault, &from);
    let chunks = vault.stats().unwrap().chunks;
    let file = fs::File::open(from.join("a/b/c")).unwrap();
    let read = fs::FileTimes::new().set_accessed(std::time::SystemTime::UNIX_EPOCH);
    let before = fs::metadata(from.join("a/b/c")).unwrap();
    // Reading sets the access time alone; setting it by hand sets the ctime too, so the file is read again and is the same.
    file.set_times(read).unwrap();
    file.set_times(fs::FileTimes::new().set_modified(before.modified().unwrap()))
        .unwrap();
    let touched = save_as(&vault, &from, &Options::default());
    assert_eq!(
        (touched.tally.changed.files, touched.tally.unchanged.files),
        (1, 1)
    );
    let chunks_touched = vault.stats().unwrap().chunks;
    assert!(chunks_touched > chunks, "its ctime is another");
    let mut content = Vec::new();
    fs::File::open(from.join("a/b/c"))
        .unwrap()
        .read_to_end(&mut content)
        .unwrap();
    let accessed = fs::metadata(from.join("a/b/c"))
        .unwrap()
        .accessed()
        .unwrap();
    assert_ne!(
        accessed,
        std::time::SystemTime::UNIX_EPOCH,
        "mounted with noatime?"
    );
    let read = save_as(&vault, &from, &Options::default());
    assert_eq!(read.tally.unchanged, count(2, first.bytes));
    assert_eq!(read.snapshot.stored_bytes, 0);
    assert_eq!(vault.stats().unwrap().chunks, chunks_touched);
}

#[test]
fn a_file_written_just_before_the_last_run_is_read_again() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    plant(&from, &["fresh"]);
    let (_, vault) = in_memory();
    let clock = || {
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        i64::try_from(since.as_millis()).unwrap()
    };
    let at = |now_ms| Request {
        now_ms,
        end_ms: &now,
        ..request(&[&from])
    };
    let run = |now_ms| {
        let watch = Opened::watch(&from.join("fresh"));
        let saved = backup::save(&vault, &at(now_ms), &Options::default(), &Watch::new()).unwrap();
        (watch.was_opened(), saved)
    };
    let written = clock();
    // So short that also the finest clock may have stood still.
    run(written + 100);
    let (opened, again) = run(written + 60_000);
    assert!(opened, "it may have been written again in the same tick");
    assert_eq!(again.tally.unchanged.files, 1, "what was read is the same");
    assert_eq!(again.snapshot.stored_bytes, 0);
    let (opened, _) = run(written + 120_000);
    assert!(!opened, "it was settled before the last run");
    // A share's clock counts in seconds and is another's; one whose stamps are fine and ours is believed at once.
    fs::write(from.join("fresh"), "written again").unwrap();
    let written = clock();
    let local = from.metadata().unwrap().mtime_nsec() != 0 && is_local(&from);
    run(written + 1000);
    let (opened, _) = run(written + 60_000);
    assert_eq!(opened, !local, "a local file system: {local}");
}

/// As `stat` names it.
fn is_local(path: &Path) -> bool {
    let stat = std::process::Command::new("stat")
        .args(["--file-system", "--format=%T"])
        .arg(path)
        .output()
        .unwrap();
    let name = String::from_utf8(stat.stdout).unwrap();
    ["ext2/ext3", "xfs", "btrfs", "tmpfs", "f2fs", "zfs"].contains(&name.trim())
}

#[test]
fn what_was_lost_from_the_vault_is_stored_again() {
    let scratch = Scratch::new();
    let (from, folder) = (scratch.folder("from"), scratch.folder("vault"));
    fs::write(from.join("data"), noise(1, 300_000)).unwrap();
    let first = save(&in_folder(&folder), &from);
    for kind in ["packs", "trees"] {
        let mut taken = 0;
        let mut folders = vec![folder.join(kind)];
        while let Some(path) = folders.pop() {
            for entry in fs::read_dir(path).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => {
                        taken += 1;
                        fs::remove_file(path).unwrap();
                    }
                }
            }
        }
        assert!(taken > 0, "nothing in {kind}");
        let vault = reopen(&folder);
        let next = save_as(&vault, &from, &Options::default());
        assert!(next.snapshot.stored_bytes > 0, "{kind}");
        let to = scratch.folder(&format!("to-{kind}"));
        assert_eq!(restore_all(&vault, &next.snapshot, &to), []);
        if kind == "packs" {
            // It is the same data, so the first snapshot is whole again too.
            assert_eq!(restore_all(&vault, &first, &scratch.folder("to-first")), []);
        }
    }
}

#[test]
fn a_hard_link_is_read_once_and_stays_one() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    fs::write(from.join("a"), noise(2, 100_000)).unwrap();
    fs::create_dir(from.join("z")).unwrap();
    for name in ["b", "z/c"] {
        fs::hard_link(from.join("a"), from.join(name)).unwrap();
    }
    let (_, vault) = in_memory();
    save(&vault, &from);
    // A new name changes the ctime of all of them: read once.
    fs::hard_link(from.join("a"), from.join("d")).unwrap();
    let watch = Watch::new();
    let options = Options::default();
    let second = backup::save(&vault, &request(&[&from]), &options, &watch)
        .unwrap()
        .snapshot;
    assert_eq!(second.bytes, 400_000);
    let to = scratch.folder("to");
    assert_eq!(restore_all(&vault, &second, &to), []);
    let inode = |name: &str| {
        let meta = fs::metadata(to.join(name)).unwrap();
        (
            std::os::unix::fs::MetadataExt::ino(&meta),
            std::os::unix::fs::MetadataExt::nlink(&meta),
        )
    };
    assert_eq!(
        [inode("b"), inode("d"), inode("z/c")],
        [(inode("a").0, 4); 3]
    );
}

#[test]
fn pages_written_over_in_a_disk_image_store_little() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    let image = from.join("disk.img");
    fs::write(&image, noise(3, 8 << 20)).unwrap();
    fs::write(from.join("text.txt"), noise(4, 2 << 20)).unwrap();
    let (_, vault) = in_memory();
    save(&vault, &from);
    let file = fs::OpenOptions::new().write(true).open(&image).unwrap();
    for page in 0..16 {
        let at = page * (512 << 10) + 4096;
        file.write_all_at(&noise(100 + page, 4096), at).unwrap();
    }
    let second = save(&vault, &from);
    // 16 pages of 4 KiB in 16 chunks of 32 KiB, and the list of its 256.
    assert!(
        second.stored_bytes < 16 * 32_768 + 64 * 1024,
        "{} bytes are new",
        second.stored_bytes
    );
    assert_eq!(restore_all(&vault, &second, &scratch.folder("to")), []);
}

#[test]
fn a_sparse_image_is_cut_at_the_same_places_wherever_its_holes_are() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    let file = fs::File::create(from.join("disk.raw")).unwrap();
    file.set_len(16 << 20).unwrap();
    let data = noise(5, 1 << 20);
    file.write_all_at(&data, 4 << 20).unwrap();
    let (_, vault) = in_memory();
    save(&vault, &from);
    // Three pages in front of what is there: the extent begins 4 KiB further from a cut.
    file.write_all_at(&noise(6, 12_288), (4 << 20) - 12_288)
        .unwrap();
    let second = save(&vault, &from);
    assert!(
        second.stored_bytes < 12_288 + 32 * 1024,
        "{} bytes are new",
        second.stored_bytes
    );
    assert_eq!(restore_all(&vault, &second, &scratch.folder("to")), []);
}

/// Gives `left` bytes, then fails or ends.
struct Source {
    left: usize,
    fails: bool,
}

impl Read for Source {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && self.fails {
            return Err(io::Error::other("the dump broke off"));
        }
        let len = buf.len().min(self.left);
        buf[..len].fill(b's');
        self.left -= len;
        Ok(len)
    }
}

#[test]
fn a_stream_is_saved_as_one_file_or_not_at_all() {
    let scratch = Scratch::new();
    let (_, vault) = in_memory();
    let none = request(&[]);
    let stream = |left, fails, name: &[u8]| {
        backup::stream(
            &vault,
            &none,
            name,
            &mut Source { left, fails },
            &Watch::new(),
        )
    };
    let saved = stream(5 << 20, false, b"dump.sql").unwrap();
    assert_eq!((saved.files, saved.bytes), (1, 5 << 20));
    let node = vault.node(&saved, b"dump.sql").unwrap();
    assert_eq!((node.size, node.mode), (5 << 20, 0o600));
    let to = scratch.folder("to");
    assert_eq!(restore_all(&vault, &saved, &to), []);
    assert_eq!(fs::read(to.join("dump.sql")).unwrap(), vec![b's'; 5 << 20]);
    let broken = stream(3 << 20, true, b"dump.sql").unwrap_err();
    assert!(
        broken.to_string().contains("the dump broke off"),
        "{broken}"
    );
    for name in [&b"a/b"[..], b"", b".."] {
        assert!(matches!(stream(1, false, name), Err(Error::BadRoot { .. })));
    }
    let both = Request {
        roots: vec![scratch.0.clone()],
        ..request(&[])
    };
    let mut source = Source {
        left: 1,
        fails: false,
    };
    let both = backup::stream(&vault, &both, b"a", &mut source, &Watch::new());
    assert!(matches!(both, Err(Error::BadRoot { .. })));
    assert_eq!(vault.snapshots().unwrap().0.len(), 1);
}

#[test]
fn a_cancelled_look_stops_and_says_so() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    plant(&from, &["a", "b/c"]);
    let (_, vault) = in_memory();
    let watch = Watch::new();
    watch.cancel();
    for tried in [
        backup::preview(&vault, &request(&[&from]), &Options::default(), &watch).map(drop),
        backup::save(&vault, &request(&[&from]), &Options::default(), &watch).map(drop),
    ] {
        assert!(matches!(tried, Err(Error::Cancelled)), "{tried:?}");
    }
}
