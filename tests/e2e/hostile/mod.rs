//! Malformed input against the live server: seeded mutations of good DHCP, TFTP, HTTP and agent
//! requests, from a network of the test's own. After each kind a good request still gets its
//! answer; at the end nothing has panicked and memory has stayed bounded.

mod mutate;
mod packets;

use crate::harness::{Appliance, Namespace, Start, Temp, config_text, eventually, prepare};
use mutate::Mutator;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
const HTTP_PORT: u16 = 8067;
/// More than this above the start is a leak or a buffer without bound.
const GROWTH_KIB: u64 = 64 * 1024;

struct Rig {
    appliance: Appliance,
    server: Namespace,
    client: Namespace,
    _folder: Temp,
}

impl Rig {
    fn new() -> Rig {
        let folder = Temp::new();
        let server = Namespace::new();
        let client = Namespace::new();
        server.cable("net0", "10.77.0.1/24", &client, "pc0", "10.77.0.2/24");
        let network = format!(
            "[[network]]\ninterface = \"net0\"\ndhcp = \"proxy\"\nhttp_port = {HTTP_PORT}\n"
        );
        prepare(&folder, &config_text(&network));
        // What is in the boot files does not matter here; that they are there does.
        let boot = folder.join("state/boot");
        std::fs::create_dir_all(&boot).expect("the boot folder");
        for name in [
            "kernel",
            "initrd",
            "snponly.efi",
            "undionly.kpxe",
            "boot.img",
        ] {
            std::fs::write(boot.join(name), name.repeat(1000)).expect("a boot file");
        }
        let how = Start {
            namespace: Some(&server),
            ..Start::default()
        };
        let appliance = Appliance::start(&folder, how);
        Rig {
            appliance,
            server,
            client,
            _folder: folder,
        }
    }

    fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.appliance.pid()))
            .expect("the process is alive");
        let line = status.lines().find(|l| l.starts_with("VmRSS:"));
        line.and_then(|l| l.split_whitespace().nth(1))
            .and_then(|n| n.parse().ok())
            .expect("VmRSS")
    }
}

/// Runs `work` on a thread that lives in the namespace.
fn inside<T: Send>(namespace: &Namespace, work: impl FnOnce() -> T + Send) -> T {
    let handle = std::fs::File::open(format!("/run/netns/{}", namespace.name)).expect("namespace");
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            rustix::thread::move_into_link_name_space(
                std::os::fd::AsFd::as_fd(&handle),
                Some(rustix::thread::LinkNameSpaceType::Network),
            )
            .expect("move into the namespace");
            work()
        });
        match thread.join() {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// The socket of a PC's firmware: port 68 of its one interface.
fn firmware() -> UdpSocket {
    // A socket closed a moment ago lives on in a child that another test is just starting.
    let socket = eventually("port 68 is free", || {
        UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 68)).ok()
    });
    socket.set_broadcast(true).expect("broadcast");
    // Without an own interface, 255.255.255.255 has no route.
    socket2::SockRef::from(&socket)
        .bind_device(Some(b"pc0"))
        .expect("its interface");
    socket
        .set_read_timeout(Some(Duration::from_millis(200)))
        .expect("a timeout");
    socket
}

/// Asks with a good DISCOVER of a PC never seen before, until its offer names the boot script.
fn dhcp_answers(socket: &UdpSocket, mutator: &mut Mutator) -> u32 {
    eventually("a good DISCOVER gets its offer", || {
        let mac = mutator.mac();
        let transaction = u32::try_from(mutator.below(1 << 31)).expect("fits");
        let packet = packets::ipxe_discover(mac, transaction);
        socket
            .send_to(&packet, (Ipv4Addr::BROADCAST, 67))
            .expect("sent");
        let until = Instant::now() + Duration::from_secs(2);
        let mut answer = [0; 2048];
        while Instant::now() < until {
            let Ok((length, _)) = socket.recv_from(&mut answer) else {
                continue;
            };
            if packets::is_offer_for(&answer[..length], transaction) {
                assert!(
                    answer[..length].windows(9).any(|w| w == b"boot.ipxe"),
                    "an offer without the boot script"
                );
                return Some(transaction);
            }
        }
        None
    })
}

/// Fetches a boot file over TFTP, whole.
fn tftp_answers(mac: [u8; 6]) {
    eventually("a good TFTP request gets its file", || {
        let socket = UdpSocket::bind((CLIENT, 0)).ok()?;
        socket.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
        socket
            .send_to(
                &packets::tftp_read(&packets::boot_path(mac, "snponly.efi")),
                (SERVER, 69),
            )
            .ok()?;
        let mut file = Vec::new();
        let mut block = [0; 2048];
        loop {
            let (length, from) = socket.recv_from(&mut block).ok()?;
            let [0, 3, high, low, data @ ..] = &block[..length] else {
                return None;
            };
            socket.send_to(&[0, 4, *high, *low], from).ok()?;
            file.extend_from_slice(data);
            if data.len() < 512 {
                break;
            }
        }
        (file == "snponly.efi".repeat(1000).into_bytes()).then_some(())
    });
}

