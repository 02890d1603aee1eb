//! What this machine is, as the kernel tells it under `/sys` and `/proc`. Nothing here fails: what
//! cannot be read stays empty, because a machine that is not reported cannot be helped.

use super::disks;
use crate::secure_boot::list;
use crate::wire::{Cpu, Firmware, Inventory, Nic, System};
use std::io::Read as _;
use std::net::IpAddr;
use std::path::Path;

/// What vendors write where nobody wrote anything; seen on boards of many makers.
const PLACE_HOLDERS: [&str; 18] = [
    "to be filled by o.e.m.",
    "to be filled by oem",
    "default string",
    "system serial number",
    "system manufacturer",
    "system product name",
    "system version",
    "chassis serial number",
    "not specified",
    "not applicable",
    "not available",
    "unknown",
    "none",
    "n/a",
    "invalid",
    "o.e.m.",
    "oem",
    "empty",
];

/// UUIDs that whole series of boards share.
const SHARED_UUIDS: [&str; 3] = [
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "03000200-0400-0500-0006-000700080009",
];

/// `boot_mac` and `address`: the interface the machine booted from has this address.
pub(super) fn take(
    sys: &Path,
    proc: &Path,
    dev: &Path,
    boot_mac: &str,
    address: Option<IpAddr>,
) -> Inventory {
    Inventory {
        system: system(sys),
        cpu: cpu(&text(&proc.join("cpuinfo"))),
        memory_bytes: memory_bytes(&text(&proc.join("meminfo"))),
        disks: disks::list(sys, dev),
        nics: nics(sys, boot_mac, address),
        firmware: if sys.join("firmware/efi").is_dir() {
            Firmware::Uefi
        } else {
            Firmware::Bios
        },
        secure_boot: secure_boot(sys),
        trusted: trusted(sys),
    }
}

fn system(sys: &Path) -> System {
    let dmi = |name: &str| clean(&text(&sys.join("class/dmi/id").join(name)));
    let uuid = dmi("product_uuid").to_ascii_lowercase();
    let serial = dmi("product_serial");
    System {
        manufacturer: dmi("sys_vendor"),
        product: dmi("product_name"),
        serial: if is_filler_serial(&serial) {
            String::new()
        } else {
            serial
        },
        uuid: if SHARED_UUIDS.contains(&uuid.as_str()) {
            String::new()
        } else {
            uuid
        },
        bios_vendor: dmi("bios_vendor"),
        bios_version: dmi("bios_version"),
        bios_date: dmi("bios_date"),
    }
}

/// `0000000`, `XXXXXXX`, `123456789`: typed by somebody who had to type something.
fn is_filler_serial(serial: &str) -> bool {
    let mut signs = serial.chars();
    let one_sign_only = match signs.next() {
        Some(first) => signs.all(|sign| sign == first),
        None => true,
    };
    one_sign_only || "0123456789".starts_with(serial) || "123456789012".starts_with(serial)
}

/// One line, printable, of bounded length; empty when it is a place-holder.
pub(super) fn clean(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(128)
        .collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if PLACE_HOLDERS.contains(&line.to_ascii_lowercase().as_str()) {
        String::new()
    } else {
        line
    }
}

/// A small file of the kernel's, or nothing.
pub(super) fn text(path: &Path) -> String {
    std::fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

fn cpu(cpuinfo: &str) -> Cpu {
    let values = |key: &'static str| {
        cpuinfo.lines().filter_map(move |line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == key).then(|| value.trim())
        })
    };
    Cpu {
        model: values("model name").next().map(clean).unwrap_or_default(),
        cores: u32::try_from(values("processor").count()).unwrap_or(u32::MAX),
    }
}

fn memory_bytes(meminfo: &str) -> u64 {
    meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.trim().strip_suffix("kB"))
        .and_then(|kib| kib.trim().parse::<u64>().ok())
        .and_then(|kib| kib.checked_mul(1024))
        .unwrap_or(0)
}

fn nics(sys: &Path, boot_mac: &str, address: Option<IpAddr>) -> Vec<Nic> {
    let mut nics: Vec<Nic> = names(&sys.join("class/net"))
        .into_iter()
        .filter_map(|name| {
            let here = sys.join("class/net").join(&name);
            // Bridges, tunnels and the loopback have no device behind them.
            if !here.join("device").exists() {
                return None;
            }
            let mac = clean(&text(&here.join("address"))).to_ascii_lowercase();
            Some(Nic {
                address: address
                    .filter(|_| mac == boot_mac)
                    .map(|address| address.to_string()),
                // Reading the carrier of an interface that is down is an error, hence not "1".
                link: text(&here.join("carrier")).trim() == "1",
                // -1 or an error when the link is down; drivers without an answer say 2^32 - 1.
                speed_mbits: text(&here.join("speed"))
                    .trim()
                    .parse::<u32>()
                    .ok()
                    .filter(|speed| (1..10_000_000).contains(speed)),
                mac,
                name,
                external: Some(is_external(&here.join("device"))),
            })
        })
        .collect();
    nics.sort_by(|a, b| a.name.cmp(&b.name));
    nics
}

