//! Could a file have changed after it was read, and still bear the times that were seen then?
//!
//! A change within the same clock tick as the one before leaves the same mtime and ctime. So what was written so shortly
//! before a run began is read once more by the next one. How short depends on the file system: FAT counts in 2 s and a
//! share has a clock of its own, while the usual local ones stamp with the kernel's tick (at most 10 ms).

use std::os::fd::BorrowedFd;

use rustix::fs::{Stat, fstat, fstatfs};

use crate::node::Node;

const COARSE_MS: i64 = 2000;
/// Twenty of the longest ticks (100 Hz).
const FINE_MS: i64 = 200;

/// Their stamps have nanoseconds and are of this machine's clock: ext4, XFS, btrfs, tmpfs, F2FS, bcachefs, ZFS.
const LOCAL: [i64; 7] = [
    0xef53,
    0x5846_5342,
    0x9123_683e,
    0x0102_1994,
    0xf2f5_2010,
    0xca45_1a4e,
    0x2fc1_2fc1,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamps {
    Fine,
    Coarse,
}

/// What the parent snapshot says of a settled entry is trusted when nothing changed.
pub(crate) struct Settled {
    /// When the parent's run began; without a parent nothing is settled.
    since_ms: Option<i64>,
    /// File systems met so far, by device.
    met: Vec<(u64, Stamps)>,
}

impl Settled {
    pub(crate) fn before(parent_started_ms: Option<i64>) -> Settled {
        Settled {
            since_ms: parent_started_ms,
            met: Vec::new(),
        }
    }

    /// `old` in the parent, `stat` today, in (or being) `folder`.
    pub(crate) fn is(&mut self, old: &Node, stat: &Stat, folder: BorrowedFd<'_>) -> bool {
        self.since_ms.is_some_and(|since_ms| {
            let ctime = (old.ctime_s, old.ctime_ns);
            // Only what is young asks for its file system.
            is_settled(ctime, since_ms, Stamps::Coarse)
                || is_settled(ctime, since_ms, Stamps::Fine)
                    && self.stamps(stat.st_dev, folder) == Stamps::Fine
        })
    }

    fn stamps(&mut self, device: u64, folder: BorrowedFd<'_>) -> Stamps {
        if let Some((_, stamps)) = self.met.iter().find(|(met, _)| *met == device) {
            return *stamps;
        }
        // A file may be mounted by itself: then its folder says nothing about it.
        if !fstat(folder).is_ok_and(|folder| folder.st_dev == device) {
            return Stamps::Coarse;
        }
        let local = fstatfs(folder).is_ok_and(|system| is_local(system.f_type));
        let stamps = if local { Stamps::Fine } else { Stamps::Coarse };
        self.met.push((device, stamps));
        stamps
    }
}

/// The type's width depends on the C library; of a negative 32-bit one the upper half means nothing.
fn is_local(kind: impl TryInto<i64>) -> bool {
    kind.try_into()
        .is_ok_and(|kind| LOCAL.contains(&(kind & 0xffff_ffff)))
}

fn is_settled((seconds, nanos): (i64, u32), since_ms: i64, stamps: Stamps) -> bool {
    match stamps {
        Stamps::Coarse => seconds < (since_ms - COARSE_MS).div_euclid(1000),
        // Without nanoseconds it is not as fine as its file system could be: ext4 with small inodes.
        Stamps::Fine => {
            let ctime_ms = seconds
                .saturating_mul(1000)
                .saturating_add(i64::from(nanos / 1_000_000));
            nanos != 0 && ctime_ms < since_ms - FINE_MS
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn young_entries_are_read_once_more_by_how_fine_their_clock_is() {
        let since_ms = 100_500;
        let table = [
            // Fractions of a coarse second are not believed.
            ((97, 0), Stamps::Coarse, true),
            ((98, 0), Stamps::Coarse, false),
            ((98, 499_000_000), Stamps::Coarse, false),
            ((101, 0), Stamps::Coarse, false),
            ((100, 299_000_000), Stamps::Fine, true),
            ((100, 300_000_000), Stamps::Fine, false),
            ((100, 600_000_000), Stamps::Fine, false),
            ((98, 0), Stamps::Fine, false),
            ((i64::MAX, 1), Stamps::Fine, false),
            ((i64::MIN, 1), Stamps::Fine, true),
        ];
        for (ctime, stamps, settled) in table {
            assert_eq!(
                is_settled(ctime, since_ms, stamps),
                settled,
                "{ctime:?} {stamps:?}"
            );
        }
    }

    #[test]
    fn a_share_and_fat_are_not_local() {
        let (nfs, smb2, cifs, fuse, fat): (i64, i64, i64, i64, i64) =
            (0x6969, 0xfe53_4d42, 0xff53_4d42, 0x6573_5546, 0x4d44);
        for kind in [nfs, smb2, cifs, fuse, fat] {
            assert!(!is_local(kind), "{kind:x}");
        }
        assert!(is_local(0x9123_683e_i64), "btrfs");
        let as_32_bits = 0x9123_683e_u32.cast_signed();
        assert!(is_local(as_32_bits), "btrfs with a signed type");
    }
}
