//! From power-on to the PC's own system, step by step, as an operator and a person at the PC see it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::harness::{Appliance, Temp, within};
use crate::machine::{Firmware, Identity, Machine, OTHER_DISK, empty_disk, load_average};
use crate::net::{Company, Net};
use crate::stranger::Stranger;
use crate::{appliance, system};

/// Firmware, iPXE, kernel and initramfs under emulation, on a machine that builds at the same time.
pub(crate) const BOOT: Duration = Duration::from_secs(300);
pub(crate) const REBOOT: Duration = Duration::from_secs(300);
const DEPLOYMENT: Duration = Duration::from_secs(300);
const IMAGE: &str = "atelier-2026";
const DISK_MIB: u64 = 64;

/// Fields are dropped from top to bottom: the PC, the appliance, then the network they were on.
pub(crate) struct Journey {
    pc: Option<Machine>,
    appliance: Appliance,
    net: Net,
    firmware: Firmware,
    identity: Identity,
    marker: String,
    disk: PathBuf,
    /// What is on it when the PC is switched on first.
    before: Vec<u8>,
    host: String,
    session: String,
    started: Instant,
    folder: Temp,
}

impl Journey {
    /// Network, foreign DHCP server, appliance with an image; the PC is still off.
    pub(crate) fn begin(firmware: Firmware) -> Result<Self> {
        let journey = Self::begin_in(Company::Dnsmasq, firmware)?;
        let raw = journey.folder.join("system.raw");
        system::make(
            &raw,
            journey.folder.path(),
            &appliance::assets()?.join("kernel"),
            &journey.marker,
        )?;
        appliance::import(&journey.appliance, &raw, IMAGE)?;
        Ok(journey)
    }

    /// The same without an image, for a PC that goes no further than the agent.
    pub(crate) fn begin_in(company: Company, firmware: Firmware) -> Result<Self> {
        let folder = Temp::new();
        let net = Net::create(company, folder.path())?;
        let appliance = appliance::start(&folder, company, &net.server)?;
        let disk = folder.join("pc-disk.raw");
        empty_disk(&disk, DISK_MIB)?;
        let last = match firmware {
            Firmware::Bios => 1,
            Firmware::Uefi => 2,
            Firmware::SecureHttp => 3,
            Firmware::SecurePxe => 4,
            Firmware::Http => 5,
            Firmware::SecureStick => 6,
            Firmware::UefiSix => 7,
            Firmware::HttpSix => 8,
            Firmware::Arm64 => 9,
        };
        let identity = Identity {
            mac: format!("52:54:00:12:00:0{last}"),
            serial: format!("PF3XY0{last}"),
            uuid: format!("8d3ac1b0-5d0f-4b7e-9c3a-0000000000a{last}"),
            disk_serial: format!("S4EWNX0{last}"),
        };
        Ok(Self {
            pc: None,
            appliance,
            net,
            firmware,
            identity,
            marker: system::unique_marker()?,
            disk,
            before: Vec::new(),
            host: String::new(),
            session: String::new(),
            started: Instant::now(),
            folder,
        })
    }

    /// The PC is no blank one: the system is on its disk already.
    pub(crate) fn has_its_own_system(&self) -> Result<()> {
        let raw = std::fs::read(self.folder.join("system.raw"))?;
        let disk = std::fs::OpenOptions::new().write(true).open(&self.disk)?;
        std::os::unix::fs::FileExt::write_all_at(&disk, &raw, 0)?;
        Ok(())
    }

    fn other_disk(&self) -> PathBuf {
        self.folder.join("other.raw")
    }

    /// A second disk, full of what must stay.
    pub(crate) fn has_another_disk(&self) -> Result<()> {
        Ok(std::fs::write(self.other_disk(), kept())?)
    }

    /// What an operator wants it to boot, once.
    pub(crate) fn gets_next(&self, entry: &str) -> Result<()> {
        let asked = self.appliance.cli(&["boot", "next", &self.host, entry]);
        ensure!(
            asked.status.success(),
            "reprise boot next: {}",
            String::from_utf8_lossy(&asked.stderr)
        );
        Ok(())
    }

