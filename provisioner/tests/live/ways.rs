//! Firmware that one way of offering a loader does not bring further.

use crate::lease::{ALL, answer, kind, packet, served, site};
use crate::nets::Net;
use crate::offers::{Answer, ask, proxy_in};
use crate::rig::{Folder, manual_clock};
use crate::wire::{machine, unhex};
use std::time::Duration;

const DISCOVER: &str = include_str!("../data/dhcp/ovmf-discover.hex");
const TO_67: &str = "255.255.255.255:67";

/// One question of a machine, under a transaction of its own, and its answer.
fn asks(socket: &std::net::UdpSocket, mac: [u8; 6], xid: u8) -> Answer {
    let mut packet = unhex(DISCOVER);
    packet[4..8].copy_from_slice(&[0xaa, 0, 0, xid]);
    packet[28..34].copy_from_slice(&mac);
    let mine = |answer: &Answer| answer.packet[4..8] == packet[4..8];
    let answers = ask(socket, &packet, TO_67, |answers| answers.iter().any(mine));
    answers.into_iter().find(mine).unwrap()
}

fn is_direct(answer: &Answer) -> bool {
    let straight = answer.option(43) == Some([6, 1, 8, 255].as_slice());
    assert_eq!(straight, !answer.file().is_empty(), "both or none");
    straight
}

#[test]
fn a_machine_that_takes_another_way_is_found_and_remembered_with_its_maker() {
    let (server, pc) = (Net::new(), Net::new());
    server.cable_to(&pc);
    pc.ip("addr add 10.77.0.50/24 dev pc0");
    let folder = Folder::new();
    folder.fill_assets();
    let (laptop, twin) = ([0xa4, 0xbb, 0x6d, 1, 2, 3], [0xa4, 0xbb, 0x6d, 7, 7, 7]);
    let stranger = [0, 0x1b, 0x21, 1, 2, 3];

    let clock = manual_clock();
    let later = clock.clone();
    proxy_in(&folder, clock, &server, &["srv0"], || {
        pc.enter();
        let socket = machine(68);
        // It waits for an address: nothing changes.
        for seconds in [0, 4, 8, 16] {
            later.advance(Duration::from_secs(seconds));
            assert!(!is_direct(&asks(&socket, laptop, 1)), "after {seconds} s");
        }
        // It gave up and is switched on again: the next way. Others are not concerned.
        later.advance(Duration::from_secs(40));
        let answer = asks(&socket, laptop, 2);
        assert!(is_direct(&answer));
        assert!(!is_direct(&asks(&socket, twin, 3)));
        let done = pc
            .command("curl")
            .args(["-sSf", "--max-time", "60", "-o", "/dev/null"])
            .arg(format!("tftp://10.77.0.2/{}", answer.file()))
            .status();
        assert!(done.unwrap().success());
        later.advance(Duration::from_secs(600));
        assert!(is_direct(&asks(&socket, laptop, 4)));
    });
    // A restart later, what worked is known, and new machines of that maker begin with it.
    proxy_in(&folder, later, &server, &["srv0"], || {
        pc.enter();
        let socket = machine(68);
        assert!(is_direct(&asks(&socket, laptop, 5)));
        assert!(is_direct(&asks(&socket, twin, 6)));
        assert!(!is_direct(&asks(&socket, stranger, 7)));
    });
}

const FIRMWARE: [(u8, &[u8]); 3] = [
    (60, b"PXEClient:Arch:00007:UNDI:003000"),
    (93, &[0, 7]),
    (97, &[0; 17]),
];

