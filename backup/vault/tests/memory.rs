//! What a backup holds in memory at most. Alone in its file: the peak is that of the whole process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::fs;
use std::path::Path;

use support::{Scratch, in_folder, now};
use vault::backup::{self, Options, Request, Saved};
use vault::{Kind, Vault, Watch};

const FILES: usize = 200_000;
const MOST_MB: u64 = 150;

/// The most that this process has held so far, MB.
fn peak_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.unwrap().parse::<u64>().unwrap() * 1024 / 1_000_000
}

fn save(vault: &Vault, root: &Path) -> Saved {
    let request = Request {
        kind: Kind::Files,
        plan: "test".to_owned(),
        host: "here".to_owned(),
        roots: vec![root.to_path_buf()],
        now_ms: now(),
        end_ms: &now,
    };
    let saved = backup::save(vault, &request, &Options::default(), &Watch::new()).unwrap();
    assert_eq!(saved.problems, []);
    saved
}

#[test]
fn a_folder_of_200_000_files_is_saved_again_and_again_in_150_mb() {
    let scratch = Scratch::new();
    let (root, inside) = (scratch.folder("many"), scratch.folder("many/~last"));
    fs::write(inside.join("file"), "below").unwrap();
    let name = |n: usize| root.join(format!("file {n:06}"));
    for n in 0..FILES {
        fs::write(name(n), format!("content {n}")).unwrap();
    }
    let vault = in_folder(&scratch.folder("vault"));
    let first = save(&vault, &root);
    assert_eq!(first.tally.new.files, FILES as u64 + 1);
    assert!(peak_mb() <= MOST_MB, "first: {} MB", peak_mb());

    let again = save(&vault, &root);
    assert_eq!(again.tally.unchanged.files, FILES as u64 + 1);
    let tree = |saved: &Saved| vault.list(&saved.snapshot, b"").unwrap();
    assert_eq!(tree(&again), tree(&first), "the list is used again");

    fs::write(name(FILES / 2), "changed").unwrap();
    fs::remove_file(name(FILES - 1)).unwrap();
    fs::write(inside.join("file"), "changed below").unwrap();
    let third = save(&vault, &root).tally;
    assert_eq!(third.unchanged.files, FILES as u64 - 2);
    assert_eq!((third.changed.files, third.removed.files), (2, 1));
    assert!(peak_mb() <= MOST_MB, "in the end: {} MB", peak_mb());
}
