//! What becomes of each pack. Pure.

use crate::index::PackName;
use crate::target::ObjectKind;

/// How much of a pack is needed.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    pub(crate) name: PackName,
    /// Bytes of the whole object.
    pub(crate) size: u64,
    pub(crate) frames: Vec<FrameUse>,
    /// A session that is open made it: what it holds may be committed any moment.
    pub(crate) is_fresh: bool,
    /// Some of it does not verify.
    pub(crate) is_rotten: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FrameUse {
    /// Bytes in the pack.
    pub(crate) len: u32,
    pub(crate) chunks: u16,
    pub(crate) live: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Keep,
    /// Nothing of it is needed.
    Delete,
    /// What is needed of it moves to a new pack; then it is deleted.
    Compact,
}

/// Packs smaller than this are put together…
const SMALL: u64 = 4 * 1024 * 1024;
/// …once there are so many of a kind.
const MANY: usize = 32;

impl Use {
    pub(crate) fn live(&self) -> u64 {
        self.frames.iter().map(|frame| u64::from(frame.live)).sum()
    }

    fn frame_bytes(&self) -> u64 {
        self.frames.iter().map(|frame| u64::from(frame.len)).sum()
    }

    /// Bytes that what is needed takes: each frame's by the share of its chunks.
    pub(crate) fn live_bytes(&self) -> u64 {
        let share = |frame: &FrameUse| match frame.chunks {
            0 => 0,
            all => u64::from(frame.len) * u64::from(frame.live) / u64::from(all),
        };
        self.frames.iter().map(share).sum()
    }
}

pub(crate) fn plan(packs: &[Use]) -> Vec<Fate> {
    let is_small = |pack: &Use| pack.size < SMALL && !pack.is_fresh && pack.live() > 0;
    let merges = |kind: ObjectKind| {
        let small = packs.iter().filter(|pack| pack.name.0 == kind);
        small.filter(|pack| is_small(pack)).count() >= MANY
    };
    let (data, trees) = (merges(ObjectKind::Pack), merges(ObjectKind::Tree));
    let fate = |pack: &Use| {
        let merges = match pack.name.0 {
            ObjectKind::Tree => trees,
            _ => data,
        };
        match pack.live() {
            _ if pack.is_fresh => Fate::Keep,
            0 => Fate::Delete,
            // Without what a pack costs itself: a small one would be rewritten for ever.
            _ if pack.is_rotten || pack.live_bytes() * 2 < pack.frame_bytes() => Fate::Compact,
            _ if merges && is_small(pack) => Fate::Compact,
            _ => Fate::Keep,
        }
    };
    packs.iter().map(fate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(size: u64, frames: &[(u32, u16, u16)]) -> Use {
        let frames = frames.iter().map(|(len, chunks, live)| FrameUse {
            len: *len,
            chunks: *chunks,
            live: *live,
        });
        Use {
            name: (ObjectKind::Pack, [1; 16]),
            size,
            frames: frames.collect(),
            is_fresh: false,
            is_rotten: false,
        }
    }

    #[test]
    fn a_pack_goes_when_nothing_of_it_is_needed_and_is_rewritten_when_less_than_half_is() {
        let mb = 1 << 20;
        type Case<'a> = (&'a [(u32, u16, u16)], Fate);
        let table: [Case<'_>; 6] = [
            (&[(10 * mb, 5, 0), (10 * mb, 9, 0)], Fate::Delete),
            (&[(10 * mb, 5, 5), (10 * mb, 9, 9)], Fate::Keep),
            (&[(10 * mb, 5, 5), (11 * mb, 9, 0)], Fate::Compact),
            (&[(11 * mb, 5, 5), (10 * mb, 9, 0)], Fate::Keep),
            // Half of the chunks in a short frame are little.
            (&[(mb, 50, 50), (20 * mb, 50, 0)], Fate::Compact),
            (&[(0, 0, 0)], Fate::Delete),
        ];
        for (frames, want) in table {
            let size = frames.iter().map(|frame| u64::from(frame.0)).sum();
            let mut one = pack(size, frames);
            assert_eq!(plan(&[one.clone()]), [want], "{frames:?}");
            one.is_fresh = true;
            assert_eq!(plan(&[one]), [Fate::Keep], "{frames:?}");
        }
    }

    #[test]
    fn what_is_sound_in_a_rotten_pack_moves_out_of_it() {
        let mut one = pack(1000, &[(1000, 5, 5)]);
        one.is_rotten = true;
        assert_eq!(plan(&[one]), [Fate::Compact]);
    }

    #[test]
    fn many_small_packs_are_put_together() {
        let small = pack(1000, &[(1000, 5, 5)]);
        let few = vec![small.clone(); MANY - 1];
        assert!(plan(&few).iter().all(|fate| *fate == Fate::Keep));
        let mut many = vec![small.clone(); MANY];
        many.push(pack(SMALL, &[(SMALL as u32, 5, 5)]));
        many.push(Use {
            name: (ObjectKind::Tree, [1; 16]),
            ..small
        });
        let fates = plan(&many);
        assert!(fates[..MANY].iter().all(|fate| *fate == Fate::Compact));
        assert_eq!(fates[MANY..], [Fate::Keep, Fate::Keep]);
    }
}
