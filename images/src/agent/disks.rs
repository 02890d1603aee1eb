//! The disks of this machine, from `/sys/block`.

use super::inventory::{clean, names, text};
use crate::wire::Disk;
use std::path::Path;

/// Whole disks only, sorted by name. Anything reached over USB counts as removable, whatever its
/// own flag says: a technician's external drive must never be the machine's "only disk".
pub(super) fn list(sys: &Path, dev: &Path) -> Vec<Disk> {
    names(&sys.join("block"))
        .into_iter()
        .filter_map(|name| disk(sys, dev, &name))
        .collect()
}

fn disk(sys: &Path, dev: &Path, name: &str) -> Option<Disk> {
    let here = sys.join("block").join(name);
    // Loop, ram, zram, dm, md, nbd have no device behind them; drives for discs and floppies have.
    let is_drive = name.starts_with("sr") || name.starts_with("fd");
    // eMMC's boot areas and the hidden paths of a multipath NVMe are not disks.
    let is_part = name.starts_with("mmcblk") && (name.contains("boot") || name.contains("rpmb"));
    let is_hidden = text(&here.join("hidden")).trim() == "1";
    if is_drive || is_part || is_hidden || !here.join("device").exists() {
        return None;
    }
    let flag = |file: &str| text(&here.join(file)).trim() == "1";
    let number = |file: &str| text(&here.join(file)).trim().parse::<u64>().ok();
    Some(Disk {
        name: name.to_owned(),
        path: dev.join(name).to_string_lossy().into_owned(),
        serial: serial(&here),
        model: model(&here),
        // Always in units of 512, whatever the sector.
        size_bytes: number("size").unwrap_or(0).saturating_mul(512),
        sector_bytes: number("queue/logical_block_size")
            .and_then(|bytes| u32::try_from(bytes).ok())
            .unwrap_or(512),
        rotational: flag("queue/rotational"),
        removable: flag("removable") || is_on_usb(&here) || is_sd_card(&here),
        read_only: flag("ro"),
    })
}

/// `/sys/block/sda` is a link to `…/usb2/2-1/…/block/sda` for a USB disk.
fn is_on_usb(here: &Path) -> bool {
    std::fs::canonicalize(here).is_ok_and(|real| {
        real.components().any(|part| {
            part.as_os_str()
                .to_str()
                .and_then(|name| name.strip_prefix("usb"))
                .is_some_and(|bus| !bus.is_empty() && bus.bytes().all(|c| c.is_ascii_digit()))
        })
    })
}

/// `SD` is a card in a slot, `MMC` is soldered (eMMC).
fn is_sd_card(here: &Path) -> bool {
    text(&here.join("device/type")).trim() == "SD"
}

/// virtio says it beside the disk, NVMe and MMC on the device, SCSI and SATA in page 0x80 of the
/// vital product data; the world-wide name is the last resort.
fn serial(here: &Path) -> String {
    let candidates = [
        clean(&text(&here.join("serial"))),
        clean(&text(&here.join("device/serial"))),
        std::fs::read(here.join("device/vpd_pg80"))
            .ok()
            .and_then(|page| unit_serial(&page))
            .unwrap_or_default(),
        clean(&text(&here.join("wwid"))),
        clean(&text(&here.join("device/wwid"))),
    ];
    candidates
        .into_iter()
        .find(|serial| !serial.is_empty())
        .unwrap_or_default()
}

