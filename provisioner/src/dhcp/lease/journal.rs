//! The file of leases: records appended, each with its digest, made new by a rename when it grew.
//!
//! Its first line says how many records were put into it when it was made, and carries a digest of
//! its own: only a whole one of a later version is taken for a newer program's.
//!
//! It is made new in steps between the flushes: nobody's answer waits for tens of thousands of lines.

use super::mark::{Mark, Place};
use super::record::{Record, digest};
use rustix::fs::{FlockOperation, flock};
use state::Timestamp;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

const NAME: &str = "leases";
const NEW: &str = "leases.new";
/// What the file is, before its version.
const WHAT: &str = "reprise leases ";
const VERSION: u32 = 2;
/// The whole first line of the first version, which counted nothing.
const FIRST: &str = "reprise leases 1";
/// Larger is no file of ours: a hundred thousand addresses, written anew at a quarter of it.
const LONGEST: u64 = 256 << 20;
/// A file that grew to this, and to four times what it was, is made new.
const GROWN: u64 = 1 << 20;
/// Lines of a new file in one step, at least.
const STEP: usize = 512;

/// What was read at the start.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) records: Vec<Record>,
    /// Lines that were not as they were written, and those known to be missing; a file that ends
    /// too early counts as one at least.
    pub(super) damaged: usize,
    /// Where the damaged file lies now.
    pub(super) kept: Option<PathBuf>,
    /// When its writer lived last, by our clock.
    pub(super) lived: Option<Timestamp>,
}

pub(super) struct Journal {
    folder: PathBuf,
    file: File,
    bytes: u64,
    generation: u64,
    mark: Place,
    /// Length when it was made new.
    made: u64,
    /// A new file that is not finished.
    renewal: Option<Renewal>,
    /// Held as long as this lives: two processes would give the same address.
    _lock: File,
}

struct Renewal {
    file: File,
    generation: u64,
    /// Those still to be written.
    records: std::vec::IntoIter<Record>,
    /// What was appended to the old file since `records` were taken; it goes behind them.
    since: String,
    bytes: u64,
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
        let mark = Mark::read(folder);
        let (generation, mut found) = read(&content, mark)?;
        found.lived = mark.map(|mark| mark.at);
        if found.damaged > 0 && !content.is_empty() {
            let aside = folder.join("leases.damaged");
            std::fs::write(&aside, &content)?;
            found.kept = Some(aside);
        }
        let journal = Journal {
            folder: folder.to_owned(),
            file,
            bytes: length,
            generation,
            mark: Place::open(folder)?,
            made: length,
            renewal: None,
            _lock: lock,
        };
        Ok((journal, found))
    }

    /// Durable when it returns; on an error the file is made new before anything else is written.
    pub(super) fn append<'a>(
        &mut self,
        records: impl Iterator<Item = &'a Record>,
    ) -> io::Result<()> {
        let mut text = String::new();
        records.for_each(|record| record.write(&mut text));
        self.file.write_all(text.as_bytes())?;
        self.file.sync_data()?;
        self.bytes += u64::try_from(text.len()).unwrap_or_default();
        if let Some(renewal) = &mut self.renewal {
            renewal.since.push_str(&text);
        }
        Ok(())
    }

    /// Leaves word of how much there is to read, and that somebody lived `now`, by our clock.
    pub(super) fn live(&self, now: Timestamp) {
        let mark = Mark {
            generation: self.generation,
            length: self.bytes,
            at: now,
        };
        // Without it less damage is found at the next start; the leases are safe.
        if let Err(error) = self.mark.write(mark) {
            tracing::debug!(%error, "failed to mark how far the leases are written");
        }
    }

    /// It is time to make it new, and nobody does yet.
    pub(super) fn has_grown(&self) -> bool {
        self.renewal.is_none() && self.bytes > GROWN.max(self.made.saturating_mul(4))
    }

    /// Puts `records` in the place of all that was written.
    pub(super) fn renew(&mut self, records: Vec<Record>, now: Timestamp) -> io::Result<()> {
        self.begin_renewal(records)?;
        self.go_on(usize::MAX, now)
    }

    /// `records` are to take the place of all that was written till now.
    pub(super) fn begin_renewal(&mut self, records: Vec<Record>) -> io::Result<()> {
        // A half-made one says less than this.
        self.renewal = None;
        let mut file = File::create(self.folder.join(NEW))?;
        let generation = self.generation.wrapping_add(1);
        let head = head(records.len(), generation);
        file.write_all(head.as_bytes())?;
        self.renewal = Some(Renewal {
            file,
            generation,
            records: records.into_iter(),
            since: String::new(),
            bytes: u64::try_from(head.len()).unwrap_or_default(),
        });
        Ok(())
    }

    /// A step of the new file, if one was begun: `appended` is how many records the old one got
    /// meanwhile. After an error the file is made new before anything else is written.
    pub(super) fn go_on(&mut self, appended: usize, now: Timestamp) -> io::Result<()> {
        let Some(renewal) = &mut self.renewal else {
            return Ok(());
        };
        // Twice as fast as what comes behind.
        let step = STEP.max(appended.saturating_mul(2));
        let mut text = String::new();
        let records = renewal.records.by_ref().take(step);
        records.for_each(|record| record.write(&mut text));
        let ends = renewal.records.len() == 0;
        if ends {
            text.push_str(&renewal.since);
        }
        renewal.file.write_all(text.as_bytes())?;
        renewal.file.sync_data()?;
        renewal.bytes += u64::try_from(text.len()).unwrap_or_default();
        match ends {
            true => self.end_renewal(now),
            false => Ok(()),
        }
    }

    fn end_renewal(&mut self, now: Timestamp) -> io::Result<()> {
        let Some(renewal) = self.renewal.take() else {
            return Ok(());
        };
        renewal.file.sync_all()?;
        let path = self.folder.join(NAME);
        std::fs::rename(self.folder.join(NEW), &path)?;
        File::open(&self.folder)?.sync_all()?;
        self.file = OpenOptions::new().append(true).open(&path)?;
        self.bytes = renewal.bytes;
        self.made = self.bytes;
        self.generation = renewal.generation;
        self.live(now);
        Ok(())
    }
}

