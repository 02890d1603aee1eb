//! Reading one file of a snapshot.

use std::io::{self, Read};
use std::sync::Arc;

use crate::inner::Inner;
use crate::segments::SegmentCursor;
use crate::{Node, Segment};

/// Reads one file of a snapshot; every chunk is verified before a byte of it is given out. Holds one chunk in memory.
pub struct FileReader {
    vault: Arc<Inner>,
    start: SegmentCursor,
    segments: SegmentCursor,
    /// The chunk being read and how much of it was given out.
    chunk: Vec<u8>,
    given: usize,
    /// What is left of a hole being read.
    hole: u64,
}

impl FileReader {
    pub(crate) fn new(vault: Arc<Inner>, node: &Node) -> FileReader {
        FileReader {
            vault,
            start: SegmentCursor::new(node),
            segments: SegmentCursor::new(node),
            chunk: Vec::new(),
            given: 0,
            hole: 0,
        }
    }

    /// Moves to `offset` from the start of the file without reading what lies before; past the end reads nothing.
    pub fn seek_to(&mut self, offset: u64) -> io::Result<()> {
        (self.given, self.hole) = (0, 0);
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

    /// Loads the next segment; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        let next = self.segments.next(&self.vault).map_err(io::Error::other)?;
        let Some(segment) = next else {
            return Ok(false);
        };
        match segment {
            Segment::Hole { len } => {
                self.hole = len;
                self.chunk.clear();
            }
            Segment::Chunk { id, len } => {
                self.chunk = self.vault.chunk(&id).map_err(io::Error::other)?;
                if self.chunk.len() != len as usize {
                    return Err(io::Error::other(format!(
                        "chunk {id} has another length than the file says"
                    )));
                }
            }
        }
        self.given = 0;
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
