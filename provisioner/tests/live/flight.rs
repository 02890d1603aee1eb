//! What goes wrong with boots on real cables: other people's DHCP servers, firewalls in the way.
//! Each time the recorder says what was seen, and the cause.

use crate::nets::Net;
use crate::rig::until;
use crate::switch::{
    Lan, MAC, RANGE, asks_as_uefi, dnsmasq, judged, noted, packet, takes_an_address,
};
use crate::wire::machine;
use provisioner::flight::{Cause, Evidence, Step};
use provisioner::{Boot, flight};
use state::wire::Fact;
use state::{Clock, journal};
use std::time::{Duration, Instant};

async fn trouble(boot: &Boot, object: &str) -> String {
    until(&format!("trouble with {object}"), async || {
        told(boot, object).await
    })
    .await
}

async fn told(boot: &Boot, object: &str) -> Option<String> {
    let entries = journal::latest(&boot.db, 100).await.unwrap();
    entries.into_iter().find_map(|entry| match entry.fact {
        Fact::Trouble {
            object: found,
            sentence,
        } if found == object => Some(sentence),
        _ => None,
    })
}

#[test]
fn a_boot_beside_a_plain_dhcp_server_is_followed_step_by_step() {
    let lan = Lan::new();
    let _dhcp = lan.dnsmasq(&[RANGE]);
    lan.serves(
        |pc| {
            let boots = machine(68);
            asks_as_uefi(&boots, 2);
            takes_an_address(&boots, [10, 77, 0, 1]);
            pc.ip("addr add 10.77.0.50/24 dev pc0");
            let firmware = machine(4011);
            let mut buffer = [0; 2048];
            let asked = packet!("ovmf-request-4011");
            firmware.send_to(&asked, "10.77.0.2:4011").unwrap();
            firmware.recv(&mut buffer).unwrap();
            let path = "b/525400123456/snponly.efi";
            let got = pc
                .command("curl")
                .args(["-sSf", "-o", "/dev/null"])
                .arg(format!("tftp://10.77.0.2/{path}"))
                .status()
                .unwrap();
            assert!(got.success());
        },
        async |boot| {
            noted(boot, "the loader", |step| {
                matches!(step, Step::FileSent { file, bytes: 213_444, of: 213_444, .. } if file == "snponly.efi")
            })
            .await;
            noted(boot, "the other server's offer", |step| {
                matches!(step, Step::Heard { server, address: Some(_), boots: false, .. } if server.octets() == [10, 77, 0, 1])
            })
            .await;
            let (flight, trace) = judged(boot).await;
            // The loader came whole and nothing followed: under this firmware, Secure Boot.
            let cause = Cause::SecureBoot("snponly.efi".to_owned());
            assert_eq!(trace.diagnosis.cause, cause, "{flight:?}");
            assert_eq!(trace.interface.as_deref(), Some("srv0"));
            assert!(!flight.steps.iter().any(|t| matches!(t.step, Step::Stopped { .. })));
            // Wireshark's own reader finds the four kinds of packets.
            let packets = flight::packets(boot, &[MAC]).unwrap();
            let file = lan.folder.path().join("boot.pcap");
            std::fs::write(&file, packets).unwrap();
            let read = std::process::Command::new("tcpdump")
                .args(["-n", "-r"])
                .arg(&file)
                .output()
                .unwrap_or_else(|e| panic!("tcpdump (package tcpdump): {e}"));
            let text = String::from_utf8_lossy(&read.stdout);
            assert!(read.status.success(), "{text}");
            for line in ["BOOTP/DHCP, Request", "BOOTP/DHCP, Reply", ".4011", ".69:"] {
                assert!(text.contains(line), "no {line} in {text}");
            }
            // It is on disk too: another process of the same folder shows it.
            until("the flight on disk", async || {
                let other = Boot {
                    recorder: flight::Recorder::new(Clock::System),
                    ..boot.clone()
                };
                let trace = flight::trace(&other, &[MAC], None).await.unwrap();
                let kept = &trace.flights.first()?.1;
                (kept.steps.len() >= flight.steps.len()).then_some(())
            })
            .await;
        },
    );
}