/// Behind a port that can be pulled: USB, or Thunderbolt, whose devices the kernel shows as PCI ones
/// with `removable` somewhere above them. A USB part that the board's firmware calls `fixed` is not.
fn is_external(device: &Path) -> bool {
    let Ok(place) = device.canonicalize() else {
        return false;
    };
    let mut on_usb = false;
    for above in place.ancestors() {
        match text(&above.join("removable")).trim() {
            "removable" => return true,
            "fixed" => return false,
            _ => {}
        }
        on_usb |= above
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_prefix("usb"))
            .is_some_and(|number| number.parse::<u32>().is_ok());
    }
    on_usb
}

/// The variable is four bytes of attributes, then 0 or 1.
fn secure_boot(sys: &Path) -> Option<bool> {
    let variable = "firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    match std::fs::read(sys.join(variable)).ok()?.as_slice() {
        [_, _, _, _, value] => Some(*value == 1),
        _ => None,
    }
}

/// `db` less `dbx`, both of EFI_IMAGE_SECURITY_DATABASE_GUID.
fn trusted(sys: &Path) -> Vec<String> {
    const LARGEST: u64 = 1 << 20;
    let names = |variable: &str| {
        let path = format!("firmware/efi/efivars/{variable}-d719b2cb-3d3a-4596-a3bc-dad00e67656f");
        let mut bytes = Vec::new();
        let read = std::fs::File::open(sys.join(path))
            .and_then(|file| file.take(LARGEST).read_to_end(&mut bytes));
        match (read, bytes.get(4..)) {
            (Ok(_), Some(lists)) => list::authorities(lists),
            _ => Vec::new(),
        }
    };
    let revoked = names("dbx");
    let mut trusted = names("db");
    trusted.retain(|name| !revoked.contains(name));
    trusted.iter().map(|name| clean(name)).collect()
}

