//! Addresses given by the appliance itself, to other people's clients.

use crate::nets::{Net, inside};
use crate::offers::{Answer, ask};
use crate::rig::{Folder, boot, noise, until};
use crate::wire::{machine, machine_on};
use config::{Dhcp, DhcpRole, Network, Reservation, Subnet, Told};
use state::wire::Fact;
use state::{Clock, Db, journal};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

pub(crate) fn ip(last: u8) -> Ipv4Addr {
    [10, 77, 0, last].into()
}

pub(crate) fn site(last: u8) -> Dhcp {
    Dhcp {
        subnets: vec![subnet(77, 100, last)],
        ..Dhcp::default()
    }
}

pub(crate) fn subnet(third: u8, first: u8, last: u8) -> Subnet {
    Subnet {
        network: [10, third, 0, 0].into(),
        prefix: 24,
        ranges: vec![([10, third, 0, first].into(), [10, third, 0, last].into())],
        exclude: Vec::new(),
        lease: Duration::from_secs(600),
        told: Told {
            router: vec![[10, third, 0, 1].into()],
            dns: vec![[10, 77, 0, 3].into(), [10, 77, 0, 4].into()],
            ntp: vec![[10, 77, 0, 5].into()],
            domain: Some("lan.example".into()),
            search: vec!["lan.example".into(), "example".into()],
        },
        authoritative: true,
    }
}

/// Gives the addresses of `dhcp` on `srv0` of `server` until `stop`.
async fn gives(
    folder: &Folder,
    dhcp: &Dhcp,
    clock: Clock,
    stop: CancellationToken,
    open: impl FnOnce(Db),
) {
    let (mut boot, _) = boot(folder, clock.clone()).await;
    boot.leases =
        provisioner::lease::Leases::new(folder.path().join("leases"), dhcp.clone(), clock);
    let network = Network {
        interface: "srv0".to_owned(),
        dhcp: DhcpRole::Server,
        http_port: 8067,
    };
    let serving = tokio::spawn(provisioner::serve(boot.clone(), vec![network], stop));
    until("all ports open", async || {
        let ports = boot.ports.all().remove("srv0")?;
        let all = [ports.dhcp, ports.pxe, ports.http, ports.tftp];
        all.iter().all(Option::is_some).then_some(())
    })
    .await;
    open(boot.db.clone());
    serving.await.unwrap();
}

/// The same while `work` runs.
pub(crate) fn served(
    folder: &Folder,
    server: &Net,
    dhcp: &Dhcp,
    clock: Clock,
    work: impl FnOnce() + Send,
) {
    served_from(folder, server, dhcp, clock, |_| work());
}

/// The same, and `work` gets the database that it is served from.
fn served_from(
    folder: &Folder,
    server: &Net,
    dhcp: &Dhcp,
    clock: Clock,
    work: impl FnOnce(Db) + Send,
) {
    std::thread::scope(|scope| {
        let stop = CancellationToken::new();
        let (open, opened) = std::sync::mpsc::channel();
        let until_stop = stop.clone();
        let thread = scope.spawn(move || {
            inside(server, async || {
                gives(folder, dhcp, clock, until_stop, |db| open.send(db).unwrap()).await;
            });
        });
        let stopped = stop.drop_guard();
        let db = opened.recv_timeout(Duration::from_secs(60)).unwrap();
        scope.spawn(|| work(db)).join().unwrap();
        drop(stopped);
        thread.join().unwrap();
    });
}

pub(crate) fn lan() -> (Net, Net) {
    let (server, pc) = (Net::new(), Net::new());
    server.cable_to(&pc);
    let folder = Folder::new();
    folder.fill_assets();
    (server, pc)
}

pub(crate) fn said(net: &Net, line: &str) -> String {
    let mut words = line.split(' ');
    let done = net
        .command("timeout")
        .arg("60")
        .arg(words.next().unwrap())
        .args(words)
        .output()
        .unwrap();
    String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned()
}

/// A client's script that writes down what it was told.
pub(crate) fn script(folder: &Folder, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path.display().to_string()
}

/// Facts of the journal, once there are any that `is`.
pub(crate) fn facts(folder: &Folder, is: impl Fn(&Fact) -> bool) -> Vec<Fact> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let db = Db::open_file(&folder.path().join("state.db"))
            .await
            .unwrap();
        until("the fact in the journal", async || {
            let entries = journal::latest(&db, 200).await.unwrap();
            let found: Vec<Fact> = entries
                .into_iter()
                .map(|e| e.fact)
                .filter(|f| is(f))
                .collect();
            (!found.is_empty()).then_some(found)
        })
        .await
    })
}

