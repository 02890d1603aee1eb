//! Network boot over IPv6: the appliance, machines, relays and everybody else's clients on cables.

use crate::lan::{said, switch};
use crate::nets::{Net, inside};
use crate::offers::{proxy, proxy_in};
use crate::rig::{Folder, Serving, boot, manual_clock, noise, until};
use crate::wire::unhex;
use provisioner::flight::Step;
use provisioner::host;
use provisioner::{Mac, Ports};
use state::Clock;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

const MAC: Mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]);
const SOLICIT: &str = include_str!("../data/dhcp6/ovmf-solicit.hex");
const HTTP_SOLICIT: &str = include_str!("../data/dhcp6/ovmf-http-solicit.hex");
const ADDRESS_SOLICIT: &str = include_str!("../data/dhcp6/ovmf-address-solicit.hex");
/// All_DHCP_Relay_Agents_and_Servers.
const EVERYBODY: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);

/// The appliance at fd77::2 on `srv0`, whose card is `pc0`'s other end or a switch.
fn appliance() -> Net {
    Net::new()
}

fn addresses(server: &Net) {
    // Without the second in which the kernel looks whether somebody has them.
    server.ip("link set srv0 down");
    server.ip("link set srv0 addrgenmode none");
    server.ip("link set srv0 up");
    server.ip("addr add fe80::2/64 dev srv0 nodad");
    server.ip("addr add 10.77.0.2/24 dev srv0");
    server.ip("addr add fd77::2/64 dev srv0 nodad");
}

/// `pc0` as the card 52:54:00:12:34:56, with the link-local address that firmware makes of it.
fn card(pc: &Net) {
    pc.ip("link set pc0 down");
    pc.ip(&format!("link set pc0 address {MAC}"));
    pc.ip("link set pc0 addrgenmode none");
    pc.ip("link set pc0 up");
    pc.ip("addr add fe80::5054:ff:fe12:3456/64 dev pc0 nodad");
}

fn cable() -> (Net, Net) {
    let (server, pc) = (appliance(), Net::new());
    server.cable("srv0", &pc, "pc0");
    addresses(&server);
    card(&pc);
    (server, pc)
}

/// A machine's socket on `pc0`, in the namespace this thread is in.
fn machine(port: u16) -> UdpSocket {
    let socket = socket2::Socket::new(
        socket2::Domain::IPV6,
        socket2::Type::DGRAM,
        Some(socket2::Protocol::UDP),
    )
    .unwrap();
    socket.set_only_v6(true).unwrap();
    socket.bind_device(Some(b"pc0")).unwrap();
    let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    socket.bind(&any.into()).unwrap();
    let wait = Some(Duration::from_secs(1));
    socket.set_read_timeout(wait).unwrap();
    socket.into()
}

fn index() -> u32 {
    let socket = UdpSocket::bind("[::]:0").unwrap();
    rustix::net::netdevice::name_to_index(&socket, "pc0").unwrap()
}

fn everybody(port: u16) -> SocketAddr {
    SocketAddrV6::new(EVERYBODY, port, 0, index()).into()
}

/// One answer.
#[derive(Debug)]
struct Answer {
    bytes: Vec<u8>,
    from: SocketAddr,
}

impl Answer {
    fn option(&self, code: u16) -> Option<&[u8]> {
        let mut rest = &self.bytes[4..];
        while let [a, b, c, d, tail @ ..] = rest {
            let (value, next) = tail.split_at(usize::from(u16::from_be_bytes([*c, *d])));
            if u16::from_be_bytes([*a, *b]) == code {
                return Some(value);
            }
            rest = next;
        }
        None
    }

    fn url(&self) -> String {
        String::from_utf8(self.option(59).unwrap_or_default().to_vec()).unwrap()
    }
}

/// Asks until there is an answer, as firmware does.
fn ask(socket: &UdpSocket, packet: &[u8], to: SocketAddr) -> Answer {
    let mut buffer = vec![0; 4096];
    let deadline = Instant::now() + Duration::from_secs(40);
    while Instant::now() < deadline {
        // Until the interface has its routes, sending fails.
        let _ = socket.send_to(packet, to);
        while let Ok((len, from)) = socket.recv_from(&mut buffer) {
            if buffer[1..4] == packet[1..4] && matches!(buffer[0], 2 | 7) {
                let bytes = buffer[..len].to_vec();
                return Answer { bytes, from };
            }
        }
    }
    panic!("no answer from {to}");
}

