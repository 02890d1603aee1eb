//! A folder of a snapshot as a tar stream: ustar headers, with PAX records for what they cannot hold (POSIX.1-2001).

use std::collections::HashMap;
use std::io::{Read, Write};

use crate::node::{Node, NodeKind};
use crate::problem::show;
use crate::{Error, Problem, Snapshot, Vault, deep, zip};

/// Listed in the archive itself: who opens it on another machine must see what is missing.
const MISSING: &str = "NOT IN THIS ARCHIVE.txt";
const BLOCK: usize = 512;

/// Streams the file or folder at `path` (all roots for an empty path) with owners, modes, times to the nanosecond, links,
/// hard links, devices and extended attributes (`SCHILY.xattr`, which GNU tar and bsdtar restore). Holes are written as
/// zeros. What a tar cannot hold (sockets) or what is damaged is a problem, and is listed in a text file at the end of the
/// archive. Damage found in the middle of a file fails the whole stream: the archive is then cut, not quietly wrong.
pub fn write<W: Write + Send>(
    vault: &Vault,
    snapshot: &Snapshot,
    path: &[u8],
    out: W,
) -> Result<Vec<Problem>, Error> {
    deep::run(|| {
        let nodes = if path.is_empty() {
            vault.inner.roots(snapshot)?
        } else {
            vec![vault.node(snapshot, path)?]
        };
        let mut archive = Archive {
            vault,
            out,
            problems: Vec::new(),
            linked: HashMap::new(),
        };
        for node in nodes {
            let name = top_name(&node, path.is_empty());
            archive.node(&node, name, 0)?;
        }
        archive.finish()
    })
}

/// Several roots keep their whole paths apart; what was chosen begins with its own name.
fn top_name(node: &Node, is_root: bool) -> Vec<u8> {
    let name = match is_root {
        true => node.path.strip_prefix(b"/").unwrap_or(&node.path),
        false => node.name.as_slice(),
    };
    match name {
        b"" | b"/" => b".".to_vec(),
        name => name.to_vec(),
    }
}

struct Archive<'a, W: Write> {
    vault: &'a Vault,
    out: W,
    problems: Vec<Problem>,
    /// Name in the archive of each file that has several.
    linked: HashMap<(u64, u64), Vec<u8>>,
}

