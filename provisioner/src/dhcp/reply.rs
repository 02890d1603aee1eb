//! Writes the reply to a DHCP request, and says where it goes.

use super::Port;
use super::decide::Answer;
use super::request::Request;
use dhcproto::v4::{DhcpOption, Flags, Message, MessageType, Opcode};
use dhcproto::{Encodable, Encoder};
use std::net::{Ipv4Addr, SocketAddrV4};

/// Some BOOTP-era ROMs drop shorter messages; dnsmasq pads to the same.
const SHORTEST: usize = 300;
/// `file` is 128 bytes with its NUL.
const LONGEST_FILE: usize = 127;

/// Option 43: sub-option 6 (discovery control) = 8, "boot the file of this offer", then END.
const STRAIGHT_BOOT: [u8; 4] = [6, 1, 8, 255];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Offer,
    Ack,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("write a DHCP reply: the boot file {0:?} is longer than 127 bytes")]
    FileTooLong(String),
    #[error("write a DHCP reply: {0}")]
    Encode(String),
}

/// Option 67 is never sent: EDK2 writes a NUL behind it, over the next option. `file` holds every
/// path and URL we give.
pub(crate) fn encode(
    request: &Request,
    kind: Kind,
    answer: &Answer,
    server: Ipv4Addr,
) -> Result<Vec<u8>, Error> {
    let mut message = Message::new_with_id(
        u32::from_be_bytes(request.xid),
        request.ciaddr,
        Ipv4Addr::UNSPECIFIED,
        server,
        request.giaddr,
        &request.mac.0,
    );
    let flags = Flags::default();
    message
        .set_opcode(Opcode::BootReply)
        .set_secs(request.secs)
        .set_flags(if request.broadcast {
            flags.set_broadcast()
        } else {
            flags
        })
        .set_sname_str(server.to_string());
    if let Some(file) = &answer.file {
        if file.len() > LONGEST_FILE {
            return Err(Error::FileTooLong(file.clone()));
        }
        message.set_fname_str(file);
    }
    let options = message.opts_mut();
    options.insert(DhcpOption::MessageType(match kind {
        Kind::Offer => MessageType::Offer,
        Kind::Ack => MessageType::Ack,
    }));
    // Without it the client broadcasts its second step to 4011 instead of asking us.
    options.insert(DhcpOption::ServerIdentifier(server));
    options.insert(DhcpOption::ClassIdentifier(answer.class.into()));
    if answer.straight_boot {
        options.insert(DhcpOption::VendorExtensions(STRAIGHT_BOOT.into()));
    }
    if !request.machine_id.is_empty() {
        options.insert(DhcpOption::ClientMachineIdentifier(
            request.machine_id.clone(),
        ));
    }
    let mut bytes = Vec::with_capacity(SHORTEST);
    message
        .encode(&mut Encoder::new(&mut bytes))
        .map_err(|e| Error::Encode(e.to_string()))?;
    if bytes.len() < SHORTEST {
        bytes.resize(SHORTEST, 0);
    }
    Ok(bytes)
}

