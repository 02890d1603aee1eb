//! One Ethernet frame off the wire, as far as it tells something about boots. Pure; hostile until
//! parsed.

use crate::Mac;
use crate::boot::path;
use crate::dhcp::request::{self, Request};
use std::net::Ipv4Addr;

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// A machine's DHCP message, to the port.
    Asked {
        port: u16,
        to: Ipv4Addr,
        request: Box<Request>,
    },
    /// A server's DHCP message.
    Answered(Reply),
    /// A TFTP request for a boot file of the machine.
    FileAsked {
        mac: Mac,
        to: Ipv4Addr,
    },
    /// Somebody asks who has our address; the filter lets no other ARP pass.
    LookedFor {
        mac: Mac,
        address: Ipv4Addr,
    },
    SpanningTree,
    /// The switch asks who is there (802.1X).
    Dot1x,
}

/// A DHCP server's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) mac: Mac,
    pub(super) xid: u32,
    /// Option 53.
    pub(super) message: u8,
    pub(super) server: Ipv4Addr,
    /// The relay it goes through; unspecified = none.
    pub(super) relay: Ipv4Addr,
    /// The address it gives; unspecified = none.
    pub(super) address: Ipv4Addr,
    /// Option 60 is of a boot server.
    pub(super) boots: bool,
    pub(super) file: Option<String>,
    /// Option 43 is there.
    pub(super) menu: bool,
}

/// Which machine it is about, when it can be told: the frame's sender, but a DHCP message names its
/// machine itself.
pub(super) fn machine(frame: &[u8]) -> Vec<Mac> {
    let mac = |at: usize| {
        let bytes: [u8; 6] = frame.get(at..at + 6)?.try_into().ok()?;
        Some(Mac(bytes)).filter(|mac| mac.is_station())
    };
    let mut found: Vec<Mac> = [mac(0), mac(6)].into_iter().flatten().collect();
    if let Some(packet) = udp(frame)
        && matches!(
            (packet.from, packet.to),
            (67 | 68 | 4011, _) | (_, 67 | 68 | 4011)
        )
        && let Some(Ok(chaddr)) = packet.payload.get(28..34).map(<[u8; 6]>::try_from)
        && Mac(chaddr).is_station()
        && !found.contains(&Mac(chaddr))
    {
        found.push(Mac(chaddr));
    }
    found
}

/// Who sent it, as far as it is UDP over IPv4.
pub(super) fn sender(frame: &[u8]) -> Option<Ipv4Addr> {
    udp(frame).map(|packet| packet.source)
}

impl Reply {
    /// A relay that is named in the server's stead (RFC 5107) hands on what the server said.
    pub(super) fn is_handed_on(&self) -> bool {
        !self.relay.is_unspecified() && self.relay == self.server
    }
}

pub(super) fn parse(frame: &[u8]) -> Option<Heard> {
    let sender: [u8; 6] = frame.get(6..12)?.try_into().ok()?;
    let kind = u16::from_be_bytes(frame.get(12..14)?.try_into().ok()?);
    match kind {
        0x0800 => {}
        // Request for an address, of IPv4 over Ethernet.
        0x0806 => {
            let arp = frame.get(14..42)?;
            let address: [u8; 4] = arp[24..28].try_into().ok()?;
            return (arp[..8] == [0, 1, 8, 0, 6, 4, 0, 1]).then_some(Heard::LookedFor {
                mac: Mac(sender),
                address: address.into(),
            });
        }
        // EAP request of the switch: version, type 0 (EAP packet), length, code 1.
        0x888e => {
            let eapol = frame.get(14..19)?;
            return (eapol[1] == 0 && eapol[4] == 1).then_some(Heard::Dot1x);
        }
        // IEEE 802.3 with the LLC of spanning tree.
        0..0x600 => return (frame.get(14..16)? == [0x42, 0x42]).then_some(Heard::SpanningTree),
        _ => return None,
    }
    let packet = udp(frame)?;
    match (packet.from, packet.to) {
        (_, 69) => {
            // Opcode 1, a name, a NUL.
            let name = packet
                .payload
                .strip_prefix(&[0, 1])?
                .split(|b| *b == 0)
                .next()?;
            let (mac, _) = path::parse(std::str::from_utf8(name).ok()?)?;
            Some(Heard::FileAsked {
                mac,
                to: packet.destination,
            })
        }
        (_, port @ (67 | 4011)) if packet.payload.first() == Some(&1) => {
            let request = request::parse(packet.payload).ok()?;
            Some(Heard::Asked {
                port,
                to: packet.destination,
                request: Box::new(request),
            })
        }
        (67 | 4011, _) => reply(packet.payload, packet.source).map(Heard::Answered),
        _ => None,
    }
}

