//! Which machine is this? Pure. Serial number and SMBIOS UUID make the machine; its MAC only
//! helps where those are missing, because docks and dongles travel.

use super::HostId;
use crate::Mac;
use images::wire::{Inventory, System};

/// What tells machines apart; empty where the firmware says nothing usable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) serial: String,
    pub(crate) uuid: String,
    pub(crate) product: String,
}

impl Identity {
    pub(crate) fn of(system: &System) -> Identity {
        Identity {
            serial: usable(&system.serial),
            uuid: usable(&system.uuid).to_ascii_lowercase(),
            product: system.product.trim().to_owned(),
        }
    }

    fn is_usable(&self) -> bool {
        !self.serial.is_empty() || !self.uuid.is_empty()
    }

    /// At least one of serial and UUID agrees, and none that both have differs: boards with one
    /// serial number for a whole batch are told apart by their UUID, and the other way round.
    fn is(&self, other: &Identity) -> bool {
        let agree = |a: &str, b: &str| (!a.is_empty() && !b.is_empty()).then_some(a == b);
        let agreed = [
            agree(&self.serial, &other.serial),
            agree(&self.uuid, &other.uuid),
        ];
        agreed.contains(&Some(true)) && !agreed.contains(&Some(false))
    }
}

/// Empty for what boards say when nobody filled it in: all zero, all F, "Default string" …
fn usable(text: &str) -> String {
    let text = text.trim();
    let mut signs = text.bytes().filter(u8::is_ascii_alphanumeric);
    let first = signs.next();
    let one_sign = signs.all(|sign| Some(sign) == first);
    let lower = text.to_ascii_lowercase();
    let filler = [
        "o.e.m",
        "default string",
        "not specified",
        "system serial",
        "none",
        "123456789",
        "0123456789",
    ];
    if text.len() < 4 || one_sign || filler.iter().any(|word| lower.starts_with(word))
        || lower.contains("filled by")
        // An all-zero UUID with a version digit, as some virtual machines have.
        || lower.starts_with("00000000-0000-0000-0000-0000000")
    {
        return String::new();
    }
    text.to_owned()
}

/// A machine of the registry, as far as recognising it needs.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) id: HostId,
    pub(crate) identity: Identity,
    /// Its agent reported once; before that `identity` is empty.
    pub(crate) reported: bool,
    /// It is the one that the registry has under the MAC of this report.
    pub(crate) has_mac: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    New,
    Known(HostId),
    /// `known` came back by a network card that was only seen so far: that sighting is the same
    /// machine.
    Absorb {
        known: HostId,
        sighting: HostId,
    },
}

pub(crate) fn identify(candidates: &[Candidate], identity: &Identity) -> Match {
    let by_mac = candidates.iter().find(|candidate| candidate.has_mac);
    let by_identity = candidates
        .iter()
        .find(|candidate| candidate.reported && candidate.identity.is(identity));
    match (by_identity, by_mac) {
        (Some(known), Some(seen)) if known.id != seen.id && !seen.reported => Match::Absorb {
            known: known.id.clone(),
            sighting: seen.id.clone(),
        },
        (Some(known), _) => Match::Known(known.id.clone()),
        (None, Some(seen)) if !seen.reported => Match::Known(seen.id.clone()),
        // Neither says who it is: the card is all there is to go by.
        (None, Some(seen)) if !seen.identity.is_usable() || !identity.is_usable() => {
            Match::Known(seen.id.clone())
        }
        _ => Match::New,
    }
}

/// `PC-` and the end of the serial number, else of the MAC.
pub(crate) fn name(identity: &Identity, mac: Mac) -> String {
    let tail = |text: &str| -> String {
        let signs: Vec<char> = text.chars().filter(char::is_ascii_alphanumeric).collect();
        signs[signs.len().saturating_sub(6)..].iter().collect()
    };
    let tail = match tail(&identity.serial) {
        empty if empty.is_empty() => tail(&mac.bare()),
        serial => serial,
    };
    format!("PC-{}", tail.to_ascii_uppercase())
}

