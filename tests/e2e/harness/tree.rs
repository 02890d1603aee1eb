//! A tree with everything a file server holds, and the tools that compare two of them.

use super::tool;
use rustix::fs::{AtFlags, CWD, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags};
use std::ffi::OsStr;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// How many plain files [`plant`] makes, at least.
pub(crate) const FILES: u64 = 10_000;

/// Fills `root` (which must not exist). Needs root: owners, devices, ACLs.
pub(crate) fn plant(root: &Path) {
    fs::create_dir(root).expect("the tree's root");
    many(root);
    names(root);
    links(root);
    sparse(root);
    special(root);
    attributes(root);
    deep(root);
    times(root);
}

/// Content that nothing compresses away entirely, the same at each call.
fn content(seed: u64, len: usize) -> Vec<u8> {
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

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

fn many(root: &Path) {
    for folder in 0..100u64 {
        let place = root.join(format!("clients/{folder:03}"));
        fs::create_dir_all(&place).expect("a folder");
        for file in 0..FILES / 100 {
            let seed = folder * 1000 + file;
            let len = usize::try_from(seed.wrapping_mul(2_654_435_761) % 6000).expect("small");
            write(&place.join(format!("{file}.dat")), &content(seed, len));
        }
    }
    write(&root.join("big.bin"), &content(7, 12 << 20));
    write(&root.join("empty"), b"");
    fs::create_dir_all(root.join("nothing/in/here")).expect("empty folders");
}

fn names(root: &Path) {
    let place = root.join("names");
    fs::create_dir(&place).expect("a folder");
    let long = [b'n'; 255];
    let odd: &[&[u8]] = &[
        b"-rf",
        b"--delete",
        b"two\nlines",
        b"\xff\xfe not UTF-8 \x80",
        b" leading blank",
        b"trailing blank ",
        b"quote\"'`$(x)",
        b"back\\slash",
        b"*",
        b"...",
        b".hidden",
        b"tab\there",
        b"escape\x1b[31m",
        "e\u{301}te\u{301} (decomposed)".as_bytes(),
        "été".as_bytes(),
        "日本語".as_bytes(),
        b"CON",
        &long,
    ];
    for (seed, name) in odd.iter().enumerate() {
        write(
            &place.join(OsStr::from_bytes(name)),
            &content(seed as u64, 100),
        );
    }
    let folder = place.join(OsStr::from_bytes(b"folder\n\xff"));
    fs::create_dir(&folder).expect("an odd folder");
    write(&folder.join("inside"), b"inside");
}

fn links(root: &Path) {
    let place = root.join("links");
    fs::create_dir(&place).expect("a folder");
    for (target, name) in [
        ("../big.bin", "relative"),
        ("/etc/hostname", "absolute"),
        ("nowhere", "dangling"),
        ("../clients", "to-a-folder"),
        ("loop", "loop"),
    ] {
        symlink(target, place.join(name)).expect("a link");
    }
    symlink("x/".repeat(2000), place.join("long")).expect("a long link");
    symlink(OsStr::from_bytes(b"\xff\n"), place.join("odd")).expect("an odd link");
    write(&place.join("hard"), &content(42, 5000));
    for name in ["links/hard-2", "names/hard-3", "hard-4"] {
        fs::hard_link(place.join("hard"), root.join(name)).expect("a hard link");
    }
    fs::hard_link(root.join("links/relative"), root.join("links/relative-2"))
        .expect("a hard link of a link");
}

/// Files whose blocks must agree too.
pub(crate) const SPARSE: &[&str] = &[
    "sparse/islands",
    "sparse/hole",
    "sparse/tail",
    "sparse/allocated",
    "sparse/ends",
];

fn sparse(root: &Path) {
    fs::create_dir(root.join("sparse")).expect("a folder");
    let file = |name: &str| fs::File::create(root.join("sparse").join(name)).expect("a file");
    let mut islands = file("islands");
    for at in [0, 10 << 20, (40 << 20) + 4096] {
        islands.seek(SeekFrom::Start(at)).expect("seek");
        islands.write_all(&content(at, 70_000)).expect("an island");
    }
    islands.set_len(64 << 20).expect("a long file");
    file("hole").set_len(8 << 20).expect("only a hole");
    let mut tail = file("tail");
    tail.write_all(&content(3, 9000)).expect("data");
    tail.set_len(5 << 20).expect("a hole at the end");
    let mut ends = file("ends");
    ends.seek(SeekFrom::Start(3 << 20)).expect("seek");
    ends.write_all(b"end").expect("data at the end");
    // Zeros that take their place.
    file("allocated")
        .write_all(&vec![0; 4 << 20])
        .expect("zeros");
}

fn special(root: &Path) {
    use rustix::fs::{FileType, makedev, mknodat};
    let place = root.join("special");
    fs::create_dir(&place).expect("a folder");
    let mode = Mode::from_raw_mode(0o640);
    for (name, kind, device) in [
        ("fifo", FileType::Fifo, 0),
        ("null", FileType::CharacterDevice, makedev(1, 3)),
        ("loop", FileType::BlockDevice, makedev(7, 200)),
    ] {
        mknodat(CWD, place.join(name), kind, mode, device).expect("a special file");
    }
    // The path of a socket must be short; its folder's may not be.
    let folder = fs::File::open(&place).expect("the folder");
    let short = format!(
        "/proc/self/fd/{}/socket",
        std::os::fd::AsRawFd::as_raw_fd(&folder)
    );
    drop(UnixListener::bind(short).expect("a socket"));
    for (name, mode) in [
        ("setuid", 0o4755),
        ("setgid", 0o2755),
        ("none", 0o000),
        ("read-only", 0o444),
    ] {
        write(&place.join(name), name.as_bytes());
        fs::set_permissions(place.join(name), fs::Permissions::from_mode(mode)).expect("mode");
    }
    for (name, mode) in [("sticky", 0o1777), ("group", 0o2770), ("closed", 0o500)] {
        fs::create_dir(place.join(name)).expect("a folder");
        write(&place.join(name).join("inside"), b"inside");
        fs::set_permissions(place.join(name), fs::Permissions::from_mode(mode)).expect("mode");
    }
}

/// One entry of a POSIX ACL as the kernel keeps it (linux/posix_acl_xattr.h).
fn acl(entries: &[(u16, u16, u32)]) -> Vec<u8> {
    let mut bytes = 2u32.to_le_bytes().to_vec();
    for (tag, rights, id) in entries {
        bytes.extend_from_slice(&tag.to_le_bytes());
        bytes.extend_from_slice(&rights.to_le_bytes());
        bytes.extend_from_slice(&id.to_le_bytes());
    }
    bytes
}

fn attributes(root: &Path) {
    let place = root.join("attributes");
    fs::create_dir(&place).expect("a folder");
    let set = |path: &Path, name: &str, value: &[u8]| {
        rustix::fs::lsetxattr(path, name, value, XattrFlags::empty())
            .unwrap_or_else(|e| panic!("{name} on {}: {e}", path.display()));
    };
    const ANY: u32 = u32::MAX;
    let access = acl(&[
        (1, 6, ANY),
        (2, 4, 1234),
        (4, 4, ANY),
        (8, 6, 5678),
        (16, 6, ANY),
        (32, 0, ANY),
    ]);
    let file = place.join("file");
    write(&file, b"with attributes");
    set(&file, "user.comment", b"a note\0with a zero");
    set(&file, "user.empty", b"");
    set(&file, "trusted.reprise", &content(1, 500));
    set(
        &file,
        "security.capability",
        &[
            1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
    );
    set(&file, "system.posix_acl_access", &access);
    let folder = place.join("folder");
    fs::create_dir(&folder).expect("a folder");
    set(&folder, "user.comment", b"on a folder");
    set(&folder, "system.posix_acl_access", &access);
    set(&folder, "system.posix_acl_default", &access);
    // Inherits, as a file made by a user would.
    write(&folder.join("heir"), b"heir");
    symlink("file", place.join("link")).expect("a link");
    set(&place.join("link"), "trusted.reprise", b"on a link");
    for (name, uid, gid) in [
        ("file", 1234, 5678),
        ("link", 4321, 8765),
        ("folder", 65_534, 100),
    ] {
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        rustix::fs::chownat(
            CWD,
            place.join(name),
            Some(uid),
            Some(gid),
            AtFlags::SYMLINK_NOFOLLOW,
        )
        .expect("an owner");
    }
    // A new owner takes away what only the old one may grant.
    set(
        &file,
        "security.capability",
        &[
            1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
    );
}

fn deep(root: &Path) {
    let mut place = root.join("deep");
    for level in 0..60 {
        place = place.join(format!("level-{level}"));
    }
    fs::create_dir_all(&place).expect("a deep folder");
    write(&place.join("bottom"), b"bottom");
}

/// Last, because making something in a folder changes the folder's time.
fn times(root: &Path) {
    for (name, seconds, nanoseconds) in [
        ("clients/000/1.dat", 1_000_000_000, 123_456_789),
        ("clients/000/2.dat", -86_400, 1),
        ("clients/000/3.dat", 4_000_000_000, 999_999_999),
        ("links/dangling", 1_234_567_890, 5),
        ("special/fifo", 1_111_111_111, 111),
        ("clients/000", 1_500_000_000, 500),
        ("nothing/in", 946_684_800, 7),
        ("special/closed", 1_600_000_000, 9),
    ] {
        let time = Timespec {
            tv_sec: seconds,
            tv_nsec: nanoseconds,
        };
        let times = Timestamps {
            last_access: time,
            last_modification: time,
        };
        rustix::fs::utimensat(CWD, root.join(name), &times, AtFlags::SYMLINK_NOFOLLOW)
            .expect("a time");
    }
}

/// What an independent tool finds different: content, type, mode, owner, times to the nanosecond,
/// ACLs, attributes, hard links, anything too many or too few. Empty when nothing is.
pub(crate) fn differences(source: &Path, copy: &Path) -> String {
    let slash = |path: &Path| format!("{}/", path.display());
    tool(
        "rsync",
        &[
            "-aHAXnc",
            "-@-1",
            "--numeric-ids",
            "--delete",
            "-i",
            &slash(source),
            &slash(copy),
        ],
    )
}

/// Sparse files whose blocks on the disk differ.
pub(crate) fn block_differences(source: &Path, copy: &Path) -> Vec<String> {
    let blocks = |path: PathBuf| {
        fs::metadata(&path)
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
            .blocks()
    };
    let differ = |name: &&&str| blocks(source.join(name)) != blocks(copy.join(name));
    SPARSE
        .iter()
        .filter(differ)
        .map(|name| {
            format!(
                "{name}: {} blocks, its copy {}",
                blocks(source.join(name)),
                blocks(copy.join(name))
            )
        })
        .collect()
}
