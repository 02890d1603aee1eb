//! A dump is proven by loading it in a throw-away server, straight out of the vault, and counting what came out.

use super::asked;
use super::dumps::Dump;
use crate::handle::{Continuity, Error};
use crate::run::millis;
use crate::source::recipe::Check;
use crate::wire::LoadedDatabase;
use crate::work::{Line, Ticket};
use databases::compare::{Difference, compare};
use databases::server::{Reader, Server, Wanted};
use databases::talk::{Care, Room};
use databases::{Limits, Manifest};
use state::Clock;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use vault::{Problem, Snapshot, Vault, Watch};

/// What a throw-away server may take of the box.
pub(crate) const MEMORY_BYTES: u64 = 256 << 20;
/// A load that takes longer helps nobody in a disaster either.
const MOST: Duration = Duration::from_secs(12 * 3600);
/// The appliance's own database lies on the same disk.
const RESERVE_BYTES: u64 = 256 << 20;

/// What came of one dump.
pub(crate) struct Loaded {
    pub(crate) evidence: LoadedDatabase,
    /// Read whole and used, when nothing went wrong.
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) differences: Vec<Problem>,
}

/// Loads a dump below `scratch`, compares it, and takes everything away again.
pub(crate) async fn load(
    continuity: &Continuity,
    ticket: &Ticket,
    line: &Line<'_>,
    vault: &Arc<Vault>,
    dump: Dump,
    scratch: &Path,
) -> Result<Loaded, Error> {
    let work = Work::prepare(continuity, ticket, vault, &dump, scratch).await?;
    let done = line.follow("load", &ticket.cancel, move |watch| {
        work.perform(&dump, watch)
    });
    match done.await? {
        Err(error) if error.is_cancelled() => Err(vault::Error::Cancelled.into()),
        other => Ok(other?),
    }
}

/// Loads and compares a dump below `scratch` and keeps its server, opened to be read. A copy that differs is not opened.
pub(crate) async fn keep(
    continuity: &Continuity,
    ticket: &Ticket,
    line: &Line<'_>,
    vault: &Arc<Vault>,
    dump: Dump,
    scratch: &Path,
) -> Result<(Server, Reader), Error> {
    let work = Work::prepare(continuity, ticket, vault, &dump, scratch).await?;
    let done = line.follow("load", &ticket.cancel, move |watch| work.keep(&dump, watch));
    match done.await? {
        Err(error) if error.is_cancelled() => Err(vault::Error::Cancelled.into()),
        other => Ok(other?),
    }
}

/// What a dump must not see, wherever it lies.
pub(crate) fn hidden(continuity: &Continuity) -> Vec<PathBuf> {
    let config = continuity.config.origin.parent().map(Path::to_owned);
    let own = continuity.config.appliance.state_dir.clone();
    let folders = continuity.config.targets.iter();
    let folders = folders.filter_map(|target| target.folder().map(Path::to_owned));
    // The servers need `/etc` and `/usr`: only what lies deeper is taken from their sight.
    let deep = |path: &PathBuf| path.components().count() > 2;
    let all = config.into_iter().chain([own]).chain(folders);
    all.filter(deep).collect()
}

struct Work {
    vault: Arc<Vault>,
    snapshot: Snapshot,
    /// Of the plan's recipe.
    checks: Result<Vec<Check>, Problem>,
    clock: Clock,
    cancel: CancellationToken,
    hidden: Vec<PathBuf>,
    folder: PathBuf,
}

impl Work {
    async fn prepare(
        continuity: &Continuity,
        ticket: &Ticket,
        vault: &Arc<Vault>,
        dump: &Dump,
        scratch: &Path,
    ) -> Result<Work, Error> {
        Ok(Work {
            vault: Arc::clone(vault),
            snapshot: dump.snapshot.clone(),
            checks: asked::of(continuity, vault, &dump.snapshot).await?,
            clock: continuity.clock.clone(),
            cancel: ticket.cancel.clone(),
            hidden: hidden(continuity),
            folder: scratch.join("database"),
        })
    }

    fn perform(&self, dump: &Dump, watch: &Watch) -> Result<Loaded, databases::server::Error> {
        let manifest = match &dump.manifest {
            Ok(manifest) => manifest,
            Err(problem) => return Ok(unread(problem.clone())),
        };
        let failed = |source| databases::server::Error::Folder {
            path: self.folder.clone(),
            source,
        };
        std::fs::create_dir(&self.folder).map_err(failed)?;
        watch.bytes_total.fetch_add(dump.bytes, Ordering::Relaxed);
        let loaded = self.inside(dump, manifest, watch).map(|(loaded, server)| {
            drop(server);
            loaded
        });
        // The next dump finds the room it needs.
        std::fs::remove_dir_all(&self.folder).map_err(failed)?;
        loaded
    }