fn http_answers(mac: [u8; 6]) {
    eventually("a good HTTP request gets its file", || {
        let mut stream = connect(HTTP_PORT)?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        stream
            .write_all(&packets::http_get(
                &packets::boot_path(mac, "kernel"),
                SERVER,
            ))
            .ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let text = String::from_utf8_lossy(&answer);
        (text.starts_with("HTTP/1.1 200") && text.ends_with("kernelkernel")).then_some(())
    });
}

fn connect(port: u16) -> Option<TcpStream> {
    let address = SocketAddr::V4(SocketAddrV4::new(SERVER, port));
    TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok()
}

#[test]
fn mutated_dhcp_tftp_http_and_agent_requests_leave_a_server_that_still_answers() {
    let mut mutator = Mutator::seeded();
    let rig = Rig::new();
    let known = mutator.mac();

    let start_kib = inside(&rig.client, || {
        let firmware = firmware();
        dhcp_answers(&firmware, &mut mutator);
        tftp_answers(known);
        http_answers(known);
        rig.resident_kib()
    });

    inside(&rig.client, || {
        let firmware = firmware();
        for round in 0..3000 {
            let mac = mutator.mac();
            let transaction = u32::try_from(round).expect("fits");
            let good = match round % 3 {
                0 => packets::uefi_discover(mac, transaction),
                1 => packets::ipxe_discover(mac, transaction),
                _ => packets::uefi_boot_request(mac, transaction, CLIENT),
            };
            let port = if round % 3 == 2 { 4011 } else { 67 };
            // The kernel may drop what the server is too slow for; that is not its fault.
            let _ = firmware.send_to(&mutator.mutate(&good), (SERVER, port));
            if round % 50 == 49 {
                dhcp_answers(&firmware, &mut mutator);
            }
        }
        dhcp_answers(&firmware, &mut mutator);
    });

    inside(&rig.client, || {
        for round in 0..1500 {
            let file = ["snponly.efi", "undionly.kpxe", "kernel", "nothing"][round % 4];
            let good = packets::tftp_read(&packets::boot_path(mutator.mac(), file));
            let socket = UdpSocket::bind((CLIENT, 0)).expect("a port");
            let _ = socket.send_to(&mutator.mutate(&good), (SERVER, 69));
            if round % 100 == 99 {
                tftp_answers(known);
            }
        }
        tftp_answers(known);
    });

    let console = rig.appliance.console_port();
    inside(&rig.client, || {
        for round in 0..1000 {
            let good = packets::http_get(&packets::boot_path(mutator.mac(), "boot.ipxe"), SERVER);
            let Some(mut stream) = connect(HTTP_PORT) else {
                continue;
            };
            let _ = stream.write_all(&mutator.mutate(&good));
            if round % 2 == 0 {
                let _ = stream.set_read_timeout(Some(Duration::from_millis(5)));
                let _ = stream.read(&mut [0; 512]);
            }
            if round % 100 == 99 {
                http_answers(known);
            }
        }
        http_answers(known);
    });

    // The console listens on the loopback of the server's own network.
    let certificate = rig.appliance.folder().join("state/tls/certificate.pem");
    let base = rig.appliance.console_url();
    inside(&rig.server, || {
        for _ in 0..300 {
            let hello = packets::tls_hello();
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", console)) {
                let _ = stream.write_all(&mutator.mutate(&hello));
            }
        }
        let browser = crate::harness::Browser::new(&base, &certificate);
        let (mut refused, mut put_off) = (0, 0);
        for _ in 0..300 {
            let good = packets::agent_hello(mutator.mac(), mutator.below(1 << 31));
            let json = serde_json::to_vec(&good).expect("JSON");
            let bytes = mutator.mutate(&json);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let status = browser.send("/agent/hello", packets::KEY, &text).status;
            // 503 is the limit on reports: "try again".
            assert!(status < 500 || status == 503, "{status} for {text}");
            refused += u32::from((400..500).contains(&status));
            put_off += u32::from(status == 503);
        }
        assert!(
            refused > 10 && refused + put_off > 100,
            "only {refused} mutated hellos were refused, {put_off} put off"
        );
        eventually("a good agent is welcomed", || {
            let good = packets::agent_hello(known, 7);
            let json = serde_json::to_string(&good).expect("JSON");
            let page = browser.send("/agent/hello", packets::KEY, &json);
            (page.status == 200).then(|| page.json()["pairing_code"].as_str().map(str::len))?
        });
    });

    inside(&rig.client, || {
        let firmware = firmware();
        dhcp_answers(&firmware, &mut mutator);
        tftp_answers(known);
        http_answers(known);
    });
    let log = rig.appliance.log();
    assert!(!log.contains("panicked"), "{log}");
    let (status, _) = rig.appliance.api("/api/status");
    assert_eq!(status, 200, "the rest of the appliance goes on");
    let end_kib = rig.resident_kib();
    eprintln!("memory: {start_kib} KiB at the start, {end_kib} KiB at the end");
    assert!(
        end_kib < start_kib + GROWTH_KIB,
        "{start_kib} KiB grew to {end_kib} KiB"
    );
}
