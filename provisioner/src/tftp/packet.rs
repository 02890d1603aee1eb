//! The packets of RFC 1350, read without trust and written.

/// Error codes of RFC 1350.
pub(super) const UNDEFINED: u16 = 0;
pub(super) const NOT_FOUND: u16 = 1;
pub(super) const ACCESS: u16 = 2;
pub(super) const ILLEGAL: u16 = 4;

const READ: u16 = 1;
const WRITE: u16 = 2;
const DATA: u16 = 3;
const ACK: u16 = 4;
const ERROR: u16 = 5;
const OACK: u16 = 6;

/// Before the bytes of a block: operation and block number.
pub(super) const HEADER_BYTES: usize = 4;
/// A message travels to whoever claims to have asked, so it is short.
const LONGEST_MESSAGE: usize = 160;

/// Why a request gets no file: what an ERROR packet carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    code: u16,
    message: String,
}

impl Refusal {
    pub(super) fn new(code: u16, message: impl Into<String>) -> Refusal {
        Refusal {
            code,
            message: message.into(),
        }
    }

    /// Code 1: the path names nothing that is served.
    pub fn not_found() -> Refusal {
        Refusal::new(NOT_FOUND, "file not found; the path is not a boot file")
    }

    /// Code 0, with a sentence for the machine's screen.
    pub fn because(sentence: impl Into<String>) -> Refusal {
        Refusal::new(UNDEFINED, sentence)
    }

    /// The sentence, as the machine may show it.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// An ERROR packet; what is not ASCII becomes `?`, because screens of firmware know no more.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut packet = head(ERROR, self.code).to_vec();
        packet.extend(self.message.chars().take(LONGEST_MESSAGE).map(|c| match c {
            ' '..='~' => u8::try_from(c).unwrap_or(b'?'),
            _ => b'?',
        }));
        packet.push(0);
        packet
    }
}

/// The options of RFC 2348, 2349 and 7440 as asked, unjudged; and `rollover`, which tftp-hpa's
/// server knows. The first of a name counts (RFC 2347); a value that is no number counts as not asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) block_bytes: Option<u64>,
    pub(super) window: Option<u64>,
    pub(super) size: Option<u64>,
    pub(super) timeout_s: Option<u64>,
    pub(super) rollover: Option<u64>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct ReadRequest {
    /// As sent: any slashes, any case.
    pub(super) path: String,
    pub(super) asked: Asked,
}

/// What to do with a packet to the port that takes requests.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    Read(ReadRequest),
    Refused(Refusal),
    /// Not a request. Never answered: two servers would answer each other for ever.
    Stray,
}

pub(super) fn incoming(packet: &[u8]) -> Incoming {
    match packet.split_first_chunk() {
        Some((&operation, rest)) => match u16::from_be_bytes(operation) {
            READ => read_request(rest),
            WRITE => Incoming::Refused(Refusal::new(
                ACCESS,
                "this server only gives boot files; nothing can be written here",
            )),
            _ => Incoming::Stray,
        },
        None => Incoming::Stray,
    }
}

