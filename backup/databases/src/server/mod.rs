//! A throw-away server: made in a private folder, walled in, without network, ended with the value that holds it, and by
//! the kernel when this process dies.
//!
//! - `programs`: where Debian keeps the servers and clients; `walls`: what stands around them.
//! - `mariadb`, `postgres`: how each is made and asked; `check`: its own words on whether what it holds is sound.

mod check;
mod mariadb;
mod postgres;
mod programs;
pub(crate) mod walls;

use crate::talk::{self, Care, Failed, Stop, Talk};
use crate::{Engine, Source, Tools};
use config::{DatabaseKind, DatabaseServer, DatabaseUrl};
use programs::Programs;
use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};
use walls::{Purpose, Walls};

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(120);
/// How long a server may take to end after its life line was cut.
const END: Duration = Duration::from_secs(10);
const LOGIN: &str = "login";
/// Most of an answer to a question.
const ANSWER: usize = 16 << 20;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("find {program}: it is not on this appliance; install it: apt install {package}")]
    Missing {
        program: &'static str,
        package: &'static str,
    },
    #[error("use the folder {} of a throw-away server: {source}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("start a throw-away {}: {what}", .engine.name())]
    Start { engine: Engine, what: String },
    #[error("{doing}: {stop}")]
    Stopped { doing: String, stop: Stop },
    #[error("{doing}: {source}")]
    Input { doing: String, source: io::Error },
    /// The server's own words, about what was asked.
    #[error("{doing}: {what}")]
    Refused { doing: String, what: String },
}

impl Error {
    /// Somebody stopped it: nothing is wrong.
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Error::Stopped {
                stop: Stop::Cancelled,
                ..
            }
        )
    }

    pub(crate) fn of(doing: impl Into<String>, failed: Failed) -> Error {
        let doing = doing.into();
        match failed {
            Failed::Stopped(stop) => Error::Stopped { doing, stop },
            Failed::Input(source) => Error::Input { doing, source },
            other => Error::Refused {
                doing,
                what: other.to_string(),
            },
        }
    }
}

/// What a throw-away server is made for.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    pub engine: Engine,
    /// Exists and is empty; the server's alone. What lies in it is removed by whoever made it.
    pub folder: &'a Path,
    /// The name of the database in it, where it is a name that can be taken.
    pub database: &'a str,
    /// Folders of this machine that nothing in it may see, beside those of its users and of the system.
    pub hidden: &'a [PathBuf],
    /// Most memory that the server may ask for.
    pub memory_bytes: u64,
}

/// An account of a throw-away server; its password is worth nothing anywhere else.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) password: String,
}

impl Account {
    /// A name that a dump cannot guess either: what it defines `DEFINER = …` never runs as this.
    fn make(role: &str) -> Result<Account, Error> {
        let word = word().map_err(|e| Error::of("make an account", Failed::Start(e)))?;
        let (name, password) = word.split_at(16);
        Ok(Account {
            name: format!("{role}_{name}"),
            password: password.to_owned(),
        })
    }
}

/// Who may read an opened database. No `Debug`: it holds the password.
#[derive(Clone)]
pub struct Reader {
    pub user: String,
    pub password: String,
    pub database: String,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Everything; never touches what a dump made.
    Keeper,
    /// Owns the database, and nothing else.
    Loader,
}

/// A running throw-away server with one empty database.
pub struct Server {
    pub(crate) engine: Engine,
    pub(crate) folder: PathBuf,
    made: Making,
    programs: Programs,
    walls: Walls,
    hidden: Vec<PathBuf>,
    child: Child,
    /// Cut, the server ends.
    life: Option<ChildStdin>,
}

