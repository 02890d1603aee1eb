//! Packets for tests: those seen on the wire (`tests/data/dhcp6/`) and variations made by hand.

pub(super) use crate::dhcp::packets::{hex, unhex};

macro_rules! packet {
    ($($name:ident = $file:literal),+ $(,)?) => {
        $(pub(super) fn $name() -> Vec<u8> {
            unhex(include_str!(concat!("../../tests/data/dhcp6/", $file, ".hex")))
        })+
        pub(super) fn all() -> Vec<Vec<u8>> {
            vec![$($name()),+]
        }
    };
}

packet! {
    ovmf_solicit = "ovmf-solicit",
    ovmf_http_solicit = "ovmf-http-solicit",
    ovmf_address_solicit = "ovmf-address-solicit",
    ovmf_address_request = "ovmf-address-request",
    ovmf_second_step = "ovmf-second-step",
}

/// A message made by hand.
pub(super) struct Build(pub(super) Vec<u8>);

impl Build {
    pub(super) fn new(kind: u8) -> Build {
        Build(vec![kind, 1, 2, 3])
    }

    pub(super) fn option(mut self, code: u16, value: &[u8]) -> Build {
        super::reply::option(&mut self.0, code, value);
        self
    }

    /// As UEFI firmware names itself: its UUID, its architecture, the class of PXE.
    pub(super) fn firmware(self) -> Build {
        self.option(1, &[&[0, 4], [7u8; 16].as_slice()].concat())
            .option(6, &[0, 59, 0, 60])
            .option(61, &[0, 7])
            .option(16, b"\0\0\x01\x57\0\x20PXEClient:Arch:00007:UNDI:003000")
    }
}

/// What firmware asks on port 4011, in short: its question without an association, and with the
/// server it means.
pub(super) fn second_step(server: &[u8]) -> Vec<u8> {
    Build::new(3).option(2, server).firmware().0
}

/// `message` as a relay passes it on, which has it from 52:54:00:12:34:56.
pub(super) fn relayed(message: &[u8], interface: &[u8]) -> Vec<u8> {
    let mut head = vec![12, 0];
    head.extend([0xfd, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    head.extend([
        0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x50, 0x54, 0, 0xff, 0xfe, 0x12, 0x34, 0x56,
    ]);
    Build(head).option(9, message).option(18, interface).0
}
