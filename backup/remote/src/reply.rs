//! What is answered: bytes of another machine, hostile until parsed.

/// Above what any server sends (OpenSSH's limit is 256 KiB): more is not SFTP, such as a shell's greeting.
pub(crate) const LONGEST: usize = 1 << 20;
/// The longest handle of the draft.
const LONGEST_HANDLE: usize = 256;

const VERSION: u8 = 2;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const DATA: u8 = 103;
const NAME: u8 = 104;
const ATTRS: u8 = 105;
const EXTENDED_REPLY: u8 = 201;

const HAS_SIZE: u32 = 0x01;
const HAS_OWNER: u32 = 0x02;
const HAS_PERMISSIONS: u32 = 0x04;
const HAS_TIMES: u32 = 0x08;
const HAS_MORE: u32 = 0x8000_0000;
const FILE_TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Status {
        code: u32,
        message: String,
    },
    Handle(Vec<u8>),
    Data(Vec<u8>),
    /// As they are on the server: any bytes.
    Names(Vec<Vec<u8>>),
    Attributes(Attributes),
    Room(Room),
}

/// What is told of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) size: u64,
    /// Kind and permissions. A server that does not tell is believed to have a file: what matters is checked in the bytes.
    pub(crate) mode: u32,
    /// User and group.
    pub(crate) owner: Option<(u32, u32)>,
    pub(crate) mtime_s: Option<u32>,
}

impl Attributes {
    pub(crate) fn is_file(&self) -> bool {
        self.mode & FILE_TYPE == REGULAR
    }

    /// The bits of its kind, as `stat(2)` has them.
    pub(crate) fn kind(&self) -> u32 {
        self.mode & FILE_TYPE
    }
}

/// What `statvfs@openssh.com` says of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) free_bytes: u64,
    pub(crate) is_read_only: bool,
}

/// What a packet is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it does not speak SFTP version 3")]
pub(crate) struct NotSftp;

/// The extensions of the server's greeting.
pub(crate) fn greeting(packet: &[u8]) -> Result<Vec<String>, NotSftp> {
    let mut bytes = Bytes(packet);
    if bytes.byte()? != VERSION || bytes.number()? < 3 {
        return Err(NotSftp);
    }
    let mut extensions = Vec::new();
    while !bytes.0.is_empty() {
        extensions.push(bytes.text()?);
        bytes.string()?;
    }
    Ok(extensions)
}

