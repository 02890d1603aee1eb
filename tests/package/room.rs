//! A bare Debian 12 in a folder, with a network of its own that has loopback only.
//!
//! The thread of a test moves into the new network and mount namespaces itself: whatever it starts is in them, and they end
//! with the last of it.

use crate::harness::{Temp, tool, within};
use nix::sched::{CloneFlags, unshare};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) struct Room {
    folder: Temp,
}

/// What is installed in a room before the test begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    Bare,
    /// With `mariadb-server`, as apt-get installs it.
    MariaDb,
}

/// Moves this thread, and whatever it starts, into a network and mounts of its own.
pub(crate) fn own_network(needed: Base) {
    // Fetched before there is no way out.
    base(needed);
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).expect("namespaces; run as root");
    tool("mount", &["--make-rprivate", "/"]);
    tool("ip", &["link", "set", "lo", "up"]);
}

/// What systemd gives a service to see.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Room {
    /// Lays out a Debian. The thread is in a network of its own by then.
    pub(crate) fn new(base: Base) -> Room {
        let base = self::base(base);
        let folder = Temp::new();
        // dpkg runs programs as other users, who must be able to enter.
        tool("chmod", &["755", &folder.path().display().to_string()]);
        tool(
            "tar",
            &[
                "-xpf",
                &base.display().to_string(),
                "-C",
                &folder.path().display().to_string(),
            ],
        );
        let room = Room { folder };
        // A root that is a mount, as every machine's is: the walls around a proof's server are made of mounts.
        let root = room.at("").display().to_string();
        tool("mount", &["--bind", &root, &root]);
        let proc = room.at("proc").display().to_string();
        tool("mount", &["-t", "proc", "proc", &proc]);
        room
    }

    /// A path of the room as this machine sees it.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path.trim_start_matches('/'))
    }

    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("chroot");
        command
            .arg(self.folder.path())
            .arg(program)
            .args(arguments)
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", "/root")
            .env("LANG", "C.UTF-8")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Output {
        self.command(program, arguments)
            .output()
            .expect("start a program in the room")
    }

    /// Must end well; what it said.
    pub(crate) fn done(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.run(program, arguments);
        let said = said(&output);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        said
    }

    /// Brings a package in and hands it to dpkg.
    pub(crate) fn install(&self, package: &Path) -> String {
        let name = package.file_name().expect("a file");
        let inside = self.at("root").join(name);
        std::fs::copy(package, &inside).expect("a copy");
        let name = name.to_string_lossy();
        self.done("dpkg", &["-i", &format!("/root/{name}")])
    }

    /// A command with no more capabilities than the unit gives.
    pub(crate) fn as_the_unit(&self, words: &[&str]) -> Command {
        let unit = Unit::read(&self.at("lib/systemd/system/reprise.service"));
        let mut bounds = "-all".to_owned();
        for capability in unit.one("CapabilityBoundingSet").split(' ') {
            let name = capability.trim_start_matches("CAP_").to_lowercase();
            bounds.push_str(&format!(",+{name}"));
        }
        assert_eq!(unit.one("NoNewPrivileges"), "yes");
        let bounds = format!("--bounding-set={bounds}");
        let mut all = vec![bounds.as_str(), "--inh-caps=-all", "--no-new-privs", "--"];
        all.extend(words);
        self.command("setpriv", &all)
    }

    /// Starts the installed service as its unit says: its command, its capabilities, its folders.
    pub(crate) fn serve(&self) -> Service {
        let unit = Unit::read(&self.at("lib/systemd/system/reprise.service"));
        for (key, above) in [
            ("StateDirectory", "var/lib"),
            ("ConfigurationDirectory", "etc"),
        ] {
            let folder = self.at(above).join(unit.one(key));
            let mode = u32::from_str_radix(unit.one(&format!("{key}Mode")), 8).expect("a mode");
            if !folder.is_dir() {
                let mut builder = std::fs::DirBuilder::new();
                builder.mode(mode).create(&folder).expect("a folder");
            }
        }
        let place = self.at("run/notify.sock");
        let _ = std::fs::remove_file(&place);
        let socket = UnixDatagram::bind(&place).expect("a socket");
        socket
            .set_read_timeout(Some(Duration::from_secs(60)))
            .expect("a timeout");
        let words: Vec<&str> = unit.one("ExecStart").split(' ').collect();
        let mut child = self
            .as_the_unit(&words)
            .env("NOTIFY_SOCKET", "/run/notify.sock")
            // Shorter than the unit's, so that a sign of life comes soon.
            .env("WATCHDOG_USEC", "3000000")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start the service");
        let log = Arc::new(Mutex::new(String::new()));
        let (lines, kept) = (
            BufReader::new(child.stderr.take().expect("its stderr")),
            log.clone(),
        );
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                kept.lock().expect("log").push_str(&format!("{line}\n"));
            }
        });
        let service = Service { child, socket, log };
        service.hears("READY=1");
        service
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        for mounted in [self.at("proc"), self.at("")] {
            let _ = Command::new("umount").arg("-l").arg(mounted).status();
        }
    }
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// The installed `reprise serve`.
pub(crate) struct Service {
    child: Child,
    socket: UnixDatagram,
    log: Arc<Mutex<String>>,
}

