//! A mark: something that was found or decided later about a snapshot or a pack.

use super::Bad;
use super::bytes::{Cursor, Put};
use super::session::short_text;
use super::tomb::{get_ids, get_pack, put_ids, put_pack};
use crate::id::SnapshotName;
use crate::index::PackName;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) what: What,
    pub(crate) made_ms: i64,
    pub(crate) note: String,
    /// Earlier marks that no longer count.
    pub(crate) cancels: Vec<[u8; 16]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Not to be forgotten.
    Hold(SnapshotName),
    /// Ends the holds it cancels.
    Release(SnapshotName),
    /// Its restore was proven.
    Proven(SnapshotName),
    /// Every byte of the pack was read and verified.
    ReadWell(PackName),
}

pub(crate) fn encode(mark: &Mark) -> Vec<u8> {
    let mut out = Vec::new();
    let (code, subject): (u8, Result<&SnapshotName, &PackName>) = match &mark.what {
        What::Hold(name) => (1, Ok(name)),
        What::Release(name) => (2, Ok(name)),
        What::Proven(name) => (3, Ok(name)),
        What::ReadWell(pack) => (4, Err(pack)),
    };
    out.push(code);
    match subject {
        Ok(name) => {
            out.put_u64(name.seq);
            out.extend_from_slice(name.id.as_bytes());
        }
        Err(pack) => put_pack(&mut out, pack),
    }
    out.put_i64(mark.made_ms);
    out.put_short_blob(mark.note.as_bytes());
    put_ids(&mut out, &mark.cancels);
    out
}

pub(crate) fn decode(plain: &[u8]) -> Result<Mark, Bad> {
    let mut cursor = Cursor::new(plain);
    let name = |cursor: &mut Cursor<'_>| -> Result<SnapshotName, Bad> {
        let (seq, id) = (cursor.u64()?, cursor.array()?);
        Ok(SnapshotName::new(seq, id))
    };
    let what = match cursor.u8()? {
        1 => What::Hold(name(&mut cursor)?),
        2 => What::Release(name(&mut cursor)?),
        3 => What::Proven(name(&mut cursor)?),
        4 => What::ReadWell(get_pack(&mut cursor)?),
        _ => return Err(Bad::Unknown("kind of mark")),
    };
    let (made_ms, note) = (cursor.i64()?, short_text(&mut cursor)?);
    let cancels = get_ids(&mut cursor)?;
    cursor.end()?;
    Ok(Mark {
        what,
        made_ms,
        note,
        cancels,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::ObjectKind;

    #[test]
    fn each_kind_of_mark_round_trips() {
        let name = SnapshotName::new(7, [3; 16]);
        let pack = (ObjectKind::Tree, [4; 16]);
        for what in [
            What::Hold(name),
            What::Release(name),
            What::Proven(name),
            What::ReadWell(pack),
        ] {
            let mark = Mark {
                what,
                made_ms: -5,
                note: "audit 2026, jusqu'à Noël".to_owned(),
                cancels: vec![[8; 16]],
            };
            let bytes = encode(&mark);
            assert_eq!(decode(&bytes), Ok(mark));
            for cut in 0..bytes.len() {
                assert!(decode(&bytes[..cut]).is_err(), "cut at {cut}");
            }
        }
    }
}