/// What EDK2 asks on 4011: its question again, as a REQUEST to the server of `answer`, without an
/// association.
fn second_step(solicit: &[u8], answer: &Answer) -> Vec<u8> {
    let server = answer.option(2).unwrap();
    let len = u16::try_from(server.len()).unwrap().to_be_bytes();
    let mut packet = vec![3, solicit[1], solicit[2], solicit[3]];
    packet.extend([0, 2]);
    packet.extend(len);
    packet.extend(server);
    let mut rest = &solicit[4..];
    while let [a, b, c, d, tail @ ..] = rest {
        let len = usize::from(u16::from_be_bytes([*c, *d]));
        if (*a, *b) != (0, 3) {
            packet.extend(&rest[..4 + len]);
        }
        rest = &tail[len..];
    }
    packet
}

const PXE_URL: &str = "tftp://[fd77::2]/b/525400123456/snponly.efi";

#[test]
fn firmware_is_offered_its_loader_over_ipv6() {
    let (server, pc) = cable();
    // A second address, which the kernel would not choose by itself.
    server.ip("addr add fd77::9/64 dev srv0 nodad");
    let folder = Folder::new();
    folder.fill_assets();
    let mut names = Vec::new();
    for _ in 0..2 {
        proxy_in(&folder, Clock::System, &server, &["srv0"], || {
            pc.enter();
            let boots = machine(546);
            // What is not for us is not answered: the next answer is the next question's.
            let address = unhex(ADDRESS_SOLICIT);
            boots.send_to(&address, everybody(547)).unwrap();
            let solicit = unhex(SOLICIT);
            let offer = ask(&boots, &solicit, everybody(547));
            assert_eq!(offer.bytes[0], 2, "ADVERTISE");
            assert_eq!(offer.url(), PXE_URL);
            assert_eq!(offer.option(3), None, "no address");
            assert_eq!(offer.option(16).unwrap()[6..], *b"PXEClient");
            let client = offer.option(1).unwrap();
            assert_eq!(client, &solicit[8..26]);
            // From the link-local address of the cable, and port 547.
            assert_eq!(offer.from.port(), 547);
            assert_eq!(offer.from.ip().to_string(), "fe80::2");
            names.push(offer.option(2).unwrap().to_vec());

            let http = ask(&boots, &unhex(HTTP_SOLICIT), everybody(547));
            assert_eq!(http.url(), "http://[fd77::2]:8067/b/525400123456/boot.img");
            assert_eq!(http.option(16).unwrap()[6..], *b"HTTPClient");

            // With its address it asks again, alone, at whichever of ours it chose.
            pc.ip("addr replace fd77::132/64 dev pc0 nodad");
            let firmware = machine(4011);
            for ours in ["fd77::2", "fd77::9"] {
                let to = SocketAddr::new(ours.parse().unwrap(), 4011);
                let mut question = second_step(&solicit, &offer);
                // A late answer to the other question is not taken for this one's.
                question[3] = if ours == "fd77::2" { 2 } else { 9 };
                let answer = ask(&firmware, &question, to);
                assert_eq!(answer.bytes[0], 7, "REPLY");
                assert_eq!(answer.from, to, "from where it was asked");
                assert_eq!(answer.url(), PXE_URL);
            }
        });
    }
    assert_eq!(names[0], names[1], "the same server after a restart");
}

