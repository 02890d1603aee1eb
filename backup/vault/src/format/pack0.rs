//! A pack: header, sealed chunks back to back, sealed directory, length of the directory; then the object's trailer.
//!
//! A pack has a key of its own (derived from its random id), so nonces are simply numbers: chunk `n` has nonce `n`,
//! the directory has the last one. Header, place and description of a chunk are authenticated with it.

use super::Bad;
use super::bytes::{Cursor, Put};
use crate::ChunkId;
use crate::target::ObjectKind;

pub(crate) const HEADER_LEN: usize = 25;
const MAGIC: &[u8; 8] = b"RPRPACK0";
/// Nonce number of the directory.
pub(crate) const DIRECTORY: u64 = u64::MAX;
/// Largest chunk before compression.
pub(crate) const MAX_PLAIN: u32 = 4 * 1024 * 1024;
/// Fixed bytes of one directory entry.
const ENTRY_LEN: usize = 41;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: ChunkId,
    /// Bytes in the pack, tag included.
    pub(crate) sealed_len: u32,
    pub(crate) plain_len: u32,
    pub(crate) zstd: bool,
}

pub(crate) fn header(kind: ObjectKind, id: &[u8; 16]) -> [u8; HEADER_LEN] {
    let mut out = [0; HEADER_LEN];
    out[..8].copy_from_slice(MAGIC);
    out[8] = if kind == ObjectKind::Tree { 2 } else { 1 };
    out[9..].copy_from_slice(id);
    out
}

/// What is authenticated with a chunk besides its own bytes.
pub(crate) fn chunk_aad(
    header: &[u8; HEADER_LEN],
    id: &ChunkId,
    plain_len: u32,
    zstd: bool,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_LEN + 37);
    out.extend_from_slice(header);
    out.extend_from_slice(id.as_bytes());
    out.put_u32(plain_len);
    out.push(u8::from(zstd));
    out
}

pub(crate) fn encode_directory(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 + entries.len() * ENTRY_LEN);
    out.put_count(entries.len());
    for entry in entries {
        out.extend_from_slice(entry.id.as_bytes());
        out.put_u32(entry.sealed_len);
        out.put_u32(entry.plain_len);
        out.push(u8::from(entry.zstd));
    }
    out
}

/// `room` is the number of bytes that chunks may take in this pack; they must fill it exactly.
pub(crate) fn decode_directory(plain: &[u8], room: u64) -> Result<Vec<Entry>, Bad> {
    let mut cursor = Cursor::new(plain);
    let count = cursor.count(ENTRY_LEN)?;
    let mut entries = Vec::with_capacity(count);
    let mut used = 0u64;
    for _ in 0..count {
        let id = ChunkId::from_bytes(cursor.array()?);
        let (sealed_len, plain_len) = (cursor.u32()?, cursor.u32()?);
        let zstd = match cursor.u8()? {
            0 => false,
            1 => true,
            _ => return Err(Bad::Value("coding")),
        };
        if plain_len > MAX_PLAIN || !(16..=MAX_PLAIN + 16).contains(&sealed_len) {
            return Err(Bad::Value("chunk length"));
        }
        if !zstd && sealed_len != plain_len + 16 {
            return Err(Bad::Value("chunk length"));
        }
        used += u64::from(sealed_len);
        entries.push(Entry {
            id,
            sealed_len,
            plain_len,
            zstd,
        });
    }
    cursor.end()?;
    if used != room {
        return Err(Bad::Length);
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_round_trips_and_must_fill_its_pack() {
        let entry = |n: u8, zstd| Entry {
            id: ChunkId::from_bytes([n; 32]),
            sealed_len: 116,
            plain_len: 100,
            zstd,
        };
        let entries = vec![entry(1, false), entry(2, true)];
        let bytes = encode_directory(&entries);
        assert_eq!(decode_directory(&bytes, 232), Ok(entries));
        assert_eq!(decode_directory(&bytes, 231), Err(Bad::Length));
        assert_eq!(
            decode_directory(&bytes[..bytes.len() - 1], 232),
            Err(Bad::Short)
        );
        assert_eq!(
            decode_directory(&u32::MAX.to_le_bytes(), 0),
            Err(Bad::Short)
        );
    }
}
