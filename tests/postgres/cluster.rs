//! A PostgreSQL of the test's own: a new cluster in a temporary folder, on a Unix socket only,
//! without a password, stopped and removed at the end.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct Cluster {
    folder: PathBuf,
    server: Child,
}

impl Cluster {
    pub(crate) fn start() -> Cluster {
        let folder = std::env::temp_dir().join(format!("reprise-pg-{}", state::id::new()));
        std::fs::create_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let account = account();
        if let Some((user, group)) = account {
            std::os::unix::fs::chown(&folder, Some(user), Some(group))
                .unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        }
        let program = |name: &str| {
            let mut command = Command::new(programs().join(name));
            command.current_dir(&folder).env_clear();
            if let Some((user, group)) = account {
                command.uid(user).gid(group);
            }
            command
        };
        let made = program("initdb")
            .args(["--username=reprise", "--auth=trust", "--encoding=UTF8"])
            .args(["--locale=C", "--no-sync", "--pgdata=data"])
            .output();
        match made {
            Ok(output) if output.status.success() => {}
            Ok(output) => {
                remove(&folder);
                panic!("initdb: {}", String::from_utf8_lossy(&output.stderr));
            }
            Err(error) => {
                remove(&folder);
                panic!("initdb: {error}");
            }
        }
        let server = program("postgres")
            .args(["-D", "data", "-c", "listen_addresses="])
            .args(["-c", "fsync=off", "-c", "shared_buffers=16MB"])
            .arg("-c")
            .arg(format!("unix_socket_directories={}", folder.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match server {
            Ok(server) => Cluster { folder, server },
            Err(error) => {
                remove(&folder);
                panic!("postgres: {error}");
            }
        }
    }

    pub(crate) fn url(&self) -> String {
        format!(
            "postgres://reprise@localhost/postgres?host={}",
            self.folder.display()
        )
    }

    /// Opens the state database as the appliance does, as soon as the server answers.
    pub(crate) async fn open(&mut self) -> state::Db {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let error = match state::Db::open(&self.url()).await {
                Ok(db) => return db,
                Err(error) => error,
            };
            if let Ok(Some(status)) = self.server.try_wait() {
                panic!("postgres ended by itself: {status}");
            }
            assert!(Instant::now() < deadline, "{error}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // SIGQUIT is PostgreSQL's immediate shutdown: its own children go with it.
        if let Some(id) = i32::try_from(self.server.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::QUIT);
        }
        let _ = self.server.wait();
        remove(&self.folder);
    }
}

fn remove(folder: &Path) {
    let _ = std::fs::remove_dir_all(folder);
}

/// The newest PostgreSQL that Debian installed.
fn programs() -> PathBuf {
    let versions = Path::new("/usr/lib/postgresql");
    let newest = std::fs::read_dir(versions)
        .ok()
        .into_iter()
        .flatten()
        .flatten()
        .filter(|e| e.path().join("bin/initdb").exists())
        .filter_map(|e| e.file_name().to_string_lossy().parse::<u32>().ok())
        .max();
    match newest {
        Some(version) => versions.join(version.to_string()).join("bin"),
        None => panic!(
            "no PostgreSQL under {}: apt-get install postgresql",
            versions.display()
        ),
    }
}

/// PostgreSQL refuses to run as root: the account that Debian's package made, when we are root.
fn account() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    accounts
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.first() == Some(&"postgres"))
        .and_then(|fields| Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?)))
        .or(Some((65534, 65534)))
}