/// EDK2 asks once, and opens its ear after that.
#[test]
fn the_second_step_is_answered_again_for_who_did_not_listen_yet() {
    let (server, pc) = cable();
    proxy(&server, &["srv0"], || {
        pc.enter();
        let solicit = unhex(SOLICIT);
        let offer = ask(&machine(546), &solicit, everybody(547));
        pc.ip("addr replace fd77::132/64 dev pc0 nodad");
        let (firmware, to) = (machine(4011), "[fd77::2]:4011".parse().unwrap());
        let mut question = second_step(&solicit, &offer);
        ask(&firmware, &question, to);
        // The way is known now: this one is asked once.
        question[3] ^= 1;
        firmware.send_to(&question, to).unwrap();
        let mut answers = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(40);
        while answers.len() < 3 && Instant::now() < deadline {
            let mut buffer = vec![0; 4096];
            if let Ok((len, _)) = firmware.recv_from(&mut buffer)
                && buffer[1..4] == question[1..4]
            {
                buffer.truncate(len);
                answers.push(buffer);
            }
        }
        assert_eq!(answers.len(), 3, "the answer, and the same twice again");
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    });
}

#[test]
fn boot_files_travel_over_ipv6_to_other_peoples_clients() {
    let (server, pc) = cable();
    proxy(&server, &["srv0"], || {
        pc.ip("addr add fd77::132/64 dev pc0 nodad");
        let folder = Folder::new();
        let get = |line: &str| {
            let done = pc
                .command("timeout")
                .arg("60")
                .args(line.split(' '))
                .current_dir(folder.path())
                .output()
                .unwrap();
            let text = [done.stdout, done.stderr].concat();
            let text = String::from_utf8_lossy(&text).into_owned();
            assert!(done.status.success(), "{line}: {text}");
            text
        };
        let (kernel, loader) = (noise(3_000_001, 6), noise(213_444, 11));
        let http = "http://[fd77::2]:8067/b/525400123456";
        let tftp = "b/525400123456/snponly.efi";
        let got = |name: &str| std::fs::read(folder.path().join(name)).unwrap();

        // The listeners of IPv6 may open a moment after the others.
        get(&format!(
            "curl -gsSf --retry 20 --retry-connrefused --retry-delay 1 -o k {http}/kernel"
        ));
        assert!(got("k") == kernel);
        let said = get(&format!("curl -gsSfv -r 10-19 -o r {http}/kernel")).to_lowercase();
        assert!(
            said.contains("content-range: bytes 10-19/3000001"),
            "{said}"
        );
        assert_eq!(got("r"), kernel[10..20]);
        let said = get(&format!("curl -gsSfI {http}/snponly.efi")).to_lowercase();
        assert!(said.contains("content-length: 213444"), "{said}");
        let script = get(&format!("curl -gsSf {http}/boot.ipxe"));
        assert!(
            script.contains(&format!("kernel {http}/kernel ")),
            "{script}"
        );
        assert!(script.contains("reprise.server=https://10.77.0.2:8443 "));

        get(&format!("curl -gsSf -o c tftp://[fd77::2]/{tftp}"));
        get(&format!("tftp -6 -m binary fd77::2 -c get {tftp} h"));
        get(&format!("atftp -g -r {tftp} -l a fd77::2"));
        for name in ["c", "h", "a"] {
            assert!(got(name) == loader, "{name}");
        }
    });
}

/// What fits: a block never travels in fragments, and IPv6's headers are longer.
#[test]
fn blocks_over_ipv6_leave_room_for_its_longer_headers() {
    let (server, pc) = cable();
    proxy(&server, &["srv0"], || {
        pc.enter();
        pc.ip("addr add fd77::132/64 dev pc0 nodad");
        let socket = machine(2000);
        let request = b"\0\x01b/525400123456/snponly.efi\0octet\0blksize\x001468\0";
        let mut buffer = vec![0; 4096];
        let to: SocketAddr = "[fd77::2]:69".parse().unwrap();
        let deadline = Instant::now() + Duration::from_secs(40);
        let answer = loop {
            assert!(Instant::now() < deadline, "no answer");
            let _ = socket.send_to(request, to);
            if let Ok((len, from)) = socket.recv_from(&mut buffer) {
                assert_eq!(from.ip(), to.ip());
                break buffer[..len].to_vec();
            }
        };
        assert_eq!(answer, b"\0\x06blksize\x001448\0");
    });
}

