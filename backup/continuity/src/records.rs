//! Every SQL statement of this package. Each write appends its fact in the same transaction.

use crate::proof::{Proof, ProofId};
use crate::restore::{Restore, RestoreId};
use crate::run::{Run, RunId};
use crate::schedule::History;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use state::db::Error;
use state::wire::{Fact, Outcome};
use state::{Db, Timestamp, journal};

const TABLES: &[&str] = &["CREATE TABLE run (\
       id TEXT PRIMARY KEY, number BIGINT NOT NULL, plan TEXT NOT NULL, target TEXT NOT NULL, \
       asked_by TEXT NOT NULL, queued_ms BIGINT NOT NULL, started_ms BIGINT, finished_ms BIGINT, \
       outcome TEXT, snapshot TEXT, files BIGINT NOT NULL, read_bytes BIGINT NOT NULL, \
       stored_bytes BIGINT NOT NULL, problems BIGINT NOT NULL, took_ms BIGINT NOT NULL, detail TEXT);\
     CREATE INDEX run_newest ON run (plan, target, number);\
     CREATE INDEX run_number ON run (number);\
     CREATE TABLE run_problem (\
       run TEXT NOT NULL, number BIGINT NOT NULL, object TEXT NOT NULL, what TEXT NOT NULL, \
       PRIMARY KEY (run, number));\
     CREATE TABLE proof (\
       id TEXT PRIMARY KEY, number BIGINT NOT NULL, plan TEXT NOT NULL, target TEXT NOT NULL, \
       snapshot TEXT NOT NULL, level TEXT NOT NULL, passed BIGINT NOT NULL, files BIGINT NOT NULL, \
       bytes BIGINT NOT NULL, took_ms BIGINT NOT NULL, at_ms BIGINT NOT NULL, detail TEXT, \
       evidence TEXT NOT NULL);\
     CREATE INDEX proof_newest ON proof (plan, target, number);\
     CREATE INDEX proof_number ON proof (number);\
     CREATE TABLE restore_job (\
       id TEXT PRIMARY KEY, number BIGINT NOT NULL, target TEXT NOT NULL, snapshot TEXT NOT NULL, \
       destination TEXT NOT NULL, asked_by TEXT NOT NULL, started_ms BIGINT NOT NULL, \
       finished_ms BIGINT, outcome TEXT, files BIGINT NOT NULL, bytes BIGINT NOT NULL, \
       problems BIGINT NOT NULL, took_ms BIGINT NOT NULL, detail TEXT);\
     CREATE INDEX restore_job_number ON restore_job (number);\
     CREATE TABLE restore_problem (\
       restore_job TEXT NOT NULL, number BIGINT NOT NULL, object TEXT NOT NULL, what TEXT NOT NULL, \
       PRIMARY KEY (restore_job, number));\
     CREATE TABLE planned (plan TEXT PRIMARY KEY, hour TEXT NOT NULL, since_ms BIGINT NOT NULL);\
     CREATE TABLE trouble (object TEXT PRIMARY KEY, kind TEXT NOT NULL, sentence TEXT NOT NULL, \
       since_ms BIGINT NOT NULL);\
     CREATE TABLE key_confirmed (target TEXT PRIMARY KEY, asked_by TEXT NOT NULL, at_ms BIGINT NOT NULL);"];

/// Brings this package's tables up to date.
pub async fn migrate(db: &Db) -> Result<(), Error> {
    db.migrate("continuity", TABLES).await
}

/// Most problems kept per run or restore; the rest are counted only.
pub const PROBLEMS_KEPT: usize = 1000;

/// A part that went wrong in a run or a restore, as kept.
pub type Problem = vault::Problem;

fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

fn stored(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn outcome_text(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Problems => "problems",
        Outcome::Failed => "failed",
        Outcome::Cancelled => "cancelled",
        Outcome::Interrupted => "interrupted",
    }
}

fn outcome_of(text: &str) -> Outcome {
    match text {
        "done" => Outcome::Done,
        "problems" => Outcome::Problems,
        "cancelled" => Outcome::Cancelled,
        "interrupted" => Outcome::Interrupted,
        _ => Outcome::Failed,
    }
}

fn level_of(text: &str) -> config::Level {
    match text {
        "restored" => config::Level::Restored,
        "scrubbed" => config::Level::Scrubbed,
        _ => config::Level::Listed,
    }
}

