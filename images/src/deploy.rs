//! Which disk gets which image, or why not. Pure: the server asks it before an operator confirms,
//! the agent asks it again with its own eyes before a byte is written.

use crate::catalogue::Image;
use crate::language::{Language, human_size};
use crate::wire::{DeployOrder, Disk, Inventory};

/// No disk has larger sectors.
pub(crate) const SECTOR_MOST: u64 = 4096;

/// What will happen, ready to be shown and confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployPlan {
    pub image: Image,
    pub disk: Disk,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(
        "choose a disk: the machine reports none; check its cables and its storage mode (AHCI or NVMe, not RAID) in the firmware, then boot it from the network again"
    )]
    NoDisk,
    #[error("choose a disk: the machine has several ({}); name one by serial number or name", .disks.join(", "))]
    SeveralDisks { disks: Vec<String> },
    #[error("find disk {wanted}: the machine reports {}; boot it from the network again if a disk was changed", listed(.disks))]
    UnknownDisk { wanted: String, disks: Vec<String> },
    #[error("choose a disk: {wanted} names several ({}); name one by its device name, or unplug the other", .disks.join(", "))]
    Ambiguous { wanted: String, disks: Vec<String> },
    #[error("deploy to disk {disk}: it is removable; unplug it, or choose the built-in disk")]
    Removable { disk: String },
    #[error(
        "deploy to disk {disk}: it is read-only; look for a write-protect switch or a firmware lock"
    )]
    ReadOnly { disk: String },
    #[error(
        "deploy to disk {disk}: the image needs {image_bytes} bytes and the disk has {disk_bytes}; choose a larger disk or a smaller image"
    )]
    TooSmall {
        disk: String,
        image_bytes: u64,
        disk_bytes: u64,
    },
    #[error(
        "deploy to disk {disk}: its sectors are {disk_sector} bytes and the image was taken from a disk with {image_sector}; it would not boot: choose another disk, or switch this one to {image_sector}-byte sectors"
    )]
    SectorSize {
        disk: String,
        image_sector: u32,
        disk_sector: u32,
    },
    #[error(
        "use disk {disk}: its {what} is {found} here, and {expected} was confirmed; look at the machine, then confirm again in the console"
    )]
    NotTheConfirmedDisk {
        disk: String,
        what: &'static str,
        expected: String,
        found: String,
    },
}

fn listed(disks: &[String]) -> String {
    if disks.is_empty() {
        "no disk".to_owned()
    } else {
        disks.join(", ")
    }
}

/// A disk as a person would name it: device name, then what tells it apart.
pub fn label(disk: &Disk) -> String {
    if disk.serial.is_empty() {
        format!("{} (no serial number)", disk.name)
    } else {
        format!("{} (serial {})", disk.name, disk.serial)
    }
}

/// The machine's only built-in disk.
pub fn only_disk(inventory: &Inventory) -> Result<&Disk, Refused> {
    let built_in: Vec<&Disk> = inventory
        .disks
        .iter()
        .filter(|disk| !disk.removable && !disk.read_only && disk.size_bytes > 0)
        .collect();
    match built_in.as_slice() {
        [] => Err(Refused::NoDisk),
        [disk] => Ok(disk),
        several => Err(Refused::SeveralDisks {
            disks: several.iter().map(|disk| label(disk)).collect(),
        }),
    }
}

/// The disk with this serial number, device name or device path.
pub fn find_disk<'a>(inventory: &'a Inventory, wanted: &str) -> Result<&'a Disk, Refused> {
    let wanted = wanted.trim();
    let matching: Vec<&Disk> = inventory
        .disks
        .iter()
        .filter(|disk| {
            !wanted.is_empty()
                && (disk.serial == wanted || disk.name == wanted || disk.path == wanted)
        })
        .collect();
    match matching.as_slice() {
        [] => Err(Refused::UnknownDisk {
            wanted: wanted.to_owned(),
            disks: inventory.disks.iter().map(label).collect(),
        }),
        [disk] => Ok(disk),
        several => Err(Refused::Ambiguous {
            wanted: wanted.to_owned(),
            disks: several.iter().map(|disk| label(disk)).collect(),
        }),
    }
}

