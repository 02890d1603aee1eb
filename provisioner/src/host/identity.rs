//! What a machine is called by its maker, and by us. Pure.

use super::filler;
use super::uuid::Uuid;
use crate::Mac;
use images::wire::System;

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
            serial: filler::serial(&system.serial),
            // As the operating system shows it, for whoever compares.
            uuid: match Uuid::of_text(&system.uuid) {
                Some(_) => system.uuid.trim().to_ascii_lowercase(),
                None => String::new(),
            },
            product: system.product.trim().to_owned(),
        }
    }

    pub(crate) fn is_usable(&self) -> bool {
        !self.serial.is_empty() || !self.uuid.is_empty()
    }

    pub(crate) fn uuid(&self) -> Option<Uuid> {
        Uuid::of_text(&self.uuid)
    }

    /// At least one of serial and UUID agrees, and none that both have differs: boards with one
    /// serial number for a whole batch are told apart by their UUID, and the other way round.
    pub(crate) fn is(&self, other: &Identity) -> bool {
        let serials = (!self.serial.is_empty() && !other.serial.is_empty())
            .then(|| self.serial.eq_ignore_ascii_case(&other.serial));
        let uuids = self
            .uuid()
            .zip(other.uuid())
            .map(|(ours, theirs)| ours == theirs);
        let agreed = [serials, uuids];
        agreed.contains(&Some(true)) && !agreed.contains(&Some(false))
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
}