    /// Waits for a prompt of the rescue system; gives what this start has shown.
    pub(crate) fn opens_a_shell(&mut self) -> Result<String> {
        let pc = self.pc.as_mut().context("the PC")?;
        pc.wait("a prompt after the rescue system's words", BOOT, |screen| {
            let (_, rescue) = screen.rsplit_once("RESCUE: a shell is open here")?;
            let start = screen.rsplit("iPXE initialising devices").next()?;
            rescue.contains("# ").then(|| start.to_owned())
        })
    }

    pub(crate) fn is_approved(&self) -> Result<()> {
        let code = self.appliance.get(&format!("/api/hosts/{}", self.host))["pairing_code"].clone();
        let (status, host) = self.post(
            &format!("/api/hosts/{}/approve", self.host),
            &json!({"code": code}),
        );
        ensure!(status == 200, "approve: {status} {host}");
        Ok(())
    }

    /// One of its disks is read into an image, and is as it was; then its agent reports again.
    pub(crate) fn is_captured(&mut self) -> Result<()> {
        let serial = self.identity.disk_serial.clone();
        let capture = ["image", "capture", &self.host, "--name", "modele"];
        let session = self
            .appliance
            .cli_json(&[&capture[..], &["--disk", &serial]].concat());
        self.session = text(&session["id"])?;
        let (asked, _) = self.post(&format!("/api/hosts/{}/ask", self.host), &Value::Null);
        ensure!(asked == 200, "ask it to report again: {asked}");
        let log = self.appliance_log();
        let pc = self.pc.as_mut().context("the PC")?;
        pc.wait_text("ABOUT TO READ A DISK", BOOT)
            .with_context(|| log)?;
        pc.wait_text("is in the image modele", DEPLOYMENT)?;
        let session = self.is_over()?;
        self.note("captured");
        ensure!(
            std::fs::read(&self.disk)? == self.before,
            "the disk was changed"
        );
        let image = text(&session["image"])?;
        let kept = appliance::content(&self.appliance, &image, "disk.raw")?;
        ensure!(kept == self.before, "the image is not the disk");
        let pc = self.pc.as_mut().context("the PC")?;
        pc.wait("its agent again", BOOT, |screen| {
            let (_, since) = screen.rsplit_once("is in the image modele")?;
            since.contains("PAIRING CODE").then_some(())
        })
    }

    /// What became of its session.
    fn is_over(&self) -> Result<Value> {
        let session = within(DEPLOYMENT, "the session ends", || {
            let session = self
                .appliance
                .get(&format!("/api/sessions/{}", self.session));
            (session["over"] == true).then_some(session)
        });
        ensure!(
            session["state"] == "done",
            "{session}\n{}",
            self.appliance_log()
        );
        Ok(session)
    }

    /// Confirmed for one of its disks, overwritten, read back.
    pub(crate) fn is_erased(&mut self) -> Result<()> {
        ensure!(
            self.before.iter().any(|byte| *byte != 0),
            "nothing is on its disk"
        );
        let serial = self.identity.disk_serial.clone();
        let session = self
            .appliance
            .cli_json(&["session", "wipe", &self.host, "--disk", &serial, "--yes"]);
        self.session = text(&session["id"])?;
        let log = self.appliance_log();
        let pc = self.pc.as_mut().context("the PC")?;
        pc.wait_text("ABOUT TO ERASE A DISK", BOOT)
            .with_context(|| log)?;
        let warning = pc.wait("the disk's serial number in the warning", BOOT, |screen| {
            let warning = screen.rsplit("ABOUT TO ERASE A DISK").next()?;
            warning.contains("CANCEL").then(|| warning.to_owned())
        })?;
        ensure!(
            warning.contains(&serial) && warning.contains("erased for good"),
            "{warning}"
        );
        pc.wait_text("is erased", DEPLOYMENT)?;
        self.is_over()?;
        self.note("erased");
        ensure!(
            std::fs::read(&self.disk)?.iter().all(|byte| *byte == 0),
            "its disk holds something still"
        );
        ensure!(
            std::fs::read(self.other_disk())? == kept(),
            "its other disk was touched"
        );
        let journal = self.appliance.get("/api/journal").to_string();
        ensure!(
            journal.matches("disk_wiped").count() == 1 && journal.contains(&serial),
            "{journal}"
        );
        Ok(())
    }

