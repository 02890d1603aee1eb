//! The table `run`.

use super::{Run, RunId};
use crate::proof::records as proof;
use crate::records::{
    PROBLEMS_KEPT, Problem, count, moment, outcome_of, outcome_text, problems_of, stored,
};
use crate::schedule::History;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};
use state::db::Error;
use state::wire::{Fact, Outcome};
use state::{Db, Timestamp, journal};

const RUN: &str = "SELECT id, plan, target, vault, asked_by, queued_ms, started_ms, finished_ms, outcome, \
                   snapshot, files, read_bytes, stored_bytes, problems, took_ms, detail FROM run";

fn run_of(row: &AnyRow) -> Result<Run, sqlx::Error> {
    Ok(Run {
        id: RunId(row.try_get("id")?),
        plan: row.try_get("plan")?,
        target: row.try_get("target")?,
        vault: row.try_get("vault")?,
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
    let rows = sqlx::query(AssertSqlSafe(format!(
        "{RUN} ORDER BY number DESC LIMIT $1"
    )))
    .bind(limit)
    .fetch_all(db.read())
    .await?;
    Ok(rows.iter().map(run_of).collect::<Result<_, _>>()?)
}

pub async fn run(db: &Db, id: &RunId) -> Result<Option<Run>, Error> {
    let row = sqlx::query(AssertSqlSafe(format!("{RUN} WHERE id = $1")))
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

/// Queues a run, unless one of the same plan and target is queued or going on: then it is that one.
/// Says whether the run is new.
pub(crate) async fn queue(db: &Db, run: Run) -> Result<(RunId, bool), Error> {
    db.write(move |conn| {
        Box::pin(async move {
            let open = sqlx::query(
                "SELECT id FROM run WHERE plan = $1 AND target = $2 AND outcome IS NULL",
            )
            .bind(run.plan.clone())
            .bind(run.target.clone())
            .fetch_optional(&mut *conn)
            .await?;
            if let Some(row) = open {
                return Ok((RunId(row.try_get("id")?), false));
            }
            sqlx::query(
                "INSERT INTO run (id, number, plan, target, asked_by, queued_ms, files, read_bytes, \
                 stored_bytes, problems, took_ms) \
                 SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, 0, 0, 0, 0, 0 FROM run",
            )
            .bind(run.id.0.clone())
            .bind(run.plan)
            .bind(run.target)
            .bind(run.by)
            .bind(run.queued.0)
            .execute(conn)
            .await?;
            Ok((run.id, true))
        })
    })
    .await
}

pub(crate) async fn start(db: &Db, run: &Run, now: Timestamp) -> Result<(), Error> {
    let fact = Fact::RunStarted {
        run: run.id.to_string(),
        plan: run.plan.clone(),
        target: run.target.clone(),
    };
    let id = run.id.0.clone();
    db.write(move |conn| {
        Box::pin(async move {
            sqlx::query("UPDATE run SET started_ms = $1 WHERE id = $2")
                .bind(now.0)
                .bind(id)
                .execute(&mut *conn)
                .await?;
            journal::append(conn, now, &fact).await
        })
    })
    .await
}

/// The vault was opened.
pub(crate) async fn opened(db: &Db, run: &Run) -> Result<(), Error> {
    let (id, vault) = (run.id.0.clone(), run.vault.clone());
    db.write(move |conn| {
        Box::pin(async move {
            sqlx::query("UPDATE run SET vault = $1 WHERE id = $2")
                .bind(vault)
                .bind(id)
                .execute(conn)
                .await
                .map(drop)
        })
    })
    .await
}

/// Writes how a run ended; `run.outcome` and `run.finished` are set.
pub(crate) async fn finish(db: &Db, run: &Run, problems: Vec<Problem>) -> Result<(), Error> {
    let run = run.clone();
    db.write(move |conn| {
        Box::pin(async move {
            end(conn, &run).await?;
            for (number, problem) in problems.into_iter().take(PROBLEMS_KEPT).enumerate() {
                sqlx::query(
                    "INSERT INTO run_problem (run, number, object, what) VALUES ($1, $2, $3, $4)",
                )
                .bind(run.id.0.clone())
                .bind(i64::try_from(number).unwrap_or(i64::MAX))
                .bind(problem.object)
                .bind(problem.what)
                .execute(&mut *conn)
                .await?;
            }
            Ok(())
        })
    })
    .await
}

async fn end(conn: &mut AnyConnection, run: &Run) -> Result<(), sqlx::Error> {
    let outcome = run.outcome.unwrap_or(Outcome::Failed);
    let finished = run.finished.unwrap_or(run.queued);
    sqlx::query(
        "UPDATE run SET finished_ms = $1, outcome = $2, snapshot = $3, files = $4, read_bytes = $5, \
         stored_bytes = $6, problems = $7, took_ms = $8, detail = $9 WHERE id = $10",
    )
    .bind(finished.0)
    .bind(outcome_text(outcome))
    .bind(run.snapshot.clone())
    .bind(stored(run.files))
    .bind(stored(run.read_bytes))
    .bind(stored(run.stored_bytes))
    .bind(stored(run.problems))
    .bind(stored(run.took_ms))
    .bind(run.detail.clone())
    .bind(run.id.0.clone())
    .execute(&mut *conn)
    .await?;
    let fact = Fact::RunFinished {
        run: run.id.to_string(),
        plan: run.plan.clone(),
        target: run.target.clone(),
        outcome,
        snapshot: run.snapshot.clone(),
        problems: run.problems,
        read_bytes: run.read_bytes,
        stored_bytes: run.stored_bytes,
        took_ms: run.took_ms,
        detail: run.detail.clone(),
    };
    journal::append(conn, finished, &fact).await
}

/// Runs without an end, oldest first: going on here, or cut off when the appliance stopped.
pub(crate) async fn open(db: &Db) -> Result<Vec<Run>, Error> {
    let rows = sqlx::query(AssertSqlSafe(format!(
        "{RUN} WHERE outcome IS NULL ORDER BY number"
    )))
    .fetch_all(db.read())
    .await?;
    Ok(rows.iter().map(run_of).collect::<Result<_, _>>()?)
}

/// The newest runs of a plan on a target, newest first; of one vault there, where one is named. Those from the future
/// (the clock was wrong) are passed over.
pub(crate) async fn newest(
    db: &Db,
    plan: &str,
    target: &str,
    vault: Option<&str>,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Run>, Error> {
    let rows = sqlx::query(AssertSqlSafe(format!(
        "{RUN} WHERE plan = $1 AND target = $2 AND queued_ms <= $3 AND (vault = $4 OR $4 = '') \
         ORDER BY number DESC LIMIT $5"
    )))
    .bind(plan)
    .bind(target)
    .bind(now.0)
    .bind(vault.unwrap_or_default())
    .bind(limit)
    .fetch_all(db.read())
    .await?;
    Ok(rows.iter().map(run_of).collect::<Result<_, _>>()?)
}

/// The newest run of a plan on a target (on one vault there, where one is named) that left a snapshot.
pub(crate) async fn saved(
    db: &Db,
    plan: &str,
    target: &str,
    vault: Option<&str>,
) -> Result<Option<Run>, Error> {
    let row = sqlx::query(AssertSqlSafe(format!(
        "{RUN} WHERE plan = $1 AND target = $2 AND snapshot IS NOT NULL AND (vault = $3 OR $3 = '') \
         ORDER BY number DESC LIMIT 1"
    )))
    .bind(plan)
    .bind(target)
    .bind(vault.unwrap_or_default())
    .fetch_optional(db.read())
    .await?;
    Ok(row.as_ref().map(run_of).transpose()?)
}

/// What the schedule needs to know of a plan on a target (on the vault there now, where one is named).
pub(crate) async fn history(
    db: &Db,
    plan: &str,
    target: &str,
    vault: Option<&str>,
    now: Timestamp,
) -> Result<History, Error> {
    let newest = newest(db, plan, target, vault, now, 8).await?;
    let proof = proof::newest(db, plan, target).await?;
    let saved = saved(db, plan, target, vault).await?;
    let unproven = match saved.as_ref().and_then(|run| run.snapshot.as_deref()) {
        Some(snapshot) => !proof::proven(db, snapshot).await?,
        None => false,
    };
    let past = super::history(&newest);
    Ok(History {
        plan: plan.to_owned(),
        target: target.to_owned(),
        // A run that waits for its turn has opened no vault yet.
        busy: past.busy || waiting(db, plan, target).await?,
        last_proof: proof.filter(|p| p.at <= now).map(|p| (p.at, p.passed)),
        provable: saved.is_some(),
        unproven,
        proofs_cut_off: proof::cut_off(db, plan, target).await?,
        ..past
    })
}

async fn waiting(db: &Db, plan: &str, target: &str) -> Result<bool, Error> {
    let row = sqlx::query(
        "SELECT COUNT(*) AS waiting FROM run WHERE plan = $1 AND target = $2 AND outcome IS NULL",
    )
    .bind(plan)
    .bind(target)
    .fetch_one(db.read())
    .await?;
    Ok(row.try_get::<i64, _>("waiting")? > 0)
}
