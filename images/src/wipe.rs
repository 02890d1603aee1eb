//! Which disk is erased, what is said of it before, and where it is looked at afterwards. Pure: the server asks it
//! before an operator confirms, the agent before and after it writes.

use crate::deploy::{self, find_disk, label, only_disk};
use crate::language::{Language, human_size};
use crate::wire::{Disk, Inventory};
use std::ops::Range;

/// Up to this size everything is read back.
const READ_WHOLE: u64 = 1 << 30;
/// Beyond it, both ends: partition tables, boot loaders, the headers of arrays and of encryption.
const ENDS: u64 = 16 << 20;
/// And so many places in between, one in each part of the same size: what was left out anywhere in a row longer than
/// two parts is found for certain.
const PLACES: u64 = 2048;
const PLACE_BYTES: u64 = 64 << 10;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Disk(#[from] deploy::Refused),
    #[error("erase disk {disk}: it is removable; unplug it, or choose a built-in disk")]
    Removable { disk: String },
    #[error(
        "erase disk {disk}: it is read-only; look for a write-protect switch or a firmware lock, or destroy it"
    )]
    ReadOnly { disk: String },
    #[error("erase disk {disk}: it says that it has no bytes; it is failing: destroy it")]
    Empty { disk: String },
}

/// `wanted` is a serial number, a device name or a path; `None` means the machine's only disk.
pub fn plan<'a>(inventory: &'a Inventory, wanted: Option<&str>) -> Result<&'a Disk, Refused> {
    let disk = match wanted {
        Some(wanted) => find_disk(inventory, wanted)?,
        None => only_disk(inventory)?,
    };
    let name = label(disk);
    if disk.removable {
        return Err(Refused::Removable { disk: name });
    }
    if disk.read_only {
        return Err(Refused::ReadOnly { disk: name });
    }
    if disk.size_bytes == 0 {
        return Err(Refused::Empty { disk: name });
    }
    Ok(disk)
}

/// What will be lost, in one sentence, for the console and for the machine's own screen.
pub fn lost(disk: &Disk, host: &str, language: Language) -> String {
    let size = human_size(disk.size_bytes, language);
    let model = if disk.model.is_empty() {
        "?"
    } else {
        &disk.model
    };
    let (name, serial) = (&disk.name, &disk.serial);
    match (language, serial.is_empty()) {
        (Language::English, false) => format!(
            "Everything on disk {name} ({model}, serial {serial}, {size}) of {host} will be erased for good; nothing replaces it."
        ),
        (Language::English, true) => format!(
            "Everything on disk {name} ({model}, no serial number, {size}) of {host} will be erased for good; nothing replaces it."
        ),
        (Language::French, false) => format!(
            "Tout le contenu du disque {name} ({model}, n° de série {serial}, {size}) de {host} sera effacé pour de bon ; rien ne le remplace."
        ),
        (Language::French, true) => format!(
            "Tout le contenu du disque {name} ({model}, sans numéro de série, {size}) de {host} sera effacé pour de bon ; rien ne le remplace."
        ),
    }
}

/// Where an erased disk is read back, in order, whole sectors. `pick` says where in each part: any number.
pub(crate) fn places(size_bytes: u64, mut pick: impl FnMut() -> u64) -> Vec<Range<u64>> {
    if size_bytes <= READ_WHOLE {
        return pieces(0..size_bytes).collect();
    }
    let end = size_bytes - ENDS;
    let part = (end - ENDS) / PLACES;
    let between = (0..PLACES).map(|index| {
        let free = (part - PLACE_BYTES) / deploy::SECTOR_MOST;
        let at = ENDS + index * part;
        // The parts start anywhere, the places at whole sectors.
        let start = (at + pick() % (free + 1) * deploy::SECTOR_MOST) / deploy::SECTOR_MOST
            * deploy::SECTOR_MOST;
        start..start + PLACE_BYTES
    });
    pieces(0..ENDS)
        .chain(between)
        .chain(pieces(end..size_bytes))
        .collect()
}