impl Service {
    /// Waits until the service manager would hear it.
    pub(crate) fn hears(&self, what: &str) {
        let mut bytes = [0; 256];
        loop {
            let heard = self.socket.recv(&mut bytes);
            let length = heard.unwrap_or_else(|e| panic!("never {what} ({e}):\n{}", self.log()));
            if String::from_utf8_lossy(&bytes[..length]).contains(what) {
                return;
            }
        }
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("log").clone()
    }

    /// The capabilities it has (proc_pid_status(5)), as a mask.
    pub(crate) fn capabilities(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("its status");
        let line = status.lines().find_map(|l| l.strip_prefix("CapEff:"));
        u64::from_str_radix(line.expect("capabilities").trim(), 16).expect("a mask")
    }

    /// SIGTERM, as systemd stops it; its end must be clean.
    pub(crate) fn stop(mut self) -> String {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("SIGTERM");
        let child = &mut self.child;
        let status = within(Duration::from_secs(60), "the service ends", || {
            child.try_wait().expect("its status")
        });
        assert!(status.success(), "{status}: {}", self.log());
        self.log()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- the log of the service:\n{}", self.log());
        }
    }
}

/// Lines of a systemd unit.
struct Unit(Vec<(String, String)>);

impl Unit {
    fn read(path: &Path) -> Unit {
        let text = std::fs::read_to_string(path).expect("the unit");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.split_once('='));
        Unit(pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
    }

    fn one(&self, key: &str) -> &str {
        let found = self.0.iter().find(|(name, _)| name == key);
        &found.unwrap_or_else(|| panic!("the unit has no {key}")).1
    }
}

/// A Debian as a tar file, made once and kept with cargo's things.
fn base(base: Base) -> PathBuf {
    static MAKING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = MAKING.lock().expect("the base");
    let bare = kept("bookworm.tar", |root| {
        let root = root.display().to_string();
        tool(
            "debootstrap",
            &["--variant=minbase", "bookworm", &root, &mirror()],
        );
    });
    match base {
        Base::Bare => bare,
        Base::MariaDb => kept("bookworm-mariadb.tar", |root| {
            install_mariadb(&bare, root);
        }),
    }
}

fn kept(name: &str, fill: impl FnOnce(&Path)) -> PathBuf {
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if made.exists() {
        return made;
    }
    let folder = Temp::new();
    let (root, part) = (folder.join("root"), made.with_extension("part"));
    fill(&root);
    let (root, shown) = (root.display().to_string(), part.display().to_string());
    tool("tar", &["-cpf", &shown, "-C", &root, "."]);
    std::fs::rename(&part, &made).expect("the base");
    made
}

fn install_mariadb(bare: &Path, root: &Path) {
    std::fs::create_dir_all(root).expect("a folder");
    let shown = root.display().to_string();
    tool("tar", &["-xpf", &bare.display().to_string(), "-C", &shown]);
    std::fs::copy("/etc/resolv.conf", root.join("etc/resolv.conf")).expect("resolv.conf");
    // Nothing is started here, in the network of the machine.
    let policy = root.join("usr/sbin/policy-rc.d");
    std::fs::write(&policy, "#!/bin/sh\nexit 101\n").expect("policy-rc.d");
    tool("chmod", &["755", &policy.display().to_string()]);
    // Its mounts end with it.
    let steps = "mount -t proc proc \"$1/proc\"; export DEBIAN_FRONTEND=noninteractive; \
         chroot \"$1\" apt-get -q update; \
         chroot \"$1\" apt-get -qy --no-install-recommends install mariadb-server; \
         chroot \"$1\" apt-get clean";
    tool("unshare", &["--mount", "sh", "-ec", steps, "sh", &shown]);
    std::fs::remove_file(&policy).expect("policy-rc.d");
}

/// Where this machine takes its own packages from.
fn mirror() -> String {
    let listed = tool(
        "apt-get",
        &[
            "indextargets",
            "--format",
            "$(SITE) $(RELEASE)",
            "Created-By: Packages",
        ],
    );
    let ours = listed.lines().find_map(|line| {
        let (site, release) = line.split_once(' ')?;
        (release.starts_with("bookworm") && site.contains("/debian")).then(|| site.to_owned())
    });
    ours.unwrap_or_else(|| "http://deb.debian.org/debian".to_owned())
}
