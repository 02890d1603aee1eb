//! What is asked: SFTP version 3 (draft-ietf-secsh-filexfer-02) and OpenSSH's extensions (its PROTOCOL, §4).

const INIT: u8 = 1;
const OPEN: u8 = 3;
const CLOSE: u8 = 4;
const READ: u8 = 5;
const WRITE: u8 = 6;
const LSTAT: u8 = 7;
const FSTAT: u8 = 8;
const SETSTAT: u8 = 9;
const FSETSTAT: u8 = 10;
const OPENDIR: u8 = 11;
const READDIR: u8 = 12;
const REMOVE: u8 = 13;
const MKDIR: u8 = 14;
const REALPATH: u8 = 16;
const STAT: u8 = 17;
const RENAME: u8 = 18;
const READLINK: u8 = 19;
const SYMLINK: u8 = 20;
const EXTENDED: u8 = 200;

const OPEN_READ: u32 = 0x01;
const OPEN_WRITE: u32 = 0x02;
const OPEN_CREATE: u32 = 0x08;
const OPEN_EXCLUSIVE: u32 = 0x20;
const HAS_SIZE: u32 = 0x01;
const HAS_OWNER: u32 = 0x02;
const HAS_PERMISSIONS: u32 = 0x04;
const HAS_TIMES: u32 = 0x08;

pub(crate) const FSYNC: &str = "fsync@openssh.com";
pub(crate) const HARDLINK: &str = "hardlink@openssh.com";
pub(crate) const LINK_ATTRIBUTES: &str = "lsetstat@openssh.com";
pub(crate) const POSIX_RENAME: &str = "posix-rename@openssh.com";
pub(crate) const STATVFS: &str = "statvfs@openssh.com";

#[derive(Clone, Copy, Debug)]
pub(crate) enum Request<'a> {
    OpenForReading(&'a [u8]),
    /// The name must be free.
    Create(&'a [u8]),
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
    Look(&'a [u8]),
    /// Links are followed.
    LookThrough(&'a [u8]),
    LookAt(&'a [u8]),
    OpenFolder(&'a [u8]),
    ReadFolder(&'a [u8]),
    Remove(&'a [u8]),
    MakeFolder(&'a [u8]),
    Rename(&'a [u8], &'a [u8]),
    RenameOver(&'a [u8], &'a [u8]),
    Link(&'a [u8], &'a [u8]),
    Sync(&'a [u8]),
    Room(&'a [u8]),
    /// The path with its links resolved.
    RealPath(&'a [u8]),
    ReadLink(&'a [u8]),
    /// In the order of OpenSSH, which is not the draft's: where it leads, then its name.
    SymbolicLink(&'a [u8], &'a [u8]),
    Change(&'a [u8], Change),
    /// By its open handle.
    ChangeAt(&'a [u8], Change),
    /// Links are not followed.
    ChangeLink(&'a [u8], Change),
}

/// What becomes another; version 3 knows whole seconds until 2106 and no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) size: Option<u64>,
    /// User and group.
    pub(crate) owner: Option<(u32, u32)>,
    pub(crate) mode: Option<u32>,
    /// Of the last access, of the last modification.
    pub(crate) times: Option<(u32, u32)>,
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
            let mut packet = named(OPEN, &[path]);
            packet.number(OPEN_READ);
            packet.number(0);
            packet
        }
        Request::Create(path) => {
            let mut packet = named(OPEN, &[path]);
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
        Request::Look(path) => named(LSTAT, &[path]),
        Request::LookThrough(path) => named(STAT, &[path]),
        Request::LookAt(handle) => named(FSTAT, &[handle]),
        Request::OpenFolder(path) => named(OPENDIR, &[path]),
        Request::ReadFolder(handle) => named(READDIR, &[handle]),
        Request::Remove(path) => named(REMOVE, &[path]),
        Request::MakeFolder(path) => {
            let mut packet = named(MKDIR, &[path]);
            packet.number(HAS_PERMISSIONS);
            packet.number(0o700);
            packet
        }
        Request::Rename(from, to) => named(RENAME, &[from, to]),
        Request::RenameOver(from, to) => extended(POSIX_RENAME, &[from, to]),
        Request::Link(from, to) => extended(HARDLINK, &[from, to]),
        Request::Sync(handle) => extended(FSYNC, &[handle]),
        Request::Room(path) => extended(STATVFS, &[path]),
        Request::RealPath(path) => named(REALPATH, &[path]),
        Request::ReadLink(path) => named(READLINK, &[path]),
        Request::SymbolicLink(to, name) => named(SYMLINK, &[to, name]),
        Request::Change(path, change) => named(SETSTAT, &[path]).change(change),
        Request::ChangeAt(handle, change) => named(FSETSTAT, &[handle]).change(change),
        Request::ChangeLink(path, change) => extended(LINK_ATTRIBUTES, &[path]).change(change),
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

    fn change(mut self, change: Change) -> Packet {
        let flag = |is_there: bool, flag| if is_there { flag } else { 0 };
        self.number(
            flag(change.size.is_some(), HAS_SIZE)
                | flag(change.owner.is_some(), HAS_OWNER)
                | flag(change.mode.is_some(), HAS_PERMISSIONS)
                | flag(change.times.is_some(), HAS_TIMES),
        );
        if let Some(size) = change.size {
            self.long(size);
        }
        if let Some((user, group)) = change.owner {
            self.number(user);
            self.number(group);
        }
        if let Some(mode) = change.mode {
            self.number(mode);
        }
        if let Some((accessed, modified)) = change.times {
            self.number(accessed);
            self.number(modified);
        }
        self
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
            encode(1, Request::Create(b"a")),
            [
                0, 0, 0, 22, 3, 0, 0, 0, 1, 0, 0, 0, 1, b'a', 0, 0, 0, 0x2a, 0, 0, 0, 4, 0, 0, 1,
                0x80
            ]
        );
        let link = encode(2, Request::Link(b"a", b"b"));
        assert_eq!(link[4], 200);
        assert!(link.ends_with(&[0, 0, 0, 1, b'a', 0, 0, 0, 1, b'b']));
        let change = Change {
            size: Some(1),
            owner: Some((2, 3)),
            mode: Some(0o4755),
            times: Some((4, 5)),
        };
        let whole = encode(2, Request::ChangeAt(b"h", change));
        assert_eq!(whole[4], 10);
        assert!(whole.ends_with(&[
            0, 0, 0, 15, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 9, 0xed, 0, 0, 0, 4,
            0, 0, 0, 5
        ]));
        let mode = Change {
            mode: Some(1),
            ..Change::default()
        };
        let one = encode(2, Request::Change(b"p", mode));
        assert!(one.ends_with(&[b'p', 0, 0, 0, 4, 0, 0, 0, 1]));
    }
}
