//! Reading one file of a snapshot.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use crate::inner::Inner;
use crate::segments::SegmentCursor;
use crate::{Error, Node, Segment};

/// Stretches that are loaded before they are asked for.
const AHEAD: usize = 8;
/// Who reads so many stretches in order is expected to go on.
const IN_ORDER: usize = 3;

/// Reads one file of a snapshot; every chunk is verified before a byte of it is given out. What follows is loaded meanwhile:
/// memory for a few chunks.
pub struct FileReader {
    vault: Arc<Inner>,
    start: SegmentCursor,
    segments: SegmentCursor,
    /// Stretches given out since the last seek.
    passed: usize,
    /// A thread that loads what follows, once it pays.
    ahead: Option<Receiver<Result<Stretch, Error>>>,
    /// The chunk being read and how much of it was given out.
    chunk: Vec<u8>,
    given: usize,
    /// What is left of a hole being read.
    hole: u64,
}

enum Stretch {
    Chunk(Vec<u8>),
    Hole(u64),
    End,
}

fn load(vault: &Inner, segments: &mut SegmentCursor) -> Result<Stretch, Error> {
    match segments.next(vault)? {
        None => Ok(Stretch::End),
        Some(Segment::Hole { len }) => Ok(Stretch::Hole(len)),
        Some(Segment::Chunk { id, len }) => {
            let plain = vault.chunk(&id)?;
            match plain.len() == len as usize {
                true => Ok(Stretch::Chunk(plain)),
                false => Err(Error::Damaged {
                    object: format!("chunk {id}"),
                    what: "it has another length than the file says".to_owned(),
                }),
            }
        }
    }
}

/// Loads what follows until the end, an error, or nobody wants it.
fn load_ahead(
    vault: Arc<Inner>,
    mut segments: SegmentCursor,
) -> Option<Receiver<Result<Stretch, Error>>> {
    let (loaded, ahead) = sync_channel(AHEAD);
    let work = move || {
        loop {
            let next = load(&vault, &mut segments);
            let is_last = matches!(next, Ok(Stretch::End) | Err(_));
            if loaded.send(next).is_err() || is_last {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("read ahead".to_owned());
    thread.spawn(work).ok().map(|_| ahead)
}

impl FileReader {
    pub(crate) fn new(vault: Arc<Inner>, node: &Node) -> FileReader {
        FileReader {
            vault,
            start: SegmentCursor::new(node),
            segments: SegmentCursor::new(node),
            passed: 0,
            ahead: None,
            chunk: Vec::new(),
            given: 0,
            hole: 0,
        }
    }

    /// Moves to `offset` from the start of the file without reading what lies before; past the end reads nothing.
    pub fn seek_to(&mut self, offset: u64) -> io::Result<()> {
        (self.given, self.hole, self.passed) = (0, 0, 0);
        self.ahead = None;
        self.chunk.clear();
        let found = self.start.clone().seek(&self.vault, offset);
        let (segments, left) = found.map_err(io::Error::other)?;
        self.segments = segments;
        if left > 0 && self.advance()? {
            self.hole = self.hole.saturating_sub(left);
            self.given = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(self.chunk.len());
        }
        Ok(())
    }

    fn next(&mut self) -> io::Result<Stretch> {
        if let Some(ahead) = &self.ahead {
            let stopped = "reading stopped at an error; open the file again";
            let next = ahead.recv().map_err(|_| io::Error::other(stopped))?;
            return next.map_err(io::Error::other);
        }
        let next = load(&self.vault, &mut self.segments).map_err(io::Error::other)?;
        self.passed += 1;
        if self.passed == IN_ORDER && !matches!(next, Stretch::End) {
            self.ahead = load_ahead(Arc::clone(&self.vault), self.segments.clone());
        }
        Ok(next)
    }

    /// Loads the next stretch; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        (self.given, self.hole) = (0, 0);
        self.chunk.clear();
        match self.next()? {
            Stretch::Chunk(plain) => self.chunk = plain,
            Stretch::Hole(len) => self.hole = len,
            // Asked again, it is the end again.
            Stretch::End => {
                if self.ahead.take().is_some() {
                    self.segments = SegmentCursor::default();
                }
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Read for FileReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.hole > 0 {
                let len = usize::try_from(self.hole)
                    .unwrap_or(usize::MAX)
                    .min(buf.len());
                buf[..len].fill(0);
                self.hole -= len as u64;
                return Ok(len);
            }
            let rest = &self.chunk[self.given..];
            if !rest.is_empty() {
                let len = rest.len().min(buf.len());
                buf[..len].copy_from_slice(&rest[..len]);
                self.given += len;
                return Ok(len);
            }
            if !self.advance()? {
                return Ok(0);
            }
        }
    }
}
