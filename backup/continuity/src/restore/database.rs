//! A dump of a snapshot into a named new database of a real server, straight out of the vault. Recorded as a restore; it
//! cannot be gone on with, as half a database is no beginning: the next one makes another new database.

use super::execute::room_for_one;
use super::{Restore, RestoreId, records};
use crate::blocking;
use crate::handle::{Continuity, Error};
use crate::proof::{dumps, loaded};
use crate::run::millis;
use crate::work::{Line, Ticket};
use config::DatabaseUrl;
use databases::compare::Difference;
use databases::rebuild::{self, Prospect};
use databases::talk::Care;
use databases::{Limits, Manifest, Source, Tools};
use state::wire::Outcome;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use vault::{Problem, Vault};

/// A load that takes longer has lost its server.
const MOST: Duration = Duration::from_secs(48 * 3600);

/// What somebody asked for. No `Debug`: it holds the password, which is kept nowhere else.
#[derive(Clone)]
pub struct DatabaseRequest {
    pub target: String,
    /// A unique prefix of an id, `latest`, or `PLAN@latest`.
    pub snapshot: String,
    /// Name of the dumped database, or the dump's folder in the snapshot; `None`: its only one.
    pub dump: Option<String>,
    /// The new database.
    pub to: DatabaseUrl,
    pub password: Option<String>,
}

/// A dump of a restore point, to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedDatabase {
    /// Its folder in the restore point.
    pub dump: String,
    /// As it was saved, and what kind of server it was on; `None` when its manifest cannot be read.
    pub database: Option<(String, config::DatabaseKind)>,
}

/// What will be made, and where.
#[derive(Clone, Debug)]
pub struct DatabasePlanned {
    /// 32 hexadecimal digits.
    pub snapshot: String,
    pub plan: String,
    /// The dump's folder.
    pub dump: String,
    pub manifest: Manifest,
    pub bytes: u64,
    pub to: DatabaseUrl,
    pub server: Prospect,
}

