//! How a client is told the password: by a file of its own in a private folder, never on a command line or in the
//! environment, which others may read. It lies there until the client has logged in.

use crate::{Error, Source};
use config::{DatabaseKind, DatabaseServer};
use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the folders begin with; the id of the process that made it follows.
const PREFIX: &str = "reprise-login-";
/// Longer than any password that a server takes.
const MOST_BYTES: u64 = 4096;
/// Seconds until a server that does not answer is given up.
const CONNECT_S: u32 = 20;

pub(crate) struct Login {
    folder: PathBuf,
}

impl Login {
    /// Tells `command` how to reach the source's server and log in there.
    pub(crate) fn tell(source: &Source, command: &mut Command) -> Result<Login, Error> {
        let password = password(source)?;
        let failed = |error: io::Error| Error::Login {
            database: source.url.to_string(),
            folder: source.scratch.display().to_string(),
            source: error,
        };
        sweep(&source.scratch);
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random)
            .map_err(|error| failed(io::Error::other(error.to_string())))?;
        let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{PREFIX}{}-{random}", std::process::id());
        let login = Login {
            folder: source.scratch.join(name),
        };
        DirBuilder::new()
            .mode(0o700)
            .create(&login.folder)
            .map_err(failed)?;
        let path = login.folder.join("login");
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        let text = match source.url.kind {
            DatabaseKind::MariaDb => options(source, &password),
            DatabaseKind::PostgreSql => format!("*:*:*:*:{}\n", pgpass(&password)),
        };
        file.write_all(text.as_bytes()).map_err(failed)?;
        command
            .env_clear()
            .env("LC_ALL", "C.UTF-8")
            .env("PATH", "/usr/bin:/bin");
        match source.url.kind {
            // First of all arguments, or the client reads the files of the system and of the user too.
            DatabaseKind::MariaDb => {
                command.arg(format!("--defaults-file={}", path.display()));
            }
            DatabaseKind::PostgreSql => {
                command
                    .env("PGPASSFILE", &path)
                    .env("PGCONNECT_TIMEOUT", CONNECT_S.to_string())
                    .env("PGAPPNAME", "reprise")
                    .env("HOME", &login.folder);
                let (host, port) = match &source.url.server {
                    DatabaseServer::Host { host, port, ca } => {
                        if let Some(ca) = ca {
                            command
                                .env("PGSSLMODE", "verify-full")
                                .env("PGSSLROOTCERT", ca);
                        }
                        (host.clone(), *port)
                    }
                    DatabaseServer::Socket { path, port } => (path.display().to_string(), *port),
                };
                command
                    .arg(format!("--host={host}"))
                    .arg(format!("--port={port}"))
                    .arg(format!("--username={}", source.url.user))
                    .arg("--no-password");
            }
        }
        Ok(login)
    }
}

impl Login {
    /// Makes it readable to the account that the client runs as, and to nobody else.
    pub(crate) fn give(&self, account: Option<(u32, u32)>) -> Result<(), Error> {
        let Some((user, group)) = account else {
            return Ok(());
        };
        for path in [self.folder.join("login"), self.folder.clone()] {
            let given = std::os::unix::fs::chown(&path, Some(user), Some(group));
            given.map_err(|source| Error::Login {
                database: format!("account {user}"),
                folder: self.folder.display().to_string(),
                source,
            })?;
        }
        Ok(())
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn password(source: &Source) -> Result<String, Error> {
    let Some(file) = &source.password_file else {
        return Ok(source.password.clone().unwrap_or_default());
    };
    let read = || {
        use std::io::Read;
        let mut text = String::new();
        let file = std::fs::File::open(file)?;
        file.take(MOST_BYTES).read_to_string(&mut text)?;
        match text.lines().next().unwrap_or_default() {
            "" => Err(io::Error::other("its first line is empty")),
            line if line.contains('\0') => Err(io::Error::other("its first line is no text")),
            line => Ok(line.to_owned()),
        }
    };
    read().map_err(|error| Error::Password {
        database: source.url.to_string(),
        file: file.display().to_string(),
        source: error,
    })
}

/// An option file of MariaDB and MySQL.
fn options(source: &Source, password: &str) -> String {
    let mut text = format!(
        "[client]\nuser={}\ndefault-character-set=utf8mb4\n",
        quoted(&source.url.user)
    );
    if !password.is_empty() {
        text.push_str(&format!("password={}\n", quoted(password)));
    }
    match &source.url.server {
        DatabaseServer::Host { host, port, ca } => {
            text.push_str(&format!(
                "host={}\nport={port}\nprotocol=tcp\n",
                quoted(host)
            ));
            if let Some(ca) = ca {
                // Without the second line the client encrypts and asks nobody who is at the other end.
                let ca = quoted(&ca.display().to_string());
                text.push_str(&format!("ssl-ca={ca}\nssl-verify-server-cert\n"));
            }
        }
        DatabaseServer::Socket { path, .. } => {
            let path = quoted(&path.display().to_string());
            text.push_str(&format!("socket={path}\nprotocol=socket\n"));
        }
    }
    text.push_str(&format!("[mysql]\nconnect-timeout={CONNECT_S}\n"));
    text
}

/// As an option file wants it: in quotes, or `#` begins a comment and spaces are lost.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '\\' | '"' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A field of a password file of PostgreSQL.
fn pgpass(password: &str) -> String {
    password.replace('\\', "\\\\").replace(':', "\\:")
}

/// What a process that was killed left behind.
fn sweep(scratch: &Path) {
    for entry in std::fs::read_dir(scratch).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let pid = pid.and_then(|rest| rest.split('-').next());
        let pid = pid.and_then(|pid| pid.parse::<i32>().ok());
        let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) else {
            continue;
        };
        if rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_keep_every_character() {
        for (password, option, field) in [
            ("simple", "\"simple\"", "simple"),
            ("a b#c", "\"a b#c\"", "a b#c"),
            ("q\"u'o\\te:", "\"q\\\"u'o\\\\te:\"", "q\"u'o\\\\te\\:"),
        ] {
            assert_eq!(quoted(password), option);
            assert_eq!(pgpass(password), field);
        }
    }
}
