//! A dump into a new database of a real server: made for it, loaded, counted and compared. Never over one that exists.
//!
//! The statements of a dump run with the rights of who loads it; on this box they may do nothing: the client starts no
//! program and writes no file ([`Walls::tied`]), `mariadb` takes none of its own commands (`--binary-mode`), `psql`
//! neither (`\restrict`; one that does not know it is not used).

use crate::compare::{Difference, compare};
use crate::load::{Feeding, Open, feed};
use crate::login::Login;
use crate::mariadb::catalog::pattern;
use crate::server::walls::Walls;
use crate::server::{Error as LoadError, restricts};
use crate::talk::{Care, Failed, talk};
use crate::{Cause, Engine, Limits, Manifest, Session, Source, mariadb, postgres};
use std::io::{self, Read};
use std::process::Command;

/// Most of what the client may answer; nobody reads it.
const ANSWER: usize = 64 << 20;
/// More than lies in a pipe: a client that took so much has logged in long ago.
const LOGGED_IN: u64 = 2 << 20;

/// What a server says before anything is made on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prospect {
    /// `10.11.6-MariaDB-0+deb12u1`, `15.8 (Debian …)`.
    pub version: String,
    /// Its user may do more there than fill one new database, and so may what the dump says.
    pub powerful: bool,
}

/// Every message fits after "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "restore a dump of {} to {url}: that is a server of {}; name one of {0}", .dump.name(), .url_engine.name()
    )]
    Engine {
        dump: Engine,
        url_engine: Engine,
        url: String,
    },
    #[error(
        "make the database {name} of {url}: it exists already, and nothing is ever restored over one that exists; nothing was changed. Name one that does not exist yet"
    )]
    Exists { name: String, url: String },
    #[error(
        "load the dump with {program}: it is from before August 2025 and cannot be kept from running programs that a dump names (\\restrict); nothing was made. Run `apt-get update && apt-get install postgresql-client`"
    )]
    Unguarded { program: String },
    #[error("{source}; nothing was made")]
    Before { source: crate::Error },
    #[error(
        "make the database {name} of {url}: its user lacks the right to ({said}); nothing was made. Let an administrator of the server run: {grant}"
    )]
    MayNot {
        name: String,
        url: String,
        said: String,
        grant: String,
    },
    /// The new database stays: somebody may want to look into it, and nothing of a server is dropped unasked.
    #[error(
        "restore the whole database: {why}. A part of it is in the new database {name} of {url} and was left there; when nobody needs it, remove it with: {drop}"
    )]
    Half {
        name: String,
        url: String,
        why: String,
        drop: String,
        cancelled: bool,
    },
}

impl Error {
    /// Somebody stopped it.
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Error::Half {
                cancelled: true,
                ..
            } | Error::Before {
                source: crate::Error::Stopped
            }
        )
    }
}

/// Logs in and looks: the engine fits, nothing of that name is there, the client can be trusted with the dump. Changes nothing.
pub fn look(to: &Source, dump: Engine, limits: &Limits) -> Result<Prospect, Error> {
    if to.engine() != dump {
        return Err(Error::Engine {
            dump,
            url_engine: to.engine(),
            url: to.url.to_string(),
        });
    }
    Ok(Desk::open(to, limits)?.prospect)
}

/// Makes the database, loads the dump into it, counts it as the dump was counted. What is not as the manifest says comes
/// back by table; nothing means that all is there.
pub fn rebuild(
    to: &Source,
    manifest: &Manifest,
    open: &mut Open<'_>,
    limits: &Limits,
    care: &Care<'_>,
) -> Result<Vec<Difference>, Error> {
    look(to, manifest.engine, limits)?;
    let mut desk = Desk::open(to, limits)?;
    desk.create()?;
    let half = |why: String, cancelled: bool| {
        let denied = Cause::of(&why) == Cause::Denied;
        let why = match denied {
            true => format!(
                "{why} (its user lacks a right there; let an administrator run: {})",
                desk.grant
            ),
            false => why,
        };
        Error::Half {
            name: to.url.name.escape_debug().to_string(),
            url: to.url.to_string(),
            why,
            drop: format!("DROP DATABASE {}", desk.quoted),
            cancelled,
        }
    };
    fill(to, manifest, open, care)
        .map_err(|error| half(error.to_string(), error.is_cancelled()))?;
    let counted = crate::count(to, limits, manifest.row_hash()).map_err(|error| {
        let stopped = matches!(error, crate::Error::Stopped);
        half(
            format!("all was loaded, but it could not be compared: {error}"),
            stopped,
        )
    })?;
    Ok(compare(manifest, &counted))
}

/// A session beside the new database, and what is known there.
struct Desk<'a> {
    to: &'a Source,
    session: Session,
    prospect: Prospect,
    /// The database's name as SQL wants it.
    quoted: String,
    /// What lets its user make and fill the database.
    grant: String,
}

const DOING: &str = "look for the new database on the server of";

