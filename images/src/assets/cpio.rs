//! A writer of `newc` cpio archives, the only format the kernel unpacks as initramfs.
//!
//! Source: Documentation/driver-api/early-userspace/buffer-format.rst in the Linux tree. Inode numbers
//! count up, owner is root, every entry has the same time: the same tree gives the same bytes.

use std::collections::BTreeMap;

/// What one path of the archive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Dir,
    /// Content and permission bits.
    File(Vec<u8>, u32),
    Symlink(String),
    /// Character device: major, minor.
    CharDevice(u32, u32),
}

/// A tree in memory; paths are relative, without leading slash, and kept sorted.
#[derive(Debug, Default)]
pub(super) struct Tree {
    entries: BTreeMap<String, Entry>,
}

impl Tree {
    /// Adds an entry and the folders above it.
    pub(super) fn add(&mut self, path: &str, entry: Entry) {
        let mut above = path;
        while let Some((parent, _)) = above.rsplit_once('/') {
            self.entries.entry(parent.to_owned()).or_insert(Entry::Dir);
            above = parent;
        }
        self.entries.insert(path.to_owned(), entry);
    }

    /// The archive; `mtime_s` is the time of every entry (seconds since 1970, 32 bits in this format).
    pub(super) fn archive(&self, mtime_s: u32) -> Vec<u8> {
        let mut out = Vec::new();
        for (inode, (path, entry)) in (1u32..).zip(&self.entries) {
            let (mode, content, device): (u32, &[u8], (u32, u32)) = match entry {
                Entry::Dir => (0o040_755, &[], (0, 0)),
                Entry::File(bytes, permissions) => (0o100_000 | permissions, bytes, (0, 0)),
                Entry::Symlink(target) => (0o120_777, target.as_bytes(), (0, 0)),
                Entry::CharDevice(major, minor) => (0o020_600, &[], (*major, *minor)),
            };
            record(&mut out, inode, mode, mtime_s, device, path, content);
        }
        record(&mut out, 0, 0, 0, (0, 0), "TRAILER!!!", &[]);
        out
    }
}

fn record(
    out: &mut Vec<u8>,
    inode: u32,
    mode: u32,
    mtime: u32,
    device: (u32, u32),
    name: &str,
    content: &[u8],
) {
    let links = if mode & 0o170_000 == 0o040_000 { 2 } else { 1 };
    // The format counts content in 32 bits; no file of an initramfs comes near.
    let size = u32::try_from(content.len()).unwrap_or(u32::MAX);
    let name_len = u32::try_from(name.len() + 1).unwrap_or(u32::MAX);
    out.extend_from_slice(b"070701");
    for field in [
        inode, mode, 0, 0, links, mtime, size, 0, 0, device.0, device.1, name_len, 0,
    ] {
        out.extend_from_slice(format!("{field:08x}").as_bytes());
    }
    out.extend_from_slice(name.as_bytes());
    out.push(0);
    pad(out);
    out.extend_from_slice(content);
    pad(out);
}

fn pad(out: &mut Vec<u8>) {
    while !out.len().is_multiple_of(4) {
        out.push(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        let mut tree = Tree::default();
        tree.add("bin/sh", Entry::Symlink("busybox".into()));
        tree.add("dev/console", Entry::CharDevice(5, 1));
        tree.add("init", Entry::File(b"#!/bin/sh\n".to_vec(), 0o755));
        tree
    }

    /// The independent reader is GNU cpio where it is installed, else busybox's; one of them is a test package.
    #[test]
    fn another_program_lists_the_same_tree() {
        use std::io::Write as _;
        let mut child = ["cpio", "busybox"]
            .iter()
            .find_map(|program| {
                let mut command = std::process::Command::new(program);
                if *program == "busybox" {
                    command.arg("cpio");
                }
                command
                    .args(["-t", "-v"])
                    .env("LC_ALL", "C")
                    .env("TZ", "UTC");
                command
                    .stdin(std::process::Stdio::piped())
                    .stdout(std::process::Stdio::piped());
                command.stderr(std::process::Stdio::null()).spawn().ok()
            })
            .expect("this test needs cpio or busybox: apt-get install busybox-static");
        child
            .stdin
            .take()
            .unwrap()
            .write_all(&tree().archive(1_700_000_000))
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let listed = String::from_utf8(output.stdout).unwrap();
        let names: Vec<&str> = listed
            .lines()
            .filter_map(|l| l.split_whitespace().nth(8))
            .collect();
        let first: String = listed.lines().filter_map(|l| l.chars().next()).collect();
        assert!(listed.contains("bin/sh -> busybox"), "{listed}");
        assert!(listed.contains("-rwxr-xr-x"), "{listed}");
        assert_eq!(first, "dldc-", "{listed}");
        assert_eq!(names.first(), Some(&"bin"), "{listed}");
    }

    #[test]
    fn the_same_tree_gives_the_same_bytes_whatever_the_order() {
        let mut other = Tree::default();
        other.add("init", Entry::File(b"#!/bin/sh\n".to_vec(), 0o755));
        other.add("dev/console", Entry::CharDevice(5, 1));
        other.add("bin/sh", Entry::Symlink("busybox".into()));
        assert_eq!(tree().archive(7), other.archive(7));
        assert_ne!(tree().archive(7), other.archive(8));
    }

    #[test]
    fn every_part_is_aligned_to_four_bytes() {
        let archive = tree().archive(0);
        assert!(archive.len().is_multiple_of(4));
        let magics = archive
            .windows(6)
            .enumerate()
            .filter(|(_, w)| w == b"070701");
        let places: Vec<usize> = magics.map(|(at, _)| at).collect();
        assert_eq!(places.len(), 6, "five entries and the trailer");
        assert!(places.iter().all(|at| at.is_multiple_of(4)));
    }
}
