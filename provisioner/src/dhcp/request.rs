//! Reads a DHCP request from raw bytes.
//!
//! Our own scan of the option list instead of dhcproto's: that one stops without a word at the
//! first option it cannot decode (a Latin-1 host name, which a French PC has), keeps only the first
//! architecture of option 93, and trips a debug assertion on an option 94 of odd length.

use super::relay;
use crate::Mac;
use crate::boot::heard::Said;
use crate::host::uuid::Uuid;
use std::net::Ipv4Addr;

/// The fields before the options.
pub(super) const FIXED: usize = 236;
pub(super) const COOKIE: [u8; 4] = [99, 130, 83, 99];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageType {
    Discover,
    Request,
    Inform,
    /// The address it was given is used by somebody else.
    Decline,
    Release,
    /// The servers' own messages, and those of other protocols.
    Other(u8),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) xid: [u8; 4],
    pub(crate) secs: u16,
    pub(crate) broadcast: bool,
    pub(crate) ciaddr: Ipv4Addr,
    pub(crate) giaddr: Ipv4Addr,
    pub(crate) mac: Mac,
    pub(crate) message: MessageType,
    /// Option 12 as text, or what option 81 says: for people.
    pub(crate) hostname: String,
    /// Option 50: the address it would like, or was offered.
    pub(crate) wish: Option<Ipv4Addr>,
    /// Option 61.
    pub(crate) client_id: Vec<u8>,
    /// Option 55: what it wants to be told; empty = whatever there is.
    pub(crate) wants: Vec<u8>,
    /// Option 80: it takes its address in one exchange.
    pub(crate) rapid: bool,
    /// Option 118 (RFC 3011): an address of the network it wants one of.
    pub(crate) subnet: Option<Ipv4Addr>,
    /// Option 54.
    pub(crate) server: Option<Ipv4Addr>,
    /// Option 57; OVMF says 65280 in its second request, so it is a wish, not a size to allocate.
    pub(crate) max_size: Option<u16>,
    /// Option 60.
    pub(crate) vendor_class: Vec<u8>,
    /// Option 77.
    pub(crate) user_class: Vec<u8>,
    /// Option 93, all of it.
    pub(crate) archs: Vec<u16>,
    /// Option 97 as it came, to be given back; may be absent, all zero or of a wrong length.
    pub(crate) machine_id: Vec<u8>,
    /// Option 175 is there.
    pub(crate) ipxe_options: bool,
    /// Option 82 as the relay wrote it, to be given back. A switch adds it without being a relay
    /// (`giaddr` stays 0).
    pub(crate) relay_info: Vec<u8>,
}

impl Request {
    /// Option 118 where it says which network the machine is in: a relay passed it on, and says
    /// nothing better itself (RFC 3527). A machine on our own wire is where it is.
    pub(crate) fn chosen_subnet(&self) -> Option<Ipv4Addr> {
        let relayed = !self.giaddr.is_unspecified();
        self.subnet
            .filter(|_| relayed && relay::read(&self.relay_info).link.is_none())
    }

