//! Servers of the test's own: new data in a temporary folder, on a Unix socket (and, where a test asks, a TLS port of
//! loopback), ended by their id and removed.

use databases::{Engine, Source, Tools};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub(crate) const PASSWORD: &str = "p a\"s's\\w#or:d";

pub(crate) struct Server {
    pub(crate) engine: Engine,
    pub(crate) folder: PathBuf,
    /// PostgreSQL's socket is named by it too.
    pub(crate) port: u16,
    child: Child,
}

/// A TLS port of loopback: its number, certificate and key (PEM).
pub(crate) type Port<'a> = (u16, &'a str, &'a str);

static NUMBER: AtomicU32 = AtomicU32::new(0);

fn folder(engine: &str) -> PathBuf {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("reprise-db-{engine}-{}-{number}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(folder.join("scratch")).unwrap();
    folder
}

impl Server {
    pub(crate) fn start(engine: Engine) -> Server {
        match engine {
            Engine::MariaDb => Server::mariadb_with("--event-scheduler=OFF"),
            Engine::PostgreSql => Server::postgres(None),
        }
    }

    pub(crate) fn mariadb_with(option: &str) -> Server {
        Server::mariadb(option, None)
    }

    pub(crate) fn mariadb(option: &str, tls: Option<Port<'_>>) -> Server {
        let folder = folder("m");
        let user = match rustix::process::geteuid().is_root() {
            true => "--user=root",
            false => "--skip-test-db",
        };
        // Servers that start side by side take each other's temporary tables for their own.
        let own = format!("--tmpdir={}", folder.join("tmp").display());
        std::fs::create_dir(folder.join("tmp")).unwrap();
        let made = Command::new("mariadb-install-db")
            .args([
                "--no-defaults",
                user,
                "--auth-root-authentication-method=normal",
            ])
            .args(["--skip-name-resolve", "--innodb-flush-method=fsync", &own])
            .arg(format!("--datadir={}", folder.join("data").display()))
            .output()
            .unwrap_or_else(|e| {
                let _ = std::fs::remove_dir_all(&folder);
                panic!("mariadb-install-db: {e}; apt-get install mariadb-server")
            });
        if !made.status.success() {
            let _ = std::fs::remove_dir_all(&folder);
            panic!("{made:?}");
        }
        let mut command = Command::new("/usr/sbin/mariadbd");
        command
            .arg("--no-defaults")
            .arg(format!("--datadir={}", folder.join("data").display()))
            .arg(format!("--socket={}", folder.join("s").display()))
            .arg(format!("--pid-file={}", folder.join("pid").display()))
            .args(["--skip-log-bin", "--innodb-flush-log-at-trx-commit=0"])
            .args([
                "--innodb-buffer-pool-size=64M",
                "--max-allowed-packet=64M",
                option,
            ]);
        match tls {
            None => {
                command.arg("--skip-networking");
            }
            Some(tls) => {
                certify(&folder, tls, None);
                command
                    .args(["--bind-address=127.0.0.1", &format!("--port={}", tls.0)])
                    .arg(format!("--ssl-cert={}", folder.join("tls.pem").display()))
                    .arg(format!("--ssl-key={}", folder.join("tls.key").display()));
            }
        }
        if rustix::process::geteuid().is_root() {
            command.arg("--user=root");
        }
        let server = Server {
            engine: Engine::MariaDb,
            port: tls.map_or(0, |tls| tls.0),
            child: spawn(command),
            folder,
        };
        server.wait("SELECT 1");
        server.admin(&format!(
            "CREATE USER erp@localhost IDENTIFIED BY {0}; GRANT ALL ON *.* TO erp@localhost",
            format_args!("'{}'", PASSWORD.replace('\\', "\\\\").replace('\'', "''"))
        ));
        server
    }

    pub(crate) fn postgres(tls: Option<Port<'_>>) -> Server {
        let folder = folder("p");
        let account = account();
        if let Some((user, group)) = account {
            std::os::unix::fs::chown(&folder, Some(user), Some(group)).unwrap();
        }
        let program = |name: &str| {
            let mut command = Command::new(programs().join(name));
            command.current_dir(&folder).env_clear();
            if let Some((user, group)) = account {
                command.uid(user).gid(group);
            }
            command
        };
        std::fs::write(folder.join("first"), "first").unwrap();
        let made = program("initdb")
            .args([
                "--username=admin",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ])
            .arg("--pgdata=data")
            .output();
        if !made.as_ref().is_ok_and(|made| made.status.success()) {
            let _ = std::fs::remove_dir_all(&folder);
            panic!("{made:?}");
        }
        // The admin of the test needs no password, the user of the dump does.
        std::fs::write(
            folder.join("data/pg_hba.conf"),
            "local all admin trust\nlocal all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256\n",
        )
        .unwrap();
        let mut command = program("postgres");
        match tls {
            None => {
                command.args(["-c", "listen_addresses="]);
            }
            Some(tls) => {
                certify(&folder, tls, account);
                let place = |name: &str| folder.join(name).display().to_string();
                command
                    .args(["-c", "listen_addresses=127.0.0.1", "-c", "ssl=on"])
                    .args(["-c", &format!("port={}", tls.0)])
                    .args(["-c", &format!("ssl_cert_file={}", place("tls.pem"))])
                    .args(["-c", &format!("ssl_key_file={}", place("tls.key"))]);
            }
        }
        command
            .args(["-D", "data", "-c", "fsync=off"])
            .args(["-c", "shared_buffers=32MB", "-c"])
            .arg(format!("unix_socket_directories={}", folder.display()));
        let server = Server {
            engine: Engine::PostgreSql,
            port: tls.map_or(5432, |tls| tls.0),
            child: spawn(command),
            folder: folder.clone(),
        };
        server.wait("SELECT 1");
        let password = PASSWORD.replace('\'', "''");
        server.admin(&format!(
            "CREATE ROLE erp LOGIN SUPERUSER PASSWORD '{password}'"
        ));
        server
    }

    fn wait(&self, query: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let output = self.client(self.everything(), query.as_bytes());
            if output.status.success() {
                return;
            }
            assert!(Instant::now() < deadline, "{output:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn everything(&self) -> &'static str {
        match self.engine {
            Engine::MariaDb => "mysql",
            Engine::PostgreSql => "postgres",
        }
    }

    /// The standard client, as an admin of the server.
    pub(crate) fn client(&self, database: &str, input: &[u8]) -> std::process::Output {
        let mut child = self
            .command(database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            // A client that stops at an error does not read the rest.
            scope.spawn(move || drop(stdin.write_all(input)));
            child.wait_with_output().unwrap()
        })
    }

    pub(crate) fn command(&self, database: &str) -> Command {
        match self.engine {
            Engine::MariaDb => {
                let mut command = Command::new("mariadb");
                command
                    .args([
                        "--no-defaults",
                        "--user=root",
                        "--batch",
                        "--skip-column-names",
                    ])
                    .args([
                        "--default-character-set=utf8mb4",
                        "--max-allowed-packet=64M",
                    ])
                    .arg(format!("--socket={}", self.folder.join("s").display()))
                    .args(["--", database]);
                command
            }
            Engine::PostgreSql => {
                let mut command = Command::new(programs().join("psql"));
                command
                    .args([
                        "-X",
                        "-q",
                        "-A",
                        "-t",
                        "-v",
                        "ON_ERROR_STOP=1",
                        "--username=admin",
                    ])
                    .arg(format!("--host={}", self.folder.display()))
                    .arg(format!("--port={}", self.port))
                    .args(["--dbname", database]);
                command
            }
        }
    }

    /// Runs statements on the server itself.
    pub(crate) fn admin(&self, sql: &str) -> String {
        self.sql(self.everything(), sql)
    }

    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        let output = self.client(database, sql.as_bytes());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql:.300}: {said}");
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()
    }

    pub(crate) fn source(&self, database: &str) -> Source {
        let (scheme, socket) = match self.engine {
            Engine::MariaDb => ("mariadb", self.folder.join("s")),
            Engine::PostgreSql => ("postgresql", self.folder.clone()),
        };
        let url = format!(
            "{scheme}://erp@localhost/{database}?socket={}",
            socket.display()
        );
        let password_file = self.folder.join("password");
        std::fs::write(&password_file, format!("{PASSWORD}\n")).unwrap();
        Source {
            url: config::DatabaseUrl::parse(&url).unwrap(),
            password_file: Some(password_file),
            password: None,
            scratch: self.folder.join("scratch"),
            tools: Tools::find(self.engine).unwrap(),
        }
    }

    /// No login lies about.
    pub(crate) fn assert_no_login(&self) {
        let left: Vec<_> = std::fs::read_dir(self.folder.join("scratch"))
            .unwrap()
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// Writes certificate and key, for this account only: PostgreSQL takes no other.
fn certify(folder: &Path, (_, certificate, key): Port<'_>, account: Option<(u32, u32)>) {
    use std::os::unix::fs::PermissionsExt;
    for (name, text) in [("tls.pem", certificate), ("tls.key", key)] {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        if let Some((user, group)) = account {
            std::os::unix::fs::chown(&path, Some(user), Some(group)).unwrap();
        }
    }
}

fn spawn(mut command: Command) -> Child {
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(id) = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
        {
            // PostgreSQL's children go with it on QUIT; MariaDB has none.
            let signal = match self.engine {
                Engine::MariaDb => rustix::process::Signal::KILL,
                Engine::PostgreSql => rustix::process::Signal::QUIT,
            };
            let _ = rustix::process::kill_process(id, signal);
        }
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The newest PostgreSQL that Debian installed.
pub(crate) fn programs() -> PathBuf {
    let versions = Path::new("/usr/lib/postgresql");
    let entries = std::fs::read_dir(versions).into_iter().flatten().flatten();
    let newest = entries
        .filter_map(|e| e.file_name().to_string_lossy().parse::<u32>().ok())
        .max();
    let newest = newest.unwrap_or_else(|| panic!("apt-get install postgresql"));
    versions.join(newest.to_string()).join("bin")
}

/// PostgreSQL refuses to run as root.
fn account() -> Option<(u32, u32)> {
    rustix::process::geteuid()
        .is_root()
        .then_some((65534, 65534))
}
