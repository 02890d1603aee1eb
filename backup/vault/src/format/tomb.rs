//! A tomb: what was forgotten, and what a sweep is about to delete. Writers do not count on what a tomb names; what
//! counts is the union of all tombs. A newer one takes over what is still true of those it supersedes.

use super::Bad;
use super::bytes::{Cursor, Put};
use super::session::{get_names, put_names, short_text};
use crate::id::SnapshotName;
use crate::index::PackName;
use crate::target::ObjectKind;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tomb {
    /// Tombs that say nothing more than this one.
    pub(crate) supersedes: Vec<[u8; 16]>,
    pub(crate) host: String,
    pub(crate) made_ms: i64,
    /// Snapshots that were forgotten on purpose: still there, or named by the parents of one that is.
    pub(crate) forgotten: Vec<SnapshotName>,
    /// Packs to delete.
    pub(crate) packs: Vec<PackName>,
    /// Packs some of which does not verify: they stay while they are needed, and nothing new may count on them.
    pub(crate) rotten: Vec<PackName>,
    /// Sessions that were open then: they may count on these packs.
    pub(crate) sessions: Vec<[u8; 16]>,
}

pub(crate) fn encode(tomb: &Tomb) -> Vec<u8> {
    let mut out = Vec::new();
    put_ids(&mut out, &tomb.supersedes);
    out.put_short_blob(tomb.host.as_bytes());
    out.put_i64(tomb.made_ms);
    put_names(&mut out, &tomb.forgotten);
    put_packs(&mut out, &tomb.packs);
    put_packs(&mut out, &tomb.rotten);
    put_ids(&mut out, &tomb.sessions);
    out
}

pub(crate) fn decode(plain: &[u8]) -> Result<Tomb, Bad> {
    let mut cursor = Cursor::new(plain);
    let supersedes = get_ids(&mut cursor)?;
    let (host, made_ms) = (short_text(&mut cursor)?, cursor.i64()?);
    let forgotten = get_names(&mut cursor)?;
    let (packs, rotten) = (get_packs(&mut cursor)?, get_packs(&mut cursor)?);
    let sessions = get_ids(&mut cursor)?;
    cursor.end()?;
    Ok(Tomb {
        supersedes,
        host,
        made_ms,
        forgotten,
        packs,
        rotten,
        sessions,
    })
}

pub(super) fn put_ids(out: &mut Vec<u8>, ids: &[[u8; 16]]) {
    out.put_varint(ids.len() as u64);
    ids.iter().for_each(|id| out.extend_from_slice(id));
}

pub(super) fn get_ids(cursor: &mut Cursor<'_>) -> Result<Vec<[u8; 16]>, Bad> {
    let count = cursor.varint_count(16)?;
    let mut ids = Vec::with_capacity(count);
    for _ in 0..count {
        ids.push(cursor.array()?);
    }
    Ok(ids)
}

fn put_packs(out: &mut Vec<u8>, packs: &[PackName]) {
    out.put_varint(packs.len() as u64);
    packs.iter().for_each(|pack| put_pack(out, pack));
}

fn get_packs(cursor: &mut Cursor<'_>) -> Result<Vec<PackName>, Bad> {
    let count = cursor.varint_count(17)?;
    let mut packs = Vec::with_capacity(count);
    for _ in 0..count {
        packs.push(get_pack(cursor)?);
    }
    Ok(packs)
}

pub(super) fn put_pack(out: &mut Vec<u8>, (kind, id): &PackName) {
    out.push(u8::from(*kind == ObjectKind::Tree));
    out.extend_from_slice(id);
}

pub(super) fn get_pack(cursor: &mut Cursor<'_>) -> Result<PackName, Bad> {
    let kind = match cursor.u8()? {
        0 => ObjectKind::Pack,
        1 => ObjectKind::Tree,
        _ => return Err(Bad::Value("kind of pack")),
    };
    Ok((kind, cursor.array()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tomb_round_trips() {
        let tomb = Tomb {
            supersedes: vec![[1; 16], [2; 16]],
            host: "agen".to_owned(),
            made_ms: 1_774_015_200_000,
            forgotten: vec![SnapshotName::new(3, [4; 16])],
            packs: vec![(ObjectKind::Tree, [5; 16]), (ObjectKind::Pack, [6; 16])],
            rotten: vec![(ObjectKind::Pack, [8; 16])],
            sessions: vec![[7; 16]],
        };
        for tomb in [tomb, Tomb::default()] {
            let bytes = encode(&tomb);
            assert_eq!(decode(&bytes), Ok(tomb));
            for cut in 0..bytes.len() {
                assert!(decode(&bytes[..cut]).is_err(), "cut at {cut}");
            }
        }
    }
}