/// A machine's firmware takes an address from us; what the answer says of its loader. The offer said the same.
fn takes(socket: &std::net::UdpSocket, card: u32, xid: u8) -> Answer {
    let ask = |kind: u8, more: &[(u8, &[u8])]| {
        let mut packet = packet(card, kind, &[&FIRMWARE, more].concat());
        packet[4..8].copy_from_slice(&[0xaa, kind, 0, xid]);
        answer(socket, &packet, ALL)
    };
    let offer = ask(1, &[]);
    assert_eq!(kind(&offer), 2);
    let address = offer.field(16).octets();
    let ack = ask(3, &[(50, &address), (54, &[10, 77, 0, 2])]);
    assert_eq!((kind(&ack), ack.field(16).octets()), (5, address));
    assert_eq!(ack.file(), offer.file());
    for code in [43, 60, 66, 67] {
        assert_eq!(ack.option(code), offer.option(code), "option {code}");
    }
    assert_eq!(ack.field(20).octets(), [10, 77, 0, 2], "siaddr");
    ack
}

fn way(answer: &Answer) -> &'static str {
    let file = answer.file();
    match (answer.option(60), answer.option(43), answer.option(67)) {
        (Some(b"PXEClient"), Some([6, 1, 8, 255]), None) if !file.is_empty() => "direct",
        (Some(b"PXEClient"), None, None) if file.is_empty() => "ask 4011",
        (None, None, Some(named)) if named == [file.as_bytes(), &[0]].concat() => "plain",
        other => panic!("{other:?} {file:?}"),
    }
}

#[test]
fn a_machine_with_an_address_of_ours_that_fetches_nothing_is_told_otherwise() {
    let (server, pc) = (Net::new(), Net::new());
    server.cable_to(&pc);
    let folder = Folder::new();
    folder.fill_assets();
    let (laptop, twin, stranger) = (0x1100_0001, 0x1100_0002, 0x2200_0001);
    let (board, dhcp) = (0x1300_0001, site(120));

    let clock = manual_clock();
    let later = clock.clone();
    served(&folder, &server, &dhcp, clock, || {
        pc.enter();
        let socket = machine(68);
        assert_eq!(way(&takes(&socket, laptop, 1)), "direct");
        // It asks again at once: the answer may have been lost.
        later.advance(Duration::from_secs(2));
        assert_eq!(way(&takes(&socket, laptop, 2)), "direct");
        // It took its address, fetched nothing, and begins anew.
        later.advance(Duration::from_secs(20));
        let ack = takes(&socket, laptop, 3);
        assert_eq!(way(&ack), "plain");
        assert_eq!(way(&takes(&socket, twin, 4)), "direct", "not its concern");
        let done = pc
            .command("sh")
            .arg("-c")
            .arg(format!(
                "ip addr add {}/24 dev pc0 && curl -sSf --max-time 60 -o /dev/null tftp://10.77.0.2/{}",
                ack.field(16),
                ack.file()
            ))
            .status();
        assert!(done.unwrap().success());
        pc.ip("addr flush dev pc0");
        later.advance(Duration::from_secs(300));
        assert_eq!(way(&takes(&socket, laptop, 5)), "plain");

        // One that takes neither asks on 4011, and stays with that.
        assert_eq!(way(&takes(&socket, board, 6)), "direct");
        later.advance(Duration::from_secs(20));
        assert_eq!(way(&takes(&socket, board, 7)), "plain");
        later.advance(Duration::from_secs(20));
        let ack = takes(&socket, board, 8);
        assert_eq!(way(&ack), "ask 4011");
        pc.ip(&format!("addr add {}/24 dev pc0", ack.field(16)));
        let mut second = packet(board, 3, &FIRMWARE);
        second[12..16].copy_from_slice(&ack.field(16).octets());
        let file = answer(&socket, &second, "10.77.0.2:4011");
        assert_eq!(file.file(), "b/020013000001/snponly.efi");
        pc.ip("addr flush dev pc0");
        later.advance(Duration::from_secs(60));
        assert_eq!(way(&takes(&socket, board, 9)), "ask 4011");
    });
    // What worked is known after a restart, and new machines of that maker begin with it; as a proxy all begin anew.
    served(&folder, &server, &dhcp, later.clone(), || {
        pc.enter();
        let socket = machine(68);
        assert_eq!(way(&takes(&socket, laptop, 10)), "plain");
        assert_eq!(way(&takes(&socket, twin, 11)), "plain");
        assert_eq!(way(&takes(&socket, stranger, 12)), "direct");
    });
}
