//! Good packets, as firmware and agents send them.

use images::wire::{Disk, Hello, Inventory, Nic, System};
use std::net::Ipv4Addr;

/// An agent's bearer secret.
pub(crate) const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// DISCOVER of iPXE: user class without length byte, no broadcast flag, option 175.
pub(crate) fn ipxe_discover(mac: [u8; 6], transaction: u32) -> Vec<u8> {
    let mut packet = bootp(mac, transaction, 0, Ipv4Addr::UNSPECIFIED);
    option(&mut packet, 53, &[1]);
    option(&mut packet, 57, &1472u16.to_be_bytes());
    option(&mut packet, 93, &[0, 7]);
    option(&mut packet, 94, &[1, 3, 16]);
    option(&mut packet, 60, b"PXEClient:Arch:00007:UNDI:003010");
    option(&mut packet, 77, b"iPXE");
    option(
        &mut packet,
        55,
        &[
            1, 3, 6, 7, 12, 15, 17, 26, 43, 60, 66, 67, 119, 128, 129, 175,
        ],
    );
    option(
        &mut packet,
        175,
        &[0xb1, 5, 1, 0x80, 0x86, 0x10, 0x0e, 0x21, 1, 1],
    );
    ended(packet, mac)
}

/// DISCOVER of a UEFI firmware.
pub(crate) fn uefi_discover(mac: [u8; 6], transaction: u32) -> Vec<u8> {
    let mut packet = bootp(mac, transaction, 0x8000, Ipv4Addr::UNSPECIFIED);
    option(&mut packet, 53, &[1]);
    option(&mut packet, 57, &1472u16.to_be_bytes());
    option(
        &mut packet,
        55,
        &[1, 2, 3, 4, 5, 6, 12, 13, 15, 43, 54, 60, 66, 67, 97, 128],
    );
    option(&mut packet, 97, &[0; 17]);
    option(&mut packet, 94, &[1, 3, 0]);
    option(&mut packet, 93, &[0, 7]);
    option(&mut packet, 60, b"PXEClient:Arch:00007:UNDI:003000");
    ended(packet, mac)
}

/// Its second step, to port 4011.
pub(crate) fn uefi_boot_request(mac: [u8; 6], transaction: u32, address: Ipv4Addr) -> Vec<u8> {
    let mut packet = bootp(mac, transaction, 0, address);
    option(&mut packet, 53, &[3]);
    option(&mut packet, 57, &65280u16.to_be_bytes());
    option(&mut packet, 93, &[0, 7]);
    option(&mut packet, 94, &[1, 3, 0]);
    option(&mut packet, 97, &[0; 17]);
    option(&mut packet, 60, b"PXEClient:Arch:00007:UNDI:003000");
    ended(packet, mac)
}

fn bootp(mac: [u8; 6], transaction: u32, flags: u16, client: Ipv4Addr) -> Vec<u8> {
    let mut packet = vec![1, 1, 6, 0];
    packet.extend(transaction.to_be_bytes());
    packet.extend([0, 4]);
    packet.extend(flags.to_be_bytes());
    packet.extend(client.octets());
    packet.extend([0; 12]);
    packet.extend(mac);
    packet.extend([0; 10 + 64 + 128]);
    packet.extend([0x63, 0x82, 0x53, 0x63]);
    packet
}

fn option(packet: &mut Vec<u8>, code: u8, value: &[u8]) {
    packet.push(code);
    packet.push(u8::try_from(value.len()).expect("a short option"));
    packet.extend(value);
}

fn ended(mut packet: Vec<u8>, mac: [u8; 6]) -> Vec<u8> {
    option(&mut packet, 61, &[&[1][..], &mac].concat());
    packet.push(255);
    packet
}

/// A BOOTREPLY of type OFFER to this transaction.
pub(crate) fn is_offer_for(packet: &[u8], transaction: u32) -> bool {
    packet.first() == Some(&2)
        && packet.get(4..8) == Some(&transaction.to_be_bytes()[..])
        && packet.get(236..240) == Some(&[0x63, 0x82, 0x53, 0x63][..])
        && packet[240..].windows(3).any(|w| w == [53, 1, 2])
}

/// `b/<mac>/<file>`.
pub(crate) fn boot_path(mac: [u8; 6], file: &str) -> String {
    let mac: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("b/{mac}/{file}")
}

pub(crate) fn tftp_read(path: &str) -> Vec<u8> {
    [&[0, 1][..], path.as_bytes(), b"\0octet\0"].concat()
}

pub(crate) fn http_get(path: &str, host: Ipv4Addr) -> Vec<u8> {
    format!(
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: iPXE/1.0.0\r\n\
         Connection: close\r\n\r\n"
    )
    .into_bytes()
}

/// The beginning of a TLS handshake: a record header and a ClientHello without extensions.
pub(crate) fn tls_hello() -> Vec<u8> {
    let mut hello = vec![0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
    hello
}

/// What an agent says first.
pub(crate) fn agent_hello(mac: [u8; 6], number: usize) -> Hello {
    let mac: Vec<String> = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    let mac = mac.join(":");
    Hello {
        mac: mac.clone(),
        agent_key: KEY.to_owned(),
        version: "0.1.0".to_owned(),
        inventory: Inventory {
            system: System {
                manufacturer: "QEMU".to_owned(),
                serial: format!("S{number}"),
                ..System::default()
            },
            memory_bytes: 1 << 30,
            disks: vec![Disk {
                name: "sda".to_owned(),
                path: "/dev/sda".to_owned(),
                serial: "D1".to_owned(),
                size_bytes: 1 << 30,
                sector_bytes: 512,
                ..Disk::default()
            }],
            nics: vec![Nic {
                name: "eth0".to_owned(),
                mac,
                link: true,
                ..Nic::default()
            }],
            ..Inventory::default()
        },
    }
}