/// The number of the request, and its answer.
pub(crate) fn decode(packet: &[u8]) -> Result<(u32, Reply), NotSftp> {
    let mut bytes = Bytes(packet);
    let (kind, id) = (bytes.byte()?, bytes.number()?);
    let reply = match kind {
        STATUS => Reply::Status {
            code: bytes.number()?,
            // Old servers end after the code.
            message: bytes.text().unwrap_or_default(),
        },
        HANDLE => match bytes.string()? {
            handle if handle.len() <= LONGEST_HANDLE => Reply::Handle(handle.to_vec()),
            _ => return Err(NotSftp),
        },
        DATA => Reply::Data(bytes.string()?.to_vec()),
        NAME => {
            let mut names = Vec::new();
            for _ in 0..bytes.number()? {
                names.push(bytes.string()?.to_vec());
                bytes.string()?;
                bytes.attributes()?;
            }
            Reply::Names(names)
        }
        ATTRS => Reply::Attributes(bytes.attributes()?),
        EXTENDED_REPLY => {
            let mut fields = [0; 11];
            for field in &mut fields {
                *field = bytes.long()?;
            }
            let [_, fragment, _, _, available, .., flags, _] = fields;
            Reply::Room(Room {
                free_bytes: available.saturating_mul(fragment),
                is_read_only: flags & 1 != 0,
            })
        }
        _ => return Err(NotSftp),
    };
    Ok((id, reply))
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], NotSftp> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(NotSftp)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, NotSftp> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self) -> Result<u32, NotSftp> {
        let bytes = self.take(4)?.try_into().map_err(|_| NotSftp)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn long(&mut self) -> Result<u64, NotSftp> {
        let bytes = self.take(8)?.try_into().map_err(|_| NotSftp)?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn string(&mut self) -> Result<&'a [u8], NotSftp> {
        let len = usize::try_from(self.number()?).map_err(|_| NotSftp)?;
        self.take(len)
    }

    fn text(&mut self) -> Result<String, NotSftp> {
        Ok(String::from_utf8_lossy(self.string()?).into_owned())
    }

    fn attributes(&mut self) -> Result<Attributes, NotSftp> {
        let flags = self.number()?;
        let has = |flag: u32| flags & flag != 0;
        let size = if has(HAS_SIZE) { self.long()? } else { 0 };
        let owner = match has(HAS_OWNER) {
            true => Some((self.number()?, self.number()?)),
            false => None,
        };
        let mode = match has(HAS_PERMISSIONS) {
            true => self.number()?,
            false => REGULAR,
        };
        let mtime_s = match has(HAS_TIMES) {
            true => {
                self.number()?;
                Some(self.number()?)
            }
            false => None,
        };
        if has(HAS_MORE) {
            for _ in 0..self.number()? {
                self.string()?;
                self.string()?;
            }
        }
        Ok(Attributes {
            size,
            mode,
            owner,
            mtime_s,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
        let mut packet = vec![kind];
        parts.iter().for_each(|part| packet.extend(*part));
        packet
    }

    fn string(text: &[u8]) -> Vec<u8> {
        let mut bytes = u32::try_from(text.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend(text);
        bytes
    }

    const ID: [u8; 4] = [0, 0, 0, 7];

    #[test]
    fn replies_are_read() {
        let size = 5_000_000_000_u64.to_be_bytes();
        let attributes = [
            &[0, 0, 0, 0x0d][..],
            &size,
            &0o100_644_u32.to_be_bytes(),
            &[0, 0, 0, 0, 0, 0, 0, 7],
        ]
        .concat();
        let folder = [&[0, 0, 0, 4][..], &0o040_755_u32.to_be_bytes()].concat();
        let mut room = [0; 88];
        room[8..16].copy_from_slice(&4096_u64.to_be_bytes());
        room[32..40].copy_from_slice(&10_u64.to_be_bytes());
        room[72..80].copy_from_slice(&1_u64.to_be_bytes());
        for (packet, want) in [
            (
                packet(
                    STATUS,
                    &[&ID, &[0, 0, 0, 2], &string(b"No such"), &string(b"en")],
                ),
                Reply::Status {
                    code: 2,
                    message: "No such".to_owned(),
                },
            ),
            (
                packet(STATUS, &[&ID, &[0, 0, 0, 4]]),
                Reply::Status {
                    code: 4,
                    message: String::new(),
                },
            ),
            (
                packet(HANDLE, &[&ID, &string(b"h")]),
                Reply::Handle(b"h".to_vec()),
            ),
            (
                packet(DATA, &[&ID, &string(b"abc")]),
                Reply::Data(b"abc".to_vec()),
            ),
            (
                packet(
                    NAME,
                    &[
                        &ID,
                        &[0, 0, 0, 2],
                        &string(b"a"),
                        &string(b"-rw a"),
                        &attributes,
                        &string(b"\xff"),
                        &string(b""),
                        &[0; 4],
                    ],
                ),
                Reply::Names(vec![b"a".to_vec(), b"\xff".to_vec()]),
            ),
            (
                packet(ATTRS, &[&ID, &attributes]),
                Reply::Attributes(Attributes {
                    size: 5_000_000_000,
                    mode: 0o100_644,
                    owner: None,
                    mtime_s: Some(7),
                }),
            ),
            (
                packet(ATTRS, &[&ID, &folder]),
                Reply::Attributes(Attributes {
                    size: 0,
                    mode: 0o040_755,
                    owner: None,
                    mtime_s: None,
                }),
            ),
            (
                packet(EXTENDED_REPLY, &[&ID, &room]),
                Reply::Room(Room {
                    free_bytes: 40_960,
                    is_read_only: true,
                }),
            ),
        ] {
            assert_eq!(decode(&packet), Ok((7, want)));
        }
    }

    #[test]
    fn a_greeting_names_what_the_server_can() {
        let sent = packet(
            VERSION,
            &[&[0, 0, 0, 3], &string(b"fsync@openssh.com"), &string(b"1")],
        );
        assert_eq!(greeting(&sent), Ok(vec!["fsync@openssh.com".to_owned()]));
        assert_eq!(greeting(&packet(VERSION, &[&[0, 0, 0, 2]])), Err(NotSftp));
        assert_eq!(greeting(b"Welcome to this machine"), Err(NotSftp));
    }

    #[test]
    fn no_cut_and_no_flipped_bit_harms() {
        let whole = packet(
            NAME,
            &[
                &ID,
                &[0, 0, 0, 1],
                &string(b"name"),
                &string(b"long"),
                &[0x80, 0, 0, 0x0f],
                &[0; 28],
                &[0, 0, 0, 1],
                &string(b"x"),
                &string(b"y"),
            ],
        );
        assert!(decode(&whole).is_ok());
        for len in 0..whole.len() {
            assert_eq!(decode(&whole[..len]), Err(NotSftp), "{len}");
        }
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // Any answer, but an answer: counts and lengths are not believed.
            let names = match decode(&flipped) {
                Ok((_, Reply::Names(names))) => names.len(),
                _ => 0,
            };
            assert!(names <= whole.len());
        }
        let handle = packet(HANDLE, &[&ID, &string(&[0; 257])]);
        assert_eq!(decode(&handle), Err(NotSftp));
    }
}
