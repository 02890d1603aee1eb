//! Writes the reply to a DHCP request, and says where it goes.
//!
//! Written byte by byte, because the order counts: the message type first (old ROMs look no
//! further), a long file name and what the relay added last.

use super::Port;
use super::decide::Answer;
use super::relay;
use super::request::{COOKIE, FIXED, Request};
use std::net::{Ipv4Addr, SocketAddrV4};

/// Some BOOTP-era ROMs drop shorter messages; dnsmasq pads to the same.
const SHORTEST: usize = 300;
/// What every client takes (RFC 2131 §2: 576 bytes of IP datagram, less its headers). Option 57 may
/// ask for less or promise 65280, as OVMF does; nothing we send needs more.
const LONGEST: usize = 548;
/// `file` is 128 bytes with its NUL.
const LONGEST_FILE: usize = 127;
/// What option 67 holds with the NUL that EDK2 writes itself if it is not there, over the tag of
/// the next option of its copy.
const LONGEST_OPTION: usize = 254;

/// Option 43: sub-option 6 (discovery control) = 8, "boot the file of this offer", then END.
const STRAIGHT_BOOT: [u8; 4] = [6, 1, 8, 255];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Offer,
    Ack,
    /// Of a server that gives addresses: "not that one".
    Nak,
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Kind::Offer => 2,
            Kind::Ack => 5,
            Kind::Nak => 6,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "write a DHCP reply: the boot file {0:?} is longer than 254 bytes; give it a shorter path"
    )]
    FileTooLong(String),
}

/// The reply, 300 bytes at least. What a relay added (option 82) is given back as it came, last;
/// it and option 97 are left out where they would make the message longer than every client takes.
pub(crate) fn encode(
    request: &Request,
    kind: Kind,
    answer: &Answer,
    server: Ipv4Addr,
) -> Result<Vec<u8>, Error> {
    let file = answer.file.as_deref().unwrap_or_default().as_bytes();
    if file.len() > LONGEST_OPTION || file.contains(&0) {
        return Err(Error::FileTooLong(
            String::from_utf8_lossy(file).into_owned(),
        ));
    }
    let (in_header, in_option) = match file.len() {
        0..=LONGEST_FILE => (file, None),
        _ => (&[][..], Some([file, &[0]].concat())),
    };
    let mut reply = Reply(Vec::with_capacity(SHORTEST));
    reply.header(request, server, in_header);
    reply.option(53, &[kind.code()]);
    // Without it the client broadcasts its second step to 4011 instead of asking us.
    reply.option(54, &identity(request, server).octets());
    reply.option(60, answer.class.as_bytes());
    if answer.straight_boot {
        reply.option(43, &STRAIGHT_BOOT);
    }
    let behind = in_option.as_ref().map_or(0, |file| file.len() + 2) + 1;
    let relay_len = length(&request.relay_info);
    if reply.0.len() + length(&request.machine_id) + relay_len + behind <= LONGEST {
        reply.option(97, &request.machine_id);
    }
    if let Some(file) = &in_option {
        reply.option(67, file);
    }
    if reply.0.len() + relay_len < LONGEST {
        reply.option(82, &request.relay_info);
    }
    reply.0.push(255);
    if reply.0.len() < SHORTEST {
        reply.0.resize(SHORTEST, 0);
    }
    Ok(reply.0)
}

/// What option 54 says: ours, or the relay's if it wants to stand between (RFC 5107). Whether a
/// relay stands there is said by `giaddr`; a machine cannot say it for itself.
fn identity(request: &Request, server: Ipv4Addr) -> Ipv4Addr {
    if request.giaddr.is_unspecified() {
        return server;
    }
    relay::read(&request.relay_info).server.unwrap_or(server)
}

/// An answer of the server that gives addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// What it is given; unspecified when it has one from elsewhere (INFORM).
    pub(crate) address: Ipv4Addr,
    /// Those needed most first.
    pub(crate) options: Vec<(u8, Vec<u8>)>,
    /// It asked to be done in one exchange.
    pub(crate) rapid: bool,
}