/// `wanted` is a serial number, a device name or a path; `None` means the machine's only disk.
pub fn plan(
    image: &Image,
    inventory: &Inventory,
    wanted: Option<&str>,
) -> Result<DeployPlan, Refused> {
    let disk = match wanted {
        Some(wanted) => find_disk(inventory, wanted)?,
        None => only_disk(inventory)?,
    };
    accept(disk, image.size_bytes, image.sector_bytes)?;
    Ok(DeployPlan {
        image: image.clone(),
        disk: disk.clone(),
    })
}

fn accept(disk: &Disk, image_bytes: u64, image_sector: u32) -> Result<(), Refused> {
    let name = label(disk);
    if disk.removable {
        return Err(Refused::Removable { disk: name });
    }
    if disk.read_only {
        return Err(Refused::ReadOnly { disk: name });
    }
    if disk.size_bytes < image_bytes {
        return Err(Refused::TooSmall {
            disk: name,
            image_bytes,
            disk_bytes: disk.size_bytes,
        });
    }
    if disk.sector_bytes != image_sector {
        return Err(Refused::SectorSize {
            disk: name,
            image_sector,
            disk_sector: disk.sector_bytes,
        });
    }
    Ok(())
}

/// The agent's own look: may the disk of the order be written, here and now?
pub fn accept_order<'a>(
    order: &DeployOrder,
    inventory: &'a Inventory,
) -> Result<&'a Disk, Refused> {
    let disk = confirmed_disk(order, inventory)?;
    // The sector size was judged by the server, which knows the image's.
    accept(disk, order.image_size_bytes, disk.sector_bytes)?;
    Ok(disk)
}

/// Is the disk of the order, here and now, the one that was confirmed?
pub(crate) fn confirmed_disk<'a>(
    order: &DeployOrder,
    inventory: &'a Inventory,
) -> Result<&'a Disk, Refused> {
    let disk = find_disk(inventory, &order.disk_path)?;
    let differs = |what, expected: String, found: String| {
        if expected == found {
            Ok(())
        } else {
            Err(Refused::NotTheConfirmedDisk {
                disk: disk.path.clone(),
                what,
                expected,
                found,
            })
        }
    };
    differs(
        "serial number",
        order.disk_serial.clone(),
        disk.serial.clone(),
    )?;
    differs(
        "size",
        order.disk_size_bytes.to_string(),
        disk.size_bytes.to_string(),
    )?;
    differs("model", order.disk_model.clone(), disk.model.clone())?;
    Ok(disk)
}

impl DeployPlan {
    /// What will be lost, in one sentence, for the console and for the machine's own screen.
    pub fn lost(&self, host: &str, language: Language) -> String {
        let size = human_size(self.disk.size_bytes, language);
        let Disk {
            name,
            model,
            serial,
            ..
        } = &self.disk;
        let model = if model.is_empty() { "?" } else { model };
        let image = &self.image.name;
        match (language, serial.is_empty()) {
            (Language::English, false) => format!(
                "Everything on disk {name} ({model}, serial {serial}, {size}) of {host} will be lost: image {image} replaces it."
            ),
            (Language::English, true) => format!(
                "Everything on disk {name} ({model}, no serial number, {size}) of {host} will be lost: image {image} replaces it."
            ),
            (Language::French, false) => format!(
                "Tout le contenu du disque {name} ({model}, n° de série {serial}, {size}) de {host} sera perdu : l'image {image} le remplace."
            ),
            (Language::French, true) => format!(
                "Tout le contenu du disque {name} ({model}, sans numéro de série, {size}) de {host} sera perdu : l'image {image} le remplace."
            ),
        }
    }

