//! What chunks of different lengths cost: `chunks DAY1 DAY2 MODE...`, MODE as `cdc:64` (average, KiB) or `fixed:32`, then perhaps
//! `:1024`, the length of frames.
//!
//! Cuts with the vault's own chunker, throws away what is there already, joins new chunks to frames (512 KiB) and
//! compresses these as the vault does. One thread; encryption left out, for it costs the same at any length.

#[path = "../../../backup/vault/src/chunker.rs"]
mod chunker;

/// What the chunker takes from the format.
mod format {
    pub(crate) mod key {
        pub(crate) struct Cuts {
            pub(crate) min: u32,
            pub(crate) average: u32,
            pub(crate) max: u32,
        }
    }
}

use chunker::Chunker;
use format::key::Cuts;
use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

const ALONE: usize = 256 * 1024;
/// Frame header, tag of the AEAD; what a chunk takes in a frame's table and in the pack's directory.
const PER_FRAME: usize = 24 + 16 + 10;
const PER_CHUNK: usize = 3 + 19;
/// What an entry takes in an index object, and what a chunk takes in the list of its file.
const PER_ENTRY: usize = 16 + 8;
const PER_SEGMENT: usize = 34;
/// Segments of a large file are listed in parts of about so many; a part with one change is written anew.
const PART: u16 = 512;

enum Mode {
    Cdc(Box<Chunker>),
    Fixed(usize),
}

#[derive(Default)]
struct Store {
    known: HashSet<[u8; 16]>,
    parts: HashSet<[u8; 32]>,
    frame: Vec<u8>,
    out: Vec<u8>,
    frame_len: usize,
    chunks: usize,
    stored: usize,
    index: usize,
    lists: usize,
}

impl Store {
    fn chunk(&mut self, plain: &[u8], segments: &mut Vec<u8>) -> io::Result<()> {
        let id = blake3::keyed_hash(&[1; 32], plain);
        segments.extend_from_slice(id.as_bytes());
        let mut short = [0; 16];
        short.copy_from_slice(&id.as_bytes()[..16]);
        if !self.known.insert(short) {
            return Ok(());
        }
        self.chunks += 1;
        self.index += PER_ENTRY;
        self.stored += PER_CHUNK;
        if plain.len() >= ALONE {
            return self.pack(plain);
        }
        self.frame.extend_from_slice(plain);
        if self.frame.len() >= self.frame_len { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        let frame = std::mem::take(&mut self.frame);
        if !frame.is_empty() {
            self.pack(&frame)?;
        }
        Ok(())
    }

    fn pack(&mut self, plain: &[u8]) -> io::Result<()> {
        self.out.resize(zstd::zstd_safe::compress_bound(plain.len()), 0);
        let len = zstd::bulk::compress_to_buffer(plain, &mut self.out, 3)?;
        self.stored += len.min(plain.len()) + PER_FRAME;
        Ok(())
    }

    fn file_done(&mut self, segments: &[u8]) {
        let (ids, _) = segments.as_chunks::<32>();
        let mut from = 0;
        for at in 1..=ids.len() {
            let is_cut = at - from >= 2048 || (at - from >= 128 && u16::from_le_bytes([ids[at - 1][0], ids[at - 1][1]]) % PART == 0);
            if is_cut || at == ids.len() {
                if self.parts.insert(*blake3::hash(ids[from..at].as_flattened()).as_bytes()) {
                    self.lists += (at - from) * PER_SEGMENT;
                }
                from = at;
            }
        }
    }

    fn folder(&mut self, folder: &Path, mode: &Mode, buffer: &mut Vec<u8>) -> io::Result<()> {
        let mut entries: Vec<PathBuf> = fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
        entries.sort();
        for path in entries {
            match fs::symlink_metadata(&path)?.is_dir() {
                true => self.folder(&path, mode, buffer)?,
                false => self.file(&mut fs::File::open(&path)?, mode, buffer)?,
            }
        }
        Ok(())
    }

    fn file(&mut self, from: &mut fs::File, mode: &Mode, buffer: &mut Vec<u8>) -> io::Result<()> {
        let most = match mode {
            Mode::Cdc(chunker) => chunker.max(),
            Mode::Fixed(len) => *len,
        };
        let (mut segments, mut at, mut ended) = (Vec::new(), 0, false);
        buffer.clear();
        loop {
            if !ended && buffer.len() - at < most {
                buffer.drain(..at);
                at = 0;
                let room = (4 << 20) + most as u64;
                ended = (from.take(room).read_to_end(buffer)? as u64) < room;
            }
            let rest = &buffer[at..];
            if rest.is_empty() {
                break;
            }
            let len = match mode {
                Mode::Cdc(chunker) => chunker.cut(rest),
                Mode::Fixed(len) => rest.len().min(*len),
            };
            let plain = rest[..len].to_vec();
            self.chunk(&plain, &mut segments)?;
            at += len;
        }
        self.file_done(&segments);
        Ok(())
    }
}

/// Seconds of processor this process took.
fn processor() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn bytes(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX / 4)
}

fn mode(text: &str) -> Option<(Mode, usize)> {
    let mut parts = text.split(':');
    let (kind, length) = (parts.next()?, parts.next()?.parse::<usize>().ok()? << 10);
    let frame = parts.next().unwrap_or("512").parse::<usize>().ok()? << 10;
    let mode = match kind {
        "cdc" => Mode::Cdc(Box::new(Chunker::new(&[3; 32], &Cuts { min: bytes(length) / 4, average: bytes(length), max: bytes(length) * 4 }))),
        "fixed" => Mode::Fixed(length),
        _ => return None,
    };
    Some((mode, frame))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, day1, day2, modes @ ..] = args.as_slice() else {
        return Err("usage: chunks DAY1 DAY2 MODE...".into());
    };
    println!("| mode | chunks | stored, MB | index, MB | lists, MB | CPU s | new chunks | added, MB | index, MB | lists, MB |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for text in modes {
        let (mode, frame_len) = mode(text).ok_or_else(|| format!("no mode {text}"))?;
        let (mut store, mut buffer, start) = (Store { frame_len, ..Store::default() }, Vec::new(), processor());
        store.folder(Path::new(day1), &mode, &mut buffer)?;
        store.flush()?;
        let took = processor() - start;
        let first = (store.chunks, store.stored, store.index, store.lists);
        store.folder(Path::new(day2), &mode, &mut buffer)?;
        store.flush()?;
        let mb = |bytes: usize| bytes as f64 / 1e6;
        println!(
            "| {text} | {} | {:.1} | {:.1} | {:.1} | {took:.2} | {} | {:.1} | {:.1} | {:.2} |",
            first.0, mb(first.1), mb(first.2), mb(first.3), store.chunks - first.0,
            mb(store.stored - first.1), mb(store.index - first.2), mb(store.lists - first.3)
        );
    }
    Ok(())
}
