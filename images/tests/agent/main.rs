//! The agent against a real HTTPS server on loopback, its machine a folder, its disk a file.
#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod capture;
mod server;

use images::agent::{self, Error, Options, Outcome, client};
use images::wire::{
    DeployOrder, Finished, Hello, Manifest, ManifestChunk, Next, ProgressReport, Step, Welcome,
};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use server::{Reply, Request, Server};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const CHUNK: usize = 64 * 1024;
const MAC: &str = "52:54:00:aa:00:01";
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A machine with one disk, `/dev/vda`, full of old data.
struct Machine {
    root: PathBuf,
    disk_bytes: usize,
}

impl Machine {
    fn new(disk_bytes: usize) -> Machine {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let root =
            std::env::temp_dir().join(format!("reprise-agent-{}-{count}", std::process::id()));
        let machine = Machine { root, disk_bytes };
        machine.write("sys/class/dmi/id/product_serial", b"REPRISE-0001\n");
        let sectors = (disk_bytes / 512).to_string();
        machine.write("sys/block/vda/size", sectors.as_bytes());
        machine.write("sys/block/vda/serial", b"DISK-1");
        machine.write("sys/block/vda/device/vendor", b"0x1af4\n");
        machine.write("dev/vda", &vec![0xee; disk_bytes]);
        machine
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn disk(&self) -> Vec<u8> {
        std::fs::read(self.root.join("dev/vda")).unwrap()
    }

    fn is_untouched(&self) -> bool {
        self.disk() == vec![0xee; self.disk_bytes]
    }

    fn options(&self, server: &Server) -> Options {
        let mut options = Options::from_command_line(
            "quiet",
            Some(&server.url),
            Some(&server.fingerprint),
            Some(MAC),
            "test",
        )
        .unwrap();
        options.sys_root = self.root.join("sys");
        options.proc_root = self.root.join("proc");
        options.dev_root = self.root.join("dev");
        options.confirm = Duration::ZERO;
        options.patience = Duration::from_secs(20);
        options
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// An image, and a server that deploys it to the disk of whoever says hello.
struct Appliance {
    disk: Vec<u8>,
    order: DeployOrder,
    manifest: Manifest,
    key: Mutex<String>,
    said: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    hello: Option<Hello>,
    progress: Vec<ProgressReport>,
    finished: Vec<Finished>,
}

impl Appliance {
    /// Noise, text, zeros and noise again; the last chunk is a short one.
    fn new(machine: &Machine) -> Appliance {
        let mut disk = Vec::new();
        let mut noise = 0x9e37_79b9_u64;
        for index in 0..20 {
            match index % 4 {
                0 | 3 => disk.extend((0..CHUNK).map(|_| {
                    noise = noise
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    noise.to_le_bytes()[7]
                })),
                1 => disk.extend(b"reprise!".repeat(CHUNK / 8)),
                _ => disk.extend(vec![0; CHUNK]),
            }
        }
        disk.truncate(20 * CHUNK - 512);
        let manifest = Manifest {
            size_bytes: disk.len() as u64,
            chunk_bytes: CHUNK as u32,
            chunks: disk
                .chunks(CHUNK)
                .map(|chunk| ManifestChunk {
                    plain: *blake3::hash(chunk).as_bytes(),
                    zero: chunk.iter().all(|byte| *byte == 0),
                })
                .collect(),
        };
        let order = DeployOrder {
            session: "s1".into(),
            host: "PC-1".into(),
            image: "debian".into(),
            image_size_bytes: disk.len() as u64,
            disk_path: machine.root.join("dev/vda").to_str().unwrap().into(),
            disk_serial: "DISK-1".into(),
            disk_model: String::new(),
            disk_size_bytes: machine.disk_bytes as u64,
            lost: "Everything on the disk.".into(),
        };
        Appliance {
            disk,
            order,
            manifest,
            key: Mutex::default(),
            said: Mutex::default(),
        }
    }

    fn packed(&self, index: usize) -> Reply {
        let plain = self.disk.chunks(CHUNK).nth(index).unwrap();
        let packed = zstd::bulk::compress(plain, 3).unwrap();
        let zstd = packed.len() < plain.len();
        Reply::Chunk {
            zstd,
            plain_len: plain.len(),
            bytes: if zstd { packed } else { plain.to_vec() },
        }
    }

    fn answer(&self, request: &Request) -> Reply {
        let json = |value: &dyn erased::Json| Reply::Json(value.text());
        let path = request.path.as_str();
        if path == "/agent/hello" {
            let hello: Hello = serde_json::from_slice(&request.body).unwrap();
            assert_eq!(hello.mac, MAC);
            *self.key.lock().unwrap() = hello.agent_key.clone();
            self.said.lock().unwrap().hello = Some(hello);
            return json(&Welcome {
                host: "h1".into(),
                name: "PC-1".into(),
                pairing_code: "AAAA-AAAA".into(),
            });
        }
        if request.bearer != *self.key.lock().unwrap() {
            return Reply::Status(401, "who are you");
        }
        match path {
            "/agent/next?host=h1" if self.order.image.is_empty() => {
                json(&Next::Wipe(self.order.clone()))
            }
            "/agent/next?host=h1" => json(&Next::Deploy(self.order.clone())),
            "/agent/session/s1/manifest" => json(&self.manifest),
            "/agent/progress" => {
                let report = serde_json::from_slice(&request.body).unwrap();
                self.said.lock().unwrap().progress.push(report);
                Reply::Status(204, "")
            }
            "/agent/finished" => {
                let finished = serde_json::from_slice(&request.body).unwrap();
                self.said.lock().unwrap().finished.push(finished);
                Reply::Json("{}".into())
            }
            _ => match chunk_of(path) {
                Some(index) => self.packed(index),
                None => Reply::Status(404, "no such thing"),
            },
        }
    }

    fn finished(&self) -> Finished {
        let said = self.said.lock().unwrap();
        assert_eq!(said.finished.len(), 1, "{:?}", said.finished);
        said.finished[0].clone()
    }
}

mod erased {
    pub(crate) trait Json {
        fn text(&self) -> String;
    }
    impl<T: serde::Serialize> Json for T {
        fn text(&self) -> String {
            serde_json::to_string(self).unwrap()
        }
    }
}

fn chunk_of(path: &str) -> Option<usize> {
    path.strip_prefix("/agent/session/s1/chunk/")?.parse().ok()
}

/// A deployment in which `meddle` may answer first. Returns how it ended and what the server saw.
fn deploy(
    machine: &Machine,
    meddle: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static,
) -> (Outcome, Arc<Appliance>, Server) {
    let appliance = Arc::new(Appliance::new(machine));
    let server = Server::start({
        let appliance = appliance.clone();
        move |request| meddle(request).unwrap_or_else(|| appliance.answer(request))
    });
    let outcome = agent::run(&machine.options(&server)).unwrap();
    (outcome, appliance, server)
}

fn why(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::NotDeployed { why } => why,
        other => panic!("it should not have deployed: {other:?}"),
    }
}

#[test]
fn an_image_is_written_and_read_back() {
    let machine = Machine::new(4 << 20);
    let (outcome, appliance, server) = deploy(&machine, |_| None);
    let size = appliance.disk.len();
    assert_eq!(
        outcome,
        Outcome::Deployed {
            written_bytes: size as u64
        }
    );
    let disk = machine.disk();
    assert_eq!(disk.len(), 4 << 20);
    assert!(disk[..size] == appliance.disk, "the image, byte for byte");
    assert!(disk[size..3 << 20].iter().all(|byte| *byte == 0xee));
    assert!(
        disk[3 << 20..].iter().all(|byte| *byte == 0),
        "an old second partition table is gone"
    );
    assert_eq!(server.asked("GET /agent/session/s1/chunk/"), 15, "no zeros");
    let finished = appliance.finished();
    assert!(finished.ok && finished.detail.is_empty());
    assert_eq!(finished.written_bytes, size as u64);
    assert!((1..size as u64).contains(&finished.fetched_bytes));

    let said = appliance.said.lock().unwrap();
    let hello = said.hello.as_ref().unwrap();
    assert_eq!(hello.inventory.system.serial, "REPRISE-0001");
    assert_eq!(hello.inventory.disks[0].serial, "DISK-1");
    assert_eq!(hello.agent_key.len(), 64);
    for step in [Step::Write, Step::Verify] {
        let last = said.progress.iter().rev().find(|p| p.step == step);
        let last = last.expect("progress of each step");
        assert_eq!(last.done_bytes, last.total_bytes);
    }
}

/// The disk is erased instead, in which `meddle` may answer first.
fn erase(
    machine: &Machine,
    meddle: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static,
) -> (Outcome, Arc<Appliance>) {
    let mut appliance = Appliance::new(machine);
    appliance.order.image.clear();
    appliance.order.image_size_bytes = machine.disk_bytes as u64;
    let appliance = Arc::new(appliance);
    let server = Server::start({
        let appliance = appliance.clone();
        move |request| meddle(request).unwrap_or_else(|| appliance.answer(request))
    });
    let outcome = agent::run(&machine.options(&server)).unwrap();
    (outcome, appliance)
}

#[test]
fn an_erased_disk_holds_nothing_and_the_other_disk_everything() {
    // Not a whole number of the pieces that are written.
    let machine = Machine::new((9 << 20) + 512);
    machine.write("sys/block/vdb/size", b"8192");
    machine.write("sys/block/vdb/serial", b"DISK-2");
    machine.write("sys/block/vdb/device/vendor", b"0x1af4\n");
    machine.write("dev/vdb", &vec![0xdd; 4 << 20]);
    let (outcome, appliance) = erase(&machine, |_| None);
    let bytes = (9 << 20) + 512;
    assert_eq!(outcome, Outcome::Erased { bytes });
    let disk = machine.disk();
    assert_eq!(disk.len() as u64, bytes);
    assert!(disk.iter().all(|byte| *byte == 0));
    let other = std::fs::read(machine.root.join("dev/vdb")).unwrap();
    assert!(other == vec![0xdd; 4 << 20]);
    let finished = appliance.finished();
    assert!(finished.ok && finished.detail.is_empty(), "{finished:?}");
    assert_eq!(finished.written_bytes, bytes);
    assert_eq!(
        finished.wiped.unwrap().checked_bytes,
        bytes,
        "a small disk is read whole"
    );
    let said = appliance.said.lock().unwrap();
    for step in [Step::Write, Step::Verify] {
        let last = said.progress.iter().rev().find(|p| p.step == step);
        let last = last.expect("progress of each step");
        assert_eq!((last.done_bytes, last.total_bytes), (bytes, bytes));
    }
}

#[test]
fn another_disk_than_the_confirmed_one_is_not_erased() {
    for changed in ["serial", "size"] {
        let machine = Machine::new(4 << 20);
        let mut order = Appliance::new(&machine).order;
        order.image.clear();
        match changed {
            "serial" => order.disk_serial = "DISK-2".into(),
            _ => order.disk_size_bytes = 8 << 20,
        }
        let next = serde_json::to_string(&Next::Wipe(order)).unwrap();
        let (outcome, appliance) = erase(&machine, move |request| {
            let asks = request.path.starts_with("/agent/next");
            asks.then(|| Reply::Json(next.clone()))
        });
        assert!(why(&outcome).contains("confirm again"), "{outcome:?}");
        assert!(machine.is_untouched(), "{changed}");
        let finished = appliance.finished();
        assert!(!finished.ok && finished.wiped.is_none());
    }
}

#[test]
fn a_wipe_that_is_cancelled_stops_and_says_that_the_disk_is_half_erased() {
    let machine = Machine::new(4 << 20);
    let (outcome, _) = erase(&machine, |request| {
        let report: Option<ProgressReport> = serde_json::from_slice(&request.body).ok();
        (request.path == "/agent/progress" && report.is_some_and(|r| r.step == Step::Write))
            .then_some(Reply::Status(409, "the session is cancelled"))
    });
    assert!(why(&outcome).contains("half erased"), "{outcome:?}");
}

#[test]
fn an_image_as_large_as_the_disk_fits() {
    let machine = Machine::new(20 * CHUNK - 512);
    let (outcome, appliance, _server) = deploy(&machine, |_| None);
    assert!(matches!(outcome, Outcome::Deployed { .. }));
    assert!(machine.disk() == appliance.disk);
}

#[test]
fn another_certificate_is_not_talked_to() {
    let machine = Machine::new(1 << 20);
    let server = Server::start(|_| Reply::Status(500, "never asked"));
    let mut options = machine.options(&server);
    options.fingerprint = "00".repeat(32);
    let error = agent::run(&options).unwrap_err();
    assert!(
        matches!(error, Error::Client(client::Error::WrongCertificate { .. })),
        "{error}"
    );
    assert_eq!(server.asked(""), 0, "not one byte of a request");
}

#[test]
fn a_machine_with_nothing_to_do_is_left_alone() {
    let machine = Machine::new(4 << 20);
    let waited = AtomicU32::new(0);
    let (outcome, appliance, server) = deploy(&machine, move |request| {
        let next = match (
            request.path.starts_with("/agent/next"),
            waited.fetch_add(1, Ordering::SeqCst),
        ) {
            (false, _) => return None,
            (true, 0..=1) => Next::Wait { seconds: 0 },
            (true, _) => Next::LocalDisk {
                why: "not approved".into(),
            },
        };
        Some(Reply::Json(serde_json::to_string(&next).unwrap()))
    });
    assert_eq!(
        outcome,
        Outcome::LocalDisk {
            why: "not approved".into()
        }
    );
    assert!(machine.is_untouched());
    assert!(appliance.said.lock().unwrap().finished.is_empty());
    assert_eq!(server.asked("GET /agent/session"), 0);
}

#[test]
fn a_host_that_was_forgotten_stops_asking() {
    let machine = Machine::new(4 << 20);
    let server = Server::start(|request| match request.path.as_str() {
        "/agent/hello" => Reply::Json(
            r#"{"host":"h1","name":"PC-1","pairing_code":"AAAA-AAAA","later":"field"}"#.into(),
        ),
        _ => Reply::Status(404, "no host\r\n\u{1b}[2J of this id"),
    });
    let error = agent::run(&machine.options(&server))
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "ask what to do: the server refused (404: no host   [2J of this id)"
    );
}

#[test]
fn a_network_that_comes_and_goes_is_waited_for() {
    let machine = Machine::new(4 << 20);
    let count = AtomicU32::new(0);
    let (outcome, appliance, _server) = deploy(&machine, move |_| {
        match count.fetch_add(1, Ordering::SeqCst) % 4 {
            2 => Some(Reply::Gone),
            3 => Some(Reply::Status(503, "busy")),
            _ => None,
        }
    });
    assert!(matches!(outcome, Outcome::Deployed { .. }), "{outcome:?}");
    assert!(machine.disk()[..appliance.disk.len()] == appliance.disk);
}

#[test]
fn a_server_that_is_gone_for_good_ends_the_wait() {
    let machine = Machine::new(1 << 20);
    let server = Server::start(|_| Reply::Gone);
    let mut options = machine.options(&server);
    options.patience = Duration::from_millis(300);
    let error = agent::run(&options).unwrap_err();
    assert!(
        matches!(error, Error::Client(client::Error::Unreachable { .. })),
        "{error}"
    );
}

#[test]
fn one_bad_chunk_is_fetched_again_two_are_the_end() {
    let evil = |count: &AtomicU32, times: u32| {
        let bad = Reply::Chunk {
            zstd: false,
            plain_len: CHUNK,
            bytes: vec![0x66; CHUNK],
        };
        (count.fetch_add(1, Ordering::SeqCst) < times).then_some(bad)
    };
    for (times, is_deployed) in [(1, true), (2, false)] {
        let machine = Machine::new(4 << 20);
        let count = AtomicU32::new(0);
        let (outcome, appliance, server) = deploy(&machine, move |request| {
            (chunk_of(&request.path) == Some(3))
                .then(|| evil(&count, times))
                .flatten()
        });
        assert_eq!(server.asked("GET /agent/session/s1/chunk/3"), 2);
        let finished = appliance.finished();
        assert_eq!(finished.ok, is_deployed);
        if is_deployed {
            assert!(machine.disk()[..appliance.disk.len()] == appliance.disk);
        } else {
            assert!(why(&outcome).contains("chunk 3"), "{}", why(&outcome));
            assert_eq!(finished.detail, why(&outcome));
        }
    }
}

#[test]
fn a_disk_that_was_not_confirmed_is_not_touched() {
    for (what, file, bytes) in [
        ("serial number", "sys/block/vda/serial", "DISK-2"),
        ("size", "sys/block/vda/size", "10000"),
        ("model", "sys/block/vda/device/model", "Other"),
    ] {
        let machine = Machine::new(4 << 20);
        machine.write(file, bytes.as_bytes());
        let (outcome, appliance, server) = deploy(&machine, |_| None);
        assert!(why(&outcome).contains(what), "{}", why(&outcome));
        assert!(machine.is_untouched(), "{what}");
        assert!(!appliance.finished().ok);
        assert_eq!(server.asked("GET /agent/session/s1/chunk/"), 0);
    }
}

#[test]
fn a_disk_that_shrank_since_the_inventory_is_not_touched() {
    let machine = Machine::new(4 << 20);
    let short = Path::new(&machine.root).join("dev/vda");
    std::fs::OpenOptions::new()
        .write(true)
        .open(short)
        .unwrap()
        .set_len(3 << 20)
        .unwrap();
    let (outcome, _appliance, server) = deploy(&machine, |_| None);
    assert!(
        why(&outcome).contains("it has 3145728 bytes"),
        "{}",
        why(&outcome)
    );
    assert!(machine.disk() == vec![0xee; 3 << 20]);
    assert_eq!(server.asked("GET /agent/session/s1/chunk/"), 0);
}

#[test]
fn a_manifest_that_does_not_add_up_is_not_followed() {
    let machine = Machine::new(4 << 20);
    let (outcome, _appliance, server) = deploy(&machine, |request| {
        request.path.ends_with("/manifest").then(|| {
            Reply::Json(format!(
                r#"{{"size_bytes":{},"chunk_bytes":{CHUNK},"chunks":[]}}"#,
                20 * CHUNK - 512
            ))
        })
    });
    assert!(why(&outcome).contains("manifest"), "{}", why(&outcome));
    assert!(machine.is_untouched());
    assert_eq!(server.asked("GET /agent/session/s1/chunk/"), 0);
}

#[test]
fn a_session_cancelled_in_the_console_stops_the_writing() {
    for asked_first in ["/agent/progress", "/agent/session/s1/chunk/"] {
        let machine = Machine::new(4 << 20);
        let (outcome, appliance, _server) = deploy(&machine, move |request| {
            let is_over = request.path.starts_with(asked_first);
            is_over.then_some(Reply::Status(409, "cancelled"))
        });
        let why = why(&outcome);
        assert!(why.starts_with("cancelled in the console"), "{why}");
        assert!(!appliance.finished().ok);
    }
}

/// The far end of a console that the machine's kernel knows.
fn console_of(machine: &Machine) -> File {
    use std::os::unix::ffi::OsStrExt;
    let far = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&far).unwrap();
    unlockpt(&far).unwrap();
    let name = ptsname(&far, Vec::new()).unwrap();
    let near = std::ffi::OsStr::from_bytes(name.to_bytes());
    std::os::unix::fs::symlink(near, machine.root.join("dev/ttyS0")).unwrap();
    machine.write("sys/class/tty/console/active", b"ttyS0\n");
    File::from(far)
}

