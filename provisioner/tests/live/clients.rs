//! Boot files, fetched by curl, tftp-hpa and atftp; and broken requests.

use crate::nets::{Net, inside};
use crate::rig::{Folder, boot, noise, until};
use config::{DhcpRole, Network};
use state::Clock;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Serves `srv0` while `work` runs as a PC at the other end of the cable.
fn served(work: impl FnOnce(&Net, &Path) + Send) {
    let (server, pc) = (Net::new(), Net::new());
    server.cable_to(&pc);
    pc.ip("addr add 10.77.0.50/24 dev pc0");
    let folder = Folder::new();
    folder.fill_assets();
    std::thread::scope(|scope| {
        let stop = CancellationToken::new();
        let (open, opened) = std::sync::mpsc::channel();
        let (server, folder, until_stop) = (&server, &folder, stop.clone());
        let thread = scope.spawn(move || {
            inside(server, async || {
                let (boot, _) = boot(folder, Clock::System).await;
                let network = Network {
                    interface: "srv0".to_owned(),
                    dhcp: DhcpRole::Off,
                    http_port: 8067,
                };
                let networks = vec![network];
                let serving = tokio::spawn(provisioner::serve(boot.clone(), networks, until_stop));
                until("HTTP and TFTP", async || {
                    let ports = boot.ports.all().remove("srv0")?;
                    (ports.http.is_some() && ports.tftp.is_some()).then_some(())
                })
                .await;
                open.send(()).unwrap();
                serving.await.unwrap();
            });
        });
        let stopped = stop.drop_guard();
        opened.recv_timeout(Duration::from_secs(60)).unwrap();
        let folder_of_pc = folder.path().join("pc");
        std::fs::create_dir(&folder_of_pc).unwrap();
        work(&pc, &folder_of_pc);
        drop(stopped);
        thread.join().unwrap();
    });
}