#[test]
fn a_dhcp_server_with_option_60_and_nothing_behind_it_is_named() {
    let lan = Lan::new();
    let _dhcp = lan.dnsmasq(&[RANGE, "--dhcp-option-force=60,PXEClient"]);
    lan.serves(
        |_| {
            let boots = machine(68);
            asks_as_uefi(&boots, 2);
            takes_an_address(&boots, [10, 77, 0, 1]);
        },
        async |boot| {
            noted(boot, "its offer", |step| {
                matches!(step, Step::Heard { boots: true, .. })
            })
            .await;
            let (flight, trace) = judged(boot).await;
            let server = [10, 77, 0, 1].into();
            assert_eq!(trace.diagnosis.cause, Cause::Option60(server), "{flight:?}");
            let sentence = trouble(boot, "boot servers on srv0").await;
            assert!(sentence.contains("10.77.0.1"), "{sentence}");
            assert!(sentence.contains("remove option 60"), "{sentence}");
        },
    );
}

#[test]
fn two_dhcp_servers_that_answer_one_pc_are_named() {
    let lan = Lan::new();
    let second = Net::new();
    lan.switch.cable("to-second", &second, "dhcp0");
    lan.switch.ip("link set to-second master br0");
    second.ip("addr add 10.77.0.9/24 dev dhcp0");
    let _first = lan.dnsmasq(&[RANGE]);
    let range = "--dhcp-range=10.77.0.70,10.77.0.80,255.255.255.0,1h";
    let _second = dnsmasq(&second, "10.77.0.9", &[range]);
    lan.serves(
        |_| {
            let boots = machine(68);
            asks_as_uefi(&boots, 3);
            takes_an_address(&boots, [10, 77, 0, 9]);
        },
        async |boot| {
            let sentence = trouble(boot, "addresses on srv0").await;
            assert!(sentence.contains("10.77.0.1 and 10.77.0.9"), "{sentence}");
            let (flight, trace) = judged(boot).await;
            let servers = vec![[10, 77, 0, 1].into(), [10, 77, 0, 9].into()];
            assert_eq!(
                trace.diagnosis.cause,
                Cause::TwoServers(servers),
                "{flight:?}"
            );
        },
    );
}

/// A firewall rule on this box.
fn nft(net: &Net, rule: &str) {
    for line in [
        "add table inet walls",
        "add chain inet walls input { type filter hook input priority 0; }",
        "add chain inet walls output { type filter hook output priority 0; }",
        rule,
    ] {
        let done = net.command("nft").arg(line).output().unwrap_or_else(|e| {
            panic!("nft (package nftables): {e}");
        });
        let error = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{line}: {error}");
    }
}

#[test]
fn a_firewall_of_the_appliance_itself_is_found_out() {
    let lan = Lan::new();
    let _dhcp = lan.dnsmasq(&[RANGE]);
    nft(
        &lan.server,
        "add rule inet walls input udp dport { 4011, 69 } drop",
    );
    lan.serves(
        |pc| {
            let boots = machine(68);
            asks_as_uefi(&boots, 2);
            takes_an_address(&boots, [10, 77, 0, 1]);
            pc.ip("addr add 10.77.0.50/24 dev pc0");
            let firmware = machine(4011);
            let asked = packet!("ovmf-request-4011");
            firmware.send_to(&asked, "10.77.0.2:4011").unwrap();
        },
        async |boot| {
            noted(boot, "the packet that was stopped", |step| {
                *step == Step::Stopped { port: 4011 }
            })
            .await;
            let (flight, trace) = judged(boot).await;
            assert_eq!(
                trace.diagnosis.cause,
                Cause::OwnFirewall(4011),
                "{flight:?}"
            );
            assert_eq!(trace.diagnosis.evidence, [Evidence::AtCard(4011)]);
        },
    );
}

