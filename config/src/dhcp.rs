//! `[[dhcp_subnet]]`, `[[dhcp_reservation]]` and `[[dhcp_profile]]`: which addresses this box gives where it is the DHCP server.

use crate::domain::{DhcpRole, Network};
use crate::place::Findings;
use crate::walk::{Entries, Value};
use std::net::Ipv4Addr;
use std::time::Duration;

/// Addresses of one subnet that are given: a /16 of them is more than one link carries.
const MOST_ADDRESSES: u32 = 65_536;
/// RFC 2132 gives the lease time 32 bits of seconds, and all ones mean for ever, which nobody can take back.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);
const SHORTEST: Duration = Duration::from_secs(60);

/// What the DHCP server gives, on all interfaces whose role is `server`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dhcp {
    pub subnets: Vec<Subnet>,
    pub reservations: Vec<Reservation>,
    /// The first that fits decides.
    pub profiles: Vec<DhcpProfile>,
}

impl Dhcp {
    /// The rank of the subnet that holds an address.
    pub fn subnet_of(&self, address: Ipv4Addr) -> Option<usize> {
        self.subnets.iter().position(|s| s.contains(address))
    }
}

/// One network and what its machines are told. Subnets do not overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// All host bits zero.
    pub network: Ipv4Addr,
    /// 1 to 30.
    pub prefix: u8,
    /// First and last address of each, both given; disjoint, and inside the network.
    pub ranges: Vec<(Ipv4Addr, Ipv4Addr)>,
    /// Never given by themselves; a reservation may lie there.
    pub exclude: Vec<(Ipv4Addr, Ipv4Addr)>,
    pub lease: Duration,
    pub told: Told,
    /// Addresses of this network that nobody got from here are refused.
    pub authoritative: bool,
}

/// What a machine is told besides its address; empty or `None` = nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub router: Vec<Ipv4Addr>,
    pub dns: Vec<Ipv4Addr>,
    pub ntp: Vec<Ipv4Addr>,
    pub domain: Option<String>,
    pub search: Vec<String>,
}

impl Subnet {
    pub fn mask(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(u32::MAX << (32 - u32::from(self.prefix)))
    }

    pub fn broadcast(&self) -> Ipv4Addr {
        self.network | !self.mask()
    }

    pub fn contains(&self, address: Ipv4Addr) -> bool {
        address & self.mask() == self.network
    }

    /// Neither the network's own address nor everybody's.
    pub fn is_of_a_host(&self, address: Ipv4Addr) -> bool {
        self.contains(address) && address != self.network && address != self.broadcast()
    }

    /// In a range and not excluded.
    pub fn gives(&self, address: Ipv4Addr) -> bool {
        let within = |list: &[(Ipv4Addr, Ipv4Addr)]| {
            list.iter()
                .any(|(first, last)| (*first..=*last).contains(&address))
        };
        within(&self.ranges) && !within(&self.exclude)
    }
}

impl std::fmt::Display for Subnet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

/// An address that one machine gets, whatever else is free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    pub mac: [u8; 6],
    pub address: Ipv4Addr,
    /// The host name it is told.
    pub name: Option<String>,
}

/// Other words for some machines. Every key that is written must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DhcpProfile {
    /// With `*` for anything.
    pub mac: Option<String>,
    /// Option 60, with `*` for anything.
    pub vendor_class: Option<String>,
    pub lease: Option<Duration>,
    /// What is empty is as in the subnet.
    pub told: Told,
}

pub(crate) fn build(
    subnets: &[Entries],
    reservations: &[Entries],
    profiles: &[Entries],
    findings: &mut Findings<'_>,
) -> Dhcp {
    let mut built: Vec<Subnet> = Vec::new();
    for entries in subnets {
        let Some(subnet) = subnet(entries, findings) else {
            continue;
        };
        if let Some(other) = built
            .iter()
            .find(|o| o.contains(subnet.network) || subnet.contains(o.network))
        {
            findings.add(
                entries.at("network"),
                format!("`network` in [[dhcp_subnet]]: {subnet} overlaps {other}, which stands above; join the two or make one smaller"),
            );
        }
        built.push(subnet);
    }
    let reservations = reserved(reservations, &built, findings);
    let profiles = profiles.iter().map(|p| profile(p, findings)).collect();
    Dhcp {
        subnets: built,
        reservations,
        profiles,
    }
}

