//! Where each chunk lies: 24 bytes a chunk in memory, sorted, and beyond a limit in scratch files.
//!
//! | file | noun |
//! |---|---|
//! | `table.rs` | the sorted run in memory |
//! | `run.rs` | a sorted run in a scratch file |
//! | `open.rs` | what the target holds → the index |
//! | `publish.rs` | the index → index objects |

mod open;
mod publish;
mod run;
mod table;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::format::index::{Entry, IndexObject, PackInfo};
use crate::format::pack::Directory;
use crate::id::ShortId;
use crate::target::ObjectKind;
use crate::{ChunkId, Problem};
use run::Run;
use table::Table;

pub(crate) use open::{Reading, read_directory, refresh};
pub(crate) use publish::publish;

/// A pack's kind and id.
pub(crate) type PackName = (ObjectKind, [u8; 16]);

pub(crate) const PACK_KINDS: [ObjectKind; 2] = [ObjectKind::Pack, ObjectKind::Tree];
/// Memory that an index may take before it goes on in scratch files, unless its vault was opened with another limit.
pub(crate) const LIMIT: usize = 512 * 1024 * 1024;
/// Not the system's folder for temporary files, which may be memory itself; that one if the first does not work.
const SCRATCH: [&str; 2] = ["/var/tmp", "/tmp"];
/// Scratch files are merged when there are more.
const RUNS: usize = 6;

/// Where a chunk lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) pack: PackName,
    pub(crate) frame: u16,
    /// Position in the frame.
    pub(crate) slot: u16,
    /// The frame in its pack: header and sealed bytes.
    pub(crate) offset: u32,
    pub(crate) len: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Sound,
    /// Its length is not what it was: what it holds is stored again, but may still be read.
    Suspect,
    /// Not there any more.
    Gone,
}

pub(crate) struct Pack {
    pub(crate) name: PackName,
    pub(crate) size: u64,
    /// Bytes of its chunks before compression.
    pub(crate) plain: u64,
    pub(crate) chunks: u64,
    /// Offset and length.
    pub(crate) frames: Box<[(u32, u32)]>,
    state: State,
    /// An index object names it.
    indexed: bool,
}

pub(crate) struct Index {
    table: Table,
    runs: Vec<Run>,
    packs: Vec<Pack>,
    by_name: HashMap<PackName, u32>,
    /// Index objects that were read.
    objects: HashSet<[u8; 16]>,
    problems: Vec<Problem>,
    limit: usize,
}

impl Default for Index {
    fn default() -> Index {
        Index {
            table: Table::default(),
            runs: Vec::new(),
            packs: Vec::new(),
            by_name: HashMap::new(),
            objects: HashSet::new(),
            problems: Vec::new(),
            limit: LIMIT,
        }
    }
}

impl Index {
    /// From here on, memory beyond `bytes` is spared by scratch files.
    pub(crate) fn limit(&mut self, bytes: usize) {
        self.limit = bytes;
        self.spill();
    }

    /// Nothing yet, in as much memory.
    pub(crate) fn empty_alike(&self) -> Index {
        Index {
            limit: self.limit,
            ..Index::default()
        }
    }

