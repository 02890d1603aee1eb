//! The database handle: SQLite by default, PostgreSQL by URL, through sqlx's `any` driver.
//!
//! Rules that keep one SQL text valid on both: only TEXT, BIGINT and DOUBLE PRECISION columns,
//! `$1` placeholders, no RETURNING tricks, no AUTOINCREMENT.
//!
//! One task owns every write. SQLite's deferred BEGIN answers SQLITE_BUSY_SNAPSHOT to a second
//! writer and no timeout cures that; PostgreSQL has no BEGIN IMMEDIATE. A single writer needs
//! neither, and can commit many waiting writes with one fsync.

use crate::clock::Timestamp;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::any::{AnyPoolOptions, install_default_drivers};
use sqlx::{AnyConnection, AnyPool, Connection, Executor, Row};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("open the database {url}: {source}")]
    Open { url: String, source: sqlx::Error },
    #[error("query the database: {0}")]
    Query(#[from] sqlx::Error),
    #[error(
        "write to the database: its writer has stopped; see the log for the first error, then restart reprise"
    )]
    WriterGone,
    #[error("bring the tables of {package} to step {step}: {source}")]
    Migrate {
        package: &'static str,
        step: usize,
        source: sqlx::Error,
    },
    #[error(
        "read the tables of {package}: they are at step {found}, newer than this version ({known}); start the newer reprise, or restore the state saved before the upgrade"
    )]
    Newer {
        package: &'static str,
        found: i64,
        known: usize,
    },
    #[error(
        "copy the database: only SQLite copies itself; save a PostgreSQL database with pg_dump"
    )]
    CopyNotSqlite,
}

/// One package's tables: the statements that made them, in order. Steps are only ever added.
#[derive(Clone, Copy, Debug)]
pub struct Tables {
    pub package: &'static str,
    pub steps: &'static [&'static str],
}

/// How far the tables of each package are; a package that is not named has none.
pub type Steps = BTreeMap<String, i64>;

/// What a SQLite file holds, read without changing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    pub steps: Steps,
    /// Number of the newest fact in the journal; 0: none.
    pub journal_head: i64,
}

/// What a write does, inside one transaction of the writer task.
pub trait Write<T>:
    for<'c> FnOnce(&'c mut AnyConnection) -> BoxFuture<'c, Result<T, sqlx::Error>> + Send + 'static
{
}
impl<T, F> Write<T> for F where
    F: for<'c> FnOnce(&'c mut AnyConnection) -> BoxFuture<'c, Result<T, sqlx::Error>>
        + Send
        + 'static
{
}

trait Job: Send {
    /// Runs once; says whether its changes are to be kept.
    fn run<'c>(&'c mut self, conn: &'c mut AnyConnection) -> BoxFuture<'c, bool>;
    /// Tells the caller, after the commit that holds its changes, or that it failed.
    fn finish(self: Box<Self>, commit: Result<(), String>);
}

struct Pending<T, F> {
    write: Option<F>,
    result: Option<Result<T, sqlx::Error>>,
    reply: oneshot::Sender<Result<T, sqlx::Error>>,
}

impl<T: Send + 'static, F: Write<T>> Job for Pending<T, F> {
    fn run<'c>(&'c mut self, conn: &'c mut AnyConnection) -> BoxFuture<'c, bool> {
        async move {
            let Some(write) = self.write.take() else {
                return false;
            };
            // A fault in one write must not end the task that every other write needs.
            let caught = AssertUnwindSafe(async move { write(conn).await })
                .catch_unwind()
                .await;
            let result = caught.unwrap_or_else(|_| {
                let why = "the write stopped on a fault of reprise itself; the log has it";
                Err(sqlx::Error::Protocol(why.to_owned()))
            });
            let keep = result.is_ok();
            self.result = Some(result);
            keep
        }
        .boxed()
    }

    fn finish(self: Box<Self>, commit: Result<(), String>) {
        let result = match (self.result, commit) {
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Err(error)), _) => Err(error),
            (_, Err(why)) => Err(sqlx::Error::Protocol(why)),
            (None, Ok(())) => Err(sqlx::Error::WorkerCrashed),
        };
        // The caller may have gone away; the write stays committed.
        let _ = self.reply.send(result);
    }
}

/// Cloning shares the same database.
#[derive(Clone)]
pub struct Db {
    readers: AnyPool,
    writer: mpsc::Sender<Box<dyn Job>>,
    commits: watch::Receiver<u64>,
    url: String,
}

/// Most writes waiting at once; more wait for a place (bounded memory).
const QUEUE: usize = 256;
/// Most writes sharing one commit.
const GROUP: usize = 64;

