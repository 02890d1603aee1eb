//! Packets for tests: those seen on the wire (`tests/data/dhcp/`) and variations made by hand.

use std::fmt::Write;

/// Hex digits with `#` comment lines.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::chars)
        .filter_map(|c| c.to_digit(16))
        .collect();
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap())
        .collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.chunks(32) {
        for byte in line {
            write!(text, "{byte:02x}").unwrap();
        }
        text.push('\n');
    }
    text
}

macro_rules! packet {
    ($($name:ident = $file:literal),+ $(,)?) => {
        $(pub(crate) fn $name() -> Vec<u8> {
            unhex(include_str!(concat!("../../tests/data/dhcp/", $file, ".hex")))
        })+
        pub(crate) fn all() -> Vec<Vec<u8>> {
            vec![$($name()),+]
        }
    };
}

packet! {
    ovmf_discover = "ovmf-discover",
    ovmf_request_67 = "ovmf-request-67",
    ovmf_request_4011 = "ovmf-request-4011",
    ovmf_http_discover = "ovmf-http-discover",
    ipxe_discover = "ipxe-discover",
    windows_discover = "windows-discover",
    udhcpc_discover = "udhcpc-discover",
    udhcpc_pxe_discover = "udhcpc-pxe-discover",
    dhclient_discover = "dhclient-discover",
    nmap_discover = "nmap-discover",
    dhcping_request = "dhcping-request",
    dhcping_inform = "dhcping-inform",
    perfdhcp_discover = "perfdhcp-discover",
}

/// The second step, naming the server it is meant for.
pub(crate) fn ovmf_second_request(server: [u8; 4]) -> Vec<u8> {
    Build::discover()
        .message(3)
        .ciaddr([10, 77, 0, 50])
        .option(54, &server)
        .option(60, b"PXEClient:Arch:00007:UNDI:003000")
        .option(93, &[0, 7])
        .packet()
}

#[derive(Clone)]
pub(crate) struct Build {
    ciaddr: [u8; 4],
    giaddr: [u8; 4],
    options: Vec<(u8, Vec<u8>)>,
}

impl Build {
    pub(crate) fn bare() -> Build {
        Build {
            ciaddr: [0; 4],
            giaddr: [0; 4],
            options: Vec::new(),
        }
    }

    pub(crate) fn discover() -> Build {
        Build::bare().option(53, &[1])
    }

    pub(crate) fn option(&self, code: u8, value: &[u8]) -> Build {
        let mut next = self.clone();
        next.options.push((code, value.to_vec()));
        next
    }

    pub(crate) fn replace(&self, code: u8, value: &[u8]) -> Build {
        let mut next = self.clone();
        next.options.retain(|(c, _)| *c != code);
        next.option(code, value)
    }

    pub(crate) fn message(&self, kind: u8) -> Build {
        self.replace(53, &[kind])
    }

    pub(crate) fn ciaddr(&self, ciaddr: [u8; 4]) -> Build {
        Build {
            ciaddr,
            ..self.clone()
        }
    }

    pub(crate) fn giaddr(&self, giaddr: [u8; 4]) -> Build {
        Build {
            giaddr,
            ..self.clone()
        }
    }

    pub(crate) fn packet(&self) -> Vec<u8> {
        let mut packet = vec![0u8; 236];
        packet[..4].copy_from_slice(&[1, 1, 6, 0]);
        packet[4..8].copy_from_slice(&[0xde, 0xad, 0xbe, 0xef]);
        packet[12..16].copy_from_slice(&self.ciaddr);
        packet[24..28].copy_from_slice(&self.giaddr);
        packet[28..34].copy_from_slice(&[0x52, 0x54, 0, 0x12, 0x34, 0x56]);
        packet.extend_from_slice(&[99, 130, 83, 99]);
        for (code, value) in &self.options {
            packet.push(*code);
            packet.push(u8::try_from(value.len()).unwrap());
            packet.extend_from_slice(value);
        }
        packet.push(255);
        packet
    }
}
