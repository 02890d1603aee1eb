//! What a writer says of itself, and what a sweep says to it: `sessions/ID` when it begins, `sessions/ID.end` when it
//! ends, `sessions/ID.stop` when it is asked to stop, `sessions/ID.revoked` when what it commits from now on is void.
//!
//! Only the first bears the session's id in its header; each of the others has a random one of its own (and so a key of
//! its own), because several processes may write the same of them at once, with different contents. What they are about
//! is inside.

use super::Bad;
use super::bytes::{Cursor, Put};
use crate::id::SnapshotName;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionObject {
    pub(crate) session: [u8; 16],
    pub(crate) step: Step,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Begin(Begin),
    /// What it committed, if anything.
    End(Option<SnapshotName>),
    /// It will be revoked: a commit that was seen after this was put counts.
    Stop,
    /// All that it had committed; any other snapshot of this session is void.
    Revoked(Vec<SnapshotName>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Begin {
    /// A plan's name, or the verb.
    pub(crate) purpose: String,
    /// Deletes objects: only one may.
    pub(crate) sweeps: bool,
    pub(crate) host: String,
    pub(crate) pid: u32,
    pub(crate) started_ms: i64,
}

pub(crate) fn encode(object: &SessionObject) -> Vec<u8> {
    let mut out = Vec::new();
    out.push(match object.step {
        Step::Begin(_) => 0,
        Step::End(_) => 1,
        Step::Stop => 2,
        Step::Revoked(_) => 3,
    });
    out.extend_from_slice(&object.session);
    match &object.step {
        Step::Begin(begin) => {
            out.put_short_blob(begin.purpose.as_bytes());
            out.push(u8::from(begin.sweeps));
            out.put_short_blob(begin.host.as_bytes());
            out.put_u32(begin.pid);
            out.put_i64(begin.started_ms);
        }
        Step::End(snapshot) => put_names(&mut out, snapshot.as_slice()),
        Step::Stop => {}
        Step::Revoked(snapshots) => put_names(&mut out, snapshots),
    }
    out
}

pub(crate) fn decode(plain: &[u8]) -> Result<SessionObject, Bad> {
    let mut cursor = Cursor::new(plain);
    let (step, session) = (cursor.u8()?, cursor.array()?);
    let step = match step {
        0 => Step::Begin(Begin {
            purpose: short_text(&mut cursor)?,
            sweeps: match cursor.u8()? {
                0 => false,
                1 => true,
                _ => return Err(Bad::Unknown("purpose of a session")),
            },
            host: short_text(&mut cursor)?,
            pid: cursor.u32()?,
            started_ms: cursor.i64()?,
        }),
        1 => match get_names(&mut cursor)?.as_slice() {
            [] => Step::End(None),
            [one] => Step::End(Some(*one)),
            _ => return Err(Bad::Value("number of snapshots")),
        },
        2 => Step::Stop,
        3 => Step::Revoked(get_names(&mut cursor)?),
        _ => return Err(Bad::Unknown("step of a session")),
    };
    cursor.end()?;
    Ok(SessionObject { session, step })
}

pub(super) fn short_text(cursor: &mut Cursor<'_>) -> Result<String, Bad> {
    let bytes = cursor.short_blob()?.to_vec();
    String::from_utf8(bytes).map_err(|_| Bad::Value("text"))
}

pub(super) fn put_names(out: &mut Vec<u8>, names: &[SnapshotName]) {
    out.put_varint(names.len() as u64);
    for name in names {
        out.put_u64(name.seq);
        out.extend_from_slice(name.id.as_bytes());
    }
}

pub(super) fn get_names(cursor: &mut Cursor<'_>) -> Result<Vec<SnapshotName>, Bad> {
    let count = cursor.varint_count(24)?;
    let mut names = Vec::with_capacity(count);
    for _ in 0..count {
        let (seq, id) = (cursor.u64()?, cursor.array()?);
        names.push(SnapshotName::new(seq, id));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_of_a_session_round_trips() {
        let name = SnapshotName::new(7, [3; 16]);
        let begin = Begin {
            purpose: "compta".to_owned(),
            sweeps: true,
            host: "agen".to_owned(),
            pid: 4711,
            started_ms: -1,
        };
        for step in [
            Step::Begin(begin),
            Step::End(None),
            Step::End(Some(name)),
            Step::Stop,
            Step::Revoked(Vec::new()),
            Step::Revoked(vec![name, name]),
        ] {
            let object = SessionObject {
                session: [9; 16],
                step,
            };
            let bytes = encode(&object);
            assert_eq!(decode(&bytes), Ok(object));
            for cut in 0..bytes.len() {
                assert!(decode(&bytes[..cut]).is_err(), "cut at {cut}");
            }
        }
    }
}