#[test]
fn a_key_press_at_the_machine_cancels() {
    let machine = Machine::new(4 << 20);
    let mut console = console_of(&machine);
    let appliance = Arc::new(Appliance::new(&machine));
    let server = Server::start({
        let appliance = appliance.clone();
        move |request| appliance.answer(request)
    });
    let mut options = machine.options(&server);
    options.consoles = true;
    options.confirm = Duration::from_secs(600);
    let agent = std::thread::spawn(move || agent::run(&options).unwrap());
    let mut shown = Vec::new();
    while !String::from_utf8_lossy(&shown).contains("Press any key to CANCEL") {
        let mut piece = [0; 1024];
        let count = console.read(&mut piece).unwrap();
        shown.extend_from_slice(&piece[..count]);
    }
    let shown = String::from_utf8_lossy(&shown).into_owned();
    for part in [
        "ABOUT TO ERASE A DISK",
        "PC-1",
        "DISK-1",
        "Everything on the disk.",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    console.write_all(b" ").unwrap();
    let outcome = agent.join().unwrap();
    assert!(why(&outcome).contains("by a key press"), "{outcome:?}");
    assert!(machine.is_untouched());
    assert_eq!(server.asked("GET /agent/session/s1/chunk/"), 0);
    let finished = appliance.finished();
    assert!(!finished.ok && finished.written_bytes == 0);
    let said = appliance.said.lock().unwrap();
    assert!(said.progress.iter().all(|p| p.step == Step::Confirm));
    assert!(!said.progress.is_empty());
}
