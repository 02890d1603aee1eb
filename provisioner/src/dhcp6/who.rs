//! Which machine sent a DHCPv6 message: its card, and its UUID. Pure, but for what it remembers.
//!
//! DHCPv6 names a client by an identifier (DUID) that need not contain its card: EDK2 makes it of
//! the SMBIOS UUID. The card is in the relay's option 79 (RFC 6939) or in the link-local address,
//! which firmware makes of it (RFC 4291, appendix A). The second step comes from an address that says nothing: so
//! the card of each identifier is remembered.

use super::message::Request;
use super::relay::ethernet;
use crate::Mac;
use crate::host::uuid::Uuid;
use std::collections::HashMap;
use std::net::Ipv6Addr;
use std::sync::{Arc, Mutex, PoisonError};

/// Identifiers remembered, on each interface; when there are more, all are learnt anew.
const MOST: usize = 4096;

/// The card that sent `request`, which came from `from`, as far as the way it came tells.
fn by_the_way(request: &Request, from: Ipv6Addr) -> Option<Mac> {
    // The relay beside the machine.
    let first = request.hops.last();
    first
        .and_then(|hop| hop.card)
        .or_else(|| of_link_local(first.map_or(from, |hop| hop.peer)))
}

/// A link-local address made of a card's (modified EUI-64).
fn of_link_local(address: Ipv6Addr) -> Option<Mac> {
    if !address.is_unicast_link_local() {
        return None;
    }
    let [.., a, b, c, 0xff, 0xfe, d, e, f] = address.octets() else {
        return None;
    };
    let mac = Mac([a ^ 2, b, c, d, e, f]);
    mac.is_station().then_some(mac)
}

/// DUID-LLT (type 1: hardware type, time, address) and DUID-LL (type 3).
fn of_duid(duid: &[u8]) -> Option<Mac> {
    match duid {
        [0, 1, hardware @ ..] if hardware.len() == 12 => {
            ethernet(&[&hardware[..2], &hardware[6..]].concat())
        }
        [0, 3, hardware @ ..] => ethernet(hardware),
        _ => None,
    }
}

/// DUID-UUID (type 4, RFC 6355): the bytes that option 97 has in DHCPv4.
pub(super) fn uuid(request: &Request) -> Option<Uuid> {
    let bytes = request.client.strip_prefix(&[0, 4])?;
    Uuid::of_option_97(&[&[0], bytes].concat())
}

/// The card of each identifier. Cloning shares it.
#[derive(Clone, Default)]
pub(super) struct Cards(Arc<Mutex<HashMap<Vec<u8>, Mac>>>);

impl Cards {
    /// The card that sent `request`, which came from `from`; `None` = nothing tells.
    pub(super) fn of(&self, request: &Request, from: Ipv6Addr) -> Option<Mac> {
        let mut cards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = cards.get(&request.client).copied();
        let Some(mac) = by_the_way(request, from) else {
            // Its identifier last: a machine keeps it when its card is changed.
            return known.or_else(|| of_duid(&request.client));
        };
        if known != Some(mac) {
            if cards.len() >= MOST {
                cards.clear();
            }
            cards.insert(request.client.clone(), mac);
        }
        Some(mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dhcp6::message::parse;
    use crate::dhcp6::packets::{self, Build};

    const PC: Mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]);

    fn address(text: &str) -> Ipv6Addr {
        text.parse().unwrap()
    }

    #[test]
    fn the_card_is_in_the_way_the_message_came() {
        let duid = |bytes: &[u8]| Build::new(1).option(1, bytes).0;
        let uuid = duid(&[[0, 4].as_slice(), &[7; 16]].concat());
        let llt = duid(&[0, 1, 0, 1, 9, 9, 9, 9, 2, 0, 0, 0, 0, 1]);
        let other = Mac([2, 0, 0, 0, 0, 1]);
        let (eui, random) = ("fe80::5054:ff:fe12:3456", "fe80::1234:5678:9abc:def0");
        let relayed = packets::relayed(&uuid, b"");
        let option_79 = Build(packets::relayed(&llt, b""))
            .option(79, &[0, 1, 2, 0, 0, 0, 0, 9])
            .0;
        let nearest = packets::relayed(&option_79, b"");
        let table = [
            ("link-local of the card", uuid.clone(), eui, Some(PC)),
            ("link-local of nothing", uuid.clone(), random, None),
            (
                "a global one made of the card",
                uuid.clone(),
                "fd00::5054:ff:fe12:3456",
                None,
            ),
            (
                "the card in the identifier",
                llt.clone(),
                random,
                Some(other),
            ),
            ("another card in it", llt, eui, Some(PC)),
            (
                "type 3",
                duid(&[0, 3, 0, 1, 2, 0, 0, 0, 0, 1]),
                random,
                Some(other),
            ),
            (
                "type 3, no Ethernet",
                duid(&[0, 3, 0, 6, 2, 0, 0, 0, 0, 1]),
                random,
                None,
            ),
            (
                "type 3, nobody's",
                duid(&[0, 3, 0, 1, 0xff, 0, 0, 0, 0, 1]),
                random,
                None,
            ),
            ("behind a relay", relayed, "fd80::1", Some(PC)),
            (
                "what the relay says",
                option_79,
                "fd80::1",
                Some(Mac([2, 0, 0, 0, 0, 9])),
            ),
            (
                "the nearest relay's",
                nearest,
                "fd80::1",
                Some(Mac([2, 0, 0, 0, 0, 9])),
            ),
        ];
        for (name, packet, from, expected) in table {
            let request = parse(&packet).expect(name);
            let found = Cards::default().of(&request, address(from));
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn the_second_step_is_known_by_the_first() {
        let cards = Cards::default();
        let first = parse(&packets::ovmf_solicit()).unwrap();
        assert_eq!(cards.of(&first, address("fd77::132")), None);
        assert_eq!(
            cards.of(&first, address("fe80::5054:ff:fe12:3456")),
            Some(PC)
        );
        assert_eq!(cards.of(&first, address("fd77::132")), Some(PC));
        let stranger = parse(&Build::new(3).firmware().0).unwrap();
        assert_eq!(cards.of(&stranger, address("fd77::132")), None);
        // A flood of names makes it forget, not grow.
        for number in 0..10_000u32 {
            let name = [&[0, 4], number.to_be_bytes().as_slice(), &[1; 12]].concat();
            let request = parse(&Build::new(1).option(1, &name).0).unwrap();
            cards.of(&request, address("fe80::5054:ff:fe12:3457"));
            assert!(cards.0.lock().unwrap().len() <= MOST);
        }
    }

    #[test]
    fn the_uuid_is_the_one_of_dhcpv4() {
        let request = parse(&packets::ovmf_solicit()).unwrap();
        let expected = Uuid::of_text("3a1b2c3d-0102-0304-0506-0708090a0b0c");
        assert!(expected.is_some());
        assert_eq!(uuid(&request), expected);
        let other = Build::new(1).option(1, &[0, 3, 0, 1, 2, 0, 0, 0, 0, 1]).0;
        assert_eq!(uuid(&parse(&other).unwrap()), None);
    }
}
