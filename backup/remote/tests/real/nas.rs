//! A NAS: OpenSSH's server with its own configuration, keys and users, in a mount namespace of its own. What it mounts
//! and who its users are ends with it.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use remote::{Login, Patience, Place, SftpUrl};
use rustix::process::{Pid, Signal, kill_process};

pub(crate) const PASSWORD: &str = "portes ouvertes";
/// Of that password.
const HASH: &str = "$6$reprise$2kr2bwiKWC10GrDweTqPagEcQFedDNSv.01KrdrsOlmxob/P9uqhSlm16/ew7uGd4454YdCMltO/KJu/Fg63C1";
const USER: u32 = 4242;
/// Whatever is waited for comes sooner than this, or never.
const DEADLINE: Duration = Duration::from_secs(120);

/// What it is like.
#[derive(Clone, Default)]
pub(crate) struct Kind {
    /// Users see the disks as `/`. They are bound to a folder whose parents nobody else may write to: the server insists.
    pub(crate) is_chrooted: bool,
    /// `internal-sftp`'s options, or `sftp-server` for the program of that name.
    pub(crate) sftp: Option<&'static str>,
    /// More lines for its configuration.
    pub(crate) lines: &'static str,
    /// Run before it starts, in the folder of its disks.
    pub(crate) mounts: &'static str,
}

pub(crate) struct Nas {
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
    kind: Kind,
    server: Child,
}

pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < DEADLINE, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

impl Nas {
    pub(crate) fn start(kind: Kind) -> Nas {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let folder = std::env::temp_dir().join(format!(
            "reprise-nas-{}-{}",
            std::process::id(),
            MADE.fetch_add(1, Ordering::Relaxed)
        ));
        let disks = folder.join("disks");
        fs::create_dir_all(disks.join("volume1")).unwrap();
        // The server refuses a chroot that others may write to.
        for path in [&folder, &disks] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        std::os::unix::fs::chown(disks.join("volume1"), Some(USER), Some(USER)).unwrap();
        for name in ["host", "other_host", "key", "wrong_key"] {
            run(Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(folder.join(name)));
        }
        fs::write(folder.join("password"), format!("{PASSWORD}\n")).unwrap();
        fs::write(folder.join("wrong_password"), "portes fermées\n").unwrap();
        fs::copy(folder.join("key.pub"), folder.join("authorized_keys")).unwrap();
        let with = |file: &str, line: String| {
            let before = fs::read_to_string(Path::new("/etc").join(file)).unwrap();
            fs::write(
                folder.join(file),
                format!("{}\n{line}\n", before.trim_end()),
            )
            .unwrap();
        };
        with("passwd", format!("nas:x:{USER}:{USER}::/:/bin/sh"));
        with("shadow", format!("nas:{HASH}:19000:0:99999:7:::"));
        // Only asked while nobody else has it: another process may take it before the server does, and is then seen.
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let server = spawn(&folder, port, &kind, "host");
        let nas = Nas {
            folder,
            port,
            kind,
            server,
        };
        nas.wait();
        nas
    }

    fn wait(&self) {
        until("the server listens", || {
            let address = SocketAddr::from(([127, 0, 0, 1], self.port));
            TcpStream::connect(address).is_ok()
        });
    }

