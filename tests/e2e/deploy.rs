//! Journey a without the firmware: a raw disk becomes an image, an agent reports its machine, is
//! approved, and writes the image to its disk. Both ends are the real binary; the agent's machine
//! is a folder and its disk a file. With firmware, kernel and PC: tests/netboot.

use crate::harness::{Appliance, Temp, config_text, eventually, within};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const MIB: usize = 1 << 20;
const IMAGE_BYTES: usize = 64 * MIB;
const DISK_BYTES: usize = 80 * MIB;

fn image() -> Vec<u8> {
    noise(3 * MIB, IMAGE_BYTES)
}

/// Noise and zeros in stretches of so many bytes: chunks hold one, the other, and both.
pub(crate) fn noise(stretch: usize, len: usize) -> Vec<u8> {
    let mut noise = 0x2545_f491_4f6c_dd1d_u64;
    let mut disk = vec![0; len];
    for stretch in disk.chunks_mut(stretch).step_by(2) {
        for word in stretch.chunks_mut(8) {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            word.copy_from_slice(&noise.to_le_bytes()[..word.len()]);
        }
    }
    disk
}

/// A PC in a folder: what its kernel would say, and its disk.
pub(crate) struct Machine {
    root: PathBuf,
    pub(crate) mac: &'static str,
}

impl Machine {
    pub(crate) fn new(folder: &Temp, name: &str, mac: &'static str) -> Machine {
        let root = folder.join(name);
        let machine = Machine { root, mac };
        for (file, text) in [
            ("sys/class/dmi/id/sys_vendor", "Contoso".to_owned()),
            ("sys/class/dmi/id/product_name", "Bureau 3000".to_owned()),
            ("sys/class/dmi/id/product_serial", format!("SN-100{name}")),
            ("sys/class/net/eth0/address", mac.to_owned()),
            ("sys/class/net/eth0/device/vendor", "0x8086".to_owned()),
            ("sys/block/vda/size", (DISK_BYTES / 512).to_string()),
            ("sys/block/vda/serial", format!("DISK-{name}")),
            ("sys/block/vda/device/vendor", "0x1af4".to_owned()),
            ("proc/meminfo", "MemTotal: 4000000 kB\n".to_owned()),
        ] {
            let path = machine.root.join(file);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("its folder");
            std::fs::write(path, text).expect("a file of its kernel");
        }
        std::fs::create_dir_all(machine.root.join("dev")).expect("dev");
        std::fs::write(machine.disk(), vec![0xee; DISK_BYTES]).expect("its disk");
        machine
    }

    /// Another disk in the place of its own.
    pub(crate) fn has(&self, disk: &[u8]) {
        let sectors = (disk.len() / 512).to_string();
        std::fs::write(self.root.join("sys/block/vda/size"), sectors).expect("its size");
        std::fs::write(self.disk(), disk).expect("its disk");
    }

    pub(crate) fn holds(&self) -> Vec<u8> {
        std::fs::read(self.disk()).expect("its disk")
    }

    fn disk(&self) -> PathBuf {
        self.root.join("dev/vda")
    }

    fn is_untouched(&self) -> bool {
        let disk = self.holds();
        disk.len() == DISK_BYTES && disk.iter().all(|byte| *byte == 0xee)
    }

    pub(crate) fn agent(&self, appliance: &Appliance, confirm_s: u32) -> Agent {
        let pem = appliance.folder().join("state/tls/certificate.pem");
        let der = CertificateDer::from_pem_file(pem).expect("the console's certificate");
        let digest = ring::digest::digest(&ring::digest::SHA256, &der);
        let fingerprint: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        let mut child = Command::new(env!("CARGO_BIN_EXE_reprise"))
            .args(["agent", "--server", &appliance.console_url()])
            .args(["--fingerprint", &fingerprint, "--mac", self.mac])
            .arg("--root")
            .arg(&self.root)
            .args(["--confirm", &confirm_s.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("start the agent");
        let screen = Arc::new(Mutex::new(String::new()));
        let lines = BufReader::new(child.stdout.take().expect("its stdout"));
        let kept = screen.clone();
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let mut screen = kept.lock().expect("screen");
                screen.push_str(&line);
                screen.push('\n');
            }
        });
        Agent { child, screen }
    }
}

pub(crate) struct Agent {
    child: Child,
    screen: Arc<Mutex<String>>,
}

impl Agent {
    pub(crate) fn screen(&self) -> String {
        self.screen.lock().expect("screen").clone()
    }

    /// Waits for a line with `text` on the machine's own screen.
    pub(crate) fn shows(&self, text: &str) -> String {
        eventually(&format!("the machine's screen shows {text:?}"), || {
            let screen = self.screen();
            screen
                .lines()
                .find(|line| line.contains(text))
                .map(str::to_owned)
        })
    }