/// The first of `name`, `name-2`, `name-3` … that is free.
pub(crate) fn free_name(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut candidate = name.to_owned();
    let mut number = 2u32;
    while taken(&candidate) {
        candidate = format!("{name}-{number}");
        number += 1;
    }
    candidate
}

/// Letters, digits and `-` (RFC 1123), and short enough for every system.
pub(crate) fn is_host_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
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

    fn identity(serial: &str, uuid: &str) -> Identity {
        Identity::of(&System {
            serial: serial.into(),
            uuid: uuid.into(),
            ..System::default()
        })
    }

    fn candidate(id: &str, identity: Option<Identity>, has_mac: bool) -> Candidate {
        Candidate {
            id: HostId(id.into()),
            reported: identity.is_some(),
            identity: identity.unwrap_or_default(),
            has_mac,
        }
    }

    #[test]
    fn fillers_are_no_identity() {
        for text in [
            "",
            "   ",
            "0000000000",
            "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
            "00000000-0000-0000-0000-000000000000",
            "00000000-0000-0000-0000-00000000000a",
            "To Be Filled By O.E.M.",
            "Default string",
            "System Serial Number",
            "xxxxxxx",
            "n/a",
        ] {
            assert_eq!(usable(text), "", "{text}");
        }
        assert_eq!(usable(" 5CG1234XYZ "), "5CG1234XYZ");
    }

    #[test]
    fn machines_are_recognised() {
        let id = |text: &str| HostId(text.into());
        let a = identity("SERIAL-A", "aaaa-1111");
        let b = identity("SERIAL-B", "bbbb-2222");
        let none = identity("", "");
        let table = [
            ("nobody known", vec![], a.clone(), Match::New),
            (
                "only seen by DHCP",
                vec![candidate("seen", None, true)],
                a.clone(),
                Match::Known(id("seen")),
            ),
            (
                "comes back",
                vec![candidate("a", Some(a.clone()), true)],
                a.clone(),
                Match::Known(id("a")),
            ),
            (
                "comes back by another card",
                vec![
                    candidate("a", Some(a.clone()), false),
                    candidate("seen", None, true),
                ],
                a.clone(),
                Match::Absorb {
                    known: id("a"),
                    sighting: id("seen"),
                },
            ),
            (
                "another PC behind the same dock",
                vec![candidate("a", Some(a.clone()), true)],
                b.clone(),
                Match::New,
            ),
            (
                "a known PC behind another's dock",
                vec![
                    candidate("a", Some(a.clone()), true),
                    candidate("b", Some(b.clone()), false),
                ],
                b,
                Match::Known(id("b")),
            ),
            (
                "no identity, known by its card",
                vec![candidate("x", Some(none.clone()), true)],
                none.clone(),
                Match::Known(id("x")),
            ),
            (
                "no identity, unknown card",
                vec![candidate("x", Some(none.clone()), false)],
                none,
                Match::New,
            ),
            (
                "one serial for a batch",
                vec![candidate("a", Some(a.clone()), false)],
                identity("SERIAL-A", "cccc-3333"),
                Match::New,
            ),
            (
                "serial only",
                vec![candidate("a", Some(a), false)],
                identity("SERIAL-A", ""),
                Match::Known(id("a")),
            ),
        ];
        for (name, candidates, identity, expected) in table {
            assert_eq!(identify(&candidates, &identity), expected, "{name}");
        }
    }

    #[test]
    fn names_come_from_the_serial_number_and_are_unique() {
        let mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0xab]);
        assert_eq!(name(&identity("5cg-1234xyz", ""), mac), "PC-234XYZ");
        assert_eq!(name(&identity("", ""), mac), "PC-1234AB");
        let taken = ["PC-1", "PC-1-2"];
        assert_eq!(free_name("PC-1", |n| taken.contains(&n)), "PC-1-3");
        assert_eq!(free_name("PC-2", |n| taken.contains(&n)), "PC-2");
        assert!(is_host_name("COMPTA-PC01"));
        for bad in ["", "-a", "a-", "a b", "é", "a_b", &"a".repeat(64)] {
            assert!(!is_host_name(bad), "{bad}");
        }
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
