//! A frame: neighbouring chunks compressed and sealed together, behind a header that can be found by its magic.

use std::ops::Range;

use super::Bad;
use super::bytes::{Cursor, Put};
use crate::keys::{Sealer, TAG_LEN};

pub(crate) const HEADER_LEN: usize = 24;
pub(crate) const MAGIC: &[u8; 4] = b"RFR1";
/// Most bytes of table and chunks before compression.
pub(crate) const MAX_PLAIN: u32 = 8 * 1024 * 1024;
/// Largest chunk.
pub(crate) const MAX_CHUNK: u32 = 4 * 1024 * 1024;
/// Most chunks in a frame.
pub(crate) const MAX_CHUNKS: usize = u16::MAX as usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Plain,
    Zstd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) coding: Coding,
    pub(crate) chunks: u16,
    /// Position in the pack; the nonce too.
    pub(crate) number: u32,
    /// Table and chunks.
    pub(crate) plain_len: u32,
    /// Bytes behind this header, tag included.
    pub(crate) sealed_len: u32,
}

impl FrameHeader {
    /// Header and sealed bytes.
    pub(crate) fn frame_len(&self) -> usize {
        HEADER_LEN + self.sealed_len as usize
    }
}

pub(crate) fn encode(header: &FrameHeader) -> [u8; HEADER_LEN] {
    let mut out = Vec::with_capacity(HEADER_LEN);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[u8::from(header.coding == Coding::Zstd), 0]);
    out.put_u16(header.chunks);
    out.put_u32(header.number);
    out.put_u32(header.plain_len);
    out.put_u32(header.sealed_len);
    let mut bytes = [0; HEADER_LEN];
    bytes[..out.len()].copy_from_slice(&out);
    bytes
}

/// The header at the start of `bytes`.
pub(crate) fn decode(bytes: &[u8]) -> Result<FrameHeader, Bad> {
    let mut cursor = Cursor::new(bytes);
    if cursor.array()? != *MAGIC {
        return Err(Bad::Magic);
    }
    let coding = match cursor.u8()? {
        0 => Coding::Plain,
        1 => Coding::Zstd,
        _ => return Err(Bad::Unknown("coding of a frame")),
    };
    let zero = cursor.u8()?;
    let header = FrameHeader {
        coding,
        chunks: cursor.u16()?,
        number: cursor.u32()?,
        plain_len: cursor.u32()?,
        sealed_len: cursor.u32()?,
    };
    if zero != 0 || cursor.u32()? != 0 {
        return Err(Bad::Unknown("frame"));
    }
    let tag = TAG_LEN as u32;
    if header.chunks == 0 || header.plain_len > MAX_PLAIN {
        return Err(Bad::Value("frame length"));
    }
    let fits = match header.coding {
        Coding::Plain => header.sealed_len == header.plain_len + tag,
        // Only what became smaller is stored so.
        Coding::Zstd => (tag..header.plain_len + tag).contains(&header.sealed_len),
    };
    match fits {
        true => Ok(header),
        false => Err(Bad::Value("frame length")),
    }
}

/// The lengths of the chunks, before the chunks themselves.
pub(crate) fn put_table(out: &mut Vec<u8>, lens: impl IntoIterator<Item = u32>) {
    lens.into_iter()
        .for_each(|len| out.put_varint(u64::from(len)));
}

/// Where each chunk lies in the plain bytes of a frame; they fill it.
pub(crate) fn split_table(plain: &[u8], chunks: u16) -> Result<Vec<Range<usize>>, Bad> {
    let mut cursor = Cursor::new(plain);
    let mut lens = Vec::with_capacity(usize::from(chunks).min(plain.len()));
    for _ in 0..chunks {
        let len = cursor.varint()?;
        if len == 0 || len > u64::from(MAX_CHUNK) {
            return Err(Bad::Value("chunk length"));
        }
        lens.push(len as usize);
    }
    let mut at = plain.len() - cursor.rest().len();
    let mut ranges = Vec::with_capacity(lens.len());
    for len in lens {
        ranges.push(at..at + len);
        at += len;
    }
    match at == plain.len() {
        true => Ok(ranges),
        false => Err(Bad::Length),
    }
}

/// What is authenticated with a frame besides its own bytes: the header of its pack and its own.
fn aad(pack: &[u8], frame: &[u8]) -> Vec<u8> {
    [pack, frame].concat()
}

/// Appends a frame to the body of a pack; `coded`, joined, are table and chunks as `header.coding` says. `header.sealed_len` is
/// filled in. Returns the length of the frame.
pub(crate) fn seal(
    sealer: &Sealer,
    pack: &[u8],
    mut header: FrameHeader,
    coded: &[&[u8]],
    out: &mut Vec<u8>,
) -> Result<u32, Bad> {
    let sealed_len = coded.iter().map(|part| part.len()).sum::<usize>() + TAG_LEN;
    header.sealed_len = u32::try_from(sealed_len).map_err(|_| Bad::Value("frame length"))?;
    let bytes = encode(&header);
    out.extend_from_slice(&bytes);
    let from = out.len();
    coded.iter().for_each(|part| out.extend_from_slice(part));
    sealer.seal(u64::from(header.number), &aad(pack, &bytes), out, from)?;
    u32::try_from(HEADER_LEN + sealed_len).map_err(|_| Bad::Value("frame length"))
}

/// What was sealed in the frame that `bytes` are, coded as its header says. `pack` is the header of its pack.
pub(crate) fn unseal(
    sealer: &Sealer,
    pack: &[u8],
    number: u32,
    bytes: &[u8],
) -> Result<(FrameHeader, Vec<u8>), Bad> {
    let header = header_of(bytes, number)?;
    let (head, sealed) = bytes.split_at(HEADER_LEN);
    let coded = sealer.open(u64::from(number), &aad(pack, head), sealed.to_vec())?;
    Ok((header, coded))
}