impl Server {
    /// Makes the server's files, starts it, makes its accounts and the empty database.
    pub fn start(wanted: &Wanted<'_>, care: &Care<'_>) -> Result<Server, Error> {
        let engine = wanted.engine;
        let programs = Programs::find(engine)?;
        let walls = Walls::find();
        let folder = wanted.folder.to_owned();
        let failed = |source| Error::Folder {
            path: folder.clone(),
            source,
        };
        for below in ["tmp", "nothing"] {
            let below = folder.join(below);
            DirBuilder::new()
                .mode(0o700)
                .create(&below)
                .map_err(failed)?;
            give(walls, &below).map_err(failed)?;
        }
        // Ours: clients outside of the walls read their passwords there.
        DirBuilder::new()
            .mode(0o700)
            .create(folder.join(LOGIN))
            .map_err(failed)?;
        give(walls, &folder).map_err(failed)?;
        let made = Making {
            inside: walls.inside(&folder),
            database: name_of(wanted.database),
            accounts: [
                Account::make("keeper")?,
                Account::make("loader")?,
                Account::make("reader")?,
            ],
            memory_bytes: wanted.memory_bytes,
        };
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            private(walls, &path, text).map_err(failed)
        };
        let (arguments, serve) = match engine {
            Engine::MariaDb => {
                write(mariadb::FIRST, &mariadb::first(&made))?;
                (mariadb::make(&made), mariadb::serve(&made))
            }
            Engine::PostgreSql => {
                write(postgres::PASSWORD, &made.keeper().password)?;
                (postgres::make(&made), postgres::serve(&made))
            }
        };
        let mut command = walls.command(&folder, wanted.hidden, Purpose::Maker, &programs.make);
        command.args(arguments);
        let doing = format!("make the files of a throw-away {}", engine.name());
        let once = Care {
            most: START,
            ..*care
        };
        let talk = talk::talk(&mut command, &mut io::empty(), ANSWER, &once)
            .map_err(|e| Error::of(doing.clone(), e))?;
        if !talk.status.success() {
            let out = String::from_utf8_lossy(&talk.out).into_owned();
            return Err(Error::Refused {
                doing,
                what: last_lines(&format!("{out}\n{}", talk.said)),
            });
        }
        let purpose = Purpose::Server {
            memory_bytes: wanted.memory_bytes.saturating_mul(4).max(4 << 30),
        };
        let mut command = walls.command(&folder, wanted.hidden, purpose, &programs.serve);
        let log = File::create(folder.join("log")).map_err(failed)?;
        let spawned = command
            .args(serve)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let mut child = spawned.map_err(|source| Error::Start {
            engine,
            what: source.to_string(),
        })?;
        let life = child.stdin.take();
        let mut server = Server {
            engine,
            made,
            folder,
            programs,
            walls,
            hidden: wanted.hidden.to_owned(),
            child,
            life,
        };
        server.wait(care)?;
        server.furnish(care)?;
        Ok(server)
    }

    /// Its database, as who owns that and nothing else: to be counted as the one that was saved.
    pub fn source(&self) -> Result<Source, crate::Error> {
        let (kind, path) = match self.engine {
            Engine::MariaDb => (DatabaseKind::MariaDb, self.socket()),
            Engine::PostgreSql => (DatabaseKind::PostgreSql, self.folder.clone()),
        };
        let loader = self.made.loader();
        Ok(Source {
            url: DatabaseUrl {
                kind,
                user: loader.name.clone(),
                server: DatabaseServer::Socket { path, port: 5432 },
                name: self.made.database.clone(),
            },
            password_file: None,
            password: Some(loader.password.clone()),
            scratch: self.folder.join(LOGIN),
            tools: Tools::find(self.engine)?,
        })
    }

    /// Lets people read what was loaded, and nobody write any more. Gives the account that may.
    pub fn open(&self, care: &Care<'_>) -> Result<Reader, Error> {
        let doing = format!("open a {} read-only", self.engine.name());
        match self.engine {
            Engine::MariaDb => self.must(&doing, &mariadb::open(&self.made), true, care)?,
            Engine::PostgreSql => {
                // By the owner: what a dump made is never touched by the first account.
                self.ask(postgres::GRANT, care)?;
                self.must(&doing, &postgres::open(&self.made), false, care)?;
            }
        }
        let reader = self.made.reader();
        Ok(Reader {
            user: reader.name.clone(),
            password: reader.password.clone(),
            database: self.made.database.clone(),
        })
    }

    /// Whether there is a wall between it and every network.
    pub fn is_walled(&self) -> bool {
        self.walls.network()
    }

    /// Its Unix socket, for a door to it.
    pub fn socket(&self) -> PathBuf {
        self.folder.join(match self.engine {
            Engine::MariaDb => mariadb::SOCKET,
            Engine::PostgreSql => postgres::SOCKET,
        })
    }

    /// The process that ends with it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// As it says it: `10.11.6-MariaDB-0+deb12u1`, `15.8 (Debian …)`.
    pub fn version(&self, care: &Care<'_>) -> Result<String, Error> {
        let sql = match self.engine {
            Engine::MariaDb => "SELECT VERSION()",
            Engine::PostgreSql => "SHOW server_version",
        };
        let rows = self.ask(sql, care)?;
        Ok(rows.lines().next().unwrap_or_default().to_owned())
    }

    /// Until it answers.
    fn wait(&mut self, care: &Care<'_>) -> Result<(), Error> {
        let began = Instant::now();
        loop {
            let asked = self.run(Role::Keeper, false, &mut "SELECT 1;\n".as_bytes(), care);
            match asked {
                Ok(talk) if talk.status.success() => return Ok(()),
                Ok(_) => {}
                Err(error) => {
                    return Err(Error::of(
                        format!("start a throw-away {}", self.engine.name()),
                        error,
                    ));
                }
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                return Err(Error::Start {
                    engine: self.engine,
                    what: format!("it ended at once ({status}): {}", last_lines(&log)),
                });
            }
            if began.elapsed() > START {
                return Err(Error::Start {
                    engine: self.engine,
                    what: format!(
                        "it does not answer after {} s; try again when this box has less to do",
                        START.as_secs()
                    ),
                });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The accounts and the database, while nothing hostile is there yet.
    fn furnish(&self, care: &Care<'_>) -> Result<(), Error> {
        let made = &self.made;
        match self.engine {
            Engine::MariaDb => {
                let first = self.folder.join(mariadb::FIRST);
                std::fs::remove_file(&first).map_err(|source| Error::Folder {
                    path: first,
                    source,
                })
            }
            Engine::PostgreSql => {
                let roles = postgres::roles(made);
                self.must(
                    "make the accounts of a throw-away PostgreSQL",
                    &roles,
                    false,
                    care,
                )?;
                let inside = postgres::database(made);
                self.must(
                    "make the database of a throw-away PostgreSQL",
                    &inside,
                    true,
                    care,
                )?;
                // Without what this server lacks, a dump is loaded and compared all the same.
                let checks = postgres::checks(made);
                let _ = self.run(Role::Keeper, true, &mut checks.as_bytes(), care);
                Ok(())
            }
        }
    }

    fn must(&self, doing: &str, sql: &str, within: bool, care: &Care<'_>) -> Result<(), Error> {
        let talk = self.run(Role::Keeper, within, &mut sql.as_bytes(), care);
        let talk = talk.map_err(|e| Error::of(doing, e))?;
        if talk.status.success() {
            return Ok(());
        }
        Err(Error::Refused {
            doing: doing.to_owned(),
            what: first_error(&talk.said),
        })
    }

    /// The rows that `sql` gives to who owns the database and nothing else, one a line, columns apart by tabs, escaped as the client does.
    pub fn ask(&self, sql: &str, care: &Care<'_>) -> Result<String, Error> {
        let doing = || format!("ask the throw-away {}", self.engine.name());
        let input = format!("{sql};\n");
        let talk = self
            .run(Role::Loader, true, &mut input.as_bytes(), care)
            .map_err(|e| Error::of(doing(), e))?;
        if !talk.status.success() {
            return Err(Error::Refused {
                doing: doing(),
                what: first_error(&talk.said),
            });
        }
        Ok(String::from_utf8_lossy(&talk.out).into_owned())
    }

    /// Feeds a client with `input`, inside the walls.
    pub(crate) fn run(
        &self,
        role: Role,
        within: bool,
        input: &mut dyn io::Read,
        care: &Care<'_>,
    ) -> Result<Talk, Failed> {
        let account = match role {
            Role::Keeper => self.made.keeper(),
            Role::Loader => self.made.loader(),
        };
        let client = &self.programs.client;
        let mut command = self
            .walls
            .command(&self.folder, &self.hidden, Purpose::Client, client);
        let database = within.then_some(self.made.database.as_str());
        match self.engine {
            Engine::MariaDb => mariadb::client(&mut command, &self.made.inside, account, database),
            Engine::PostgreSql => {
                postgres::client(&mut command, &self.made.inside, account, database)
            }
        }
        talk::talk(&mut command, input, ANSWER, care)
    }

    /// Its client can be made to refuse the commands by which a script runs programs (`psql` of 2025 and later). Without
    /// that they fail for the lack of rights, one by one.
    pub(crate) fn restricts(&self) -> bool {
        restricts(&self.programs.client)
    }
}

/// Whether this `psql` knows `\restrict`.
pub(crate) fn restricts(client: &Path) -> bool {
    let mut help = Command::new(client);
    let said = help.arg("--help=commands").stdin(Stdio::null()).output();
    said.is_ok_and(|said| {
        let mut words = said.stdout.windows(12);
        words.any(|word| word == b"\\unrestrict ".as_slice())
    })
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.life.take());
        let began = Instant::now();
        while began.elapsed() < END {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // With `unshare` dies what it started, by the kernel.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the two engines need to know to write their arguments and first statements.
struct Making {
    inside: PathBuf,
    database: String,
    accounts: [Account; 3],
    memory_bytes: u64,
}

impl Making {
    fn keeper(&self) -> &Account {
        &self.accounts[0]
    }

    fn loader(&self) -> &Account {
        &self.accounts[1]
    }

    fn reader(&self) -> &Account {
        &self.accounts[2]
    }

    fn at(&self, name: &str) -> String {
        self.inside.join(name).display().to_string()
    }
}

/// The name that was saved when it is a plain one, which is what people look for in an opened copy; else a neutral one.
fn name_of(saved: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    const TAKEN: &[&str] = &[
        "mysql",
        "sys",
        "information_schema",
        "performance_schema",
        "postgres",
        "template0",
        "template1",
    ];
    let known = (1..=60).contains(&saved.len())
        && saved.chars().all(plain)
        && saved.starts_with(|c: char| c.is_ascii_alphabetic())
        && !TAKEN.contains(&saved.to_ascii_lowercase().as_str());
    if known { saved } else { "restored" }.to_owned()
}

/// 48 random hexadecimal digits.
pub(crate) fn word() -> io::Result<String> {
    let mut bytes = [0_u8; 24];
    let none = |e| io::Error::other(format!("the system gives no random bytes: {e}"));
    getrandom::fill(&mut bytes).map_err(none)?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

fn give(walls: Walls, path: &Path) -> io::Result<()> {
    match walls.account() {
        Some((user, group)) => std::os::unix::fs::chown(path, Some(user), Some(group)),
        None => Ok(()),
    }
}

fn private(walls: Walls, path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = File::options();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    give(walls, path)
}

/// What a client or server said last, on one line.
fn last_lines(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    let rest = lines.split_off(lines.len().saturating_sub(4));
    rest.join("; ").chars().take(600).collect()
}

/// The first line that says an error; what follows it may quote data.
pub(crate) fn first_error(said: &str) -> String {
    // `mariadb` repeats the statement between dashes, and a statement may hold any word.
    let behind = said.rsplit_once("--------------").map(|(_, behind)| behind);
    let said = behind.filter(|b| !b.trim().is_empty()).unwrap_or(said);
    let mut lines = said.lines().filter(|l| !l.trim().is_empty());
    let first = said
        .lines()
        .find(|l| ["ERROR", "FATAL", "error:"].iter().any(|e| l.contains(e)))
        .or_else(|| lines.next());
    let first = first.unwrap_or("it ended without a word");
    first.trim().chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_plain_or_taken_is_replaced() {
        for (saved, want) in [
            ("dolibarr", "dolibarr"),
            ("my-shop_2", "my-shop_2"),
            ("mysql", "restored"),
            ("Postgres", "restored"),
            ("a`; DROP DATABASE b", "restored"),
            ("../x", "restored"),
            ("é", "restored"),
            ("2024", "restored"),
            ("", "restored"),
        ] {
            assert_eq!(name_of(saved), want, "{saved}");
        }
    }

    #[test]
    fn of_many_words_the_error_is_taken() {
        for (said, want) in [
            ("", "it ended without a word"),
            (
                "--------------\nINSERT 1\n--------------\n\nERROR 1064 (42000) at line 3: near 'x'\n",
                "ERROR 1064 (42000) at line 3: near 'x'",
            ),
            (
                "--------------\nINSERT 'an ERROR\n--------------\n\nERROR 1064 (42000) at line 3: near 'x'\n",
                "ERROR 1064 (42000) at line 3: near 'x'",
            ),
            (
                "psql:<stdin>:4: ERROR:  no\nDETAIL:  Key (a)=(secret) exists.\n",
                "psql:<stdin>:4: ERROR:  no",
            ),
            ("psql: error: connection\nmore", "psql: error: connection"),
            ("strange", "strange"),
        ] {
            assert_eq!(first_error(said), want);
        }
    }
}
