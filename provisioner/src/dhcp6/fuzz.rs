//! What the DHCPv6 parser, the decision and the reply must stand: any bytes, without a panic, and
//! every answer whole. Tests run it on seeded mutations; `fuzz/` runs it under cargo-fuzz.

#![allow(
    clippy::panic,
    unreachable_pub,
    reason = "a fuzz target says what is wrong by stopping"
)]

use super::decide::{Decision, Facts, decide};
use super::message::{Request, parse};
use super::reply::{self, Kind};
use super::who::{self, Cards};
use super::{BOOT_URL, CLIENT_ID, INTERFACE_ID, Port, RELAYED, SERVER_ID, VENDOR_CLASS, options};
use crate::boot::policy::BootStep;
use std::net::Ipv6Addr;

const SERVER: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 2);
const FROM: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x5054, 0xff, 0xfe12, 0x3456);
pub(super) const DUID: [u8; 18] = [0, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

/// One packet, to both ports. Returns how many answers there were.
pub fn packet(bytes: &[u8]) -> usize {
    let Ok(request) = parse(bytes) else {
        return 0;
    };
    // Nothing that is displayed may stop either.
    let _ = (who::uuid(&request), format!("{request:?}"));
    let Some(mac) = Cards::default().of(&request, FROM) else {
        return 0;
    };
    assert!(mac.is_station());
    let mut answers = 0;
    for (port, to_us) in [
        (Port::Dhcp, false),
        (Port::Dhcp, true),
        (Port::Pxe, false),
        (Port::Pxe, true),
    ] {
        let facts = Facts {
            port,
            to_us,
            mac,
            duid: &DUID,
            server: SERVER,
            http_port: 8067,
            tftp: true,
            step: BootStep::Agent,
            ready: true,
            uefi_loader: crate::boot::path::BootFile::SnpOnly,
        };
        let (kind, answer) = match decide(&request, &facts) {
            Decision::Silent(why) => {
                assert!(!why.to_string().is_empty());
                continue;
            }
            Decision::Advertise(answer) => (Kind::Advertise, answer),
            Decision::Reply(answer) => (Kind::Reply, answer),
        };
        // What relays added may make it too long for any link.
        let Ok(bytes) = reply::encode(&request, kind, &answer, &DUID) else {
            assert!(!request.hops.is_empty());
            continue;
        };
        check(&request, &bytes);
        answers += 1;
    }
    answers
}

/// An answer that any client can read to its end.
fn check(request: &Request, bytes: &[u8]) {
    assert!(bytes.len() <= 1232, "{} bytes", bytes.len());
    let mut rest = bytes;
    for hop in &request.hops {
        assert_eq!(rest[0], 13, "RELAY-REPL");
        assert_eq!(rest[18..34], hop.peer.octets());
        let found = read(&rest[34..]);
        let value = |code| found.iter().find(|(found, _)| *found == code);
        let echoed = value(INTERFACE_ID).map(|(_, id)| *id);
        assert_eq!(echoed, hop.interface_id.as_deref());
        let Some((_, inner)) = value(RELAYED) else {
            panic!("nothing is relayed")
        };
        rest = inner;
    }
    assert!(matches!(rest[0], 2 | 7));
    assert_eq!(rest[1..4], request.xid);
    let found = read(&rest[4..]);
    let value = |code| {
        found
            .iter()
            .find(|(found, _)| *found == code)
            .map(|(_, v)| *v)
    };
    assert_eq!(value(CLIENT_ID), Some(&*request.client));
    assert_eq!(value(SERVER_ID), Some(&DUID[..]));
    let class = value(VENDOR_CLASS).unwrap_or_default();
    assert!(class[..4] == [0, 0, 1, 87] && class[6..].ends_with(b"Client"));
    let url = value(BOOT_URL).unwrap_or_default();
    assert!(
        url.starts_with(b"tftp://[fd77::2]/b/") || url.starts_with(b"http://[fd77::2]:8067/b/")
    );
}

fn read(bytes: &[u8]) -> Vec<(u16, &[u8])> {
    options(bytes)
        .map(|option| match option {
            Ok(option) => option,
            Err(error) => panic!("{error:?}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dhcp6::packets;

    /// Good packets of every client, and of one behind relays, changed at random places.
    #[test]
    fn mutated_dhcpv6_packets_are_answered_whole_or_not_at_all() {
        let mut seed = 0x2545_f491_4f6c_dd1du64;
        let mut random = move |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            usize::try_from(seed % u64::try_from(below).unwrap()).unwrap()
        };
        let mut good = packets::all();
        good.push(packets::relayed(&packets::ovmf_solicit(), b"Gi1/0/3"));
        let twice = packets::relayed(&packets::ovmf_solicit(), b"");
        good.push(packets::relayed(&twice, b"uplink"));
        let mut answered = 0;
        for _ in 0..30_000 {
            let mut bytes = good[random(good.len())].clone();
            for _ in 0..=random(5) {
                let byte = u8::try_from(random(256)).unwrap();
                let at = random(bytes.len());
                match random(6) {
                    0 => bytes.truncate(at + 1),
                    1 => bytes.insert(at, byte),
                    // What is there again, or many times.
                    2 => {
                        let again = bytes[at..].to_vec();
                        bytes.extend(again);
                        bytes.truncate(4096);
                    }
                    // Wrapped once more, or deeper than anybody may.
                    3 => {
                        for _ in 0..random(12) {
                            bytes = packets::relayed(&bytes, &[byte; 40]);
                        }
                        bytes.truncate(4096);
                    }
                    _ => bytes[at] = byte,
                }
            }
            answered += packet(&bytes);
        }
        assert!(
            answered > 5_000,
            "only {answered}: the mutations are too wild"
        );
    }
}