fn moment(row: &AnyRow, column: &str) -> Result<Option<Timestamp>, sqlx::Error> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp))
}

const RUN: &str = "SELECT id, plan, target, asked_by, queued_ms, started_ms, finished_ms, outcome, \
                   snapshot, files, read_bytes, stored_bytes, problems, took_ms, detail FROM run";

fn run_of(row: &AnyRow) -> Result<Run, sqlx::Error> {
    Ok(Run {
        id: RunId(row.try_get("id")?),
        plan: row.try_get("plan")?,
        target: row.try_get("target")?,
        by: row.try_get("asked_by")?,
        queued: Timestamp(row.try_get("queued_ms")?),
        started: moment(row, "started_ms")?,
        finished: moment(row, "finished_ms")?,
        outcome: row
            .try_get::<Option<String>, _>("outcome")?
            .as_deref()
            .map(outcome_of),
        snapshot: row.try_get("snapshot")?,
        files: count(row.try_get("files")?),
        read_bytes: count(row.try_get("read_bytes")?),
        stored_bytes: count(row.try_get("stored_bytes")?),
        problems: count(row.try_get("problems")?),
        took_ms: count(row.try_get("took_ms")?),
        detail: row.try_get("detail")?,
    })
}

/// The newest `limit` runs, newest first.
pub async fn runs(db: &Db, limit: i64) -> Result<Vec<Run>, Error> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
        "{RUN} ORDER BY number DESC LIMIT $1"
    )))
    .bind(limit)
    .fetch_all(db.read())
    .await?;
    Ok(rows.iter().map(run_of).collect::<Result<_, _>>()?)
}

pub async fn run(db: &Db, id: &RunId) -> Result<Option<Run>, Error> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{RUN} WHERE id = $1")))
        .bind(id.as_str())
        .fetch_optional(db.read())
        .await?;
    Ok(row.as_ref().map(run_of).transpose()?)
}

/// What could not be saved in a run: the first [`PROBLEMS_KEPT`].
pub async fn problems(db: &Db, run: &RunId) -> Result<Vec<Problem>, Error> {
    let rows = sqlx::query("SELECT object, what FROM run_problem WHERE run = $1 ORDER BY number")
        .bind(run.as_str())
        .fetch_all(db.read())
        .await?;
    problems_of(&rows)
}

/// What could not be restored.
pub async fn restore_problems(db: &Db, restore: &RestoreId) -> Result<Vec<Problem>, Error> {
    let rows = sqlx::query(
        "SELECT object, what FROM restore_problem WHERE restore_job = $1 ORDER BY number",
    )
    .bind(restore.as_str())
    .fetch_all(db.read())
    .await?;
    problems_of(&rows)
}

fn problems_of(rows: &[AnyRow]) -> Result<Vec<Problem>, Error> {
    let list = rows.iter().map(|row| {
        Ok::<_, sqlx::Error>(Problem {
            object: row.try_get("object")?,
            what: row.try_get("what")?,
        })
    });
    Ok(list.collect::<Result<_, _>>()?)
}

const PROOF: &str = "SELECT id, plan, target, snapshot, level, passed, files, bytes, took_ms, at_ms, \
                     detail, evidence FROM proof";

fn proof_of(row: &AnyRow) -> Result<Proof, sqlx::Error> {
    let evidence: String = row.try_get("evidence")?;
    let passed: i64 = row.try_get("passed")?;
    Ok(Proof {
        id: ProofId(row.try_get("id")?),
        plan: row.try_get("plan")?,
        target: row.try_get("target")?,
        snapshot: row.try_get("snapshot")?,
        level: level_of(&row.try_get::<String, _>("level")?),
        passed: passed != 0,
        files: count(row.try_get("files")?),
        bytes: count(row.try_get("bytes")?),
        took_ms: count(row.try_get("took_ms")?),
        at: Timestamp(row.try_get("at_ms")?),
        detail: row.try_get("detail")?,
        evidence: serde_json::from_str(&evidence).map_err(|e| sqlx::Error::Decode(e.into()))?,
    })
}

