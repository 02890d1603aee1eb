//! What is asked: SFTP version 3 (draft-ietf-secsh-filexfer-02) and OpenSSH's extensions (its PROTOCOL, §4).

const INIT: u8 = 1;
const OPEN: u8 = 3;
const CLOSE: u8 = 4;
const READ: u8 = 5;
const WRITE: u8 = 6;
const LSTAT: u8 = 7;
const FSTAT: u8 = 8;
const OPENDIR: u8 = 11;
const READDIR: u8 = 12;
const REMOVE: u8 = 13;
const MKDIR: u8 = 14;
const STAT: u8 = 17;
const RENAME: u8 = 18;
const EXTENDED: u8 = 200;

const OPEN_READ: u32 = 0x01;
const OPEN_WRITE: u32 = 0x02;
const OPEN_CREATE: u32 = 0x08;
const OPEN_EXCLUSIVE: u32 = 0x20;
const HAS_PERMISSIONS: u32 = 0x04;

pub(crate) const FSYNC: &str = "fsync@openssh.com";
pub(crate) const HARDLINK: &str = "hardlink@openssh.com";
pub(crate) const POSIX_RENAME: &str = "posix-rename@openssh.com";
pub(crate) const STATVFS: &str = "statvfs@openssh.com";

#[derive(Clone, Copy, Debug)]
pub(crate) enum Request<'a> {
    OpenForReading(&'a str),
    /// The name must be free.
    Create(&'a str),
    Close(&'a [u8]),
    Read {
        handle: &'a [u8],
        offset: u64,
        len: u32,
    },
    Write {
        handle: &'a [u8],
        offset: u64,
        bytes: &'a [u8],
    },
    /// Links are not followed.
    Look(&'a str),
    /// Links are followed.
    LookThrough(&'a str),
    LookAt(&'a [u8]),
    OpenFolder(&'a str),
    ReadFolder(&'a [u8]),
    Remove(&'a str),
    MakeFolder(&'a str),
    Rename(&'a str, &'a str),
    RenameOver(&'a str, &'a str),
    Link(&'a str, &'a str),
    Sync(&'a [u8]),
    Room(&'a str),
}

/// The first packet: it has no number.
pub(crate) fn hello() -> Vec<u8> {
    let mut packet = Packet::new(INIT);
    packet.number(3);
    packet.finish()
}

/// With the length before it.
pub(crate) fn encode(id: u32, request: Request<'_>) -> Vec<u8> {
    let start = |kind: u8| {
        let mut packet = Packet::new(kind);
        packet.number(id);
        packet
    };
    let named = |kind: u8, texts: &[&[u8]]| {
        let mut packet = start(kind);
        texts.iter().for_each(|text| packet.bytes(text));
        packet
    };
    let extended = |name: &str, texts: &[&[u8]]| {
        let mut packet = named(EXTENDED, &[name.as_bytes()]);
        texts.iter().for_each(|text| packet.bytes(text));
        packet
    };
    let packet = match request {
        Request::OpenForReading(path) => {
            let mut packet = named(OPEN, &[path.as_bytes()]);
            packet.number(OPEN_READ);
            packet.number(0);
            packet
        }
        Request::Create(path) => {
            let mut packet = named(OPEN, &[path.as_bytes()]);
            packet.number(OPEN_WRITE | OPEN_CREATE | OPEN_EXCLUSIVE);
            packet.number(HAS_PERMISSIONS);
            packet.number(0o600);
            packet
        }
        Request::Close(handle) => named(CLOSE, &[handle]),
        Request::Read {
            handle,
            offset,
            len,
        } => {
            let mut packet = named(READ, &[handle]);
            packet.long(offset);
            packet.number(len);
            packet
        }
        Request::Write {
            handle,
            offset,
            bytes,
        } => {
            let mut packet = named(WRITE, &[handle]);
            packet.long(offset);
            packet.bytes(bytes);
            packet
        }
        Request::Look(path) => named(LSTAT, &[path.as_bytes()]),
        Request::LookThrough(path) => named(STAT, &[path.as_bytes()]),
        Request::LookAt(handle) => named(FSTAT, &[handle]),
        Request::OpenFolder(path) => named(OPENDIR, &[path.as_bytes()]),
        Request::ReadFolder(handle) => named(READDIR, &[handle]),
        Request::Remove(path) => named(REMOVE, &[path.as_bytes()]),
        Request::MakeFolder(path) => {
            let mut packet = named(MKDIR, &[path.as_bytes()]);
            packet.number(HAS_PERMISSIONS);
            packet.number(0o700);
            packet
        }
        Request::Rename(from, to) => named(RENAME, &[from.as_bytes(), to.as_bytes()]),
        Request::RenameOver(from, to) => extended(POSIX_RENAME, &[from.as_bytes(), to.as_bytes()]),
        Request::Link(from, to) => extended(HARDLINK, &[from.as_bytes(), to.as_bytes()]),
        Request::Sync(handle) => extended(FSYNC, &[handle]),
        Request::Room(path) => extended(STATVFS, &[path.as_bytes()]),
    };
    packet.finish()
}

struct Packet(Vec<u8>);

impl Packet {
    fn new(kind: u8) -> Packet {
        Packet(vec![0, 0, 0, 0, kind])
    }

    fn number(&mut self, number: u32) {
        self.0.extend(number.to_be_bytes());
    }

    fn long(&mut self, number: u64) {
        self.0.extend(number.to_be_bytes());
    }

    /// Never long: paths of this house, handles of at most 256 bytes, writes of one block.
    fn bytes(&mut self, bytes: &[u8]) {
        self.number(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.0.extend(bytes);
    }

    fn finish(mut self) -> Vec<u8> {
        let len = u32::try_from(self.0.len() - 4).unwrap_or(u32::MAX);
        self.0[..4].copy_from_slice(&len.to_be_bytes());
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_the_bytes_of_the_draft() {
        assert_eq!(hello(), [0, 0, 0, 5, 1, 0, 0, 0, 3]);
        let read = Request::Read {
            handle: b"h",
            offset: 1 << 33,
            len: 7,
        };
        assert_eq!(
            encode(9, read),
            [
                0, 0, 0, 22, 5, 0, 0, 0, 9, 0, 0, 0, 1, b'h', 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7
            ]
        );
        assert_eq!(
            encode(1, Request::Create("a")),
            [
                0, 0, 0, 22, 3, 0, 0, 0, 1, 0, 0, 0, 1, b'a', 0, 0, 0, 0x2a, 0, 0, 0, 4, 0, 0, 1,
                0x80
            ]
        );
        let link = encode(2, Request::Link("a", "b"));
        assert_eq!(link[4], 200);
        assert!(link.ends_with(&[0, 0, 0, 1, b'a', 0, 0, 0, 1, b'b']));
    }
}
