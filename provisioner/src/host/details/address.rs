//! The address that a machine is always to get, and what one has to fit.

use crate::Mac;
use config::Dhcp;
use std::net::Ipv4Addr;

/// What this box gives, and where it is itself.
#[derive(Clone, Debug, Default)]
pub struct Grounds {
    dhcp: Dhcp,
    ours: Vec<Ipv4Addr>,
}

impl Grounds {
    /// With the addresses that this machine has now.
    pub fn here(dhcp: &Dhcp) -> Grounds {
        let ours = if_addrs::get_if_addrs().unwrap_or_default();
        let ours = ours.iter().filter_map(|found| match &found.addr {
            if_addrs::IfAddr::V4(v4) => Some(v4.ip),
            if_addrs::IfAddr::V6(_) => None,
        });
        Grounds {
            dhcp: dhcp.clone(),
            ours: ours.collect(),
        }
    }

    /// Pure: why a machine with these cards cannot have this address always, with what to do.
    pub(crate) fn refuse(&self, address: Ipv4Addr, cards: &[Mac]) -> Option<String> {
        let dhcp = &self.dhcp;
        let all: Vec<String> = dhcp.subnets.iter().map(ToString::to_string).collect();
        if all.is_empty() {
            return Some(format!(
                "{address} cannot be kept for it, because this box gives no addresses; reserve it where they are given, or add a [[dhcp_subnet]]"
            ));
        }
        let Some((rank, subnet)) = dhcp
            .subnet_of(address)
            .and_then(|rank| Some((rank, dhcp.subnets.get(rank)?)))
        else {
            return Some(format!(
                "{address} is of no [[dhcp_subnet]]; choose one of {}",
                all.join(", ")
            ));
        };
        let told = &subnet.told;
        let mut served = told.router.iter().chain(&told.dns).chain(&told.ntp);
        if address == subnet.network {
            return Some(format!(
                "{address} is the address of the network {subnet} itself; choose another"
            ));
        }
        if address == subnet.broadcast() {
            return Some(format!(
                "{address} is the broadcast address of {subnet}; choose another"
            ));
        }
        if self.ours.contains(&address) {
            return Some(format!(
                "{address} is an address of this box; choose another"
            ));
        }
        if served.any(|server| *server == address) {
            return Some(format!(
                "{address} is a router, name server or time server of {subnet}; choose another"
            ));
        }
        let mut reservations = dhcp.reservations.iter();
        if let Some(other) = reservations.find(|r| r.address == address) {
            return Some(format!(
                "{address} is reserved for the card {} by a [[dhcp_reservation]]; choose another, or remove that",
                Mac(other.mac)
            ));
        }
        let mut reservations = dhcp.reservations.iter();
        let double = reservations
            .find(|r| dhcp.subnet_of(r.address) == Some(rank) && cards.contains(&Mac(r.mac)));
        double.map(|r| {
            format!(
                "its card {} gets {} by a [[dhcp_reservation]]; remove that first",
                Mac(r.mac),
                r.address
            )
        })
    }
}

/// As people write it; nothing = none.
pub(crate) fn address(text: &str) -> Result<Option<Ipv4Addr>, String> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            format!("the address {text:?} is not an IPv4 address; write such as 192.168.1.20")
        }),
    }
}

/// Another machine has it already.
pub(crate) fn taken(address: Ipv4Addr, other: &str) -> String {
    format!(
        "{address} is kept for {other}; choose another, or take it from there (`reprise host set {other} --no-address`)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::{Reservation, Subnet, Told};
    use std::time::Duration;

    #[test]
    fn an_address_fits_or_says_what_to_do() {
        let mac = |last: u8| Mac([2, 0, 0, 0, 0, last]);
        let dhcp = Dhcp {
            subnets: vec![Subnet {
                network: [10, 0, 0, 0].into(),
                prefix: 24,
                ranges: vec![([10, 0, 0, 100].into(), [10, 0, 0, 199].into())],
                exclude: Vec::new(),
                lease: Duration::from_secs(3600),
                told: Told {
                    router: vec![[10, 0, 0, 1].into()],
                    dns: vec![[10, 0, 0, 3].into()],
                    ntp: vec![[10, 0, 0, 4].into()],
                    ..Told::default()
                },
                authoritative: true,
            }],
            reservations: vec![Reservation {
                mac: mac(9).0,
                address: [10, 0, 0, 9].into(),
                name: None,
            }],
            ..Dhcp::default()
        };
        let grounds = Grounds {
            dhcp,
            ours: vec![[10, 0, 0, 2].into()],
        };
        let cards = [mac(1), mac(2)];
        for (text, says) in [
            ("10.0.0.7", ""),
            ("10.0.0.150", ""),
            ("10.0.1.7", "choose one of 10.0.0.0/24"),
            ("10.0.0.0", "the network 10.0.0.0/24 itself"),
            ("10.0.0.255", "broadcast"),
            ("10.0.0.2", "of this box"),
            ("10.0.0.1", "a router"),
            ("10.0.0.3", "name server"),
            ("10.0.0.4", "time server"),
            ("10.0.0.9", "02:00:00:00:00:09"),
            ("127.0.0.1", "of no [[dhcp_subnet]]"),
        ] {
            let address = address(text).unwrap().unwrap();
            let why = grounds.refuse(address, &cards).unwrap_or_default();
            assert_eq!(why.is_empty(), says.is_empty(), "{text}: {why}");
            assert!(why.contains(says), "{text}: {why}");
        }
        let its_own = grounds.refuse([10, 0, 0, 7].into(), &[mac(1), mac(9)]);
        assert!(its_own.is_some_and(|why| why.contains("gets 10.0.0.9")));
        let none = Grounds::default().refuse([10, 0, 0, 7].into(), &cards);
        assert!(none.is_some_and(|why| why.contains("this box gives no addresses")));
        assert_eq!(address("  "), Ok(None));
        for wrong in ["10.0.0", "10.0.0.256", "pc-1", "fe80::1", "10.0.0.7/24"] {
            assert!(address(wrong).is_err_and(|why| why.contains("write such as")));
        }
    }
}
