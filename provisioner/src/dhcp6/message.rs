//! Reads a machine's DHCPv6 message from raw bytes: any bytes, without a panic.

use super::relay::{self, Hop};
use super::{
    ARCHS, BOOT_URL, CLIENT_ID, ELAPSED, IA_NA, SERVER_ID, Truncated, USER_CLASS, VENDOR_CLASS,
    WISHES, options,
};
use crate::boot::client::{self, Client, Signs};
use crate::{Mac, flight};

/// RFC 8415 §11.1: two bytes of type and 128 more.
const LONGEST_ID: usize = 130;
const MOST_ARCHS: usize = 32;
/// Associations for addresses that are answered one by one; firmware has one.
const MOST_ASSOCIATIONS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageType {
    Solicit,
    Request,
    /// INFORMATION-REQUEST: it has an address, and wants the rest.
    Information,
    /// Renewals, releases: none of a boot server's business.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// The relays it came through, the last one first.
    pub(super) hops: Vec<Hop>,
    pub(super) message: MessageType,
    pub(super) xid: [u8; 3],
    /// Option 1, to be given back.
    pub(super) client: Vec<u8>,
    /// Option 2: the server it chose.
    pub(super) server: Option<Vec<u8>>,
    /// The names of the associations it wants addresses for (option 3).
    pub(super) associations: Vec<[u8; 4]>,
    /// How long it has been asking.
    pub(super) secs: u16,
    /// Option 61.
    pub(super) archs: Vec<u16>,
    /// The first class of option 16; where a client that says its architecture and asks for a URL
    /// has none, the one that its architecture means.
    vendor_class: Vec<u8>,
    ipxe: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub(super) enum Malformed {
    #[error("it is shorter than a DHCPv6 message")]
    Short,
    #[error("it is a server's message")]
    NotARequest,
    #[error("an option runs past the end")]
    Truncated,
    #[error("it came through more than eight relays")]
    TooManyRelays,
    #[error("a relay sent nothing in it")]
    NothingRelayed,
    #[error("its client identifier is none")]
    BadClient,
}

impl Malformed {
    /// Under which the console's catalogues have its sentence.
    pub(super) fn code(self) -> &'static str {
        match self {
            Malformed::Short => "short",
            Malformed::NotARequest => "not_a_request",
            Malformed::Truncated => "truncated",
            Malformed::TooManyRelays => "too_many_relays",
            Malformed::NothingRelayed => "nothing_relayed",
            Malformed::BadClient => "bad_client",
        }
    }
}

impl From<Truncated> for Malformed {
    fn from(_: Truncated) -> Malformed {
        Malformed::Truncated
    }
}

pub(super) fn parse(packet: &[u8]) -> Result<Request, Malformed> {
    let (hops, message) = relay::unwrap(packet)?;
    let (head, tail) = message.split_at_checked(4).ok_or(Malformed::Short)?;
    let mut request = Request {
        hops,
        message: match head[0] {
            1 => MessageType::Solicit,
            3 => MessageType::Request,
            11 => MessageType::Information,
            // ADVERTISE, REPLY, RECONFIGURE, RELAY-REPL.
            2 | 7 | 10 | 13 => return Err(Malformed::NotARequest),
            _ => MessageType::Other,
        },
        xid: [head[1], head[2], head[3]],
        client: Vec::new(),
        server: None,
        associations: Vec::new(),
        secs: 0,
        archs: Vec::new(),
        vendor_class: Vec::new(),
        ipxe: false,
    };
    let mut wants_url = false;
    for option in options(tail) {
        let (code, value) = option?;
        match code {
            CLIENT_ID if request.client.is_empty() => request.client = value.to_vec(),
            SERVER_ID if request.server.is_none() => request.server = Some(value.to_vec()),
            IA_NA if request.associations.len() < MOST_ASSOCIATIONS => {
                let name = value.first_chunk::<4>();
                request.associations.extend(name);
            }
            WISHES => wants_url |= numbers(value).any(|code| code == BOOT_URL),
            // In hundredths of a second.
            ELAPSED => request.secs = numbers(value).next().unwrap_or(0) / 100,
            USER_CLASS => request.ipxe |= is_ipxe(value),
            VENDOR_CLASS if request.vendor_class.is_empty() => {
                // The maker's number first (RFC 8415 §21.16).
                let classes = value.get(4..).unwrap_or_default();
                request.vendor_class = parts(classes).next().unwrap_or_default().to_vec();
            }
            ARCHS if request.archs.is_empty() => {
                request.archs = numbers(value).take(MOST_ARCHS).collect();
            }
            _ => {}
        }
    }
    if !(3..=LONGEST_ID).contains(&request.client.len()) {
        return Err(Malformed::BadClient);
    }
    if wants_url && request.vendor_class.is_empty() && !request.archs.is_empty() {
        let http = client::offers_http(&request.archs);
        let class: &[u8] = if http { b"HTTPClient" } else { b"PXEClient" };
        request.vendor_class = class.to_vec();
    }
    Ok(request)
}

impl Request {
    /// What kind of client it is; `mac` where it is known.
    pub(super) fn client_kind(&self, mac: Mac) -> Client {
        client::classify(&Signs {
            mac,
            vendor_class: &self.vendor_class,
            user_class: if self.ipxe { b"iPXE" } else { b"" },
            ipxe_options: false,
            archs: &self.archs,
            machine_id: &[],
        })
    }

    /// As a step of the machine's flight.
    pub(super) fn step(&self, port: u16, mac: Mac) -> flight::Step {
        flight::asked_six(
            port,
            match self.message {
                MessageType::Solicit => flight::Message::Discover,
                MessageType::Request => flight::Message::Request,
                MessageType::Information => flight::Message::Inform,
                MessageType::Other => flight::Message::Other,
            },
            self.client_kind(mac),
            self.archs.first().copied(),
            self.secs,
            u32::from_be_bytes([0, self.xid[0], self.xid[1], self.xid[2]]),
        )
    }
}

