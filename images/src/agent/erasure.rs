//! A disk erased: every byte of it overwritten, then looked at. Never by a discard alone: disks answer one with a yes
//! and give the old bytes back.

use super::chunks;
use super::deployment::{Deployment, Error};
use super::disk::TargetDisk;
use crate::deploy::accept_order;
use crate::wipe::{pieces, places};
use crate::wire::{Inventory, Step, Wiped};
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

/// A disk with a head is fastest with one writer; others do not mind.
const WRITERS: usize = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Erased {
    pub(super) bytes: u64,
    pub(super) wiped: Wiped,
    pub(super) took: Duration,
}

impl Deployment<'_> {
    /// The disk of the order, which has no image.
    pub(super) fn erase(&self, inventory: &Inventory) -> Result<Erased, Error> {
        let disk = accept_order(self.order, inventory)?;
        let seed = seed()?;
        self.say_what_will_happen()?;

        let start = Instant::now();
        let target = TargetDisk::open(Path::new(&disk.path), disk.size_bytes)?;
        let all: Vec<Range<u64>> = pieces(0..disk.size_bytes).collect();
        self.pass(Step::Write, disk.size_bytes, WRITERS, |pass| {
            chunks::blank(pass, &all, &target);
        })?;
        target.flush()?;
        // What an SSD keeps beside what it shows is freed too, where it can be told.
        let freed = !disk.rotational && target.free_cells();
        target.flush()?;
        let mut state = seed;
        let looked_at = places(disk.size_bytes, || next(&mut state));
        let checked_bytes = looked_at.iter().map(|place| place.end - place.start).sum();
        self.pass(Step::Verify, checked_bytes, WRITERS, |pass| {
            chunks::is_blank(pass, &looked_at, &target);
        })?;
        Ok(Erased {
            bytes: disk.size_bytes,
            wiped: Wiped {
                freed,
                checked_bytes,
            },
            took: start.elapsed(),
        })
    }
}

/// Where is looked must not be known beforehand to a disk that lies.
fn seed() -> Result<u64, Error> {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).map_err(Error::Random)?;
    Ok(u64::from_le_bytes(seed))
}

/// splitmix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
