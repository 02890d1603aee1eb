//! Which disk becomes an image, and what is said of it before. Pure: the server asks it before a session is opened,
//! the agent again before it reads.

use crate::deploy::{self, confirmed_disk, find_disk, label, only_disk};
use crate::import::CHUNK_BYTES;
use crate::language::{Language, human_size};
use crate::wire::{DeployOrder, Disk, ENCODING_RAW, ENCODING_ZERO, ENCODING_ZSTD, Inventory};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Disk(#[from] deploy::Refused),
    #[error(
        "read disk {disk} into an image: it says that it has no bytes; it is failing, or its slot is empty: choose another"
    )]
    Empty { disk: String },
    #[error(
        "read disk {disk} into an image: it is a stick, a card or an external disk; choose the built-in one"
    )]
    Removable { disk: String },
    #[error(
        "read disk {disk} into an image: its partition {partition} is encrypted by BitLocker, so the image would start on no other PC; decrypt it in Windows (manage-bde -off), wait until manage-bde -status says 0 %, then capture it again"
    )]
    BitLocker { disk: String, partition: String },
}

/// `wanted` is a serial number, a device name or a path; `None` means the machine's only disk.
pub fn plan<'a>(inventory: &'a Inventory, wanted: Option<&str>) -> Result<&'a Disk, Refused> {
    let disk = match wanted {
        Some(wanted) => find_disk(inventory, wanted)?,
        None => only_disk(inventory)?,
    };
    accept(disk)
}

/// The agent's own look: is the disk of the order still there, as it was when the session was opened?
pub(crate) fn accept_order<'a>(
    order: &DeployOrder,
    inventory: &'a Inventory,
) -> Result<&'a Disk, Refused> {
    accept(confirmed_disk(order, inventory)?)
}

/// A write-protected disk can be read.
fn accept(disk: &Disk) -> Result<&Disk, Refused> {
    if disk.removable {
        return Err(Refused::Removable { disk: label(disk) });
    }
    if disk.size_bytes == 0 {
        return Err(Refused::Empty { disk: label(disk) });
    }
    Ok(disk)
}

/// What happens, in one sentence, for the console and for the machine's own screen.
pub fn said(disk: &Disk, host: &str, image: &str, language: Language) -> String {
    let size = human_size(disk.size_bytes, language);
    let disk = label(disk);
    match language {
        Language::English => format!(
            "Disk {disk}, {size}, of {host} is read into the image {image}; nothing on it is changed."
        ),
        Language::French => format!(
            "Le disque {disk}, {size}, de {host} est copié dans l'image {image} ; rien n'y est modifié."
        ),
    }
}

/// Chunks of a disk of this size.
pub fn chunks(size_bytes: u64) -> usize {
    usize::try_from(size_bytes.div_ceil(u64::from(CHUNK_BYTES))).unwrap_or(usize::MAX)
}

/// Length of chunk `index` of a disk of this size; `None` past its end.
pub fn chunk_len(size_bytes: u64, index: usize) -> Option<usize> {
    let offset = (index as u64).checked_mul(u64::from(CHUNK_BYTES))?;
    let left = size_bytes.checked_sub(offset).filter(|left| *left > 0)?;
    usize::try_from(left.min(u64::from(CHUNK_BYTES))).ok()
}

/// A chunk as it came over the network, plain; `None` for zeros. Never inflates beyond a chunk.
pub fn unpack(encoding: &str, bytes: Vec<u8>) -> Result<Option<Vec<u8>>, String> {
    match encoding {
        ENCODING_ZERO => Ok(None),
        ENCODING_RAW => Ok(Some(bytes)),
        ENCODING_ZSTD => zstd::bulk::decompress(&bytes, CHUNK_BYTES as usize)
            .map(Some)
            .map_err(|error| format!("the chunk does not decompress: {error}")),
        other => Err(format!("the chunk is packed in an unknown way ({other:?})")),
    }
}

/// Is this the first sector of a volume that BitLocker encrypted? Its signature stands where a file system has its
/// name (MS-FVE; also what `blkid` looks for).
pub(crate) fn is_bitlocker(sector: &[u8]) -> bool {
    sector.get(3..11) == Some(b"-FVE-FS-".as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(name: &str, size_bytes: u64) -> Disk {
        Disk {
            name: name.into(),
            path: format!("/dev/{name}"),
            serial: format!("S-{name}"),
            size_bytes,
            ..Disk::default()
        }
    }

    #[test]
    fn a_built_in_disk_with_something_on_it_becomes_an_image() {
        let a = disk("sda", 1 << 30);
        let locked = Disk {
            read_only: true,
            ..disk("sdb", 1 << 30)
        };
        let stick = Disk {
            removable: true,
            ..disk("sdc", 1 << 30)
        };
        let inventory = Inventory {
            disks: vec![a, locked, stick, disk("sdd", 0)],
            ..Inventory::default()
        };
        let plan = |wanted| {
            super::plan(&inventory, wanted)
                .map(|disk| disk.name.as_str())
                .map_err(|refused| refused.to_string())
        };
        assert_eq!(plan(None), Ok("sda"), "the only one that is not a stick");
        assert_eq!(plan(Some("S-sdb")), Ok("sdb"), "reading needs no writing");
        assert!(plan(Some("sdc")).unwrap_err().contains("built-in"));
        assert!(plan(Some("sdd")).unwrap_err().contains("no bytes"));
        assert!(plan(Some("sdz")).unwrap_err().contains("find disk sdz"));
        let said = said(&inventory.disks[0], "PC-1", "office", Language::French);
        assert!(said.contains("S-sda") && said.contains("office"), "{said}");
    }

    #[test]
    fn the_chunks_of_a_disk_add_up_to_it() {
        const MIB: u64 = 1 << 20;
        for size in [1, 512, MIB - 512, MIB, MIB + 512, 7 * MIB, 7 * MIB + 4096] {
            let lengths: Vec<usize> = (0..).map_while(|index| chunk_len(size, index)).collect();
            assert_eq!(lengths.len(), chunks(size), "{size}");
            assert_eq!(lengths.iter().sum::<usize>() as u64, size);
            assert_eq!(chunk_len(size, usize::MAX), None);
        }
        assert_eq!((chunks(0), chunk_len(0, 0)), (0, None));
    }

    #[test]
    fn bitlocker_is_seen_in_the_first_sector() {
        assert!(is_bitlocker(b"\xeb\x58\x90-FVE-FS-\0\x02"));
        assert!(!is_bitlocker(b"\xeb\x52\x90NTFS    \0\x02"));
        assert!(!is_bitlocker(b"\xeb\x58"));
    }
}
