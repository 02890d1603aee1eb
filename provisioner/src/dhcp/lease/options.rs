//! What a machine is told with its address. Pure.

use crate::boot::rule::is_like;
use crate::dhcp::request::Request;
use config::{Dhcp, DhcpProfile, Subnet};
use std::net::Ipv4Addr;
use std::time::Duration;

/// Options as they go into the answer, the most needed first: what does not fit any more is left
/// out from the end.
pub(crate) type Options = Vec<(u8, Vec<u8>)>;

fn profile<'a>(request: &Request, dhcp: &'a Dhcp) -> Option<&'a DhcpProfile> {
    if dhcp.profiles.is_empty() {
        return None;
    }
    let class = String::from_utf8_lossy(&request.vendor_class);
    let mac = request.mac.to_string();
    let like = |pattern: &Option<String>, text: &str| {
        pattern
            .as_ref()
            .is_none_or(|pattern| is_like(pattern, text))
    };
    dhcp.profiles
        .iter()
        .find(|profile| like(&profile.mac, &mac) && like(&profile.vendor_class, &class))
}

/// How long `request`'s machine would keep an address of `subnet`.
pub(crate) fn wanted(request: &Request, dhcp: &Dhcp, subnet: &Subnet) -> Duration {
    let profile = profile(request, dhcp);
    profile.and_then(|p| p.lease).unwrap_or(subnet.lease)
}

/// `lease`: how long the address is given; `None` = it has one from elsewhere (INFORM).
/// `name`: the host name of its reservation.
pub(crate) fn options(
    request: &Request,
    dhcp: &Dhcp,
    subnet: &Subnet,
    lease: Option<Duration>,
    name: Option<&str>,
) -> Options {
    let profile = profile(request, dhcp);
    let mut options = Options::new();
    if let Some(lease) = lease {
        let seconds = u32::try_from(lease.as_secs()).unwrap_or(u32::MAX);
        // It asks us again at the half, everybody at seven eighths.
        let times = [(51, seconds), (58, seconds / 2), (59, seconds / 8 * 7)];
        options.extend(times.map(|(code, time)| (code, time.to_be_bytes().to_vec())));
    }
    options.push((1, subnet.mask().octets().to_vec()));
    let wants = |code: u8| request.wants.is_empty() || request.wants.contains(&code);
    let mut list = |code: u8, of: fn(&config::Told) -> &Vec<Ipv4Addr>| {
        let own = profile.map(|p| of(&p.told)).filter(|list| !list.is_empty());
        let list = own.unwrap_or(of(&subnet.told));
        if wants(code) && !list.is_empty() {
            let bytes = list.iter().flat_map(|address| address.octets());
            options.push((code, bytes.collect()));
        }
    };
    list(3, |told| &told.router);
    list(6, |told| &told.dns);
    list(42, |told| &told.ntp);
    if wants(28) {
        options.push((28, subnet.broadcast().octets().to_vec()));
    }
    let domain = profile.and_then(|p| p.told.domain.as_ref());
    if let Some(domain) = domain.or(subnet.told.domain.as_ref())
        && wants(15)
    {
        options.push((15, domain.clone().into_bytes()));
    }
    if let Some(name) = name.filter(|_| wants(12)) {
        options.push((12, name.as_bytes().to_vec()));
    }
    let own = profile
        .map(|p| &p.told.search)
        .filter(|list| !list.is_empty());
    let search = own.unwrap_or(&subnet.told.search);
    if !search.is_empty() && wants(119) {
        options.push((119, search.iter().flat_map(|name| dns(name)).collect()));
    }
    options
}

/// A name as DNS writes it (RFC 1035 §3.1), without compression, which RFC 3397 allows and some
/// clients read wrong.
fn dns(name: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(name.len() + 2);
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).unwrap_or_default());
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dhcp::packets::Build;
    use crate::dhcp::request::parse;
    use config::Told;

    #[test]
    fn a_machine_is_told_what_it_asks_for_and_its_profile_says() {
        let subnet = Subnet {
            network: [192, 168, 4, 0].into(),
            prefix: 22,
            ranges: Vec::new(),
            exclude: Vec::new(),
            lease: Duration::from_secs(28_800),
            told: Told {
                router: vec![[192, 168, 4, 1].into()],
                dns: vec![[192, 168, 4, 2].into(), [9, 9, 9, 9].into()],
                ntp: Vec::new(),
                domain: Some("lan.example".into()),
                search: vec!["lan.example".into(), "example".into()],
            },
            authoritative: true,
        };
        let dhcp = Dhcp {
            profiles: vec![DhcpProfile {
                vendor_class: Some("cisco*".into()),
                lease: Some(Duration::from_secs(600)),
                told: Told {
                    dns: vec![[192, 168, 4, 9].into()],
                    ..Told::default()
                },
                ..DhcpProfile::default()
            }],
            ..Dhcp::default()
        };
        let told = |build: &Build, lease| {
            let request = parse(&build.packet()).unwrap();
            options(&request, &dhcp, &subnet, lease, Some("pc-1"))
        };
        let plain = told(&Build::discover(), Some(Duration::from_secs(28_800)));
        let of = |options: &Options, code: u8| {
            let found = options.iter().find(|(found, _)| *found == code);
            found.map(|(_, value)| value.clone())
        };
        assert_eq!(of(&plain, 51), Some(28_800u32.to_be_bytes().to_vec()));
        assert_eq!(of(&plain, 58), Some(14_400u32.to_be_bytes().to_vec()));
        assert_eq!(of(&plain, 59), Some(25_200u32.to_be_bytes().to_vec()));
        assert_eq!(of(&plain, 1), Some(vec![255, 255, 252, 0]));
        assert_eq!(of(&plain, 28), Some(vec![192, 168, 7, 255]));
        assert_eq!(of(&plain, 6), Some(vec![192, 168, 4, 2, 9, 9, 9, 9]));
        assert_eq!(of(&plain, 42), None);
        assert_eq!(of(&plain, 12), Some(b"pc-1".to_vec()));
        let search = b"\x03lan\x07example\x00\x07example\x00".to_vec();
        assert_eq!(of(&plain, 119), Some(search));

        let phone = Build::discover()
            .option(60, b"Cisco Systems, Inc. IP Phone")
            .option(55, &[1, 3, 6, 150]);
        let informed = told(&phone, None);
        let codes: Vec<u8> = informed.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, [1, 3, 6], "no times, and only what it asked for");
        assert_eq!(of(&informed, 6), Some(vec![192, 168, 4, 9]));
        let request = parse(&phone.packet()).unwrap();
        assert_eq!(wanted(&request, &dhcp, &subnet).as_secs(), 600);
    }
}