pub(super) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Folder;
    use crate::secure_boot::list::tests::x509;

    #[test]
    fn a_qemu_pc_is_reported() {
        let sys = Folder::new("inventory-sys");
        let proc = Folder::new("inventory-proc");
        for (name, text) in [
            ("class/dmi/id/sys_vendor", "QEMU\n"),
            (
                "class/dmi/id/product_name",
                "Standard PC (Q35 + ICH9, 2009)\n",
            ),
            ("class/dmi/id/product_serial", "REPRISE-0001\n"),
            (
                "class/dmi/id/product_uuid",
                "7F1C0C0E-0000-4000-8000-000000000001\n",
            ),
            ("class/dmi/id/bios_vendor", "SeaBIOS\n"),
            ("class/dmi/id/bios_version", "1.16.2-debian\n"),
            ("class/dmi/id/bios_date", "04/01/2014\n"),
            ("class/net/eth0/address", "52:54:00:AA:00:01\n"),
            ("class/net/eth0/carrier", "1\n"),
            ("class/net/eth0/speed", "-1\n"),
            ("class/net/eth0/device/vendor", "0x8086\n"),
            ("class/net/eth1/address", "52:54:00:aa:00:02\n"),
            ("class/net/eth1/speed", "1000\n"),
            ("class/net/eth1/device/vendor", "0x8086\n"),
            ("class/net/lo/address", "00:00:00:00:00:00\n"),
            ("class/net/lo/carrier", "1\n"),
        ] {
            sys.write(name, text.as_bytes());
        }
        proc.write(
            "cpuinfo",
            b"processor\t: 0\nmodel name\t: QEMU TCG  CPU version 2.5+\n\nprocessor\t: 1\nmodel name\t: QEMU TCG CPU version 2.5+\n",
        );
        proc.write("meminfo", b"MemTotal:         997364 kB\nMemFree: 5 kB\n");
        let inventory = take(
            sys.path(),
            proc.path(),
            Path::new("/dev"),
            "52:54:00:aa:00:01",
            Some("192.168.7.21".parse().unwrap()),
        );
        assert_eq!(inventory.system.manufacturer, "QEMU");
        assert_eq!(inventory.system.product, "Standard PC (Q35 + ICH9, 2009)");
        assert_eq!(inventory.system.serial, "REPRISE-0001");
        assert_eq!(
            inventory.system.uuid,
            "7f1c0c0e-0000-4000-8000-000000000001"
        );
        assert_eq!(inventory.system.bios_version, "1.16.2-debian");
        assert_eq!(inventory.cpu.model, "QEMU TCG CPU version 2.5+");
        assert_eq!(inventory.cpu.cores, 2);
        assert_eq!(inventory.memory_bytes, 997_364 * 1024);
        assert_eq!(inventory.firmware, Firmware::Bios);
        assert_eq!(inventory.secure_boot, None);
        assert!(inventory.disks.is_empty());
        assert_eq!(
            inventory.nics,
            [
                Nic {
                    name: "eth0".into(),
                    mac: "52:54:00:aa:00:01".into(),
                    speed_mbits: None,
                    link: true,
                    address: Some("192.168.7.21".into()),
                    external: Some(false),
                },
                Nic {
                    name: "eth1".into(),
                    mac: "52:54:00:aa:00:02".into(),
                    speed_mbits: Some(1000),
                    link: false,
                    address: None,
                    external: Some(false),
                },
            ]
        );
    }

    #[test]
    fn cards_of_docks_are_told_from_those_inside() {
        let sys = Folder::new("inventory-docks");
        let pci = "devices/pci0000:00";
        for (name, place) in [
            ("inside", format!("{pci}/0000:00:1f.6")),
            ("usb", format!("{pci}/0000:00:14.0/usb2/2-1/2-1:1.0")),
            ("soldered", format!("{pci}/0000:00:14.0/usb2/2-4/2-4:1.0")),
            ("thunderbolt", format!("{pci}/0000:00:07.0/0000:2d:00.0")),
        ] {
            sys.write(&format!("{place}/vendor"), b"0x8086");
            sys.write(&format!("class/net/{name}/address"), b"02:00:00:00:00:01");
            sys.link(
                &format!("class/net/{name}/device"),
                &format!("../../../{place}"),
            );
        }
        let usb = format!("{pci}/0000:00:14.0/usb2");
        sys.write(&format!("{usb}/2-4/removable"), b"fixed\n");
        sys.write(&format!("{usb}/2-1/removable"), b"unknown\n");
        sys.write(&format!("{pci}/0000:00:07.0/removable"), b"removable\n");
        let told: Vec<(String, Option<bool>)> = nics(sys.path(), "", None)
            .into_iter()
            .map(|nic| (nic.name, nic.external))
            .collect();
        let expected = [
            ("inside", false),
            ("soldered", false),
            ("thunderbolt", true),
            ("usb", true),
        ];
        let expected = expected.map(|(name, external)| (name.to_owned(), Some(external)));
        assert_eq!(told, expected);
    }

    #[test]
    fn uefi_and_secure_boot_are_told() {
        let sys = Folder::new("inventory-uefi");
        sys.write(
            "firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
            &[6, 0, 0, 0, 1],
        );
        let database = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";
        let variable = |lists: &[Vec<u8>]| [&[0x27, 0, 0, 0][..], &lists.concat()].concat();
        let (old, new) = (
            "Microsoft Windows Production PCA 2011",
            "Windows UEFI CA 2023",
        );
        let revoked = x509(old);
        let db = variable(&[revoked.clone(), x509(new)]);
        sys.write(&format!("firmware/efi/efivars/db-{database}"), &db);
        let nowhere = Path::new("/nonexistent");
        let inventory = take(sys.path(), nowhere, nowhere, "", None);
        assert_eq!(inventory.firmware, Firmware::Uefi);
        assert_eq!(inventory.secure_boot, Some(true));
        assert_eq!(inventory.trusted, [old, new]);
        let dbx = variable(&[revoked]);
        sys.write(&format!("firmware/efi/efivars/dbx-{database}"), &dbx);
        let inventory = take(sys.path(), nowhere, nowhere, "", None);
        assert_eq!(inventory.trusted, [new], "what is revoked is not trusted");
    }

    #[test]
    fn a_machine_that_tells_nothing_is_still_reported() {
        let nowhere = Path::new("/nonexistent");
        assert_eq!(
            take(nowhere, nowhere, nowhere, "", None),
            Inventory::default()
        );
    }

    #[test]
    fn what_vendors_write_for_nothing_is_nothing() {
        for filler in [
            "To be filled by O.E.M.\n",
            "Default string",
            " None ",
            "\u{0}\u{1}",
        ] {
            assert_eq!(clean(filler), "", "{filler:?}");
        }
        for filler in [
            "",
            "0",
            "00000000",
            "XXXXXX",
            "123456789",
            "0123456789",
            "...",
        ] {
            assert!(is_filler_serial(filler), "{filler}");
        }
        for real in ["REPRISE-0001", "CZC1234567", "0000AB", "1234567890123"] {
            assert!(!is_filler_serial(real), "{real}");
        }
        let sys = Folder::new("inventory-filler");
        sys.write("class/dmi/id/product_serial", b"System Serial Number\n");
        sys.write(
            "class/dmi/id/product_uuid",
            b"03000200-0400-0500-0006-000700080009\n",
        );
        assert_eq!(system(sys.path()), System::default());
    }

    #[test]
    fn hostile_text_is_made_one_bounded_line() {
        assert_eq!(clean("a\u{1b}[2J\nb"), "a [2J b");
        assert_eq!(clean(&"é".repeat(500)).chars().count(), 128);
    }
}
