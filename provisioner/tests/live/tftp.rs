//! TFTP on a cable: other people's clients, firmware's packets, lost blocks, and those who ask in
//! another's name.

use crate::nets::{Net, inside};
use crate::rig::{Folder, noise};
use provisioner::tftp::{self, Content, End, Ended, Files, Opening, Place, Refusal};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const SERVER: &str = "10.77.0.2:69";

/// Files by name, and how every transfer went.
#[derive(Clone)]
struct Shelf {
    files: Arc<BTreeMap<String, Arc<[u8]>>>,
    went: Arc<(Mutex<Went>, Condvar)>,
}

type Went = Vec<(String, Ended)>;

impl Shelf {
    fn new(files: &[(&str, usize)]) -> Shelf {
        let files = files
            .iter()
            .map(|&(name, len)| (name.to_owned(), noise(len, len as u64).into()));
        Shelf {
            files: Arc::new(files.collect()),
            went: Arc::default(),
        }
    }

    /// Waits until `count` transfers have ended; returns all that have.
    fn ended(&self, count: usize) -> Went {
        let (went, more) = &*self.went;
        let patience = Duration::from_secs(60);
        let (went, _) = more
            .wait_timeout_while(went.lock().unwrap(), patience, |went| went.len() < count)
            .unwrap();
        assert!(went.len() >= count, "only {went:?} ended");
        went.clone()
    }
}

impl Files for Shelf {
    fn open(&self, _machine: SocketAddr, path: String) -> Opening {
        let shelf = self.clone();
        Box::pin(async move {
            assert_ne!(path, "crash", "as the test wants it");
            let bytes = shelf
                .files
                .get(&path)
                .cloned()
                .ok_or_else(Refusal::not_found)?;
            let ended = move |ended| {
                let (went, more) = &*shelf.went;
                went.lock().unwrap().push((path, ended));
                more.notify_all();
            };
            Ok(Content {
                bytes,
                ended: Box::new(ended),
            })
        })
    }
}

