//! The walls around a throw-away server and its clients: what a dump says is hostile until it is proven.
//!
//! Everything runs in namespaces of its own (network, processes, mounts): no network but a loopback that is down, no
//! file of the machine but programs and `/etc`, the one folder it works in as `/tmp/db`. As root it becomes `nobody`.
//! Where the rights for that are missing, the account and the server's own limits are what is left; [`Walls::network`]
//! says so.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// `nobody` on Debian: never the account of an installed server, whose own data a hostile dump must not reach.
const NOBODY: &str = "65534";

/// The folder as it is seen from inside.
const INSIDE: &str = "/tmp/db";

/// `$1` is the folder, then what must not be seen, `--`, and the program. Entered before anything hides it, the folder is
/// still `.` afterwards.
const BUILD: &str = r#"
cd "$1"; shift
mount -n -t tmpfs -o size=1m,mode=755 tmpfs /tmp
mkdir /tmp/db
mount -n -c --bind . /tmp/db
hide() { if [ -d "$1" ]; then mount -n -t tmpfs -o size=64k,mode=755,ro tmpfs "$1"; fi; }
for folder in /var /run /home /root /srv /mnt /media /opt /boot /dev/shm; do hide "$folder"; done
while [ "$1" != -- ]; do hide "$1"; shift; done
shift
cd /tmp/db
"#;

/// Without namespaces: the folder stays where it is.
const STAY: &str = r#"
cd "$1"; shift
while [ "$1" != -- ]; do shift; done
shift
"#;

/// A client: its input is what it works on; it ends when that ends.
const CLIENT: &str = r#"
echo 1000 > /proc/self/oom_score_adj || true
exec "$@"
"#;

/// A server: its input is its life line. Each line names a signal for it; when the line is cut (we ended, however), it
/// is killed, and with this shell, the first process of its namespace, everything that it started.
const SERVER: &str = r#"
echo 1000 > /proc/self/oom_score_adj || true
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
( while read -r signal <&3; do kill -"$signal" "$server" || true; done; kill -KILL "$server" || true ) 2>/dev/null &
ended=0
wait "$server" || ended=$?
exit "$ended"
"#;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Walls {
    /// We are root: the program must not be.
    demote: bool,
    spaces: Spaces,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spaces {
    /// Made with our own rights.
    Own,
    /// Inside a user namespace: no rights needed, where the kernel lets everybody.
    User,
    None,
}

/// What a program may use.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// Starts others, writes files.
    Server { memory_bytes: u64 },
    /// Makes a server's files.
    Maker,
    /// Starts nothing and writes no file: what a dump makes it try fails.
    Client,
}

