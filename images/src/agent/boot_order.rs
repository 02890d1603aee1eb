//! On UEFI: what the firmware starts next. A PC that keeps asking a silent network first waits
//! about a minute per network entry, so a deployed PC is left with its disk first.
//! UEFI 2.10 §3.1.3 (load options), §10.3 (device paths). On BIOS there is nothing to set.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const GLOBAL: &str = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
/// Kept over restarts, seen by the firmware and by the system.
const ATTRIBUTES: [u8; 4] = [7, 0, 0, 0];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Disk,
    Network,
    Other,
}

/// Puts the disks before everything else, for good.
pub(super) fn disk_first(sys: &Path) {
    let variables = folder(sys);
    let (entries, order) = read(&variables);
    if let Some(order) = disks_first(&entries, &order) {
        write(&variables, "BootOrder", &order);
    }
}

/// Starts from the disk once; the order stays.
pub(super) fn disk_once(sys: &Path) {
    let variables = folder(sys);
    let (entries, order) = read(&variables);
    if let Some(entry) = first_disk(&entries, &order) {
        write(&variables, "BootNext", &[entry]);
    }
}

/// The new order, or nothing when it is right already or when there is no disk in it.
fn disks_first(entries: &BTreeMap<u16, Kind>, order: &[u16]) -> Option<Vec<u16>> {
    let is_disk = |entry: &u16| entries.get(entry) == Some(&Kind::Disk);
    let (mut wanted, others): (Vec<u16>, Vec<u16>) = order.iter().copied().partition(is_disk);
    if wanted.is_empty() {
        return None;
    }
    wanted.extend(others);
    (wanted != order).then_some(wanted)
}

fn first_disk(entries: &BTreeMap<u16, Kind>, order: &[u16]) -> Option<u16> {
    order
        .iter()
        .copied()
        .find(|entry| entries.get(entry) == Some(&Kind::Disk))
}

/// Attributes, length of the path, description in UTF-16 up to a zero, path.
fn kind_of(option: &[u8]) -> Option<Kind> {
    const ACTIVE: u8 = 1;
    if option.first()? & ACTIVE == 0 {
        return Some(Kind::Other);
    }
    let path_len = usize::from(u16::from_le_bytes([*option.get(4)?, *option.get(5)?]));
    let rest = option.get(6..)?;
    let description = rest
        .chunks_exact(2)
        .position(|unit| unit == [0, 0])?
        .checked_add(1)?
        * 2;
    let path = rest.get(description..)?.get(..path_len)?;
    Some(kind_of_path(path))
}

fn kind_of_path(mut path: &[u8]) -> Kind {
    // A card's own path says only where it sits; what hangs on it comes in later nodes, except for
    // virtio disks, which end at their PCI slot ("UEFI Misc Device").
    let mut kind = Kind::Other;
    while let [node, sub, low, high, ..] = *path {
        let len = usize::from(u16::from_le_bytes([low, high]));
        if len < 4 || len > path.len() {
            break;
        }
        kind = match (node, sub) {
            (0x7f, _) => break,
            // MAC, IPv4, IPv6, VLAN, URI, DNS, Wi-Fi
            (3, 11 | 12 | 13 | 20 | 24 | 28 | 31) => return Kind::Network,
            // USB, a disc, a file inside the firmware
            (3, 5) | (4, 2 | 6 | 7) => return Kind::Other,
            // PCI; ATAPI, SCSI, SATA, NVMe, SAS, UFS, SD, eMMC; a partition
            (1, 1) | (3, 1 | 2 | 18 | 22 | 23 | 25 | 26 | 29) | (4, 1) => Kind::Disk,
            // The old kinds of a BIOS: 2 is a hard disk, 6 the network.
            (5, 1) => match path.get(4) {
                Some(2) => Kind::Disk,
                Some(6) => return Kind::Network,
                _ => Kind::Other,
            },
            _ => kind,
        };
        path = &path[len..];
    }
    kind
}

fn folder(sys: &Path) -> PathBuf {
    sys.join("firmware/efi/efivars")
}

fn read(variables: &Path) -> (BTreeMap<u16, Kind>, Vec<u16>) {
    let value = |name: &str| {
        std::fs::read(variables.join(format!("{name}-{GLOBAL}")))
            .ok()
            .filter(|bytes| bytes.len() > ATTRIBUTES.len() && bytes.len() < 64 * 1024)
            .map(|mut bytes| bytes.split_off(ATTRIBUTES.len()))
    };
    let order: Vec<u16> = value("BootOrder")
        .unwrap_or_default()
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    let entries = order
        .iter()
        .filter_map(|entry| Some((*entry, kind_of(&value(&format!("Boot{entry:04X}"))?)?)))
        .collect();
    (entries, order)
}

