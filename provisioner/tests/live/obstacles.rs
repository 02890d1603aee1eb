//! What switches and boxes do to boots: a switch of the kernel that throws away, holds back or asks, as theirs do.

use crate::nets::Net;
use crate::rig::until;
use crate::switch::{Lan, MAC, RANGE, asks_as_uefi, judged, noted, packet, takes_an_address};
use crate::wire::machine;
use provisioner::flight::{Cause, Certainty, Evidence, Step};
use std::time::Instant;

/// A rule of the switch for what it passes on from one port to another.
fn passes_on(switch: &Net, rule: &str) {
    for line in [
        "add table bridge walls",
        "add chain bridge walls passing { type filter hook forward priority 0; }",
        &format!("add rule bridge walls passing {rule}"),
    ] {
        let done = switch.command("nft").arg(line).output().unwrap();
        let error = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{line}: {error}");
    }
}

fn asked(step: &Step) -> bool {
    matches!(step, Step::Asked { .. })
}

/// Only the company's server may answer, says the switch: offers from our port are thrown away.
#[test]
fn a_switch_that_trusts_one_dhcp_server_is_the_probable_cause() {
    let lan = Lan::new();
    let _dhcp = lan.dnsmasq(&[RANGE]);
    passes_on(&lan.switch, "iifname to-srv udp sport { 67, 4011 } drop");
    lan.serves(
        |_| {
            let boots = machine(68);
            // What comes is the other server's; without a boot file, firmware asks again.
            for _ in 0..2 {
                let offers = asks_as_uefi(&boots, 1);
                assert_eq!(offers.len(), 1, "the switch let our offer through");
            }
        },
        async |boot| {
            noted(boot, "the other server's offer", |step| {
                matches!(step, Step::Heard { .. })
            })
            .await;
            let (flight, trace) = judged(boot).await;
            assert_eq!(trace.diagnosis.cause, Cause::Snooping, "{flight:?}");
            let seen = &trace.diagnosis.evidence;
            assert!(seen.contains(&Evidence::TookNone), "{seen:?}");
        },
    );
}

/// Guests reach the Internet and not each other: broadcasts are passed on, nothing else is.
#[test]
fn a_box_that_keeps_its_guests_apart_is_the_probable_cause() {
    let lan = Lan::new();
    let _dhcp = lan.dnsmasq(&[RANGE]);
    for (from, to) in [("to-srv", "to-pc"), ("to-pc", "to-srv")] {
        let rule = format!("iifname {from} oifname {to} ether daddr != ff:ff:ff:ff:ff:ff drop");
        passes_on(&lan.switch, &rule);
    }
    lan.serves(
        |pc| {
            let boots = machine(68);
            asks_as_uefi(&boots, 2);
            takes_an_address(&boots, [10, 77, 0, 1]);
            pc.ip("addr add 10.77.0.50/24 dev pc0");
            let firmware = machine(4011);
            let asked = packet!("ovmf-request-4011");
            let _ = firmware.send_to(&asked, "10.77.0.2:4011");
        },
        async |boot| {
            noted(boot, "its search for us", |step| *step == Step::LookedForUs).await;
            let (flight, trace) = judged(boot).await;
            assert_eq!(trace.diagnosis.cause, Cause::GuestIsolation, "{flight:?}");
            let seen = &trace.diagnosis.evidence;
            assert!(seen.contains(&Evidence::LookedForUs), "{seen:?}");
            assert!(!seen.contains(&Evidence::Asked4011(1)), "{seen:?}");
        },
    );
}

/// A port that takes part in spanning tree listens and learns before it passes anything on: 30 s on a switch, 10 s here.
#[test]
fn a_port_that_passes_nothing_on_at_first_is_the_probable_cause() {
    let lan = Lan::new();
    let _dhcp = lan.dnsmasq(&[RANGE]);
    lan.pc.ip("link set pc0 down");
    lan.switch
        .ip("link set br0 type bridge stp_state 1 forward_delay 500");
    lan.serves(
        |pc| {
            // Switched on: its card makes a link, and its firmware asks.
            pc.ip("link set pc0 up");
            let on = Instant::now();
            let boots = machine(68);
            let mut buffer = [0; 2048];
            let mut discover = packet!("ovmf-discover");
            loop {
                let secs = u16::try_from(on.elapsed().as_secs()).unwrap();
                assert!(secs < 60, "the port never passed anything on");
                discover[8..10].copy_from_slice(&secs.to_be_bytes());
                boots.send_to(&discover, "255.255.255.255:67").unwrap();
                // It was answered as it gave up.
                if boots.recv(&mut buffer).is_ok() {
                    assert!(secs >= 8, "the port passed something on after {secs} s");
                    break;
                }
            }
        },
        async |boot| {
            noted(boot, "its question", asked).await;
            let (flight, trace) = judged(boot).await;
            let diagnosis = &trace.diagnosis;
            assert_eq!(diagnosis.cause, Cause::PortFast, "{flight:?}");
            assert_eq!(diagnosis.certainty, Certainty::Probable);
            assert!(diagnosis.evidence.contains(&Evidence::SpanningTree));
        },
    );
}

/// The switch asks who is there (802.1X); a firmware has no account, and is never let in.
#[test]
fn a_switch_that_asks_for_accounts_is_the_probable_cause_of_silence() {
    let lan = Lan::new();
    let place = |name: &str| lan.folder.path().join(name);
    let (users, switch, system) = (place("users"), place("hostapd.conf"), place("system.conf"));
    std::fs::write(&users, "\"somebody\" MD5 \"secret\"\n").unwrap();
    let asks = format!(
        "interface=to-srv\ndriver=wired\nieee8021x=1\neap_server=1\neap_user_file={}\nuse_pae_group_addr=1\n",
        users.display()
    );
    std::fs::write(&switch, asks).unwrap();
    let has_no_account = "ap_scan=0\nnetwork={\nkey_mgmt=IEEE8021X\neap=MD5\nidentity=\"nobody\"\npassword=\"none\"\n}\n";
    std::fs::write(&system, has_no_account).unwrap();
    let _asking = lan.switch.start("hostapd", &switch.display().to_string());
    // Whoever is at our port says that he is there, which makes the switch ask.
    let answers = format!("-D wired -i srv0 -c {}", system.display());
    let _answering = lan.server.start("wpa_supplicant", &answers);
    lan.serves(
        |_| {},
        async |boot| {
            until("the diagnosis of a PC that is never heard", async || {
                let trace = provisioner::flight::trace(boot, &[MAC], None)
                    .await
                    .unwrap();
                let found = trace.diagnosis;
                (found.cause == Cause::Dot1x && found.evidence.contains(&Evidence::Dot1x))
                    .then_some(())
            })
            .await;
        },
    );
}