/// An address with all that goes with it, and the loader in the same message if it boots; what
/// does not fit the client's longest message is left out, from the end.
pub(crate) fn encode_terms(
    request: &Request,
    kind: Kind,
    terms: &Terms,
    boots: Option<&Answer>,
    server: Ipv4Addr,
) -> Vec<u8> {
    let file = boots
        .and_then(|answer| answer.file.as_deref())
        .unwrap_or_default();
    let file = Some(file.as_bytes())
        .filter(|file| file.len() <= LONGEST_OPTION && !file.contains(&0))
        .unwrap_or_default();
    let (in_header, in_option) = match file.len() {
        0..=LONGEST_FILE => (file, &[][..]),
        _ => (&[][..], file),
    };
    let mut reply = Reply(Vec::with_capacity(SHORTEST));
    // `siaddr` is where the loader is; a system reads it as the name of a boot server.
    let files_from = boots.map(|_| server);
    let ciaddr = match kind {
        Kind::Offer => Ipv4Addr::UNSPECIFIED,
        _ => request.ciaddr,
    };
    reply.lease_header(request, ciaddr, terms.address, files_from, in_header);
    reply.option(53, &[kind.code()]);
    reply.option(54, &identity(request, server).octets());
    if terms.rapid {
        reply.0.extend_from_slice(&[80, 0]);
    }
    let longest = longest(request);
    let relay_len = length(&request.relay_info);
    let room = longest.saturating_sub(relay_len + 1);
    let add = |reply: &mut Reply, code: u8, value: &[u8]| {
        if reply.0.len() + length(value) <= room {
            reply.option(code, value);
        }
    };
    if let Some(answer) = boots {
        add(&mut reply, 60, answer.class.as_bytes());
        if answer.straight_boot {
            add(&mut reply, 43, &STRAIGHT_BOOT);
        }
        // Where nothing else says that this is a boot, every place where one looks for the file names it.
        let plain = answer.class.is_empty() && !in_header.is_empty();
        if plain {
            add(&mut reply, 67, &[in_header, &[0]].concat());
        }
        if !in_option.is_empty() {
            add(&mut reply, 67, &[in_option, &[0]].concat());
        }
        if answer.class != "HTTPClient" && !in_header.is_empty() {
            // Old ROMs read only the fields, some loaders only the options.
            add(&mut reply, 66, server.to_string().as_bytes());
        }
    }
    // RFC 6842: who names itself is named back.
    add(&mut reply, 61, &request.client_id);
    for (code, value) in &terms.options {
        add(&mut reply, *code, value);
    }
    if boots.is_some() {
        add(&mut reply, 97, &request.machine_id);
    }
    // RFC 3011: only who honoured it says so.
    if let Some(subnet) = request.chosen_subnet() {
        add(&mut reply, 118, &subnet.octets());
    }
    reply.end(request, longest)
}

/// "Not that address": broadcast, also by a relay, because the client has none it may use.
pub(crate) fn encode_nak(request: &Request, server: Ipv4Addr, why: &str) -> Vec<u8> {
    let mut reply = Reply(Vec::with_capacity(SHORTEST));
    let none = Ipv4Addr::UNSPECIFIED;
    reply.lease_header(request, none, none, None, &[]);
    reply.0[10] |= 0x80;
    reply.option(53, &[Kind::Nak.code()]);
    reply.option(54, &identity(request, server).octets());
    let why = why.as_bytes();
    reply.option(56, why.get(..100).unwrap_or(why));
    let mut own = request.client_id.clone();
    own.truncate(255);
    reply.option(61, &own);
    reply.end(request, LONGEST)
}

/// What the client takes: what every client does, or what it says up to an Ethernet frame.
fn longest(request: &Request) -> usize {
    let wish = usize::from(request.max_size.unwrap_or_default());
    wish.saturating_sub(28).clamp(LONGEST, 1472)
}

/// Where an answer with an address goes (RFC 2131 §4.1): the relay; whoever has an address already;
/// else everybody, because nobody answers yet for the address that is given.
pub(crate) fn lease_destination(kind: Kind, request: &Request) -> SocketAddrV4 {
    if !request.giaddr.is_unspecified() {
        return SocketAddrV4::new(request.giaddr, 67);
    }
    match kind {
        Kind::Ack if relay::is_host(&request.ciaddr) => SocketAddrV4::new(request.ciaddr, 68),
        _ => SocketAddrV4::new(Ipv4Addr::BROADCAST, 68),
    }
}

/// The bytes an option takes, cut as RFC 3396 wants.
fn length(value: &[u8]) -> usize {
    value.len() + 2 * value.len().div_ceil(255)
}

struct Reply(Vec<u8>);

