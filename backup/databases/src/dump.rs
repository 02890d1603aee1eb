//! A dump, file after file: the shape before the rows, each table, the shape after them, the manifest.

use crate::manifest::{self, Manifest, Table, table_file};
use crate::patient::Limits;
use crate::{Engine, Error, Problem, RowHash, Session, Source, mariadb, postgres};
use std::io::{self, Read};

/// A dump in progress. Dropped, its clients are ended and nothing of it is left on this box or on the server.
pub struct Dump {
    source: Source,
    limits: Limits,
    session: Session,
    catalog: Catalog,
    manifest: Manifest,
    problems: Vec<Problem>,
    step: Step,
}

enum Catalog {
    MariaDb(mariadb::catalog::Catalog),
    PostgreSql {
        catalog: postgres::catalog::Catalog,
        snapshot: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Before,
    Table(usize),
    After,
    Manifest,
    End,
}

/// One file of a dump; a failing read tells an [`Error`], see [`Error::of`].
pub struct Part<'a> {
    /// Below the dump's folder.
    pub path: String,
    pub from: Box<dyn Read + 'a>,
}

impl Dump {
    /// Logs in, fixes the instant, reads the catalogue.
    pub fn begin(source: Source, limits: Limits) -> Result<Dump, Error> {
        let engine = source.engine();
        let database = source.url.to_string();
        let (mut session, catalog, problems) = match engine {
            Engine::MariaDb => begin_mariadb(&source, &limits)?,
            Engine::PostgreSql => begin_postgres(&source, &limits)?,
        };
        let now = match engine {
            Engine::MariaDb => {
                "SELECT VERSION(), CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)".to_owned()
            }
            Engine::PostgreSql => {
                "SELECT current_setting('server_version'), (extract(epoch FROM now()) * 1000)::bigint".to_owned()
            }
        };
        let row = session.rows("ask the version of", &database, &now)?;
        let [engine_version, taken_ms] =
            mariadb::catalog::fields(row.into_iter().next().unwrap_or_default(), &database)?;
        let (views, triggers, routines, events) = match &catalog {
            Catalog::MariaDb(c) => (c.views.len() as u64, c.triggers, c.routines, c.events),
            Catalog::PostgreSql { catalog: c, .. } => (c.views, c.triggers, c.routines, 0),
        };
        Ok(Dump {
            manifest: Manifest {
                version: manifest::VERSION,
                engine,
                engine_version,
                database: source.url.name.clone(),
                taken_ms: taken_ms.parse().unwrap_or_default(),
                tables: Vec::new(),
                views,
                triggers,
                routines,
                events,
            },
            source,
            limits,
            session,
            catalog,
            problems,
            step: Step::Before,
        })
    }

    /// The next file; it must be read to its end before the one after it. `None`: the dump is whole.
    pub fn next_part(&mut self) -> Result<Option<Part<'_>>, Error> {
        let part = |path: &str, from| {
            let path = path.to_owned();
            Ok(Some(Part { path, from }))
        };
        let step = self.step;
        self.step = self.after(step);
        match step {
            Step::Before => part("before.sql", self.before()?),
            Step::Table(at) => self.table(at),
            Step::After => part("after.sql", self.after_rows()?),
            Step::Manifest => {
                let bytes = self.manifest.encode()?;
                part("manifest.json", Box::new(io::Cursor::new(bytes)))
            }
            Step::End => Ok(None),
        }
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What is saved in another way than it should be, or not at all.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn after(&self, step: Step) -> Step {
        let tables = match &self.catalog {
            Catalog::MariaDb(catalog) => catalog.tables.len(),
            Catalog::PostgreSql { catalog, .. } => catalog.tables.len(),
        };
        match step {
            Step::Before => Step::Table(0),
            Step::Table(at) if at + 1 < tables => Step::Table(at + 1),
            Step::Table(_) => Step::After,
            Step::After => Step::Manifest,
            Step::Manifest | Step::End => Step::End,
        }
    }