    pub(crate) fn ends(&mut self) -> ExitStatus {
        let child = &mut self.child;
        within(Duration::from_secs(120), "the agent ends", || {
            child.try_wait().expect("its status")
        })
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the machine's screen:\n{}", self.screen());
        }
    }
}

pub(crate) fn host_waiting(appliance: &Appliance, mac: &str) -> Value {
    eventually("the host waits for approval", || {
        let hosts = appliance.get("/api/hosts");
        let mut hosts = hosts.as_array()?.iter();
        hosts
            .find(|h| {
                h["state"] == "waiting"
                    && h["macs"]
                        .as_array()
                        .is_some_and(|m| m.iter().any(|m| m == mac))
            })
            .cloned()
    })
}

fn import(appliance: &Appliance, name: &str, disk: &Path) -> Value {
    let path = disk.to_str().expect("a plain path");
    appliance.cli_json(&["image", "import", path, "--name", name])
}

pub(crate) fn confirmed(preview: &Value) -> Value {
    let fields = ["host", "image", "disk", "disk_serial", "disk_size_bytes"];
    let pairs = fields.map(|field| (field.to_owned(), preview[field].clone()));
    Value::Object(pairs.into_iter().collect())
}

#[test]
fn an_approved_machine_receives_its_image_and_an_unapproved_one_nothing() {
    let folder = Temp::new();
    let appliance = Appliance::first_start(&folder, &config_text(""));
    let image = image();
    let raw = folder.join("disk.raw");
    std::fs::write(&raw, &image).expect("the raw disk");
    let first = import(&appliance, "poste", &raw);
    assert_eq!(first["size_bytes"], IMAGE_BYTES, "{first}");
    let stored = |import: &Value| import["stored_bytes"].as_u64().expect("stored bytes");
    assert!(
        stored(&first) > (IMAGE_BYTES / 2) as u64,
        "the noise: {first}"
    );
    let second = import(&appliance, "poste", &raw);
    assert!(stored(&second) < 64 * 1024, "nothing new: {second}");

    let machine = Machine::new(&folder, "A", "52:54:00:0a:0a:01");
    let mut agent = machine.agent(&appliance, 1);
    let host = host_waiting(&appliance, machine.mac);
    let code = host["pairing_code"].as_str().expect("a pairing code");
    assert!(
        agent.shows("PAIRING CODE").ends_with(code),
        "the console shows {code}"
    );
    assert_eq!(host["serial"], "SN-100A");
    assert_eq!(host["inventory"]["disks"][0]["serial"], "DISK-A");

    // Before anybody approves: no session, no manifest, no chunk, and the disk as it was.
    let id = host["id"].as_str().expect("an id");
    let asked = json!({ "host": id, "image": "poste" });
    let (status, preview) = appliance.post("/api/sessions/preview", &asked);
    assert_eq!(status, 200, "{preview}");
    let (status, refused) = appliance.post("/api/sessions", &confirmed(&preview));
    assert_eq!(status / 100, 4, "not approved yet: {refused}");
    let browser = appliance.browser();
    for path in ["manifest", "chunk/0"] {
        let path = format!("/agent/session/{id}/{path}");
        let page = browser.send_json(&path, &"0".repeat(64), &Value::Null);
        assert_eq!(page.status / 100, 4, "{path}");
    }
    assert!(machine.is_untouched());

    let approval = json!({ "code": code });
    let (status, body) = appliance.post(&format!("/api/hosts/{id}/approve"), &approval);
    assert_eq!(status, 200, "{body}");
    let (status, session) = appliance.post("/api/sessions", &confirmed(&preview));
    assert_eq!(status, 200, "{session}");
    for part in ["vda", "DISK-A", "poste"] {
        let lost = preview["lost"].as_str().expect("a sentence");
        assert!(lost.contains(part), "{part} in {lost}");
        agent.shows(part);
    }
    assert!(agent.ends().success(), "{}", agent.screen());

    let written = std::fs::read(machine.disk()).expect("its disk");
    assert_eq!(written.len(), DISK_BYTES);
    assert!(written[..IMAGE_BYTES] == image, "the image, byte for byte");
    let path = format!("/api/sessions/{}", session["id"].as_str().expect("an id"));
    let session = appliance.get(&path);
    assert_eq!(session["state"], "done", "{session}");
    assert_eq!(session["done_bytes"], IMAGE_BYTES, "{session}");
    let journal = appliance.get("/api/journal").to_string();
    for fact in ["image_imported", "host_approved", "session_opened"] {
        assert!(journal.contains(fact), "{fact} in {journal}");
    }
}