/// A role of `server` and its addresses need each other.
pub(crate) fn check(
    networks: &[(&Entries, &Network)],
    subnets: &[Entries],
    findings: &mut Findings<'_>,
) {
    let server = networks
        .iter()
        .find(|(_, n)| n.dhcp == DhcpRole::Server && !n.interface.is_empty());
    // Subnets without such an interface wait for the day it is switched over.
    if let Some((entries, network)) = server.filter(|_| subnets.is_empty()) {
        findings.add(
            entries.at("dhcp"),
            format!(
                "`dhcp` in [[network]]: {} gives addresses, and no [[dhcp_subnet]] says which; add one, or write \"proxy\"",
                network.interface
            ),
        );
    }
}

fn subnet(entries: &Entries, findings: &mut Findings<'_>) -> Option<Subnet> {
    let context = "[[dhcp_subnet]]";
    let text = entries.text("network")?;
    let Some((network, prefix)) = network(text) else {
        findings.add(
            entries.at("network"),
            format!("`network` in {context}: {text:?} is not a network; write its first address and its length, such as 192.168.1.0/24"),
        );
        return None;
    };
    let mut subnet = Subnet {
        network,
        prefix,
        ranges: Vec::new(),
        exclude: Vec::new(),
        lease: Duration::from_secs(8 * 3600),
        told: told(entries, context, findings),
        authoritative: !matches!(entries.get("authoritative"), Some(Value::Switch(false))),
    };
    subnet.ranges = ranges(entries, "ranges", &subnet, findings);
    subnet.exclude = ranges(entries, "exclude", &subnet, findings);
    subnet.lease = lease(entries, context, findings).unwrap_or(subnet.lease);
    for (at, key, address) in addresses(entries, "router") {
        if !subnet.is_of_a_host(address) {
            findings.add(
                at,
                format!("`{key}` in {context}: {address} is not in {subnet}, so its machines cannot reach it; write the router's address in that network"),
            );
        }
    }
    let total: u64 = subnet
        .ranges
        .iter()
        .map(|(first, last)| u64::from(last.to_bits() - first.to_bits()) + 1)
        .sum();
    if total > u64::from(MOST_ADDRESSES) {
        findings.add(
            entries.at("ranges"),
            format!("`ranges` in {context}: {total} addresses; at most {MOST_ADDRESSES} can be given in one subnet"),
        );
        return None;
    }
    Some(subnet)
}

fn network(text: &str) -> Option<(Ipv4Addr, u8)> {
    let (address, prefix) = text.split_once('/')?;
    let prefix: u8 = prefix.parse().ok().filter(|p| (1..=30).contains(p))?;
    let address: Ipv4Addr = address.parse().ok()?;
    let hosts = u32::MAX >> prefix;
    let usable = !address.is_loopback() && !address.is_multicast() && address.octets()[0] != 0;
    (address.to_bits() & hosts == 0 && usable && address.octets()[0] < 240)
        .then_some((address, prefix))
}