/// Waits until the file of leases says so.
fn wait_for_line(folder: &Folder, words: &str) {
    let file = folder.path().join("leases/leases");
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let written = std::fs::read_to_string(&file).unwrap();
        if written.contains(words) {
            return;
        }
        assert!(Instant::now() < deadline, "{words} is not in {written}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A request of one card.
pub(crate) fn packet(card: u32, kind: u8, options: &[(u8, &[u8])]) -> Vec<u8> {
    let mut packet = vec![0u8; 236];
    packet[..4].copy_from_slice(&[1, 1, 6, 0]);
    packet[4..8].copy_from_slice(&(card * 7 + u32::from(kind)).to_be_bytes());
    // Its card is not the cable's: only what everybody hears arrives.
    packet[10] = 0x80;
    packet[28..30].copy_from_slice(&[2, 0]);
    packet[30..34].copy_from_slice(&card.to_be_bytes());
    packet.extend_from_slice(&[99, 130, 83, 99, 53, 1, kind]);
    for (code, value) in options {
        packet.extend_from_slice(&[*code, u8::try_from(value.len()).unwrap()]);
        packet.extend_from_slice(value);
    }
    packet.push(255);
    packet
}

fn renewal(card: u32, address: Ipv4Addr) -> Vec<u8> {
    let mut packet = packet(card, 3, &[]);
    packet[12..16].copy_from_slice(&address.octets());
    packet
}

pub(crate) const ALL: &str = "255.255.255.255:67";

/// The answer to this very request.
pub(crate) fn answer(socket: &UdpSocket, request: &[u8], to: &str) -> Answer {
    let mine = |answer: &Answer| {
        answer.packet[4..8] == request[4..8] && answer.packet[28..34] == request[28..34]
    };
    let answers = ask(socket, request, to, |answers| answers.iter().any(mine));
    answers.into_iter().find(mine).unwrap()
}

pub(crate) fn kind(answer: &Answer) -> u8 {
    answer.option(53).unwrap()[0]
}

/// DISCOVER to ACK; the address.
pub(crate) fn takes(socket: &UdpSocket, card: u32) -> Ipv4Addr {
    let offer = answer(socket, &packet(card, 1, &[]), ALL);
    assert_eq!(kind(&offer), 2);
    let address = offer.field(16);
    let server = offer.option(54).unwrap().to_vec();
    let ack = answer(
        socket,
        &packet(card, 3, &[(50, &address.octets()), (54, &server)]),
        ALL,
    );
    assert_eq!((kind(&ack), ack.field(16)), (5, address));
    address
}

/// INIT-REBOOT: ACK 5, NAK 6.
pub(crate) fn reboots(socket: &UdpSocket, card: u32, address: Ipv4Addr) -> u8 {
    kind(&answer(
        socket,
        &packet(card, 3, &[(50, &address.octets())]),
        ALL,
    ))
}

#[test]
fn udhcpc_is_told_everything_it_asks_for() {
    let (server, pc) = lan();
    let folder = Folder::new();
    folder.fill_assets();
    let mut dhcp = site(120);
    dhcp.subnets[0].lease = Duration::from_secs(60);
    served(&folder, &server, &dhcp, Clock::System, || {
        let told = folder.path().join("told");
        let text = format!(
            "#!/bin/sh\n[ $1 = bound ] || exit 0\nenv > {0}.new\nmv {0}.new {0}\nip addr add $ip/$mask dev $interface\n",
            told.display()
        );
        let script = script(&folder, "script", &text);
        let line =
            format!("udhcpc -i pc0 -f -n -q -t 15 -T 2 -O search -x hostname:compta-3 -s {script}");
        let text = said(&pc, &line);
        assert!(
            text.contains("lease of 10.77.0.100 obtained from 10.77.0.2"),
            "{text}"
        );
        let told = std::fs::read_to_string(&told).unwrap();
        for line in [
            "ip=10.77.0.100",
            "subnet=255.255.255.0",
            "router=10.77.0.1",
            "dns=10.77.0.3 10.77.0.4",
            "domain=lan.example",
            "search=lan.example example",
            "ntpsrv=10.77.0.5",
            "broadcast=10.77.0.255",
            "lease=60",
            "serverid=10.77.0.2",
        ] {
            assert!(
                told.lines().any(|told| told == line),
                "{line} is missing: {told}"
            );
        }
        assert!(
            !told.contains("siaddr=10.77.0.2"),
            "a system needs no boot server: {told}"
        );
    });
}

#[test]
fn dhclient_renews_finds_its_address_again_and_gives_it_back() {
    let (server, pc) = lan();
    let folder = Folder::new();
    folder.fill_assets();
    let mut dhcp = site(120);
    dhcp.subnets[0].lease = Duration::from_secs(8);
    dhcp.reservations = Vec::new();
    served(&folder, &server, &dhcp, Clock::System, || {
        let reasons = folder.path().join("reasons");
        // It takes the address, as its own script does, and ends after its first renewal.
        let text = format!(
            "#!/bin/sh\necho $reason $new_ip_address >> {}\ncase $reason in\nBOUND|REBOOT) ip addr replace $new_ip_address/24 dev pc0 ;;\nRENEW) kill $PPID ;;\nesac\nexit 0\n",
            reasons.display()
        );
        let script = script(&folder, "script", &text);
        let line = format!(
            "dhclient -4 -d -1 -sf {script} -lf {} -pf /dev/null pc0",
            folder.path().join("pc-leases").display()
        );
        let text = said(&pc, &line);
        let seen = || std::fs::read_to_string(&reasons).unwrap();
        assert!(seen().contains("BOUND 10.77.0.100\n"), "{text}");
        assert!(seen().contains("RENEW 10.77.0.100\n"), "{text}\n{}", seen());
        // Started again it asks for the same one, and gets it.
        let text = said(&pc, &line);
        assert!(
            seen().contains("REBOOT 10.77.0.100\n"),
            "{text}\n{}",
            seen()
        );
        assert!(!text.contains("DHCPNAK"), "{text}");
        let text = said(&pc, &line.replace(" -1 ", " -r "));
        assert!(text.contains("DHCPRELEASE of 10.77.0.100"), "{text}");
        wait_for_line(&folder, " freed 10.77.0.100 ");
    });
}

#[test]
fn an_address_that_a_stranger_uses_is_never_given() {
    let (server, pc) = (Net::new(), Net::new());
    let stranger = Net::new();
    let _switch = crate::lan::switch(&[(&server, "srv0"), (&pc, "pc0"), (&stranger, "odd0")]);
    server.ip("addr add 10.77.0.2/24 dev srv0");
    stranger.ip("link set odd0 address 02:00:00:00:00:77");
    stranger.ip("addr add 10.77.0.100/24 dev odd0");
    let folder = Folder::new();
    folder.fill_assets();
    served(&folder, &server, &site(101), Clock::System, || {
        pc.enter();
        let socket = machine(68);
        assert_eq!(takes(&socket, 1), ip(101));
        // It was asked for by name, too.
        assert_eq!(reboots(&socket, 2, ip(100)), 6);
        // And one that came after the question: its machine finds out, and says so.
        stranger.ip("addr add 10.77.0.101/24 dev odd0");
        let decline = packet(1, 4, &[(50, &ip(101).octets()), (54, &ip(2).octets())]);
        socket.send_to(&decline, ALL).unwrap();
        let declined = facts(&folder, |fact| {
            matches!(
                fact,
                Fact::AddressInUse {
                    declined_by: Some(_),
                    ..
                }
            )
        });
        assert_eq!(
            declined[0],
            Fact::AddressInUse {
                address: "10.77.0.101".into(),
                mac: "02:00:00:00:00:77".into(),
                declined_by: Some("02:00:00:00:00:01".into()),
            }
        );
        assert_eq!(reboots(&socket, 3, ip(101)), 6);
        assert_eq!(reboots(&socket, 1, ip(101)), 6, "not by who declined it");
    });
    let heard = facts(&folder, |fact| {
        matches!(
            fact,
            Fact::AddressInUse {
                declined_by: None,
                ..
            }
        )
    });
    assert_eq!(
        heard[0],
        Fact::AddressInUse {
            address: "10.77.0.100".into(),
            mac: "02:00:00:00:00:77".into(),
            declined_by: None,
        }
    );
}

#[test]
fn a_laptop_from_another_network_is_told_at_once_unless_others_give_addresses_too() {
    let (server, pc) = lan();
    for authoritative in [true, false] {
        let folder = Folder::new();
        folder.fill_assets();
        let mut dhcp = site(120);
        dhcp.subnets[0].authoritative = authoritative;
        served(&folder, &server, &dhcp, Clock::System, || {
            pc.enter();
            let socket = machine(68);
            let elsewhere: Ipv4Addr = [192, 168, 1, 20].into();
            let stray = packet(1, 3, &[(50, &elsewhere.octets())]);
            if authoritative {
                let nak = answer(&socket, &stray, ALL);
                assert_eq!((kind(&nak), nak.field(16)), (6, Ipv4Addr::UNSPECIFIED));
                assert_eq!(
                    reboots(&socket, 1, ip(50)),
                    6,
                    "of the network, and not given here"
                );
            } else {
                // Silence: the next answer is the next machine's.
                socket.send_to(&stray, ALL).unwrap();
                socket
                    .send_to(&packet(1, 3, &[(50, &ip(50).octets())]), ALL)
                    .unwrap();
                let offer = ask(&socket, &packet(2, 1, &[]), ALL, |answers| {
                    !answers.is_empty()
                });
                assert_eq!(offer[0].packet[28..34], [2, 0, 0, 0, 0, 2]);
            }
            // Whoever gives them: what the book says is another's is refused.
            let mine = takes(&socket, 5);
            assert_eq!(reboots(&socket, 6, mine), 6);
            assert_eq!(reboots(&socket, 5, mine), 5);
        });
    }
}

#[test]
fn two_networks_behind_an_isc_relay_each_get_their_own() {
    behind(
        "dhcrelay",
        "-4 -d -a -id down0 -id down1 -iu up0 -pf /dev/null 10.77.0.2",
    );
}

#[test]
fn two_networks_behind_a_dnsmasq_relay_each_get_their_own() {
    behind(
        "dnsmasq",
        "--keep-in-foreground --conf-file=/dev/null --port=0 --pid-file= --user=root \
         --dhcp-relay=10.80.0.1,10.77.0.2 --dhcp-relay=10.81.0.1,10.77.0.2",
    );
}

/// Two networks whose router runs `relay`; everybody there has addresses from us.
fn behind(relay: &str, arguments: &str) {
    let (server, router) = (Net::new(), Net::new());
    let pcs = [Net::new(), Net::new()];
    router.cable("up0", &server, "srv0");
    server.ip("addr add 10.77.0.2/24 dev srv0");
    server.ip("route add default via 10.77.0.1");
    router.ip("addr add 10.77.0.1/24 dev up0");
    for (number, pc) in pcs.iter().enumerate() {
        router.cable(&format!("down{number}"), pc, "pc0");
        router.ip(&format!(
            "addr add 10.{}.0.1/24 dev down{number}",
            80 + number
        ));
    }
    let forward = router
        .command("sh")
        .args(["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])
        .status();
    assert!(forward.unwrap().success());
    let folder = Folder::new();
    folder.fill_assets();
    let dhcp = Dhcp {
        subnets: vec![
            subnet(77, 100, 110),
            subnet(80, 100, 101),
            subnet(81, 100, 110),
        ],
        ..Dhcp::default()
    };
    // Somebody has the first address of the first network already, beyond the router.
    pcs[0].ip("addr add 10.80.0.100/24 dev pc0");
    pcs[0].ip("route add default via 10.80.0.1");
    served(&folder, &server, &dhcp, Clock::System, || {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let _relay = router.start(relay, &words.join(" "));
        for (pc, expected) in [(&pcs[0], "10.80.0.101"), (&pcs[1], "10.81.0.100")] {
            let text = said(pc, "udhcpc -i pc0 -f -n -q -t 15 -T 2 -s /bin/true");
            let lease = format!("lease of {expected} obtained from 10.77.0.2");
            assert!(text.contains(&lease), "{text}");
        }
        // A hundred machines at once behind the second relay's address: perfdhcp speaks as a relay.
        pcs[1].ip("addr add 10.81.0.60/24 dev pc0");
        pcs[1].ip("route add default via 10.81.0.1");
        let text = said(&pcs[1], "perfdhcp -4 -l pc0 -r 20 -R 5 -p 3 10.77.0.2");
        let done = text.split("REQUEST-ACK").nth(1).unwrap_or_default();
        assert!(!done.contains("received packets: 0"), "{text}");
        pcs[1].ip("addr flush dev pc0");
        // It renews past the relay, at our own address.
        let pc = &pcs[1];
        pc.enter();
        let socket = machine(68);
        let address = takes(&socket, 9);
        pc.ip(&format!("addr add {address}/24 dev pc0"));
        pc.ip("route add default via 10.81.0.1");
        let ack = answer(&socket, &renewal(9, address), "10.77.0.2:67");
        assert_eq!((kind(&ack), ack.field(16)), (5, address));
        assert_eq!(ack.option(3), Some([10, 81, 0, 1].as_slice()));
    });
}

#[test]
fn a_reserved_address_is_its_machines_and_a_pc_that_boots_is_told_its_loader_in_the_same_answer() {
    let (server, pc) = lan();
    let folder = Folder::new();
    folder.fill_assets();
    let mut dhcp = site(120);
    dhcp.reservations = vec![Reservation {
        mac: [2, 0, 0, 0, 0, 9],
        address: ip(200),
        name: Some("printer".into()),
    }];
    served(&folder, &server, &dhcp, Clock::System, || {
        pc.enter();
        let socket = machine(68);
        assert_eq!(takes(&socket, 9), ip(200));
        assert_eq!(reboots(&socket, 1, ip(200)), 6);
        let firmware: [(u8, &[u8]); 3] = [
            (60, b"PXEClient:Arch:00007:UNDI:003000"),
            (93, &[0, 7]),
            (97, &[0; 17]),
        ];
        let offer = answer(&socket, &packet(3, 1, &firmware), ALL);
        assert_eq!(kind(&offer), 2);
        assert!(offer.gives_an_address());
        assert_eq!(offer.field(20), ip(2), "siaddr");
        assert_eq!(offer.file(), "b/020000000003/snponly.efi");
        assert_eq!(offer.option(60), Some(b"PXEClient".as_slice()));
        assert_eq!(offer.option(43), Some([6, 1, 8, 255].as_slice()));
        let address = offer.field(16).octets();
        let taken = [
            firmware.as_slice(),
            &[(50, &address), (54, &[10, 77, 0, 2])],
        ]
        .concat();
        let ack = answer(&socket, &packet(3, 3, &taken), ALL);
        assert_eq!((kind(&ack), ack.field(16).octets()), (5, address));
        assert_eq!(ack.file(), "b/020000000003/snponly.efi");
        // One exchange, for who can.
        let rapid = answer(&socket, &packet(4, 1, &[(80, &[])]), ALL);
        assert_eq!((kind(&rapid), rapid.option(80)), (5, Some([].as_slice())));
        assert_eq!(reboots(&socket, 4, rapid.field(16)), 5);
    });
}

/// Firmware waits for the registry, and nobody else does.
#[test]
fn a_database_that_hangs_keeps_nobody_from_an_address() {
    let (server, pc) = lan();
    let folder = Folder::new();
    folder.fill_assets();
    served_from(&folder, &server, &site(180), Clock::System, |db| {
        pc.enter();
        let socket = machine(68);
        // It has read what it needs once.
        takes(&socket, 9);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        // Every connection it reads by is taken: whoever asks waits ten seconds, in vain.
        let held = runtime.block_on(async {
            let mut held = Vec::new();
            while let Ok(one) =
                tokio::time::timeout(Duration::from_secs(1), db.read().acquire()).await
            {
                held.push(one.unwrap());
            }
            held
        });
        assert!(!held.is_empty());
        let firmware: [(u8, &[u8]); 2] = [(60, b"PXEClient:Arch:00007:UNDI:003000"), (93, &[0, 7])];
        for card in 0..40 {
            socket
                .send_to(&packet(1000 + card, 1, &firmware), ALL)
                .unwrap();
        }
        let address = takes(&socket, 1);
        assert_eq!(reboots(&socket, 1, address), 5);
        // Firmware gets an address too, and nothing to boot.
        let offer = answer(&socket, &packet(2000, 1, &firmware), ALL);
        assert_eq!((kind(&offer), offer.file().as_str()), (2, ""));
        runtime.block_on(async {
            for one in held {
                one.close().await.unwrap();
            }
        });
        // It answers again, and firmware is told what to boot.
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let offer = answer(&socket, &packet(2000, 1, &firmware), ALL);
            if offer.file() == "b/0200000007d0/snponly.efi" {
                break;
            }
            assert!(Instant::now() < deadline, "{}", offer.file());
        }
    });
}

/// Its firmware takes shim, shim GRUB, and GRUB all that follows, from the server of its address.
#[test]
fn a_uefi_pc_that_may_have_secure_boot_is_led_through_the_signed_chain() {
    let (server, pc) = lan();
    let folder = Folder::new();
    folder.fill_assets();
    let chain = [("shimx64.efi", 1_048_504), ("grubx64.efi", 3_843_520)];
    for (name, len) in chain {
        std::fs::write(folder.assets().join(name), noise(len, len as u64)).unwrap();
    }
    served(&folder, &server, &site(120), Clock::System, || {
        pc.enter();
        let firmware: [(u8, &[u8]); 3] = [
            (60, b"PXEClient:Arch:00007:UNDI:003000"),
            (93, &[0, 7]),
            (97, &[0; 17]),
        ];
        let offer = answer(&machine(68), &packet(3, 1, &firmware), ALL);
        assert_eq!(offer.file(), "b/020000000003/shimx64.efi");
        assert_eq!(offer.field(20), ip(2), "siaddr, which GRUB goes by");
        pc.ip(&format!("addr add {}/24 dev pc0", offer.field(16)));
        let fetched = |path: &str| {
            let url = format!("tftp://10.77.0.2{path}");
            let done = pc
                .command("timeout")
                .args(["60", "curl", "-sSf", &url])
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success(), "{path}: {said}");
            done.stdout
        };
        for (name, len) in chain {
            let got = fetched(&format!("//b/020000000003/{name}"));
            assert!(got == noise(len, len as u64), "{name}");
        }
        let entry = String::from_utf8(fetched("//grub/grub.cfg")).unwrap();
        let own = entry.strip_prefix("configfile ").unwrap().trim();
        // As GRUB fills it in.
        let own = own.replace("${net_default_mac}", "02:00:00:00:00:03");
        let config = String::from_utf8(fetched(&format!("/{own}"))).unwrap();
        assert!(
            config.contains(" reprise.mac=02:00:00:00:00:03 "),
            "{config}"
        );
        for (command, name) in [("linux ", "kernel"), ("initrd ", "initrd")] {
            let after = config.split(command).nth(1).unwrap();
            let path = after.split([' ', ';']).next().unwrap();
            let given = std::fs::read(folder.assets().join(name)).unwrap();
            assert!(fetched(&format!("/{path}")) == given, "{path}");
        }
    });
}

#[test]
fn ordinary_tools_find_the_server() {
    let (server, pc) = lan();
    let folder = Folder::new();
    folder.fill_assets();
    served(&folder, &server, &site(120), Clock::System, || {
        pc.ip("addr add 10.77.0.60/24 dev pc0");
        let text = said(&pc, "nmap --script broadcast-dhcp-discover -e pc0");
        assert!(text.contains("Server Identifier: 10.77.0.2"), "{text}");
        assert!(text.contains("IP Offered: 10.77.0.1"), "{text}");
        assert!(text.contains("Router: 10.77.0.1"), "{text}");
        let text = said(
            &pc,
            "dhcping -i -c 10.77.0.60 -h 02:00:00:00:00:60 -s 10.77.0.2 -t 10",
        );
        assert!(text.contains("Got answer from: 10.77.0.2"), "{text}");
    });
}

#[test]
fn a_second_dhcp_server_on_the_wire_is_named() {
    let (server, pc, other) = (Net::new(), Net::new(), Net::new());
    let _switch = crate::lan::switch(&[(&server, "srv0"), (&pc, "pc0"), (&other, "lan0")]);
    server.ip("addr add 10.77.0.2/24 dev srv0");
    let folder = Folder::new();
    folder.fill_assets();
    served(&folder, &server, &site(120), Clock::System, || {
        let _dhcp = crate::lan::company_dhcp(&other);
        pc.enter();
        let socket = machine(68);
        let both = ask(&socket, &packet(1, 1, &[]), ALL, |answers| {
            let by = |last: u8| {
                answers
                    .iter()
                    .any(|a| a.option(54) == Some(&[10, 77, 0, last]))
            };
            by(1) && by(2)
        });
        // It takes the other's: ours is free again, and nothing of it is written.
        let ours = both
            .iter()
            .find(|a| a.option(54) == Some(&[10, 77, 0, 2]))
            .unwrap();
        let theirs = both
            .iter()
            .find(|a| a.option(54) == Some(&[10, 77, 0, 1]))
            .unwrap();
        let take = packet(
            1,
            3,
            &[(50, &theirs.field(16).octets()), (54, &[10, 77, 0, 1])],
        );
        socket.send_to(&take, ALL).unwrap();
        let trouble = facts(
            &folder,
            |fact| matches!(fact, Fact::Trouble { object, .. } if object == "addresses on srv0"),
        );
        let Fact::Trouble { sentence, .. } = &trouble[0] else {
            panic!("{trouble:?}");
        };
        assert!(
            sentence.contains("another DHCP server, 10.77.0.1, gives addresses on srv0 too"),
            "{sentence}"
        );
        let next = answer(
            &socket,
            &packet(2, 1, &[(50, &ours.field(16).octets())]),
            ALL,
        );
        assert_eq!(kind(&next), 2);
    });
}

/// The whole pool's questions and takers; whoever was known before keeps what it had.
#[test]
fn invented_cards_by_the_thousand_leave_known_machines_their_addresses() {
    let (server, pc) = lan();
    let folder = Folder::new();
    folder.fill_assets();
    let mut dhcp = site(129);
    dhcp.reservations = vec![Reservation {
        mac: [2, 0, 0, 0, 0, 9],
        address: ip(200),
        name: None,
    }];
    served(&folder, &server, &dhcp, Clock::System, || {
        pc.enter();
        let socket = machine(68);
        let mine = takes(&socket, 1);
        // perfdhcp: a thousand cards that never come back.
        pc.ip("addr add 10.77.0.60/24 dev pc0");
        drop(socket);
        let text = said(&pc, "perfdhcp -4 -l pc0 -r 200 -R 1000 -p 6 10.77.0.2");
        assert!(text.contains("received packets"), "{text}");
        let socket = machine(68);
        assert_eq!(reboots(&socket, 1, mine), 5);
        assert_eq!(takes(&socket, 9), ip(200));
        let held: Vec<u32> = (0..100).map(|n| 1000 + n).collect();
        let mut given = BTreeMap::new();
        for card in held {
            socket.send_to(&packet(card, 1, &[]), ALL).unwrap();
        }
        let mut buffer = vec![0; 2048];
        socket
            .set_read_timeout(Some(Duration::from_secs(2)))
            .unwrap();
        while let Ok(len) = socket.recv(&mut buffer) {
            let answer = Answer {
                packet: buffer[..len].to_vec(),
                from: "10.77.0.2:67".parse().unwrap(),
            };
            let other = given.insert(answer.field(16), answer.packet[28..34].to_vec());
            assert!(
                other.is_none_or(|other| other == answer.packet[28..34]),
                "offered twice at once"
            );
        }
        assert_eq!(takes(&socket, 1), mine);
    });
    let trouble = facts(
        &folder,
        |fact| matches!(fact, Fact::Trouble { object, .. } if object == "free addresses of 10.77.0.0/24"),
    );
    assert_eq!(trouble.len(), 1);
}

#[test]
fn dhcpstarv_and_forged_releases_take_nothing_from_a_machine_that_is_known() {
    let (server, pc, evil) = (Net::new(), Net::new(), Net::new());
    let _switch = crate::lan::switch(&[(&server, "srv0"), (&pc, "pc0"), (&evil, "odd0")]);
    server.ip("addr add 10.77.0.2/24 dev srv0");
    pc.ip("link set pc0 address 02:00:00:00:00:01");
    evil.ip("addr add 10.77.0.66/24 dev odd0");
    let folder = Folder::new();
    folder.fill_assets();
    let mut dhcp = site(129);
    dhcp.reservations = vec![Reservation {
        mac: [2, 0, 0, 0, 0, 9],
        address: ip(200),
        name: None,
    }];
    served(&folder, &server, &dhcp, Clock::System, || {
        pc.enter();
        let socket = machine(68);
        let mine = takes(&socket, 1);
        pc.ip(&format!("addr add {mine}/24 dev pc0"));
        {
            let _starving = evil.start("dhcpstarv", "-i odd0");
            let short = facts(
                &folder,
                |fact| matches!(fact, Fact::Trouble { object, .. } if object == "free addresses of 10.77.0.0/24"),
            );
            assert_eq!(short.len(), 1, "told once");
            assert_eq!(takes(&socket, 9), ip(200), "while it goes on");
            assert_eq!(reboots(&socket, 1, mine), 5);
        }
        // What dhcpig does besides (Debian 12's stops with an error of its library): it gives
        // everybody's address back in their name, and takes what it can get.
        let forger = {
            evil.enter();
            machine_on("odd0", 68)
        };
        let mut forged = packet(1, 7, &[(54, &ip(2).octets())]);
        forged[12..16].copy_from_slice(&mine.octets());
        forger.send_to(&forged, "10.77.0.2:67").unwrap();
        wait_for_line(&folder, &format!(" freed {mine} "));
        drop(forger);
        let text = said(&evil, "udhcpc -i odd0 -f -n -q -t 4 -T 1 -s /bin/true");
        assert!(!text.contains(&format!("lease of {mine} ")), "{text}");
        // Whoever has it goes on with it: it answers when the network is asked.
        assert_eq!(reboots(&socket, 77, mine), 6);
        assert_eq!(reboots(&socket, 1, mine), 5);
        let ack = answer(&socket, &renewal(1, mine), "10.77.0.2:67");
        assert_eq!((kind(&ack), ack.field(16)), (5, mine));
        assert_eq!(takes(&socket, 9), ip(200));
    });
}

/// Set for the process that is killed: where its state is.
const CHILD: &str = "REPRISE_LEASE_CHILD";

#[test]
fn an_address_that_was_acknowledged_survives_kill_9() {
    if let Some(folder) = std::env::var_os(CHILD) {
        let folder = Folder::at(Path::new(&folder));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(gives(
            &folder,
            &site(250),
            Clock::System,
            CancellationToken::new(),
            |_| {},
        ));
        unreachable!("it serves until it is killed");
    }
    let (server, pc) = lan();
    let folder = Folder::new();
    folder.fill_assets();
    let program = std::env::current_exe().unwrap();
    let start = || {
        let mut command = server.command(program.to_str().unwrap());
        command.args([
            "--exact",
            "lease::an_address_that_was_acknowledged_survives_kill_9",
        ]);
        command
            .env(CHILD, folder.path())
            .stdout(std::process::Stdio::null());
        command.spawn().unwrap()
    };
    pc.enter();
    let socket = machine(68);
    let mut has: BTreeMap<Ipv4Addr, u32> = BTreeMap::new();
    let mut card = 0;
    for round in 0..5 {
        let mut child = start();
        // Those of before are still whose they were.
        for (address, card) in &has {
            assert_eq!(
                reboots(&socket, *card, *address),
                5,
                "round {round}: {address}"
            );
            assert_eq!(
                reboots(&socket, 90_000, *address),
                6,
                "round {round}: {address}"
            );
        }
        // Killed in the middle of a crowd.
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut acks = 0;
        let mut buffer = vec![0; 2048];
        socket
            .set_read_timeout(Some(Duration::from_millis(20)))
            .unwrap();
        while acks < 12 && Instant::now() < deadline {
            card += 1;
            socket.send_to(&packet(card, 1, &[]), ALL).unwrap();
            while let Ok(len) = socket.recv(&mut buffer) {
                let answer = Answer {
                    packet: buffer[..len].to_vec(),
                    from: "10.77.0.2:67".parse().unwrap(),
                };
                let mac = &answer.packet[30..34];
                let who = u32::from_be_bytes(mac.try_into().unwrap());
                let address = answer.field(16);
                if kind(&answer) == 2 {
                    let take = packet(who, 3, &[(50, &address.octets()), (54, &ip(2).octets())]);
                    socket.send_to(&take, ALL).unwrap();
                } else if kind(&answer) == 5 {
                    acks += 1;
                    let other = has.insert(address, who);
                    assert!(other.is_none_or(|other| other == who), "{address} twice");
                }
            }
        }
        assert!(acks >= 12, "round {round}: only {acks} acknowledged");
        child.kill().unwrap();
        child.wait().unwrap();
        while socket.recv(&mut buffer).is_ok() {}
    }
    assert!(has.len() >= 40, "{}", has.len());
}

/// A file system of that many bytes, until this goes.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn new(folder: &'a Path) -> SmallDisk<'a> {
        std::fs::create_dir_all(folder).unwrap();
        let disk = SmallDisk(folder);
        disk.mount(&["-t", "tmpfs", "-o", "size=8k", "tmpfs"]);
        disk
    }

    fn mount(&self, arguments: &[&str]) {
        let done = std::process::Command::new("mount")
            .args(arguments)
            .arg(self.0)
            .status();
        assert!(done.unwrap().success(), "mount {arguments:?}");
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(self.0)
            .status();
    }
}

