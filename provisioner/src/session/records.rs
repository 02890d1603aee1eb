//! The table of sessions.

use super::machine::{self, Event, Refused, Times};
use super::{Confirmation, Error, Session, SessionId, SessionState};
use crate::host::HostId;
use images::wire::Task;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use state::wire::Fact;
use state::{Db, Timestamp, journal};

const LIST: &str = "SELECT id, task, host, host_name, image, image_name, image_size_bytes, disk_path, \
     disk_serial, disk_model, disk_size_bytes, lost, state, done_bytes, total_bytes, took_ms, \
     detail, opened_by, opened_ms, expires_ms, agent_hash, last_beat_ms, ended_ms FROM session \
     ORDER BY opened_ms DESC, id LIMIT $1";

const GET: &str = "SELECT id, task, host, host_name, image, image_name, image_size_bytes, disk_path, \
     disk_serial, disk_model, disk_size_bytes, lost, state, done_bytes, total_bytes, took_ms, \
     detail, opened_by, opened_ms, expires_ms, agent_hash, last_beat_ms, ended_ms FROM session \
     WHERE id = $1";

const OPEN_OF_HOST: &str = "SELECT id, task, host, host_name, image, image_name, image_size_bytes, \
     disk_path, disk_serial, disk_model, disk_size_bytes, lost, state, done_bytes, total_bytes, \
     took_ms, detail, opened_by, opened_ms, expires_ms, agent_hash, last_beat_ms, ended_ms \
     FROM session WHERE host = $1 AND over = 0 ORDER BY opened_ms DESC, id LIMIT 1";

const OPEN: &str = "SELECT id, task, host, host_name, image, image_name, image_size_bytes, disk_path, \
     disk_serial, disk_model, disk_size_bytes, lost, state, done_bytes, total_bytes, took_ms, \
     detail, opened_by, opened_ms, expires_ms, agent_hash, last_beat_ms, ended_ms FROM session \
     WHERE over = 0";

/// A session with the agent that works on it.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) session: Session,
    pub(crate) agent_hash: Option<String>,
}

pub(crate) async fn list(db: &Db, limit: i64) -> Result<Vec<Session>, sqlx::Error> {
    let rows = sqlx::query(LIST).bind(limit).fetch_all(db.read()).await?;
    rows.iter().map(session).collect()
}

pub(crate) async fn get(db: &Db, id: &SessionId) -> Result<Option<Bound>, sqlx::Error> {
    let row = sqlx::query(GET)
        .bind(id.as_str())
        .fetch_optional(db.read())
        .await?;
    row.as_ref().map(bound).transpose()
}

/// The session that waits for or works on a host.
pub(crate) async fn of_host(db: &Db, host: &HostId) -> Result<Option<Bound>, sqlx::Error> {
    let row = sqlx::query(OPEN_OF_HOST)
        .bind(host.as_str())
        .fetch_optional(db.read())
        .await?;
    row.as_ref().map(bound).transpose()
}

/// The same, inside a write.
pub(crate) async fn of_host_in(
    conn: &mut AnyConnection,
    host: &HostId,
) -> Result<Option<Bound>, sqlx::Error> {
    let row = sqlx::query(OPEN_OF_HOST)
        .bind(host.as_str())
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(bound).transpose()
}

pub(crate) async fn open_ones(db: &Db) -> Result<Vec<Session>, sqlx::Error> {
    let rows = sqlx::query(OPEN).fetch_all(db.read()).await?;
    rows.iter().map(session).collect()
}

/// Writes a new session; refused while the host has another or is not approved any more.
pub(crate) async fn open(
    db: &Db,
    confirmation: Confirmation,
    by: &str,
    now: Timestamp,
    expires: Timestamp,
) -> Result<SessionId, Error> {
    let by = by.to_owned();
    let opened = db.write(move |conn| {
        Box::pin(async move {
            let refused = |why: &str| {
                Ok(Err(Error::Refused {
                    host: confirmation.host_name.clone(),
                    why: why.to_owned(),
                }))
            };
            let row = sqlx::query(
                "SELECT (SELECT COUNT(*) FROM host WHERE id = $1 AND state = 'approved') AS approved, \
                 (SELECT agent_hash FROM host WHERE id = $1) AS agent_hash, (SELECT COUNT(*) FROM session WHERE host = $1 AND over = 0) AS sessions",
            )
            .bind(confirmation.host.as_str())
            .fetch_one(&mut *conn)
            .await?;
            if row.try_get::<i64, _>("approved")? == 0 {
                return refused("it is not approved; compare its pairing code and approve it first");
            }
            if row.try_get::<i64, _>("sessions")? > 0 {
                return refused("it has a session already; wait for it or cancel it");
            }
            let id = SessionId::new();
            let agent: Option<String> = row.try_get("agent_hash")?;
            insert(conn, &id, &confirmation, agent, &by, (now, expires)).await?;
            let (session, host) = (id.to_string(), confirmation.host.to_string());
            let disk = images::deploy::label(&confirmation.disk);
            let fact = match confirmation.task {
                Task::Wipe => Fact::WipeOpened {
                    session,
                    host,
                    name: confirmation.host_name.clone(),
                    disk,
                    by,
                },
                Task::Capture => Fact::CaptureOpened {
                    session,
                    host,
                    name: confirmation.host_name.clone(),
                    image: confirmation.image_name.clone(),
                    disk,
                    by,
                },
                Task::Deploy => Fact::SessionOpened {
                    session,
                    host,
                    image: confirmation.image_name.clone(),
                    disk,
                    by,
                },
            };
            journal::append(conn, now, &fact).await?;
            Ok(Ok(id))
        })
    });
    opened.await?
}

