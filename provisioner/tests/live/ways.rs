//! Firmware that one way of offering a loader does not bring further.

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