fn run(pc: &Net, folder: &Path, line: &str) -> (bool, String) {
    let mut words = line.split(' ');
    let done = pc
        .command("timeout")
        .arg("60")
        .arg(words.next().unwrap())
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = [done.stdout, done.stderr].concat();
    (
        done.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

const HTTP: &str = "http://10.77.0.2:8067/b/525400123456";

#[test]
fn curl_gets_boot_files_whole_and_in_parts() {
    served(|pc, folder| {
        let kernel = noise(3_000_001, 6);
        let (ok, said) = run(pc, folder, &format!("curl -sSf -o k {HTTP}/kernel"));
        assert!(ok, "{said}");
        assert_eq!(std::fs::read(folder.join("k")).unwrap(), kernel);

        // HEAD, then GET on the same connection, as UEFI does.
        let line = format!("curl -sSfv -I {HTTP}/snponly.efi --next -sSfv -o e {HTTP}/snponly.efi");
        let (ok, said) = run(pc, folder, &line);
        assert!(ok, "{said}");
        let said = said.to_lowercase();
        assert!(said.contains("http/1.1 200"), "{said}");
        assert!(said.contains("content-length: 213444"), "{said}");
        assert!(said.contains("content-type: application/efi"), "{said}");
        assert!(said.contains("re-using existing connection"), "{said}");
        assert_eq!(std::fs::read(folder.join("e")).unwrap(), noise(213_444, 11));

        // A download that broke off goes on where it was.
        std::fs::write(folder.join("part"), &kernel[..1_000_000]).unwrap();
        let (ok, said) = run(pc, folder, &format!("curl -sSf -C - -o part {HTTP}/kernel"));
        assert!(ok, "{said}");
        assert_eq!(std::fs::read(folder.join("part")).unwrap(), kernel);
        let (ok, said) = run(
            pc,
            folder,
            &format!("curl -sSi -r 10-19 {HTTP}/kernel -o r"),
        );
        assert!(ok, "{said}");
        let part = std::fs::read(folder.join("r")).unwrap();
        assert!(part.ends_with(&kernel[10..20]));
        let head = String::from_utf8_lossy(&part[..part.len() - 10]).to_lowercase();
        assert!(
            head.contains("content-range: bytes 10-19/3000001"),
            "{head}"
        );

        // The boot disk is the same for all but for what its loader is told.
        let plain = noise(6_000_001, 8);
        let (ok, said) = run(pc, folder, &format!("curl -sSfv -o d {HTTP}/boot.img"));
        assert!(ok, "{said}");
        assert!(said.contains("application/vnd.efi-img"), "{said}");
        let disk = std::fs::read(folder.join("d")).unwrap();
        let (start, end) = (2 << 20, (2 << 20) + 4096);
        assert!(disk[..start] == plain[..start] && disk[end..] == plain[end..]);
        let told = String::from_utf8_lossy(&disk[start..end]).into_owned();
        assert!(
            told.contains("reprise.server=https://10.77.0.2:8443 "),
            "{told}"
        );
        assert!(told.contains("reprise.mac=52:54:00:12:34:56 "), "{told}");
        std::fs::write(folder.join("d"), &disk[..start + 100]).unwrap();
        let (ok, said) = run(pc, folder, &format!("curl -sSf -C - -o d {HTTP}/boot.img"));
        assert!(ok, "{said}");
        assert!(
            std::fs::read(folder.join("d")).unwrap() == disk,
            "the same in parts"
        );

        let (ok, script) = run(pc, folder, &format!("curl -sSf {HTTP}/boot.ipxe"));
        assert!(ok, "{script}");
        assert!(script.starts_with("#!ipxe\n"), "{script}");
        assert!(script.contains("reprise.server=https://10.77.0.2:8443 "));

        let status = |path: &str, more: &str| {
            let url = format!("http://10.77.0.2:8067{path}");
            run(
                pc,
                folder,
                &format!("curl -s -o x -w %{{http_code}} --path-as-is {more}{url}"),
            )
            .1
        };
        assert_eq!(status("//b/525400123456//KERNEL", ""), "200", "no redirect");
        assert_eq!(status("/", ""), "404");
        assert_eq!(status("/b/525400123456/../../state.db", ""), "404");
        assert_eq!(status("/b/525400123456/kernel", "-X POST "), "405");
        assert_eq!(status("/b/525400123456/kernel", "-r 9000000- "), "416");
    });
}

/// One request on an open connection, and its answer.
fn request(stream: &mut TcpStream, method: &str, path: &str, more: &str) -> (String, Vec<u8>) {
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: 10.77.0.2:8067\r\nAccept: */*\r\n\
         User-Agent: UefiHttpBoot/1.0\r\n{more}\r\n"
    );
    stream.write_all(text.as_bytes()).unwrap();
    answer(stream, method == "HEAD")
}

/// The head in small letters, and the body its length says.
fn answer(stream: &mut TcpStream, head_only: bool) -> (String, Vec<u8>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.split_once("content-length: ").unwrap().1;
    let length: usize = length.lines().next().unwrap().parse().unwrap();
    let mut body = vec![0; if head_only { 0 } else { length }];
    stream.read_exact(&mut body).unwrap();
    (head, body)
}

/// What UEFI HTTP Boot sends, on the one connection it keeps.
#[test]
fn uefi_http_boot_gets_its_loader_on_one_connection() {
    served(|pc, _| {
        pc.enter();
        let mut stream = TcpStream::connect("10.77.0.2:8067").unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let path = "/b/525400123456/snponly.efi";
        let loader = noise(213_444, 11);
        for more in ["", "Range: bytes=0-99\r\n"] {
            let (head, _) = request(&mut stream, "HEAD", path, more);
            assert!(head.starts_with("http/1.1 200 "), "{head}");
            assert!(head.contains("content-length: 213444\r\n"), "{head}");
            assert!(head.contains("content-type: application/efi\r\n"), "{head}");
            assert!(!head.contains("transfer-encoding"), "{head}");
        }
        for path in [path, "//b//525400123456//snponly.efi"] {
            let (head, body) = request(&mut stream, "GET", path, "");
            assert!(head.starts_with("http/1.1 200 "), "{head}");
            assert!(!head.contains("location:"), "{head}");
            assert!(body == loader, "{} bytes", body.len());
        }
        let (head, body) = request(&mut stream, "GET", path, "Range: bytes=213440-\r\n");
        assert!(head.starts_with("http/1.1 206 "), "{head}");
        assert!(
            head.contains("content-range: bytes 213440-213443/213444"),
            "{head}"
        );
        assert_eq!(body, loader[213_440..]);
        let (head, body) = request(&mut stream, "GET", path, "Range: bytes=213444-\r\n");
        assert!(head.starts_with("http/1.1 416 "), "{head}");
        assert!(head.contains("content-range: bytes */213444"), "{head}");
        assert_eq!(body, b"");
        // Still the same connection.
        let (head, body) = request(&mut stream, "GET", path, "");
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        assert!(body == loader, "{} bytes", body.len());
    });
}