    /// What it says of the machine besides its card.
    /// `ours`: the address it came in at, which is in its network unless a relay is in between.
    pub(crate) fn said(&self, ours: Ipv4Addr) -> Said {
        let relay = relay::read(&self.relay_info);
        let giaddr = (!self.giaddr.is_unspecified()).then_some(self.giaddr);
        Said {
            uuid: Uuid::of_option_97(&self.machine_id),
            network: Some(relay.link.or(giaddr).unwrap_or(ours)),
            circuit: relay.circuit,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("it is shorter than a DHCP message")]
    Short,
    #[error("it is not a request")]
    NotARequest,
    #[error("it is not from an Ethernet card")]
    NotEthernet,
    #[error("its hardware address is none that a card has")]
    BadMac,
    #[error("it has no DHCP options (BOOTP)")]
    NotDhcp,
    #[error("an option runs past the end")]
    Truncated,
    #[error("it has no message type")]
    NoType,
}

pub(crate) fn parse(packet: &[u8]) -> Result<Request, Malformed> {
    let fixed = packet.get(..FIXED).ok_or(Malformed::Short)?;
    let cookie = packet.get(FIXED..FIXED + 4).ok_or(Malformed::Short)?;
    if fixed[0] != 1 {
        return Err(Malformed::NotARequest);
    }
    if (fixed[1], fixed[2]) != (1, 6) {
        return Err(Malformed::NotEthernet);
    }
    if cookie != COOKIE {
        return Err(Malformed::NotDhcp);
    }
    let mac = Mac([
        fixed[28], fixed[29], fixed[30], fixed[31], fixed[32], fixed[33],
    ]);
    if !mac.is_station() {
        return Err(Malformed::BadMac);
    }
    let mut options = Options::default();
    options.scan(&packet[FIXED + 4..])?;
    // RFC 2132 option 52: 1 = `file` holds options too, 2 = `sname` does, 3 = both.
    let overload = options.overload;
    if overload & 1 != 0 {
        options.scan(&fixed[108..236])?;
    }
    if overload & 2 != 0 {
        options.scan(&fixed[44..108])?;
    }
    Ok(Request {
        xid: [fixed[4], fixed[5], fixed[6], fixed[7]],
        secs: u16::from_be_bytes([fixed[8], fixed[9]]),
        broadcast: fixed[10] & 0x80 != 0,
        ciaddr: address(&fixed[12..16]).unwrap_or(Ipv4Addr::UNSPECIFIED),
        giaddr: address(&fixed[24..28]).unwrap_or(Ipv4Addr::UNSPECIFIED),
        mac,
        message: match options.message.first() {
            Some(1) => MessageType::Discover,
            Some(3) => MessageType::Request,
            Some(4) => MessageType::Decline,
            Some(7) => MessageType::Release,
            Some(8) => MessageType::Inform,
            Some(other) => MessageType::Other(*other),
            None => return Err(Malformed::NoType),
        },
        hostname: match options.hostname.as_slice() {
            [] => fqdn(&options.fqdn),
            name => String::from_utf8_lossy(name).into_owned(),
        },
        wish: address(&options.wish),
        client_id: options.client_id,
        wants: options.wants,
        rapid: options.rapid,
        subnet: address(&options.subnet),
        server: address(&options.server),
        max_size: match *options.max_size {
            [high, low] => Some(u16::from_be_bytes([high, low])),
            _ => None,
        },
        vendor_class: options.vendor_class,
        user_class: options.user_class,
        archs: options
            .archs
            .chunks_exact(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect(),
        machine_id: options.machine_id,
        ipxe_options: options.ipxe_options,
        relay_info: options.relay_info,
    })
}

/// Option 81 (RFC 4702), which Windows sends: flags, two bytes of the past, and the name, as text
/// or as DNS writes it.
fn fqdn(option: &[u8]) -> String {
    let Some((flags, mut name)) = option
        .split_first()
        .zip(option.get(3..))
        .map(|((flags, _), name)| (*flags, name))
    else {
        return String::new();
    };
    if flags & 4 == 0 {
        return String::from_utf8_lossy(name).into_owned();
    }
    let mut labels: Vec<String> = Vec::new();
    while let Some((len, rest)) = name.split_first() {
        let Some((label, next)) = rest
            .split_at_checked(usize::from(*len))
            .filter(|_| *len > 0)
        else {
            break;
        };
        labels.push(String::from_utf8_lossy(label).into_owned());
        name = next;
    }
    labels.join(".")
}

fn address(bytes: &[u8]) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(bytes).ok().map(Ipv4Addr::from)
}

/// The options of interest; parts of one option are joined (RFC 3396).
#[derive(Default)]
struct Options {
    message: Vec<u8>,
    hostname: Vec<u8>,
    fqdn: Vec<u8>,
    wish: Vec<u8>,
    client_id: Vec<u8>,
    wants: Vec<u8>,
    rapid: bool,
    subnet: Vec<u8>,
    server: Vec<u8>,
    max_size: Vec<u8>,
    vendor_class: Vec<u8>,
    user_class: Vec<u8>,
    archs: Vec<u8>,
    machine_id: Vec<u8>,
    ipxe_options: bool,
    relay_info: Vec<u8>,
    overload: u8,
}

impl Options {
    fn scan(&mut self, mut rest: &[u8]) -> Result<(), Malformed> {
        while let Some((&code, tail)) = rest.split_first() {
            match code {
                0 => rest = tail,
                255 => return Ok(()),
                _ => {
                    let (&len, tail) = tail.split_first().ok_or(Malformed::Truncated)?;
                    let (value, next) = tail
                        .split_at_checked(usize::from(len))
                        .ok_or(Malformed::Truncated)?;
                    self.take(code, value);
                    rest = next;
                }
            }
        }
        // No END option: some old ROMs leave it out, and nothing was lost.
        Ok(())
    }

