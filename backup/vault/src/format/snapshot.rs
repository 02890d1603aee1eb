//! The snapshot object: header (magic, id), then everything else sealed. Its existence is the commit.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use super::Bad;
use super::bytes::{Cursor, Put};
use super::tree::{get_parts, put_parts};
use crate::{Kind, Problem, Snapshot, SnapshotId};

pub(crate) const HEADER_LEN: usize = 24;
const MAGIC: &[u8; 8] = b"RPRSNAP0";

pub(crate) fn header(id: &SnapshotId) -> [u8; HEADER_LEN] {
    let mut out = [0; HEADER_LEN];
    out[..8].copy_from_slice(MAGIC);
    out[8..].copy_from_slice(id.as_bytes());
    out
}

/// Checks magic and id; returns the sealed part.
pub(crate) fn sealed<'a>(body: &'a [u8], id: &SnapshotId) -> Result<&'a [u8], Bad> {
    let (head, sealed) = body.split_at_checked(HEADER_LEN).ok_or(Bad::Short)?;
    if head[..8] != *MAGIC {
        return Err(Bad::Magic);
    }
    if head[8..] != *id.as_bytes() {
        return Err(Bad::Value("name"));
    }
    Ok(sealed)
}

pub(crate) fn encode(snapshot: &Snapshot) -> Vec<u8> {
    let mut out = Vec::new();
    out.push(match snapshot.kind {
        Kind::Files => 0,
        Kind::Image => 1,
        Kind::Appliance => 2,
    });
    out.put_blob(snapshot.plan.as_bytes());
    out.put_blob(snapshot.host.as_bytes());
    out.put_i64(snapshot.started_ms);
    out.put_i64(snapshot.finished_ms);
    out.put_count(snapshot.roots.len());
    for root in &snapshot.roots {
        out.put_blob(root.as_os_str().as_bytes());
    }
    for value in [snapshot.files, snapshot.bytes, snapshot.stored_bytes] {
        out.put_u64(value);
    }
    out.put_count(snapshot.problems.len());
    for problem in &snapshot.problems {
        out.put_blob(problem.object.as_bytes());
        out.put_blob(problem.what.as_bytes());
    }
    put_parts(&mut out, &snapshot.tree);
    out
}

pub(crate) fn decode(plain: &[u8], id: SnapshotId) -> Result<Snapshot, Bad> {
    let mut cursor = Cursor::new(plain);
    let kind = match cursor.u8()? {
        0 => Kind::Files,
        1 => Kind::Image,
        2 => Kind::Appliance,
        _ => return Err(Bad::Value("kind")),
    };
    let (plan, host) = (cursor.text()?, cursor.text()?);
    let (started_ms, finished_ms) = (cursor.i64()?, cursor.i64()?);
    let mut roots = Vec::new();
    for _ in 0..cursor.count(4)? {
        roots.push(PathBuf::from(OsString::from_vec(cursor.blob()?.to_vec())));
    }
    let (files, bytes, stored_bytes) = (cursor.u64()?, cursor.u64()?, cursor.u64()?);
    let mut problems = Vec::new();
    for _ in 0..cursor.count(8)? {
        problems.push(Problem {
            object: cursor.text()?,
            what: cursor.text()?,
        });
    }
    let tree = get_parts(&mut cursor)?;
    cursor.end()?;
    Ok(Snapshot {
        id,
        kind,
        plan,
        host,
        started_ms,
        finished_ms,
        roots,
        files,
        bytes,
        stored_bytes,
        problems,
        tree,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ChunkId;

    #[test]
    fn a_snapshot_round_trips() {
        let snapshot = Snapshot {
            id: SnapshotId::from_bytes([7; 16]),
            kind: Kind::Appliance,
            plan: "compta".into(),
            host: "agen".into(),
            started_ms: -1,
            finished_ms: i64::MAX,
            roots: vec![
                PathBuf::from("/srv/é"),
                PathBuf::from(OsString::from_vec(b"/\xff".to_vec())),
            ],
            files: 1,
            bytes: 2,
            stored_bytes: 3,
            problems: vec![Problem::new("/a", "gone")],
            tree: vec![(ChunkId::from_bytes([9; 32]), 10)],
        };
        let bytes = encode(&snapshot);
        assert_eq!(decode(&bytes, snapshot.id), Ok(snapshot.clone()));
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut], snapshot.id).is_err(), "cut at {cut}");
        }
    }
}
