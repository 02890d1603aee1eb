//! Which chunks the snapshots need, one bit for each the index knows; and what that means for each pack.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::{FrameUse, Use};
use crate::id::ShortId;
use crate::index::{Index, PackName};
use crate::inner::Inner;
use crate::live::Needs;
use crate::{Error, Snapshot, Watch};

/// Valid until something is added to the index.
pub(super) struct Live {
    bits: Vec<u64>,
    /// Chunks that are needed and that nobody knows.
    pub(super) missing: u64,
}

impl Live {
    /// A list that cannot be read is an error: what it lists is not known, so nothing may be deleted.
    pub(super) fn mark(
        inner: &Inner,
        snapshots: &[Snapshot],
        watch: &Watch,
    ) -> Result<Live, Error> {
        let words = usize::try_from(inner.index().len().div_ceil(64)).unwrap_or(usize::MAX);
        let mut live = Live {
            bits: vec![0; words],
            missing: 0,
        };
        let mut needs = Needs::new(inner, watch);
        for snapshot in snapshots {
            let walked = needs.walk(snapshot, &mut |id| {
                match inner.index().number(&id.short()) {
                    Some(number) => live.set(number),
                    None => live.missing += 1,
                }
                Ok(true)
            });
            walked.map_err(|error| match error {
                Error::Cancelled => error,
                error => Error::Unknowable {
                    snapshot: snapshot.id.to_string(),
                    why: error.to_string(),
                },
            })?;
        }
        Ok(live)
    }

    fn set(&mut self, number: u64) {
        if let Some(word) = self.bits.get_mut((number / 64) as usize) {
            *word |= 1 << (number % 64);
        }
    }

    fn is_set(&self, number: u64) -> bool {
        let word = self.bits.get((number / 64) as usize);
        word.is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    fn needs(&self, index: &Index, id: &ShortId) -> bool {
        index.number(id).is_some_and(|number| self.is_set(number))
    }

    /// How much of each pack is needed. Of a chunk that lies twice only one counts.
    pub(super) fn uses(
        &self,
        index: &Index,
        is_fresh: impl Fn(&PackName) -> bool,
        rotten: &BTreeSet<PackName>,
    ) -> Vec<Use> {
        let mut uses: BTreeMap<PackName, Use> = BTreeMap::new();
        for pack in index.packs() {
            let frame = |(_, len): &(u32, u32)| FrameUse {
                len: *len,
                ..FrameUse::default()
            };
            let use_of = Use {
                name: pack.name,
                size: pack.size,
                frames: pack.frames.iter().map(frame).collect(),
                is_fresh: is_fresh(&pack.name),
                is_rotten: rotten.contains(&pack.name),
            };
            uses.insert(pack.name, use_of);
        }
        for entry in index.entries() {
            let pack = index.pack_of(&entry).map(|pack| pack.name);
            let Some(use_of) = pack.and_then(|pack| uses.get_mut(&pack)) else {
                continue;
            };
            let is_live = self.needs(index, &entry.id)
                && index.is_chosen(&entry, |pack| rotten.contains(pack));
            if let Some(frame) = use_of.frames.get_mut(usize::from(entry.frame)) {
                frame.chunks = frame.chunks.saturating_add(1);
                frame.live = frame.live.saturating_add(u16::from(is_live));
            }
        }
        uses.into_values().collect()
    }

    /// What is needed and lies in these packs, in the order in which it lies there: it must lie elsewhere before they go.
    pub(super) fn within(
        &self,
        index: &Index,
        packs: &BTreeSet<PackName>,
    ) -> BTreeMap<PackName, Vec<(u16, u16, ShortId)>> {
        let mut within: BTreeMap<PackName, Vec<(u16, u16, ShortId)>> = BTreeMap::new();
        for entry in index.entries() {
            let pack = index.pack_of(&entry).map(|pack| pack.name);
            if let Some(pack) = pack.filter(|pack| packs.contains(pack))
                && self.needs(index, &entry.id)
            {
                let place = (entry.frame, entry.slot, entry.id);
                within.entry(pack).or_default().push(place);
            }
        }
        within
            .values_mut()
            .for_each(|places| places.sort_unstable());
        within
    }
}
