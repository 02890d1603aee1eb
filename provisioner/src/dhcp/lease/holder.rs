//! Who a lease belongs to.

use crate::Mac;
use crate::dhcp::request::Request;

/// A longer client identifier is kept by its digest.
const LONGEST_ID: usize = 64;

/// A client as RFC 2131 §4.2 tells them apart: by its identifier, else by its card.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Holder {
    /// Option 61; empty when it says no more than the card does.
    pub(crate) id: Vec<u8>,
    pub(crate) mac: Mac,
}

impl Holder {
    /// Windows, iPXE and udhcpc write their card's address into option 61, most firmware leaves it
    /// out: one machine keeps one address from its firmware to its system.
    pub(crate) fn of(request: &Request) -> Holder {
        let id = &request.client_id;
        let card = id.split_first() == Some((&1, request.mac.0.as_slice()));
        let id = match id.len() {
            _ if card => Vec::new(),
            0..=LONGEST_ID => id.clone(),
            _ => blake3::hash(id).as_bytes().to_vec(),
        };
        Holder {
            id,
            mac: request.mac,
        }
    }

    /// Surely the same: same card, and no identifier that says otherwise (two systems of one
    /// machine may each have their own).
    pub(crate) fn is(&self, other: &Holder) -> bool {
        self.mac == other.mac && (self.id == other.id || self.id.is_empty() || other.id.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dhcp::packets::Build;
    use crate::dhcp::request::parse;

    fn holder(id: &[u8]) -> Holder {
        let build = Build::discover();
        let build = if id.is_empty() {
            build
        } else {
            build.option(61, id)
        };
        Holder::of(&parse(&build.packet()).unwrap())
    }

    #[test]
    fn one_machine_is_one_client_from_its_firmware_to_its_system() {
        let firmware = holder(b"");
        let windows = holder(&[1, 0x52, 0x54, 0, 0x12, 0x34, 0x56]);
        let linux = holder(&[0xff, 1, 2, 3, 4, 0, 2, 0, 0, 0xab, 0x11, 9]);
        let other = holder(&[0xff, 1, 2, 3, 4, 0, 2, 0, 0, 0xab, 0x11, 8]);
        assert_eq!(firmware, windows);
        assert!(firmware.is(&linux) && linux.is(&firmware) && !linux.is(&other));
        // The same name by another card: another dock, or a copy of the machine. Nobody can tell.
        let moved = Holder {
            mac: Mac([2, 0, 0, 0, 0, 9]),
            ..linux.clone()
        };
        assert!(!moved.is(&linux));
    }

    #[test]
    fn an_endless_identifier_takes_no_room() {
        let endless = Build::discover()
            .option(61, &[7; 255])
            .option(61, &[7; 255]);
        let found = Holder::of(&parse(&endless.packet()).unwrap());
        assert_eq!(found.id.len(), 32);
        assert_ne!(found, holder(&[7; 255]));
    }
}