fn numbers(value: &[u8]) -> impl Iterator<Item = u16> {
    value
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
}

/// Parts with two bytes of length each, as far as they are whole.
fn parts(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = value;
    std::iter::from_fn(move || {
        let (len, tail) = rest.split_at_checked(2)?;
        let len = usize::from(u16::from_be_bytes([len[0], len[1]]));
        let (part, next) = tail.split_at_checked(len)?;
        rest = next;
        Some(part)
    })
}

/// With its length (RFC 8415 §21.15), or without as iPXE does in DHCPv4.
fn is_ipxe(value: &[u8]) -> bool {
    let is = |class: &[u8]| class == b"iPXE" || class == b"gPXE";
    is(value) || parts(value).any(is)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::client::Unsupported;
    use crate::dhcp6::packets::{self, Build};

    const PC: Mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]);

    #[test]
    fn each_client_is_told_by_what_it_says() {
        let client = |packet: &[u8]| parse(packet).unwrap().client_kind(PC);
        let id = |build: Build| build.option(1, &[0, 3, 0, 1, 2, 0, 0, 0, 0, 1]);
        let ipxe = |class: &[u8]| {
            id(Build::new(1))
                .option(15, class)
                .option(16, b"\0\0\x01\x57\0\x20PXEClient:Arch:00007:UNDI:003010")
                .option(61, &[0, 7])
        };
        let table = [
            ("OVMF PXE", packets::ovmf_solicit(), Client::Uefi),
            (
                "OVMF HTTP Boot",
                packets::ovmf_http_solicit(),
                Client::UefiHttp,
            ),
            (
                "OVMF's own address",
                packets::ovmf_address_solicit(),
                Client::NotBooting,
            ),
            ("iPXE", ipxe(b"\0\x04iPXE").0, Client::Ipxe),
            ("iPXE, raw", ipxe(b"iPXE").0, Client::Ipxe),
            (
                "another user class",
                ipxe(b"\0\x03abc\0\xff").0,
                Client::Uefi,
            ),
            (
                "no class, but an architecture and a wish",
                id(Build::new(1)).option(61, &[0, 7]).option(6, &[0, 59]).0,
                Client::Uefi,
            ),
            (
                "the same for HTTP Boot",
                id(Build::new(11))
                    .option(61, &[0, 16])
                    .option(6, &[0, 23, 0, 59])
                    .0,
                Client::UefiHttp,
            ),
            (
                "an architecture without a wish",
                id(Build::new(1)).option(61, &[0, 7]).0,
                Client::NotBooting,
            ),
            (
                "ARM",
                id(Build::new(1)).option(61, &[0, 10]).option(6, &[0, 59]).0,
                Client::Unsupported(Unsupported::Missing(10)),
            ),
            (
                "dhclient",
                id(Build::new(1)).option(6, &[0, 23]).0,
                Client::NotBooting,
            ),
        ];
        for (name, packet, expected) in table {
            assert_eq!(client(&packet), expected, "{name}");
        }
    }

    #[test]
    fn ovmf_s_question_is_read_whole() {
        let request = parse(&packets::ovmf_solicit()).unwrap();
        assert_eq!(request.message, MessageType::Solicit);
        assert_eq!(request.xid, [0x1e, 0xd6, 0x1f]);
        assert_eq!(request.client.len(), 18);
        assert_eq!(request.associations, [[0xba, 0xe6, 0x76, 0xfe]]);
        assert_eq!(request.archs, [7]);
        assert_eq!((request.secs, request.server), (0, None));
        let late = Build::new(1).firmware().option(8, &[1, 0xf4]).0;
        assert_eq!(parse(&late).unwrap().secs, 5);
    }

    #[test]
    fn relays_are_unwrapped_and_what_is_no_question_refused() {
        let solicit = packets::ovmf_solicit();
        let once = packets::relayed(&solicit, b"Gi1/0/3");
        let request = parse(&packets::relayed(&once, b"uplink")).unwrap();
        let names: Vec<_> = request
            .hops
            .iter()
            .map(|hop| hop.interface_id.clone())
            .collect();
        assert_eq!(names, [Some(b"uplink".to_vec()), Some(b"Gi1/0/3".to_vec())]);
        assert_eq!(request.archs, [7]);

        let mut deep = solicit.clone();
        for _ in 0..8 {
            deep = packets::relayed(&deep, b"");
        }
        assert!(parse(&deep).is_ok());
        let deeper = packets::relayed(&deep, b"");
        let mut cut = solicit.clone();
        cut.truncate(solicit.len() - 1);
        let without = Build::new(1).option(61, &[0, 7]).0;
        let table = [
            ("nothing", vec![], Malformed::Short),
            ("three bytes", vec![1, 2, 3], Malformed::Short),
            (
                "an answer",
                Build::new(2).firmware().0,
                Malformed::NotARequest,
            ),
            ("a relay's answer", Build::new(13).0, Malformed::NotARequest),
            ("cut", cut, Malformed::Truncated),
            ("nine relays", deeper, Malformed::TooManyRelays),
            (
                "an empty relay",
                once[..34].to_vec(),
                Malformed::NothingRelayed,
            ),
            ("half a relay", once[..20].to_vec(), Malformed::Short),
            ("nobody", without.clone(), Malformed::BadClient),
            (
                "an endless name",
                Build(without).option(1, &[0; 131]).0,
                Malformed::BadClient,
            ),
        ];
        for (name, packet, expected) in table {
            assert_eq!(parse(&packet), Err(expected), "{name}");
        }
    }
}