/// Offers are broadcast: the machine has no address yet, and unicast to it would need an ARP entry
/// made by hand. The second step has an address, and a source port that differs by firmware (EDK2
/// asks from 4011, iPXE from 68).
pub(crate) fn destination(port: Port, request: &Request, from: SocketAddrV4) -> SocketAddrV4 {
    match port {
        Port::Bootps => SocketAddrV4::new(Ipv4Addr::BROADCAST, 68),
        Port::Pxe if from.ip().is_unspecified() => SocketAddrV4::new(request.ciaddr, from.port()),
        Port::Pxe => from,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::policy::BootStep;
    use crate::dhcp::decide::{Decision, Facts, decide};
    use crate::dhcp::packets::{self, Build};
    use crate::dhcp::request::parse;
    use dhcproto::v4::OptionCode;
    use dhcproto::{Decodable, Decoder};

    const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

    fn reply_to(port: Port, packet: &[u8]) -> Option<Vec<u8>> {
        let request = parse(packet).ok()?;
        let facts = Facts {
            port,
            server: SERVER,
            http_port: 8067,
            tftp: true,
            step: BootStep::Agent,
            ready: true,
        };
        let (kind, answer) = match decide(&request, &facts) {
            Decision::Silent(_) => return None,
            Decision::Offer(answer) => (Kind::Offer, answer),
            Decision::Ack(answer) => (Kind::Ack, answer),
        };
        Some(encode(&request, kind, &answer, SERVER).unwrap())
    }

    fn decoded(bytes: &[u8]) -> Message {
        Message::decode(&mut Decoder::new(bytes)).unwrap()
    }

    #[test]
    fn replies_are_those_kept_in_the_golden_files() {
        let bios = Build::discover()
            .option(60, b"PXEClient:Arch:00000:UNDI:002001")
            .option(93, &[0, 0])
            .option(97, &[0; 17])
            .packet();
        let table = [
            (
                "ovmf-discover",
                Port::Bootps,
                packets::ovmf_discover(),
                include_str!("../../tests/data/dhcp/ovmf-discover.reply.hex"),
            ),
            (
                "ovmf-request-4011",
                Port::Pxe,
                packets::ovmf_request_4011(),
                include_str!("../../tests/data/dhcp/ovmf-request-4011.reply.hex"),
            ),
            (
                "ovmf-http-discover",
                Port::Bootps,
                packets::ovmf_http_discover(),
                include_str!("../../tests/data/dhcp/ovmf-http-discover.reply.hex"),
            ),
            (
                "ipxe-discover",
                Port::Bootps,
                packets::ipxe_discover(),
                include_str!("../../tests/data/dhcp/ipxe-discover.reply.hex"),
            ),
            (
                "bios",
                Port::Bootps,
                bios,
                include_str!("../../tests/data/dhcp/bios.reply.hex"),
            ),
        ];
        for (name, port, packet, golden) in table {
            let reply = reply_to(port, &packet).unwrap();
            assert_eq!(
                packets::hex(&reply),
                packets::hex(&packets::unhex(golden)),
                "{name}"
            );
        }
    }

    #[test]
    fn a_reply_says_what_firmware_looks_for() {
        let reply = reply_to(Port::Pxe, &packets::ovmf_request_4011()).unwrap();
        assert_eq!(reply.len(), SHORTEST);
        let message = decoded(&reply);
        assert_eq!(message.opcode(), Opcode::BootReply);
        assert_eq!(message.yiaddr(), Ipv4Addr::UNSPECIFIED);
        assert_eq!(message.siaddr(), SERVER);
        assert_eq!(
            message.fname(),
            Some(b"b/525400123456/snponly.efi\0".as_slice())
        );
        let options = message.opts();
        assert_eq!(
            options.get(OptionCode::ServerIdentifier),
            Some(&DhcpOption::ServerIdentifier(SERVER))
        );
        assert_eq!(
            options.get(OptionCode::ClassIdentifier),
            Some(&DhcpOption::ClassIdentifier(b"PXEClient".to_vec()))
        );
        assert_eq!(
            options.get(OptionCode::ClientMachineIdentifier),
            Some(&DhcpOption::ClientMachineIdentifier(vec![0; 17]))
        );
        assert_eq!(options.get(OptionCode::VendorExtensions), None);
    }

    #[test]
    fn the_second_step_is_answered_where_it_came_from() {
        let request = parse(&packets::ovmf_request_4011()).unwrap();
        let at = |port: Port, from: &str| destination(port, &request, from.parse().unwrap());
        assert_eq!(
            at(Port::Bootps, "0.0.0.0:68").to_string(),
            "255.255.255.255:68"
        );
        assert_eq!(
            at(Port::Pxe, "10.77.0.50:4011").to_string(),
            "10.77.0.50:4011"
        );
        assert_eq!(at(Port::Pxe, "10.77.0.50:68").to_string(), "10.77.0.50:68");
        assert_eq!(at(Port::Pxe, "0.0.0.0:4011").to_string(), "10.77.0.50:4011");
    }

    /// Good packets, changed at random places: whatever comes, no panic, and every answer can be
    /// read by another implementation.
    #[test]
    fn mutated_packets_never_panic() {
        let mut seed = 0x9e37_79b9_7f4a_7c15u64;
        let mut random = move |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            usize::try_from(seed % u64::try_from(below).unwrap()).unwrap()
        };
        let good = packets::all();
        let mut answered = 0;
        for _ in 0..50_000 {
            let mut packet = good[random(good.len())].clone();
            for _ in 0..=random(6) {
                match random(4) {
                    0 => packet.truncate(random(packet.len()) + 1),
                    1 => packet.insert(random(packet.len()), u8::try_from(random(256)).unwrap()),
                    _ => {
                        let at = random(packet.len());
                        packet[at] = u8::try_from(random(256)).unwrap();
                    }
                }
            }
            for port in [Port::Bootps, Port::Pxe] {
                if let Some(reply) = reply_to(port, &packet) {
                    assert!(reply.len() >= SHORTEST);
                    assert_eq!(decoded(&reply).siaddr(), SERVER);
                    answered += 1;
                }
            }
        }
        assert!(
            answered > 1000,
            "only {answered} were answered: the mutations are too wild"
        );
    }
}
