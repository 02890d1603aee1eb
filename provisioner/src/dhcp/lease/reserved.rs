//! Which address is kept for whom: what the configuration says, then what the registry says. Pure.

use crate::Mac;
use config::Dhcp;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::Ipv4Addr;

/// The address that a machine of the registry is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fixed {
    pub(crate) address: Ipv4Addr,
    /// The host name it is told.
    pub(crate) name: String,
    /// Those of its cards that are no other machine's; none while it was never seen. The latest first.
    pub(crate) cards: Vec<Mac>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reserved {
    /// Any of these cards may have it, one at a time. Kept from everybody while there is none.
    owners: HashMap<u32, BTreeSet<Mac>>,
    of: HashMap<(usize, Mac), u32>,
    names: HashMap<Mac, String>,
    cards: HashSet<Mac>,
}

impl Reserved {
    /// An address, and a card in a subnet, are of whom the configuration gives them to; else of the first machine.
    pub(crate) fn new(dhcp: &Dhcp, fixed: &[Fixed]) -> Reserved {
        let mut reserved = Reserved::default();
        for reservation in &dhcp.reservations {
            let mac = Mac(reservation.mac);
            reserved.cards.insert(mac);
            if let Some(name) = &reservation.name {
                reserved.names.insert(mac, name.clone());
            }
            let address = reservation.address;
            if let Some(subnet) = dhcp.subnet_of(address) {
                let owners = reserved.owners.entry(address.to_bits()).or_default();
                owners.insert(mac);
                reserved.of.insert((subnet, mac), address.to_bits());
            }
        }
        let of_configuration: HashSet<u32> = reserved.owners.keys().copied().collect();
        for Fixed {
            address,
            name,
            cards,
        } in fixed
        {
            let bits = address.to_bits();
            let Some(subnet) = dhcp.subnet_of(*address) else {
                continue;
            };
            if of_configuration.contains(&bits) {
                continue;
            }
            let owners = reserved.owners.entry(bits).or_default();
            for mac in cards {
                if *reserved.of.entry((subnet, *mac)).or_insert(bits) == bits {
                    owners.insert(*mac);
                    reserved.cards.insert(*mac);
                    let named = reserved.names.entry(*mac);
                    named.or_insert_with(|| name.clone());
                }
            }
        }
        reserved
    }

    /// Given to nobody but its owners.
    pub(crate) fn is_kept(&self, address: u32) -> bool {
        self.owners.contains_key(&address)
    }

    pub(crate) fn is_for(&self, address: u32, mac: Mac) -> bool {
        self.owners
            .get(&address)
            .is_some_and(|owners| owners.contains(&mac))
    }

    /// The address that a card is to have there.
    pub(crate) fn of(&self, subnet: usize, mac: Mac) -> Option<u32> {
        self.of.get(&(subnet, mac)).copied()
    }

    pub(crate) fn name_of(&self, mac: Mac) -> Option<&str> {
        self.names.get(&mac).map(String::as_str)
    }

    pub(crate) fn cards(&self) -> &HashSet<Mac> {
        &self.cards
    }

    pub(crate) fn addresses(&self) -> impl Iterator<Item = u32> {
        self.owners.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::{Reservation, Subnet, Told};
    use std::time::Duration;

    fn mac(number: u8) -> Mac {
        Mac([2, 0, 0, 0, 0, number])
    }

    #[test]
    fn the_configuration_comes_first_then_who_is_listed_first() {
        let subnet = |third: u8| Subnet {
            network: [10, 77, third, 0].into(),
            prefix: 24,
            ranges: Vec::new(),
            exclude: Vec::new(),
            lease: Duration::from_secs(3600),
            told: Told::default(),
            authoritative: true,
        };
        let dhcp = Dhcp {
            subnets: vec![subnet(0), subnet(1)],
            reservations: vec![Reservation {
                mac: mac(1).0,
                address: [10, 77, 0, 5].into(),
                name: Some("printer".into()),
            }],
            ..Dhcp::default()
        };
        let fixed = |third: u8, last: u8, name: &str, cards: &[u8]| Fixed {
            address: [10, 77, third, last].into(),
            name: name.into(),
            cards: cards.iter().map(|card| mac(*card)).collect(),
        };
        let reserved = Reserved::new(
            &dhcp,
            &[
                fixed(0, 5, "LATE", &[2]),
                fixed(0, 6, "PC-1", &[1, 3]),
                fixed(0, 7, "PC-2", &[3, 4]),
                fixed(1, 7, "PC-2", &[4]),
                fixed(0, 8, "UNSEEN", &[]),
                fixed(9, 9, "GONE", &[9]),
            ],
        );
        let address = |third: u8, last: u8| Ipv4Addr::new(10, 77, third, last).to_bits();
        let of = |subnet, card| reserved.of(subnet, mac(card));
        let table = [
            (0, 1, Some(address(0, 5)), "its own by the configuration"),
            (0, 2, None, "what the configuration gave another"),
            (
                0,
                3,
                Some(address(0, 6)),
                "a card that two claim is the first's",
            ),
            (0, 4, Some(address(0, 7)), "the other card is still its own"),
            (
                1,
                4,
                Some(address(1, 7)),
                "in another network another address",
            ),
            (1, 1, None, "nothing there"),
            (0, 9, None, "of no network of ours"),
        ];
        for (subnet, card, want, what) in table {
            assert_eq!(of(subnet, card), want, "{what}");
        }
        assert!(reserved.is_kept(address(0, 8)) && !reserved.is_for(address(0, 8), mac(1)));
        assert!(!reserved.is_kept(address(9, 9)) && !reserved.is_for(address(0, 6), mac(1)));
        let names = [1, 2, 3, 4].map(|card| reserved.name_of(mac(card)).unwrap_or(""));
        assert_eq!(names, ["printer", "", "PC-1", "PC-2"]);
        assert_eq!(reserved.cards().len(), 3);
    }
}
