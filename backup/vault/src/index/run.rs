//! A sorted run in a scratch file that has no name: what does not fit the memory allowed. It goes away with the process.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use super::table::prefix;
use crate::format::index::Entry;
use crate::id::ShortId;
use crate::keys::random;

const PAGE: usize = 4096;
const ENTRY: usize = 24;
const PER_PAGE: usize = PAGE / ENTRY;

pub(crate) struct Run {
    file: File,
    len: u64,
    /// The first eight bytes of each page's first id.
    fences: Vec<u64>,
}

impl Run {
    /// Writes sorted entries to a file in one of `folders`.
    pub(crate) fn write(
        folders: &[&Path],
        entries: impl Iterator<Item = Entry>,
    ) -> io::Result<Run> {
        let file = scratch(folders)?;
        let mut out = io::BufWriter::with_capacity(64 * PAGE, &file);
        let (mut fences, mut len) = (Vec::new(), 0u64);
        let mut page = Vec::with_capacity(PAGE);
        for entry in entries {
            if page.is_empty() {
                fences.push(prefix(&entry.id));
            }
            page.extend_from_slice(&entry.id);
            page.extend_from_slice(&entry.pack.to_le_bytes());
            page.extend_from_slice(&entry.frame.to_le_bytes());
            page.extend_from_slice(&entry.slot.to_le_bytes());
            len += 1;
            if page.len() == PER_PAGE * ENTRY {
                page.resize(PAGE, 0);
                out.write_all(&page)?;
                page.clear();
            }
        }
        if !page.is_empty() {
            page.resize(PAGE, 0);
            out.write_all(&page)?;
        }
        out.flush()?;
        drop(out);
        fences.shrink_to_fit();
        Ok(Run { file, len, fences })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// What it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.fences.capacity() * size_of::<u64>()
    }

    /// All entries of that id, and the number of the first.
    pub(crate) fn find(&self, id: &ShortId) -> io::Result<Option<(u64, Vec<Entry>)>> {
        let key = prefix(id);
        // The first page that may hold it: the last whose fence is below, since equal prefixes may begin before a fence.
        let mut number = self
            .fences
            .partition_point(|fence| *fence < key)
            .saturating_sub(1);
        let mut found: Option<(u64, Vec<Entry>)> = None;
        while self.fences.get(number).is_some_and(|fence| *fence <= key) {
            let page = self.page(number)?;
            let first = page.partition_point(|entry| entry.id < *id);
            let here = &page[first..];
            let count = here.iter().take_while(|entry| entry.id == *id).count();
            if count > 0 {
                let at = (number * PER_PAGE + first) as u64;
                let (_, entries) = found.get_or_insert_with(|| (at, Vec::new()));
                entries.extend_from_slice(&here[..count]);
            }
            if first + count < page.len() {
                break;
            }
            number += 1;
        }
        Ok(found)
    }

