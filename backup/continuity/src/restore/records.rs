//! The table `restore_job`.

use super::{Destination, Restore, RestoreId, RestoreRequest};
use crate::records::{
    PROBLEMS_KEPT, Problem, count, moment, outcome_of, outcome_text, problems_of, stored,
};
use crate::wire::{Asked, Overwriting};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};
use state::db::Error;
use state::wire::{Fact, Outcome};
use state::{Db, Timestamp, journal};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use vault::restore::Overwrite;

/// What could not be restored.
pub async fn problems(db: &Db, restore: &RestoreId) -> Result<Vec<Problem>, Error> {
    let rows = sqlx::query(
        "SELECT object, what FROM restore_problem WHERE restore_job = $1 ORDER BY number",
    )
    .bind(restore.as_str())
    .fetch_all(db.read())
    .await?;
    problems_of(&rows)
}

const RESTORE: &str = "SELECT id, target, snapshot, destination, asked_by, started_ms, finished_ms, \
                       outcome, files, bytes, problems, took_ms, detail, resumed, asked FROM restore_job";

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
        resumed: count(row.try_get("resumed")?),
        asked: match row.try_get::<Option<String>, _>("asked")? {
            Some(asked) => request_of(row, &asked)?,
            None => None,
        },
    })
}

/// Nothing of what a later version asked for and this one does not know.
fn request_of(row: &AnyRow, asked: &str) -> Result<Option<RestoreRequest>, sqlx::Error> {
    let Ok(asked) = serde_json::from_str::<Asked>(asked) else {
        return Ok(None);
    };
    Ok(Some(RestoreRequest {
        target: row.try_get("target")?,
        snapshot: row.try_get("snapshot")?,
        paths: asked.paths,
        destination: Destination {
            server: asked.server,
            folder: Some(PathBuf::from(OsString::from_vec(asked.folder))),
        },
        overwrite: match asked.overwrite {
            Overwriting::Refuse => Overwrite::Refuse,
            Overwriting::Keep => Overwrite::Keep,
            Overwriting::Older => Overwrite::Older,
            Overwriting::Replace => Overwrite::Replace,
            Overwriting::Beside => Overwrite::Beside,
        },
    }))
}

fn asked_text(request: &RestoreRequest) -> Option<String> {
    let folder = request.destination.folder.as_ref()?;
    let asked = Asked {
        server: request.destination.server.clone(),
        paths: request.paths.clone(),
        folder: folder.as_os_str().as_bytes().to_vec(),
        overwrite: match request.overwrite {
            Overwrite::Refuse => Overwriting::Refuse,
            Overwrite::Keep => Overwriting::Keep,
            Overwrite::Older => Overwriting::Older,
            Overwrite::Replace => Overwriting::Replace,
            Overwrite::Beside => Overwriting::Beside,
        },
    };
    serde_json::to_string(&asked).ok()
}

/// The newest `limit` restores, newest first.
pub async fn restores(db: &Db, limit: i64) -> Result<Vec<Restore>, Error> {
    let rows = sqlx::query(AssertSqlSafe(format!(
        "{RESTORE} ORDER BY number DESC LIMIT $1"
    )))
    .bind(limit)
    .fetch_all(db.read())
    .await?;
    Ok(rows.iter().map(restore_of).collect::<Result<_, _>>()?)
}

pub async fn restore(db: &Db, id: &RestoreId) -> Result<Option<Restore>, Error> {
    let row = sqlx::query(AssertSqlSafe(format!("{RESTORE} WHERE id = $1")))
        .bind(id.as_str())
        .fetch_optional(db.read())
        .await?;
    Ok(row.as_ref().map(restore_of).transpose()?)
}

pub(crate) async fn insert(db: &Db, restore: &Restore) -> Result<(), Error> {
    let restore = restore.clone();
    db.write(move |conn| {
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO restore_job (id, number, target, snapshot, destination, asked_by, \
                 started_ms, files, bytes, problems, took_ms, asked) \
                 SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, $6, 0, 0, 0, 0, $7 \
                 FROM restore_job",
            )
            .bind(restore.id.0)
            .bind(restore.target)
            .bind(restore.snapshot)
            .bind(restore.destination)
            .bind(restore.by)
            .bind(restore.started.0)
            .bind(restore.asked.as_ref().and_then(asked_text))
            .execute(conn)
            .await?;
            Ok(())
        })
    })
    .await
}

/// A restore that ended goes on: it has no end any more, and its old problems are asked anew. False when somebody else
/// was quicker.
pub(crate) async fn reopen(db: &Db, id: &RestoreId) -> Result<bool, Error> {
    let id = id.0.clone();
    db.write(move |conn| {
        Box::pin(async move {
            let reopened = sqlx::query(
                "UPDATE restore_job SET finished_ms = NULL, outcome = NULL, detail = NULL, \
                 resumed = resumed + 1 WHERE id = $1 AND outcome IS NOT NULL",
            )
            .bind(id.clone())
            .execute(&mut *conn)
            .await?;
            if reopened.rows_affected() == 0 {
                return Ok(false);
            }
            sqlx::query("DELETE FROM restore_problem WHERE restore_job = $1")
                .bind(id)
                .execute(&mut *conn)
                .await?;
            Ok(true)
        })
    })
    .await
}

/// Writes how a restore ended; `outcome` and `finished` are set.
pub(crate) async fn finish(
    db: &Db,
    restore: &Restore,
    problems: Vec<Problem>,
) -> Result<(), Error> {
    let restore = restore.clone();
    db.write(move |conn| {
        Box::pin(async move {
            let outcome = restore.outcome.unwrap_or(Outcome::Failed);
            let finished = restore.finished.unwrap_or(restore.started);
            sqlx::query(
                "UPDATE restore_job SET finished_ms = $1, outcome = $2, files = $3, bytes = $4, \
                 problems = $5, took_ms = $6, detail = $7 WHERE id = $8",
            )
            .bind(finished.0)
            .bind(outcome_text(outcome))
            .bind(stored(restore.files))
            .bind(stored(restore.bytes))
            .bind(stored(restore.problems))
            .bind(stored(restore.took_ms))
            .bind(restore.detail)
            .bind(restore.id.0.clone())
            .execute(&mut *conn)
            .await?;
            for (number, problem) in problems.into_iter().take(PROBLEMS_KEPT).enumerate() {
                sqlx::query(
                    "INSERT INTO restore_problem (restore_job, number, object, what) \
                     VALUES ($1, $2, $3, $4)",
                )
                .bind(restore.id.0.clone())
                .bind(i64::try_from(number).unwrap_or(i64::MAX))
                .bind(problem.object)
                .bind(problem.what)
                .execute(&mut *conn)
                .await?;
            }
            let fact = Fact::Restored {
                snapshot: restore.snapshot,
                destination: restore.destination,
                by: restore.by,
                outcome,
                files: restore.files,
                bytes: restore.bytes,
                took_ms: restore.took_ms,
            };
            journal::append(conn, finished, &fact).await
        })
    })
    .await
}

/// Restores without an end, oldest first.
pub(crate) async fn open(db: &Db) -> Result<Vec<Restore>, Error> {
    let rows = sqlx::query(AssertSqlSafe(format!(
        "{RESTORE} WHERE outcome IS NULL ORDER BY number"
    )))
    .fetch_all(db.read())
    .await?;
    Ok(rows.iter().map(restore_of).collect::<Result<_, _>>()?)
}
