//! The stretches of a file: in its folder's list when they are few, else in chunks of their own.

use super::Bad;
use super::bytes::{Cursor, Put};
use super::frame::MAX_CHUNK;
use crate::ChunkId;
use crate::node::{Segment, SegmentPart, Segments};

const VERSION: u8 = 1;
/// Bytes a chunk takes in a list at least.
const CHUNK_LEAST: usize = 33;
const PART_LEAST: usize = 36;

/// Length twice, plus one for a hole; then the name of a chunk.
fn put(out: &mut Vec<u8>, segment: &Segment) {
    match segment {
        Segment::Chunk { id, len } => {
            out.put_varint(u64::from(*len) << 1);
            out.extend_from_slice(id.as_bytes());
        }
        // Files are shorter than 2^63.
        Segment::Hole { len } => out.put_varint(len << 1 | 1),
    }
}

fn get(cursor: &mut Cursor<'_>) -> Result<Segment, Bad> {
    let head = cursor.varint()?;
    let len = head >> 1;
    if len == 0 {
        return Err(Bad::Value("segment"));
    }
    if head & 1 == 1 {
        return Ok(Segment::Hole { len });
    }
    if len > u64::from(MAX_CHUNK) {
        return Err(Bad::Value("chunk length"));
    }
    Ok(Segment::Chunk {
        id: ChunkId::from_bytes(cursor.array()?),
        len: u32::try_from(len).map_err(|_| Bad::Value("chunk length"))?,
    })
}

/// In the entry of a file: how many, twice, plus one when they are listed elsewhere.
pub(crate) fn encode(out: &mut Vec<u8>, segments: &Segments) {
    match segments {
        Segments::Inline(segments) => {
            out.put_varint((segments.len() as u64) << 1);
            segments.iter().for_each(|segment| put(out, segment));
        }
        Segments::Listed(parts) => {
            out.put_varint((parts.len() as u64) << 1 | 1);
            for part in parts {
                out.extend_from_slice(part.id.as_bytes());
                out.put_varint(u64::from(part.len));
                out.put_varint(u64::from(part.count));
                out.put_varint(part.bytes);
                out.put_varint(part.holes);
            }
        }
    }
}

pub(super) fn decode(cursor: &mut Cursor<'_>) -> Result<Segments, Bad> {
    let head = cursor.varint()?;
    let count = usize::try_from(head >> 1).map_err(|_| Bad::Short)?;
    if head & 1 == 0 {
        // No room is made before the bytes are seen: a hole takes two of them.
        let mut segments = Vec::with_capacity(count.min(cursor.len() / CHUNK_LEAST + 1));
        for _ in 0..count {
            segments.push(get(cursor)?);
        }
        return Ok(Segments::Inline(segments));
    }
    let mut parts = Vec::with_capacity(count.min(cursor.len() / PART_LEAST + 1));
    for _ in 0..count {
        let part = SegmentPart {
            id: ChunkId::from_bytes(cursor.array()?),
            len: cursor.varint_u32()?,
            count: cursor.varint_u32()?,
            bytes: cursor.varint()?,
            holes: cursor.varint()?,
        };
        let fits = (1..=MAX_CHUNK).contains(&part.len) && part.holes <= part.bytes;
        if !fits || part.count == 0 || part.bytes == 0 || part.bytes >> 63 != 0 {
            return Err(Bad::Value("list of segments"));
        }
        parts.push(part);
    }
    match parts.is_empty() {
        true => Err(Bad::Value("list of segments")),
        false => Ok(Segments::Listed(parts)),
    }
}

/// The chunk that lists these.
pub(crate) fn encode_part(segments: &[Segment]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + segments.len() * 36);
    out.push(VERSION);
    segments.iter().for_each(|segment| put(&mut out, segment));
    out
}

/// The list that the file's entry calls `part`.
pub(crate) fn decode_part(plain: &[u8], part: &SegmentPart) -> Result<Vec<Segment>, Bad> {
    let mut cursor = Cursor::new(plain);
    match cursor.u8()? {
        VERSION => {}
        version => return Err(Bad::Newer(u32::from(version))),
    }
    let room = plain.len() / CHUNK_LEAST + 1;
    let mut segments = Vec::with_capacity(room.min(part.count as usize));
    let (mut total, mut holes) = (0u64, 0u64);
    for _ in 0..part.count {
        let segment = get(&mut cursor)?;
        total = total
            .checked_add(segment.len())
            .ok_or(Bad::Value("file size"))?;
        if let Segment::Hole { len } = segment {
            holes += len;
        }
        segments.push(segment);
    }
    cursor.end()?;
    match (total, holes) == (part.bytes, part.holes) {
        true => Ok(segments),
        false => Err(Bad::Value("file size")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(n: u8, len: u32) -> Segment {
        Segment::Chunk {
            id: ChunkId::from_bytes([n; 32]),
            len,
        }
    }

    #[test]
    fn stretches_round_trip() {
        let inline = vec![
            chunk(1, MAX_CHUNK),
            Segment::Hole { len: 1 << 62 },
            chunk(2, 1),
        ];
        let part = |n| SegmentPart {
            id: ChunkId::from_bytes([n; 32]),
            len: 70_000,
            count: 2048,
            bytes: 1 << 27,
            holes: 5,
        };
        for segments in [
            Segments::default(),
            Segments::Inline(inline.clone()),
            Segments::Listed(vec![part(1), part(2)]),
        ] {
            let mut bytes = Vec::new();
            encode(&mut bytes, &segments);
            let mut cursor = Cursor::new(&bytes);
            assert_eq!(decode(&mut cursor), Ok(segments));
            assert_eq!(cursor.end(), Ok(()));
            for cut in 0..bytes.len() {
                assert!(decode(&mut Cursor::new(&bytes[..cut])).is_err(), "{cut}");
            }
        }
        let bytes = encode_part(&inline);
        let size: u64 = inline.iter().map(Segment::len).sum();
        let of = |count, bytes, holes| SegmentPart {
            count,
            bytes,
            holes,
            ..part(1)
        };
        let bad = |part| decode_part(&bytes, &part);
        assert_eq!(bad(of(3, size - 1, 1 << 62)), Err(Bad::Value("file size")));
        assert_eq!(bad(of(3, size, 0)), Err(Bad::Value("file size")));
        assert_eq!(bad(of(2, size, 1 << 62)), Err(Bad::Length));
        assert_eq!(bad(of(4, size, 1 << 62)), Err(Bad::Short));
        assert_eq!(bad(of(3, size, 1 << 62)), Ok(inline));
    }

    #[test]
    fn impossible_stretches_are_refused() {
        let with = |head: u64| {
            let mut bytes = vec![2];
            bytes.put_varint(head);
            bytes.extend_from_slice(&[0; 40]);
            decode(&mut Cursor::new(&bytes))
        };
        assert_eq!(with(0), Err(Bad::Value("segment")));
        assert_eq!(with(1), Err(Bad::Value("segment")));
        let long = u64::from(MAX_CHUNK) + 1;
        assert_eq!(with(long << 1), Err(Bad::Value("chunk length")));
        let nothing = decode(&mut Cursor::new(&[1]));
        assert_eq!(nothing, Err(Bad::Value("list of segments")));
        let many = [0xfe, 0xff, 0xff, 0xff, 0x0f];
        assert_eq!(decode(&mut Cursor::new(&many)), Err(Bad::Short));
    }
}
