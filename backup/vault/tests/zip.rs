//! A folder of a snapshot as a zip: any reader gets the same files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::fs;
use std::io::{Cursor, Read};
use std::os::unix::ffi::OsStrExt;

use support::*;
use zip::ZipArchive;

#[test]
fn a_zip_holds_the_files_and_lists_what_it_cannot_hold() {
    let scratch = Scratch::new();
    let from = scratch.0.join("from");
    nasty_tree(&from);
    let (_, vault) = in_memory();
    let snapshot = save(&vault, &from);
    let mut bytes = Vec::new();
    let problems = vault::zip::write(&vault, &snapshot, b"", &mut bytes).unwrap();
    // Pipe (two names), socket, two devices; the rest fits.
    assert_eq!(problems.len(), 5, "{problems:?}");
    let mut archive = ZipArchive::new(Cursor::new(&bytes)).unwrap();
    let mut read = |name: &str| {
        let mut content = Vec::new();
        archive
            .by_name(name)
            .unwrap_or_else(|error| panic!("{name}: {error}"))
            .read_to_end(&mut content)
            .unwrap();
        content
    };
    for name in [
        "small",
        "big",
        "text",
        "empty",
        "dir/sub/same as big",
        "holes between",
        "closed/inside",
    ] {
        assert!(
            read(&format!("from/{name}")) == fs::read(from.join(name)).unwrap(),
            "{name}"
        );
    }
    assert_eq!(read("from/link"), b"small");
    assert_eq!(read("from/not utf8 __"), b"x");
    assert_eq!(read("from/new_line and _[31m"), b"x");
    assert_eq!(
        String::from_utf8(read("NOT IN THIS ARCHIVE.txt"))
            .unwrap()
            .lines()
            .count(),
        5
    );
    // Every entry stays inside the folder it is unpacked in.
    let names: Vec<String> = archive
        .file_names()
        .map(|name| name.unwrap().into_owned())
        .collect();
    assert!(
        names
            .iter()
            .all(|name| !name.starts_with('/') && !name.split('/').any(|part| part == ".."))
    );
}

#[test]
fn a_single_file_is_a_zip_of_one() {
    let scratch = Scratch::new();
    let from = scratch.folder("from");
    fs::write(from.join("été.txt"), b"content").unwrap();
    let (_, vault) = in_memory();
    let snapshot = save(&vault, &from);
    let mut bytes = Vec::new();
    let path = from.join("été.txt");
    assert_eq!(
        vault::zip::write(&vault, &snapshot, path.as_os_str().as_bytes(), &mut bytes).unwrap(),
        []
    );
    let mut archive = ZipArchive::new(Cursor::new(&bytes)).unwrap();
    assert_eq!(
        archive.file_names().map(Result::unwrap).collect::<Vec<_>>(),
        ["été.txt"]
    );
    let mut text = String::new();
    archive
        .by_index(0)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, "content");
}
