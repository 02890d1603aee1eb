//! A pack: header, frames back to back, sealed directory, length of the directory; then the object's trailer.
//!
//! A pack has a key of its own (derived from its header), so nonces are simply numbers: frame `n` has nonce `n`, the
//! directory has the last one. The directory is a convenience: [`scan`] finds the frames without it.

use super::Bad;
use super::bytes::{Cursor, Put};
use super::frame::{self, FrameHeader, MAX_CHUNK};
use crate::id::ShortId;

/// Nonce number of the directory.
pub(crate) const DIRECTORY: u64 = u64::MAX;
/// Most frames in a pack.
pub(crate) const MAX_FRAMES: usize = u16::MAX as usize;
/// Bytes after the sealed directory: its length.
pub(crate) const DIRECTORY_LEN_LEN: usize = 4;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Directory {
    pub(crate) frames: Vec<DirFrame>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DirFrame {
    /// Where the frame's header lies, from the start of the pack.
    pub(crate) offset: u32,
    /// Frame header and sealed bytes.
    pub(crate) len: u32,
    /// Name and plain length of each chunk.
    pub(crate) chunks: Vec<(ShortId, u32)>,
}

/// Frames lie one behind the other, so only their lengths are written.
pub(crate) fn encode_directory(directory: &Directory) -> Vec<u8> {
    let chunks: usize = directory
        .frames
        .iter()
        .map(|frame| frame.chunks.len())
        .sum();
    let mut out = Vec::with_capacity(4 + directory.frames.len() * 8 + chunks * 19);
    out.put_varint(directory.frames.len() as u64);
    for frame in &directory.frames {
        out.put_varint(u64::from(frame.len));
        out.put_varint(frame.chunks.len() as u64);
        for (id, len) in &frame.chunks {
            out.extend_from_slice(id);
            out.put_varint(u64::from(*len));
        }
    }
    out
}

/// `start..end` is where the frames lie in the pack; they must fill it exactly.
pub(crate) fn decode_directory(plain: &[u8], start: u64, end: u64) -> Result<Directory, Bad> {
    let mut cursor = Cursor::new(plain);
    let count = cursor.varint_count(2 + 17)?;
    if count > MAX_FRAMES {
        return Err(Bad::Value("number of frames"));
    }
    let mut frames = Vec::with_capacity(count);
    let mut at = u32::try_from(start).map_err(|_| Bad::Length)?;
    for _ in 0..count {
        let len = cursor.varint_u32()?;
        if len <= frame::HEADER_LEN as u32 {
            return Err(Bad::Value("frame length"));
        }
        let count = cursor.varint_count(17)?;
        if count == 0 || count > frame::MAX_CHUNKS {
            return Err(Bad::Value("number of chunks"));
        }
        let mut chunks = Vec::with_capacity(count);
        for _ in 0..count {
            let (id, len) = (cursor.array()?, cursor.varint_u32()?);
            if len == 0 || len > MAX_CHUNK {
                return Err(Bad::Value("chunk length"));
            }
            chunks.push((id, len));
        }
        frames.push(DirFrame {
            offset: at,
            len,
            chunks,
        });
        at = at.checked_add(len).ok_or(Bad::Length)?;
    }
    cursor.end()?;
    match u64::from(at) == end {
        true => Ok(Directory { frames }),
        false => Err(Bad::Length),
    }
}

/// Where the sealed directory lies in a pack: its length is in the last four bytes of the body. `body_len` is header and
/// body, `last` its last bytes.
pub(crate) fn directory_range(last: &[u8], body_len: u64) -> Result<std::ops::Range<u64>, Bad> {
    let tail = last.last_chunk::<4>().ok_or(Bad::Short)?;
    let end = body_len
        .checked_sub(DIRECTORY_LEN_LEN as u64)
        .ok_or(Bad::Short)?;
    let start = end
        .checked_sub(u64::from(u32::from_le_bytes(*tail)))
        .ok_or(Bad::Length)?;
    Ok(start..end)
}

/// Every place in the bytes of a pack that looks like a frame, with what its header says. One whose length was damaged must
/// not hide the next: the search goes on behind each magic. What only looks like a frame does not open.
pub(crate) fn scan(bytes: &[u8]) -> Vec<(u32, FrameHeader)> {
    let found = bytes.windows(frame::MAGIC.len()).enumerate();
    found
        .filter(|(_, window)| window == frame::MAGIC)
        .filter_map(|(at, _)| {
            let header = frame::decode(&bytes[at..]).ok()?;
            let fits = bytes.len() - at >= header.frame_len();
            fits.then_some((u32::try_from(at).ok()?, header))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Keys;

    fn directory() -> Directory {
        let frame = |offset, len, chunks: &[(u8, u32)]| DirFrame {
            offset,
            len,
            chunks: chunks.iter().map(|(id, len)| ([*id; 16], *len)).collect(),
        };
        Directory {
            frames: vec![
                frame(34, 100, &[(1, 300), (2, 1)]),
                frame(134, 70_000, &[(3, MAX_CHUNK)]),
            ],
        }
    }

    #[test]
    fn a_directory_round_trips_and_must_fill_its_pack() {
        let bytes = encode_directory(&directory());
        assert_eq!(decode_directory(&bytes, 34, 70_134), Ok(directory()));
        assert_eq!(decode_directory(&bytes, 34, 70_135), Err(Bad::Length));
        for cut in 0..bytes.len() {
            assert!(
                decode_directory(&bytes[..cut], 34, 70_134).is_err(),
                "{cut}"
            );
        }
        let many = [0xff, 0xff, 0xff, 0xff, 0x0f];
        assert_eq!(decode_directory(&many, 34, 34), Err(Bad::Short));
    }

    #[test]
    fn the_directory_is_found_from_the_end() {
        assert_eq!(directory_range(&[9, 10, 0, 0, 0], 100), Ok(86..96));
        assert_eq!(directory_range(&[97, 0, 0, 0], 100), Err(Bad::Length));
        assert_eq!(directory_range(&[0, 0, 0], 100), Err(Bad::Short));
        assert_eq!(directory_range(&[0, 0, 0, 0], 3), Err(Bad::Short));
    }

    #[test]
    fn frames_are_found_without_the_directory_whatever_became_of_their_neighbours() {
        let keys = Keys::for_tests();
        let frames: [&[&[u8]]; 3] = [&[b"one", b"two"], &[b"three RFR1 is no frame"], &[b"four"]];
        let (head, mut body) = frame::tests::body(&keys, &frames);
        let sealer = keys.object(&head);
        let open = |body: &[u8]| -> Vec<u32> {
            let frames = scan(body).into_iter();
            let opens = |(at, header): (u32, FrameHeader)| {
                let bytes = &body[at as usize..][..header.frame_len()];
                let opened = frame::open(&sealer, &head, header.number, bytes);
                opened.is_ok().then_some(header.number)
            };
            frames.filter_map(opens).collect()
        };
        assert_eq!(open(&body), [0, 1, 2]);
        // The first frame says it is longer than it is.
        body[head.len() + 12] += 40;
        body[head.len() + 16] += 40;
        assert_eq!(open(&body), [1, 2]);
        assert_eq!(open(&body[..body.len() - 1]), [1]);
    }
}