/// Best effort: a firmware that refuses leaves the PC as slow to start as it was.
fn write(variables: &Path, name: &str, entries: &[u16]) {
    let mut bytes = ATTRIBUTES.to_vec();
    bytes.extend(entries.iter().flat_map(|entry| entry.to_le_bytes()));
    let _ = std::fs::write(variables.join(format!("{name}-{GLOBAL}")), bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Folder;

    fn node(kind: u8, sub: u8, data: &[u8]) -> Vec<u8> {
        let len = u16::try_from(data.len() + 4).unwrap().to_le_bytes();
        [&[kind, sub, len[0], len[1]], data].concat()
    }

    fn option(active: bool, description: &str, nodes: &[Vec<u8>]) -> Vec<u8> {
        let mut path = nodes.concat();
        path.extend(node(0x7f, 0xff, &[]));
        let mut bytes = vec![u8::from(active), 0, 0, 0];
        bytes.extend(u16::try_from(path.len()).unwrap().to_le_bytes());
        bytes.extend(description.encode_utf16().flat_map(u16::to_le_bytes));
        bytes.extend([0, 0]);
        bytes.extend(path);
        bytes
    }

    fn root() -> Vec<u8> {
        node(2, 1, &[0xd0, 0x41, 0x03, 0x0a, 0, 0, 0, 0])
    }

    fn pci() -> Vec<u8> {
        node(1, 1, &[0, 2])
    }

    #[test]
    fn entries_are_told_apart_by_their_device_path() {
        let firmware_file = [node(4, 7, &[1; 16]), node(4, 6, &[2; 16])];
        let cases = [
            ("UiApp", option(true, "UiApp", &firmware_file), Kind::Other),
            (
                "PXEv4",
                option(
                    true,
                    "UEFI PXEv4 (MAC:525400AA0001)",
                    &[root(), pci(), node(3, 11, &[0; 33]), node(3, 12, &[0; 23])],
                ),
                Kind::Network,
            ),
            (
                "HTTPv4",
                option(
                    true,
                    "UEFI HTTPv4",
                    &[
                        root(),
                        pci(),
                        node(3, 11, &[0; 33]),
                        node(3, 12, &[0; 23]),
                        node(3, 24, &[]),
                    ],
                ),
                Kind::Network,
            ),
            (
                "SATA disk",
                option(
                    true,
                    "UEFI QEMU HARDDISK QM00001",
                    &[root(), pci(), node(3, 18, &[0; 6])],
                ),
                Kind::Disk,
            ),
            (
                "virtio disk",
                option(true, "UEFI Misc Device", &[root(), pci()]),
                Kind::Disk,
            ),
            (
                "NVMe disk",
                option(
                    true,
                    "UEFI QEMU NVMe",
                    &[root(), pci(), node(3, 23, &[0; 12])],
                ),
                Kind::Disk,
            ),
            (
                "Windows",
                option(
                    true,
                    "Windows Boot Manager",
                    &[node(4, 1, &[0; 38]), node(4, 4, &[0; 10])],
                ),
                Kind::Disk,
            ),
            (
                "USB stick",
                option(true, "UEFI SanDisk", &[root(), pci(), node(3, 5, &[0, 0])]),
                Kind::Other,
            ),
            (
                "switched off",
                option(false, "old", &[root(), pci(), node(3, 18, &[0; 6])]),
                Kind::Other,
            ),
        ];
        for (what, bytes, kind) in cases {
            assert_eq!(kind_of(&bytes), Some(kind), "{what}");
            // Torn anywhere, it is still no panic.
            for end in 0..bytes.len() {
                let _ = kind_of(&bytes[..end]);
            }
        }
    }

    #[test]
    fn disks_go_first_and_the_rest_keeps_its_order() {
        let entries = BTreeMap::from([
            (0, Kind::Other),
            (1, Kind::Network),
            (2, Kind::Disk),
            (3, Kind::Network),
            (4, Kind::Disk),
        ]);
        assert_eq!(
            disks_first(&entries, &[1, 0, 4, 3, 2, 9]),
            Some(vec![4, 2, 1, 0, 3, 9])
        );
        assert_eq!(disks_first(&entries, &[2, 1]), None, "right already");
        assert_eq!(disks_first(&entries, &[1, 0]), None, "no disk");
        assert_eq!(disks_first(&entries, &[]), None);
        assert_eq!(first_disk(&entries, &[1, 4, 2]), Some(4));
        assert_eq!(first_disk(&entries, &[1]), None);
    }

    #[test]
    fn the_firmwares_variables_are_read_and_written() {
        let sys = Folder::new("boot-order");
        let name = |variable: &str| format!("firmware/efi/efivars/{variable}-{GLOBAL}");
        let with_attributes = |bytes: &[u8]| [&ATTRIBUTES, bytes].concat();
        sys.write(&name("BootOrder"), &with_attributes(&[1, 0, 0x0a, 0]));
        let network = option(true, "PXE", &[root(), pci(), node(3, 11, &[0; 33])]);
        sys.write(&name("Boot0001"), &with_attributes(&network));
        let disk = option(true, "disk", &[root(), pci(), node(3, 18, &[0; 6])]);
        sys.write(&name("Boot000A"), &with_attributes(&disk));

        disk_once(sys.path());
        let read = |variable: &str| std::fs::read(sys.path().join(name(variable))).unwrap();
        assert_eq!(read("BootNext"), with_attributes(&[0x0a, 0]));
        assert_eq!(read("BootOrder"), with_attributes(&[1, 0, 0x0a, 0]));
        disk_first(sys.path());
        assert_eq!(read("BootOrder"), with_attributes(&[0x0a, 0, 1, 0]));
    }
}