impl<'a> Desk<'a> {
    fn open(to: &'a Source, limits: &Limits) -> Result<Desk<'a>, Error> {
        let before = |source| Error::Before { source };
        let engine = to.engine();
        if engine == Engine::PostgreSql && !restricts(&to.tools.client) {
            let program = to.tools.client.display().to_string();
            return Err(Error::Unguarded { program });
        }
        let mut session = beside(to, limits).map_err(before)?;
        let url = to.url.to_string();
        let name = &to.url.name;
        let (facts, there) = match engine {
            Engine::MariaDb => (
                "SELECT VERSION(), CURRENT_USER(), (SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES \
                 WHERE PRIVILEGE_TYPE IN ('DROP', 'DELETE', 'FILE', 'SUPER') \
                 AND GRANTEE = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')) > 0",
                format!(
                    "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 0x{}",
                    hex(name)
                ),
            ),
            Engine::PostgreSql => (
                "SELECT current_setting('server_version'), current_user, \
                 (SELECT rolsuper::int FROM pg_roles WHERE rolname = current_user)",
                format!(
                    "SELECT count(*) FROM pg_database WHERE datname = {}",
                    postgres::text(name)
                ),
            ),
        };
        let row = session.rows(DOING, &url, facts).map_err(before)?;
        let row = row.into_iter().next().unwrap_or_default();
        let [version, user, powerful] = mariadb::catalog::fields(row, &url).map_err(before)?;
        let count = session.rows(DOING, &url, &there).map_err(before)?;
        if count.into_iter().flatten().next().as_deref() != Some("0") {
            return Err(exists(to));
        }
        let (quoted, grant) = match engine {
            Engine::MariaDb => {
                let (user, host) = user.rsplit_once('@').unwrap_or((&user, "%"));
                let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
                let on = pattern(name);
                (
                    mariadb::name(name),
                    format!("GRANT ALL ON {on}.* TO {}@{}", text(user), text(host)),
                )
            }
            Engine::PostgreSql => (
                postgres::name(name),
                format!("ALTER ROLE {} CREATEDB", postgres::name(&user)),
            ),
        };
        Ok(Desk {
            to,
            session,
            prospect: Prospect {
                version,
                powerful: powerful == "1",
            },
            quoted,
            grant,
        })
    }

    /// The server itself is the one who says whether it exists: another may have made it a moment ago.
    fn create(&mut self) -> Result<(), Error> {
        let create = match self.to.engine() {
            Engine::MariaDb => format!("CREATE DATABASE {} CHARACTER SET utf8mb4", self.quoted),
            Engine::PostgreSql => format!(
                "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'",
                self.quoted
            ),
        };
        let url = self.to.url.to_string();
        let made = self.session.tell("make the database of", &url, &[create]);
        made.map_err(|source| match source {
            crate::Error::Refused { ref said, .. }
                if said.contains("ERROR 1007") || said.contains("42P04") =>
            {
                exists(self.to)
            }
            crate::Error::Refused {
                cause: Cause::Denied,
                said,
                ..
            } => Error::MayNot {
                name: self.to.url.name.escape_debug().to_string(),
                url,
                said,
                grant: self.grant.clone(),
            },
            source => Error::Before { source },
        })
    }
}

fn exists(to: &Source) -> Error {
    Error::Exists {
        name: to.url.name.escape_debug().to_string(),
        url: to.url.to_string(),
    }
}

/// A session of the same server and user in a database that every server has.
fn beside(to: &Source, limits: &Limits) -> Result<Session, crate::Error> {
    let within = |name: &str| {
        let mut to = to.clone();
        to.url.name = name.to_owned();
        to
    };
    match to.engine() {
        Engine::MariaDb => mariadb::open(&within("information_schema"), limits),
        Engine::PostgreSql => match postgres::open(&within("postgres"), limits) {
            Err(crate::Error::Refused {
                cause: Cause::NoDatabase | Cause::Denied,
                ..
            }) => postgres::open(&within("template1"), limits),
            other => other,
        },
    }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn fill(
    to: &Source,
    manifest: &Manifest,
    open: &mut Open<'_>,
    care: &Care<'_>,
) -> Result<(), LoadError> {
    let walls = Walls::find();
    let mut command = walls.tied(&to.tools.client);
    let told = Login::tell(to, &mut command).and_then(|login| {
        login.give(walls.account())?;
        Ok(login)
    });
    let login = told.map_err(|error| LoadError::Refused {
        doing: "load the dump".to_owned(),
        what: error.to_string(),
    })?;
    arguments(&mut command, to);
    let how = Feeding {
        guarded: true,
        ..Feeding::default()
    };
    feed(manifest, open, how, |input| {
        let mut input = Forgetting {
            input,
            given: 0,
            login: Some(login),
        };
        talk(&mut command, &mut input, ANSWER, care).map_err(|failed| match failed {
            Failed::Start(error) => Failed::Start(io::Error::new(
                error.kind(),
                format!("{error}; setpriv and prlimit are of the package util-linux"),
            )),
            other => other,
        })
    })
}

fn arguments(command: &mut Command, to: &Source) {
    match to.engine() {
        Engine::MariaDb => command
            .args(["--binary-mode", "--batch", "--skip-column-names"])
            .args(["--skip-reconnect", "--local-infile=0"])
            .args(["--max-allowed-packet=1G", "--database"])
            .arg(&to.url.name),
        Engine::PostgreSql => command
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--set=ON_ERROR_STOP=1", "--file=-", "--dbname"])
            .arg(format!("dbname={}", crate::client::conninfo(&to.url.name)))
            .env("PGCLIENTENCODING", "UTF8"),
    };
}

/// Removes the login as soon as the client has surely used it.
struct Forgetting<'a> {
    input: &'a mut dyn Read,
    given: u64,
    login: Option<Login>,
}

impl Read for Forgetting<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given > LOGGED_IN {
            self.login = None;
        }
        let read = self.input.read(into)?;
        self.given += read as u64;
        Ok(read)
    }
}