async fn insert(
    conn: &mut AnyConnection,
    id: &SessionId,
    confirmation: &Confirmation,
    agent: Option<String>,
    by: &str,
    (opened, expires): (Timestamp, Timestamp),
) -> Result<(), sqlx::Error> {
    let disk = &confirmation.disk;
    sqlx::query(
        "INSERT INTO session (id, host, host_name, image, image_name, image_size_bytes, disk_path, \
         disk_serial, disk_model, disk_size_bytes, lost, state, over, done_bytes, total_bytes, \
         took_ms, detail, opened_by, opened_ms, expires_ms, agent_hash, task) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'opened', 0, 0, 0, 0, '', $12, $13, $14, $15, $16)",
    )
    .bind(id.as_str())
    .bind(confirmation.host.as_str())
    .bind(confirmation.host_name.as_str())
    .bind(confirmation.image.as_str())
    .bind(confirmation.image_name.as_str())
    .bind(stored(confirmation.image_size_bytes))
    .bind(disk.path.as_str())
    .bind(disk.serial.as_str())
    .bind(disk.model.as_str())
    .bind(stored(disk.size_bytes))
    .bind(confirmation.lost.as_str())
    .bind(by)
    .bind(opened.0)
    .bind(expires.0)
    .bind(agent)
    .bind(confirmation.task.as_str())
    .execute(conn)
    .await
    .map(drop)
}

/// The image that a disk became.
pub(crate) async fn became(db: &Db, id: &SessionId, image: &str) -> Result<(), state::db::Error> {
    let (id, image) = (id.clone(), image.to_owned());
    db.write(move |conn| {
        Box::pin(async move {
            sqlx::query("UPDATE session SET image = $2 WHERE id = $1 AND over = 0")
                .bind(id.as_str())
                .bind(image)
                .execute(conn)
                .await
                .map(drop)
        })
    })
    .await
}

/// What came of an event.
#[derive(Debug)]
pub(crate) enum Advanced {
    Now(Box<Session>),
    Refused(Refused),
    Unknown,
}

/// Applies one event in the writer's transaction. `agent` binds the session to the agent that
/// received its order, and marks its sign of life.
pub(crate) async fn advance(
    db: &Db,
    id: &SessionId,
    event: Event,
    agent: Option<&str>,
    now: Timestamp,
) -> Result<Advanced, state::db::Error> {
    let (id, agent) = (id.clone(), agent.map(str::to_owned));
    db.write(move |conn| {
        Box::pin(async move { advance_in(conn, &id, &event, agent.as_deref(), now).await })
    })
    .await
}

async fn advance_in(
    conn: &mut AnyConnection,
    id: &SessionId,
    event: &Event,
    agent: Option<&str>,
    now: Timestamp,
) -> Result<Advanced, sqlx::Error> {
    let row = sqlx::query(GET)
        .bind(id.as_str())
        .fetch_optional(&mut *conn)
        .await?;
    let Some(row) = row else {
        return Ok(Advanced::Unknown);
    };
    let mut session = session(&row)?;
    let times = Times {
        now,
        expires: session.expires,
        stale: session.is_stale(now),
    };
    let next = match machine::apply(&session.state, event, times) {
        Ok(next) => next,
        Err(refused) => return Ok(Advanced::Refused(refused)),
    };
    let moved = next.as_str() != session.state.as_str();
    if *event == Event::Tick && !moved {
        return Ok(Advanced::Now(Box::new(session)));
    }
    session.state = next;
    if session.state.is_over() && session.ended.is_none() {
        session.ended = Some(now);
    }
    if agent.is_some() {
        session.last_beat = Some(now);
    }
    let (done_bytes, total_bytes, took_ms, detail) = columns(&session.state);
    sqlx::query(
        "UPDATE session SET state = $2, over = $3, done_bytes = $4, total_bytes = $5, \
         took_ms = $6, detail = $7, agent_hash = COALESCE($8, agent_hash), last_beat_ms = $9, \
         ended_ms = $10 WHERE id = $1",
    )
    .bind(id.as_str())
    .bind(session.state.as_str())
    .bind(i64::from(session.state.is_over()))
    .bind(stored(done_bytes))
    .bind(stored(total_bytes))
    .bind(stored(took_ms))
    .bind(detail.unwrap_or_default())
    .bind(agent)
    .bind(session.last_beat.map(|at| at.0))
    .bind(session.ended.map(|at| at.0))
    .execute(&mut *conn)
    .await?;
    if moved {
        let fact = Fact::SessionAdvanced {
            session: id.to_string(),
            host: session.host.to_string(),
            step: session.state.as_str().to_owned(),
            detail: detail.map(str::to_owned),
        };
        journal::append(conn, now, &fact).await?;
        if let Some(fact) = wiped(&session, event) {
            journal::append(conn, now, &fact).await?;
        }
    }
    Ok(Advanced::Now(Box::new(session)))
}