impl Walls {
    /// What this process may build; asked of the system once.
    pub(crate) fn find() -> Walls {
        static FOUND: OnceLock<Walls> = OnceLock::new();
        *FOUND.get_or_init(|| {
            let demote = rustix::process::geteuid().is_root();
            let own = demote.then_some(Spaces::Own);
            let user = (!demote).then_some(Spaces::User);
            let mut wanted = own.into_iter().chain(user);
            let spaces = wanted.find(|spaces| {
                let walls = Walls {
                    demote,
                    spaces: *spaces,
                };
                let folder = std::env::temp_dir();
                let mut command =
                    walls.command(&folder, &[], Purpose::Client, Path::new("/bin/true"));
                let quiet = command
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null());
                quiet.status().is_ok_and(|status| status.success())
            });
            Walls {
                demote,
                spaces: spaces.unwrap_or(Spaces::None),
            }
        })
    }

    /// There is a wall between the program and every network.
    pub(crate) fn network(self) -> bool {
        self.spaces != Spaces::None
    }

    /// The account that must own the folder: user and group.
    pub(crate) fn account(self) -> Option<(u32, u32)> {
        let nobody = NOBODY.parse().ok()?;
        self.demote.then_some((nobody, nobody))
    }

    /// The folder as the program sees it.
    pub(crate) fn inside(self, folder: &Path) -> PathBuf {
        match self.spaces {
            Spaces::Own | Spaces::User => PathBuf::from(INSIDE),
            Spaces::None => folder.to_owned(),
        }
    }

    /// A command that builds the walls around `folder` and becomes `program` in it; its arguments are added to it. What
    /// lies in `hidden` is not seen. The environment is empty.
    pub(crate) fn command(
        self,
        folder: &Path,
        hidden: &[PathBuf],
        purpose: Purpose,
        program: &Path,
    ) -> Command {
        let mut words: Vec<OsString> = Vec::new();
        let mut say = |list: &[&str]| words.extend(list.iter().map(OsString::from));
        match self.spaces {
            Spaces::Own => say(&["unshare"]),
            Spaces::User => say(&["unshare", "--user", "--map-current-user", "--keep-caps"]),
            Spaces::None => {}
        }
        if self.spaces != Spaces::None {
            let spaces = ["--net", "--ipc", "--pid", "--mount", "--fork"];
            say(&spaces);
            say(&["--kill-child=KILL"]);
        }
        let build = match self.spaces {
            Spaces::None => STAY,
            Spaces::Own | Spaces::User => BUILD,
        };
        let then = match purpose {
            Purpose::Server { .. } => SERVER,
            Purpose::Client | Purpose::Maker => CLIENT,
        };
        let script = format!("{build}{then}");
        say(&["sh", "-e", "-c"]);
        words.push(script.into());
        words.push("reprise".into());
        words.push(folder.into());
        words.extend(hidden.iter().map(OsString::from));
        let mut say = |list: &[&str]| words.extend(list.iter().map(OsString::from));
        say(&["--", "nice", "-n", "10", "setpriv", "--no-new-privs"]);
        // Becoming another account takes back what `--kill-child` asked of the kernel.
        say(&["--pdeathsig", "KILL"]);
        if self.demote {
            say(&["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]);
        }
        if self.spaces != Spaces::None {
            say(&["--inh-caps=-all", "--ambient-caps=-all"]);
        }
        if self.demote || self.spaces != Spaces::None {
            say(&["--bounding-set=-all"]);
        }
        // After the account was changed: a limit of no processes stops the change itself.
        say(&["prlimit", "--core=0:0"]);
        match purpose {
            Purpose::Server { memory_bytes } => {
                say(&[&format!("--as={memory_bytes}:{memory_bytes}")])
            }
            Purpose::Client => say(&["--nproc=0:0", "--fsize=0:0"]),
            Purpose::Maker => {}
        }
        say(&["--"]);
        words.push(program.into());
        let mut words = words.into_iter();
        let mut command = Command::new(words.next().unwrap_or_default());
        command
            .args(words)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .env("HOME", "/nonexistent")
            .env("TMPDIR", self.inside(folder).join("tmp"));
        command
    }

    /// A command for a client that must reach a real server, so there is no wall between it and networks or files. What
    /// it is fed makes it start no program and write no file all the same; as root it becomes `nobody`. It ends with
    /// the thread that started it.
    pub(crate) fn tied(self, program: &Path) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--no-new-privs", "--pdeathsig", "KILL"]);
        if self.demote {
            command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]);
            command.args(["--inh-caps=-all", "--bounding-set=-all"]);
        }
        // After the account was changed: a limit of no processes stops the change itself.
        command.args(["prlimit", "--core=0:0", "--nproc=0:0", "--fsize=0:0", "--"]);
        command.arg(program);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(purpose: Purpose, script: &str) -> String {
        let name = format!(
            "reprise-walls-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        );
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).expect("a folder");
        let walls = Walls::find();
        if let Some((user, group)) = walls.account() {
            std::os::unix::fs::chown(&folder, Some(user), Some(group)).expect("given away");
        }
        let mut command = walls.command(&folder, &[], purpose, Path::new("/bin/sh"));
        let ran = command.args(["-c", script]).stdin(Stdio::null()).output();
        let ran = ran.expect("it starts");
        std::fs::remove_dir_all(&folder).expect("clean");
        String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned()
    }

    #[test]
    fn inside_there_is_no_network_no_right_and_no_foreign_file() {
        assert!(
            Walls::find().network(),
            "this machine gives no namespaces: run as root, or allow user namespaces"
        );
        let seen = output(
            Purpose::Maker,
            "grep -c : /proc/net/dev; ls /var /root /home | wc -l; grep CapEff /proc/self/status; id -u; \
             touch own && echo written; touch /tmp/foreign || true; touch /dev/shm/foreign || true",
        );
        let lines: Vec<&str> = seen.lines().collect();
        assert_eq!(lines.first().map(|l| l.trim()), Some("1"), "{seen}");
        assert!(seen.contains("CapEff:\t0000000000000000"), "{seen}");
        assert!(seen.contains("written"), "{seen}");
        assert!(!seen.lines().any(|line| line == "0"), "root: {seen}");
        assert!(!Path::new("/dev/shm/foreign").exists());
    }

    #[test]
    fn a_client_starts_nothing_and_writes_nothing() {
        let seen = output(Purpose::Client, "echo before; /bin/true; echo after");
        assert!(seen.contains("before") && !seen.contains("after"), "{seen}");
        let seen = output(
            Purpose::Client,
            "echo much > file; read -r much < file && echo got",
        );
        assert!(!seen.contains("got"), "{seen}");
    }

    #[test]
    fn a_client_of_a_real_server_starts_nothing_writes_nothing_and_is_not_root() {
        let script = "echo before; echo much > /dev/shm/reprise-tied; /bin/true; echo after";
        let mut command = Walls::find().tied(Path::new("/bin/sh"));
        let ran = command.args(["-c", script]).stdin(Stdio::null()).output();
        let ran = ran.expect("it starts");
        let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
        let written = std::fs::metadata("/dev/shm/reprise-tied").map_or(0, |file| file.len());
        let _ = std::fs::remove_file("/dev/shm/reprise-tied");
        assert!(said.contains("before") && !said.contains("after"), "{said}");
        assert_eq!(written, 0, "{said}");
        let mut command = Walls::find().tied(Path::new("/usr/bin/id"));
        let ran = command.arg("-u").stdin(Stdio::null()).output();
        let ran = ran.expect("it starts");
        assert_ne!(String::from_utf8_lossy(&ran.stdout).trim(), "0");
    }
}
