//! What the DHCP parser, the decision and the reply must stand: any bytes, without a panic, and
//! every answer whole. Tests run it on seeded mutations; `fuzz/` runs it under cargo-fuzz.

#![allow(
    clippy::panic,
    unreachable_pub,
    reason = "a fuzz target says what is wrong by stopping"
)]

use super::Port;
use super::decide::{self, Answer, Decision, Facts, decide};
use super::lease;
use super::lease::decide::Act;
use super::lease::holder::Holder;
use super::lease::options::options;
use super::lease::pool::{Pool, Standing};
use super::relay;
use super::reply::{self, Kind, Terms};
use super::request::{Request, parse};
use crate::Mac;
use crate::boot::negotiator::Way;
use crate::boot::policy::BootStep;
use config::{Dhcp, Subnet, Told};
use state::Timestamp;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
const FROM: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 50), 4011);

/// One packet, to both ports, in every way of offering. Returns how many answers there were.
pub fn packet(bytes: &[u8]) -> usize {
    let Ok(request) = parse(bytes) else {
        return 0;
    };
    // Nothing that is displayed may stop either.
    let _ = (
        decide::client(&request),
        relay::read(&request.relay_info),
        format!("{request:?}"),
    );
    let ways = [None, Some(Way::Ask4011), Some(Way::Direct), Some(Way::Http)];
    let mut answers = 0;
    for port in [Port::Bootps, Port::Pxe] {
        for (way, to_us) in ways.into_iter().flat_map(|way| [(way, false), (way, true)]) {
            let facts = Facts {
                uefi_loader: crate::boot::path::BootFile::SnpOnly,
                port,
                gives: false,
                to_us,
                from: Ipv4Addr::UNSPECIFIED,
                server: SERVER,
                http_port: 8067,
                tftp: true,
                step: BootStep::Agent,
                ready: true,
                way,
            };
            let (kind, answer) = match decide(&request, &facts) {
                Decision::Silent(why) => {
                    assert!(!why.to_string().is_empty());
                    continue;
                }
                Decision::Offer(answer) => (Kind::Offer, answer),
                Decision::Ack(answer) => (Kind::Ack, answer),
            };
            let Ok(bytes) = reply::encode(&request, kind, &answer, SERVER) else {
                panic!("no reply for {answer:?}");
            };
            check(&request, &bytes);
            let to = reply::destination(port, &request, FROM);
            let everybody = *to.ip() == Ipv4Addr::BROADCAST;
            assert!(everybody || relay::is_host(to.ip()), "sent to {to}");
            assert!(!everybody || to.port() == 68, "sent to {to}");
            answers += 1;
        }
    }
    answers
}

/// The same packet to a server that gives addresses, whose pool remembers what came before: what
/// it is answered fits its client, and one address is never acknowledged to two.
pub struct Giving {
    pool: Pool,
    now: Timestamp,
    owners: HashMap<Ipv4Addr, Mac>,
}

impl Default for Giving {
    fn default() -> Giving {
        let subnet = |third: u8| Subnet {
            network: [10, third, 0, 0].into(),
            prefix: 24,
            ranges: vec![([10, third, 0, 40].into(), [10, third, 0, 60].into())],
            exclude: Vec::new(),
            lease: Duration::from_secs(600),
            told: Told {
                router: vec![[10, third, 0, 1].into()],
                dns: vec![SERVER; 8],
                ntp: vec![SERVER; 8],
                domain: Some("a-rather-long-domain.of-a-company.example".into()),
                search: vec!["search.of-a-company.example".into(); 6],
            },
            authoritative: true,
        };
        Giving {
            pool: Pool::new(Dhcp {
                subnets: vec![subnet(77), subnet(80)],
                ..Dhcp::default()
            }),
            now: Timestamp(1_800_000_000_000),
            owners: HashMap::new(),
        }
    }
}