fn ranges(
    entries: &Entries,
    key: &str,
    subnet: &Subnet,
    findings: &mut Findings<'_>,
) -> Vec<(Ipv4Addr, Ipv4Addr)> {
    let mut found: Vec<(Ipv4Addr, Ipv4Addr)> = Vec::new();
    for (at, text) in entries.texts(key) {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (Ok(first), Ok(last)) = (first.trim().parse(), last.trim().parse()) else {
            continue;
        };
        if first > last || !subnet.is_of_a_host(first) || !subnet.is_of_a_host(last) {
            findings.add(
                *at,
                format!("`{key}` in [[dhcp_subnet]]: {text} is no range of {subnet}; write first and last address, between {} and {}",
                    Ipv4Addr::from_bits(subnet.network.to_bits() + 1),
                    Ipv4Addr::from_bits(subnet.broadcast().to_bits() - 1)),
            );
        } else if let Some((a, b)) = found.iter().find(|(a, b)| first <= *b && *a <= last) {
            findings.add(
                *at,
                format!(
                    "`{key}` in [[dhcp_subnet]]: {text} overlaps {a}-{b}; write each address once"
                ),
            );
        } else {
            found.push((first, last));
        }
    }
    found.sort();
    found
}

fn addresses<'a>(
    entries: &'a Entries,
    key: &'a str,
) -> impl Iterator<Item = (usize, &'a str, Ipv4Addr)> {
    entries
        .texts(key)
        .iter()
        .filter_map(move |(at, text)| Some((*at, key, text.parse().ok()?)))
}

fn told(entries: &Entries, context: &str, findings: &mut Findings<'_>) -> Told {
    let mut list = |key: &str| {
        let mut all = Vec::new();
        for (at, key, address) in addresses(entries, key) {
            if all.len() == 8 {
                findings.add(
                    at,
                    format!("`{key}` in {context}: more than eight; clients ask the first ones only, remove some"),
                );
            }
            all.push(address);
        }
        all
    };
    let (router, dns, ntp) = (list("router"), list("dns"), list("ntp"));
    let search: Vec<String> = entries
        .texts("search")
        .iter()
        .map(|(_, name)| name.clone())
        .collect();
    if search.iter().map(|name| name.len() + 2).sum::<usize>() > 200 {
        findings.add(
            entries.at("search"),
            format!("`search` in {context}: longer than one message holds (200 letters together); remove some"),
        );
    }
    Told {
        router,
        dns,
        ntp,
        domain: entries.text("domain").map(str::to_owned),
        search,
    }
}

fn lease(entries: &Entries, context: &str, findings: &mut Findings<'_>) -> Option<Duration> {
    let Some(Value::Duration(lease)) = entries.get("lease") else {
        return None;
    };
    if !(SHORTEST..=LONGEST).contains(lease) {
        findings.add(
            entries.at("lease"),
            format!("`lease` in {context}: write between one minute and 366 days, such as \"8h\""),
        );
    }
    Some((*lease).clamp(SHORTEST, LONGEST))
}

fn reserved(
    reservations: &[Entries],
    subnets: &[Subnet],
    findings: &mut Findings<'_>,
) -> Vec<Reservation> {
    let context = "[[dhcp_reservation]]";
    let mut built: Vec<Reservation> = Vec::new();
    for entries in reservations {
        let written = (entries.text("mac"), entries.text("address"));
        let (Some(mac), Some(address)) = written else {
            continue;
        };
        let Some(mac) = mac_of(mac) else {
            findings.add(
                entries.at("mac"),
                format!("`mac` in {context}: {mac:?} is not the address of a network card; write such as 52:54:00:12:34:56"),
            );
            continue;
        };
        let Ok(address) = address.parse::<Ipv4Addr>() else {
            findings.add(
                entries.at("address"),
                format!("`address` in {context}: {address:?} is not an address; write such as 192.168.1.20"),
            );
            continue;
        };
        let Some(subnet) = subnets.iter().position(|s| s.is_of_a_host(address)) else {
            findings.add(
                entries.at("address"),
                format!("`address` in {context}: {address} is of no [[dhcp_subnet]]; add the subnet, or correct the address"),
            );
            continue;
        };
        let there = |r: &Reservation| subnets.get(subnet).is_some_and(|s| s.contains(r.address));
        if built.iter().any(|r| r.address == address) {
            findings.add(
                entries.at("address"),
                format!(
                    "`address` in {context}: {address} is reserved twice; give each machine its own"
                ),
            );
        } else if built.iter().any(|r| r.mac == mac && there(r)) {
            findings.add(
                entries.at("mac"),
                format!("`mac` in {context}: this card has another address in the same subnet; remove one"),
            );
        }
        built.push(Reservation {
            mac,
            address,
            name: entries.text("name").map(str::to_owned),
        });
    }
    built
}

