//! The snapshot object. Its existence is the commit.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use super::Bad;
use super::bytes::{Cursor, Put};
use super::session::short_text;
use super::tomb::{get_ids, put_ids};
use super::tree::{get_parts, put_parts};
use crate::id::SnapshotName;
use crate::snapshot::Parent;
use crate::{Kind, Problem, Snapshot};

pub(crate) fn encode(snapshot: &Snapshot) -> Vec<u8> {
    let mut out = Vec::new();
    out.put_u64(snapshot.seq);
    out.extend_from_slice(snapshot.id.as_bytes());
    out.put_varint(snapshot.parents.len() as u64);
    for parent in &snapshot.parents {
        out.put_u64(parent.name.seq);
        out.extend_from_slice(parent.name.id.as_bytes());
        out.extend_from_slice(&parent.hash);
    }
    out.extend_from_slice(&snapshot.session);
    put_ids(&mut out, &snapshot.tombs);
    out.push(match snapshot.kind {
        Kind::Files => 0,
        Kind::Image => 1,
        Kind::Appliance => 2,
    });
    out.put_short_blob(snapshot.plan.as_bytes());
    out.put_short_blob(snapshot.host.as_bytes());
    out.put_i64(snapshot.started_ms);
    out.put_i64(snapshot.finished_ms);
    out.put_varint(snapshot.roots.len() as u64);
    for root in &snapshot.roots {
        out.put_short_blob(root.as_os_str().as_bytes());
    }
    for value in [snapshot.files, snapshot.bytes, snapshot.stored_bytes] {
        out.put_u64(value);
    }
    out.put_varint(snapshot.problems.len() as u64);
    for problem in &snapshot.problems {
        out.put_short_blob(problem.object.as_bytes());
        out.put_short_blob(problem.what.as_bytes());
    }
    put_parts(&mut out, &snapshot.tree);
    out
}

/// It must be the one of that name.
pub(crate) fn decode(plain: &[u8], name: SnapshotName) -> Result<Snapshot, Bad> {
    let mut cursor = Cursor::new(plain);
    if SnapshotName::new(cursor.u64()?, cursor.array()?) != name {
        return Err(Bad::Value("name"));
    }
    let mut parents = Vec::new();
    for _ in 0..cursor.varint_count(56)? {
        parents.push(Parent {
            name: SnapshotName::new(cursor.u64()?, cursor.array()?),
            hash: cursor.array()?,
        });
    }
    if parents.iter().any(|parent| parent.name.seq >= name.seq) {
        return Err(Bad::Value("order of snapshots"));
    }
    let (session, tombs) = (cursor.array()?, get_ids(&mut cursor)?);
    let kind = match cursor.u8()? {
        0 => Kind::Files,
        1 => Kind::Image,
        2 => Kind::Appliance,
        _ => return Err(Bad::Unknown("kind of snapshot")),
    };
    let (plan, host) = (short_text(&mut cursor)?, short_text(&mut cursor)?);
    let (started_ms, finished_ms) = (cursor.i64()?, cursor.i64()?);
    let mut roots = Vec::new();
    for _ in 0..cursor.varint_count(1)? {
        let root = cursor.short_blob()?.to_vec();
        roots.push(PathBuf::from(OsString::from_vec(root)));
    }
    let (files, bytes, stored_bytes) = (cursor.u64()?, cursor.u64()?, cursor.u64()?);
    let mut problems = Vec::new();
    for _ in 0..cursor.varint_count(2)? {
        problems.push(Problem {
            object: short_text(&mut cursor)?,
            what: short_text(&mut cursor)?,
        });
    }
    let tree = get_parts(&mut cursor)?;
    cursor.end()?;
    Ok(Snapshot {
        seq: name.seq,
        id: name.id,
        parents,
        session,
        tombs,
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
pub(crate) mod tests {
    use super::*;
    use crate::{ChunkId, SnapshotId};

    pub(crate) fn nasty() -> Snapshot {
        Snapshot {
            seq: 9,
            id: SnapshotId::from_bytes([7; 16]),
            parents: vec![Parent {
                name: SnapshotName::new(8, [6; 16]),
                hash: [5; 32],
            }],
            session: [4; 16],
            tombs: vec![[3; 16]],
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
        }
    }

    #[test]
    fn a_snapshot_round_trips() {
        let snapshot = nasty();
        let bytes = encode(&snapshot);
        assert_eq!(decode(&bytes, snapshot.name()), Ok(snapshot.clone()));
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut], snapshot.name()).is_err(), "{cut}");
        }
    }

    #[test]
    fn a_snapshot_under_another_name_or_after_a_later_one_is_none() {
        let mut snapshot = nasty();
        let other = SnapshotName::new(snapshot.seq + 1, [7; 16]);
        let bytes = encode(&snapshot);
        assert_eq!(decode(&bytes, other), Err(Bad::Value("name")));
        snapshot.parents[0].name.seq = snapshot.seq;
        let bytes = encode(&snapshot);
        let decoded = decode(&bytes, snapshot.name());
        assert_eq!(decoded, Err(Bad::Value("order of snapshots")));
    }
}
