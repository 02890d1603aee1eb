//! Where each chunk lies: read from the packs' own directories, kept in memory (about 70 bytes a chunk).

use std::collections::{HashMap, HashSet};

use crate::format::{Bad, object, pack0 as pack};
use crate::id::parse_hex;
use crate::keys::{Keys, TAG_LEN};
use crate::target::{self, ObjectKind, Target};
use crate::{ChunkId, Problem};

/// A pack's kind and id.
pub(crate) type PackName = (ObjectKind, [u8; 16]);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) pack: PackName,
    /// Position among the chunks of its pack = its nonce.
    pub(crate) number: u32,
    pub(crate) offset: u64,
    pub(crate) sealed_len: u32,
    pub(crate) plain_len: u32,
    pub(crate) zstd: bool,
}

#[derive(Default)]
pub(crate) struct Index {
    places: HashMap<ChunkId, Place>,
    packs: HashSet<PackName>,
    problems: Vec<Problem>,
}

pub(crate) const PACK_KINDS: [ObjectKind; 2] = [ObjectKind::Pack, ObjectKind::Tree];
/// One read from the end of a pack usually holds its whole directory.
const TAIL: u64 = 64 * 1024;
/// What follows the sealed directory: its length, and the object's trailer.
const TAIL_LEAST: u64 = 4 + object::TRAILER_LEN as u64;

impl Index {
    pub(crate) fn get(&self, id: &ChunkId) -> Option<Place> {
        self.places.get(id).copied()
    }

    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub(crate) fn chunks(&self) -> impl Iterator<Item = (&ChunkId, &Place)> {
        self.places.iter()
    }

    pub(crate) fn packs(&self) -> &HashSet<PackName> {
        &self.packs
    }

    pub(crate) fn add(&mut self, pack: PackName, entries: &[pack::Entry]) {
        let mut offset = pack::HEADER_LEN as u64;
        for (number, entry) in (0u32..).zip(entries) {
            let pack::Entry {
                id,
                sealed_len,
                plain_len,
                zstd,
            } = *entry;
            self.places.entry(id).or_insert(Place {
                pack,
                number,
                offset,
                sealed_len,
                plain_len,
                zstd,
            });
            offset += u64::from(sealed_len);
        }
        self.packs.insert(pack);
    }

    /// Learns packs that appeared, forgets packs that went away. A pack that cannot be understood is a problem.
    pub(crate) fn refresh(
        &mut self,
        target: &dyn Target,
        keys: &Keys,
    ) -> Result<(), target::Error> {
        let mut present = HashSet::new();
        let mut unread = Vec::new();
        self.problems.clear();
        for kind in PACK_KINDS {
            for entry in target.list(kind)? {
                match parse_hex::<16>(&entry.name) {
                    Some(id) => {
                        present.insert((kind, id));
                        if !self.packs.contains(&(kind, id)) {
                            unread.push(((kind, id), entry));
                        }
                    }
                    None => self.problems.push(Problem::new(
                        kind.object(&entry.name),
                        "is not an object of this vault; it is left alone",
                    )),
                }
            }
        }
        if !self.packs.is_subset(&present) {
            self.packs.retain(|pack| present.contains(pack));
            self.places.retain(|_, place| present.contains(&place.pack));
        }
        for (pack, entry) in unread {
            match read_directory(target, keys, pack, &entry.name, entry.size) {
                Ok(entries) => self.add(pack, &entries),
                Err(Unreadable::Bad(bad)) => self
                    .problems
                    .push(Problem::new(pack.0.object(&entry.name), bad.to_string())),
                Err(Unreadable::Target(error)) => {
                    self.problems
                        .push(Problem::new(pack.0.object(&entry.name), error.to_string()));
                }
            }
        }
        Ok(())
    }
}

enum Unreadable {
    Bad(Bad),
    Target(target::Error),
}

impl From<Bad> for Unreadable {
    fn from(bad: Bad) -> Unreadable {
        Unreadable::Bad(bad)
    }
}

impl From<target::Error> for Unreadable {
    fn from(error: target::Error) -> Unreadable {
        Unreadable::Target(error)
    }
}

fn read_directory(
    target: &dyn Target,
    keys: &Keys,
    (kind, id): PackName,
    name: &str,
    size: u64,
) -> Result<Vec<pack::Entry>, Unreadable> {
    if size < TAIL_LEAST + pack::HEADER_LEN as u64 {
        return Err(Bad::Short.into());
    }
    let read = |from: u64, to: u64| {
        target.get_range(
            kind,
            name,
            from,
            usize::try_from(to - from).unwrap_or(usize::MAX),
        )
    };
    let mut start = size.saturating_sub(TAIL);
    let mut tail = read(start, size)?;
    let split = tail.len() - object::TRAILER_LEN;
    let body_len = object::body_len(&tail[split..], size)?;
    let directory_len = tail[split - 4..split]
        .try_into()
        .map(u32::from_le_bytes)
        .map_err(|_| Bad::Short)?;
    let directory_end = body_len - 4;
    let directory_start = directory_end
        .checked_sub(u64::from(directory_len))
        .filter(|at| *at >= pack::HEADER_LEN as u64 && directory_len >= TAG_LEN as u32)
        .ok_or(Bad::Value("length of the directory"))?;
    if directory_start < start {
        start = directory_start;
        tail = read(start, size)?;
    }
    let at = |offset: u64| usize::try_from(offset - start).unwrap_or(usize::MAX);
    let sealed = tail
        .get(at(directory_start)..at(directory_end))
        .ok_or(Bad::Short)?;
    let header = pack::header(kind, &id);
    let plain = keys
        .pack(&header)
        .open(pack::DIRECTORY, &header, sealed.to_vec())?;
    Ok(pack::decode_directory(
        &plain,
        directory_start - pack::HEADER_LEN as u64,
    )?)
}
