//! What goes wrong with boots on real cables: other people's DHCP servers, firewalls in the way.
//! Each time the recorder says what was seen, and the cause.

use crate::nets::{Net, inside};
use crate::rig::{Folder, Serving, boot, until};
use crate::wire::{machine, unhex};
use provisioner::flight::{Cause, Evidence, Flight, Step, Trace};
use provisioner::{Boot, Mac, flight};
use state::wire::Fact;
use state::{Clock, journal};
use std::net::UdpSocket;
use std::process::{Child, Stdio};
use std::time::Duration;

const MAC: Mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]);

macro_rules! packet {
    ($name:literal) => {
        unhex(include_str!(concat!("../data/dhcp/", $name, ".hex")))
    };
}

/// The appliance, a PC, and a foreign server, at one switch: `lan0` in the appliance's namespace
/// bridges the cables of the other two.
struct Lan {
    server: Net,
    pc: Net,
    foreign: Net,
    folder: Folder,
}

impl Lan {
    fn new() -> Lan {
        let (server, pc, foreign) = (Net::new(), Net::new(), Net::new());
        server.ip("link add srv0 type bridge");
        server.ip("addr add 10.77.0.2/24 dev srv0");
        server.ip("link set srv0 up");
        for (other, ours, theirs) in [(&pc, "port1", "pc0"), (&foreign, "port2", "dhcp0")] {
            let pid = other.id();
            server.ip(&format!(
                "link add {ours} type veth peer name {theirs} netns {pid}"
            ));
            server.ip(&format!("link set {ours} master srv0"));
            server.ip(&format!("link set {ours} up"));
            other.ip(&format!("link set {theirs} up"));
        }
        pc.ip(&format!("link set pc0 address {MAC}"));
        foreign.ip("addr add 10.77.0.1/24 dev dhcp0");
        let folder = Folder::new();
        folder.fill_assets();
        Lan {
            server,
            pc,
            foreign,
            folder,
        }
    }

    /// A DHCP server of somebody else, with more options of its own.
    fn dnsmasq(&self, address: &str, more: &[&str]) -> Dnsmasq {
        let child = self
            .foreign
            .command("dnsmasq")
            .args([
                "--keep-in-foreground",
                "--port=0",
                "--bind-dynamic",
                "--interface=dhcp0",
                "--user=root",
                "--conf-file=/dev/null",
                "--log-facility=-",
                "--leasefile-ro",
                "--pid-file=",
            ])
            .arg(format!("--listen-address={address}"))
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("dnsmasq (package dnsmasq-base): {e}"));
        Dnsmasq(child)
    }

    /// Serves while `work` runs as the PC, then judges.
    fn serves(&self, work: impl FnOnce(&Net) + Send, judge: impl AsyncFnOnce(&Boot) + Send) {
        let pc = &self.pc;
        std::thread::scope(|scope| {
            let (open, opened) = std::sync::mpsc::channel();
            let (done, finished) = tokio::sync::oneshot::channel();
            let serving = scope.spawn(move || {
                inside(&self.server, async || {
                    let (boot, _) = boot(&self.folder, Clock::System).await;
                    let serving = Serving::start(&boot).await;
                    open.send(()).unwrap();
                    finished.await.unwrap();
                    judge(&boot).await;
                    serving.end().await;
                });
            });
            let ready = opened.recv_timeout(Duration::from_secs(30));
            if ready.is_ok() {
                let playing = scope.spawn(move || {
                    pc.enter();
                    work(pc);
                });
                playing.join().unwrap();
                done.send(()).unwrap();
            }
            serving.join().unwrap();
        });
    }
}

struct Dnsmasq(Child);

