//! What the DHCP parser, the decision and the reply must stand: any bytes, without a panic, and
//! every answer whole. Tests run it on seeded mutations; `fuzz/` runs it under cargo-fuzz.

#![allow(
    clippy::panic,
    unreachable_pub,
    reason = "a fuzz target says what is wrong by stopping"
)]

use super::Port;
use super::decide::{self, Decision, Facts, decide};
use super::relay;
use super::reply::{self, Kind};
use super::request::{Request, parse};
use crate::boot::negotiator::Way;
use crate::boot::policy::BootStep;
use std::net::{Ipv4Addr, SocketAddrV4};

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
                port,
                gives: false,
                to_us,
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

/// An answer that any client can read to its end.
fn check(request: &Request, bytes: &[u8]) {
    assert!((300..=548).contains(&bytes.len()), "{} bytes", bytes.len());
    assert_eq!(bytes[0], 2, "it is a reply");
    assert_eq!(bytes[4..8], request.xid);
    assert_eq!(bytes[16..20], [0; 4], "a proxy gives no address");
    assert_eq!(bytes[20..24], SERVER.octets());
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
        }
        assert!(
            answered > 10_000,
            "only {answered}: the mutations are too wild"
        );
    }
}