#[test]
fn a_machine_behind_an_isc_relay_is_offered_its_loader_over_ipv6() {
    let (server, router, pc) = (appliance(), Net::new(), Net::new());
    router.cable("up0", &server, "srv0");
    router.cable("down0", &pc, "pc0");
    addresses(&server);
    card(&pc);
    router.ip("addr add fd77::1/64 dev up0 nodad");
    router.ip("addr add fd80::1/64 dev down0 nodad");
    server.ip("route add fd80::/64 via fd77::1 dev srv0");
    proxy(&server, &["srv0"], || {
        let arguments = "-6 -d -I -l down0 -u fd77::2%up0 -pf /dev/null";
        let _relay = router.start("dhcrelay", arguments);
        pc.enter();
        let boots = machine(546);
        let offer = ask(&boots, &unhex(SOLICIT), everybody(547));
        // The machine's own card, though the relay asked.
        assert_eq!(offer.url(), PXE_URL);
        assert_eq!(offer.bytes[0], 2, "what the relay wrapped is unwrapped");
    });
}

#[test]
fn ordinary_clients_take_their_address_over_ipv6_and_nothing_from_us() {
    let (company, server, pc) = (Net::new(), appliance(), Net::new());
    let _switch = switch(&[(&company, "lan0"), (&server, "srv0"), (&pc, "pc0")]);
    addresses(&server);
    card(&pc);
    company.ip("addr add fd77::1/64 dev lan0 nodad");
    let arguments = "--keep-in-foreground --conf-file=/dev/null --port=0 --interface=lan0 \
         --dhcp-range=fd77::100,fd77::120,64,1h --dhcp-leasefile=/dev/null --pid-file= --user=root";
    let words: Vec<&str> = arguments.split_whitespace().collect();
    let _dhcp = company.start("dnsmasq", &words.join(" "));
    proxy(&server, &["srv0"], || {
        let folder = Folder::new();
        // dhclient stays to renew its lease: its own script ends it.
        let script = folder.path().join("script");
        let text = "#!/bin/sh\necho \"$reason ${new_ip6_address}\"\n\
             case $reason in BOUND6) kill $pid ;; esac\n";
        std::fs::write(&script, text.replace("$pid", "$PPID")).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        // Advertisements are collected for a second, ours would be among them.
        let line = format!(
            "dhclient -6 -v -d -1 -lf {} -pf {} -sf {} pc0",
            at("leases"),
            at("pid"),
            at("script")
        );
        let (_, text) = said(&pc, &line);
        assert!(text.contains("BOUND6 fd77::1"), "{text}");
        // dhclient 4.4: "RCV: Advertise message on pc0 from fe80::…"
        let advertised: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split("Advertise message on pc0 from ").nth(1))
            .collect();
        let mut servers = advertised.clone();
        servers.dedup();
        assert_eq!(servers.len(), 1, "{text}");

        // The firmware beside it hears both, and takes the address from one.
        pc.enter();
        let boots = machine(546);
        let solicit = unhex(SOLICIT);
        let (mut ours, mut theirs) = (false, false);
        let deadline = Instant::now() + Duration::from_secs(40);
        while !(ours && theirs) {
            assert!(Instant::now() < deadline, "ours {ours}, theirs {theirs}");
            let answer = ask(&boots, &solicit, everybody(547));
            match answer.option(3) {
                Some(_) => theirs = true,
                None => ours = answer.url() == PXE_URL,
            }
        }
    });
}