impl Reply {
    fn header(&mut self, request: &Request, server: Ipv4Addr, file: &[u8]) {
        let bytes = &mut self.0;
        bytes.extend_from_slice(&[2, 1, 6, 0]);
        bytes.extend_from_slice(&request.xid);
        bytes.extend_from_slice(&request.secs.to_be_bytes());
        // Relays unicast an answer without this flag to `yiaddr`, and a proxy's is 0: only a
        // broadcast arrives.
        let broadcast = request.broadcast || request.ciaddr.is_unspecified();
        bytes.extend_from_slice(&[if broadcast { 0x80 } else { 0 }, 0]);
        bytes.extend_from_slice(&request.ciaddr.octets());
        // A proxy gives no address.
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&server.octets());
        bytes.extend_from_slice(&request.giaddr.octets());
        bytes.extend_from_slice(&request.mac.0);
        bytes.resize(44, 0);
        bytes.extend_from_slice(server.to_string().as_bytes());
        bytes.resize(108, 0);
        bytes.extend_from_slice(file);
        bytes.resize(FIXED, 0);
        bytes.extend_from_slice(&COOKIE);
    }

    fn lease_header(
        &mut self,
        request: &Request,
        ciaddr: Ipv4Addr,
        yiaddr: Ipv4Addr,
        files_from: Option<Ipv4Addr>,
        file: &[u8],
    ) {
        let bytes = &mut self.0;
        bytes.extend_from_slice(&[2, 1, 6, 0]);
        bytes.extend_from_slice(&request.xid);
        bytes.extend_from_slice(&[0, 0, if request.broadcast { 0x80 } else { 0 }, 0]);
        bytes.extend_from_slice(&ciaddr.octets());
        bytes.extend_from_slice(&yiaddr.octets());
        let siaddr = files_from.unwrap_or(Ipv4Addr::UNSPECIFIED);
        bytes.extend_from_slice(&siaddr.octets());
        bytes.extend_from_slice(&request.giaddr.octets());
        bytes.extend_from_slice(&request.mac.0);
        bytes.resize(108, 0);
        bytes.extend_from_slice(file);
        bytes.resize(FIXED, 0);
        bytes.extend_from_slice(&COOKIE);
    }

    /// What the relay added, last; then padding.
    fn end(mut self, request: &Request, longest: usize) -> Vec<u8> {
        if self.0.len() + length(&request.relay_info) < longest {
            self.option(82, &request.relay_info);
        }
        self.0.push(255);
        if self.0.len() < SHORTEST {
            self.0.resize(SHORTEST, 0);
        }
        self.0
    }

    /// Nothing for an empty value; in several parts when it is longer than one holds (RFC 3396).
    fn option(&mut self, code: u8, value: &[u8]) {
        for part in value.chunks(255) {
            self.0.push(code);
            self.0.push(u8::try_from(part.len()).unwrap_or(u8::MAX));
            self.0.extend_from_slice(part);
        }
    }
}

