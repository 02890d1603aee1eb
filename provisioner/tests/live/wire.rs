//! DHCP as machines send it, byte for byte, on a cable.

use crate::nets::{Net, inside};
use crate::rig::{Folder, Serving, boot, until};
use provisioner::host::{self, HostState};
use rustix::net::sockopt;
use state::Clock;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

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

macro_rules! packet {
    ($name:literal) => {
        unhex(include_str!(concat!("../data/dhcp/", $name, ".hex")))
    };
}

/// A machine's socket on `pc0`.
pub(crate) fn machine(port: u16) -> UdpSocket {
    machine_on("pc0", port)
}

pub(crate) fn machine_on(interface: &str, port: u16) -> UdpSocket {
    let socket = socket2::Socket::new(
        socket2::Domain::IPV4,
        socket2::Type::DGRAM,
        Some(socket2::Protocol::UDP),
    )
    .unwrap();
    sockopt::set_socket_broadcast(&socket, true).unwrap();
    socket.bind_device(Some(interface.as_bytes())).unwrap();
    let any: SocketAddr = ([0, 0, 0, 0], port).into();
    socket.bind(&any.into()).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    socket.into()
}

fn ask(socket: &UdpSocket, packet: &[u8], to: &str) {
    socket.send_to(packet, to).unwrap();
}

/// Asks until there is an answer, as firmware does; the first one must be the right one. An answer
/// to an earlier question that was asked twice is passed over.
fn exchange(
    socket: &UdpSocket,
    packet: &[u8],
    to: &str,
    expected: (Vec<u8>, SocketAddr),
    earlier: &mut Vec<Vec<u8>>,
) {
    let mut buffer = vec![0; 4096];
    for _ in 0..15 {
        ask(socket, packet, to);
        while let Ok((len, from)) = socket.recv_from(&mut buffer) {
            let answer = buffer[..len].to_vec();
            if !earlier.contains(&answer) {
                assert_eq!((answer, from), expected);
                earlier.push(expected.0);
                return;
            }
        }
    }
    panic!("no answer");
}

/// What a PC does, as one thread of blocking calls.
fn be_a_pc(pc: &Net) {
    pc.enter();
    let broadcast = "255.255.255.255:67";
    let from_server: SocketAddr = "10.77.0.2:67".parse().unwrap();
    let boots = machine(68);

    let mut earlier = Vec::new();

    // An ordinary client is not answered: the next answer is the next machine's.
    ask(&boots, &packet!("windows-discover"), broadcast);
    let uefi = (packet!("ovmf-discover.reply"), from_server);
    exchange(
        &boots,
        &packet!("ovmf-discover"),
        broadcast,
        uefi,
        &mut earlier,
    );

    ask(&boots, &packet!("ovmf-request-67"), broadcast);
    let ipxe = (packet!("ipxe-discover.reply"), from_server);
    exchange(
        &boots,
        &packet!("ipxe-discover"),
        broadcast,
        ipxe,
        &mut earlier,
    );

    let http = (packet!("ovmf-http-discover.reply"), from_server);
    exchange(
        &boots,
        &packet!("ovmf-http-discover"),
        broadcast,
        http,
        &mut earlier,
    );

    // It has an address now, and asks again, alone: from 4011, as EDK2; from 68, as iPXE.
    pc.ip("addr add 10.77.0.50/24 dev pc0");
    let second: SocketAddr = "10.77.0.2:4011".parse().unwrap();
    let expected = (packet!("ovmf-request-4011.reply"), second);
    let firmware = machine(4011);
    for socket in [&firmware, &boots] {
        let asked = packet!("ovmf-request-4011");
        // The same answer, to the other port.
        let mut earlier = earlier.clone();
        exchange(
            socket,
            &asked,
            "10.77.0.2:4011",
            expected.clone(),
            &mut earlier,
        );
    }

    // Broken packets by the thousand; then a good one is answered as before.
    let good = [packet!("ovmf-discover"), packet!("ipxe-discover")];
    let mut random = crate::rig::noise(60_000, 7).into_iter().map(usize::from);
    let mut next = move || random.next().unwrap();
    for number in 0..3000 {
        let mut broken = good[number % 2].clone();
        match next() % 3 {
            0 => broken.truncate(next() + 1),
            _ => {
                for _ in 0..4 {
                    let at = (next() << 8 | next()) % broken.len();
                    broken[at] = u8::try_from(next()).unwrap();
                }
                // Never this machine's own name for itself: its answer is looked for below.
                broken[4] = 0xff;
            }
        }
        ask(&boots, &broken, broadcast);
        ask(&firmware, &broken, "10.77.0.2:4011");
    }
    // The flood may have filled a queue: it asks again, as firmware does. Some of the broken ones
    // were good enough for an answer of their own.
    boots
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let wanted = packet!("ovmf-http-discover.reply");
    let mut buffer = vec![0; 4096];
    let found = (0..40).any(|_| {
        ask(&boots, &packet!("ovmf-http-discover"), broadcast);
        std::iter::from_fn(|| {
            boots
                .recv(&mut buffer)
                .ok()
                .map(|len| buffer[..len].to_vec())
        })
        .any(|answer| answer == wanted)
    });
    assert!(found, "no answer after the broken packets");
}

#[test]
pub(crate) fn machines_on_a_cable_are_answered_as_firmware_expects() {
    let (server, pc) = (Net::new(), Net::new());
    server.cable_to(&pc);
    let folder = Folder::new();
    folder.fill_assets();
    inside(&server, async || {
        let (boot, _) = boot(&folder, Clock::System).await;
        let serving = Serving::start(&boot).await;
        let pc = std::sync::Arc::new(pc);
        let machine = std::sync::Arc::clone(&pc);
        tokio::task::spawn_blocking(move || be_a_pc(&machine))
            .await
            .unwrap();
        let host = until("the machine in the registry", async || {
            host::find(&boot.db, "52:54:00:12:34:56").await.ok()
        })
        .await;
        assert_eq!(host.state, HostState::Seen);
        assert_eq!(host.name, "PC-123456");
        serving.end().await;
        assert_eq!(boot.ports.all().remove("srv0"), Some(Default::default()));
    });
}