    fn page(&self, number: usize) -> io::Result<Vec<Entry>> {
        let mut bytes = [0; PAGE];
        self.file
            .read_exact_at(&mut bytes, (number * PAGE) as u64)?;
        let left = (self.len as usize).saturating_sub(number * PER_PAGE);
        let records = bytes.as_chunks::<ENTRY>().0.iter();
        Ok(records.take(left).map(decode).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = io::Result<Entry>> {
        let pages = (0..self.fences.len()).map(|number| self.page(number));
        pages.flat_map(|page| {
            let (entries, error) = match page {
                Ok(entries) => (entries, None),
                Err(error) => (Vec::new(), Some(Err(error))),
            };
            entries.into_iter().map(Ok).chain(error)
        })
    }
}

fn decode(record: &[u8; ENTRY]) -> Entry {
    let mut id = [0; 16];
    id.copy_from_slice(&record[..16]);
    let pack = u32::from_le_bytes([record[16], record[17], record[18], record[19]]);
    Entry {
        id,
        pack,
        frame: u16::from_le_bytes([record[20], record[21]]),
        slot: u16::from_le_bytes([record[22], record[23]]),
    }
}

/// Several runs become one; entries that cannot be read end it with the error.
pub(crate) fn merge(folders: &[&Path], runs: &[Run]) -> io::Result<Run> {
    let mut failed = None;
    let mut heads: Vec<_> = runs.iter().map(|run| run.iter().peekable()).collect();
    let sorted = std::iter::from_fn(|| {
        let mut least: Option<(usize, Entry)> = None;
        for (at, head) in heads.iter_mut().enumerate() {
            match head.peek() {
                Some(Ok(entry)) if least.is_none_or(|(_, other)| *entry < other) => {
                    least = Some((at, *entry));
                }
                Some(Err(_)) => {
                    failed = head.next().and_then(Result::err);
                    return None;
                }
                _ => {}
            }
        }
        let (at, entry) = least?;
        heads.get_mut(at)?.next();
        Some(entry)
    });
    let run = Run::write(folders, sorted)?;
    match failed {
        Some(error) => Err(error),
        None => Ok(run),
    }
}

fn scratch(folders: &[&Path]) -> io::Result<File> {
    let mut failed = io::Error::from(io::ErrorKind::NotFound);
    let (flags, mode) = (OFlags::RDWR | OFlags::CLOEXEC, Mode::from_raw_mode(0o600));
    for folder in folders {
        let nameless = rustix::fs::open(*folder, flags | OFlags::TMPFILE, mode);
        match nameless.map_err(io::Error::from).or_else(|_| named(folder)) {
            Ok(file) => return Ok(File::from(file)),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// Not every file system knows files without a name.
fn named(folder: &Path) -> io::Result<OwnedFd> {
    let random: [u8; 8] = random().map_err(io::Error::other)?;
    let path = folder.join(format!("reprise-{:016x}", u64::from_le_bytes(random)));
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::CREATE | OFlags::EXCL;
    let file = rustix::fs::open(&path, flags, Mode::from_raw_mode(0o600))?;
    rustix::fs::unlink(&path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(seeds: std::ops::Range<u64>) -> Vec<Entry> {
        let mut all: Vec<Entry> = seeds
            .map(|n| {
                let mut id = [0; 16];
                blake3::Hasher::new()
                    .update(&n.to_le_bytes())
                    .finalize_xof()
                    .fill(&mut id);
                Entry {
                    id,
                    pack: n as u32,
                    frame: (n % 60_000) as u16,
                    slot: 9,
                }
            })
            .collect();
        all.sort_unstable();
        all
    }

    fn written(entries: &[Entry]) -> Run {
        Run::write(&[&std::env::temp_dir()], entries.iter().copied()).unwrap()
    }

    #[test]
    fn what_was_written_is_found() {
        for len in [0, 1, 170, 171, 5000] {
            let all = entries(0..len);
            let run = written(&all);
            assert_eq!(run.len(), len);
            for (number, wanted) in (0u64..).zip(&all) {
                let found = run.find(&wanted.id).unwrap();
                assert_eq!(found, Some((number, vec![*wanted])));
            }
            for absent in entries(1_000_000..1_000_200) {
                assert_eq!(run.find(&absent.id).unwrap(), None);
            }
        }
    }

    #[test]
    fn one_id_many_times_is_found_across_pages() {
        let mut all = entries(0..300);
        let twin = all[150];
        all.extend((0..1000).map(|n| Entry {
            pack: 5000 + n,
            ..twin
        }));
        all.sort_unstable();
        let run = written(&all);
        let (_, found) = run.find(&twin.id).unwrap().unwrap();
        assert_eq!(found.len(), 1001);
    }

    #[test]
    fn merged_runs_hold_what_they_held() {
        let parts = [entries(0..1000), entries(1000..1001), entries(2000..5000)];
        let runs: Vec<Run> = parts.iter().map(|part| written(part)).collect();
        let merged = merge(&[&std::env::temp_dir()], &runs).unwrap();
        let mut all = parts.concat();
        all.sort_unstable();
        assert!(merged.iter().map(Result::unwrap).eq(all));
    }

    #[test]
    fn without_a_place_for_scratch_files_it_is_an_error() {
        let nowhere = Path::new("/nonexistent for reprise");
        assert!(Run::write(&[nowhere], entries(0..3).into_iter()).is_err());
    }
}