impl Giving {
    /// Returns how many answers there were.
    pub fn packet(&mut self, bytes: &[u8]) -> usize {
        let Ok(request) = parse(bytes) else {
            return 0;
        };
        self.now = self.now + Duration::from_secs(7);
        let now = self.now;
        self.pool.settle(now);
        self.owners.retain(|address, mac| {
            let holder = Holder {
                id: Vec::new(),
                mac: *mac,
            };
            self.pool.standing(
                usize::from(address.octets()[1] == 80),
                &holder,
                *address,
                now,
            ) == Standing::Own
        });
        let holder = Holder::of(&request);
        let mut answers = 0;
        for to_us in [false, true] {
            let place = lease::decide::place(&request, self.pool.dhcp(), SERVER, to_us);
            let named = place.zip(lease::decide::named(&request));
            let facts = lease::decide::Facts {
                server: SERVER,
                authoritative: place.map(|_| true),
                named: named.map(|(subnet, at)| self.pool.standing(subnet, &holder, at, now)),
            };
            let act = lease::decide::decide(&request, &facts);
            let Some(subnet) = place else {
                assert!(matches!(act, Act::Silent(_)), "{act:?} for no network");
                continue;
            };
            answers += usize::from(self.act(&request, &holder, subnet, act));
        }
        answers
    }

    fn act(&mut self, request: &Request, holder: &Holder, subnet: usize, act: Act) -> bool {
        let now = self.now;
        let (kind, address) = match act {
            Act::Silent(why) => {
                assert!(!why.to_string().is_empty());
                return false;
            }
            Act::Offer { rapid } => {
                let Some(found) = self.pool.offer(subnet, holder, request.wish, now) else {
                    return false;
                };
                self.pool.silent(found.address, now);
                match rapid {
                    true => (Kind::Ack, found.address),
                    false => (Kind::Offer, found.address),
                }
            }
            Act::Ack { address, .. } => (Kind::Ack, address),
            Act::Inform => (Kind::Ack, Ipv4Addr::UNSPECIFIED),
            Act::Nak(why) => {
                let bytes = reply::encode_nak(request, SERVER, &why.to_string());
                check_terms(request, &bytes, Ipv4Addr::UNSPECIFIED);
                return true;
            }
            Act::Withdraw => {
                self.pool.declined_offer(subnet, holder);
                return false;
            }
            Act::Free(address) => {
                self.pool.release(address, holder, now);
                return false;
            }
            Act::Aside(address) => {
                self.pool.decline(address, holder, now);
                return false;
            }
        };
        let Some(place) = self.pool.subnet(subnet) else {
            panic!("no subnet {subnet}");
        };
        let lease = (!address.is_unspecified()).then_some(place.lease);
        if lease.is_some() {
            assert!(place.gives(address), "{address} is not given");
        }
        let terms = Terms {
            address,
            options: options(request, self.pool.dhcp(), place, lease, Some("printer")),
            rapid: request.rapid,
        };
        let boots = Answer {
            class: "HTTPClient",
            file: Some(format!("http://10.77.0.2:8067/{}", "x".repeat(220))),
            straight_boot: true,
        };
        for boots in [None, Some(&boots)] {
            let bytes = reply::encode_terms(request, kind, &terms, boots, SERVER);
            check_terms(request, &bytes, address);
        }
        let to = reply::lease_destination(kind, request);
        let everybody = *to.ip() == Ipv4Addr::BROADCAST;
        assert!(
            everybody || relay::is_host(to.ip()) || *to.ip() == request.giaddr,
            "to {to}"
        );
        if kind == Kind::Ack && lease.is_some() {
            let lease = Duration::from_secs(600);
            self.pool
                .bind(subnet, address, holder, &request.hostname, lease, now);
            let other = self.owners.insert(address, request.mac);
            assert!(
                other.is_none_or(|mac| mac == request.mac),
                "{address} has two owners"
            );
        }
        true
    }
}

fn check_terms(request: &Request, bytes: &[u8], address: Ipv4Addr) {
    assert!((300..=1472).contains(&bytes.len()), "{} bytes", bytes.len());
    let longest = usize::from(request.max_size.unwrap_or_default()).max(576) - 28;
    assert!(
        bytes.len() <= longest,
        "{} bytes, it takes {longest}",
        bytes.len()
    );
    assert_eq!(bytes[16..20], address.octets());
    check_options(request, bytes);
}