/// One line for whoever must show later what became of a disk.
fn wiped(session: &Session, event: &Event) -> Option<Fact> {
    let SessionState::Done {
        written_bytes,
        took_ms,
    } = session.state
    else {
        return None;
    };
    let Event::Finished { wiped, .. } = event else {
        return None;
    };
    // An agent that does not say what it looked at has looked at nothing.
    let wiped = wiped.unwrap_or_default();
    (session.task == Task::Wipe).then(|| Fact::DiskWiped {
        session: session.id.to_string(),
        host: session.host.to_string(),
        name: session.host_name.clone(),
        disk: session.disk_path.clone(),
        model: session.disk_model.clone(),
        serial: session.disk_serial.clone(),
        by: session.opened_by.clone(),
        written_bytes,
        checked_bytes: wiped.checked_bytes,
        freed: wiped.freed,
        took_ms,
    })
}

/// Done bytes, total bytes, duration, detail.
fn columns(state: &SessionState) -> (u64, u64, u64, Option<&str>) {
    match state {
        SessionState::Opened | SessionState::Confirming | SessionState::Expired => (0, 0, 0, None),
        SessionState::Reading {
            done_bytes,
            total_bytes,
        }
        | SessionState::Writing {
            done_bytes,
            total_bytes,
        }
        | SessionState::Verifying {
            done_bytes,
            total_bytes,
        } => (*done_bytes, *total_bytes, 0, None),
        SessionState::Done {
            written_bytes,
            took_ms,
        } => (*written_bytes, *written_bytes, *took_ms, None),
        SessionState::Failed { why } => (0, 0, 0, Some(why)),
        SessionState::Cancelled { by } => (0, 0, 0, Some(by)),
    }
}

fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(row: &AnyRow, column: &str) -> Result<u64, sqlx::Error> {
    Ok(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0))
}

fn time(row: &AnyRow, column: &str) -> Result<Option<Timestamp>, sqlx::Error> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp))
}

fn bound(row: &AnyRow) -> Result<Bound, sqlx::Error> {
    Ok(Bound {
        session: session(row)?,
        agent_hash: row.try_get("agent_hash")?,
    })
}

fn session(row: &AnyRow) -> Result<Session, sqlx::Error> {
    let detail: String = row.try_get("detail")?;
    let (done_bytes, total_bytes) = (number(row, "done_bytes")?, number(row, "total_bytes")?);
    let state = match row.try_get::<String, _>("state")?.as_str() {
        "opened" => SessionState::Opened,
        "confirming" => SessionState::Confirming,
        "reading" => SessionState::Reading {
            done_bytes,
            total_bytes,
        },
        "writing" => SessionState::Writing {
            done_bytes,
            total_bytes,
        },
        "verifying" => SessionState::Verifying {
            done_bytes,
            total_bytes,
        },
        "done" => SessionState::Done {
            written_bytes: done_bytes,
            took_ms: number(row, "took_ms")?,
        },
        "cancelled" => SessionState::Cancelled { by: detail },
        "expired" => SessionState::Expired,
        _ => SessionState::Failed { why: detail },
    };
    Ok(Session {
        id: SessionId(row.try_get("id")?),
        task: Task::from_word(&row.try_get::<String, _>("task")?).unwrap_or_default(),
        host: HostId(row.try_get("host")?),
        host_name: row.try_get("host_name")?,
        image: row.try_get("image")?,
        image_name: row.try_get("image_name")?,
        image_size_bytes: number(row, "image_size_bytes")?,
        disk_path: row.try_get("disk_path")?,
        disk_serial: row.try_get("disk_serial")?,
        disk_model: row.try_get("disk_model")?,
        disk_size_bytes: number(row, "disk_size_bytes")?,
        lost: row.try_get("lost")?,
        state,
        opened_by: row.try_get("opened_by")?,
        opened: Timestamp(row.try_get("opened_ms")?),
        expires: Timestamp(row.try_get("expires_ms")?),
        last_beat: time(row, "last_beat_ms")?,
        ended: time(row, "ended_ms")?,
    })
}