/// The first line: what it is, its version, how many records follow at once, which file it is.
fn head(records: usize, generation: u64) -> String {
    let words = format!("{WHAT}{VERSION} {records} {generation:016x}");
    let digest = digest(&words);
    format!("{words} {digest}\n")
}

/// What the first line says.
#[derive(Debug, PartialEq, Eq)]
enum Head {
    /// A version that counted nothing.
    First,
    Ours {
        records: usize,
        generation: u64,
    },
    Newer,
    Damaged,
}

fn read_head(line: &[u8]) -> Head {
    let Ok(line) = std::str::from_utf8(line) else {
        return Head::Damaged;
    };
    if line == FIRST {
        return Head::First;
    }
    let whole = line
        .rsplit_once(' ')
        .filter(|(words, found)| digest(words) == *found)
        .and_then(|(words, _)| words.strip_prefix(WHAT));
    let mut words = whole.into_iter().flat_map(|words| words.split(' '));
    let version = words.next().and_then(|word| word.parse::<u32>().ok());
    let records = words.next().and_then(|word| word.parse().ok());
    let generation = words.next().map(|word| u64::from_str_radix(word, 16));
    match (version, records, generation) {
        (Some(VERSION), Some(records), Some(Ok(generation))) => Head::Ours {
            records,
            generation,
        },
        (Some(version), _, _) if version > VERSION => Head::Newer,
        _ => Head::Damaged,
    }
}