impl Db {
    /// Opens (SQLite: creates) the database, and brings the journal's tables up to date.
    pub async fn open(url: &str) -> Result<Db, Error> {
        install_default_drivers();
        let opened = |source| Error::Open {
            url: without_password(url),
            source,
        };
        let sqlite = url.starts_with("sqlite:");
        let writer = AnyPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(10))
            .after_connect(move |conn, _| tune(conn, sqlite, false))
            .connect(url)
            .await
            .map_err(opened)?;
        let readers = AnyPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(10))
            .after_connect(move |conn, _| tune(conn, sqlite, true))
            .connect(url)
            .await
            .map_err(opened)?;
        let (sender, receiver) = mpsc::channel(QUEUE);
        let (commits, watched) = watch::channel(0);
        tokio::spawn(write_in_groups(writer, receiver, commits));
        let db = Db {
            readers,
            writer: sender,
            commits: watched,
            url: url.to_owned(),
        };
        db.migrate(SCHEMA).await?;
        Ok(db)
    }

    /// The SQLite file inside a state folder.
    pub async fn open_file(path: &Path) -> Result<Db, Error> {
        Db::open(&format!("sqlite://{}?mode=rwc", path.display())).await
    }

    /// Runs `write` in the writer's transaction; returns after the commit is on disk.
    ///
    /// `write` may run beside others in one transaction, each under its own savepoint: its error
    /// undoes its own changes only.
    pub async fn write<T, F>(&self, write: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Write<T>,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Pending {
            write: Some(write),
            result: None,
            reply,
        });
        self.writer.send(job).await.map_err(|_| Error::WriterGone)?;
        Ok(answer.await.map_err(|_| Error::WriterGone)??)
    }

    /// The pool for reads. On SQLite it refuses writes.
    pub fn read(&self) -> &AnyPool {
        &self.readers
    }

    /// Wakes after every commit.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.clone()
    }

    /// Brings one package's tables up to date. A step is one or more statements and runs in one
    /// transaction with its own mark.
    pub async fn migrate(&self, tables: Tables) -> Result<(), Error> {
        let Tables { package, steps } = tables;
        let failed = |step| {
            move |source| Error::Migrate {
                package,
                step,
                source,
            }
        };
        let create = "CREATE TABLE IF NOT EXISTS migration \
                      (package TEXT NOT NULL, step BIGINT NOT NULL, PRIMARY KEY (package, step))";
        self.write(move |conn| async move { conn.execute(create).await.map(drop) }.boxed())
            .await?;
        let row =
            sqlx::query("SELECT COALESCE(MAX(step), 0) AS step FROM migration WHERE package = $1")
                .bind(package)
                .fetch_one(self.read())
                .await?;
        let found: i64 = row.try_get("step")?;
        let done = usize::try_from(found).unwrap_or(0);
        if done > steps.len() {
            return Err(Error::Newer {
                package,
                found,
                known: steps.len(),
            });
        }
        for (index, sql) in steps.iter().enumerate().skip(done) {
            let step = index + 1;
            self.write(move |conn| {
                async move {
                    sqlx::raw_sql(*sql).execute(&mut *conn).await?;
                    sqlx::query("INSERT INTO migration (package, step) VALUES ($1, $2)")
                        .bind(package)
                        .bind(i64::try_from(step).unwrap_or(i64::MAX))
                        .execute(conn)
                        .await
                        .map(drop)
                }
                .boxed()
            })
            .await
            .map_err(|e| match e {
                Error::Query(source) => failed(step)(source),
                other => other,
            })?;
        }
        Ok(())
    }

    /// Writes a consistent copy of a SQLite database to `path` (which must not exist), while
    /// others read and write.
    pub async fn copy_to(&self, path: &Path) -> Result<(), Error> {
        if !self.url.starts_with("sqlite:") {
            return Err(Error::CopyNotSqlite);
        }
        // A connection of its own: `query_only` on the readers refuses VACUUM INTO too, and the
        // writer must not wait for the copy.
        copy(AnyConnection::connect(&self.url).await?, path).await
    }
}

/// What the SQLite file `path` holds. Its tables stay as they are, whichever version made them.
pub async fn contents(path: &Path) -> Result<Contents, Error> {
    let mut conn = connect_file(path).await?;
    // SQLite's own table: not a statement for PostgreSQL.
    let ours = "SELECT COUNT(*) AS n FROM sqlite_master WHERE type = 'table' AND name IN ('migration', 'journal')";
    let tables: i64 = conn.fetch_one(ours).await?.try_get("n")?;
    let mut found = Contents {
        steps: Steps::new(),
        journal_head: 0,
    };
    if tables == 2 {
        let rows = sqlx::query("SELECT package, MAX(step) AS step FROM migration GROUP BY package")
            .fetch_all(&mut conn)
            .await?;
        for row in rows {
            found
                .steps
                .insert(row.try_get("package")?, row.try_get("step")?);
        }
        let head = sqlx::query("SELECT COALESCE(MAX(number), 0) AS head FROM journal");
        found.journal_head = head.fetch_one(&mut conn).await?.try_get("head")?;
    }
    conn.close().await?;
    Ok(found)
}