    fn before(&mut self) -> Result<Box<dyn Read + '_>, Error> {
        let (source, limits) = (&self.source, &self.limits);
        Ok(match &self.catalog {
            Catalog::MariaDb(catalog) => match mariadb::shape::before(source, catalog, limits)? {
                Some(lines) => Box::new(lines),
                None => Box::new(io::empty()),
            },
            Catalog::PostgreSql { snapshot, .. } => {
                Box::new(postgres::shape::dump(source, limits, snapshot, "pre-data")?)
            }
        })
    }

    fn table(&mut self, at: usize) -> Result<Option<Part<'_>>, Error> {
        let session = &mut self.session;
        match &self.catalog {
            Catalog::MariaDb(catalog) => {
                let Some(table) = catalog.tables.get(at) else {
                    return Ok(None);
                };
                let shown = mariadb::catalog::shown(table);
                // What the table before was read with is let go: whoever alters that one need not wait for all.
                session.tell("begin", &shown, &["ROLLBACK TO SAVEPOINT reprise"])?;
                let counted = mariadb::catalog::count(session, table, RowHash::Sha256);
                let (rows, checksum) = counted.map_err(|error| {
                    locked_by(error, "sessions at this database", || {
                        let mut session = mariadb::open(&self.source, &self.limits)?;
                        mariadb::catalog::others(&mut session)
                    })
                })?;
                let path = table_file(at + 1, &table.name);
                self.manifest.tables.push(Table {
                    schema: None,
                    name: table.name.clone(),
                    file: path.clone(),
                    rows,
                    checksum,
                    exact: table.transactional,
                });
                let answer = session.ask("dump", &shown, &mariadb::rows::select(table))?;
                let rows = mariadb::rows::Rows::new(answer, table, rows, &mut self.problems);
                let from = Box::new(rows);
                Ok(Some(Part { path, from }))
            }
            Catalog::PostgreSql { catalog, .. } => {
                let Some(table) = catalog.tables.get(at) else {
                    return Ok(None);
                };
                let (rows, checksum) = postgres::catalog::count(session, &table.named)?;
                let path = table_file(at + 1, &table.named.name);
                let schema = &table.named.schema;
                self.manifest.tables.push(Table {
                    schema: (schema != "public").then(|| schema.clone()),
                    name: table.named.name.clone(),
                    file: path.clone(),
                    rows,
                    checksum,
                    exact: true,
                });
                let copy = postgres::rows::copy(table);
                let answer = session.ask("dump", &table.named.shown(), &copy)?;
                let from = Box::new(postgres::rows::Rows::new(answer, table, rows));
                Ok(Some(Part { path, from }))
            }
        }
    }

    fn after_rows(&mut self) -> Result<Box<dyn Read + '_>, Error> {
        let (source, limits) = (&self.source, &self.limits);
        match &self.catalog {
            Catalog::MariaDb(catalog) => Ok(Box::new(Several {
                now: None,
                next: 0,
                start: Box::new(move |at| {
                    let started = match at {
                        0 => mariadb::shape::routines(source, catalog, limits),
                        1 => mariadb::shape::views(source, catalog, limits),
                        2 => mariadb::shape::triggers(source, catalog, limits),
                        _ => return Ok(None),
                    };
                    Ok(Some(match started? {
                        Some(lines) => Box::new(lines),
                        None => Box::new(io::empty()),
                    }))
                }),
            })),
            Catalog::PostgreSql { catalog, snapshot } => {
                let mut values = String::new();
                for sequence in &catalog.sequences {
                    let session = &mut self.session;
                    values.push_str(&postgres::catalog::sequence(session, sequence)?);
                }
                let shape = postgres::shape::dump(source, limits, snapshot, "post-data")?;
                Ok(Box::new(io::Cursor::new(values.into_bytes()).chain(shape)))
            }
        }
    }
}

type Starter<'a> = dyn FnMut(usize) -> Result<Option<Box<dyn Read + 'a>>, Error> + 'a;

/// Several outputs one after the other, each begun when the one before has ended.
struct Several<'a> {
    now: Option<Box<dyn Read + 'a>>,
    next: usize,
    start: Box<Starter<'a>>,
}

impl Read for Several<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(now) = &mut self.now {
                let read = now.read(into)?;
                if read > 0 || into.is_empty() {
                    return Ok(read);
                }
            }
            self.now = (self.start)(self.next).map_err(io::Error::other)?;
            self.next += 1;
            if self.now.is_none() {
                return Ok(0);
            }
        }
    }
}