/// The last string may lack its NUL, and NULs may follow: atftpd and tftpd-hpa serve such
/// requests, and ROMs that were only ever tried with those send them.
fn read_request(bytes: &[u8]) -> Incoming {
    let mut strings = bytes.split(|&byte| byte == 0);
    let path = strings.next().unwrap_or_default();
    let mode = strings.next().unwrap_or_default();
    if path.is_empty() {
        return Incoming::Refused(Refusal::new(ILLEGAL, "the request names no file"));
    }
    if mode.eq_ignore_ascii_case(b"netascii") {
        // It would change every line feed of a boot loader.
        let sentence = "netascii mode would damage boot files; ask in octet (binary) mode";
        return Incoming::Refused(Refusal::new(ILLEGAL, sentence));
    }
    if !mode.eq_ignore_ascii_case(b"octet") {
        let sentence = "unknown transfer mode; ask in octet (binary) mode";
        return Incoming::Refused(Refusal::new(ILLEGAL, sentence));
    }
    // No path of ours is anything but ASCII.
    let Ok(path) = std::str::from_utf8(path) else {
        return Incoming::Refused(Refusal::not_found());
    };
    let mut asked = Asked::default();
    while let (Some(name), Some(value)) = (strings.next(), strings.next()) {
        let place = if name.eq_ignore_ascii_case(b"blksize") {
            &mut asked.block_bytes
        } else if name.eq_ignore_ascii_case(b"windowsize") {
            &mut asked.window
        } else if name.eq_ignore_ascii_case(b"tsize") {
            &mut asked.size
        } else if name.eq_ignore_ascii_case(b"timeout") {
            &mut asked.timeout_s
        } else if name.eq_ignore_ascii_case(b"rollover") {
            &mut asked.rollover
        } else {
            continue;
        };
        if place.is_none() {
            *place = number(value);
        }
    }
    Incoming::Read(ReadRequest {
        path: path.to_owned(),
        asked,
    })
}

fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// What a machine says during a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Ack(u16),
    /// Code, and the message made printable.
    Error(u16, String),
    Other,
}

pub(super) fn reply(packet: &[u8]) -> Reply {
    let Some((&[a, b, c, d], rest)) = packet.split_first_chunk() else {
        return Reply::Other;
    };
    let argument = u16::from_be_bytes([c, d]);
    match u16::from_be_bytes([a, b]) {
        ACK => Reply::Ack(argument),
        ERROR => {
            let message = rest
                .iter()
                .take_while(|&&byte| byte != 0)
                .take(LONGEST_MESSAGE)
                .map(|&byte| match byte {
                    b' '..=b'~' => char::from(byte),
                    _ => '?',
                })
                .collect();
            Reply::Error(argument, message)
        }
        _ => Reply::Other,
    }
}

/// Operation and block number before the bytes of a block.
pub(super) fn data_head(number: u16) -> [u8; HEADER_BYTES] {
    head(DATA, number)
}

/// What is granted of what was asked, in RFC 2347's form.
pub(super) fn oack(granted: &[(&str, u64)]) -> Vec<u8> {
    let mut packet = OACK.to_be_bytes().to_vec();
    for (name, value) in granted {
        packet.extend_from_slice(name.as_bytes());
        packet.push(0);
        packet.extend_from_slice(value.to_string().as_bytes());
        packet.push(0);
    }
    packet
}

