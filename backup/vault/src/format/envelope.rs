//! What every object begins and ends with.
//!
//! The header says what the object is and is authenticated with everything sealed in it; the trailer says how long it
//! is and hashes it, so that whoever holds the bytes can tell a whole object from a torn or foreign one without a key.

use std::ops::Range;

use super::Bad;
use super::bytes::{Cursor, Put};
use crate::target::ObjectKind;

/// Bytes of a header without a sealed key.
pub(crate) const HEADER_LEN: usize = 34;
pub(crate) const TRAILER_LEN: usize = 64;
/// Bytes of the trailer that its own hash covers.
const HASHED: usize = 24;
/// Bytes at the end of an object that it does not cover.
pub(crate) const UNHASHED: usize = TRAILER_LEN - HASHED;
const MAGIC: &[u8; 7] = b"REPRISE";
const VERSION: u8 = b'1';
const END: &[u8; 8] = b"REPREND1";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: ObjectKind,
    /// The random part of the object's name.
    pub(crate) id: [u8; 16],
}

/// A whole object whose trailer was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) header: Header,
    /// Where the header ends and the body lies.
    pub(crate) body: Range<usize>,
}

/// The end of an object, without its hash checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trailer {
    /// Header and body.
    pub(crate) body_len: u64,
    pub(crate) hash: [u8; 32],
}

fn code(kind: ObjectKind) -> u8 {
    match kind {
        ObjectKind::Key => 1,
        ObjectKind::Pack => 2,
        ObjectKind::Tree => 3,
        ObjectKind::Index => 4,
        ObjectKind::Snapshot => 5,
        ObjectKind::Tomb => 6,
        ObjectKind::Session => 7,
        ObjectKind::Mark => 8,
    }
}

pub(crate) fn encode_header(kind: ObjectKind, id: &[u8; 16]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_LEN);
    out.extend_from_slice(MAGIC);
    // Key mode 0 (derived), no flags, epoch 0.
    out.extend_from_slice(&[VERSION, code(kind), 0, 0, 0, 0, 0, 0, 0]);
    out.extend_from_slice(id);
    // No sealed key.
    out.extend_from_slice(&[0, 0]);
    out
}

/// The header at the start of `bytes`. Fields that this program does not know yet are [`Bad::Unknown`].
pub(crate) fn parse_header(bytes: &[u8]) -> Result<Header, Bad> {
    let mut cursor = Cursor::new(bytes);
    if cursor.array()? != *MAGIC {
        return Err(Bad::Magic);
    }
    match cursor.u8()? {
        VERSION => {}
        newer @ b'2'..=b'9' => return Err(Bad::Newer(u32::from(newer - b'0'))),
        _ => return Err(Bad::Magic),
    }
    let kind_code = cursor.u8()?;
    let (mode, flags, epoch) = (cursor.u8()?, cursor.u16()?, cursor.u32()?);
    let id = cursor.array()?;
    let sealed_key = cursor.u16()?;
    let kind = ObjectKind::ALL
        .into_iter()
        .find(|kind| code(*kind) == kind_code)
        .ok_or(Bad::Unknown("kind of object"))?;
    match (mode, flags, epoch, sealed_key) {
        (0, 0, 0, 0) => Ok(Header { kind, id }),
        (0, 0, _, 0) => Err(Bad::Unknown("epoch of its key")),
        _ => Err(Bad::Unknown("way to seal it")),
    }
}

/// Header and body → object.
pub(crate) fn finish(mut bytes: Vec<u8>) -> Vec<u8> {
    let len = bytes.len() as u64;
    bytes.put_u64(len);
    // No parity: its length and scheme, and the bytes kept for later.
    bytes.extend_from_slice(&[0; 16]);
    let hash = blake3::hash(&bytes);
    bytes.extend_from_slice(hash.as_bytes());
    bytes.extend_from_slice(END);
    bytes
}

/// A whole object, everything verified that can be without a key.
pub(crate) fn parse(object: &[u8]) -> Result<Parsed, Bad> {
    let split = object.len().checked_sub(TRAILER_LEN).ok_or(Bad::Short)?;
    let (bytes, last) = object.split_at(split);
    let trailer = parse_trailer(last, object.len() as u64)?;
    if *blake3::hash(&object[..split + HASHED]).as_bytes() != trailer.hash {
        return Err(Bad::Hash);
    }
    let body_len = usize::try_from(trailer.body_len).map_err(|_| Bad::Length)?;
    let bytes = bytes.get(..body_len).ok_or(Bad::Length)?;
    let header = parse_header(bytes)?;
    Ok(Parsed {
        header,
        body: HEADER_LEN..body_len,
    })
}

/// A whole object that must be this one: a copy under another name is not.
pub(crate) fn parse_as(object: &[u8], kind: ObjectKind, id: &[u8; 16]) -> Result<Parsed, Bad> {
    let parsed = parse(object)?;
    expect(&parsed.header, kind, id)?;
    Ok(parsed)
}