struct Udp<'a> {
    source: Ipv4Addr,
    destination: Ipv4Addr,
    from: u16,
    to: u16,
    payload: &'a [u8],
}

fn udp(frame: &[u8]) -> Option<Udp<'_>> {
    let ip = frame.get(14..)?;
    if frame.get(12..14)? != [8, 0] || ip.first()? >> 4 != 4 {
        return None;
    }
    let header = usize::from(ip[0] & 15) * 4;
    let fixed = ip.get(..20)?;
    // The first fragment has the ports; a boot message has one only.
    let is_later_fragment = u16::from_be_bytes([fixed[6], fixed[7]]) & 0x1fff != 0;
    if header < 20 || fixed[9] != 17 || is_later_fragment {
        return None;
    }
    let datagram = ip.get(header..)?;
    let ports = datagram.get(..8)?;
    let len = usize::from(u16::from_be_bytes([ports[4], ports[5]]));
    let end = len.min(datagram.len());
    let address = |at: usize| Ipv4Addr::new(fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]);
    Some(Udp {
        source: address(12),
        destination: address(16),
        from: u16::from_be_bytes([ports[0], ports[1]]),
        to: u16::from_be_bytes([ports[2], ports[3]]),
        payload: datagram.get(8..end)?,
    })
}

fn reply(packet: &[u8], source: Ipv4Addr) -> Option<Reply> {
    let fixed = packet.get(..240)?;
    if fixed[..3] != [2, 1, 6] || fixed[236..] != [99, 130, 83, 99] {
        return None;
    }
    let four = |at: usize| [fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]];
    let mac = Mac(fixed[28..34].try_into().ok()?);
    let mut reply = Reply {
        mac,
        xid: u32::from_be_bytes(four(4)),
        message: 0,
        server: source,
        relay: four(24).into(),
        address: four(16).into(),
        boots: false,
        file: text(&fixed[108..236]),
        menu: false,
    };
    let mut rest = &packet[240..];
    while let [code, tail @ ..] = rest {
        match code {
            0 => rest = tail,
            255 => break,
            _ => {
                let (len, tail) = tail.split_first()?;
                let (value, next) = tail.split_at_checked(usize::from(*len))?;
                rest = next;
                match code {
                    43 => reply.menu = true,
                    53 => reply.message = *value.first()?,
                    54 => reply.server = <[u8; 4]>::try_from(value).ok()?.into(),
                    60 => {
                        reply.boots =
                            value.starts_with(b"PXEClient") || value.starts_with(b"HTTPClient");
                    }
                    67 => reply.file = text(value).or(reply.file),
                    _ => {}
                }
            }
        }
    }
    (reply.message != 0 && mac.is_station()).then_some(reply)
}

