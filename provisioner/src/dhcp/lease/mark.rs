//! How far the file of leases was written, beside it: by that a file that was cut, emptied or
//! removed is known, and until when its writer lived.
//!
//! It is written after the leases are durable and not flushed itself, so it never says more than
//! was written; a power failure may leave an older one, which says less.

use super::record::digest;
use state::Timestamp;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

const NAME: &str = "leases.mark";
/// Longer is none of ours.
const LONGEST: u64 = 256;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// Which file: it is made new now and then.
    pub(super) generation: u64,
    /// Its length in bytes when this was written.
    pub(super) length: u64,
    /// Our clock then.
    pub(super) at: Timestamp,
}

impl Mark {
    /// `None`: there is none, or none that was written whole.
    pub(super) fn read(folder: &Path) -> Option<Mark> {
        let file = File::open(folder.join(NAME)).ok()?;
        let mut text = String::new();
        file.take(LONGEST).read_to_string(&mut text).ok()?;
        Mark::parse(text.lines().next()?)
    }

    fn parse(line: &str) -> Option<Mark> {
        let (words, found) = line.trim_end().rsplit_once(' ')?;
        if found != digest(words) {
            return None;
        }
        let mut words = words.split(' ');
        Some(Mark {
            generation: u64::from_str_radix(words.next()?, 16).ok()?,
            length: words.next()?.parse().ok()?,
            at: Timestamp(words.next()?.parse().ok()?),
        })
    }

    fn line(self) -> String {
        let words = format!("{:016x} {} {}", self.generation, self.length, self.at.0);
        let digest = digest(&words);
        // Of one length, so that a shorter one leaves nothing of a longer one behind.
        format!("{:<96}\n", format!("{words} {digest}"))
    }
}

/// The file of the mark, kept open: it is written after every flush of the leases.
pub(super) struct Place(File);

impl Place {
    pub(super) fn open(folder: &Path) -> io::Result<Place> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join(NAME))?;
        Ok(Place(file))
    }

    pub(super) fn write(&self, mark: Mark) -> io::Result<()> {
        self.0.write_all_at(mark.line().as_bytes(), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_not_when_a_letter_changed() {
        let mark = Mark {
            generation: 0x17,
            length: u64::MAX,
            at: Timestamp(i64::MIN),
        };
        let line = mark.line();
        assert_eq!(line.len(), Mark::default().line().len());
        assert_eq!(Mark::parse(&line), Some(mark));
        for at in 0..line.trim_end().len() {
            let mut damaged = line.clone().into_bytes();
            damaged[at] ^= 1;
            let damaged = String::from_utf8(damaged).unwrap();
            assert_eq!(Mark::parse(&damaged), None, "{damaged}");
            assert_eq!(Mark::parse(&line[..at]), None);
        }
    }
}
