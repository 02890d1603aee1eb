//! What is in a machine's case, as far as it tells machines apart, and an inventory within bounds.

use crate::Mac;
use images::wire::Inventory;

/// The numbers of what is inside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    /// Network cards inside; those of docks and adapters are left out.
    pub(crate) cards: Vec<Mac>,
    /// Serial numbers of disks that stay.
    pub(crate) disks: Vec<String>,
}

impl Parts {
    pub(crate) fn of(inventory: &Inventory) -> Parts {
        let inside = inventory
            .nics
            .iter()
            .filter(|nic| nic.external != Some(true));
        let disks = inventory.disks.iter().filter(|disk| !disk.removable);
        Parts {
            cards: inside
                .filter_map(|nic| nic.mac.parse().ok())
                .filter(|mac: &Mac| mac.is_station())
                .collect(),
            disks: disks
                .map(|disk| disk.serial.clone())
                .filter(|serial| !super::filler::serial(serial).is_empty())
                .collect(),
        }
    }

    pub(crate) fn shares_card(&self, other: &Parts) -> bool {
        self.cards.iter().any(|card| other.cards.contains(card))
    }

    pub(crate) fn shares_disk(&self, other: &Parts) -> bool {
        self.disks.iter().any(|disk| other.disks.contains(disk))
    }

    /// There is something to compare, and nothing is in both.
    pub(crate) fn is_other(&self, other: &Parts) -> bool {
        let both_have = |ours: usize, theirs: usize| ours > 0 && theirs > 0;
        let comparable = both_have(self.cards.len(), other.cards.len())
            || both_have(self.disks.len(), other.disks.len());
        comparable && !self.shares_card(other) && !self.shares_disk(other)
    }
}

/// An inventory as it may be kept and shown: it comes from a machine nobody approved.
pub(crate) fn bounded(mut inventory: Inventory) -> Inventory {
    const PARTS: usize = 64;
    inventory.disks.truncate(PARTS);
    inventory.nics.truncate(PARTS);
    let system = &mut inventory.system;
    let mut texts = vec![
        &mut system.manufacturer,
        &mut system.product,
        &mut system.serial,
        &mut system.uuid,
        &mut system.bios_vendor,
        &mut system.bios_version,
        &mut system.bios_date,
        &mut inventory.cpu.model,
    ];
    for disk in &mut inventory.disks {
        texts.extend([
            &mut disk.name,
            &mut disk.path,
            &mut disk.serial,
            &mut disk.model,
        ]);
    }
    for nic in &mut inventory.nics {
        texts.extend([&mut nic.name, &mut nic.mac]);
        texts.extend(nic.address.as_mut());
    }
    for text in texts {
        *text = one_line(text);
    }
    inventory
}

/// At most 128 characters, none of them control characters.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(128).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use images::wire::{Disk, Nic};

    #[test]
    fn docks_and_sticks_are_no_parts() {
        let nic = |mac: &str, external| Nic {
            mac: mac.into(),
            external,
            ..Nic::default()
        };
        let disk = |serial: &str, removable| Disk {
            serial: serial.into(),
            removable,
            ..Disk::default()
        };
        let inventory = Inventory {
            nics: vec![
                nic("02:00:00:00:00:01", Some(false)),
                nic("02:00:00:00:00:02", Some(true)),
                // An agent of before said nothing of it.
                nic("02:00:00:00:00:03", None),
                nic("nonsense", None),
                nic("00:00:00:00:00:00", None),
            ],
            disks: vec![
                disk("S1ABCD", false),
                disk("STICK1", true),
                disk("", false),
                disk("0000", false),
            ],
            ..Inventory::default()
        };
        let parts = Parts::of(&inventory);
        assert_eq!(
            parts.cards,
            [Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 3])]
        );
        assert_eq!(parts.disks, ["S1ABCD"]);
    }

    #[test]
    fn a_hostile_inventory_is_bounded() {
        let mut inventory = Inventory::default();
        inventory.system.product = "x".repeat(100_000);
        inventory.cpu.model = "bad\x1b[2J\nname".into();
        inventory.disks = vec![images::wire::Disk::default(); 1000];
        let inventory = bounded(inventory);
        assert_eq!(inventory.system.product.len(), 128);
        assert_eq!(inventory.cpu.model, "bad[2Jname");
        assert_eq!(inventory.disks.len(), 64);
    }
}
