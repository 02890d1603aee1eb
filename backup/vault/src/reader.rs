//! Reading one file of a snapshot.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use crate::Node;
use crate::frames::Frame;
use crate::inner::Inner;
use crate::segments::SegmentCursor;
use crate::stretches::{Stretch, Stretches, load};

/// Who reads so many stretches in order is expected to go on.
const IN_ORDER: usize = 3;

/// Reads one file of a snapshot; every chunk is verified before a byte of it is given out. What follows is opened meanwhile
/// on several threads: memory for a few frames.
pub struct FileReader {
    vault: Arc<Inner>,
    start: SegmentCursor,
    segments: SegmentCursor,
    /// Stretches given out since the last seek.
    passed: usize,
    /// Who opens what follows, once it pays.
    ahead: Option<Stretches>,
    /// What is being read, and what of it was not given out.
    frame: Option<Arc<Frame>>,
    rest: Range<usize>,
    /// What is left of a hole being read.
    hole: u64,
}

impl FileReader {
    pub(crate) fn new(vault: Arc<Inner>, node: &Node) -> FileReader {
        FileReader {
            vault,
            start: SegmentCursor::new(node),
            segments: SegmentCursor::new(node),
            passed: 0,
            ahead: None,
            frame: None,
            rest: 0..0,
            hole: 0,
        }
    }

    /// Moves to `offset` from the start of the file without reading what lies before; past the end reads nothing.
    pub fn seek_to(&mut self, offset: u64) -> io::Result<()> {
        self.forget();
        self.passed = 0;
        self.ahead = None;
        let found = self.start.clone().seek(&self.vault, offset);
        let (segments, left) = found.map_err(io::Error::other)?;
        self.segments = segments;
        if left > 0 && self.advance()? {
            self.hole = self.hole.saturating_sub(left);
            let passed = usize::try_from(left).unwrap_or(usize::MAX);
            let start = self.rest.start.saturating_add(passed);
            self.rest.start = start.min(self.rest.end);
        }
        Ok(())
    }

    fn forget(&mut self) {
        (self.frame, self.rest, self.hole) = (None, 0..0, 0);
    }

    /// `None` at the end; asked again, it is the end again.
    fn next(&mut self) -> io::Result<Option<Stretch>> {
        if let Some(ahead) = &mut self.ahead {
            return ahead.next();
        }
        let next = self.segments.next(&self.vault).map_err(io::Error::other)?;
        let Some(segment) = next else {
            return Ok(None);
        };
        let stretch = load(&self.vault, segment).map_err(io::Error::other)?;
        self.passed += 1;
        if self.passed == IN_ORDER {
            self.ahead = Stretches::begin(&self.vault, self.segments.clone());
        }
        Ok(Some(stretch))
    }

    /// Takes the next stretch; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        self.forget();
        match self.next()? {
            Some(Stretch::Bytes(frame, range)) => (self.frame, self.rest) = (Some(frame), range),
            Some(Stretch::Hole(len)) => self.hole = len,
            None => return Ok(false),
        }
        Ok(true)
    }
}

/// What follows in a file, for whom can leave holes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Never empty.
    Bytes(&'a [u8]),
    /// So many zeros that were never written; never none.
    Hole(u64),
}

impl FileReader {
    /// What follows, at most `most` bytes of it and without a copy; `None` at the end.
    pub fn next_part(&mut self, most: u64) -> io::Result<Option<Part<'_>>> {
        while self.hole == 0 && self.rest.is_empty() {
            if !self.advance()? {
                return Ok(None);
            }
        }
        if self.hole > 0 {
            let len = self.hole.min(most);
            self.hole -= len;
            return Ok(Some(Part::Hole(len)));
        }
        let len = usize::try_from(most).map_or(self.rest.len(), |most| most.min(self.rest.len()));
        let taken = self.rest.start..self.rest.start + len;
        self.rest.start = taken.end;
        let plain = self.frame.as_ref().map(|frame| frame.plain.as_slice());
        Ok(plain.and_then(|plain| plain.get(taken)).map(Part::Bytes))
    }
}

impl Read for FileReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let part = self.next_part(buf.len() as u64)?;
        let len = match part {
            None => 0,
            Some(Part::Bytes(bytes)) => {
                buf[..bytes.len()].copy_from_slice(bytes);
                bytes.len()
            }
            Some(Part::Hole(len)) => {
                let len = usize::try_from(len).unwrap_or(buf.len()).min(buf.len());
                buf[..len].fill(0);
                len
            }
        };
        Ok(len)
    }
}