    fn take(&mut self, code: u8, value: &[u8]) {
        let field = match code {
            12 => &mut self.hostname,
            50 => &mut self.wish,
            53 => &mut self.message,
            54 => &mut self.server,
            55 => &mut self.wants,
            57 => &mut self.max_size,
            60 => &mut self.vendor_class,
            61 => &mut self.client_id,
            77 => &mut self.user_class,
            93 => &mut self.archs,
            81 => &mut self.fqdn,
            82 => &mut self.relay_info,
            97 => &mut self.machine_id,
            118 => &mut self.subnet,
            52 => {
                self.overload = value.first().copied().unwrap_or(0);
                return;
            }
            80 => {
                self.rapid = true;
                return;
            }
            175 => {
                self.ipxe_options = true;
                return;
            }
            _ => return,
        };
        field.extend_from_slice(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dhcp::packets::{self, Build};

    #[test]
    fn the_ovmf_packet_is_read_whole() {
        let request = parse(&packets::ovmf_discover()).unwrap();
        assert_eq!(request.message, MessageType::Discover);
        assert_eq!(request.mac.to_string(), "52:54:00:12:34:56");
        assert!(request.broadcast);
        assert_eq!(request.archs, [7]);
        assert_eq!(request.vendor_class, b"PXEClient:Arch:00007:UNDI:003000");
        assert_eq!(request.machine_id, [0; 17]);
        assert_eq!(request.max_size, Some(1472));
        assert!(!request.ipxe_options);
    }

    #[test]
    fn a_latin_1_host_name_hides_nothing() {
        let packet = Build::discover()
            .option(12, b"R\xE9mi")
            .option(94, &[1, 3])
            .option(60, b"PXEClient:Arch:00000:UNDI:002001")
            .option(93, &[0, 0])
            .packet();
        let request = parse(&packet).unwrap();
        assert_eq!(request.hostname, "R\u{fffd}mi");
        assert_eq!(request.archs, [0]);
    }

    #[test]
    fn all_architectures_are_kept_and_split_options_joined() {
        let packet = Build::discover()
            .option(93, &[0, 6, 0, 7])
            .option(60, b"PXE")
            .option(60, b"Client")
            .packet();
        let request = parse(&packet).unwrap();
        assert_eq!(request.archs, [6, 7]);
        assert_eq!(request.vendor_class, b"PXEClient");
    }

    #[test]
    fn options_in_the_file_field_are_found() {
        let mut packet = Build::discover().option(52, &[1]).packet();
        packet[108..108 + 12].copy_from_slice(b"\x3c\x09PXEClient\xff");
        assert_eq!(parse(&packet).unwrap().vendor_class, b"PXEClient");
    }

    #[test]
    fn what_is_no_request_is_named() {
        let good = packets::ovmf_discover();
        let with = |at: usize, byte: u8| {
            let mut packet = good.clone();
            packet[at] = byte;
            parse(&packet)
        };
        assert_eq!(parse(&[]), Err(Malformed::Short));
        assert_eq!(parse(&good[..239]), Err(Malformed::Short));
        assert_eq!(parse(&good[..240]), Err(Malformed::NoType));
        assert_eq!(with(0, 2), Err(Malformed::NotARequest));
        assert_eq!(with(1, 32), Err(Malformed::NotEthernet));
        assert_eq!(with(2, 16), Err(Malformed::NotEthernet));
        assert_eq!(with(28, 0x53), Err(Malformed::BadMac));
        assert_eq!(with(236, 0), Err(Malformed::NotDhcp));
        assert_eq!(with(241, 255), Err(Malformed::Truncated));
        let no_type = Build::bare().option(60, b"PXEClient").packet();
        assert_eq!(parse(&no_type), Err(Malformed::NoType));
    }

    #[test]
    fn every_prefix_of_a_packet_is_answered_without_panic() {
        for packet in packets::all() {
            for len in 0..packet.len() {
                let _ = parse(&packet[..len]);
            }
        }
    }
}