/// SPC-4 §7.8.16: four bytes of header (page code 0x80 in the second, length in the last two), text.
fn unit_serial(page: &[u8]) -> Option<String> {
    let (header, text) = page.split_at_checked(4)?;
    if header[1] != 0x80 {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let text = text.get(..length.min(text.len()))?;
    Some(clean(&String::from_utf8_lossy(text)))
}

fn model(here: &Path) -> String {
    let candidates = ["device/model", "device/name"];
    candidates
        .iter()
        .map(|file| clean(&text(&here.join(file))))
        .find(|model| !model.is_empty())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Folder;

    fn add(sys: &Folder, disk: &str, files: &[(&str, &[u8])]) {
        for (name, bytes) in files {
            sys.write(&format!("block/{disk}/{name}"), bytes);
        }
    }

    #[test]
    fn disks_are_told_apart_by_bus() {
        let sys = Folder::new("disks-sys");
        let page80 = [b"\x00\x80\x00\x14", b"        WD-WCC1T0000001".as_slice()].concat();
        add(
            &sys,
            "sda",
            &[
                ("size", b"976773168\n"),
                ("removable", b"0\n"),
                ("ro", b"0\n"),
                ("queue/rotational", b"1\n"),
                ("queue/logical_block_size", b"512\n"),
                ("device/model", b"WDC WD5000AAKX  \n"),
                ("device/vpd_pg80", &page80),
                ("device/wwid", b"naa.50014ee000000001\n"),
            ],
        );
        add(
            &sys,
            "nvme0n1",
            &[
                ("size", b"1000215216\n"),
                ("queue/rotational", b"0\n"),
                ("queue/logical_block_size", b"4096\n"),
                (
                    "device/model",
                    b"Samsung SSD 980 PRO 500GB               \n",
                ),
                ("device/serial", b"S5GYNX0R000001      \n"),
                ("wwid", b"eui.002538b100000001\n"),
            ],
        );
        add(
            &sys,
            "vda",
            &[
                ("size", b"524288\n"),
                ("serial", b"REPRISE-DISK-1"),
                ("device/vendor", b"0x1af4\n"),
            ],
        );
        add(
            &sys,
            "sdb",
            &[
                ("size", b"1000\n"),
                ("device/wwid", b"t10.ATA     QEMU HARDDISK     QM00001 \n"),
            ],
        );
        add(
            &sys,
            "mmcblk0",
            &[
                ("size", b"8\n"),
                ("device/type", b"MMC\n"),
                ("device/name", b"DG4008\n"),
                ("device/serial", b"0xd2f0\n"),
            ],
        );
        add(
            &sys,
            "mmcblk1",
            &[("size", b"8\n"), ("device/type", b"SD\n")],
        );
        // What is not a disk.
        add(&sys, "loop0", &[("size", b"100\n")]);
        add(&sys, "dm-0", &[("size", b"100\n")]);
        add(
            &sys,
            "sr0",
            &[("size", b"100\n"), ("device/model", b"DVD\n")],
        );
        add(
            &sys,
            "fd0",
            &[("size", b"8\n"), ("device/modalias", b"floppy\n")],
        );
        add(
            &sys,
            "mmcblk0boot0",
            &[("size", b"8\n"), ("device/type", b"MMC\n")],
        );
        add(
            &sys,
            "nvme0c0n1",
            &[("hidden", b"1\n"), ("device/model", b"x\n")],
        );

        let disks = list(sys.path(), Path::new("/dev"));
        let told: Vec<_> = disks
            .iter()
            .map(|d| {
                (
                    d.name.as_str(),
                    d.serial.as_str(),
                    d.model.as_str(),
                    d.size_bytes,
                    d.sector_bytes,
                    d.rotational,
                    d.removable,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("mmcblk0", "0xd2f0", "DG4008", 4096, 512, false, false),
                ("mmcblk1", "", "", 4096, 512, false, true),
                (
                    "nvme0n1",
                    "S5GYNX0R000001",
                    "Samsung SSD 980 PRO 500GB",
                    512_110_190_592,
                    4096,
                    false,
                    false
                ),
                (
                    "sda",
                    "WD-WCC1T0000",
                    "WDC WD5000AAKX",
                    500_107_862_016,
                    512,
                    true,
                    false
                ),
                (
                    "sdb",
                    "t10.ATA QEMU HARDDISK QM00001",
                    "",
                    512_000,
                    512,
                    false,
                    false
                ),
                ("vda", "REPRISE-DISK-1", "", 268_435_456, 512, false, false),
            ]
        );
        assert_eq!(disks[5].path, "/dev/vda");
    }

    #[test]
    fn a_disk_behind_usb_is_removable_whatever_it_says() {
        let sys = Folder::new("disks-usb");
        let real = "devices/pci0000:00/0000:00:14.0/usb2/2-1/host6/target6:0:0/6:0:0:0/block/sdc";
        sys.write(&format!("{real}/size"), b"1000\n");
        sys.write(&format!("{real}/removable"), b"0\n");
        sys.write(&format!("{real}/device/model"), b"Elements 25A2\n");
        sys.link("block/sdc", &format!("../{real}"));
        let disks = list(sys.path(), Path::new("/dev"));
        assert_eq!(disks.len(), 1);
        assert!(disks[0].removable);
    }

    #[test]
    fn a_torn_page_of_product_data_is_no_serial() {
        assert_eq!(unit_serial(b""), None);
        assert_eq!(unit_serial(b"\x00\x80\x00"), None);
        assert_eq!(unit_serial(b"\x00\x83\x00\x02AB"), None);
        assert_eq!(unit_serial(b"\x00\x80\xff\xffAB"), Some("AB".into()));
        assert_eq!(unit_serial(b"\x00\x80\x00\x01AB"), Some("A".into()));
    }
}