pub(crate) fn expect(header: &Header, kind: ObjectKind, id: &[u8; 16]) -> Result<(), Bad> {
    if header.kind != kind {
        return Err(Bad::Value("kind of object"));
    }
    if header.id != *id {
        return Err(Bad::Value("name"));
    }
    Ok(())
}

/// Checks what can be checked of an object of `size` bytes by its last [`TRAILER_LEN`] bytes alone. Parity, whatever its
/// scheme, is passed over: an object that is whole needs none.
pub(crate) fn parse_trailer(last: &[u8], size: u64) -> Result<Trailer, Bad> {
    let mut cursor = Cursor::new(last);
    let (body_len, parity_len) = (cursor.u64()?, cursor.u64()?);
    let (_scheme, _kept_for_later) = (cursor.u16()?, cursor.array::<6>()?);
    let (hash, magic) = (cursor.array()?, cursor.array::<8>()?);
    cursor.end()?;
    if magic != *END {
        return Err(Bad::Magic);
    }
    let whole = body_len
        .checked_add(parity_len)
        .and_then(|len| len.checked_add(TRAILER_LEN as u64));
    if whole != Some(size) {
        return Err(Bad::Length);
    }
    Ok(Trailer { body_len, hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: ObjectKind) -> Vec<u8> {
        let mut bytes = encode_header(kind, &[7; 16]);
        bytes.extend_from_slice(b"the body");
        finish(bytes)
    }

    #[test]
    fn every_cut_and_every_flip_of_an_object_is_seen() {
        for kind in ObjectKind::ALL {
            let good = object(kind);
            let parsed = parse_as(&good, kind, &[7; 16]).unwrap();
            assert_eq!(&good[parsed.body], b"the body");
            for cut in 0..good.len() {
                assert!(parse(&good[..cut]).is_err(), "cut at {cut}");
            }
            for flip in 0..good.len() {
                let mut bad = good.clone();
                bad[flip] ^= 0x10;
                let seen = parse(&bad);
                assert!(
                    matches!(seen, Err(Bad::Hash | Bad::Length | Bad::Magic)),
                    "flip at {flip}"
                );
            }
        }
    }

    #[test]
    fn an_object_under_another_name_is_not_that_object() {
        let good = object(ObjectKind::Pack);
        let wrong = parse_as(&good, ObjectKind::Pack, &[8; 16]);
        assert_eq!(wrong, Err(Bad::Value("name")));
        let wrong = parse_as(&good, ObjectKind::Tree, &[7; 16]);
        assert_eq!(wrong, Err(Bad::Value("kind of object")));
    }

    #[test]
    fn what_a_later_version_wrote_is_named_not_called_damage() {
        let table: [(usize, u8, Bad); 7] = [
            (7, b'2', Bad::Newer(2)),
            (7, b'0', Bad::Magic),
            (8, 99, Bad::Unknown("kind of object")),
            (9, 1, Bad::Unknown("way to seal it")),
            (10, 1, Bad::Unknown("way to seal it")),
            (12, 1, Bad::Unknown("epoch of its key")),
            (32, 48, Bad::Unknown("way to seal it")),
        ];
        for (at, value, want) in table {
            let mut bytes = encode_header(ObjectKind::Pack, &[7; 16]);
            bytes[at] = value;
            assert_eq!(parse(&finish(bytes)), Err(want), "byte {at}");
        }
    }

    #[test]
    fn a_trailer_alone_tells_a_torn_object() {
        let good = object(ObjectKind::Pack);
        let last = &good[good.len() - TRAILER_LEN..];
        let trailer = parse_trailer(last, good.len() as u64).unwrap();
        assert_eq!(trailer.body_len, (HEADER_LEN + 8) as u64);
        let grown = parse_trailer(last, good.len() as u64 + 1);
        assert_eq!(grown, Err(Bad::Length));
    }

    #[test]
    fn parity_of_a_later_version_is_passed_over() {
        let good = object(ObjectKind::Pack);
        let mut with = good[..good.len() - TRAILER_LEN].to_vec();
        let body = with.len();
        with.extend_from_slice(&[5; 100]);
        with.put_u64(body as u64);
        with.put_u64(100);
        with.put_u16(7);
        with.extend_from_slice(&[1; 6]);
        let hash = blake3::hash(&with);
        with.extend_from_slice(hash.as_bytes());
        with.extend_from_slice(END);
        let parsed = parse_as(&with, ObjectKind::Pack, &[7; 16]).unwrap();
        assert_eq!(&with[parsed.body], b"the body");
        // It is covered by the hash all the same.
        with[body + 50] ^= 1;
        assert_eq!(parse(&with), Err(Bad::Hash));
        let last = &with[with.len() - TRAILER_LEN..];
        assert_eq!(
            parse_trailer(last, with.len() as u64).unwrap().body_len,
            body as u64
        );
    }
}