#[test]
fn a_full_disk_gives_nothing_and_forgets_nothing() {
    let (server, pc) = lan();
    let folder = Folder::new();
    folder.fill_assets();
    let leases = folder.path().join("leases");
    let disk = SmallDisk::new(&leases);
    served(&folder, &server, &site(250), Clock::System, || {
        pc.enter();
        let socket = machine(68);
        socket
            .set_read_timeout(Some(Duration::from_secs(2)))
            .unwrap();
        let mut has: BTreeMap<Ipv4Addr, u32> = BTreeMap::new();
        let mut refused = None;
        for card in 1..150 {
            let offer = answer(&socket, &packet(card, 1, &[]), ALL);
            let address = offer.field(16);
            let take = packet(card, 3, &[(50, &address.octets()), (54, &ip(2).octets())]);
            socket.send_to(&take, ALL).unwrap();
            let mut buffer = vec![0; 2048];
            match socket.recv(&mut buffer) {
                Ok(_) => assert_eq!(has.insert(address, card), None, "{address} twice"),
                Err(_) => {
                    refused = Some((card, address));
                    break;
                }
            }
        }
        let (card, address) = refused.expect("the disk was never full");
        assert!(has.len() > 20, "{}", has.len());
        let trouble = facts(
            &folder,
            |fact| matches!(fact, Fact::Trouble { object, .. } if object == "leases of srv0"),
        );
        assert!(
            format!("{trouble:?}").contains("cannot be written"),
            "{trouble:?}"
        );
        disk.mount(&["-o", "remount,size=4m"]);
        // There is room again: who asked gets its own, and everybody else has what they had.
        assert_eq!(reboots(&socket, card, address), 5);
        for (address, card) in &has {
            assert_eq!(reboots(&socket, *card, *address), 5, "{address}");
            assert_eq!(reboots(&socket, 90_000, *address), 6, "{address}");
        }
        facts(
            &folder,
            |fact| matches!(fact, Fact::TroubleOver { object } if object == "leases of srv0"),
        );
    });
    drop(disk);
}

