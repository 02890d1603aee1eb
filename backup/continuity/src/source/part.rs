//! A part of an application that should hold something: does it, and which restore point did?

use super::recipe::Part;
use std::path::Path;
use vault::{Node, Snapshot, Vault};

/// Restore points looked through for one that still holds a part.
const LOOKED_AT: usize = 400;
/// Entries looked at below a part until one is a file.
const ENTRIES: usize = 100_000;

/// What is wrong with a part on this box; `None`: it holds a file. Blocks.
pub(crate) fn wrong(part: &Part) -> Option<&'static str> {
    match std::fs::metadata(&part.path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some("is not there"),
        // It is there; that it cannot be read is told by the backup itself.
        Err(_) => None,
        Ok(is) if is.is_dir() => (!holds_file(&part.path)).then_some("is empty"),
        Ok(is) => (is.len() == 0).then_some("is empty"),
    }
}

fn holds_file(folder: &Path) -> bool {
    let mut folders = vec![folder.to_owned()];
    let mut looked = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            looked += 1;
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ => return true,
            }
            if looked > ENTRIES {
                return true;
            }
        }
    }
    false
}

/// The newest restore point of the plan before this one that holds a file of the part. Blocks.
pub(crate) fn last_good(
    vault: &Vault,
    now: &Snapshot,
    part: &Part,
) -> Result<Option<Snapshot>, vault::Error> {
    use std::os::unix::ffi::OsStrExt;
    let (snapshots, _) = vault.snapshots()?;
    let before = |s: &Snapshot| s.kind == now.kind && s.plan == now.plan && s.id != now.id;
    let mut before: Vec<Snapshot> = snapshots.into_iter().filter(before).collect();
    before.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.started_ms));
    let path = part.path.as_os_str().as_bytes();
    for snapshot in before.into_iter().take(LOOKED_AT) {
        let Ok(node) = vault.node(&snapshot, path) else {
            continue;
        };
        if has_file(vault, &snapshot, &node)? {
            return Ok(Some(snapshot));
        }
    }
    Ok(None)
}

fn has_file(vault: &Vault, snapshot: &Snapshot, node: &Node) -> Result<bool, vault::Error> {
    let mut open = vec![node.clone()];
    let mut looked = 0;
    while let Some(node) = open.pop() {
        if node.is_file() {
            return Ok(node.size > 0 || looked > 0);
        }
        if node.is_dir() {
            for below in vault.list(snapshot, &node.path)? {
                looked += 1;
                if below.is_file() || looked > ENTRIES {
                    return Ok(true);
                }
                open.push(below);
            }
        }
    }
    Ok(false)
}