/// The newest `limit` proofs, newest first.
pub async fn proofs(db: &Db, limit: i64) -> Result<Vec<Proof>, Error> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
        "{PROOF} ORDER BY number DESC LIMIT $1"
    )))
    .bind(limit)
    .fetch_all(db.read())
    .await?;
    Ok(rows.iter().map(proof_of).collect::<Result<_, _>>()?)
}

pub async fn proof(db: &Db, id: &ProofId) -> Result<Option<Proof>, Error> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{PROOF} WHERE id = $1")))
        .bind(id.as_str())
        .fetch_optional(db.read())
        .await?;
    Ok(row.as_ref().map(proof_of).transpose()?)
}

const RESTORE: &str = "SELECT id, target, snapshot, destination, asked_by, started_ms, finished_ms, \
                       outcome, files, bytes, problems, took_ms, detail FROM restore_job";

fn restore_of(row: &AnyRow) -> Result<Restore, sqlx::Error> {
    Ok(Restore {
        id: RestoreId(row.try_get("id")?),
        target: row.try_get("target")?,
        snapshot: row.try_get("snapshot")?,
        destination: row.try_get("destination")?,
        by: row.try_get("asked_by")?,
        started: Timestamp(row.try_get("started_ms")?),
        finished: moment(row, "finished_ms")?,
        outcome: row
            .try_get::<Option<String>, _>("outcome")?
            .as_deref()
            .map(outcome_of),
        files: count(row.try_get("files")?),
        bytes: count(row.try_get("bytes")?),
        problems: count(row.try_get("problems")?),
        took_ms: count(row.try_get("took_ms")?),
        detail: row.try_get("detail")?,
    })
}

/// The newest `limit` restores, newest first.
pub async fn restores(db: &Db, limit: i64) -> Result<Vec<Restore>, Error> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
        "{RESTORE} ORDER BY number DESC LIMIT $1"
    )))
    .bind(limit)
    .fetch_all(db.read())
    .await?;
    Ok(rows.iter().map(restore_of).collect::<Result<_, _>>()?)
}

pub async fn restore(db: &Db, id: &RestoreId) -> Result<Option<Restore>, Error> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{RESTORE} WHERE id = $1")))
        .bind(id.as_str())
        .fetch_optional(db.read())
        .await?;
    Ok(row.as_ref().map(restore_of).transpose()?)
}

/// Incidents that go on, oldest first.
pub async fn troubles(db: &Db) -> Result<Vec<crate::trouble::Trouble>, Error> {
    let rows = sqlx::query(
        "SELECT object, kind, sentence, since_ms FROM trouble ORDER BY since_ms, object",
    )
    .fetch_all(db.read())
    .await?;
    let list = rows.iter().map(|row| {
        Ok::<_, sqlx::Error>(crate::trouble::Trouble {
            object: row.try_get("object")?,
            kind: row.try_get("kind")?,
            sentence: row.try_get("sentence")?,
            since: Timestamp(row.try_get("since_ms")?),
        })
    });
    Ok(list.collect::<Result<_, _>>()?)
}

/// Which vault passwords were typed back, by whom, when.
pub async fn keys_confirmed(db: &Db) -> Result<Vec<crate::keys::Confirmed>, Error> {
    let rows = sqlx::query("SELECT target, asked_by, at_ms FROM key_confirmed ORDER BY target")
        .fetch_all(db.read())
        .await?;
    let list = rows.iter().map(|row| {
        Ok::<_, sqlx::Error>(crate::keys::Confirmed {
            target: row.try_get("target")?,
            by: row.try_get("asked_by")?,
            at: Timestamp(row.try_get("at_ms")?),
        })
    });
    Ok(list.collect::<Result<_, _>>()?)
}

pub(crate) async fn confirm_key(
    db: &Db,
    target: &str,
    by: &str,
    at: Timestamp,
) -> Result<(), Error> {
    let (target, by) = (target.to_owned(), by.to_owned());
    db.write(move |conn| {
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO key_confirmed (target, asked_by, at_ms) VALUES ($1, $2, $3) \
                 ON CONFLICT (target) DO UPDATE SET asked_by = excluded.asked_by, at_ms = excluded.at_ms",
            )
            .bind(target.clone())
            .bind(by.clone())
            .bind(at.0)
            .execute(&mut *conn)
            .await?;
            journal::append(conn, at, &Fact::KeyConfirmed { target, by }).await
        })
    })
    .await
}