#[test]
fn a_damaged_file_a_set_clock_and_an_interface_that_went_give_nothing_twice() {
    let (server, pc) = lan();
    let folder = Folder::new();
    folder.fill_assets();
    let clock = crate::rig::manual_clock();
    let start = clock.now();
    let mut lost = Ipv4Addr::UNSPECIFIED;
    let mut kept = Ipv4Addr::UNSPECIFIED;
    served(&folder, &server, &site(103), clock.clone(), || {
        pc.enter();
        let socket = machine(68);
        (lost, kept) = (takes(&socket, 1), takes(&socket, 2));
        // A year ahead, a year back: a lease is as long as it was.
        for jump in [366 * 86_400_000i64, -366 * 86_400_000] {
            clock.set(state::Timestamp(start.0 + jump));
            assert_eq!(reboots(&socket, 2, kept), 5);
            assert_eq!(reboots(&socket, 3, kept), 6);
        }
        server.ip("link del srv0");
        drop(socket);
        server.cable_to(&pc);
        let socket = machine(68);
        assert_eq!(reboots(&socket, 2, kept), 5);
    });
    // The line of the first is hit; its machine goes on using the address.
    let file = folder.path().join("leases/leases");
    let text = std::fs::read_to_string(&file).unwrap();
    let damaged: String = text
        .lines()
        .map(|line| match line.contains(&format!(" {lost} ")) {
            true => format!("{}\n", line.replace("bound", "b?und")),
            false => format!("{line}\n"),
        })
        .collect();
    assert_ne!(text, damaged);
    std::fs::write(&file, damaged).unwrap();
    pc.ip("link set pc0 address 02:00:00:00:00:01");
    pc.ip(&format!("addr add {lost}/24 dev pc0"));
    served(&folder, &server, &site(103), clock, || {
        pc.enter();
        let socket = machine(68);
        for card in 5..=6 {
            let other = takes(&socket, card);
            assert!(other != lost && other != kept, "{other} was given twice");
        }
        assert_eq!(reboots(&socket, 2, kept), 5);
        assert_eq!(reboots(&socket, 7, lost), 6);
        assert_eq!(reboots(&socket, 1, lost), 5, "it had it all the time");
    });
    let told = facts(&folder, |fact| matches!(fact, Fact::LeasesDamaged { .. }));
    let copy = folder.path().join("leases/leases.damaged");
    let kept = Some(copy.display().to_string());
    assert!(told.iter().all(
        |fact| matches!(fact, Fact::LeasesDamaged { lines, kept: k } if *lines > 0 && *k == kept)
    ));
    assert!(copy.exists());
}