impl Drop for Dnsmasq {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const RANGE: &str = "--dhcp-range=10.77.0.50,10.77.0.60,255.255.255.0,1h";

/// Asks as UEFI firmware does until somebody's offer came; gives all that came.
fn asks_as_uefi(socket: &UdpSocket, wanted: usize) -> Vec<Vec<u8>> {
    let mut offers: Vec<Vec<u8>> = Vec::new();
    let mut buffer = vec![0; 4096];
    for _ in 0..15 {
        socket
            .send_to(&packet!("ovmf-discover"), "255.255.255.255:67")
            .unwrap();
        while let Ok(len) = socket.recv(&mut buffer) {
            let offer = buffer[..len].to_vec();
            if !offers
                .iter()
                .any(|known| server_of(known) == server_of(&offer))
            {
                offers.push(offer);
            }
        }
        if offers.len() >= wanted {
            return offers;
        }
    }
    panic!("{} offers came, not {wanted}", offers.len());
}

/// Option 54.
fn server_of(packet: &[u8]) -> Option<[u8; 4]> {
    let at = packet.windows(2).skip(240).position(|w| w == [54, 4])? + 240;
    packet.get(at + 2..at + 6)?.try_into().ok()
}

/// Takes the address that `server` offers, as firmware does: broadcast, naming the server.
fn takes_an_address(socket: &UdpSocket, server: [u8; 4]) {
    let mut request = packet!("ovmf-discover");
    let kind = request.windows(3).position(|w| w == [53, 1, 1]).unwrap();
    request[kind + 2] = 3;
    let end = request.iter().rposition(|b| *b == 255).unwrap();
    request.truncate(end);
    request.extend([54, 4]);
    request.extend(server);
    request.extend([50, 4, 10, 77, 0, 50, 255]);
    socket.send_to(&request, "255.255.255.255:67").unwrap();
}

/// As if the machine had been silent since: the recorder's patience, without waiting for it.
async fn judged(boot: &Boot) -> (Flight, Trace) {
    let flight = until("the machine's flight", async || boot.recorder.latest(MAC)).await;
    let later = Boot {
        clock: Clock::manual(flight.ended() + Duration::from_secs(60)),
        ..boot.clone()
    };
    let trace = flight::trace(&later, &[MAC], None).await.unwrap();
    (flight, trace)
}

async fn noted(boot: &Boot, what: &str, test: impl Fn(&Step) -> bool) {
    until(what, async || {
        let flight = boot.recorder.latest(MAC)?;
        flight
            .steps
            .iter()
            .any(|timed| test(&timed.step))
            .then_some(())
    })
    .await;
}

async fn trouble(boot: &Boot, object: &str) -> String {
    until(&format!("trouble with {object}"), async || {
        let entries = journal::latest(&boot.db, 100).await.unwrap();
        entries.into_iter().find_map(|entry| match entry.fact {
            Fact::Trouble {
                object: found,
                sentence,
            } if found == object => Some(sentence),
            _ => None,
        })
    })
    .await
}

#[test]
fn a_boot_beside_a_plain_dhcp_server_is_followed_step_by_step() {
    let lan = Lan::new();
    let _dhcp = lan.dnsmasq("10.77.0.1", &[RANGE]);
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
    let _dhcp = lan.dnsmasq("10.77.0.1", &[RANGE, "--dhcp-option-force=60,PXEClient"]);
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
    let pid = second.id();
    lan.server.ip(&format!(
        "link add port3 type veth peer name dhcp0 netns {pid}"
    ));
    lan.server.ip("link set port3 master srv0");
    lan.server.ip("link set port3 up");
    second.ip("link set dhcp0 up");
    second.ip("addr add 10.77.0.9/24 dev dhcp0");
    let _first = lan.dnsmasq("10.77.0.1", &[RANGE]);
    let other = Lan {
        foreign: second,
        server: Net::new(),
        pc: Net::new(),
        folder: Folder::new(),
    };
    let _second = other.dnsmasq(
        "10.77.0.9",
        &["--dhcp-range=10.77.0.70,10.77.0.80,255.255.255.0,1h"],
    );
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
    let _dhcp = lan.dnsmasq("10.77.0.1", &[RANGE]);
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
    let _dhcp = lan.dnsmasq("10.77.0.1", &[RANGE]);
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
    let _dhcp = lan.dnsmasq("10.77.0.1", &[RANGE]);
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
