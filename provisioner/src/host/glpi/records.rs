//! The table of what GLPI was sent.

use super::Standing;
use crate::host::{Error, HostId};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use state::{Db, Timestamp};
use std::collections::HashMap;

const ALL: &str = "SELECT host, accepted_digest, accepted_ms, pending_digest, request, questions, \
     attempts, next_ms, problem, asked_ms FROM glpi_push";

pub(super) async fn all(db: &Db) -> Result<HashMap<String, Standing>, sqlx::Error> {
    let rows = sqlx::query(ALL).fetch_all(db.read()).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("host")?, standing(row)?)))
        .collect()
}

/// Before the first attempt, all empty.
pub(super) async fn of(db: &Db, host: &HostId) -> Result<Standing, sqlx::Error> {
    let row = sqlx::query(
        "SELECT host, accepted_digest, accepted_ms, pending_digest, request, questions, \
         attempts, next_ms, problem, asked_ms FROM glpi_push WHERE host = $1",
    )
    .bind(host.as_str())
    .fetch_optional(db.read())
    .await?;
    row.map_or_else(|| Ok(Standing::default()), |row| standing(&row))
}

/// When somebody last asked to send something again; 0 = never.
pub(super) async fn last_asked(db: &Db) -> Result<Timestamp, sqlx::Error> {
    let row = sqlx::query("SELECT COALESCE(MAX(asked_ms), 0) AS asked_ms FROM glpi_push")
        .fetch_one(db.read())
        .await?;
    Ok(Timestamp(row.try_get("asked_ms")?))
}

fn standing(row: &AnyRow) -> Result<Standing, sqlx::Error> {
    Ok(Standing {
        accepted_digest: row.try_get("accepted_digest")?,
        accepted: row.try_get::<Option<i64>, _>("accepted_ms")?.map(Timestamp),
        pending_digest: row.try_get("pending_digest")?,
        request: row.try_get("request")?,
        questions: row.try_get("questions")?,
        attempts: row.try_get("attempts")?,
        next: Timestamp(row.try_get("next_ms")?),
        problem: row.try_get("problem")?,
        asked: Timestamp(row.try_get("asked_ms")?),
    })
}

/// What an answer to an attempt changed. Nothing is noted of a machine that was forgotten meanwhile, nor of one that
/// somebody asked to send again meanwhile.
pub(super) async fn note(
    db: &Db,
    host: &HostId,
    standing: Standing,
) -> Result<(), state::db::Error> {
    let host = host.clone();
    db.write(move |conn| {
        Box::pin(async move {
            let there = sqlx::query("SELECT id FROM host WHERE id = $1")
                .bind(host.as_str())
                .fetch_optional(&mut *conn)
                .await?;
            if there.is_none() {
                return Ok(());
            }
            sqlx::query(
                "INSERT INTO glpi_push (host, accepted_digest, accepted_ms, pending_digest, \
                 request, questions, attempts, next_ms, problem, asked_ms) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                 ON CONFLICT (host) DO UPDATE SET accepted_digest = excluded.accepted_digest, \
                 accepted_ms = excluded.accepted_ms, pending_digest = excluded.pending_digest, \
                 request = excluded.request, questions = excluded.questions, \
                 attempts = excluded.attempts, next_ms = excluded.next_ms, \
                 problem = excluded.problem WHERE glpi_push.asked_ms <= excluded.asked_ms",
            )
            .bind(host.as_str())
            .bind(standing.accepted_digest)
            .bind(standing.accepted.map(|at| at.0))
            .bind(standing.pending_digest)
            .bind(standing.request)
            .bind(standing.questions)
            .bind(standing.attempts)
            .bind(standing.next.0)
            .bind(standing.problem)
            .bind(standing.asked.0)
            .execute(conn)
            .await
            .map(drop)
        })
    })
    .await
}

/// They are sent again at once, from the beginning.
pub(super) async fn ask(db: &Db, hosts: Vec<HostId>, now: Timestamp) -> Result<(), Error> {
    let done = db.write(move |conn| {
        Box::pin(async move {
            for host in hosts {
                sqlx::query(
                    "INSERT INTO glpi_push (host, accepted_digest, accepted_ms, pending_digest, \
                     request, questions, attempts, next_ms, problem, asked_ms) \
                     VALUES ($1, '', NULL, '', '', 0, 0, 0, '', $2) \
                     ON CONFLICT (host) DO UPDATE SET accepted_digest = '', pending_digest = '', \
                     request = '', questions = 0, attempts = 0, next_ms = 0, problem = '', \
                     asked_ms = excluded.asked_ms",
                )
                .bind(host.as_str())
                .bind(now.0)
                .execute(&mut *conn)
                .await?;
            }
            Ok(())
        })
    });
    Ok(done.await?)
}

pub(crate) async fn remove(conn: &mut AnyConnection, id: &HostId) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM glpi_push WHERE host = $1")
        .bind(id.as_str())
        .execute(conn)
        .await
        .map(drop)
}