    /// The order that the agent of `host` receives.
    pub fn order(&self, session: &str, host: &str, language: Language) -> DeployOrder {
        DeployOrder {
            session: session.to_owned(),
            host: host.to_owned(),
            image: self.image.name.clone(),
            image_size_bytes: self.image.size_bytes,
            disk_path: self.disk.path.clone(),
            disk_serial: self.disk.serial.clone(),
            disk_model: self.disk.model.clone(),
            disk_size_bytes: self.disk.size_bytes,
            lost: self.lost(host, language),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn disk(name: &str, serial: &str, size_bytes: u64) -> Disk {
        Disk {
            name: name.into(),
            path: format!("/dev/{name}"),
            serial: serial.into(),
            model: "Toshiba MQ01".into(),
            size_bytes,
            sector_bytes: 512,
            ..Disk::default()
        }
    }

    fn image(size_bytes: u64) -> Image {
        Image {
            id: "00".repeat(16),
            name: "poste-compta".into(),
            size_bytes,
            sector_bytes: 512,
            imported_ms: 0,
            stored_bytes: 0,
        }
    }

    fn machine(disks: Vec<Disk>) -> Inventory {
        Inventory {
            disks,
            ..Inventory::default()
        }
    }

    #[test]
    fn which_disk_gets_the_image() {
        let a = disk("sda", "A1", 10 * GIB);
        let b = disk("sdb", "B2", 20 * GIB);
        let usb = Disk {
            removable: true,
            ..disk("sdc", "USB", 30 * GIB)
        };
        let locked = Disk {
            read_only: true,
            ..disk("sdd", "LOCKED", 30 * GIB)
        };
        let large_sectors = Disk {
            sector_bytes: 4096,
            ..disk("nvme0n1", "4KN", 30 * GIB)
        };
        let twin = disk("sdz", "A1", 10 * GIB);
        let nameless = disk("vda", "", 10 * GIB);
        let empty_reader = disk("sdr", "R", 0);

        type Case<'a> = (
            &'a str,
            Vec<&'a Disk>,
            u64,
            Option<&'a str>,
            Result<&'a str, &'a str>,
        );
        let cases: Vec<Case<'_>> = vec![
            ("the only disk", vec![&a], 5 * GIB, None, Ok("sda")),
            ("exact fit", vec![&a], 10 * GIB, None, Ok("sda")),
            (
                "a byte too small",
                vec![&a],
                10 * GIB + 1,
                None,
                Err("TooSmall"),
            ),
            ("no disk", vec![], GIB, None, Err("NoDisk")),
            ("only a USB stick", vec![&usb], GIB, None, Err("NoDisk")),
            (
                "a card reader without card",
                vec![&a, &empty_reader],
                GIB,
                None,
                Ok("sda"),
            ),
            ("disk and USB stick", vec![&a, &usb], GIB, None, Ok("sda")),
            (
                "two disks, none named",
                vec![&a, &b],
                GIB,
                None,
                Err("SeveralDisks"),
            ),
            ("by serial", vec![&a, &b], GIB, Some("B2"), Ok("sdb")),
            ("by name", vec![&a, &b], GIB, Some("sda"), Ok("sda")),
            ("by path", vec![&a, &b], GIB, Some("/dev/sdb"), Ok("sdb")),
            (
                "with spaces around",
                vec![&a, &b],
                GIB,
                Some(" B2 "),
                Ok("sdb"),
            ),
            (
                "another machine's disk",
                vec![&a],
                GIB,
                Some("C3"),
                Err("UnknownDisk"),
            ),
            (
                "an empty name, a disk without serial",
                vec![&nameless],
                GIB,
                Some(""),
                Err("UnknownDisk"),
            ),
            (
                "a disk without serial, by name",
                vec![&nameless, &a],
                GIB,
                Some("vda"),
                Ok("vda"),
            ),
            (
                "one serial on two disks",
                vec![&a, &twin],
                GIB,
                Some("A1"),
                Err("Ambiguous"),
            ),
            (
                "one serial on two disks, by name",
                vec![&a, &twin],
                GIB,
                Some("sdz"),
                Ok("sdz"),
            ),
            (
                "a USB stick by name",
                vec![&a, &usb],
                GIB,
                Some("USB"),
                Err("Removable"),
            ),
            (
                "a locked disk by name",
                vec![&locked],
                GIB,
                Some("sdd"),
                Err("ReadOnly"),
            ),
            (
                "4 KiB sectors",
                vec![&large_sectors],
                GIB,
                None,
                Err("SectorSize"),
            ),
        ];
        for (what, disks, size, wanted, expected) in cases {
            let inventory = machine(disks.into_iter().cloned().collect());
            let got = plan(&image(size), &inventory, wanted);
            match (&got, expected) {
                (Ok(plan), Ok(name)) => assert_eq!(plan.disk.name, name, "{what}"),
                (Err(refused), Err(variant)) => {
                    assert!(
                        format!("{refused:?}").starts_with(variant),
                        "{what}: {refused:?}"
                    );
                }
                _ => panic!("{what}: expected {expected:?}, got {got:?}"),
            }
        }
    }