/// Is every page of the SQLite file `path` sound? An error says what is not.
pub async fn check_file(path: &Path) -> Result<(), Error> {
    let mut conn = connect_file(path).await?;
    let row = conn.fetch_one("PRAGMA quick_check(1)").await?;
    conn.close().await?;
    match row.try_get::<String, _>(0)?.as_str() {
        "ok" => Ok(()),
        what => Err(Error::Query(sqlx::Error::Protocol(what.to_owned()))),
    }
}

/// Writes a consistent copy of the SQLite file `from` to `to` (which must not exist), and leaves in `from` everything that
/// SQLite kept beside it.
pub async fn copy_file(from: &Path, to: &Path) -> Result<(), Error> {
    let mut conn = connect_file(from).await?;
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
    copy(conn, to).await
}

async fn connect_file(path: &Path) -> Result<AnyConnection, Error> {
    install_default_drivers();
    let url = format!("sqlite://{}?mode=rw", path.display());
    let opened = AnyConnection::connect(&url).await;
    let mut conn = opened.map_err(|source| Error::Open { url, source })?;
    conn.execute("PRAGMA busy_timeout = 10000").await?;
    Ok(conn)
}

async fn copy(mut conn: AnyConnection, to: &Path) -> Result<(), Error> {
    sqlx::query("VACUUM INTO $1")
        .bind(to.display().to_string())
        .execute(&mut conn)
        .await?;
    conn.close().await?;
    Ok(())
}

/// The journal's.
pub const SCHEMA: Tables = Tables {
    package: "state",
    steps: JOURNAL,
};

const JOURNAL: &[&str] = &[
    "CREATE TABLE journal (number BIGINT PRIMARY KEY, at_ms BIGINT NOT NULL, \
     kind TEXT NOT NULL, fact TEXT NOT NULL)",
    "CREATE INDEX journal_kind ON journal (kind, number)",
];

fn tune(
    conn: &mut AnyConnection,
    sqlite: bool,
    read_only: bool,
) -> BoxFuture<'_, Result<(), sqlx::Error>> {
    async move {
        if sqlite {
            conn.execute("PRAGMA busy_timeout = 10000").await?;
            conn.execute("PRAGMA foreign_keys = ON").await?;
            if read_only {
                conn.execute("PRAGMA query_only = ON").await?;
            } else {
                conn.execute("PRAGMA journal_mode = WAL").await?;
                conn.execute("PRAGMA synchronous = FULL").await?;
            }
        }
        Ok(())
    }
    .boxed()
}

async fn write_in_groups(
    pool: AnyPool,
    mut jobs: mpsc::Receiver<Box<dyn Job>>,
    commits: watch::Sender<u64>,
) {
    let mut group = Vec::with_capacity(GROUP);
    while jobs.recv_many(&mut group, GROUP).await > 0 {
        let outcome = commit_group(&pool, &mut group).await;
        if let Err(why) = &outcome {
            tracing::error!(error = %why, "failed to commit to the database; the writes in this group were refused");
        }
        commits.send_modify(|n| *n += 1);
        for job in group.drain(..) {
            job.finish(outcome.clone());
        }
    }
    pool.close().await;
}

async fn commit_group(pool: &AnyPool, group: &mut [Box<dyn Job>]) -> Result<(), String> {
    let text = |e: sqlx::Error| e.to_string();
    let mut conn = pool.acquire().await.map_err(text)?;
    let mut transaction = conn.begin().await.map_err(text)?;
    for job in group.iter_mut() {
        let mut savepoint = transaction.begin().await.map_err(text)?;
        let keep = job.run(&mut savepoint).await;
        if keep {
            savepoint.commit().await.map_err(text)?;
        } else {
            savepoint.rollback().await.map_err(text)?;
        }
    }
    transaction.commit().await.map_err(text)
}

/// The URL as it may be shown: `postgres://user:…@host/db`.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((login, host)) => {
            let user = login.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:…@{host}")
        }
        None => url.to_owned(),
    }
}