fn profile(entries: &Entries, findings: &mut Findings<'_>) -> DhcpProfile {
    let context = "[[dhcp_profile]]";
    if !entries.has("mac") && !entries.has("vendor_class") {
        findings.add(
            entries.at("lease"),
            format!("{context} fits every machine; say which by `mac` or `vendor_class`, or write it in [[dhcp_subnet]]"),
        );
    }
    DhcpProfile {
        mac: entries.text("mac").map(str::to_owned),
        vendor_class: entries.text("vendor_class").map(str::to_owned),
        lease: lease(entries, context, findings),
        told: told(entries, context, findings),
    }
}

fn mac_of(text: &str) -> Option<[u8; 6]> {
    let mut mac = [0; 6];
    let mut pairs = text.split([':', '-']);
    for byte in &mut mac {
        let pair = pairs.next().filter(|pair| pair.len() == 2)?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    (pairs.next().is_none() && mac != [0; 6] && mac[0] & 1 == 0).then_some(mac)
}

#[cfg(test)]
mod tests {
    use crate::{Dhcp, example, parse};
    use std::path::Path;
    use std::time::Duration;

    const NETWORK: &str = "[[network]]\ninterface = \"eth0\"\ndhcp = \"server\"\n";

    fn read(more: &str) -> Result<Dhcp, String> {
        let text = format!("{}\n{more}", example());
        parse(&text, Path::new("/etc/reprise/reprise.toml"))
            .map(|config| config.dhcp)
            .map_err(|complaints| complaints.to_string())
    }

    #[test]
    fn a_small_site_reads_well() {
        let dhcp = read(&format!(
            "{NETWORK}[[dhcp_subnet]]\nnetwork = \"192.168.1.0/24\"\n\
             ranges = [\"192.168.1.100-192.168.1.199\", \"192.168.1.20\"]\nexclude = [\"192.168.1.150-192.168.1.159\"]\n\
             lease = \"2h\"\nrouter = [\"192.168.1.1\"]\ndns = [\"192.168.1.2\", \"9.9.9.9\"]\n\
             domain = \"lan.example\"\nsearch = [\"lan.example\", \"example\"]\nntp = [\"192.168.1.1\"]\n\
             [[dhcp_reservation]]\nmac = \"52-54-00-AA-bb-01\"\naddress = \"192.168.1.10\"\nname = \"printer\"\n\
             [[dhcp_profile]]\nvendor_class = \"Cisco*\"\nlease = \"10m\"\nntp = [\"192.168.1.9\"]\n"
        ))
        .expect("it is right");
        let subnet = &dhcp.subnets[0];
        assert_eq!(subnet.to_string(), "192.168.1.0/24");
        assert_eq!(subnet.mask().to_string(), "255.255.255.0");
        assert_eq!(subnet.lease, Duration::from_secs(7200));
        assert!(subnet.authoritative);
        let gives = |last: u8| subnet.gives([192, 168, 1, last].into());
        let given: Vec<u8> = (0..=255).filter(|last| gives(*last)).collect();
        assert_eq!(given.len(), 1 + 100 - 10);
        assert_eq!(given[..2], [20, 100]);
        assert!(!gives(150) && gives(149) && gives(160));
        assert_eq!(dhcp.reservations[0].mac, [0x52, 0x54, 0, 0xaa, 0xbb, 1]);
        assert_eq!(dhcp.profiles[0].lease, Some(Duration::from_secs(600)));
    }

    #[test]
    fn what_does_not_fit_together_is_named_with_its_remedy() {
        let subnet = |lines: &str| format!("{NETWORK}[[dhcp_subnet]]\n{lines}\n");
        let good = "network = \"10.0.0.0/24\"\nranges = [\"10.0.0.10-10.0.0.20\"]";
        for (text, says) in [
            (NETWORK.to_owned(), "no [[dhcp_subnet]] says which"),
            (
                subnet("network = \"10.0.0.1/24\"\nranges = [\"10.0.0.10-10.0.0.20\"]"),
                "not a network",
            ),
            (
                subnet("network = \"10.0.0.0/31\"\nranges = [\"10.0.0.0\"]"),
                "not a network",
            ),
            (
                subnet("network = \"127.0.0.0/8\"\nranges = [\"127.0.0.9\"]"),
                "not a network",
            ),
            (
                subnet("network = \"10.0.0.0/24\"\nranges = [\"10.0.0.20-10.0.0.10\"]"),
                "no range of 10.0.0.0/24",
            ),
            (
                subnet("network = \"10.0.0.0/24\"\nranges = [\"10.0.0.0-10.0.0.10\"]"),
                "between 10.0.0.1 and 10.0.0.254",
            ),
            (
                subnet("network = \"10.0.0.0/24\"\nranges = [\"10.0.1.5-10.0.1.9\"]"),
                "no range of",
            ),
            (
                subnet("network = \"10.0.0.0/24\"\nranges = [\"ten\"]"),
                "expected first and last address",
            ),
            (
                subnet("network = \"10.0.0.0/24\"\nranges = [\"10.0.0.5-10.0.0.9\", \"10.0.0.9\"]"),
                "overlaps 10.0.0.5-10.0.0.9",
            ),
            (
                subnet("network = \"10.0.0.0/8\"\nranges = [\"10.0.0.1-10.9.0.9\"]"),
                "at most 65536",
            ),
            (
                subnet(&format!("{good}\nlease = \"5s\"")),
                "between one minute",
            ),
            (
                subnet(&format!("{good}\nrouter = [\"10.0.1.1\"]")),
                "cannot reach it",
            ),
            (
                subnet(&format!("{good}\ndns = [\"10.0.1\"]")),
                "is not an IPv4 address",
            ),
            (
                subnet(&format!("{good}\nsearch = [\"a b\"]")),
                "is not a domain name",
            ),
            (
                subnet(&format!(
                    "{good}\n[[dhcp_subnet]]\nnetwork = \"10.0.0.128/25\"\nranges = [\"10.0.0.129\"]"
                )),
                "overlaps 10.0.0.0/24",
            ),
            (
                subnet(&format!(
                    "{good}\n[[dhcp_reservation]]\nmac = \"x\"\naddress = \"10.0.0.5\""
                )),
                "not the address of a network card",
            ),
            (
                subnet(&format!(
                    "{good}\n[[dhcp_reservation]]\nmac = \"52:54:00:00:00:01\"\naddress = \"10.1.0.5\""
                )),
                "is of no [[dhcp_subnet]]",
            ),
            (
                subnet(&format!(
                    "{good}\n[[dhcp_reservation]]\nmac = \"52:54:00:00:00:01\"\naddress = \"10.0.0.5\"\n\
                     [[dhcp_reservation]]\nmac = \"52:54:00:00:00:02\"\naddress = \"10.0.0.5\""
                )),
                "reserved twice",
            ),
            (
                subnet(&format!(
                    "{good}\n[[dhcp_reservation]]\nmac = \"52:54:00:00:00:01\"\naddress = \"10.0.0.5\"\n\
                     [[dhcp_reservation]]\nmac = \"52:54:00:00:00:01\"\naddress = \"10.0.0.6\""
                )),
                "another address in the same subnet",
            ),
            (
                subnet(&format!("{good}\n[[dhcp_profile]]\nlease = \"1h\"")),
                "fits every machine",
            ),
        ] {
            let complaint = read(&text).expect_err(&text);
            assert!(complaint.contains(says), "{text}: {complaint}");
        }
    }
}