#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error(
        "find a database in restore point {snapshot}: it holds none; choose one of a plan that saves a database (`reprise snapshot list`)"
    )]
    None { snapshot: String },
    #[error(
        "choose the database: restore point {snapshot} holds {known}; name one of them with --dump"
    )]
    Which { snapshot: String, known: String },
    #[error(
        "find the dump {asked} in restore point {snapshot}: it holds {known}; name one of those"
    )]
    Unknown {
        asked: String,
        snapshot: String,
        known: String,
    },
    #[error("read the dump: {0}")]
    Unreadable(Problem),
    #[error(transparent)]
    Tools(#[from] databases::Error),
    #[error(transparent)]
    Rebuild(#[from] rebuild::Error),
}

/// What is needed to do it.
pub(crate) struct Ready {
    vault: Arc<Vault>,
    dump: dumps::Dump,
    to: Source,
    pub(crate) planned: DatabasePlanned,
}

/// The dumps that a restore point holds.
pub(crate) async fn saved(
    continuity: &Continuity,
    target: &str,
    snapshot: &str,
) -> Result<Vec<SavedDatabase>, Error> {
    let vault = continuity.vaults.open(target).await?;
    let snapshot = snapshot.to_owned();
    let dumps = blocking(move || {
        let snapshot = vault.snapshot(&snapshot)?;
        dumps::read(&vault, &snapshot)
    });
    let shape = |dump: dumps::Dump| SavedDatabase {
        dump: String::from_utf8_lossy(&dump.path).into_owned(),
        database: dump.manifest.ok().map(|manifest| {
            let kind = match manifest.engine {
                databases::Engine::MariaDb => config::DatabaseKind::MariaDb,
                databases::Engine::PostgreSql => config::DatabaseKind::PostgreSql,
            };
            (manifest.database, kind)
        }),
    };
    Ok(dumps.await??.into_iter().map(shape).collect())
}

/// Looks at the dump and at the server; makes nothing.
pub(crate) async fn plan(
    continuity: &Continuity,
    request: &DatabaseRequest,
) -> Result<Ready, Error> {
    let vault = continuity.vaults.open(&request.target).await?;
    let request = request.clone();
    blocking(move || {
        let snapshot = vault.snapshot(&request.snapshot)?;
        let id = snapshot.id.to_string();
        let mut dumps = dumps::read(&vault, &snapshot)?;
        let name = |dump: &dumps::Dump| {
            let path = String::from_utf8_lossy(&dump.path).into_owned();
            let saved = dump.manifest.as_ref().map(|m| m.database.clone()).ok();
            (path, saved)
        };
        let names: Vec<_> = dumps.iter().map(name).collect();
        let dump = dumps.swap_remove(choose(&names, request.dump.as_deref(), &id)?);
        let manifest = dump.manifest.clone().map_err(DatabaseError::Unreadable)?;
        let engine = databases::Engine::from(request.to.kind);
        let to = Source {
            url: request.to,
            password_file: None,
            password: request.password,
            // Where the account without rights that the client runs as can reach it, in a folder of its own.
            scratch: std::env::temp_dir(),
            tools: Tools::find(engine).map_err(DatabaseError::Tools)?,
        };
        let limits = Limits {
            silence: Duration::from_secs(30),
            ..Limits::default()
        };
        let server =
            rebuild::look(&to, manifest.engine, &limits).map_err(DatabaseError::Rebuild)?;
        let planned = DatabasePlanned {
            plan: snapshot.plan.clone(),
            snapshot: id,
            dump: String::from_utf8_lossy(&dump.path).into_owned(),
            manifest,
            bytes: dump.bytes,
            to: to.url.clone(),
            server,
        };
        Ok(Ready {
            vault,
            dump,
            to,
            planned,
        })
    })
    .await?
}

/// Which of several: each a folder of the snapshot, and the database it was, when that can be read.
fn choose(
    dumps: &[(String, Option<String>)],
    asked: Option<&str>,
    snapshot: &str,
) -> Result<usize, DatabaseError> {
    let folder = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let known: Vec<String> = dumps.iter().map(|(path, _)| folder(path)).collect();
    let (known, snapshot) = (known.join(", "), snapshot.to_owned());
    let Some(asked) = asked else {
        return match dumps.len() {
            0 => Err(DatabaseError::None { snapshot }),
            1 => Ok(0),
            _ => Err(DatabaseError::Which { snapshot, known }),
        };
    };
    let plain = asked.trim_end_matches('/');
    let by_folder = |(path, _): &(String, Option<String>)| path == plain || folder(path) == plain;
    if let Some(at) = dumps.iter().position(by_folder) {
        return Ok(at);
    }
    // Two servers may each have saved a database of the same name.
    let all = dumps.iter().enumerate();
    let mut named = all.filter(|(_, (_, saved))| saved.as_deref() == Some(asked));
    match (named.next(), named.next()) {
        (Some((at, _)), None) => Ok(at),
        (Some(_), Some(_)) => Err(DatabaseError::Which { snapshot, known }),
        (None, _) if dumps.is_empty() => Err(DatabaseError::None { snapshot }),
        (None, _) => Err(DatabaseError::Unknown {
            asked: asked.to_owned(),
            snapshot,
            known,
        }),
    }
}

/// Starts the task that restores; returns at once. What cannot be planned is refused here.
pub(crate) async fn start(
    continuity: &Continuity,
    request: DatabaseRequest,
    by: &str,
) -> Result<RestoreId, Error> {
    room_for_one(continuity)?;
    let ready = plan(continuity, &request).await?;
    let restore = Restore::begun(
        (request.target, ready.planned.snapshot.clone()),
        ready.planned.to.to_string(),
        by,
        continuity.clock.now(),
    );
    let ticket = continuity.work.begin(restore.id.as_str(), "restore");
    records::insert(&continuity.db, &restore).await?;
    let id = restore.id.clone();
    let continuity = continuity.clone();
    tokio::spawn(async move { perform(&continuity, restore, ready, ticket).await });
    Ok(id)
}

async fn perform(continuity: &Continuity, mut restore: Restore, ready: Ready, ticket: Ticket) {
    let began = continuity.clock.now();
    let planned = ready.planned.clone();
    let line = Line {
        board: &continuity.board,
        clock: &continuity.clock,
        key: restore.id.as_str(),
        kind: "restore",
        subject: &planned.plan,
    };
    let token = ticket.cancel.clone();
    let limits = Limits {
        stop: Arc::new(move || token.is_cancelled()),
        ..Limits::default()
    };
    let work = move |watch: &vault::Watch| {
        let bytes = ready.planned.bytes;
        watch.bytes_total.fetch_add(bytes, Ordering::Relaxed);
        let passed = |bytes| {
            watch.bytes_done.fetch_add(bytes, Ordering::Relaxed);
        };
        let cancelled = || watch.is_cancelled();
        let care = Care {
            cancelled: &cancelled,
            passed: &passed,
            most: MOST,
            room: None,
        };
        let mut open = loaded::opener(&ready.vault, &ready.dump);
        let manifest = &ready.planned.manifest;
        rebuild::rebuild(&ready.to, manifest, &mut open, &limits, &care)
    };
    let done = line.follow("load", &ticket.cancel, work).await;
    let now = continuity.clock.now();
    restore.finished = Some(now);
    restore.took_ms = millis(now.since(began));
    let ended = match done {
        Ok(Ok(differences)) => {
            restore.files = planned.manifest.tables.len() as u64 + 2;
            restore.bytes = planned.bytes;
            compared(&planned, differences)
        }
        Ok(Err(error)) => {
            let outcome = match error.is_cancelled() {
                true if continuity.work.stopping() => Outcome::Interrupted,
                true => Outcome::Cancelled,
                false => Outcome::Failed,
            };
            (outcome, format!("failed to {error}"), Vec::new())
        }
        Err(crashed) => {
            let said = format!("failed to {crashed}; {}", left(&restore.destination));
            (Outcome::Failed, said, Vec::new())
        }
    };
    let (outcome, detail, problems) = ended;
    restore.problems = problems.len() as u64;
    restore.outcome = Some(outcome);
    restore.detail = Some(detail);
    tracing::info!(restore = %restore.id, snapshot = %restore.snapshot, ?outcome, "restore of a database ended");
    let end = || records::finish(&continuity.db, &restore, problems.clone());
    continuity.work.write_down("restore", end).await;
    drop(ticket);
}

/// What is said of a database that was loaded and counted.
fn compared(
    planned: &DatabasePlanned,
    differences: Vec<Difference>,
) -> (Outcome, String, Vec<Problem>) {
    let manifest = &planned.manifest;
    let (tables, rows) = (manifest.tables.len(), manifest.rows());
    let problem = |Difference { object, what }| Problem::new(object, what);
    let problems: Vec<Problem> = differences.into_iter().map(problem).collect();
    match problems.first() {
        None => {
            let loose = manifest.tables.iter().filter(|table| !table.exact).count();
            let but = match loose {
                0 => String::new(),
                loose => format!(
                    ", but for {loose} tables without transactions, whose contents cannot be compared"
                ),
            };
            let said = format!(
                "verified: {tables} tables with {rows} rows are in the new database as they were saved{but}"
            );
            (Outcome::Done, said, problems)
        }
        Some(first) => {
            let said = format!(
                "the new database was loaded, but it is NOT what was saved: {first}; it was left there to be looked into: do not use it as it is, and restore another restore point"
            );
            (Outcome::Problems, said, problems)
        }
    }
}

fn left(destination: &str) -> String {
    format!(
        "what was loaded until then may be in the new database of {destination} and was left there: it is not whole, drop it and restore again"
    )
}

/// Of a restore that a stop, a kill or a power cut ended: what to do, when it was one of a database.
pub(crate) fn cut_off(restore: &Restore) -> Option<String> {
    let url = ["mariadb://", "postgresql://"];
    let is = url
        .iter()
        .any(|scheme| restore.destination.starts_with(scheme));
    is.then(|| {
        format!(
            "reprise stopped in the middle; {}",
            left(&restore.destination)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_dump_is_taken_and_of_several_the_named_one() {
        for (asked, folders, want) in [
            (None, &["erp"][..], Ok(0)),
            (Some("erp"), &["shop", "erp"], Ok(1)),
            (Some("/.reprise/databases/erp/"), &["shop", "erp"], Ok(1)),
            (Some("was erp"), &["shop", "erp"], Ok(1)),
            (
                None,
                &["erp", "shop"],
                Err("holds erp, shop; name one of them with --dump"),
            ),
            (
                Some("x"),
                &["erp", "shop"],
                Err("find the dump x in restore point 0a1b"),
            ),
            (None, &[], Err("it holds none")),
            (Some("erp"), &[], Err("it holds none")),
        ] {
            let dump = |folder: &&str| {
                let path = format!("/.reprise/databases/{folder}");
                (path, Some(format!("was {folder}")))
            };
            let dumps: Vec<_> = folders.iter().map(dump).collect();
            let got = choose(&dumps, asked, "0a1b").map_err(|error| error.to_string());
            match want {
                Ok(want) => assert_eq!(got, Ok(want), "{asked:?}"),
                Err(words) => assert!(got.as_ref().is_err_and(|e| e.contains(words)), "{got:?}"),
            }
        }
        let same = ("/a/x".to_owned(), Some("erp".to_owned()));
        let twice = [same.clone(), ("/a/y".to_owned(), same.1)];
        assert!(choose(&twice, Some("erp"), "0a1b").is_err());
        assert!(matches!(choose(&twice, Some("y"), "0a1b"), Ok(1)));
    }

    #[test]
    fn a_cut_restore_of_a_database_says_that_it_is_not_whole_and_one_of_files_does_not() {
        let restore = |destination: &str| {
            let what = ("nas".to_owned(), String::new());
            Restore::begun(what, destination.to_owned(), "admin", state::Timestamp(0))
        };
        for destination in ["mariadb://r@erp/back", "postgresql://r@erp/back"] {
            let said = cut_off(&restore(destination)).expect("a database");
            assert!(
                said.contains(destination) && said.contains("not whole"),
                "{said}"
            );
        }
        for destination in ["/srv/back", "sftp://root@erp/srv"] {
            assert_eq!(cut_off(&restore(destination)), None);
        }
    }
}