fn head(operation: u16, argument: u16) -> [u8; HEADER_BYTES] {
    let ([a, b], [c, d]) = (operation.to_be_bytes(), argument.to_be_bytes());
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, asked: Asked) -> Incoming {
        let path = path.to_owned();
        Incoming::Read(ReadRequest { path, asked })
    }

    fn refused(packet: &[u8]) -> (u16, String) {
        match incoming(packet) {
            Incoming::Refused(refusal) => (refusal.code, refusal.message),
            other => panic!("{packet:?} gave {other:?}"),
        }
    }

    #[test]
    fn requests_of_every_client_are_read() {
        let none = Asked::default();
        let ovmf = Asked {
            block_bytes: Some(1468),
            window: Some(4),
            size: Some(0),
            ..none
        };
        let block = |bytes| Asked {
            block_bytes: Some(bytes),
            ..none
        };
        let table: [(&[u8], Incoming); 12] = [
            (b"\0\x01a\0octet\0", read("a", none)),
            (b"\0\x01a\0OcTeT\0", read("a", none)),
            (
                b"\0\x01\\Boot\\BCD\0octet\0tsize\x000\0blksize\x001468\0windowsize\x004\0",
                read("\\Boot\\BCD", ovmf),
            ),
            // Names in capitals; trailing NULs; a last string without its NUL.
            (
                b"\0\x01a\0octet\0BLKSIZE\x00512\0\0\0\0",
                read("a", block(512)),
            ),
            (b"\0\x01a\0octet", read("a", none)),
            (b"\0\x01a\0octet\0blksize\x001024", read("a", block(1024))),
            // The first of a name counts; a value that is none counts as not asked.
            (
                b"\0\x01a\0octet\0blksize\x008\0blksize\x009\0",
                read("a", block(8)),
            ),
            (b"\0\x01a\0octet\0blksize\0+8\0", read("a", none)),
            (b"\0\x01a\0octet\0blksize\0\0", read("a", none)),
            (
                b"\0\x01a\0octet\0tsize\x0099999999999999999999\0",
                read("a", none),
            ),
            // Options nobody knows, and one without a value.
            (b"\0\x01a\0octet\0multicast\0\0x\x001\0", read("a", none)),
            (b"\0\x01a\0octet\0blksize", read("a", none)),
        ];
        for (packet, expected) in table {
            assert_eq!(incoming(packet), expected, "{packet:?}");
        }
    }

    #[test]
    fn what_gets_no_file_is_told_why_and_strays_get_silence() {
        assert_eq!(refused(b"\0\x02a\0octet\0").0, ACCESS);
        let (code, sentence) = refused(b"\0\x01a\0netascii\0tsize\x000\0");
        assert_eq!(code, ILLEGAL);
        assert!(sentence.contains("ask in octet"), "{sentence}");
        for mode in ["", "mail", "octets", "oct"] {
            let packet = [b"\0\x01a\0".as_slice(), mode.as_bytes(), b"\0"].concat();
            assert_eq!(refused(&packet).0, ILLEGAL, "{mode}");
        }
        assert_eq!(refused(b"\0\x01\0octet\0").0, ILLEGAL);
        assert_eq!(refused(b"\0\x01").0, ILLEGAL);
        assert_eq!(refused(b"\0\x01R\xe9mi\0octet\0").0, NOT_FOUND);
        for stray in [
            b"".as_slice(),
            b"\0",
            b"\x01\0",
            b"\0\x03\0\x01x",
            b"\0\x04\0\x01",
            b"\0\x05\0\x01no\0",
            b"\0\x06tsize\x001\0",
            b"\xff\xff\xff",
        ] {
            assert_eq!(incoming(stray), Incoming::Stray, "{stray:?}");
        }
    }

    #[test]
    fn replies_are_read_and_their_messages_made_printable() {
        assert_eq!(reply(b"\0\x04\x12\x34"), Reply::Ack(0x1234));
        assert_eq!(reply(b"\0\x04\0\x01trailing"), Reply::Ack(1));
        let aborted = Reply::Error(8, "User aborted?the transfer".into());
        assert_eq!(
            reply(b"\0\x05\0\x08User aborted\nthe transfer\0more"),
            aborted
        );
        let long = [b"\0\x05\0\0".as_slice(), &[b'a'; 2000]].concat();
        assert_eq!(reply(&long), Reply::Error(0, "a".repeat(LONGEST_MESSAGE)));
        for other in [b"".as_slice(), b"\0\x04\0", b"\0\x03\0\x01", b"\0\x01a"] {
            assert_eq!(reply(other), Reply::Other, "{other:?}");
        }
    }

    #[test]
    fn what_is_written_is_what_the_rfcs_show() {
        assert_eq!(data_head(0xfffe), *b"\0\x03\xff\xfe");
        let granted = [("blksize", 1468), ("tsize", 0)];
        assert_eq!(oack(&granted), b"\0\x06blksize\x001468\0tsize\x000\0");
        let refusal = Refusal::because("déjà\0vu");
        assert_eq!(refusal.encode(), b"\0\x05\0\0d?j??vu\0");
        let long = Refusal::because("a".repeat(5000)).encode();
        assert_eq!(long.len(), HEADER_BYTES + LONGEST_MESSAGE + 1);
    }
}
