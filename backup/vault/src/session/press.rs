//! The table and chunks of a frame → the bytes to seal.
//!
//! Compressed, a frame is two zstd frames: its table, then its chunks. A chunk alone in its frame can so be handed out
//! compressed as it lies there.

use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use crate::format::frame::{self, Coding};
use crate::id::ShortId;

const LEVEL: i32 = 3;
/// In text, repetitions of five bytes are not looked for, and the table of short ones is half as large: that takes up to a
/// quarter less time. Dumps and tables become 1 to 4 % smaller, program text 1 % larger; disk images would become larger too.
const TEXT: [CParameter; 2] = [CParameter::MinMatch(6), CParameter::ChainLog(15)];
/// As the level has it.
const USUAL: [CParameter; 2] = [CParameter::MinMatch(0), CParameter::ChainLog(0)];
/// What this many bytes do not shrink by this share is not tried on.
const TRIED: usize = 64 * 1024;
const WORTH_PERCENT: usize = 3;
/// Before anything is tried, so many bytes are looked at, so far from each other: no document's text is passed over.
const SAMPLE: usize = 1024;
const APART: usize = 16 * 1024;

pub(super) struct Press {
    compressor: Option<Compressor<'static>>,
    table: Vec<u8>,
    coded: Vec<u8>,
}

/// What to seal.
pub(super) struct Pressed<'a> {
    pub(super) coding: Coding,
    /// Table and chunks.
    pub(super) plain_len: usize,
    /// Both, one behind the other.
    pub(super) coded: [&'a [u8]; 2],
}

impl Press {
    pub(super) fn new() -> Press {
        Press {
            compressor: Compressor::new(LEVEL).ok(),
            table: Vec::new(),
            coded: Vec::new(),
        }
    }

    pub(super) fn press<'a>(
        &'a mut self,
        plain: &'a [u8],
        chunks: &[(ShortId, u32)],
    ) -> Pressed<'a> {
        self.table.clear();
        frame::put_table(&mut self.table, chunks.iter().map(|(_, len)| *len));
        let plain_len = self.table.len() + plain.len();
        match self.compress(plain) {
            Some(len) if len < plain_len => Pressed {
                coding: Coding::Zstd,
                plain_len,
                coded: [&self.coded[..len], &[]],
            },
            _ => Pressed {
                coding: Coding::Plain,
                plain_len,
                coded: [&self.table, plain],
            },
        }
    }

    /// Table and chunks into `coded`; `None` when it is not worth it.
    fn compress(&mut self, plain: &[u8]) -> Option<usize> {
        let compressor = self.compressor.as_mut()?;
        for parameter in if is_text(plain) { TEXT } else { USUAL } {
            compressor.set_parameter(parameter).ok()?;
        }
        let bound = zstd::zstd_safe::compress_bound;
        let room = bound(self.table.len()) + bound(plain.len());
        if self.coded.len() < room {
            self.coded.resize(room, 0);
        }
        let mut into = |from: &[u8], at: usize| {
            let room = self.coded.get_mut(at..)?;
            compressor.compress_to_buffer(from, room).ok()
        };
        if plain.len() > TRIED && looks_random(plain) {
            let middle = (plain.len() - TRIED) / 2;
            let len = into(plain.get(middle..middle + TRIED)?, 0)?;
            if len * 100 > TRIED * (100 - WORTH_PERCENT) {
                return None;
            }
        }
        let table = into(&self.table, 0)?;
        Some(table + into(plain, table)?)
    }
}

/// Whether there is nothing but text at all of a few places (UTF-8 and its forerunners have no control characters).
fn is_text(plain: &[u8]) -> bool {
    let control = |byte: &u8| *byte < b' ' && !matches!(*byte, b'\t' | b'\n' | b'\r');
    let mut samples = plain.chunks(APART).filter_map(|part| part.get(..SAMPLE));
    samples.all(|sample| !sample.iter().any(control))
}

/// Whether the bytes at all of a few places are about equally frequent. What is compressed or encrypted looks so.
fn looks_random(plain: &[u8]) -> bool {
    let mut samples = plain.chunks(APART).filter_map(|part| part.get(..SAMPLE));
    samples.all(|sample| {
        let mut counts = [0u32; 256];
        for byte in sample {
            let count = &mut counts[usize::from(*byte)];
            *count = count.wrapping_add(1);
        }
        // Of random bytes the squares sum to about n + n²/256.
        let even = (SAMPLE + SAMPLE * SAMPLE / 256) as u64;
        let sum: u64 = counts.iter().map(|n| u64::from(*n).pow(2)).sum();
        sum * 10 < even * 13
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        blake3::Hasher::new().finalize_xof().fill(&mut bytes);
        bytes
    }

    fn text(len: usize) -> Vec<u8> {
        let words = b"the quick brown fox jumps over the lazy dog and on 2026-11-22 again; ";
        words.iter().copied().cycle().take(len).collect()
    }

    fn chunks(lens: &[u32]) -> Vec<(ShortId, u32)> {
        lens.iter().map(|len| ([0; 16], *len)).collect()
    }

    #[test]
    fn what_was_pressed_is_table_and_chunks_again() {
        let mut press = Press::new();
        let mixed = [noise(200_000), text(100_000)].concat();
        let lens = |all: &[u32]| chunks(all);
        type Case = (Vec<u8>, Vec<(ShortId, u32)>, Coding);
        let table: [Case; 5] = [
            (text(300_000), lens(&[100_000, 200_000]), Coding::Zstd),
            (noise(300_000), lens(&[300_000]), Coding::Plain),
            (mixed, lens(&[200_000, 100_000]), Coding::Zstd),
            (b"x".to_vec(), lens(&[1]), Coding::Plain),
            (noise(5000), lens(&[5000]), Coding::Plain),
        ];
        for (plain, chunks, coding) in table {
            let pressed = press.press(&plain, &chunks);
            assert_eq!(pressed.coding, coding, "{} bytes", plain.len());
            let coded = pressed.coded.concat();
            let whole = match coding {
                Coding::Zstd => zstd::bulk::decompress(&coded, pressed.plain_len).unwrap(),
                Coding::Plain => coded,
            };
            assert_eq!(whole.len(), pressed.plain_len);
            let ranges = frame::split_table(&whole, chunks.len() as u16).unwrap();
            let joined: Vec<u8> = ranges
                .into_iter()
                .flat_map(|range| &whole[range])
                .copied()
                .collect();
            assert!(joined == plain);
        }
    }

    #[test]
    fn text_is_told_from_other_bytes() {
        assert!(is_text(&text(300_000)));
        assert!(is_text("é\r\n\tà ".repeat(10_000).as_bytes()));
        assert!(!is_text(&noise(300_000)));
        let mut table = text(300_000);
        table[100_000..][..20_000].fill(0);
        assert!(!is_text(&table));
    }

    #[test]
    fn random_bytes_look_random_and_text_does_not() {
        assert!(looks_random(&noise(512 * 1024)));
        assert!(!looks_random(&text(512 * 1024)));
        // One compressible place in eight is enough to try.
        let mut mixed = noise(512 * 1024);
        mixed[3 * 65_536..][..70_000].fill(b'a');
        assert!(!looks_random(&mixed));
    }
}