/// When something was written, as stored.
impl From<Timestamp> for i64 {
    fn from(t: Timestamp) -> i64 {
        t.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal;
    use crate::wire::Fact;

    struct Temp(std::path::PathBuf);
    impl Drop for Temp {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
    fn temp() -> Temp {
        let dir = std::env::temp_dir().join(format!("reprise-db-{}", crate::id::new()));
        std::fs::create_dir_all(&dir).expect("temp");
        Temp(dir)
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(
            without_password("postgres://me:s3cret@db.lan/reprise"),
            "postgres://me:…@db.lan/reprise"
        );
        assert_eq!(without_password("sqlite:///x"), "sqlite:///x");
    }

    #[tokio::test]
    async fn a_failed_write_undoes_only_itself() {
        let dir = temp();
        let db = Db::open_file(&dir.0.join("state.db")).await.expect("open");
        let (good, bad, also) = tokio::join!(
            journal::record(&db, Timestamp(1), Fact::ApplianceStopped),
            db.write(|conn| {
                async move {
                    journal::append(&mut *conn, Timestamp(2), &Fact::ApplianceStopped).await?;
                    Err::<(), _>(sqlx::Error::RowNotFound)
                }
                .boxed()
            }),
            journal::record(
                &db,
                Timestamp(3),
                Fact::ApplianceStarted {
                    version: "1".into()
                }
            ),
        );
        good.expect("good");
        assert!(bad.is_err());
        also.expect("also");
        let kept: Vec<i64> = journal::after(&db, 0, 10)
            .await
            .expect("read")
            .iter()
            .map(|e| e.at.0)
            .collect();
        assert_eq!(kept, [1, 3]);
        assert_eq!(journal::head(&db).await.expect("head"), 2);
    }

    #[tokio::test]
    async fn a_trouble_that_lasts_does_not_scroll_away() {
        let dir = temp();
        let db = Db::open_file(&dir.0.join("state.db")).await.expect("open");
        let trouble = Fact::Trouble {
            object: "target nas".into(),
            sentence: "it is off".into(),
        };
        journal::record(&db, Timestamp(1), trouble.clone())
            .await
            .expect("record");
        db.write(|conn| {
            async move {
                for at in 2..3000 {
                    journal::append(&mut *conn, Timestamp(at), &Fact::ApplianceStopped).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
        .expect("much else");
        let found = journal::troubles(&db, 2000).await.expect("read");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].fact, trouble);
    }

    #[tokio::test]
    async fn a_write_that_panics_undoes_only_itself_and_the_next_ones_go_on() {
        let dir = temp();
        let db = Db::open_file(&dir.0.join("state.db")).await.expect("open");
        let before_it_begins =
            db.write(|_| -> BoxFuture<'_, Result<(), _>> { panic!("a fault, made by the test") });
        assert!(before_it_begins.await.is_err());
        let (in_the_middle, beside) = tokio::join!(
            db.write(|conn| {
                async move {
                    journal::append(&mut *conn, Timestamp(1), &Fact::ApplianceStopped).await?;
                    i64::try_from(u64::MAX).expect("a fault, made by the test");
                    Ok(())
                }
                .boxed()
            }),
            journal::record(&db, Timestamp(2), Fact::ApplianceStopped),
        );
        assert!(in_the_middle.is_err());
        beside.expect("beside it");
        journal::record(&db, Timestamp(3), Fact::ApplianceStopped)
            .await
            .expect("after it");
        let kept = journal::after(&db, 0, 10).await.expect("read");
        let kept: Vec<i64> = kept.iter().map(|e| e.at.0).collect();
        assert_eq!(kept, [2, 3]);
    }

    #[tokio::test]
    async fn steps_run_once_and_a_newer_database_is_refused() {
        let dir = temp();
        let db = Db::open_file(&dir.0.join("state.db")).await.expect("open");
        const TWO: &[&str] = &[
            "CREATE TABLE thing (name TEXT PRIMARY KEY)",
            "INSERT INTO thing (name) VALUES ('a')",
        ];
        let thing = |steps| Tables {
            package: "thing",
            steps,
        };
        db.migrate(thing(TWO)).await.expect("first");
        db.migrate(thing(TWO)).await.expect("again");
        let row = sqlx::query("SELECT COUNT(*) AS n FROM thing")
            .fetch_one(db.read())
            .await
            .expect("count");
        assert_eq!(row.get::<i64, _>("n"), 1);
        assert!(matches!(
            db.migrate(thing(&TWO[..1])).await,
            Err(Error::Newer { found: 2, .. })
        ));
    }

    #[tokio::test]
    async fn readers_cannot_write_and_a_copy_opens() {
        let dir = temp();
        let db = Db::open_file(&dir.0.join("state.db")).await.expect("open");
        assert!(
            sqlx::query("DELETE FROM journal")
                .execute(db.read())
                .await
                .is_err()
        );
        journal::record(&db, Timestamp(7), Fact::ApplianceStopped)
            .await
            .expect("record");
        let copy = dir.0.join("copy.db");
        db.copy_to(&copy).await.expect("copy");
        let second = Db::open_file(&copy).await.expect("open copy");
        assert_eq!(journal::head(&second).await.expect("head"), 1);
    }
}
