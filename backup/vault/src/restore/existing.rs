//! Files that are already there: is what lies under the name the saved file?

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{FileType, Stat};

use super::execute::Shared;
use super::fate::is_same;
use super::filling::Filling;
use super::links::Waiting;
use super::{Overwrite, There};
use crate::attributes;
use crate::inner::Inner;
use crate::node::{Node, NodeKind, Segment};
use crate::source;

pub(crate) fn seen(folder: BorrowedFd<'_>, name: &[u8], stat: &Stat) -> io::Result<There> {
    Ok(there(source::kind_of(folder, name, stat)?, stat))
}

fn there(kind: NodeKind, stat: &Stat) -> There {
    There {
        kind,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        mtime_s: stat.st_mtime,
        mtime_ns: u32::try_from(stat.st_mtime_nsec).ok(),
        links: Some(stat.st_nlink),
    }
}

fn looks_right(node: &Node, stat: &Stat) -> bool {
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    is_file && node.is_file() && is_same(node, &there(NodeKind::File, stat))
}

/// Looks closer at a file that [`looks_right`]: leaves its content, or has it written anew.
pub(crate) fn examine(shared: &Shared<'_>, filling: &Filling) {
    let Some(folder) = filling.take_folder() else {
        return;
    };
    let node = &filling.node;
    let left = shared
        .handles
        .get(&folder)
        .and_then(|inside| leave(shared, inside.as_fd(), node));
    match left {
        Ok(Some(notes)) => {
            shared.unchanged();
            shared.bytes_passed(node.size);
            let done = shared.finished(node, Ok(notes));
            filling.release(shared, folder, done);
        }
        // It is another, or cannot be read: its group goes on waiting for the new one.
        Ok(None) | Err(_) => shared.again(Waiting {
            folder,
            node: node.clone(),
            replaces: true,
            group: filling.group.clone(),
            notes: Vec::new(),
        }),
    }
}

fn leave(
    shared: &Shared<'_>,
    folder: BorrowedFd<'_>,
    node: &Node,
) -> io::Result<Option<Vec<String>>> {
    let file = source::open_quietly(folder, &node.name, source::FILE)?;
    let stat = rustix::fs::fstat(&file)?;
    if !looks_right(node, &stat) {
        return Ok(None);
    }
    if shared.plan.verify_existing {
        let vault = shared.vault;
        if !same_content(vault, file.as_fd(), node, &|| shared.stopping())? {
            return Ok(None);
        }
    }
    if shared.plan.overwrite != Overwrite::Replace {
        return Ok(Some(Vec::new()));
    }
    let outcome = attributes::correct(file.as_fd(), node, &stat)?;
    Ok(Some(shared.owned(outcome)))
}

/// Reads a file and compares it with what was saved, chunk by chunk; the vault's packs are not read.
pub(crate) fn same_content(
    vault: &Inner,
    file: BorrowedFd<'_>,
    node: &Node,
    stopping: &dyn Fn() -> bool,
) -> io::Result<bool> {
    let mut buffer = Vec::new();
    let mut at = 0;
    for segment in vault.segments(node) {
        let segment = segment.map_err(io::Error::other)?;
        if stopping() {
            return Err(io::Error::other("it was stopped"));
        }
        let same = match segment {
            Segment::Chunk { id, len } => {
                buffer.resize(len as usize, 0);
                read_at(file, &mut buffer, at)? && vault.keys.chunk_id(&buffer) == id
            }
            Segment::Hole { len } => {
                let end = at.saturating_add(len);
                source::is_zero(file, source::Extent { start: at, end }, &mut buffer)?
            }
        };
        if !same {
            return Ok(false);
        }
        at = at.saturating_add(segment.len());
    }
    Ok(true)
}

/// False when the file ends before.
fn read_at(file: BorrowedFd<'_>, mut buffer: &mut [u8], mut at: u64) -> io::Result<bool> {
    while !buffer.is_empty() {
        let read = rustix::io::retry_on_intr(|| rustix::io::pread(file, &mut *buffer, at))?;
        if read == 0 {
            return Ok(false);
        }
        buffer = &mut buffer[read..];
        at += read as u64;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tree::tests::node;

    #[test]
    fn a_file_is_the_saved_one_by_type_size_and_time() {
        let saved = Node {
            size: 5,
            mtime_s: 7,
            mtime_ns: 9,
            links: 1,
            ..node(b"a", NodeKind::File)
        };
        let scratch = super::super::Scratch::new("existing");
        let file = std::fs::File::create(scratch.0.join("a")).unwrap();
        let mut there = rustix::fs::fstat(&file).unwrap();
        (there.st_size, there.st_mtime, there.st_mtime_nsec) = (5, 7, 9);
        assert!(looks_right(&saved, &there));
        type Change = fn(&mut Stat);
        let changes: [Change; 5] = [
            |stat| stat.st_size = 6,
            |stat| stat.st_mtime = 8,
            |stat| stat.st_mtime_nsec = 8,
            |stat| stat.st_nlink = 2,
            |stat| stat.st_mode = 0o120_777,
        ];
        for change in changes {
            let mut other = there;
            change(&mut other);
            assert!(!looks_right(&saved, &other));
        }
        // Of several names one alone may have been restored before.
        let links = Node { links: 2, ..saved };
        assert!(looks_right(&links, &there));
    }
}