#[test]
fn a_machine_that_is_not_to_boot_hears_nothing_over_ipv6_and_its_flight_says_why() {
    let (server, pc) = cable();
    let folder = Folder::new();
    folder.fill_assets();
    inside(&server, async || {
        let (boot, _) = boot(&folder, manual_clock()).await;
        let serving = Serving::start(&boot).await;
        until("the ports of IPv6", async || {
            let ports = boot.ports.all().remove("srv0")?;
            [ports.dhcp6, ports.pxe6, ports.http6, ports.tftp6]
                .iter()
                .all(Option::is_some)
                .then_some(())
        })
        .await;
        let pc = std::sync::Arc::new(pc);
        let machine_of = std::sync::Arc::clone(&pc);
        let (socket, offer) = tokio::task::spawn_blocking(move || {
            machine_of.enter();
            let socket = machine(546);
            let offer = ask(&socket, &unhex(SOLICIT), everybody(547));
            (socket, offer)
        })
        .await
        .unwrap();
        assert_eq!(offer.url(), PXE_URL);
        let found = until("the machine in the registry", async || {
            host::find(&boot.db, &MAC.to_string()).await.ok()
        })
        .await;
        // By the identifier that its firmware made of its SMBIOS, as over IPv4.
        assert_eq!(found.uuid, "3a1b2c3d-0102-0304-0506-0708090a0b0c");
        let flight = boot.recorder.latest(MAC).unwrap();
        let steps: Vec<&Step> = flight.steps.iter().map(|timed| &timed.step).collect();
        assert!(
            matches!(
                steps[0],
                Step::Asked {
                    port: 547,
                    arch: Some(7),
                    ..
                }
            ),
            "{steps:?}"
        );
        assert!(
            matches!(steps[1], Step::Answered { port: 547, file: Some(url), .. } if url == PXE_URL),
            "{steps:?}"
        );

        // It never started the agent: it is left alone from now on.
        boot.clock.advance(Duration::from_secs(20 * 60));
        let why = until("silence", async || {
            // Its namespace does not matter any more: the socket is bound to its cable.
            let _ = socket.send_to(
                &unhex(SOLICIT),
                SocketAddrV6::new(EVERYBODY, 547, 0, index_of(&socket)),
            );
            let flight = boot.recorder.latest(MAC)?;
            flight.steps.iter().find_map(|timed| match &timed.step {
                Step::Silent { port: 547, why } => Some(why.clone()),
                _ => None,
            })
        })
        .await;
        assert_eq!(why, "never_reported");
        let mut buffer = [0; 2048];
        socket.set_nonblocking(true).unwrap();
        assert!(socket.recv(&mut buffer).is_err(), "it was answered");
        serving.end().await;
        assert_eq!(boot.ports.all().remove("srv0"), Some(Ports::default()));
    });
}

/// The number that its namespace has for the card of a socket.
fn index_of(socket: &UdpSocket) -> u32 {
    rustix::net::netdevice::name_to_index(socket, "pc0").unwrap()
}

#[test]
fn a_flood_over_ipv6_is_survived_and_the_next_machine_is_answered() {
    let (server, pc) = cable();
    proxy(&server, &["srv0"], || {
        pc.enter();
        let (boots, firmware) = (machine(546), machine(4011));
        let good = [unhex(SOLICIT), unhex(HTTP_SOLICIT)];
        ask(&boots, &good[0], everybody(547));
        let mut random = noise(60_000, 7).into_iter().map(usize::from);
        let mut next = move || random.next().unwrap();
        for number in 0..3000 {
            let mut broken = good[number % 2].clone();
            match next() % 3 {
                0 => broken.truncate(next() % broken.len() + 1),
                _ => {
                    for _ in 0..4 {
                        let at = next() % broken.len();
                        broken[at] = u8::try_from(next()).unwrap();
                    }
                }
            }
            if let Some(xid) = broken.get_mut(1) {
                *xid = 0xff;
            }
            let _ = boots.send_to(&broken, everybody(547));
            let _ = firmware.send_to(&broken, everybody(4011));
        }
        // perfdhcp ends at an answer of a kind that it did not ask for, so none to the flood may be
        // under way any more.
        let offer = ask(&boots, &good[0], everybody(547));
        let question = second_step(&good[0], &offer);
        ask(&firmware, &question, everybody(4011));
        for socket in [&boots, &firmware] {
            while socket.recv(&mut [0; 4096]).is_ok() {}
        }
        drop((boots, firmware));
        // Another client's questions, hundreds in a second, each with a name of its own.
        let class = "00000157002050584543 6c69656e743a417263683a30303030373a554e44493a303033303030";
        let line = format!(
            "perfdhcp -6 -i -r 300 -R 300 -p 3 -l pc0 -o 61,0007 -o 16,{}",
            class.replace(' ', "")
        );
        let (_, text) = said(&pc, &line);
        let received = text
            .lines()
            .find_map(|line| line.strip_prefix("received packets: "))
            .and_then(|number| number.trim().parse::<u32>().ok());
        assert!(received.is_some_and(|count| count > 100), "{text}");
        let boots = machine(546);
        assert_eq!(ask(&boots, &good[0], everybody(547)).url(), PXE_URL);
    });
}