/// RFC 2131 §4.1: the relay, else the machine's own address, else everybody: the machine has no
/// address yet, and unicast to it would need an ARP entry made by hand. On 4011 it has one, and a
/// source port that differs by firmware (EDK2 asks from 4011, iPXE from 68).
pub(crate) fn destination(port: Port, request: &Request, from: SocketAddrV4) -> SocketAddrV4 {
    match port {
        Port::Pxe if !relay::is_host(from.ip()) => SocketAddrV4::new(request.ciaddr, from.port()),
        Port::Pxe => from,
        Port::Bootps if !request.giaddr.is_unspecified() => SocketAddrV4::new(request.giaddr, 67),
        Port::Bootps if relay::is_host(&request.ciaddr) => SocketAddrV4::new(request.ciaddr, 68),
        Port::Bootps => SocketAddrV4::new(Ipv4Addr::BROADCAST, 68),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::policy::BootStep;
    use crate::dhcp::decide::{Decision, Facts, decide};
    use crate::dhcp::packets::{self, Build};
    use crate::dhcp::request::parse;
    use dhcproto::v4::{DhcpOption, Message, Opcode, OptionCode};
    use dhcproto::{Decodable, Decoder};

    const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

    fn reply_to(port: Port, packet: &[u8]) -> Option<Vec<u8>> {
        let request = parse(packet).ok()?;
        let facts = Facts {
            uefi_loader: crate::boot::path::BootFile::SnpOnly,
            port,
            gives: false,
            to_us: false,
            from: Ipv4Addr::UNSPECIFIED,
            server: SERVER,
            http_port: 8067,
            tftp: true,
            step: BootStep::Agent,
            ready: true,
            way: None,
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

    /// `UPDATE_GOLDEN=1` writes them anew.
    #[test]
    fn replies_are_those_kept_in_the_golden_files() {
        let bios = Build::discover()
            .option(60, b"PXEClient:Arch:00000:UNDI:002001")
            .option(93, &[0, 0])
            .option(97, &[0; 17])
            .packet();
        let relayed = relayed(b"\x01\x07Gi1/0/3\x0b\x04\x0a\x50\x00\xfe")
            .option(97, &[0; 17])
            .packet();
        let table = [
            ("relayed", Port::Bootps, relayed),
            ("ovmf-discover", Port::Bootps, packets::ovmf_discover()),
            ("ovmf-request-4011", Port::Pxe, packets::ovmf_request_4011()),
            (
                "ovmf-http-discover",
                Port::Bootps,
                packets::ovmf_http_discover(),
            ),
            ("ipxe-discover", Port::Bootps, packets::ipxe_discover()),
            ("bios", Port::Bootps, bios),
            (
                "udhcpc-pxe-discover",
                Port::Bootps,
                packets::udhcpc_pxe_discover(),
            ),
            (
                "perfdhcp-discover",
                Port::Bootps,
                packets::perfdhcp_discover(),
            ),
        ];
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dhcp");
        for (name, port, packet) in table {
            let reply = packets::hex(&reply_to(port, &packet).unwrap());
            let path = folder.join(format!("{name}.reply.hex"));
            let mut golden = std::fs::read_to_string(&path).unwrap_or_default();
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                let remarks = golden.lines().filter(|line| line.starts_with('#'));
                let remarks: String = remarks.map(|line| format!("{line}\n")).collect();
                golden = remarks + &reply;
                std::fs::write(&path, &golden).unwrap();
            }
            let golden = packets::hex(&packets::unhex(&golden));
            assert_eq!(reply, golden, "{name}");
        }
    }

    /// What the server role says: each packet of a real client, and what it is given.
    fn lease_for(packet: &[u8]) -> Vec<u8> {
        let request = parse(packet).unwrap();
        let subnet = config::Subnet {
            network: [10, 77, 0, 0].into(),
            prefix: 24,
            ranges: Vec::new(),
            exclude: Vec::new(),
            lease: std::time::Duration::from_secs(28_800),
            told: config::Told {
                router: vec![[10, 77, 0, 1].into()],
                dns: vec![SERVER, [9, 9, 9, 9].into()],
                domain: Some("lan.example".into()),
                search: vec!["lan.example".into()],
                ..config::Told::default()
            },
            authoritative: true,
        };
        let dhcp = config::Dhcp::default();
        let lease = Some(subnet.lease);
        let terms = Terms {
            address: [10, 77, 0, 100].into(),
            options: crate::dhcp::lease::options::options(&request, &dhcp, &subnet, lease, None),
            rapid: false,
        };
        let facts = Facts {
            uefi_loader: crate::boot::path::BootFile::SnpOnly,
            port: Port::Bootps,
            gives: true,
            to_us: false,
            from: Ipv4Addr::UNSPECIFIED,
            server: SERVER,
            http_port: 8067,
            tftp: true,
            step: BootStep::Agent,
            ready: true,
            way: None,
        };
        let boots = match decide(&request, &facts) {
            Decision::Offer(answer) | Decision::Ack(answer) => Some(answer),
            Decision::Silent(_) => None,
        };
        encode_terms(&request, Kind::Offer, &terms, boots.as_ref(), SERVER)
    }

    #[test]
    fn offers_with_an_address_are_those_kept_in_the_golden_files() {
        let bios = Build::discover()
            .option(60, b"PXEClient:Arch:00000:UNDI:002001")
            .option(93, &[0, 0])
            .option(97, &[0; 17])
            .packet();
        let relayed = relayed(b"\x01\x07Gi1/0/3\x0b\x04\x0a\x50\x00\xfe").packet();
        let table = [
            ("relayed", relayed),
            ("bios", bios),
            ("ovmf-discover", packets::ovmf_discover()),
            ("ovmf-http-discover", packets::ovmf_http_discover()),
            ("ipxe-discover", packets::ipxe_discover()),
            ("windows-discover", packets::windows_discover()),
            ("udhcpc-discover", packets::udhcpc_discover()),
            ("dhclient-discover", packets::dhclient_discover()),
            ("nmap-discover", packets::nmap_discover()),
        ];
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dhcp");
        for (name, packet) in table {
            let bytes = lease_for(&packet);
            let message = decoded(&bytes);
            assert_eq!(message.yiaddr(), Ipv4Addr::new(10, 77, 0, 100), "{name}");
            assert!(bytes.len() <= LONGEST, "{name}: {} bytes", bytes.len());
            let boots = !message.siaddr().is_unspecified();
            let system = name.starts_with("windows") || name.starts_with("udhcpc");
            assert!(!(boots && system), "{name} is told a boot server");
            let reply = packets::hex(&bytes);
            let path = folder.join(format!("{name}.lease.hex"));
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::write(&path, &reply).unwrap();
            }
            let golden = std::fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(reply, golden, "{name}");
        }
    }

    #[test]
    fn the_network_that_was_asked_for_is_said_back_only_where_it_was_given() {
        let asked = Build::discover().option(118, &[10, 82, 0, 0]);
        let relayed = asked.clone().giaddr([10, 80, 0, 1]);
        let link = b"\x05\x04\x0a\x51\x00\x00";
        let table = [
            (
                "not asked for",
                Build::discover().giaddr([10, 80, 0, 1]),
                false,
            ),
            ("on our wire", asked, false),
            ("by a relay", relayed.clone(), true),
            (
                "by a relay that knows better",
                relayed.option(82, link),
                false,
            ),
        ];
        for (name, build, said) in table {
            let request = parse(&build.packet()).expect(name);
            let terms = Terms {
                address: [10, 82, 0, 100].into(),
                options: Vec::new(),
                rapid: false,
            };
            let message = decoded(&encode_terms(&request, Kind::Offer, &terms, None, SERVER));
            let found = message.opts().get(OptionCode::SubnetSelection).is_some();
            assert_eq!(found, said, "{name}");
        }
    }

    #[test]
    fn an_answer_without_pxe_names_the_file_wherever_one_looks_for_it() {
        let request = parse(&packets::ovmf_discover()).unwrap();
        let terms = Terms {
            address: [10, 77, 0, 100].into(),
            options: Vec::new(),
            rapid: false,
        };
        let answer = Answer {
            class: "",
            file: Some("b/525400123456/snponly.efi".into()),
            straight_boot: false,
        };
        let bytes = encode_terms(&request, Kind::Ack, &terms, Some(&answer), SERVER);
        let message = decoded(&bytes);
        assert_eq!(message.siaddr(), SERVER);
        let file = b"b/525400123456/snponly.efi".as_slice();
        assert_eq!(message.fname(), Some([file, &[0]].concat().as_slice()));
        let option = |code| message.opts().get(code).cloned();
        assert_eq!(option(OptionCode::ClassIdentifier), None);
        assert_eq!(option(OptionCode::VendorExtensions), None);
        let nul = [file, &[0]].concat();
        assert_eq!(
            option(OptionCode::BootfileName),
            Some(DhcpOption::BootfileName(nul))
        );
        let server = SERVER.to_string().into_bytes();
        assert_eq!(
            option(OptionCode::TFTPServerName),
            Some(DhcpOption::TFTPServerName(server))
        );
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_a_refusal_has_no_address() {
        let request = parse(&packets::windows_discover()).unwrap();
        let terms = |options: Vec<(u8, Vec<u8>)>| Terms {
            address: [10, 77, 0, 100].into(),
            options,
            rapid: true,
        };
        let long = terms(vec![
            (51, vec![0, 0, 1, 0]),
            (119, vec![b'a'; 250]),
            (15, vec![b'b'; 255]),
            (6, vec![9; 4]),
        ]);
        let bytes = encode_terms(&request, Kind::Ack, &long, None, SERVER);
        assert!(bytes.len() <= LONGEST, "{}", bytes.len());
        let message = decoded(&bytes);
        let has = |code: OptionCode| message.opts().get(code).is_some();
        assert!(has(OptionCode::AddressLeaseTime) && has(OptionCode::DomainNameServer));
        assert!(!has(OptionCode::DomainName), "it did not fit");
        let nak = decoded(&encode_nak(&request, SERVER, "no"));
        assert_eq!(nak.yiaddr(), Ipv4Addr::UNSPECIFIED);
        assert_eq!(nak.opts().get(OptionCode::AddressLeaseTime), None);
        assert!(nak.flags().broadcast(), "it has no address it may use");
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
            at(Port::Pxe, "10.77.0.50:4011").to_string(),
            "10.77.0.50:4011"
        );
        assert_eq!(at(Port::Pxe, "10.77.0.50:68").to_string(), "10.77.0.50:68");
        assert_eq!(at(Port::Pxe, "0.0.0.0:4011").to_string(), "10.77.0.50:4011");
    }

    fn relayed(option_82: &[u8]) -> Build {
        Build::discover()
            .giaddr([10, 80, 0, 1])
            .option(60, b"PXEClient:Arch:00007:UNDI:003000")
            .option(93, &[0, 7])
            .option(82, option_82)
    }

    #[test]
    fn what_a_relay_added_comes_back_last_and_unchanged() {
        // Sub-options no library knows, one that runs past the end, and the longest there is.
        for info in [b"\x01\x07Gi1/0/3\x97\x02ab\x09\xffx".to_vec(), vec![0; 255]] {
            let reply = reply_to(Port::Bootps, &relayed(&info).packet()).unwrap();
            let tail = [&[82, u8::try_from(info.len()).unwrap()], &*info, &[255]].concat();
            let end = reply.iter().rposition(|byte| *byte != 0).unwrap() + 1;
            assert!(reply[..end].ends_with(&tail), "{reply:x?}");
            let message = decoded(&reply);
            assert_eq!(message.giaddr(), Ipv4Addr::new(10, 80, 0, 1));
            assert_eq!(reply[10], 0x80, "the relay has to broadcast it");
        }
        // Many times over: it does not fit any more, and the rest of the answer goes without it.
        let mut flood = relayed(&[7; 255]);
        for _ in 0..6 {
            flood = flood.option(82, &[7; 255]).option(97, &[9; 255]);
        }
        let reply = reply_to(Port::Bootps, &flood.packet()).unwrap();
        assert!(reply.len() <= LONGEST, "{}", reply.len());
        assert_eq!(decoded(&reply).siaddr(), SERVER);
    }

    #[test]
    fn a_relay_that_stands_between_is_named_as_the_server() {
        let override_server = b"\x0b\x04\x0a\x50\x00\xfe";
        let identity = |packet: &[u8]| {
            let message = decoded(&reply_to(Port::Bootps, packet).unwrap());
            assert_eq!(message.siaddr(), SERVER, "files come from us");
            match message.opts().get(OptionCode::ServerIdentifier) {
                Some(DhcpOption::ServerIdentifier(address)) => *address,
                other => panic!("{other:?}"),
            }
        };
        let relayed = relayed(override_server);
        assert_eq!(identity(&relayed.packet()), Ipv4Addr::new(10, 80, 0, 254));
        let direct = relayed.giaddr([0; 4]);
        assert_eq!(identity(&direct.packet()), SERVER);
    }

    #[test]
    fn a_long_file_name_ends_with_its_own_nul() {
        let request = parse(&packets::ovmf_discover()).unwrap();
        let with = |len: usize| {
            let answer = Answer {
                class: "HTTPClient",
                file: Some("u".repeat(len)),
                straight_boot: false,
            };
            encode(&request, Kind::Offer, &answer, SERVER)
        };
        let reply = with(LONGEST_FILE).unwrap();
        assert_eq!(decoded(&reply).opts().get(OptionCode::BootfileName), None);
        let reply = with(LONGEST_FILE + 1).unwrap();
        let option = [&[67, 129], &[b'u'; 128][..], &[0, 255]].concat();
        let end = reply.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        assert!(reply[..end].ends_with(&option));
        assert!(with(LONGEST_OPTION).is_ok());
        assert!(with(LONGEST_OPTION + 1).is_err());
    }

    #[test]
    fn offers_go_where_rfc_2131_says() {
        let at = |build: &Build, from: &str| {
            let request = parse(&build.packet()).unwrap();
            destination(Port::Bootps, &request, from.parse().unwrap()).to_string()
        };
        let bare = Build::discover();
        assert_eq!(at(&bare, "0.0.0.0:68"), "255.255.255.255:68");
        assert_eq!(
            at(&bare.giaddr([10, 80, 0, 1]), "10.80.0.9:4000"),
            "10.80.0.1:67"
        );
        assert_eq!(
            at(&bare.ciaddr([10, 77, 0, 50]), "10.77.0.50:68"),
            "10.77.0.50:68"
        );
        let everybody = bare.ciaddr([224, 0, 0, 1]);
        assert_eq!(at(&everybody, "0.0.0.0:68"), "255.255.255.255:68");
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