#[test]
fn a_firewall_on_the_way_to_port_4011_is_the_probable_cause() {
    let lan = Lan::new();
    let _dhcp = lan.dnsmasq(&[RANGE]);
    nft(&lan.pc, "add rule inet walls output udp dport 4011 drop");
    lan.serves(
        |pc| {
            let boots = machine(68);
            asks_as_uefi(&boots, 2);
            takes_an_address(&boots, [10, 77, 0, 1]);
            pc.ip("addr add 10.77.0.50/24 dev pc0");
            let firmware = machine(4011);
            let asked = packet!("ovmf-request-4011");
            // Its own firewall may say so at once.
            let _ = firmware.send_to(&asked, "10.77.0.2:4011");
        },
        async |boot| {
            noted(boot, "the address it took", |step| {
                matches!(
                    step,
                    Step::Asked {
                        server: Some(_),
                        ..
                    }
                )
            })
            .await;
            let (flight, trace) = judged(boot).await;
            assert_eq!(trace.diagnosis.cause, Cause::Port4011, "{flight:?}");
            let seen = &trace.diagnosis.evidence;
            assert!(seen.contains(&Evidence::No4011), "{seen:?}");
            assert!(seen.contains(&Evidence::NobodyFollowed), "{seen:?}");
        },
    );
}

#[test]
fn a_network_without_a_dhcp_server_is_told_from_offers_that_are_ignored() {
    let lan = Lan::new();
    lan.serves(
        |_| {
            let boots = machine(68);
            asks_as_uefi(&boots, 1);
        },
        async |boot| {
            let (flight, trace) = judged(boot).await;
            assert_eq!(trace.diagnosis.cause, Cause::NoAddressServer, "{flight:?}");
        },
    );
    let _dhcp = lan.dnsmasq(&[RANGE]);
    lan.serves(
        |_| {
            let boots = machine(68);
            asks_as_uefi(&boots, 2);
        },
        async |boot| {
            noted(boot, "the other server's offer", |step| {
                matches!(step, Step::Heard { .. })
            })
            .await;
            let (flight, trace) = judged(boot).await;
            assert_eq!(trace.diagnosis.cause, Cause::Snooping, "{flight:?}");
        },
    );
}

#[test]
fn frames_of_another_vlan_on_the_cable_are_not_this_network_s() {
    let lan = Lan::new();
    let foreign = &lan.foreign;
    lan.serves(
        |_| {
            let boots = machine(68);
            asks_as_uefi(&boots, 1);
            let sent = foreign
                .command("python3")
                .args(["-c", include_str!("offer_frames.py"), "dhcp0"])
                .arg(MAC.to_string())
                // On one cable the last comes last. A tag of number 0 only tells how urgent it is.
                .args(["10.99.0.1@10", "10.77.0.8@0", "10.77.0.9"])
                .status();
            assert!(sent.unwrap_or_else(|e| panic!("python3: {e}")).success());
        },
        async |boot| {
            let from = |last: u8| move |step: &Step| matches!(step, Step::Heard { server, .. } if server.octets() == [10, 77, 0, last]);
            noted(boot, "the untagged offer", from(9)).await;
            noted(boot, "the offer of VLAN 0", from(8)).await;
            let flight = boot.recorder.latest(MAC).unwrap();
            let foreign = flight.steps.iter().find(|timed| {
                matches!(timed.step, Step::Heard { server, .. } if server.octets()[1] == 99)
            });
            assert!(foreign.is_none(), "{flight:?}");
        },
    );
}

/// Servers that answer each machine alone are heard by nobody else: they answer a question of our own.
#[test]
fn dhcp_servers_are_found_without_a_machine_that_asks() {
    let lan = Lan::new();
    let second = Net::new();
    lan.switch.cable("to-second", &second, "dhcp0");
    lan.switch.ip("link set to-second master br0");
    second.ip("addr add 10.77.0.9/24 dev dhcp0");
    let _dhcp = lan.dnsmasq(&[RANGE]);
    let range = "--dhcp-range=10.77.0.70,10.77.0.80,255.255.255.0,1h";
    let _second = dnsmasq(&second, "10.77.0.9", &[range]);
    lan.serves(
        |_| {},
        async |boot| {
            // It asks half a minute after its start.
            let deadline = Instant::now() + Duration::from_secs(240);
            let sentence = loop {
                if let Some(sentence) = told(boot, "addresses on srv0").await {
                    break sentence;
                }
                assert!(Instant::now() < deadline, "nobody was found");
                tokio::time::sleep(Duration::from_millis(200)).await;
            };
            assert!(sentence.contains("10.77.0.1 and 10.77.0.9"), "{sentence}");
        },
    );
}
