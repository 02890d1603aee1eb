//! The index → index objects for packs that none names yet: those of this session, and what an interrupted one left.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::{Index, Pack, State};
use crate::Error;
use crate::format::index::{self, Entry, IndexObject, PackInfo};
use crate::inner::hex_name;
use crate::keys::{Keys, random};
use crate::target::{ObjectKind, Target};

/// An object holds about so many entries (10 MB), so that reading one takes little memory.
const ENTRIES: u64 = 500_000;

/// The first object gets the id `first`. Returns the bytes written.
pub(crate) fn publish(
    index: &RwLock<Index>,
    target: &dyn Target,
    keys: &Keys,
    first: [u8; 16],
) -> Result<u64, Error> {
    let (mut written, mut first) = (0, Some(first));
    loop {
        let object = {
            let index = index.read().unwrap_or_else(PoisonError::into_inner);
            index.next_object()
        };
        let Some(object) = object else {
            return Ok(written);
        };
        let id = first.take().map_or_else(random, Ok)?;
        let bytes = keys
            .seal_object(ObjectKind::Index, &id, &index::encode(&object))
            .map_err(|bad| Error::Derive(bad.to_string()))?;
        target.put(ObjectKind::Index, &hex_name(&id), &bytes)?;
        written += bytes.len() as u64;
        let mut index = index.write().unwrap_or_else(PoisonError::into_inner);
        index.objects.insert(id);
        for info in &object.packs {
            let number = index.by_name.get(&(info.kind, info.id)).copied();
            if let Some(pack) = number.and_then(|number| index.packs.get_mut(number as usize)) {
                pack.indexed = true;
            }
        }
    }
}

impl Index {
    /// The next packs without an index object, and what they hold.
    fn next_object(&self) -> Option<IndexObject> {
        let mut place = HashMap::new();
        let (mut packs, mut chunks) = (Vec::new(), 0);
        let unnamed = |pack: &Pack| !pack.indexed && pack.state == State::Sound;
        for (number, pack) in (0u32..).zip(&self.packs).filter(|(_, pack)| unnamed(pack)) {
            if chunks >= ENTRIES {
                break;
            }
            chunks += pack.chunks;
            place.insert(number, packs.len() as u32);
            packs.push(PackInfo {
                kind: pack.name.0,
                id: pack.name.1,
                size: pack.size,
                plain: pack.plain,
                frames: pack.frames.to_vec(),
            });
        }
        if packs.is_empty() {
            return None;
        }
        let of_these = self.entries().filter_map(|entry| {
            let pack = *place.get(&entry.pack)?;
            Some(Entry { pack, ..entry })
        });
        let mut entries: Vec<Entry> = of_these.collect();
        entries.sort_unstable();
        Some(IndexObject {
            supersedes: Vec::new(),
            packs,
            entries,
        })
    }
}