/// Serves `shelf` on `srv0` while `work` runs in the PC's namespace at the other end of the cable.
fn served(shelf: &Shelf, mtu: Option<u32>, work: impl FnOnce(&Net, &Path) + Send) {
    let (server, pc) = (Net::new(), Net::new());
    server.cable_to(&pc);
    pc.ip("addr add 10.77.0.50/24 dev pc0");
    if let Some(mtu) = mtu {
        server.ip(&format!("link set srv0 mtu {mtu}"));
        pc.ip(&format!("link set pc0 mtu {mtu}"));
    }
    let folder = Folder::new();
    std::thread::scope(|scope| {
        let stop = CancellationToken::new();
        let (server, until_stop) = (&server, stop.clone());
        let (open, opened) = std::sync::mpsc::channel();
        let thread = scope.spawn(move || {
            inside(server, async || {
                let socket = UdpSocket::bind(SERVER).unwrap();
                socket.set_nonblocking(true).unwrap();
                open.send(()).unwrap();
                let place = Place {
                    interface: "srv0".to_owned(),
                    address: Ipv4Addr::new(10, 77, 0, 2).into(),
                };
                let files = Arc::new(shelf.clone());
                tftp::serve(socket.into(), place, files, until_stop)
                    .await
                    .unwrap();
            });
        });
        let stopped = stop.drop_guard();
        opened.recv_timeout(Duration::from_secs(60)).unwrap();
        let worker = scope.spawn(|| {
            pc.enter();
            work(&pc, folder.path());
        });
        let done = worker.join();
        drop(stopped);
        thread.join().unwrap();
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

/// Runs a client and returns what it fetched into `out`.
fn fetched(pc: &Net, folder: &Path, words: &[&str]) -> Vec<u8> {
    let out = folder.join("out");
    let _ = std::fs::remove_file(&out);
    let done = pc
        .command("timeout")
        .arg("120")
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert!(done.status.success(), "{words:?}: {said}");
    std::fs::read(&out).unwrap_or_else(|error| panic!("{words:?}: {error}: {said}"))
}

/// One more of each client that Debian has.
fn fetch_with_each(pc: &Net, folder: &Path, host: &str, name: &str, bytes: &[u8]) {
    let url = format!("tftp://{host}/{name}");
    let clients: [&[&str]; 7] = [
        &["tftp", "-m", "binary", host, "-c", "get", name, "out"],
        &["curl", "-sSf", "-o", "out", &url],
        &["curl", "-sSf", "--tftp-blksize", "1468", "-o", "out", &url],
        &["curl", "-sSf", "--tftp-no-options", "-o", "out", &url],
        &["busybox", "tftp", "-g", "-r", name, "-l", "out", host],
        &["atftp", "-g", "-r", name, "-l", "out", host],
        &[
            "atftp",
            "--option",
            "blksize 1468",
            "--option",
            "windowsize 16",
            "-g",
            "-r",
            name,
            "-l",
            "out",
            host,
        ],
    ];
    for words in clients {
        // curl makes no file of nothing.
        if bytes.is_empty() && words[0] == "curl" {
            continue;
        }
        assert!(
            fetched(pc, folder, words) == bytes,
            "{words:?} got other bytes"
        );
    }
}

#[test]
fn every_client_gets_every_length() {
    let lengths = [0, 1, 511, 512, 513, 1467, 1468, 1469, 23_488, 213_444];
    let names: Vec<String> = lengths.iter().map(|len| format!("f{len}")).collect();
    let files: Vec<(&str, usize)> = names
        .iter()
        .zip(lengths)
        .map(|(name, len)| (name.as_str(), len))
        .collect();
    let shelf = Shelf::new(&files);
    served(&shelf, None, |pc, folder| {
        for (name, _) in &files {
            fetch_with_each(pc, folder, "10.77.0.2", name, &shelf.files[*name]);
        }
    });
    for (name, ended) in shelf.ended(1) {
        assert_eq!(ended.how, End::Complete, "{name}");
    }
}

#[test]
fn more_blocks_than_a_number_counts_and_blocks_that_fit_a_narrow_way() {
    // 65,536 blocks and some of 512 bytes, in lock-step and in windows.
    let shelf = Shelf::new(&[("long", 512 * 65_700 + 7), ("loader", 213_444)]);
    served(&shelf, Some(1280), |pc, folder| {
        let url = "tftp://10.77.0.2/long";
        let clients: [&[&str]; 3] = [
            &["curl", "-sSf", "-o", "out", url],
            &[
                "tftp",
                "-m",
                "binary",
                "10.77.0.2",
                "-c",
                "get",
                "long",
                "out",
            ],
            &[
                "atftp",
                "--option",
                "windowsize 16",
                "-g",
                "-r",
                "long",
                "-l",
                "out",
                "10.77.0.2",
            ],
        ];
        for words in clients {
            assert!(
                fetched(pc, folder, words) == shelf.files["long"][..],
                "{words:?}"
            );
        }
        // What does not fit is not put into fragments.
        let firmware = Firmware::at(0);
        let (oack, _) = firmware.ask(b"\0\x01loader\0octet\0blksize\x001468\0windowsize\x0064\0");
        assert_eq!(oack, b"\0\x06blksize\x001248\0windowsize\x0064\0");
        fetch_with_each(pc, folder, "10.77.0.2", "loader", &shelf.files["loader"]);
    });
}

/// A socket that speaks as a test says.
struct Firmware(UdpSocket);

impl Firmware {
    fn at(port: u16) -> Firmware {
        let socket = UdpSocket::bind(("10.77.0.50", port)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Firmware(socket)
    }

    fn ask(&self, request: &[u8]) -> (Vec<u8>, SocketAddr) {
        self.0.send_to(request, SERVER).unwrap();
        self.hear()
    }

    fn hear(&self) -> (Vec<u8>, SocketAddr) {
        let mut buffer = vec![0; 70_000];
        let (len, from) = self.0.recv_from(&mut buffer).unwrap();
        buffer.truncate(len);
        (buffer, from)
    }

    fn ack(&self, number: u16, to: SocketAddr) {
        let [a, b] = number.to_be_bytes();
        self.0.send_to(&[0, 4, a, b], to).unwrap();
    }

    /// Block number and bytes; an OACK that comes twice on a slow machine is passed over.
    fn block(&self) -> (u16, Vec<u8>, SocketAddr) {
        loop {
            let (packet, from) = self.hear();
            if packet[..2] == [0, 6] {
                continue;
            }
            assert_eq!(packet[..2], [0, 3], "{packet:?}");
            let number = u16::from_be_bytes([packet[2], packet[3]]);
            return (number, packet[4..].to_vec(), from);
        }
    }

    /// Waits for this block; what comes twice on a slow machine is passed over.
    fn until_block(&self, wanted: u16) -> (Vec<u8>, SocketAddr) {
        loop {
            let (number, bytes, from) = self.block();
            if number == wanted {
                return (bytes, from);
            }
        }
    }

    /// From block 1 to the end, acknowledging every `window` blocks.
    fn rest(&self, block_bytes: usize, window: u16) -> Vec<u8> {
        let mut file = Vec::new();
        for expected in 1.. {
            let (bytes, from) = self.until_block(expected);
            file.extend_from_slice(&bytes);
            let last = bytes.len() < block_bytes;
            if last || expected % window == 0 {
                self.ack(expected, from);
            }
            if last {
                break;
            }
        }
        file
    }

    /// What has arrived so far is forgotten; returns how much it was.
    fn drain(&self) -> usize {
        self.0.set_nonblocking(true).unwrap();
        let count = std::iter::from_fn(|| self.0.recv_from(&mut [0; 2048]).ok()).count();
        self.0.set_nonblocking(false).unwrap();
        count
    }
}

#[test]
fn the_size_probe_of_uefi_ends_at_once_and_the_next_port_is_served() {
    let shelf = Shelf::new(&[("loader", 213_444)]);
    served(&shelf, None, |_, _| {
        let probe = Firmware::at(1300);
        let (oack, from) =
            probe.ask(b"\0\x01loader\0octet\0tsize\x000\0blksize\x001468\0windowsize\x004\0");
        assert_eq!(
            oack,
            b"\0\x06blksize\x001468\0windowsize\x004\0tsize\x00213444\0"
        );
        let error = b"\0\x05\0\x08User aborted the transfer\0";
        probe.0.send_to(error, from).unwrap();
        let (_, ended) = shelf.ended(1).remove(0);
        let message = "User aborted the transfer".to_owned();
        assert_eq!(ended.how, End::Aborted { code: 8, message });
        probe.drain();

        let boots = Firmware::at(1301);
        let (oack, from) = boots.ask(b"\0\x01loader\0octet\0blksize\x001468\0windowsize\x004\0");
        assert_eq!(oack, b"\0\x06blksize\x001468\0windowsize\x004\0");
        boots.ack(0, from);
        assert!(boots.rest(1468, 4) == shelf.files["loader"][..]);
        let (_, ended) = shelf.ended(2).remove(1);
        assert_eq!(ended.how, End::Complete);
        assert_eq!(probe.drain(), 0, "it goes on after the ERROR");
    });
}

#[test]
fn a_machine_that_starts_again_from_its_port_is_served_anew() {
    let shelf = Shelf::new(&[("first", 50_000), ("second", 40_000)]);
    served(&shelf, None, |_, _| {
        let pc = Firmware::at(2000);
        let (_, from) = pc.ask(b"\0\x01first\0octet\0");
        pc.ack(1, from);
        pc.until_block(2);
        // Switched off and on: the same port, another transfer.
        pc.0.send_to(b"\0\x01second\0octet\0", SERVER).unwrap();
        let mut file = Vec::new();
        let mut expected = 1;
        while file.len() < 40_000 {
            let (number, bytes, now_from) = pc.block();
            // What the old transfer still sends, or what comes twice.
            if now_from == from || number != expected {
                continue;
            }
            file.extend_from_slice(&bytes);
            pc.ack(number, now_from);
            expected += 1;
        }
        assert!(file == shelf.files["second"][..]);
        let ended = shelf.ended(2);
        assert!(
            ended
                .iter()
                .any(|(name, ended)| name == "first" && ended.how == End::Replaced),
            "{ended:?}"
        );
        // The same request, twice because the network doubled it: one transfer.
        let pc = Firmware::at(2001);
        let request = b"\0\x01second\0octet\0blksize\x001024\0";
        for _ in 0..2 {
            pc.0.send_to(request, SERVER).unwrap();
        }
        let (_, from) = pc.hear();
        // Requests are read in their order: with this one refused, both have been.
        let (refused, _) = Firmware::at(2002).ask(b"\0\x01missing\0octet\0");
        assert_eq!(refused[..4], [0, 5, 0, 1]);
        pc.ack(0, from);
        assert!(pc.rest(1024, 1) == shelf.files["second"][..]);
        assert_eq!(shelf.ended(3).len(), 3);
    });
}

/// Between a client and the server: every datagram of a client's passes through here, and `passes`
/// says which does. Ends with the PC's work.
fn lossy(stop: &CancellationToken, passes: impl Fn(&[u8]) -> bool) {
    let listening = UdpSocket::bind("127.0.0.1:69").unwrap();
    let soon = Some(Duration::from_millis(1));
    listening.set_read_timeout(soon).unwrap();
    // Client, our side towards it, our side towards the server, the server's port.
    let mut ways: Vec<(SocketAddr, UdpSocket, UdpSocket, Option<SocketAddr>)> = Vec::new();
    let mut buffer = vec![0; 70_000];
    while !stop.is_cancelled() {
        if let Ok((len, client)) = listening.recv_from(&mut buffer) {
            if !ways.iter().any(|way| way.0 == client) {
                let near = UdpSocket::bind("127.0.0.1:0").unwrap();
                let far = UdpSocket::bind("10.77.0.50:0").unwrap();
                near.set_nonblocking(true).unwrap();
                far.set_nonblocking(true).unwrap();
                ways.push((client, near, far, None));
            }
            let way = ways.iter().find(|way| way.0 == client).unwrap();
            way.2.send_to(&buffer[..len], SERVER).unwrap();
        }
        // The newest are those that still talk.
        for (client, near, far, server) in ways.iter_mut().rev().take(4) {
            while let Ok((len, from)) = far.recv_from(&mut buffer) {
                *server = Some(from);
                if passes(&buffer[..len]) {
                    let _ = near.send_to(&buffer[..len], *client);
                }
            }
            while let Ok((len, _)) = near.recv_from(&mut buffer) {
                if let Some(server) = server.filter(|_| passes(&buffer[..len])) {
                    let _ = far.send_to(&buffer[..len], server);
                }
            }
        }
    }
}

fn through(
    shelf: &Shelf,
    passes: impl Fn(&[u8]) -> bool + Send + Sync,
    work: impl FnOnce(&Net, &Path) + Send,
) {
    served(shelf, None, |pc, folder| {
        std::thread::scope(|scope| {
            let stop = CancellationToken::new();
            let (until_stop, pc_net) = (stop.clone(), pc);
            scope.spawn(move || {
                pc_net.enter();
                lossy(&until_stop, passes);
            });
            let _stopped = stop.drop_guard();
            work(pc, folder);
        });
    });
}

#[test]
fn clients_get_their_files_through_a_wire_that_loses_every_twentieth_packet() {
    let shelf = Shelf::new(&[("loader", 213_444)]);
    let state = Mutex::new(0x9e37_79b9_7f4a_7c15_u64);
    let passes = |_: &[u8]| {
        let mut state = state.lock().unwrap();
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        !state.is_multiple_of(20)
    };
    through(&shelf, passes, |pc, folder| {
        let loader = &shelf.files["loader"];
        let url = "tftp://127.0.0.1/loader";
        let clients: [&[&str]; 3] = [
            &["curl", "-sSf", "-o", "out", url],
            &[
                "tftp",
                "-m",
                "binary",
                "127.0.0.1",
                "-c",
                "get",
                "loader",
                "out",
            ],
            &[
                "busybox",
                "tftp",
                "-g",
                "-r",
                "loader",
                "-l",
                "out",
                "127.0.0.1",
            ],
        ];
        for words in clients {
            assert!(fetched(pc, folder, words) == loader[..], "{words:?}");
        }
    });
    let resent: u64 = shelf
        .ended(3)
        .iter()
        .map(|(_, ended)| ended.resent_blocks)
        .sum();
    assert!(resent > 0, "the wire lost nothing");
}

/// async-tftp stood still for three seconds each time.
#[test]
fn the_first_block_of_a_window_may_be_lost() {
    let shelf = Shelf::new(&[("loader", 213_444)]);
    let lost = Mutex::new(std::collections::BTreeSet::new());
    let passes = |packet: &[u8]| {
        // Blocks 1, 5, 9 … the first time they come.
        !matches!(packet, [0, 3, a, b, ..] if u16::from_be_bytes([*a, *b]) % 4 == 1
            && lost.lock().unwrap().insert([*a, *b]))
    };
    through(&shelf, passes, |pc, folder| {
        let words = [
            "atftp",
            "--option",
            "blksize 1468",
            "--option",
            "windowsize 4",
            "-g",
            "-r",
            "loader",
            "-l",
            "out",
            "127.0.0.1",
        ];
        assert!(fetched(pc, folder, &words) == shelf.files["loader"][..]);
    });
    let (_, ended) = shelf.ended(1).remove(0);
    assert_eq!(ended.how, End::Complete);
    assert!(ended.resent_blocks >= 36, "{ended:?}");
}

#[test]
fn who_asks_in_anothers_name_gets_little_sent_there() {
    let shelf = Shelf::new(&[("loader", 213_444)]);
    served(&shelf, None, |pc, _| {
        pc.ip("addr add 10.77.0.51/24 dev pc0");
        let victim = Firmware::at(3000);
        // One request, never answered: what it costs at most.
        let request = b"\0\x01loader\0octet\0blksize\x001468\0windowsize\x0064\0";
        let (oack, _) = victim.ask(request);
        let (_, ended) = shelf.ended(1).remove(0);
        assert_eq!(ended.how, End::Unanswered);
        victim.0.set_nonblocking(true).unwrap();
        let mut buffer = [0; 2048];
        let repeated: usize = std::iter::from_fn(|| victim.0.recv(&mut buffer).ok()).sum::<usize>();
        assert!(oack.len() + repeated <= 2 * request.len());

        // Two thousand of them, each another to the server.
        let began = Instant::now();
        let (mut packets, mut longest) = (0, 0);
        let mut count = |packets: &mut usize| {
            while let Ok(len) = victim.0.recv(&mut buffer) {
                *packets += 1;
                longest = longest.max(len);
            }
        };
        for number in 0..2000 {
            let request = format!("\0\x01loader\0octet\0x\0{number}\0");
            victim.0.send_to(request.as_bytes(), SERVER).unwrap();
            count(&mut packets);
        }
        // Somebody else is served meanwhile.
        let other = UdpSocket::bind("10.77.0.51:0").unwrap();
        let other = Firmware(other);
        let short = Some(Duration::from_secs(1));
        other.0.set_read_timeout(short).unwrap();
        // Its request may find the queue full of the others', so it asks as often as clients do.
        let heard = (0..20).any(|_| {
            other.0.send_to(b"\0\x01loader\0octet\0", SERVER).unwrap();
            other.0.peek_from(&mut [0; 2048]).is_ok()
        });
        assert!(heard, "nobody else is served");
        let long = Some(Duration::from_secs(20));
        other.0.set_read_timeout(long).unwrap();
        assert!(other.rest(512, 1) == shelf.files["loader"][..]);
        while shelf
            .ended(2)
            .iter()
            .filter(|(_, ended)| ended.how == End::Unanswered)
            .count()
            < 100
        {
            assert!(began.elapsed() < Duration::from_secs(60), "too few ended");
            count(&mut packets);
        }
        count(&mut packets);
        let most = 256 + 8 * (began.elapsed().as_secs() as usize + 2);
        assert!(packets <= most, "{packets} packets, {most} allowed");
        assert!(longest <= 516, "{longest}");
    });
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.unwrap().parse().unwrap()
}

#[test]
fn a_thousand_greedy_requests_take_no_memory() {
    let shelf = Shelf::new(&[("image", 64 << 20), ("loader", 213_444)]);
    served(&shelf, None, |pc, folder| {
        let before = resident_kib();
        let sockets: Vec<Firmware> = (0..100).map(|n| Firmware::at(4000 + n)).collect();
        let mut most = 0;
        for round in 0..10 {
            for (n, socket) in sockets.iter().enumerate() {
                let request = format!(
                    "\0\x01image\0octet\0windowsize\x0065535\0blksize\x0065464\0x\0{round}-{n}\0"
                );
                socket.0.send_to(request.as_bytes(), SERVER).unwrap();
            }
            for socket in &sockets {
                // Whatever comes is acknowledged as the OACK, and a window follows; more of it is
                // never acknowledged.
                socket
                    .0
                    .set_read_timeout(Some(Duration::from_millis(200)))
                    .unwrap();
                if let Ok((_, from)) = socket.0.recv_from(&mut [0; 2048]) {
                    socket.ack(0, from);
                }
            }
            most = most.max(resident_kib());
        }
        // As asked it would be 4 GB for each; other tests run in this process meanwhile.
        let grown = most.saturating_sub(before);
        assert!(grown < 200 << 10, "{grown} KiB more");
        // This address has its share; another is served all the same.
        pc.ip("addr add 10.77.0.51/24 dev pc0");
        let (url, from) = ("tftp://10.77.0.2/loader", "10.77.0.51");
        let words = ["curl", "-sSf", "--interface", from, "-o", "out", url];
        assert!(fetched(pc, folder, &words) == shelf.files["loader"][..]);
    });
}

#[test]
fn what_is_refused_is_told_why_at_once() {
    let shelf = Shelf::new(&[("loader", 5000)]);
    served(&shelf, None, |pc, folder| {
        let firmware = Firmware::at(0);
        let table: [(&[u8], u8, &str); 6] = [
            (b"\0\x01crash\0octet\0", 0, "the appliance has a problem"),
            (b"\0\x01loader\0netascii\0", 4, "ask in octet"),
            (b"\0\x01loader\0mail\0", 4, "ask in octet"),
            (b"\0\x02loader\0octet\0", 2, "nothing can be written"),
            (b"\0\x01missing\0octet\0tsize\x000\0", 1, "file not found"),
            (b"\0\x01../loader\0octet\0", 1, "file not found"),
        ];
        for (request, code, sentence) in table {
            let (answer, _) = firmware.ask(request);
            assert_eq!(answer[..4], [0, 5, 0, code], "{request:?}");
            let said = String::from_utf8_lossy(&answer[4..]).into_owned();
            assert!(said.contains(sentence), "{request:?}: {said}");
        }
        // A client shows the sentence.
        let done = pc
            .command("timeout")
            .args([
                "60",
                "tftp",
                "-m",
                "ascii",
                "10.77.0.2",
                "-c",
                "get",
                "loader",
                "out",
            ])
            .current_dir(folder)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        assert!(said.contains("ask in octet"), "{said}");
        // Strays get nothing: the next answer is the next request's.
        for stray in [
            b"\0\x04\0\x01".as_slice(),
            b"\0\x05\0\x01x\0",
            b"\0\x06\0",
            b"x",
            b"",
        ] {
            firmware.0.send_to(stray, SERVER).unwrap();
        }
        let (answer, from) = firmware.ask(b"\0\x01loader\0octet\0");
        assert_eq!(answer[..4], [0, 3, 0, 1]);
        // Nonsense during a transfer changes nothing.
        for (n, _) in (0..500).enumerate() {
            let packet = noise(n % 40, n as u64 + 1);
            if packet.first_chunk() != Some(&[0, 5]) {
                firmware.0.send_to(&packet, from).unwrap();
            }
        }
        firmware.ack(1, from);
        // The queue was full of nonsense, perhaps: the block comes again, and is acknowledged again.
        while firmware.block().0 != 2 {
            firmware.ack(1, from);
        }
    });
}