/// As much as is read at once.
const PIECE_BYTES: u64 = 4 << 20;

/// A stretch in pieces.
pub(crate) fn pieces(whole: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let count = (whole.end - whole.start).div_ceil(PIECE_BYTES);
    (0..count).map(move |index| {
        let start = whole.start + index * PIECE_BYTES;
        start..(start + PIECE_BYTES).min(whole.end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(name: &str, serial: &str) -> Disk {
        Disk {
            name: name.into(),
            path: format!("/dev/{name}"),
            serial: serial.into(),
            size_bytes: 1 << 30,
            ..Disk::default()
        }
    }

    #[test]
    fn a_disk_that_nobody_named_or_that_may_not_be_written_is_refused() {
        let plan = |disks: &[Disk], wanted: Option<&str>| {
            let inventory = Inventory {
                disks: disks.to_vec(),
                ..Inventory::default()
            };
            super::plan(&inventory, wanted)
                .map(|disk| disk.name.clone())
                .map_err(|refused| refused.to_string())
        };
        let (a, b) = (disk("sda", "S1"), disk("sdb", "S2"));
        let stick = Disk {
            removable: true,
            ..disk("sdc", "S3")
        };
        let locked = Disk {
            read_only: true,
            ..disk("sdd", "S4")
        };
        let dead = Disk {
            size_bytes: 0,
            ..disk("sde", "S5")
        };
        let all = [a.clone(), b.clone(), stick, locked, dead];
        for (name, disks, wanted, expected) in [
            ("the only one", &all[..1], None, Ok("sda")),
            ("by serial number", &all[..], Some("S2"), Ok("sdb")),
            ("by path", &all[..], Some("/dev/sda"), Ok("sda")),
            ("one of two", &all[..2], None, Err("has several")),
            ("none of these", &all[..2], Some("S9"), Err("find disk S9")),
            ("a stick", &all[..], Some("S3"), Err("removable")),
            ("write-protected", &all[..], Some("S4"), Err("read-only")),
            ("dead", &all[..], Some("S5"), Err("no bytes")),
            ("nothing at all", &[], None, Err("reports none")),
        ] {
            match (plan(disks, wanted), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{name}"),
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{name}: {found}"),
                (found, _) => panic!("{name}: {found:?}"),
            }
        }
        assert!(lost(&a, "PC-1", Language::English).contains("serial S1"));
        assert!(lost(&disk("sda", ""), "PC-1", Language::French).contains("sans numéro de série"));
    }

    #[test]
    fn what_is_read_back_covers_the_disk_or_every_part_of_it() {
        let mut seed = 7u64;
        let mut pick = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            seed
        };
        for size in [512, 4096 + 512, 5 << 20, READ_WHOLE] {
            let found = places(size, &mut pick);
            assert_eq!(found.iter().map(|p| p.end - p.start).sum::<u64>(), size);
            assert!(found.windows(2).all(|two| two[0].end == two[1].start));
        }
        for size in [READ_WHOLE + 512, 500_107_862_016, 18_000_207_937_536] {
            for pick in [&mut pick as &mut dyn FnMut() -> u64, &mut || 0, &mut || {
                u64::MAX
            }] {
                let found = places(size, pick);
                assert_eq!(found.first().map(|p| p.start), Some(0));
                assert_eq!(found.last().map(|p| p.end), Some(size));
                let part = (size - 2 * ENDS) / PLACES;
                for two in found.windows(2) {
                    assert!(two[0].end <= two[1].start, "{two:?} of {size}");
                    assert!(two[1].start - two[0].end <= 2 * part, "{two:?} of {size}");
                    assert!(two[0].start.is_multiple_of(512) && two[0].end.is_multiple_of(512));
                }
                assert!(found.iter().all(|p| p.end - p.start <= PIECE_BYTES));
            }
        }
    }
}
