//! Writing with holes.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

/// Leaves holes out where the output is the end of a plain file: what was sparse when it was saved is so again.
pub(super) struct Sparse {
    out: File,
    skips: bool,
    /// The file does not yet reach where the next byte goes.
    is_short: bool,
}

impl Sparse {
    pub(super) fn begin(mut out: File) -> Sparse {
        let is_file = out.metadata().is_ok_and(|seen| seen.is_file());
        // What is appended goes to the end, wherever that is; what lies behind would shine through a hole.
        let appends = rustix::fs::fcntl_getfl(&out)
            .map_or(true, |flags| flags.contains(rustix::fs::OFlags::APPEND));
        let len = out.metadata().map(|seen| seen.len()).ok();
        let is_at_end = out.stream_position().ok() == len;
        let skips = is_file && !appends && is_at_end;
        Sparse {
            out,
            skips,
            is_short: false,
        }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.is_short = false;
        self.out.write_all(bytes)
    }

    pub(super) fn hole(&mut self, len: u64) -> io::Result<()> {
        if !self.skips {
            let written = io::copy(&mut io::repeat(0).take(len), &mut self.out)?;
            return (written == len)
                .then_some(())
                .ok_or(io::ErrorKind::WriteZero.into());
        }
        let by = i64::try_from(len).map_err(io::Error::other)?;
        self.out.seek(io::SeekFrom::Current(by))?;
        self.is_short = true;
        Ok(())
    }

    pub(super) fn end(mut self) -> io::Result<()> {
        if self.is_short {
            let len = self.out.stream_position()?;
            self.out.set_len(len)?;
        }
        Ok(())
    }
}