/// Every line that is whole, and which file it is. A last line without its end was never answered
/// where it is behind the mark: the power failed while it was written, and nothing is lost with it.
fn read(content: &[u8], mark: Option<Mark>) -> io::Result<(u64, Found)> {
    let mut found = Found::default();
    let marked = mark.map_or(0, |mark| mark.generation);
    let Some(whole) = content.iter().rposition(|byte| *byte == b'\n') else {
        // It comes into being whole, by a rename: one that is empty was never used, or was emptied.
        found.damaged += usize::from(!content.is_empty() || mark.is_some());
        return Ok((marked, found));
    };
    let mut lines = content[..whole].split(|byte| *byte == b'\n');
    let head = read_head(lines.next().unwrap_or_default());
    for line in lines {
        match Record::parse(line) {
            Some(record) => found.records.push(record),
            None => found.damaged += 1,
        }
    }
    let lines = found.records.len() + found.damaged;
    let (generation, missing) = match head {
        Head::Newer => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a newer reprise wrote it; install that version again",
            ));
        }
        Head::First => (marked, 0),
        Head::Ours {
            records,
            generation,
        } => (generation, records.saturating_sub(lines)),
        Head::Damaged => {
            found.damaged += 1;
            (marked, 0)
        }
    };
    let length = u64::try_from(whole + 1).unwrap_or(u64::MAX);
    let same = mark.filter(|mark| head != Head::First && mark.generation == generation);
    let short = same.is_some_and(|mark| length < mark.length);
    found.damaged += missing.max(usize::from(short));
    Ok((generation.max(marked), found))
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::{line, some};
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

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn written() -> (Folder, Vec<u8>) {
        let folder = Folder::new();
        let (mut journal, found) = Journal::open(&folder.0).unwrap();
        assert_eq!(found, Found::default());
        let (first, rest) = (&some()[..1], &some()[1..]);
        journal.renew(first.to_vec(), NOW).unwrap();
        journal.append(rest.iter()).unwrap();
        journal.live(NOW);
        let content = std::fs::read(folder.0.join(NAME)).unwrap();
        (folder, content)
    }

    #[test]
    fn what_was_written_is_read_and_only_one_process_writes() {
        let (folder, _) = written();
        let (journal, found) = Journal::open(&folder.0).unwrap();
        assert_eq!(found.records, some());
        assert_eq!((found.damaged, found.kept), (0, None));
        assert_eq!(found.lived, Some(NOW));
        let second = Journal::open(&folder.0).err().map(|error| error.kind());
        assert_eq!(second, Some(io::ErrorKind::WouldBlock));
        drop(journal);
        Journal::open(&folder.0).unwrap();
    }

    /// What a start finds of this content, and where it keeps the damaged file.
    fn found(folder: &Folder, content: &[u8]) -> Found {
        std::fs::write(folder.0.join(NAME), content).unwrap();
        let _ = std::fs::remove_file(folder.0.join("leases.damaged"));
        let (_, found) = Journal::open(&folder.0).unwrap();
        if let Some(kept) = &found.kept {
            assert_eq!(std::fs::read(kept).unwrap(), content);
        }
        assert_eq!(
            found.kept.is_some(),
            found.damaged > 0 && !content.is_empty()
        );
        found
    }

    #[test]
    fn a_file_cut_anywhere_keeps_what_is_left_and_says_what_is_missing() {
        let (folder, content) = written();
        for at in 0..content.len() {
            let cut = &content[..at];
            let found = found(&folder, cut);
            let lines = cut.iter().filter(|b| **b == b'\n').count();
            assert_eq!(found.records.len(), lines.saturating_sub(1), "cut at {at}");
            assert!(found.damaged > 0, "cut at {at}");
        }
        // Removed: it was there.
        std::fs::remove_file(folder.0.join(NAME)).unwrap();
        let (_, removed) = Journal::open(&folder.0).unwrap();
        assert_eq!((removed.damaged, removed.kept), (1, None));
        // The power failed while a line was written that was never answered, or never marked.
        let torn = [&content[..], b"0123456789abcdef bound 10."].concat();
        assert_eq!(found(&folder, &torn).damaged, 0);
        // Nor is the mark asked about another file than its own.
        let whole = head(some().len(), 77) + &some().iter().map(line).collect::<String>();
        assert_eq!(found(&folder, whole.as_bytes()).damaged, 0);
        let cut = &whole.as_bytes()[..whole.len() - 1];
        assert_eq!(found(&folder, cut).damaged, 1, "by the count alone");
    }

    #[test]
    fn a_changed_bit_costs_the_line_it_hit_and_never_the_whole_book() {
        let (folder, content) = written();
        for at in 0..content.len() {
            for bit in 0..8 {
                let mut damaged = content.clone();
                damaged[at] ^= 1 << bit;
                let found = found(&folder, &damaged);
                assert!(found.records.len() + 2 >= some().len(), "{at}");
                assert!(found.records.iter().all(|record| some().contains(record)));
                assert!(found.damaged > 0, "{at}");
            }
        }
        // A later version's own head is no damage.
        let newer = head(0, 1).replacen("leases 2", "leases 3", 1);
        let words = newer.trim_end().rsplit_once(' ').unwrap().0;
        let newer = format!("{words} {}\n", digest(words));
        std::fs::write(folder.0.join(NAME), newer).unwrap();
        let refused = Journal::open(&folder.0)
            .err()
            .map(|error| error.to_string());
        assert!(refused.unwrap().contains("a newer reprise wrote it"));
    }

    #[test]
    fn the_first_version_is_read() {
        let (folder, _) = written();
        std::fs::remove_file(folder.0.join("leases.mark")).unwrap();
        let lines: String = some().iter().map(line).collect();
        let first = format!("{FIRST}\n{lines}");
        let read = found(&folder, first.as_bytes());
        assert_eq!((read.records, read.damaged, read.lived), (some(), 0, None));
        // Its empty file was never used.
        assert_eq!(found(&folder, b""), Found::default());
        for bit in 0..8 {
            let mut damaged = first.clone().into_bytes();
            damaged[FIRST.len() - 1] ^= 1 << bit;
            assert_eq!(found(&folder, &damaged).damaged, 1, "bit {bit}");
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
        journal.renew(all.clone(), NOW).unwrap();
        assert!(!journal.has_grown());
        journal.append(all[..1].iter()).unwrap();
        drop(journal);
        let (_, found) = Journal::open(&folder.0).unwrap();
        assert_eq!(found.records.len(), all.len() + 1);
    }

    #[test]
    fn while_a_new_file_is_made_nothing_that_is_appended_is_lost() {
        let folder = Folder::new();
        let at = |seconds: i64| Record::Freed {
            address: [10, 0, 0, 9].into(),
            at: state::Timestamp(seconds),
        };
        let before: Vec<Record> = (0..10_000).map(at).collect();
        let (mut journal, _) = Journal::open(&folder.0).unwrap();
        journal.renew(Vec::new(), NOW).unwrap();
        journal.append(before.iter()).unwrap();
        journal.begin_renewal(before.clone()).unwrap();
        let of_this_disk = |folder: &Folder| {
            let content = std::fs::read(folder.0.join(NAME)).unwrap();
            let (_, found) = read(&content, Mark::read(&folder.0)).unwrap();
            assert_eq!(found.damaged, 0);
            found.records
        };
        let (mut all, mut steps) = (before, 0);
        let old = journal.bytes;
        while journal.renewal.is_some() {
            let more = [at(20_000 + steps)];
            journal.append(more.iter()).unwrap();
            journal.go_on(1, NOW).unwrap();
            all.extend(more);
            steps += 1;
            // Whenever the power fails.
            assert_eq!(of_this_disk(&folder), all, "after {steps} steps");
            assert!(steps < 100, "it ends");
        }
        assert!(steps > 10, "in steps: {steps}");
        assert_eq!(journal.bytes, journal.made);
        assert!(journal.bytes > old, "{} {old}", journal.bytes);
        let length = std::fs::metadata(folder.0.join(NAME)).unwrap().len();
        assert_eq!(length, journal.bytes);
        journal.append([at(30_000)].iter()).unwrap();
        all.push(at(30_000));
        // One that is not finished counts for nothing.
        journal.begin_renewal(vec![at(1)]).unwrap();
        drop(journal);
        let (_, found) = Journal::open(&folder.0).unwrap();
        assert_eq!((found.records, found.damaged), (all, 0));
    }
}
