//! An index object: where the chunks of some packs lie, so that opening a vault need not read every pack's directory.

use super::bytes::{Cursor, Put};
use super::{Bad, frame, pack};
use crate::id::ShortId;
use crate::target::ObjectKind;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct IndexObject {
    /// Index objects that say nothing more than this one.
    pub(crate) supersedes: Vec<[u8; 16]>,
    pub(crate) packs: Vec<PackInfo>,
    /// Sorted by name, then by place; a chunk may lie in two packs.
    pub(crate) entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PackInfo {
    /// [`ObjectKind::Pack`] or [`ObjectKind::Tree`].
    pub(crate) kind: ObjectKind,
    pub(crate) id: [u8; 16],
    /// Bytes of the whole object.
    pub(crate) size: u64,
    /// Bytes of its chunks before compression.
    pub(crate) plain: u64,
    /// Offset and length of each frame; they follow each other.
    pub(crate) frames: Vec<(u32, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) id: ShortId,
    /// Position in `packs`.
    pub(crate) pack: u32,
    pub(crate) frame: u16,
    /// Position in the frame.
    pub(crate) slot: u16,
}

pub(crate) fn encode(index: &IndexObject) -> Vec<u8> {
    let frames: usize = index.packs.iter().map(|pack| pack.frames.len()).sum();
    let room = 64 + index.packs.len() * 32 + frames * 4 + index.entries.len() * 21;
    let mut out = Vec::with_capacity(room + index.supersedes.len() * 16);
    out.put_varint(index.supersedes.len() as u64);
    index
        .supersedes
        .iter()
        .for_each(|id| out.extend_from_slice(id));
    out.put_varint(index.packs.len() as u64);
    for pack in &index.packs {
        out.push(u8::from(pack.kind == ObjectKind::Tree));
        out.extend_from_slice(&pack.id);
        out.put_varint(pack.size);
        out.put_varint(pack.plain);
        out.put_varint(u64::from(pack.frames.first().map_or(0, |first| first.0)));
        out.put_varint(pack.frames.len() as u64);
        for (_, len) in &pack.frames {
            out.put_varint(u64::from(*len));
        }
    }
    out.put_varint(index.entries.len() as u64);
    for entry in &index.entries {
        out.extend_from_slice(&entry.id);
        out.put_varint(u64::from(entry.pack));
        out.put_varint(u64::from(entry.frame));
        out.put_varint(u64::from(entry.slot));
    }
    out
}

pub(crate) fn decode(plain: &[u8]) -> Result<IndexObject, Bad> {
    let mut cursor = Cursor::new(plain);
    let count = cursor.varint_count(16)?;
    let mut supersedes = Vec::with_capacity(count);
    for _ in 0..count {
        supersedes.push(cursor.array()?);
    }
    let count = cursor.varint_count(21)?;
    let mut packs = Vec::with_capacity(count);
    for _ in 0..count {
        packs.push(decode_pack(&mut cursor)?);
    }
    let count = cursor.varint_count(19)?;
    let mut entries: Vec<Entry> = Vec::with_capacity(count);
    for _ in 0..count {
        let entry = Entry {
            id: cursor.array()?,
            pack: cursor.varint_u32()?,
            frame: small(cursor.varint()?)?,
            slot: small(cursor.varint()?)?,
        };
        let pack = packs.get(entry.pack as usize);
        let known = pack.is_some_and(|pack| usize::from(entry.frame) < pack.frames.len());
        if !known {
            return Err(Bad::Value("place of a chunk"));
        }
        if entries.last().is_some_and(|last| *last >= entry) {
            return Err(Bad::Value("order of chunks"));
        }
        entries.push(entry);
    }
    cursor.end()?;
    Ok(IndexObject {
        supersedes,
        packs,
        entries,
    })
}

fn small(value: u64) -> Result<u16, Bad> {
    u16::try_from(value).map_err(|_| Bad::Value("place of a chunk"))
}

fn decode_pack(cursor: &mut Cursor<'_>) -> Result<PackInfo, Bad> {
    let kind = match cursor.u8()? {
        0 => ObjectKind::Pack,
        1 => ObjectKind::Tree,
        _ => return Err(Bad::Value("kind of pack")),
    };
    let (id, size, plain) = (cursor.array()?, cursor.varint()?, cursor.varint()?);
    let mut at = cursor.varint_u32()?;
    let count = cursor.varint_count(1)?;
    if count > pack::MAX_FRAMES {
        return Err(Bad::Value("number of frames"));
    }
    if count == 0 && at != 0 {
        return Err(Bad::Value("frame length"));
    }
    let mut frames = Vec::with_capacity(count);
    for _ in 0..count {
        let len = cursor.varint_u32()?;
        if len <= frame::HEADER_LEN as u32 {
            return Err(Bad::Value("frame length"));
        }
        frames.push((at, len));
        at = at.checked_add(len).ok_or(Bad::Length)?;
    }
    match u64::from(at) <= size {
        true => Ok(PackInfo {
            kind,
            id,
            size,
            plain,
            frames,
        }),
        false => Err(Bad::Length),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn example() -> IndexObject {
        let pack = |kind, id, frames: &[(u32, u32)]| PackInfo {
            kind,
            id: [id; 16],
            size: 90_000,
            plain: 200_000,
            frames: frames.to_vec(),
        };
        let entry = |id, pack, frame, slot| Entry {
            id: [id; 16],
            pack,
            frame,
            slot,
        };
        IndexObject {
            supersedes: vec![[5; 16], [4; 16]],
            packs: vec![
                pack(ObjectKind::Pack, 1, &[(34, 500), (534, 70_000)]),
                pack(ObjectKind::Tree, 2, &[(34, 300)]),
                pack(ObjectKind::Pack, 3, &[]),
            ],
            entries: vec![
                entry(1, 0, 1, 300),
                entry(1, 1, 0, 0),
                entry(7, 0, 0, 0),
                entry(9, 0, 1, 65_535),
            ],
        }
    }

    #[test]
    fn an_index_round_trips() {
        let bytes = encode(&example());
        assert_eq!(decode(&bytes), Ok(example()));
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        assert_eq!(
            decode(&encode(&IndexObject::default())),
            Ok(IndexObject::default())
        );
    }

    #[test]
    fn what_an_index_cannot_say_is_refused() {
        let mut unsorted = example();
        unsorted.entries.swap(0, 2);
        let mut twice = example();
        twice.entries[1] = twice.entries[0];
        let mut nowhere = example();
        nowhere.entries[3].pack = 3;
        let mut no_frame = example();
        no_frame.entries[1].frame = 1;
        let mut outside = example();
        outside.packs[0].size = 70_000;
        for bad in [unsorted, twice, nowhere, no_frame, outside] {
            assert!(decode(&encode(&bad)).is_err(), "{bad:?}");
        }
    }
}