fn begin_mariadb(
    source: &Source,
    limits: &Limits,
) -> Result<(Session, Catalog, Vec<Problem>), Error> {
    let database = source.url.to_string();
    let mut session = mariadb::open(source, limits)?;
    let statements = [
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        "SAVEPOINT reprise",
    ];
    session.tell("begin a transaction of", &database, &statements)?;
    let catalog = mariadb::catalog::read(&mut session)?;
    if catalog.tables.is_empty() {
        return Err(Error::Empty { database });
    }
    let mut problems = mariadb::catalog::unseen(&mut session)?;
    problems.extend(mariadb::catalog::problems(&catalog, &database));
    Ok((session, Catalog::MariaDb(catalog), problems))
}

fn begin_postgres(
    source: &Source,
    limits: &Limits,
) -> Result<(Session, Catalog, Vec<Problem>), Error> {
    let database = source.url.to_string();
    let mut session = postgres::open(source, limits)?;
    let begin = ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"];
    session.tell("begin a transaction of", &database, &begin)?;
    let export = "SELECT pg_export_snapshot()";
    let rows = session.rows("fix the instant of", &database, export)?;
    let snapshot = rows.into_iter().flatten().next().unwrap_or_default();
    let catalog = postgres::catalog::read(&mut session)?;
    if catalog.tables.is_empty() {
        return Err(Error::Empty { database });
    }
    // A table that is emptied or rewritten meanwhile would look empty to this instant: like pg_dump, keep such away.
    for table in &catalog.tables {
        let lock = format!("LOCK TABLE ONLY {} IN ACCESS SHARE MODE", table.named.sql());
        let locked = session.tell("read", &table.named.shown(), &[lock]);
        locked.map_err(|error| {
            locked_by(error, "locked by", || {
                let mut session = postgres::open(source, limits)?;
                postgres::catalog::holders(&mut session, &table.named)
            })
        })?;
    }
    let problems = postgres::catalog::problems(&catalog, &database);
    Ok((session, Catalog::PostgreSql { catalog, snapshot }, problems))
}

/// Adds to a wait for a lock who may hold it, when the server tells.
fn locked_by(error: Error, what: &str, who: impl FnOnce() -> Result<Vec<String>, Error>) -> Error {
    let Error::Refused {
        doing,
        object,
        cause: crate::Cause::Locked,
        said,
    } = error
    else {
        return error;
    };
    let said = match who() {
        Ok(who) if !who.is_empty() => format!("{said} ({what}: {})", who.join("; ")),
        _ => said,
    };
    Error::Refused {
        doing,
        object,
        cause: crate::Cause::Locked,
        said,
    }
}

/// Counts the tables of a database as a dump with that hash does; file names are empty. Rows written meanwhile may or may not be counted.
pub fn count(source: &Source, limits: &Limits, hash: RowHash) -> Result<Counted, Error> {
    match source.engine() {
        Engine::MariaDb => {
            let mut session = mariadb::open(source, limits)?;
            let catalog = mariadb::catalog::read(&mut session)?;
            let mut tables = Vec::new();
            for table in &catalog.tables {
                let (rows, checksum) = mariadb::catalog::count(&mut session, table, hash)?;
                tables.push(Table {
                    schema: None,
                    name: table.name.clone(),
                    file: String::new(),
                    rows,
                    checksum,
                    exact: table.transactional,
                });
            }
            Ok(Counted {
                tables,
                views: catalog.views.len() as u64,
                triggers: catalog.triggers,
                routines: catalog.routines,
                events: catalog.events,
            })
        }
        Engine::PostgreSql => {
            let mut session = postgres::open(source, limits)?;
            let catalog = postgres::catalog::read(&mut session)?;
            let mut tables = Vec::new();
            for table in &catalog.tables {
                let (rows, checksum) = postgres::catalog::count(&mut session, &table.named)?;
                let schema = &table.named.schema;
                tables.push(Table {
                    schema: (schema != "public").then(|| schema.clone()),
                    name: table.named.name.clone(),
                    file: String::new(),
                    rows,
                    checksum,
                    exact: true,
                });
            }
            Ok(Counted {
                tables,
                views: catalog.views,
                triggers: catalog.triggers,
                routines: catalog.routines,
                events: 0,
            })
        }
    }
}

/// What a database holds, to be compared with a [`Manifest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    pub tables: Vec<Table>,
    pub views: u64,
    pub triggers: u64,
    pub routines: u64,
    pub events: u64,
}

/// A session for queries of one's own, with the settings of a dump.
pub fn open(source: &Source, limits: &Limits) -> Result<Session, Error> {
    match source.engine() {
        Engine::MariaDb => mariadb::open(source, limits),
        Engine::PostgreSql => postgres::open(source, limits),
    }
}
