//! The end of every object: its length, its hash, a magic number. Whoever holds the bytes can verify them without a key.

use super::Bad;
use super::bytes::{Cursor, Put};

pub(crate) const TRAILER_LEN: usize = 48;
const MAGIC: &[u8; 8] = b"RPRSEND0";

/// Body → object.
pub(crate) fn finish(mut body: Vec<u8>) -> Vec<u8> {
    let len = body.len() as u64;
    let hash = blake3::hash(&body);
    body.put_u64(len);
    body.extend_from_slice(hash.as_bytes());
    body.extend_from_slice(MAGIC);
    body
}

/// Object → body, everything verified.
pub(crate) fn body(object: &[u8]) -> Result<&[u8], Bad> {
    let split = object.len().checked_sub(TRAILER_LEN).ok_or(Bad::Short)?;
    let (body, trailer) = object.split_at(split);
    let hash = length_and_hash(trailer, object.len() as u64)?;
    if *blake3::hash(body).as_bytes() != hash {
        return Err(Bad::Hash);
    }
    Ok(body)
}

/// Checks what can be checked of an object of `size` bytes by its trailer alone; returns the length of its body.
pub(crate) fn body_len(trailer: &[u8], size: u64) -> Result<u64, Bad> {
    length_and_hash(trailer, size)?;
    Ok(size - TRAILER_LEN as u64)
}

fn length_and_hash(trailer: &[u8], size: u64) -> Result<[u8; 32], Bad> {
    let mut cursor = Cursor::new(trailer);
    let (len, hash, magic) = (cursor.u64()?, cursor.array()?, cursor.array::<8>()?);
    cursor.end()?;
    if magic != *MAGIC {
        return Err(Bad::Magic);
    }
    if len.checked_add(TRAILER_LEN as u64) != Some(size) {
        return Err(Bad::Length);
    }
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_and_every_flip_of_an_object_is_seen() {
        let object = finish(b"the body of an object".to_vec());
        assert_eq!(body(&object), Ok(&b"the body of an object"[..]));
        for cut in 0..object.len() {
            assert!(body(&object[..cut]).is_err(), "cut at {cut}");
        }
        for flip in 0..object.len() {
            let mut bad = object.clone();
            bad[flip] ^= 0x10;
            assert!(body(&bad).is_err(), "flip at {flip}");
        }
    }
}
