//! The file of leases: records appended, each with its digest, made new by a rename when it grew.

use super::record::Record;
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

const NAME: &str = "leases";
/// What the file is, and how it is to be read.
const HEAD: &str = "reprise leases 1";
/// Larger is no file of ours: a hundred thousand addresses, written anew at a quarter of it.
const LONGEST: u64 = 256 << 20;
/// A file that grew to this, and to four times what it was, is made new.
const GROWN: u64 = 1 << 20;

/// What was read at the start.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) records: Vec<Record>,
    /// Lines that were not as they were written.
    pub(super) damaged: usize,
    /// Where the damaged file lies now.
    pub(super) kept: Option<PathBuf>,
}

pub(super) struct Journal {
    folder: PathBuf,
    file: File,
    bytes: u64,
    /// Length when it was made new.
    made: u64,
    /// Held as long as this lives: two processes would give the same address.
    _lock: File,
}

impl Journal {
    /// Reads what is there; the caller makes it new with what it made of that before it appends.
    pub(super) fn open(folder: &Path) -> io::Result<(Journal, Found)> {
        std::fs::create_dir_all(folder)?;
        let lock = File::create(folder.join("lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        let path = folder.join(NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)?;
        let length = file.metadata()?.len();
        if length > LONGEST {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "it is too large to be the file of leases; move it away",
            ));
        }
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        let mut found = read(&content)?;
        if found.damaged > 0 {
            let aside = folder.join("leases.damaged");
            std::fs::write(&aside, &content)?;
            found.kept = Some(aside);
        }
        let journal = Journal {
            folder: folder.to_owned(),
            file,
            bytes: length,
            made: length,
            _lock: lock,
        };
        Ok((journal, found))
    }

    /// Durable when it returns; on an error the file is made new before anything else is written.
    pub(super) fn append<'a>(
        &mut self,
        records: impl Iterator<Item = &'a Record>,
    ) -> io::Result<()> {
        let text: String = records.map(Record::line).collect();
        self.file.write_all(text.as_bytes())?;
        self.file.sync_data()?;
        self.bytes += u64::try_from(text.len()).unwrap_or_default();
        Ok(())
    }

    pub(super) fn has_grown(&self) -> bool {
        self.bytes > GROWN.max(self.made.saturating_mul(4))
    }

    /// Puts `records` in the place of all that was written.
    pub(super) fn renew(&mut self, records: &[Record]) -> io::Result<()> {
        let (new, path) = (self.folder.join("leases.new"), self.folder.join(NAME));
        let mut text = format!("{HEAD}\n");
        text.extend(records.iter().map(Record::line));
        let mut file = File::create(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, &path)?;
        File::open(&self.folder)?.sync_all()?;
        self.file = OpenOptions::new().append(true).open(&path)?;
        self.bytes = u64::try_from(text.len()).unwrap_or_default();
        self.made = self.bytes;
        Ok(())
    }
}

/// Every line that is whole. A last line without its end was never answered: the power failed
/// while it was written, and nothing is lost with it.
fn read(content: &[u8]) -> io::Result<Found> {
    let mut found = Found::default();
    let Some(whole) = content.iter().rposition(|byte| *byte == b'\n') else {
        found.damaged += usize::from(!HEAD.as_bytes().starts_with(content));
        return Ok(found);
    };
    let mut lines = content[..whole].split(|byte| *byte == b'\n');
    match lines.next() {
        Some(line) if line == HEAD.as_bytes() => {}
        Some(line) if line.starts_with(b"reprise leases ") && line.len() < 24 => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a newer reprise wrote it; install that version again",
            ));
        }
        _ => found.damaged += 1,
    }
    for line in lines {
        match Record::parse(line) {
            Some(record) => found.records.push(record),
            None => found.damaged += 1,
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::some;
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Folder {
            Folder(std::env::temp_dir().join(format!("reprise-leases-{}", state::id::new())))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn written() -> (Folder, Vec<u8>) {
        let folder = Folder::new();
        let (mut journal, found) = Journal::open(&folder.0).unwrap();
        assert_eq!(found, Found::default());
        let (first, rest) = (&some()[..1], &some()[1..]);
        journal.renew(first).unwrap();
        journal.append(rest.iter()).unwrap();
        let content = std::fs::read(folder.0.join(NAME)).unwrap();
        (folder, content)
    }

    #[test]
    fn what_was_written_is_read_and_only_one_process_writes() {
        let (folder, _) = written();
        let (journal, found) = Journal::open(&folder.0).unwrap();
        assert_eq!(found.records, some());
        assert_eq!((found.damaged, found.kept), (0, None));
        let second = Journal::open(&folder.0).err().map(|error| error.kind());
        assert_eq!(second, Some(io::ErrorKind::WouldBlock));
        drop(journal);
        Journal::open(&folder.0).unwrap();
    }

    #[test]
    fn a_cut_or_changed_file_loses_the_lines_it_hit_and_says_so() {
        let (folder, content) = written();
        let path = folder.0.join(NAME);
        for at in 0..content.len() {
            std::fs::write(&path, &content[..at]).unwrap();
            let (_, found) = Journal::open(&folder.0).unwrap();
            let lines = content[..at].iter().filter(|b| **b == b'\n').count();
            assert_eq!(found.records.len(), lines.saturating_sub(1), "cut at {at}");
            assert_eq!(found.damaged, 0, "cut at {at}");
        }
        for at in 0..content.len() {
            let mut damaged = content.clone();
            damaged[at] ^= 0x11;
            std::fs::write(&path, &damaged).unwrap();
            let Ok((_, found)) = Journal::open(&folder.0) else {
                assert!(at < HEAD.len(), "{at}");
                continue;
            };
            assert!(found.records.len() + 2 >= some().len(), "{at}");
            assert!(found.records.iter().all(|record| some().contains(record)));
            if at + 1 < content.len() {
                assert!(found.damaged > 0, "{at}");
                let kept = found.kept.unwrap();
                assert_eq!(std::fs::read(kept).unwrap(), damaged);
            }
        }
    }

    #[test]
    fn a_file_that_grew_is_made_new() {
        let (folder, _) = written();
        let (mut journal, _) = Journal::open(&folder.0).unwrap();
        let all = some();
        let many: Vec<&Record> = all.iter().cycle().take(20_000).collect();
        journal.append(many.into_iter()).unwrap();
        assert!(journal.has_grown());
        journal.renew(&all).unwrap();
        assert!(!journal.has_grown());
        journal.append(all[..1].iter()).unwrap();
        drop(journal);
        let (_, found) = Journal::open(&folder.0).unwrap();
        assert_eq!(found.records.len(), all.len() + 1);
    }
}