    fn inside(
        &self,
        dump: &Dump,
        manifest: &Manifest,
        watch: &Watch,
    ) -> Result<(Loaded, Server), databases::server::Error> {
        let room = Room {
            folder: self.folder.clone(),
            reserve_bytes: RESERVE_BYTES,
        };
        let passed = |bytes| {
            watch.bytes_done.fetch_add(bytes, Ordering::Relaxed);
        };
        let cancelled = || watch.is_cancelled();
        let care = Care {
            cancelled: &cancelled,
            passed: &passed,
            most: MOST,
            room: Some(&room),
        };
        let start = self.clock.now();
        let wanted = Wanted {
            engine: manifest.engine,
            folder: &self.folder,
            database: &manifest.database,
            hidden: &self.hidden,
            memory_bytes: MEMORY_BYTES,
        };
        let server = Server::start(&wanted, &care)?;
        let mut loaded = Loaded {
            evidence: LoadedDatabase {
                name: manifest.database.clone(),
                engine: manifest.product().to_owned(),
                saved_version: manifest.engine_version.clone(),
                loaded_version: server.version(&care)?,
                taken_ms: manifest.taken_ms,
                tables: manifest.tables.len() as u64,
                rows: manifest.rows(),
                bytes: dump.bytes,
                walled: server.is_walled(),
                ..LoadedDatabase::default()
            },
            files: 0,
            bytes: 0,
            differences: Vec::new(),
        };
        let mut open = opener(&self.vault, dump);
        let done = databases::load::load(&server, manifest, &mut open, &care);
        loaded.evidence.load_ms = millis(self.clock.now().since(start));
        let whole = match done {
            Ok(()) => self.judge(&server, manifest, &care, &mut loaded)?,
            Err(error) if error.is_cancelled() => return Err(error),
            Err(error) => {
                let (saved, here) = (&manifest.engine_version, &loaded.evidence.loaded_version);
                let what = format!(
                    "failed to {error} (saved from {} {saved}, loaded in {} {here})",
                    manifest.product(),
                    manifest.engine.name()
                );
                loaded
                    .differences
                    .push(Problem::new(object(manifest), what));
                false
            }
        };
        if whole {
            // Its files are those that were fed, and the manifest.
            loaded.files = manifest.tables.len() as u64 + 3;
            loaded.bytes = dump.bytes;
        }
        Ok((loaded, server))
    }

    fn keep(
        &self,
        dump: &Dump,
        watch: &Watch,
    ) -> Result<(Server, Reader), databases::server::Error> {
        let refused = |what: String| databases::server::Error::Refused {
            doing: "open the database".to_owned(),
            what: format!("{what}; prove the plan again"),
        };
        let manifest = match &dump.manifest {
            Ok(manifest) => manifest,
            Err(problem) => return Err(refused(problem.to_string())),
        };
        std::fs::create_dir(&self.folder).map_err(|source| databases::server::Error::Folder {
            path: self.folder.clone(),
            source,
        })?;
        watch.bytes_total.fetch_add(dump.bytes, Ordering::Relaxed);
        let (loaded, server) = self.inside(dump, manifest, watch)?;
        if let Some(first) = loaded.differences.first() {
            return Err(refused(first.to_string()));
        }
        let cancelled = || watch.is_cancelled();
        let reader = server.open(&Care {
            cancelled: &cancelled,
            passed: &|_| {},
            most: MOST,
            room: None,
        })?;
        Ok((server, reader))
    }

    /// Says whether everything was looked at.
    fn judge(
        &self,
        server: &Server,
        manifest: &Manifest,
        care: &Care<'_>,
        loaded: &mut Loaded,
    ) -> Result<bool, databases::server::Error> {
        let start = self.clock.now();
        let token = self.cancel.clone();
        let limits = Limits {
            stop: Arc::new(move || token.is_cancelled()),
            ..Limits::default()
        };
        let counted = server
            .source()
            .and_then(|source| databases::count(&source, &limits, manifest.row_hash()));
        let counted = match counted {
            Ok(counted) => counted,
            Err(_) if self.cancel.is_cancelled() => return Err(stopped()),
            Err(error) => {
                let what = format!("failed to {error}");
                loaded
                    .differences
                    .push(Problem::new(object(manifest), what));
                return Ok(false);
            }
        };
        let (checked, complaints) = server.check(&counted.tables, care)?;
        loaded.evidence.checked = checked;
        let database = object(manifest);
        let found = compare(manifest, &counted).into_iter().chain(complaints);
        let told = found
            .map(|Difference { object, what }| Problem::new(format!("{database}, {object}"), what));
        loaded.differences.extend(told);
        let (answers, lacks) = asked::ask(&self.checks, server, &self.vault, &self.snapshot, care)?;
        loaded.evidence.answers = answers;
        loaded.differences.extend(lacks);
        loaded.evidence.compare_ms = millis(self.clock.now().since(start));
        Ok(true)
    }
}

fn stopped() -> databases::server::Error {
    databases::server::Error::Stopped {
        doing: "count the loaded database".to_owned(),
        stop: databases::talk::Stop::Cancelled,
    }
}

fn object(manifest: &Manifest) -> String {
    format!("database {}", manifest.database.escape_debug())
}

fn unread(problem: Problem) -> Loaded {
    Loaded {
        evidence: LoadedDatabase {
            name: problem.object.clone(),
            ..LoadedDatabase::default()
        },
        files: 0,
        bytes: 0,
        differences: vec![problem],
    }
}

/// The files of a dump as they come out of the vault, every chunk verified.
pub(crate) fn opener<'a>(
    vault: &'a Vault,
    dump: &'a Dump,
) -> impl FnMut(&str) -> io::Result<Box<dyn Read>> + 'a {
    move |file: &str| {
        let path = [dump.path.as_slice(), b"/", file.as_bytes()].concat();
        let node = vault
            .node(&dump.snapshot, &path)
            .map_err(io::Error::other)?;
        let reader = vault.open_file(&node).map_err(io::Error::other)?;
        Ok(Box::new(reader) as Box<dyn Read>)
    }
}