    /// The operator makes a stick and plugs it in.
    pub(crate) fn has_a_stick(&self) -> Result<()> {
        let stick = self.folder.join("stick.img");
        let stick = stick.to_str().context("a path in UTF-8")?;
        // By a name that the DHCP server's own server knows.
        let named = ["--server", "https://reprise.test:8443"];
        let made = self
            .appliance
            .cli(&[&["boot", "stick", stick][..], &named].concat());
        ensure!(
            made.status.success(),
            "reprise boot stick: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        Ok(())
    }

    /// What the console knows of the PC.
    pub(crate) fn inventory(&self) -> Value {
        self.appliance.get(&format!("/api/hosts/{}", self.host))["inventory"].clone()
    }

    /// What `reprise boot trace` says of its latest start, once that is over.
    pub(crate) fn is_diagnosed(&self) -> Value {
        within(Duration::from_secs(120), "the boot is judged", || {
            let boots = self
                .appliance
                .cli_json(&["boot", "trace", &self.identity.mac]);
            let found = &boots["diagnosis"];
            (found["cause"] != "going").then(|| found.clone())
        })
    }

    pub(crate) fn switches_on_again(&mut self) -> Result<Machine> {
        self.pc = None;
        Machine::start(
            &self.net,
            self.folder.path(),
            self.firmware,
            &self.identity,
            &self.disk,
        )
    }

    /// It appears in the registry, waiting, with what it is and with the code that its screen shows.
    pub(crate) fn boots_and_waits_for_approval(&mut self) -> Result<()> {
        self.before = std::fs::read(&self.disk)?;
        let mut pc = self.switches_on_again()?;
        self.started = Instant::now();
        let waiting = pc.wait_text("Waiting for approval", BOOT);
        self.note("waiting for approval");
        waiting.with_context(|| self.appliance_log())?;
        let hosts = self.appliance.get("/api/hosts");
        let host = only(&hosts).context("one host")?.clone();
        assert_eq!(host["state"], "waiting", "{host}");
        let inventory = &host["inventory"];
        assert_eq!(
            inventory["system"]["serial"],
            json!(self.identity.serial),
            "{host}"
        );
        assert_eq!(
            inventory["system"]["manufacturer"],
            json!(Identity::MANUFACTURER),
            "{host}"
        );
        assert_eq!(
            inventory["system"]["product"],
            json!(Identity::PRODUCT),
            "{host}"
        );
        let uuid = inventory["system"]["uuid"]
            .as_str()
            .unwrap_or_default()
            .to_lowercase();
        assert_eq!(uuid, self.identity.uuid, "{host}");
        let firmware = if self.firmware == Firmware::Bios {
            "bios"
        } else {
            "uefi"
        };
        assert_eq!(inventory["firmware"], firmware, "{host}");
        assert!(
            inventory["memory_bytes"].as_u64() > Some(800 << 20),
            "{host}"
        );
        assert!(inventory["cpu"]["cores"].as_u64() >= Some(1), "{host}");
        // The stick that it was started from is none of its own.
        let mut disks = inventory["disks"].clone();
        if let Some(disks) = disks.as_array_mut().filter(|_| self.other_disk().exists()) {
            disks.retain(|disk| disk["serial"] != OTHER_DISK);
        }
        let disk = only(&disks).context("one disk")?;
        assert_eq!(disk["serial"], json!(self.identity.disk_serial), "{host}");
        assert_eq!(disk["size_bytes"].as_u64(), Some(DISK_MIB << 20), "{host}");
        let card = only(&inventory["nics"]).context("one card")?;
        assert_eq!(card["mac"], json!(self.identity.mac), "{host}");
        assert_eq!(host["macs"], json!([self.identity.mac]), "{host}");

        match self.net.leases()? {
            // Its address comes from the DHCP server that was there before: the appliance gives none.
            Some(leases) => ensure!(
                leases.contains(&self.identity.mac),
                "the company's DHCP server has given it no address:\n{leases}"
            ),
            None => drop(self.address()?),
        }

        let code = host["pairing_code"].as_str().context("a pairing code")?;
        assert!(code.len() >= 8, "{host}");
        let screen = pc.screen();
        ensure!(
            screen.contains(&format!("PAIRING CODE  {code}")),
            "{code} is not on the screen:\n{screen}"
        );
        ensure!(!screen.contains("another code"), "{screen}");
        self.host = text(&host["id"])?;
        self.pc = Some(pc);
        Ok(())
    }

    /// What `reprise boot trace` says of it.
    pub(crate) fn trace(&self) -> Value {
        self.appliance
            .cli_json(&["boot", "trace", &self.identity.mac])
    }

    /// The one address that the appliance has given it, as its list of leases has it.
    fn address(&self) -> Result<String> {
        let leases = self.appliance.get("/api/leases");
        let lease = only(&leases).with_context(|| format!("one lease, not {leases}"))?;
        ensure!(
            lease["mac"] == json!(self.identity.mac) && lease["state"] == "bound",
            "{lease}"
        );
        text(&lease["address"])
    }

    /// The appliance ends without a word while the PC waits, and comes back: the PC is still the machine with that
    /// code; nobody approves it, it restarts with the network first, and gets its address again, and no boot.
    pub(crate) fn outlives_a_power_cut_of_the_appliance(&mut self) -> Result<()> {
        let address = self.address()?;
        let code = self.appliance.get(&format!("/api/hosts/{}", self.host))["pairing_code"].clone();
        appliance::loses_power(&mut self.appliance, &self.folder, &self.net.server);
        let (kept, host) = (
            self.address()?,
            self.appliance.get(&format!("/api/hosts/{}", self.host)),
        );
        ensure!(kept == address, "its address was {address}, and is {kept}");
        ensure!(host["pairing_code"] == code, "its code was {code}: {host}");

        let pc = self.pc.as_mut().context("the PC")?;
        pc.wait_text("starting from the disk", REBOOT)?;
        pc.wait_text("Nothing to boot", REBOOT)?;
        let kept = self.address()?;
        ensure!(kept == address, "its address was {address}, and is {kept}");
        ensure!(
            self.screen().contains(&format!("net0: {address}/")),
            "it did not take {address}:\n{}",
            self.screen()
        );
        Ok(())
    }

    /// Neither the machine nor anybody else is given an order, a list of chunks or a chunk.
    pub(crate) fn gives_nothing_before_approval(&mut self) -> Result<()> {
        assert_eq!(self.appliance.get("/api/sessions"), json!([]));
        let stranger = Stranger::new(&self.net);
        stranger.is_refused(&format!("/agent/next?host={}", self.host))?;
        stranger.is_refused(&format!("/agent/session/{}/manifest", self.host))?;
        // Not even an administrator can deploy to it before he approved it.
        let (status, preview) = self.post(
            "/api/sessions/preview",
            &json!({"host": self.host, "image": IMAGE}),
        );
        if status == 200 {
            let (status, answer) = self.post("/api/sessions", &preview);
            ensure!(
                (400..500).contains(&status),
                "a session was opened without approval: {answer}"
            );
        } else {
            ensure!((400..500).contains(&status), "{status}: {preview}");
        }
        assert_eq!(self.appliance.get("/api/sessions"), json!([]));
        ensure!(
            std::fs::read(&self.disk)? == self.before,
            "the disk was touched before approval"
        );
        Ok(())
    }

    /// Approved, confirmed, written, read back: the screen and the console tell the same.
    pub(crate) fn is_deployed(&mut self) -> Result<()> {
        let code = self.appliance.get(&format!("/api/hosts/{}", self.host))["pairing_code"].clone();
        let (status, host) = self.post(
            &format!("/api/hosts/{}/approve", self.host),
            &json!({"code": code}),
        );
        ensure!(
            status == 200 && host["state"] == "approved",
            "approve: {status} {host}"
        );
        let name = text(&host["name"])?;
        let (status, preview) = self.post(
            "/api/sessions/preview",
            &json!({"host": self.host, "image": IMAGE}),
        );
        ensure!(status == 200, "preview: {status} {preview}");
        assert_eq!(preview["host_name"], json!(name), "{preview}");
        assert_eq!(
            preview["disk_serial"],
            json!(self.identity.disk_serial),
            "{preview}"
        );
        assert_eq!(
            preview["disk_size_bytes"].as_u64(),
            Some(DISK_MIB << 20),
            "{preview}"
        );
        let lost = text(&preview["lost"])?;
        ensure!(!lost.is_empty(), "{preview}");
        let (status, session) = self.post("/api/sessions", &preview);
        ensure!(status == 200, "open: {status} {session}");
        self.session = text(&session["id"])?;

        // Its id is no secret; its content stays the approved machine's.
        let stranger = Stranger::new(&self.net);
        stranger.says_hello()?;
        stranger.is_refused(&format!("/agent/session/{}/manifest", self.session))?;
        stranger.is_refused(&format!("/agent/session/{}/chunk/0", self.session))?;
        stranger.is_refused(&format!("/agent/next?host={}", self.host))?;

        let log = self.appliance_log();
        let pc = self.pc.as_mut().context("the PC")?;
        pc.wait_text("ABOUT TO ERASE A DISK", BOOT)
            .with_context(|| log.clone())?;
        pc.wait_text(&lost, Duration::from_secs(10))?;
        let screen = pc.screen();
        let warning = screen
            .rsplit("ABOUT TO ERASE A DISK")
            .next()
            .unwrap_or_default();
        ensure!(
            warning.contains(&name),
            "the warning does not name the host {name}:\n{warning}"
        );
        ensure!(
            warning.contains(&self.identity.disk_serial),
            "the warning does not name the disk:\n{warning}"
        );

        let appliance = &self.appliance;
        let mut seen = Vec::new();
        let session = within(DEPLOYMENT, "the session ends", || {
            let session = appliance.get(&format!("/api/sessions/{}", self.session));
            let state = session["state"].as_str().unwrap_or_default().to_owned();
            if seen.last() != Some(&state) {
                seen.push(state);
            }
            (session["over"] == true).then_some(session)
        });
        self.note(&format!("deployed through {}", seen.join(", ")));
        ensure!(
            session["state"] == "done",
            "{session}\n{}\n{}",
            self.screen(),
            self.appliance_log()
        );
        Ok(())
    }

    /// Restarts into what was written: only the deployed system knows the marker. Gives the whole screen.
    pub(crate) fn boots_its_own_system(&mut self, patience: Duration) -> Result<String> {
        let marker = self.marker.clone();
        let pc = self.pc.as_mut().context("the PC")?;
        pc.wait_text(&marker, patience)?;
        pc.wait_off(Duration::from_secs(60))?;
        let screen = pc.screen();
        self.note("its own system has started");
        let raw = std::fs::read(self.folder.join("system.raw"))?;
        let disk = std::fs::read(&self.disk)?;
        // The small system writes nothing; UEFI may mend the backup table, which lies behind the image.
        ensure!(
            disk.get(..raw.len()) == Some(raw.as_slice()),
            "the disk is not the image, byte for byte"
        );
        Ok(screen)
    }

    /// The console says done, and no more is offered.
    pub(crate) fn is_done_and_stays_done(&mut self, patience: Duration) -> Result<()> {
        let session = within(patience, "the session is done", || {
            let session = self
                .appliance
                .get(&format!("/api/sessions/{}", self.session));
            (session["state"] == "done").then_some(session)
        });
        ensure!(session["ended_ms"].as_i64() > Some(0), "{session}");
        let sessions = self.appliance.get("/api/sessions");
        ensure!(sessions.as_array().map(Vec::len) == Some(1), "{sessions}");
        Ok(())
    }

    /// Nobody approved it: it is known, and nothing else happened.
    pub(crate) fn is_still_waiting(&self) -> Result<()> {
        let host = self.appliance.get(&format!("/api/hosts/{}", self.host));
        ensure!(host["state"] == "waiting", "{host}");
        assert_eq!(self.appliance.get("/api/sessions"), json!([]));
        ensure!(
            std::fs::read(&self.disk)? == self.before,
            "its disk has changed"
        );
        Ok(())
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.appliance.post(path, body)
    }

    pub(crate) fn screen(&self) -> String {
        self.pc.as_ref().map(Machine::screen).unwrap_or_default()
    }

    fn appliance_log(&self) -> String {
        format!("the log of the appliance:\n{}", self.appliance.log())
    }

    /// Shown with `--nocapture`, and when the test fails: how long it took, on what.
    fn note(&self, what: &str) {
        eprintln!(
            "{:?}: {what} after {} s, load {}",
            self.firmware,
            self.started.elapsed().as_secs(),
            load_average().trim()
        );
    }
}

/// What must stay on the other disk.
fn kept() -> Vec<u8> {
    b"kept as it is, ".repeat((4 << 20) / 15 / 512 * 512)
}

fn only(list: &Value) -> Option<&Value> {
    match list.as_array()?.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

fn text(value: &Value) -> Result<String> {
    value
        .as_str()
        .map(str::to_owned)
        .with_context(|| format!("{value} is not a text"))
}