    /// What it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        let runs: usize = self.runs.iter().map(Run::bytes).sum();
        let frames: usize = self.packs.iter().map(|pack| pack.frames.len() * 8).sum();
        let packs = self.packs.capacity() * size_of::<Pack>();
        let names = self.by_name.capacity() * (size_of::<(PackName, u32)>() + 1);
        self.table.bytes() + runs + frames + packs + names
    }

    /// Where a chunk lies that need not be stored again.
    pub(crate) fn get(&self, id: &ChunkId) -> Option<Place> {
        self.get_but(id, |_| false)
    }

    /// The same, in no pack that is shunned.
    pub(crate) fn get_but(&self, id: &ChunkId, shuns: impl Fn(&PackName) -> bool) -> Option<Place> {
        let entry = self.sound(&id.short(), shuns)?;
        self.place(&entry)
    }

    /// Where to read a chunk.
    pub(crate) fn best(&self, id: &ChunkId) -> Option<Place> {
        self.get(id).or_else(|| self.places(id).first().copied())
    }

    /// Everywhere a chunk may be read, the best first.
    pub(crate) fn places(&self, id: &ChunkId) -> Vec<Place> {
        let mut entries = Vec::new();
        self.first(&id.short(), |entry| {
            entries.push(*entry);
            false
        });
        let of = |state| entries.iter().filter(move |entry| self.is(entry, state));
        of(State::Sound)
            .chain(of(State::Suspect))
            .filter_map(|entry| self.place(entry))
            .collect()
    }

    /// The first entry of that id that is `wanted`.
    fn first(&self, id: &ShortId, mut wanted: impl FnMut(&Entry) -> bool) -> Option<Entry> {
        let (_, here) = self.table.find(id).unwrap_or_default();
        if let Some(entry) = here.iter().find(|entry| wanted(entry)) {
            return Some(*entry);
        }
        // A scratch file that cannot be read hides chunks: they are stored again, or said to be missing; never wrong.
        let found = self.runs.iter().rev().filter_map(|run| run.find(id).ok()?);
        found
            .flat_map(|(_, entries)| entries)
            .find(|entry| wanted(entry))
    }

    fn is(&self, entry: &Entry, state: State) -> bool {
        self.packs
            .get(entry.pack as usize)
            .is_some_and(|pack| pack.state == state)
    }

    fn place(&self, entry: &Entry) -> Option<Place> {
        let pack = self.packs.get(entry.pack as usize)?;
        let (offset, len) = *pack.frames.get(usize::from(entry.frame))?;
        Some(Place {
            pack: pack.name,
            frame: entry.frame,
            slot: entry.slot,
            offset,
            len,
        })
    }

    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Those that are there.
    pub(crate) fn packs(&self) -> impl Iterator<Item = &Pack> {
        self.packs.iter().filter(|pack| pack.state != State::Gone)
    }

    pub(crate) fn pack(&self, name: &PackName) -> Option<&Pack> {
        let number = *self.by_name.get(name)?;
        self.packs.get(number as usize)
    }

    /// The pack of an [`Entry`].
    pub(crate) fn pack_of(&self, entry: &Entry) -> Option<&Pack> {
        self.packs.get(entry.pack as usize)
    }

    /// Whether a chunk need not be stored again, some packs apart.
    pub(crate) fn lies(&self, id: &ShortId, shuns: impl Fn(&PackName) -> bool) -> bool {
        self.sound(id, shuns).is_some()
    }

    /// Whether this entry is the one that counts of its chunk: the first in a sound pack that is not shunned. Where none
    /// is, all count.
    pub(crate) fn is_chosen(&self, entry: &Entry, shuns: impl Fn(&PackName) -> bool) -> bool {
        self.sound(&entry.id, shuns)
            .is_none_or(|chosen| chosen == *entry)
    }

    fn sound(&self, id: &ShortId, shuns: impl Fn(&PackName) -> bool) -> Option<Entry> {
        self.first(id, |entry| {
            let pack = self.packs.get(entry.pack as usize);
            pack.is_some_and(|pack| pack.state == State::Sound && !shuns(&pack.name))
        })
    }

    /// Number of entries. A chunk that lies twice has two; those of packs that went away stay until the next opening.
    pub(crate) fn len(&self) -> u64 {
        self.table.len() as u64 + self.runs.iter().map(Run::len).sum::<u64>()
    }

    /// A number below [`Index::len`] for a chunk, the same until something is added. A chunk that lies twice has the first.
    pub(crate) fn number(&self, id: &ShortId) -> Option<u64> {
        if let Some((number, _)) = self.table.find(id) {
            return Some(number);
        }
        let mut before = self.table.len() as u64;
        for run in &self.runs {
            if let Ok(Some((number, _))) = run.find(id) {
                return Some(before + number);
            }
            before += run.len();
        }
        None
    }

    /// All of them, in the order of their numbers. An entry of a scratch file that cannot be read ends that file.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> {
        let runs = self.runs.iter();
        let stored = runs.flat_map(|run| run.iter().map_while(Result::ok));
        self.table.iter().copied().chain(stored)
    }

    fn set(&mut self, name: &PackName, state: State) {
        let number = self.by_name.get(name);
        if let Some(pack) = number.and_then(|number| self.packs.get_mut(*number as usize)) {
            pack.state = state;
        }
    }

    /// Adds a pack by its own directory.
    pub(crate) fn add(&mut self, name: PackName, size: u64, directory: &Directory) {
        let frames = directory.frames.iter();
        let lens = directory.frames.iter().flat_map(|frame| &frame.chunks);
        let info = PackInfo {
            kind: name.0,
            id: name.1,
            size,
            plain: lens.map(|(_, len)| u64::from(*len)).sum(),
            frames: frames
                .clone()
                .map(|frame| (frame.offset, frame.len))
                .collect(),
        };
        let Some(pack) = self.admit(&info) else {
            return;
        };
        let mut entries = Vec::new();
        for (frame, of) in (0u16..).zip(frames) {
            entries.extend((0u16..).zip(&of.chunks).map(|(slot, (id, _))| Entry {
                id: *id,
                pack,
                frame,
                slot,
            }));
        }
        entries.sort_unstable();
        self.insert(&entries);
    }

    /// Adds what an index object says of packs that are there (`size` is what the target says of them).
    fn add_object(&mut self, id: [u8; 16], object: IndexObject, size: &HashMap<PackName, u64>) {
        let mut numbers = Vec::with_capacity(object.packs.len());
        for info in &object.packs {
            let name = (info.kind, info.id);
            let there = size.get(&name);
            let number = there.and_then(|_| self.admit(info));
            numbers.push(number);
            let pack = self.by_name.get(&name).copied();
            if let Some(pack) = pack.and_then(|number| self.packs.get_mut(number as usize)) {
                pack.indexed = true;
                if number.is_some() && there != Some(&info.size) {
                    pack.state = State::Suspect;
                }
            }
        }
        let mut entries = object.entries;
        entries.retain_mut(|entry| match numbers.get(entry.pack as usize) {
            Some(Some(number)) => {
                entry.pack = *number;
                true
            }
            _ => false,
        });
        self.insert(&entries);
        self.objects.insert(id);
    }

    /// A number for a pack that is not known yet. One that had gone is back.
    fn admit(&mut self, info: &PackInfo) -> Option<u32> {
        let name = (info.kind, info.id);
        if self.by_name.contains_key(&name) {
            self.set(&name, State::Sound);
            return None;
        }
        let number = u32::try_from(self.packs.len()).ok()?;
        self.packs.push(Pack {
            name,
            size: info.size,
            plain: info.plain,
            chunks: 0,
            frames: info.frames.clone().into_boxed_slice(),
            state: State::Sound,
            indexed: false,
        });
        self.by_name.insert(name, number);
        Some(number)
    }

    /// Adds sorted entries of admitted packs.
    fn insert(&mut self, sorted: &[Entry]) {
        for entry in sorted {
            if let Some(pack) = self.packs.get_mut(entry.pack as usize) {
                pack.chunks += 1;
            }
        }
        self.table.add(sorted);
        self.spill();
    }

    /// Beyond the limit what is in memory goes into a scratch file. Without room for one it stays: slow beats wrong.
    fn spill(&mut self) {
        let worth = self.table.bytes() * 4 >= self.limit;
        if !worth || self.bytes() <= self.limit || self.table.len() == 0 {
            return;
        }
        let folders = SCRATCH.map(Path::new);
        let Ok(run) = Run::write(&folders, self.table.iter().copied()) else {
            return;
        };
        self.table = Table::default();
        self.runs.push(run);
        if self.runs.len() > RUNS
            && let Ok(merged) = run::merge(&folders, &self.runs)
        {
            self.runs = vec![merged];
        }
    }
}

#[cfg(test)]
mod tests;