/// The same without a copy; `bytes` are no frame any more afterwards.
pub(crate) fn unseal_in_place<'a>(
    sealer: &Sealer,
    pack: &[u8],
    number: u32,
    bytes: &'a mut [u8],
) -> Result<(FrameHeader, &'a [u8]), Bad> {
    let header = header_of(bytes, number)?;
    let (head, sealed) = bytes.split_at_mut(HEADER_LEN);
    let coded = sealer.open_in_place(u64::from(number), &aad(pack, head), sealed)?;
    Ok((header, coded))
}

fn header_of(bytes: &[u8], number: u32) -> Result<FrameHeader, Bad> {
    let header = decode(bytes)?;
    if header.number != number {
        return Err(Bad::Value("number of a frame"));
    }
    match header.frame_len() == bytes.len() {
        true => Ok(header),
        false => Err(Bad::Length),
    }
}

/// The plain bytes (table and chunks) of the frame that `bytes` are, and its header.
pub(crate) fn open(
    sealer: &Sealer,
    pack: &[u8],
    number: u32,
    bytes: &[u8],
) -> Result<(FrameHeader, Vec<u8>), Bad> {
    open_in_place(sealer, pack, number, &mut bytes.to_vec())
}

/// The same; `bytes` are no frame any more afterwards.
pub(crate) fn open_in_place(
    sealer: &Sealer,
    pack: &[u8],
    number: u32,
    bytes: &mut [u8],
) -> Result<(FrameHeader, Vec<u8>), Bad> {
    let (header, coded) = unseal_in_place(sealer, pack, number, bytes)?;
    let plain = match header.coding {
        Coding::Plain => coded.to_vec(),
        Coding::Zstd => zstd::bulk::decompress(coded, header.plain_len as usize)
            .map_err(|_| Bad::Value("compressed bytes"))?,
    };
    match plain.len() == header.plain_len as usize {
        true => Ok((header, plain)),
        false => Err(Bad::Length),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::format::envelope;
    use crate::keys::Keys;
    use crate::target::ObjectKind;

    /// A pack's header, the keys of its vault, and the body of a pack with these frames.
    pub(crate) fn body(keys: &Keys, frames: &[&[&[u8]]]) -> (Vec<u8>, Vec<u8>) {
        let head = envelope::encode_header(ObjectKind::Pack, &[9; 16]);
        let sealer = keys.object(&head);
        let mut body = head.clone();
        for (number, chunks) in frames.iter().enumerate() {
            let mut plain = Vec::new();
            put_table(&mut plain, chunks.iter().map(|chunk| chunk.len() as u32));
            chunks
                .iter()
                .for_each(|chunk| plain.extend_from_slice(chunk));
            let packed = zstd::bulk::compress(&plain, 3).unwrap();
            let smaller = packed.len() < plain.len();
            let header = FrameHeader {
                coding: if smaller { Coding::Zstd } else { Coding::Plain },
                chunks: chunks.len() as u16,
                number: number as u32,
                plain_len: plain.len() as u32,
                sealed_len: 0,
            };
            let coded = if smaller { &packed } else { &plain };
            seal(&sealer, &head, header, &[coded], &mut body).unwrap();
        }
        (head, body)
    }

    #[test]
    fn chunks_come_back_out_of_a_frame() {
        let keys = Keys::for_tests();
        let (long, short) = (vec![b'x'; 100_000], b"short".to_vec());
        for chunks in [&[&long[..], &short[..]][..], &[&short[..]], &[&long[..]]] {
            let (head, body) = body(&keys, &[chunks]);
            let (header, plain) = open(&keys.object(&head), &head, 0, &body[head.len()..]).unwrap();
            let ranges = split_table(&plain, header.chunks).unwrap();
            let found: Vec<_> = ranges.into_iter().map(|range| &plain[range]).collect();
            assert_eq!(found, chunks);
        }
    }

    #[test]
    fn a_frame_does_not_open_in_another_place_or_pack_or_when_changed() {
        let keys = Keys::for_tests();
        let (head, good) = body(&keys, &[&[b"first"], &[b"second"]]);
        let second = head.len() + HEADER_LEN + 6 + TAG_LEN;
        let sealer = keys.object(&head);
        assert!(open(&sealer, &head, 1, &good[second..]).is_ok());
        assert_eq!(
            open(&sealer, &head, 0, &good[second..]),
            Err(Bad::Value("number of a frame"))
        );
        let other = envelope::encode_header(ObjectKind::Tree, &[9; 16]);
        assert_eq!(
            open(&keys.object(&other), &other, 1, &good[second..]),
            Err(Bad::Seal)
        );
        for flip in second..good.len() {
            let mut bad = good.clone();
            bad[flip] ^= 1;
            assert!(open(&sealer, &head, 1, &bad[second..]).is_err(), "{flip}");
        }
    }

    #[test]
    fn a_table_must_fill_its_frame() {
        let mut plain = Vec::new();
        put_table(&mut plain, [300, 1]);
        plain.extend_from_slice(&[0; 301]);
        assert_eq!(split_table(&plain, 2), Ok(vec![3..303, 303..304]));
        assert_eq!(split_table(&plain[..303], 2), Err(Bad::Length));
        assert_eq!(split_table(&[0, 0], 1), Err(Bad::Value("chunk length")));
        assert!(split_table(&[0xff; 12], 1).is_err());
        assert_eq!(split_table(&[], 1), Err(Bad::Short));
    }
}
