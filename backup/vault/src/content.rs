//! A stream of bytes → chunks of a session.

use std::io::{self, Read};
use std::sync::atomic::Ordering;

use crate::chunker::Chunker;
use crate::keys::Keys;
use crate::segments::SegmentList;
use crate::session::Session;
use crate::target::ObjectKind;
use crate::writer::{Chunking, StoredChunk};
use crate::{ChunkId, Error, Segment, Segments, Watch};

const MAX_FIXED: usize = 4 * 1024 * 1024;

/// Bytes read at once.
const BUFFER: usize = 1024 * 1024;

/// Cuts and stores streams; holds the buffer they pass through.
pub(crate) struct Content {
    chunker: Chunker,
    buffer: Vec<u8>,
}

pub(crate) enum Failed {
    /// The stream could not be read.
    Read(io::Error),
    /// The vault cannot go on.
    Vault(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        Failed::Vault(error)
    }
}

impl Content {
    pub(crate) fn new(keys: &Keys) -> Content {
        Content {
            chunker: Chunker::new(keys.gear(), &keys.cuts()),
            buffer: Vec::new(),
        }
    }

    /// Stores all of `from`; each chunk is handed to `each` with its plain bytes.
    pub(crate) fn store(
        &mut self,
        session: &mut Session,
        from: &mut dyn Read,
        chunking: Chunking,
        watch: &Watch,
        mut each: impl FnMut(&mut Session, ChunkId, &[u8]) -> Result<(), Error>,
    ) -> Result<(), Failed> {
        let most = match chunking {
            Chunking::Cdc => self.chunker.max(),
            Chunking::Fixed(len) => (len as usize).clamp(1, MAX_FIXED),
        };
        let room = BUFFER.max(2 * most);
        if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
        // What was read and not yet cut lies at `at..filled`.
        let (mut at, mut filled, mut ended) = (0, 0, false);
        loop {
            if !ended && filled - at < most {
                self.buffer.copy_within(at..filled, 0);
                (at, filled) = (0, filled - at);
                let rest = &mut self.buffer[filled..];
                let read = fill(from, rest).map_err(Failed::Read)?;
                ended = read < rest.len();
                filled += read;
            }
            let rest = &self.buffer[at..filled];
            if rest.is_empty() {
                return Ok(());
            }
            let len = match chunking {
                Chunking::Cdc => self.chunker.cut(rest),
                Chunking::Fixed(_) => rest.len().min(most),
            };
            let plain = &rest[..len];
            let id = session.store(ObjectKind::Pack, plain, watch)?;
            each(session, id, plain)?;
            watch.bytes_done.fetch_add(len as u64, Ordering::Relaxed);
            at += len;
        }
    }

    /// Stores a folder list.
    pub(crate) fn store_tree(
        &mut self,
        session: &mut Session,
        mut bytes: &[u8],
        watch: &Watch,
    ) -> Result<Vec<(ChunkId, u32)>, Error> {
        let mut parts = Vec::new();
        while !bytes.is_empty() {
            let (part, rest) = bytes.split_at(self.chunker.cut(bytes));
            let id = session.store(ObjectKind::Tree, part, watch)?;
            parts.push((id, u32::try_from(part.len()).unwrap_or(u32::MAX)));
            bytes = rest;
        }
        Ok(parts)
    }
}

/// Reads until `into` is full or the stream ends.
fn fill(from: &mut dyn Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// What one stored stream amounts to.
#[derive(Default)]
pub(crate) struct Stored {
    pub(crate) size: u64,
    segments: SegmentList,
    pub(crate) chunks: Vec<StoredChunk>,
    /// The only chunk so far: its name says as much as a hash.
    first: Vec<u8>,
    hash: Option<blake3::Hasher>,
}

impl Stored {
    pub(crate) fn chunk(
        &mut self,
        session: &mut Session,
        id: ChunkId,
        plain: &[u8],
        watch: &Watch,
    ) -> Result<(), Error> {
        let len = u32::try_from(plain.len()).unwrap_or(u32::MAX);
        self.size += u64::from(len);
        match &mut self.hash {
            Some(hash) => {
                hash.update(plain);
            }
            None if self.first.is_empty() => self.first.extend_from_slice(plain),
            None => {
                let mut hash = blake3::Hasher::new();
                hash.update(&std::mem::take(&mut self.first));
                hash.update(plain);
                self.hash = Some(hash);
            }
        }
        let segment = Segment::Chunk { id, len };
        self.segments.push(segment, |list| {
            session.store(ObjectKind::Tree, &list, watch)
        })
    }

    pub(crate) fn hole(
        &mut self,
        session: &mut Session,
        len: u64,
        watch: &Watch,
    ) -> Result<(), Error> {
        self.size = self.size.saturating_add(len);
        self.segments.push(Segment::Hole { len }, |list| {
            session.store(ObjectKind::Tree, &list, watch)
        })
    }

    /// Its stretches, and the hash of its data when it is more than one chunk.
    pub(crate) fn finish(
        self,
        session: &mut Session,
        watch: &Watch,
    ) -> Result<(Segments, Option<[u8; 32]>), Error> {
        let segments = self
            .segments
            .finish(|list| session.store(ObjectKind::Tree, &list, watch))?;
        Ok((segments, self.hash.map(|hash| *hash.finalize().as_bytes())))
    }
}