/// Requests that came in one packet, and one with a body that nobody asked for.
#[test]
fn requests_that_come_together_are_answered_in_their_order() {
    served(|pc, _| {
        pc.enter();
        let open = || {
            let stream = TcpStream::connect("10.77.0.2:8067").unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(60)))
                .unwrap();
            stream
        };
        let get = |range: &str| {
            let path = "/b/525400123456/snponly.efi";
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nRange: bytes={range}\r\n\r\n")
        };
        let loader = noise(213_444, 11);
        let mut stream = open();
        let both = [get("0-9").as_bytes(), get("200000-200099").as_bytes()].concat();
        let (now, later) = both.split_at(both.len() - 7);
        stream.write_all(now).unwrap();
        stream.write_all(later).unwrap();
        for part in [0..10, 200_000..200_100] {
            let (head, body) = answer(&mut stream, false);
            assert!(head.starts_with("http/1.1 206 "), "{head}");
            assert!(head.contains("\r\ndate: "), "{head}");
            assert!(body == loader[part]);
        }
        // The body is not taken for a request: the connection ends behind the answer, which arrives.
        let mut stream = open();
        let body = [b'x'; 100_000];
        let post = format!(
            "POST /b/525400123456/kernel HTTP/1.1\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(post.as_bytes()).unwrap();
        let (head, _) = answer(&mut stream, false);
        assert!(head.starts_with("http/1.1 405 "), "{head}");
        assert!(head.contains("connection: close\r\n"), "{head}");
        let _ = stream.write_all(&body);
        let mut rest = Vec::new();
        // Its end, or that it was cut off while it still wrote.
        let _ = stream.read_to_end(&mut rest);
        assert_eq!(rest, b"");
        // As HTTP/1.0 without a word about it: one answer, and the end.
        let mut stream = open();
        let old = b"GET /b/525400123456/snponly.efi HTTP/1.0\r\n\r\n";
        stream.write_all(old).unwrap();
        let (head, body) = answer(&mut stream, false);
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        assert!(body == loader);
        stream.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"");
    });
}

#[test]
fn files_beyond_four_gib_keep_their_lengths() {
    served(|pc, folder| {
        let path = folder.parent().unwrap().join("assets/initrd");
        let file = std::fs::File::create(path).unwrap();
        file.set_len(6 << 30).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, b"beyond!!", 5 << 30).unwrap();
        let (ok, said) = run(pc, folder, &format!("curl -sSfI {HTTP}/initrd"));
        assert!(ok, "{said}");
        let said = said.to_lowercase();
        assert!(said.contains("content-length: 6442450944"), "{said}");
        for range in ["5368709120-5368709127", "-1073741824"] {
            let line = format!("curl -sSf -D head --max-filesize 8 -r {range} {HTTP}/initrd");
            let (ok, said) = run(pc, folder, &line);
            let head = std::fs::read_to_string(folder.join("head")).unwrap();
            let expected = "content-range: bytes 5368709120-";
            assert!(head.to_lowercase().contains(expected), "{head}");
            // The second one is a GiB: its head is enough.
            assert_eq!(ok, range.starts_with('5'), "{said}");
            if ok {
                assert_eq!(said, "beyond!!");
            }
        }
    });
}