    #[test]
    fn the_agent_refuses_what_was_not_confirmed() {
        let here = machine(vec![
            disk("sda", "A1", 10 * GIB),
            disk("sdb", "B2", 20 * GIB),
        ]);
        let order =
            plan(&image(5 * GIB), &here, Some("A1"))
                .unwrap()
                .order("s", "PC-1", Language::English);
        assert_eq!(accept_order(&order, &here).unwrap().name, "sda");

        let refused =
            |order: DeployOrder| format!("{:?}", accept_order(&order, &here).unwrap_err());
        let cases = [
            (
                "another disk took its place",
                DeployOrder {
                    disk_path: "/dev/sdb".into(),
                    ..order.clone()
                },
                "NotTheConfirmedDisk { disk: \"/dev/sdb\", what: \"serial number\"",
            ),
            (
                "another size",
                DeployOrder {
                    disk_size_bytes: 10 * GIB + 512,
                    ..order.clone()
                },
                "NotTheConfirmedDisk { disk: \"/dev/sda\", what: \"size\"",
            ),
            (
                "another model",
                DeployOrder {
                    disk_model: "Samsung".into(),
                    ..order.clone()
                },
                "NotTheConfirmedDisk { disk: \"/dev/sda\", what: \"model\"",
            ),
            (
                "a serial that appeared from nowhere",
                DeployOrder {
                    disk_serial: String::new(),
                    ..order.clone()
                },
                "NotTheConfirmedDisk",
            ),
            (
                "a disk that is gone",
                DeployOrder {
                    disk_path: "/dev/sdx".into(),
                    ..order.clone()
                },
                "UnknownDisk",
            ),
            (
                "an image that does not fit",
                DeployOrder {
                    image_size_bytes: 11 * GIB,
                    ..order.clone()
                },
                "TooSmall",
            ),
        ];
        for (what, order, expected) in cases {
            let got = refused(order);
            assert!(got.starts_with(expected), "{what}: {got}");
        }
    }

    #[test]
    fn the_confirmation_names_host_disk_serial_and_loss() {
        let plan = plan(
            &image(GIB),
            &machine(vec![disk("sda", "A1", 500_107_862_016)]),
            None,
        )
        .unwrap();
        assert_eq!(
            plan.lost("PC-1", Language::English),
            "Everything on disk sda (Toshiba MQ01, serial A1, 500.1 GB) of PC-1 will be lost: image poste-compta replaces it."
        );
        assert_eq!(
            plan.lost("PC-1", Language::French),
            "Tout le contenu du disque sda (Toshiba MQ01, n° de série A1, 500,1 Go) de PC-1 sera perdu : l'image poste-compta le remplace."
        );
    }
}