impl<W: Write> Archive<'_, W> {
    fn problem(&mut self, node: &Node, what: impl Into<String>) {
        self.problems.push(Problem::new(show(&node.path), what));
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.out.write_all(bytes).map_err(Error::Archive)
    }

    fn node(&mut self, node: &Node, name: Vec<u8>, depth: usize) -> Result<(), Error> {
        if node.is_dir() {
            return self.folder(node, name, depth);
        }
        if node.kind == NodeKind::Socket {
            self.problem(node, "is a socket, which a tar cannot hold");
            return Ok(());
        }
        let group = (node.links > 1).then_some((node.device, node.inode));
        if let Some(first) = group.and_then(|group| self.linked.get(&group)) {
            let header = entry(&name, node, b'1', first, 0);
            return self.put(&header);
        }
        let whole = match &node.kind {
            NodeKind::File => self.file(node, &name)?,
            NodeKind::Symlink { target } => {
                let header = entry(&name, node, b'2', target, 0);
                self.put(&header)?;
                true
            }
            kind => {
                let flag = match kind {
                    NodeKind::CharDevice { .. } => b'3',
                    NodeKind::BlockDevice { .. } => b'4',
                    _ => b'6',
                };
                let header = entry(&name, node, flag, b"", 0);
                self.put(&header)?;
                true
            }
        };
        if let (Some(group), true) = (group, whole) {
            self.linked.insert(group, name);
        }
        Ok(())
    }

    fn folder(&mut self, node: &Node, mut name: Vec<u8>, depth: usize) -> Result<(), Error> {
        name.push(b'/');
        let header = entry(&name, node, b'5', b"", 0);
        self.put(&header)?;
        let children = match self.vault.inner.children(node) {
            Ok(children) if depth <= deep::LEVELS => children,
            Ok(_) => {
                self.problem(node, "is too deep");
                Vec::new()
            }
            Err(error) => {
                self.problem(node, error.to_string());
                Vec::new()
            }
        };
        for child in children {
            let name = [name.as_slice(), &child.name].concat();
            self.node(&child, name, depth + 1)?;
        }
        Ok(())
    }

    /// False when it was left out.
    fn file(&mut self, node: &Node, name: &[u8]) -> Result<bool, Error> {
        if !zip::has_all(&self.vault.inner, node)? {
            self.problem(
                node,
                "parts of it are lost; restore it from another snapshot",
            );
            return Ok(false);
        }
        let header = entry(name, node, b'0', b"", node.size);
        self.put(&header)?;
        let damaged = |what: String| Error::Damaged {
            object: show(&node.path),
            what,
        };
        let mut reader = self.vault.open_file(node)?.take(node.size);
        let mut buffer = vec![0; 128 * 1024];
        let mut left = node.size;
        while left > 0 {
            let read = reader
                .read(&mut buffer)
                .map_err(|error| damaged(error.to_string()))?;
            if read == 0 {
                return Err(damaged("it ends too early".to_owned()));
            }
            self.put(&buffer[..read])?;
            left -= read as u64;
        }
        self.pad(node.size)?;
        Ok(true)
    }

    fn pad(&mut self, size: u64) -> Result<(), Error> {
        let over = (size % BLOCK as u64) as usize;
        if over > 0 {
            self.put(&[0; BLOCK][over..])?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Problem>, Error> {
        if !self.problems.is_empty() {
            let lines: String = self
                .problems
                .iter()
                .map(|problem| format!("{problem}\n"))
                .collect();
            let size = lines.len() as u64;
            let mut header = Header::new(b'0');
            header.text(0..100, MISSING.as_bytes());
            header.number(100..108, 0o644);
            header.number(124..136, size);
            let header = header.finish();
            self.put(&header)?;
            self.put(lines.as_bytes())?;
            self.pad(size)?;
        }
        self.put(&[0; 2 * BLOCK])?;
        self.out.flush().map_err(Error::Archive)?;
        Ok(self.problems)
    }
}

/// The blocks before an entry's content: PAX records when the plain header cannot say all.
fn entry(name: &[u8], node: &Node, flag: u8, link: &[u8], size: u64) -> Vec<u8> {
    let mut header = Header::new(flag);
    let mut records = Vec::new();
    let mut names = Vec::new();
    if !header.text(0..100, name) {
        names.push(("path", name));
    }
    if !header.text(157..257, link) {
        names.push(("linkpath", link));
    }
    // Before what it applies to: these names are bytes, not text. Short ones need no record.
    if names
        .iter()
        .any(|(_, text)| std::str::from_utf8(text).is_err())
    {
        record(&mut records, "hdrcharset", b"BINARY");
    }
    for (key, text) in names {
        record(&mut records, key, text);
    }
    header.number(100..108, u64::from(node.mode));
    let numbers = [
        (108..116, "uid", u64::from(node.uid)),
        (116..124, "gid", u64::from(node.gid)),
        (124..136, "size", size),
    ];
    for (field, key, value) in numbers {
        if !header.number(field, value) {
            record(&mut records, key, value.to_string().as_bytes());
        }
    }
    let whole = u64::try_from(node.mtime_s).is_ok_and(|s| header.number(136..148, s));
    if !whole || node.mtime_ns != 0 {
        record(
            &mut records,
            "mtime",
            time(node.mtime_s, node.mtime_ns).as_bytes(),
        );
    }
    if let NodeKind::CharDevice { major, minor } | NodeKind::BlockDevice { major, minor } =
        node.kind
    {
        header.number(329..337, u64::from(major));
        header.number(337..345, u64::from(minor));
    }
    if flag != b'1' {
        for xattr in &node.xattrs {
            let key = [b"SCHILY.xattr.", xattr.name.as_slice()].concat();
            record_bytes(&mut records, &key, &xattr.value);
        }
    }
    let mut blocks = Vec::new();
    if !records.is_empty() {
        let mut pax = Header::new(b'x');
        pax.text(0..100, b"PaxHeaders/entry");
        pax.number(100..108, 0o644);
        pax.number(124..136, records.len() as u64);
        blocks.extend_from_slice(&pax.finish());
        blocks.extend_from_slice(&records);
        blocks.resize(blocks.len().next_multiple_of(BLOCK), 0);
    }
    blocks.extend_from_slice(&header.finish());
    blocks
}

/// Seconds with nine digits behind the point, rounded to nothing.
fn time(seconds: i64, nanoseconds: u32) -> String {
    match seconds {
        0.. => format!("{seconds}.{nanoseconds:09}"),
        // 0.3 s after 2 s before 1970 is 1.7 s before it.
        _ if nanoseconds > 0 => {
            let whole = (seconds + 1).unsigned_abs();
            format!("-{whole}.{:09}", 1_000_000_000 - nanoseconds)
        }
        _ => seconds.to_string(),
    }
}

fn record(out: &mut Vec<u8>, key: &str, value: &[u8]) {
    record_bytes(out, key.as_bytes(), value);
}

/// `length key=value\n`, where the length counts its own digits.
fn record_bytes(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = 1 + key.len() + 1 + value.len() + 1;
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    out.extend_from_slice(format!("{length} ").as_bytes());
    out.extend_from_slice(key);
    out.push(b'=');
    out.extend_from_slice(value);
    out.push(b'\n');
}

struct Header([u8; BLOCK]);

impl Header {
    fn new(flag: u8) -> Header {
        let mut header = Header([0; BLOCK]);
        header.0[156] = flag;
        header.text(257..265, b"ustar\x0000");
        for field in [
            100..108,
            108..116,
            116..124,
            124..136,
            136..148,
            329..337,
            337..345,
        ] {
            header.number(field, 0);
        }
        header
    }

    /// What does not fit is cut, and false.
    fn text(&mut self, field: std::ops::Range<usize>, text: &[u8]) -> bool {
        let room = &mut self.0[field];
        let len = text.len().min(room.len());
        room[..len].copy_from_slice(&text[..len]);
        len == text.len()
    }

    /// Octal digits and a final NUL; what does not fit is zero, and false.
    fn number(&mut self, field: std::ops::Range<usize>, value: u64) -> bool {
        let room = &mut self.0[field];
        let width = room.len() - 1;
        let fits = value >> (3 * width) == 0;
        let digits = format!("{:0width$o}", if fits { value } else { 0 });
        room[..width].copy_from_slice(digits.as_bytes());
        fits
    }

    fn finish(mut self) -> [u8; BLOCK] {
        self.0[148..156].fill(b' ');
        let sum: u32 = self.0.iter().map(|byte| u32::from(*byte)).sum();
        self.0[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_its_own_digits() {
        for (value, want) in [
            (1, 6),
            (92, 98),
            (93, 99),
            (94, 101),
            (95, 102),
            (2000, 2008),
        ] {
            let mut out = Vec::new();
            record(&mut out, "a", &vec![b'x'; value]);
            assert_eq!(out.len(), want, "{value}");
            assert!(out.starts_with(format!("{want} a=").as_bytes()));
        }
    }

    #[test]
    fn times_before_1970_are_said_as_they_are() {
        assert_eq!(time(5, 30), "5.000000030");
        assert_eq!(time(-1, 0), "-1");
        assert_eq!(time(-2, 300_000_000), "-1.700000000");
        assert_eq!(time(-1, 1), "-0.999999999");
    }

    #[test]
    fn what_a_plain_header_cannot_hold_is_refused_by_it() {
        let mut header = Header::new(b'0');
        assert!(header.number(108..116, 0o7_777_777) && !header.number(108..116, 0o10_000_000));
        assert!(header.number(124..136, (1 << 33) - 1) && !header.number(124..136, 1 << 33));
        assert!(header.text(0..100, &[b'x'; 100]) && !header.text(0..100, &[b'x'; 101]));
    }
}