    /// Ends the server with all its sessions.
    pub(crate) fn stop(&mut self) {
        self.kill_sessions();
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    pub(crate) fn start_again(&mut self, host_key: &str) {
        self.server = spawn(&self.folder, self.port, &self.kind, host_key);
        self.wait();
    }

    /// The processes of its sessions, the oldest first.
    fn sessions(&self) -> Vec<Pid> {
        let mut all = vec![self.server.id()];
        let mut at = 0;
        while at < all.len() {
            let children = format!("/proc/{0}/task/{0}/children", all[at]);
            let text = fs::read_to_string(children).unwrap_or_default();
            all.extend(
                text.split_whitespace()
                    .map(|pid| pid.parse::<u32>().unwrap()),
            );
            at += 1;
        }
        let pids = all[1..].iter();
        pids.filter_map(|pid| Pid::from_raw(*pid as i32)).collect()
    }

    fn signal(&self, signal: Signal) -> usize {
        let sessions = self.sessions();
        // One that ended meanwhile needs none.
        let sent = |pid: &&Pid| kill_process(**pid, signal).is_ok();
        sessions.iter().filter(sent).count()
    }

    /// How many processes were there.
    pub(crate) fn kill_sessions(&self) -> usize {
        self.signal(Signal::KILL)
    }

    pub(crate) fn stop_sessions(&self) {
        assert!(self.signal(Signal::STOP) > 0, "no session to stop");
    }

    pub(crate) fn wake_sessions(&self) {
        self.signal(Signal::CONT);
    }

    /// It accepts connections still (the kernel does) and says nothing any more.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
        let server = Pid::from_raw(self.server.id() as i32).unwrap();
        kill_process(server, Signal::STOP).unwrap();
    }

    /// How often something was said in its log.
    pub(crate) fn said(&self, what: &str) -> usize {
        let log = fs::read_to_string(self.folder.join("log")).unwrap();
        log.lines().filter(|line| line.contains(what)).count()
    }

    pub(crate) fn fingerprint(&self, key: &str) -> String {
        let output = Command::new("ssh-keygen")
            .arg("-lf")
            .arg(self.folder.join(format!("{key}.pub")))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.split(' ').nth(1).unwrap().to_owned()
    }

    /// Where its disks are on this machine.
    pub(crate) fn disk(&self) -> PathBuf {
        self.folder.join("disks")
    }

    /// A place on it for whoever trusts this host key, with the right SSH key; `path` below its disks.
    pub(crate) fn place(&self, path: &str) -> Place {
        let path = match self.kind.is_chrooted {
            true => format!("/{path}"),
            false => format!("{}/{path}", self.disk().display()),
        };
        let url = format!("sftp://nas@127.0.0.1:{}{path}", self.port);
        Place {
            url: SftpUrl::parse(&url).unwrap(),
            login: Login::Key(self.folder.join("key")),
            known_hosts: self.folder.join("known_hosts"),
            host_key: Some(self.fingerprint("host")),
            patience: Patience::default(),
        }
    }
}

impl Drop for Nas {
    fn drop(&mut self) {
        self.kill_sessions();
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn spawn(folder: &Path, port: u16, kind: &Kind, host_key: &str) -> Child {
    let at = |name: &str| folder.join(name).display().to_string();
    let sftp = match kind.sftp {
        Some("sftp-server") => "/usr/lib/openssh/sftp-server".to_owned(),
        options => format!("internal-sftp {}", options.unwrap_or_default()),
    };
    let chroot = match kind.is_chrooted {
        true => "ChrootDirectory /mnt".to_owned(),
        false => String::new(),
    };
    let text = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nPidFile none\nAuthorizedKeysFile {}\nStrictModes no\n\
         {}UseDNS no\nLogLevel VERBOSE\nMaxStartups 100\nSubsystem sftp {sftp}\nForceCommand {sftp}\n{chroot}\n{}\n",
        at(host_key),
        at("authorized_keys"),
        // The first line of a kind counts.
        if kind.lines.contains("UsePAM") {
            ""
        } else {
            "UsePAM no\n"
        },
        kind.lines
    );
    fs::write(at("config"), text).unwrap();
    let script = format!(
        "set -e; mount --bind {} /etc/passwd; mount --bind {} /etc/shadow; mount -t tmpfs none /run; \
         mkdir -m 755 /run/sshd; mount --bind {} /mnt; cd {}; {}\nexec /usr/sbin/sshd -D -e -f {}",
        at("passwd"),
        at("shadow"),
        at("disks"),
        at("disks"),
        kind.mounts,
        at("config")
    );
    let log = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(at("log"))
        .unwrap();
    Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", &script])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}