/// Up to the first NUL; only signs that can be shown.
fn text(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.split(|b| *b == 0).next()?;
    let text: String = String::from_utf8_lossy(bytes)
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dhcp::packets;

    const PC: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];

    fn ethernet(kind: [u8; 2], payload: &[u8]) -> Vec<u8> {
        [&[0xff; 6], PC.as_slice(), &kind, payload].concat()
    }

    fn frame(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
        let len = u16::try_from(payload.len() + 8).unwrap().to_be_bytes();
        let mut ip = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1];
        ip.extend([255, 255, 255, 255]);
        ip.extend(from.to_be_bytes());
        ip.extend(to.to_be_bytes());
        ip.extend(len);
        ip.extend([0, 0]);
        ip.extend(payload);
        ethernet([8, 0], &ip)
    }

    fn offer() -> Vec<u8> {
        let mut packet = vec![0u8; 240];
        packet[..8].copy_from_slice(&[2, 1, 6, 0, 0, 0, 0, 9]);
        packet[16..20].copy_from_slice(&[10, 0, 0, 50]);
        packet[28..34].copy_from_slice(&PC);
        packet[108..117].copy_from_slice(b"pxelinux\0");
        packet[236..].copy_from_slice(&[99, 130, 83, 99]);
        packet.extend(b"\x35\x01\x02\x36\x04\x0a\x00\x00\x09\x3c\x09PXEClient\x2b\x01\xff\xff");
        packet
    }

    #[test]
    fn what_goes_by_is_understood() {
        let asked = parse(&frame(68, 67, &packets::ovmf_discover()));
        assert!(
            matches!(asked, Some(Heard::Asked { port: 67, ref request, .. }) if request.mac == Mac(PC)),
            "{asked:?}"
        );
        let answered = Heard::Answered(Reply {
            mac: Mac(PC),
            xid: 9,
            message: 2,
            server: Ipv4Addr::new(10, 0, 0, 9),
            relay: Ipv4Addr::UNSPECIFIED,
            address: Ipv4Addr::new(10, 0, 0, 50),
            boots: true,
            file: Some("pxelinux".to_owned()),
            menu: true,
        });
        assert_eq!(parse(&frame(67, 68, &offer())), Some(answered));
        let file = parse(&frame(
            2000,
            69,
            b"\0\x01b/525400123456/snponly.efi\0octet\0",
        ));
        let to = Ipv4Addr::BROADCAST;
        assert_eq!(file, Some(Heard::FileAsked { mac: Mac(PC), to }));
        let mut arp = vec![0, 1, 8, 0, 6, 4, 0, 1];
        arp.extend([0; 16]);
        arp.extend([10, 77, 0, 2]);
        let address = Ipv4Addr::new(10, 77, 0, 2);
        let looked = Heard::LookedFor {
            mac: Mac(PC),
            address,
        };
        assert_eq!(parse(&ethernet([8, 6], &arp)), Some(looked));
        let bpdu = ethernet([0, 38], &[0x42, 0x42, 3, 0, 0]);
        assert_eq!(parse(&bpdu), Some(Heard::SpanningTree));
        let eap = ethernet([0x88, 0x8e], &[2, 0, 0, 5, 1, 1, 0, 5, 1]);
        assert_eq!(parse(&eap), Some(Heard::Dot1x));
        assert_eq!(parse(&frame(2000, 53, b"x")), None);
        assert_eq!(machine(&frame(67, 68, &offer())), [Mac(PC)]);
    }

    #[test]
    fn broken_frames_never_panic() {
        let good = [
            frame(67, 68, &offer()),
            frame(68, 67, &packets::ovmf_discover()),
            frame(2000, 69, b"\0\x01b/525400123456/snponly.efi\0octet\0"),
            ethernet([8, 6], &[0; 28]),
            ethernet([0x88, 0x8e], &[2, 0, 0, 5, 1]),
        ];
        let mut random = 0x9e37_79b9_7f4a_7c15u64;
        let mut next = move || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            usize::try_from(random >> 33).unwrap()
        };
        for good in &good {
            for len in 0..good.len() {
                let _ = (parse(&good[..len]), machine(&good[..len]));
            }
            for _ in 0..20_000 {
                let mut broken = good.clone();
                for _ in 0..3 {
                    let at = next() % broken.len();
                    broken[at] = u8::try_from(next() & 255).unwrap();
                }
                let _ = (parse(&broken), machine(&broken));
            }
        }
    }
}
