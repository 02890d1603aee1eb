//! Which of an interface's IPv6 addresses machines are told.

use std::net::Ipv6Addr;

/// Of the thread, not of the process: tests have a network namespace per thread.
const ADDRESSES: &str = "/proc/thread-self/net/if_inet6";

// Bits of the flags column (`IFA_F_…` of linux/if_addr.h).
const TEMPORARY: u32 = 0x01;
const DUPLICATE: u32 = 0x08;
const DEPRECATED: u32 = 0x20;
const TENTATIVE: u32 = 0x40;
const PERMANENT: u32 = 0x80;

/// `None`: the interface has none that lasts, or the kernel has no IPv6.
pub(crate) fn address(interface: &str) -> Option<Ipv6Addr> {
    let table = std::fs::read_to_string(ADDRESSES).ok()?;
    choose(&table, interface)
}

/// Pure. An address somebody gave the interface comes before one that a router's prefix made, which
/// changes with the provider's; a global one before one of this site only. Link-local addresses are
/// none for a URL (firmware knows no zone), temporary ones change within a day.
fn choose(table: &str, interface: &str) -> Option<Ipv6Addr> {
    table
        .lines()
        .filter_map(|line| {
            let columns: Vec<&str> = line.split_ascii_whitespace().collect();
            let [address, _, _, _, flags, name] = columns.try_into().ok()?;
            let address = Ipv6Addr::from(u128::from_str_radix(address, 16).ok()?);
            let flags = u32::from_str_radix(flags, 16).ok()?;
            let passing = TEMPORARY | DUPLICATE | DEPRECATED | TENTATIVE;
            let fits = name == interface && is_routable(&address) && flags & passing == 0;
            let rank = (flags & PERMANENT == 0, address.is_unique_local(), address);
            fits.then_some(rank)
        })
        .min()
        .map(|(_, _, address)| address)
}

/// Whether whoever has this address is on the wire of the interface itself.
pub(crate) fn is_on_link(interface: &str, of: &Ipv6Addr) -> bool {
    of.is_unicast_link_local()
        || std::fs::read_to_string(ADDRESSES).is_ok_and(|table| holds(&table, interface, of))
}

/// Pure. One of the interface's own networks has it.
fn holds(table: &str, interface: &str, of: &Ipv6Addr) -> bool {
    table.lines().any(|line| {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        let Ok([address, _, prefix, _, _, name]) = <[&str; 6]>::try_from(columns) else {
            return false;
        };
        let address = u128::from_str_radix(address, 16);
        let prefix = u32::from_str_radix(prefix, 16);
        let (Ok(address), Ok(prefix @ 1..=128)) = (address, prefix) else {
            return false;
        };
        let mask = u128::MAX << (128 - prefix);
        name == interface && address & mask == of.to_bits() & mask
    })
}

/// An address that a machine somewhere else on the site can send to.
pub(crate) fn is_routable(address: &Ipv6Addr) -> bool {
    !(address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || address.is_unicast_link_local()
        || address.to_ipv4_mapped().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_s_own_networks_are_on_its_wire() {
        let row = |address: &str, prefix: u8, name: &str| {
            let address: Ipv6Addr = address.parse().unwrap();
            format!(
                "{:032x} 02 {prefix:02x} 00 80 {name:>8}\n",
                address.to_bits()
            )
        };
        let table = [
            row("2001:db8:77::2", 64, "srv0"),
            row("fd00::1", 128, "srv0"),
            row("2001:db8:99::2", 48, "srv1"),
            "nonsense\n".to_owned(),
        ]
        .concat();
        let expected = [
            ("2001:db8:77::50", true),
            ("2001:db8:78::50", false),
            ("fd00::1", true),
            ("fd00::2", false),
            ("2001:db8:99::50", false),
        ];
        for (address, on_link) in expected {
            let found = holds(&table, "srv0", &address.parse().unwrap());
            assert_eq!(found, on_link, "{address}");
        }
        assert!(is_on_link("srv0", &"fe80::1".parse().unwrap()));
    }

    #[test]
    fn the_address_that_lasts_is_chosen() {
        let line = |address: &str, flags: &str, name: &str| {
            let address: Ipv6Addr = address.parse().unwrap();
            format!("{:032x} 03 40 00 {flags} {name:>8}\n", address.to_bits())
        };
        let local = line("fe80::1", "80", "eth0");
        let ula = line("fd00::2", "80", "eth0");
        let fixed = line("2001:db8::2", "80", "eth0");
        let made = line("2001:db8::5054:ff:fe12:3456", "00", "eth0");
        let private = line("2001:db8::aaaa", "01", "eth0");
        let new = line("2001:db8::1", "40", "eth0");
        let taken = line("2001:db8::1", "88", "eth0");
        let old = line("2001:db8:0:1::2", "a0", "eth0");
        let other = line("2001:db8::9", "80", "eth1");
        let table: [(&str, &[&String], Option<&str>); 7] = [
            ("none", &[], None),
            ("link-local", &[&local, &other], None),
            (
                "not yet, not any more",
                &[&private, &new, &taken, &old],
                None,
            ),
            (
                "a router's prefix",
                &[&local, &private, &made],
                Some("2001:db8::5054:ff:fe12:3456"),
            ),
            ("given by hand", &[&made, &ula], Some("fd00::2")),
            ("two by hand", &[&ula, &fixed], Some("2001:db8::2")),
            (
                "broken lines",
                &[&"zz 03 40 00 80 eth0\n\n".to_owned(), &ula],
                Some("fd00::2"),
            ),
        ];
        for (name, lines, expected) in table {
            let text: String = lines.iter().map(|line| line.as_str()).collect();
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(choose(&text, "eth0"), expected, "{name}");
        }
    }
}