#[test]
fn a_disk_changed_after_the_confirmation_is_not_written() {
    let folder = Temp::new();
    let appliance = Appliance::first_start(&folder, &config_text(""));
    let raw = folder.join("disk.raw");
    File::create(&raw)
        .and_then(|file| file.set_len(4 * MIB as u64))
        .expect("a raw disk");
    import(&appliance, "vide", &raw);
    let machine = Machine::new(&folder, "B", "52:54:00:0a:0a:02");
    let mut agent = machine.agent(&appliance, 1);
    let host = host_waiting(&appliance, machine.mac);
    let id = host["id"].as_str().expect("an id");
    let asked = json!({ "host": id, "image": "vide" });
    let (_, preview) = appliance.post("/api/sessions/preview", &asked);
    let mut other = confirmed(&preview);
    other["disk_serial"] = json!("DISK-C");
    let approval = json!({ "code": host["pairing_code"] });
    let (status, _) = appliance.post(&format!("/api/hosts/{id}/approve"), &approval);
    assert_eq!(status, 200);
    let (status, refused) = appliance.post("/api/sessions", &other);
    assert_eq!(
        status / 100,
        4,
        "another disk than the inventory's: {refused}"
    );

    // The agent looks at the disk itself, not at what it said about it before.
    let disk = File::options().write(true).open(machine.disk());
    disk.and_then(|disk| disk.set_len(40 * MIB as u64))
        .expect("another disk in its place");
    let (status, session) = appliance.post("/api/sessions", &confirmed(&preview));
    assert_eq!(status, 200, "{session}");
    assert_eq!(agent.ends().code(), Some(1), "{}", agent.screen());
    let left = std::fs::read(machine.disk()).expect("its disk");
    assert!(left.len() == 40 * MIB && left.iter().all(|byte| *byte == 0xee));
    let path = format!("/api/sessions/{}", session["id"].as_str().expect("an id"));
    let session = appliance.get(&path);
    assert_eq!(session["state"], "failed", "{session}");
    let detail = session["detail"].as_str().expect("why");
    assert!(detail.contains("confirm again"), "{detail}");
}

#[test]
fn a_disk_is_erased_after_a_confirmation_and_the_journal_says_so_in_one_line() {
    let folder = Temp::new();
    let appliance = Appliance::first_start(&folder, &config_text(""));
    let machine = Machine::new(&folder, "D", "52:54:00:0a:0a:04");
    for (file, text) in [
        ("sys/block/vdb/size", (MIB * 8 / 512).to_string()),
        ("sys/block/vdb/serial", "DISK-KEPT".to_owned()),
        ("sys/block/vdb/device/vendor", "0x1af4".to_owned()),
    ] {
        let path = machine.root.join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("its folder");
        std::fs::write(path, text).expect("a file of its kernel");
    }
    let other = machine.root.join("dev/vdb");
    std::fs::write(&other, vec![0xdd; MIB * 8]).expect("its other disk");
    let mut agent = machine.agent(&appliance, 1);
    let host = host_waiting(&appliance, machine.mac);
    let id = host["id"].as_str().expect("an id");

    let wipe = |arguments: &[&str]| {
        let output = appliance.cli(&[&["session", "wipe", id], arguments].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), said)
    };
    let (ok, said) = wipe(&["--yes"]);
    assert!(!ok && said.contains("has several"), "{said}");
    let (ok, said) = wipe(&["--disk", "DISK-D", "--yes"]);
    assert!(!ok && said.contains("not approved"), "{said}");
    let approval = json!({ "code": host["pairing_code"] });
    let (status, _) = appliance.post(&format!("/api/hosts/{id}/approve"), &approval);
    assert_eq!(status, 200);
    let (ok, said) = wipe(&["--disk", "DISK-D"]);
    assert!(!ok && said.contains("--yes"), "nobody was asked: {said}");
    assert!(machine.is_untouched());
    assert_eq!(appliance.get("/api/sessions"), json!([]));

    let opened = ["session", "wipe", id, "--disk", "DISK-D", "--yes"];
    let session = appliance.cli_json(&opened);
    assert_eq!(session["task"], "wipe", "{session}");
    for part in ["vda", "DISK-D", "erased for good"] {
        let lost = session["lost"].as_str().expect("a sentence");
        assert!(lost.contains(part), "{part} in {lost}");
        agent.shows(part);
    }
    assert!(agent.ends().success(), "{}", agent.screen());
    let disk = std::fs::read(machine.disk()).expect("its disk");
    assert!(disk.len() == DISK_BYTES && disk.iter().all(|byte| *byte == 0));
    let kept = std::fs::read(&other).expect("its other disk");
    assert!(kept == vec![0xdd; MIB * 8], "the other disk");

    let path = format!("/api/sessions/{}", session["id"].as_str().expect("an id"));
    let session = appliance.get(&path);
    assert_eq!(session["state"], "done", "{session}");
    let journal = appliance.get("/api/journal").to_string();
    assert!(journal.contains("disk_wiped"), "{journal}");
    assert_eq!(journal.matches("disk_wiped").count(), 1, "{journal}");
    let checked = format!("\"checked_bytes\":{DISK_BYTES}");
    assert!(journal.contains(&checked), "{checked} in {journal}");
}