#[test]
fn tftp_clients_get_the_loaders_and_nothing_else() {
    served(|pc, folder| {
        let loader = noise(213_444, 11);
        let path = "b/525400123456/snponly.efi";
        let (ok, said) = run(
            pc,
            folder,
            &format!("tftp -m binary 10.77.0.2 -c get {path} hpa"),
        );
        assert!(ok, "{said}");
        let (ok, said) = run(
            pc,
            folder,
            &format!("curl -sSf -o curl tftp://10.77.0.2/{path}"),
        );
        assert!(ok, "{said}");
        let (ok, said) = atftp(pc, folder, path, &["blksize 1468", "windowsize 4"]);
        assert!(ok, "{said}");
        for name in ["hpa", "curl", "atftp"] {
            let got = std::fs::read(folder.join(name)).unwrap();
            assert!(got == loader, "{name} got other bytes");
        }
        // Too much is asked: it is given less, and everything arrives.
        let (ok, said) = atftp(pc, folder, path, &["blksize 65464", "windowsize 64"]);
        assert!(ok, "{said}");
        assert!(std::fs::read(folder.join("atftp")).unwrap() == loader);

        // What GRUB takes behind shim comes the same way.
        let kernel = "curl -sSf -o kernel tftp://10.77.0.2/b/525400123456/kernel";
        let (ok, said) = run(pc, folder, kernel);
        assert!(ok, "{said}");
        let got = std::fs::read(folder.join("kernel")).unwrap();
        assert!(got == noise(3_000_001, 6), "the kernel has other bytes");

        for missing in ["b/525400123456/boot.img", "b/525400123456/../x", "x"] {
            let started = std::time::Instant::now();
            let (ok, said) = run(
                pc,
                folder,
                &format!("curl -sS -o no tftp://10.77.0.2/{missing}"),
            );
            assert!(!ok, "{missing}: {said}");
            assert!(
                said.contains("68") || said.contains("not found"),
                "{missing}: {said}"
            );
            // Not the client's own patience: an error came back.
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "{missing} was slow"
            );
        }
        let (ok, said) = run(
            pc,
            folder,
            "curl -sS -T hpa tftp://10.77.0.2/b/525400123456/kernel",
        );
        assert!(!ok, "a write was accepted: {said}");
    });
}

fn atftp(pc: &Net, folder: &Path, path: &str, options: &[&str]) -> (bool, String) {
    let mut command = pc.command("timeout");
    command.arg("60").arg("atftp");
    for option in options {
        command.args(["--option", option]);
    }
    let done = command
        .args(["-g", "-r", path, "-l", "atftp", "10.77.0.2"])
        .current_dir(folder)
        .output()
        .unwrap();
    let text = [done.stdout, done.stderr].concat();
    (
        done.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn broken_requests_end_and_the_next_is_answered() {
    served(|pc, folder| {
        pc.enter();
        let broken: [Vec<u8>; 6] = [
            b"\x00\x01\x02\x03\r\n\r\n".to_vec(),
            b"GET / HTTP/9.9\r\n\r\n".to_vec(),
            [b"GET /".as_slice(), &[b'a'; 40_000], b" HTTP/1.1\r\n\r\n"].concat(),
            [
                b"GET / HTTP/1.1\r\n".as_slice(),
                &b"X: y\r\n".repeat(500),
                b"\r\n",
            ]
            .concat(),
            noise(5000, 3),
            b"GET /b/525400123456/kernel HTTP/1.1\r\nRange: bytes=-\r\nConnection: close\r\n\r\n"
                .to_vec(),
        ];
        for bytes in &broken {
            let mut stream = TcpStream::connect("10.77.0.2:8067").unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(60)))
                .unwrap();
            // The server may close before everything is written.
            let _ = stream.write_all(bytes);
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
        }
        // TFTP requests cut short or turned around; none is worth more than an error.
        let socket = std::net::UdpSocket::bind("10.77.0.50:0").unwrap();
        let good = b"\x00\x01b/525400123456/snponly.efi\x00octet\x00blksize\x001468\x00";
        for number in 0..2000usize {
            let mut packet = good.to_vec();
            let random = noise(8, number as u64 + 1);
            match number % 3 {
                0 => packet.truncate(number % good.len()),
                1 => packet[usize::from(random[0]) % good.len()] = random[1],
                _ => packet = random,
            }
            let _ = socket.send_to(&packet, "10.77.0.2:69");
        }
        drop(socket);
        let (ok, said) = run(pc, folder, &format!("curl -sSf -o i {HTTP}/initrd"));
        assert!(ok, "{said}");
        let path = "b/525400123456/undionly.kpxe";
        let (ok, said) = run(
            pc,
            folder,
            &format!("tftp -m binary 10.77.0.2 -c get {path} u"),
        );
        assert!(ok, "{said}");
        assert!(std::fs::read(folder.join("u")).unwrap() == noise(71_680, 13));
    });
}