#[test]
fn who_gets_no_address_and_who_sends_what_no_machine_should_is_told() {
    let (server, pc) = lan();
    let folder = Folder::new();
    folder.fill_assets();
    served(&folder, &server, &site(110), Clock::System, || {
        pc.enter();
        pc.ip("addr add 10.77.0.200/24 dev pc0");
        let socket = machine(68);
        // A relay whose network is of no subnet, one that is none, and an option past the end.
        let mut strange = packet(1, 1, &[]);
        strange[24..28].copy_from_slice(&[10, 99, 0, 1]);
        let mut impossible = packet(2, 1, &[]);
        impossible[24..28].fill(255);
        let mut broken = packet(3, 1, &[]);
        broken.truncate(broken.iter().rposition(|byte| *byte == 255).unwrap());
        broken.extend([12, 200, b'x']);
        for _ in 0..3 {
            for packet in [&strange, &impossible, &broken] {
                socket.send_to(packet, ALL).unwrap();
            }
        }
        let troubles = facts(
            &folder,
            |fact| matches!(fact, Fact::Trouble { object, .. } if object == "relays on srv0"),
        );
        assert!(
            matches!(&troubles[0], Fact::Trouble { sentence, .. } if sentence.contains("10.99.0.1")),
            "{troubles:?}"
        );
        for (card, code) in [(2, "bad_relay"), (3, "truncated")] {
            let told = facts(
                &folder,
                |fact| matches!(fact, Fact::PacketIgnored { why, .. } if why == code),
            );
            let expected = Fact::PacketIgnored {
                interface: "srv0".into(),
                from: "10.77.0.200".into(),
                mac: Some(format!("02:00:00:00:00:0{card}")),
                why: code.into(),
            };
            assert_eq!(told, [expected], "once");
        }
        // The others are served as if nothing was.
        assert_eq!(kind(&answer(&socket, &packet(4, 1, &[]), ALL)), 2);
    });
}

#[test]
fn invented_cards_that_decline_what_they_were_offered_leave_all_addresses_free() {
    let (server, pc) = lan();
    let folder = Folder::new();
    folder.fill_assets();
    served(&folder, &server, &site(149), Clock::System, || {
        pc.enter();
        let socket = machine(68);
        for card in 1..=40 {
            let offer = answer(&socket, &packet(card, 1, &[]), ALL);
            let offered = offer.field(16).octets();
            let decline = [(50, &offered[..]), (54, &ip(2).octets())];
            socket.send_to(&packet(card, 4, &decline), ALL).unwrap();
        }
        // Of fifty addresses, ten were never offered.
        takes(&socket, 99);
        let leases = std::fs::read_to_string(folder.path().join("leases/leases")).unwrap();
        assert!(!leases.contains(" aside "), "{leases}");
    });
}