/// An answer that any client can read to its end.
fn check(request: &Request, bytes: &[u8]) {
    assert!((300..=548).contains(&bytes.len()), "{} bytes", bytes.len());
    assert_eq!(bytes[16..20], [0; 4], "a proxy gives no address");
    assert_eq!(bytes[20..24], SERVER.octets());
    check_options(request, bytes);
}

fn check_options(request: &Request, bytes: &[u8]) {
    assert_eq!(bytes[0], 2, "it is a reply");
    assert_eq!(bytes[4..8], request.xid);
    assert_eq!(bytes[24..28], request.giaddr.octets());
    assert_eq!(bytes[28..34], request.mac.0);
    let mut rest = &bytes[240..];
    let mut last = 0;
    let mut relayed = Vec::new();
    loop {
        match rest {
            [255, padding @ ..] => {
                assert!(padding.iter().all(|byte| *byte == 0));
                break;
            }
            [code, len, tail @ ..] => {
                assert_ne!(*code, 0, "padding between options");
                assert!(usize::from(*len) <= tail.len(), "option {code} is cut");
                let (value, next) = tail.split_at(usize::from(*len));
                if *code == 82 {
                    relayed.extend_from_slice(value);
                }
                assert!(last != 82 || *code == 82, "option {code} behind 82");
                last = *code;
                rest = next;
            }
            _ => panic!("no end of options"),
        }
    }
    assert!(relayed.is_empty() || relayed == request.relay_info);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dhcp::packets::{self, Build};

    /// Good packets of every client, and of one behind a relay, changed at random places.
    #[test]
    fn mutated_dhcp_packets_are_answered_whole_or_not_at_all() {
        let mut seed = 0x2545_f491_4f6c_dd1du64;
        let mut random = move |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            usize::try_from(seed % u64::try_from(below).unwrap()).unwrap()
        };
        let mut good = packets::all();
        good.push(
            Build::discover()
                .giaddr([10, 80, 0, 1])
                .option(60, b"PXEClient:Arch:00000:UNDI:002001")
                .option(93, &[0, 0, 0, 7, 0, 16])
                .option(97, &[0; 17])
                .option(
                    82,
                    b"\x01\x07Gi1/0/3\x05\x04\x0a\x50\x00\x00\x0b\x04\x0a\x50\x00\xfe",
                )
                .packet(),
        );
        // And what systems send.
        for kind in [1, 3, 4, 7, 8] {
            let build = Build::bare()
                .option(53, &[kind])
                .option(50, &[10, 77, 0, 41])
                .option(61, b"\xff\x01\x02\x03\x04")
                .option(57, &[5, 0xdc])
                .option(81, b"\x00\x00\x00pc.lan");
            good.push(build.packet());
            good.push(build.option(80, &[]).option(54, &SERVER.octets()).packet());
            let ciaddr = build.ciaddr([10, 77, 0, 41]);
            good.push(ciaddr.packet());
            good.push(
                ciaddr
                    .giaddr([10, 80, 0, 1])
                    .option(118, &[10, 77, 0, 0])
                    .packet(),
            );
        }
        let mut giving = Giving::default();
        let mut given = 0;
        let mut answered = 0;
        for _ in 0..30_000 {
            let mut bytes = good[random(good.len())].clone();
            for _ in 0..=random(5) {
                let byte = u8::try_from(random(256)).unwrap();
                let at = random(bytes.len());
                match random(6) {
                    0 => bytes.truncate(at + 1),
                    1 => bytes.insert(at, byte),
                    // A whole option again, or many of them.
                    2 if bytes.len() > 245 => {
                        let from = 240 + random(bytes.len() - 240);
                        let again = bytes[from..].to_vec();
                        let end = bytes.len().min(4000);
                        bytes.splice(end..end, again);
                        bytes.truncate(4096);
                    }
                    _ => bytes[at] = byte,
                }
            }
            answered += packet(&bytes);
            given += giving.packet(&bytes);
        }
        assert!(
            answered > 10_000 && given > 10_000,
            "only {answered} and {given}: the mutations are too wild"
        );
    }
}
