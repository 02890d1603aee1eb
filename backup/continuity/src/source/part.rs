//! A part of an application that should hold something: does its restore point hold it, and which one did?

use super::recipe::Part;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use vault::{Node, Snapshot, Vault};

/// Restore points looked through for one that still holds a part.
const LOOKED_AT: usize = 400;
/// Entries looked at below a part until one is a file.
const ENTRIES: usize = 100_000;
/// The largest manifest of a dump that is read.
const MANIFEST_BYTES: u64 = 64 * 1024 * 1024;

/// What is wrong with a part in a restore point; `None`: it holds a file. Blocks.
pub(crate) fn wrong(
    vault: &Vault,
    snapshot: &Snapshot,
    part: &Part,
) -> Result<Option<&'static str>, vault::Error> {
    let node = match vault.node(snapshot, part.path.as_os_str().as_bytes()) {
        Ok(node) => node,
        Err(vault::Error::NoSuchPath { .. }) if part.path.exists() => {
            return Ok(Some("could not be read"));
        }
        Err(vault::Error::NoSuchPath { .. }) => return Ok(Some("is not there")),
        Err(error) => return Err(error),
    };
    Ok((!has_file(vault, snapshot, node)?).then_some("is empty"))
}

/// The newest restore point of the plan before this one that holds a file of the part. Blocks.
pub(crate) fn last_good(
    vault: &Vault,
    now: &Snapshot,
    part: &Part,
) -> Result<Option<Snapshot>, vault::Error> {
    for snapshot in before(vault, now)? {
        if wrong(vault, &snapshot, part)?.is_none() {
            return Ok(Some(snapshot));
        }
    }
    Ok(None)
}

/// Restore points of the same plan, newest first.
fn before(vault: &Vault, now: &Snapshot) -> Result<Vec<Snapshot>, vault::Error> {
    let (snapshots, _) = vault.snapshots()?;
    let before = |s: &Snapshot| s.kind == now.kind && s.plan == now.plan && s.id != now.id;
    let mut before: Vec<Snapshot> = snapshots.into_iter().filter(before).collect();
    before.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.started_ms));
    before.truncate(LOOKED_AT);
    Ok(before)
}

fn has_file(vault: &Vault, snapshot: &Snapshot, node: Node) -> Result<bool, vault::Error> {
    if !node.is_dir() {
        return Ok(node.size > 0);
    }
    let mut open = vec![node];
    let mut looked = 0;
    while let Some(node) = open.pop() {
        for below in vault.list(snapshot, &node.path)? {
            looked += 1;
            if below.is_file() || looked > ENTRIES {
                return Ok(true);
            }
            if below.is_dir() {
                open.push(below);
            }
        }
    }
    Ok(false)
}

/// Rows of the dump in this restore point, and in the newest one before it that holds a dump of it. What cannot be read is
/// not compared. Blocks.
pub(crate) fn rows(
    vault: &Vault,
    now: &Snapshot,
    place: &Path,
) -> Result<Option<(u64, u64, Snapshot)>, vault::Error> {
    let Some(rows_now) = rows_of(vault, now, place) else {
        return Ok(None);
    };
    let then = before(vault, now)?.into_iter().find_map(|snapshot| {
        let rows = rows_of(vault, &snapshot, place)?;
        Some((rows_now, rows, snapshot))
    });
    Ok(then)
}

fn rows_of(vault: &Vault, snapshot: &Snapshot, place: &Path) -> Option<u64> {
    let path = place.join("manifest.json");
    let node = vault.node(snapshot, path.as_os_str().as_bytes()).ok()?;
    let mut bytes = Vec::new();
    let file = vault.open_file(&node).ok()?;
    file.take(MANIFEST_BYTES).read_to_end(&mut bytes).ok()?;
    let manifest = databases::Manifest::decode(&bytes).ok()?;
    Some(manifest.rows())
}
