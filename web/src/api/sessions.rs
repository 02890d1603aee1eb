//! `GET /api/sessions[/ID]`, `POST /api/sessions` (a preview, or what a person confirmed),
//! `POST /api/sessions/ID/cancel`.

use super::runs::Newest;
use crate::auth::permit::{ApiAct, Caller};
use crate::desk::Desk;
use crate::error::Error;
use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use provisioner::host;
use provisioner::session::{self, Confirmed, SessionId, SessionState, capture, wipe};
use serde::{Deserialize, Serialize};

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/api/sessions", get(list).post(open))
        .route("/api/sessions/preview", post(preview))
        .route("/api/sessions/wipe", post(open_wipe))
        .route("/api/sessions/wipe/preview", post(preview_wipe))
        .route("/api/sessions/capture", post(open_capture))
        .route("/api/sessions/{id}", get(show))
        .route("/api/sessions/{id}/cancel", post(cancel))
}

#[derive(Serialize)]
struct Session {
    id: String,
    /// deploy | wipe | capture
    task: &'static str,
    host: String,
    host_name: String,
    image: String,
    image_name: String,
    image_size_bytes: u64,
    disk_path: String,
    disk_serial: String,
    disk_model: String,
    disk_size_bytes: u64,
    lost: String,
    /// opened | confirming | reading | writing | verifying | done | failed | cancelled | expired
    state: &'static str,
    over: bool,
    done_bytes: u64,
    total_bytes: u64,
    /// Why it failed, or who cancelled it.
    detail: Option<String>,
    /// Its agent went quiet in the middle.
    stale: bool,
    opened_by: String,
    opened_ms: i64,
    expires_ms: i64,
    ended_ms: Option<i64>,
    took_ms: Option<u64>,
}

fn shape(session: session::Session, now: state::Timestamp) -> Session {
    let (done_bytes, total_bytes) = match &session.state {
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
        } => (*done_bytes, *total_bytes),
        SessionState::Done { written_bytes, .. } => (*written_bytes, *written_bytes),
        _ => (0, session.image_size_bytes),
    };
    let detail = match &session.state {
        SessionState::Failed { why } => Some(why.clone()),
        SessionState::Cancelled { by } => Some(by.clone()),
        _ => None,
    };
    let took_ms = match &session.state {
        SessionState::Done { took_ms, .. } => Some(*took_ms),
        _ => None,
    };
    Session {
        state: session.state.as_str(),
        over: session.state.is_over(),
        stale: session.is_stale(now),
        task: session.task.as_str(),
        id: session.id.0,
        host: session.host.0,
        host_name: session.host_name,
        image: session.image,
        image_name: session.image_name,
        image_size_bytes: session.image_size_bytes,
        disk_path: session.disk_path,
        disk_serial: session.disk_serial,
        disk_model: session.disk_model,
        disk_size_bytes: session.disk_size_bytes,
        lost: session.lost,
        done_bytes,
        total_bytes,
        detail,
        opened_by: session.opened_by,
        opened_ms: session.opened.0,
        expires_ms: session.expires.0,
        ended_ms: session.ended.map(|t| t.0),
        took_ms,
    }
}

async fn list(
    State(desk): State<Desk>,
    _caller: Caller,
    Query(newest): Query<Newest>,
) -> Result<Json<Vec<Session>>, Error> {
    let sessions = session::list(&desk.app.db, newest.limit()).await;
    let now = desk.app.clock.now();
    let sessions = sessions?;
    Ok(Json(sessions.into_iter().map(|s| shape(s, now)).collect()))
}

async fn show(
    State(desk): State<Desk>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Session>, Error> {
    let session = session::get(&desk.app.db, &SessionId(id)).await;
    let session = session?;
    Ok(Json(shape(session, desk.app.clock.now())))
}

#[derive(Deserialize)]
struct Previewed {
    /// Id, name or MAC.
    host: String,
    /// Name or beginning of an id.
    image: String,
    /// Serial number or kernel name; needed when the host has several disks.
    disk: Option<String>,
}

#[derive(Serialize)]
struct Confirmation {
    host: String,
    host_name: String,
    image: String,
    image_name: String,
    image_size_bytes: u64,
    disk: String,
    disk_serial: String,
    disk_model: String,
    disk_size_bytes: u64,
    lost: String,
}

async fn preview(
    State(desk): State<Desk>,
    _caller: ApiAct,
    Json(asked): Json<Previewed>,
) -> Result<Json<Confirmation>, Error> {
    let found = host::find(&desk.app.db, &asked.host).await;
    let host = found?;
    let previewed = session::preview(
        &desk.app.boot,
        &host.id,
        &asked.image,
        asked.disk.as_deref(),
    );
    Ok(Json(confirmation(previewed.await?)))
}

fn confirmation(shown: session::Confirmation) -> Confirmation {
    Confirmation {
        host: shown.host.0,
        host_name: shown.host_name,
        image: shown.image,
        image_name: shown.image_name,
        image_size_bytes: shown.image_size_bytes,
        disk: shown.disk.name,
        disk_serial: shown.disk.serial,
        disk_model: shown.disk.model,
        disk_size_bytes: shown.disk.size_bytes,
        lost: shown.lost,
    }
}

#[derive(Deserialize)]
struct WipePreviewed {
    /// Id, name or MAC.
    host: String,
    /// Serial number or kernel name; needed when the host has several disks.
    disk: Option<String>,
}

async fn preview_wipe(
    State(desk): State<Desk>,
    _caller: ApiAct,
    Json(asked): Json<WipePreviewed>,
) -> Result<Json<Confirmation>, Error> {
    let found = host::find(&desk.app.db, &asked.host).await;
    let host = found?;
    let previewed = wipe::preview(&desk.app.boot, &host.id, asked.disk.as_deref()).await;
    Ok(Json(confirmation(previewed?)))
}

/// The fields of a [`Confirmation`] of a wipe, sent back by whoever read it.
#[derive(Deserialize)]
struct WipeOpened {
    host: String,
    disk: String,
    disk_serial: String,
    disk_size_bytes: u64,
}

async fn open_wipe(
    State(desk): State<Desk>,
    caller: ApiAct,
    Json(asked): Json<WipeOpened>,
) -> Result<Json<Session>, Error> {
    let found = host::find(&desk.app.db, &asked.host).await;
    let confirmed = wipe::Confirmed {
        host: found?.id,
        disk: asked.disk,
        disk_serial: asked.disk_serial,
        disk_size_bytes: asked.disk_size_bytes,
    };
    let opened = wipe::open(&desk.app.boot, &confirmed, &caller.by).await;
    let session = opened?;
    Ok(Json(shape(session, desk.app.clock.now())))
}

#[derive(Deserialize)]
struct CaptureOpened {
    /// Id, name or MAC.
    host: String,
    /// The name that the image gets.
    image: String,
    /// Serial number or kernel name; needed when the host has several disks.
    disk: Option<String>,
}

async fn open_capture(
    State(desk): State<Desk>,
    caller: ApiAct,
    Json(asked): Json<CaptureOpened>,
) -> Result<Json<Session>, Error> {
    let found = host::find(&desk.app.db, &asked.host).await;
    let host = found?.id;
    let disk = asked.disk.as_deref();
    let opened = capture::open(&desk.app.boot, &host, &asked.image, disk, &caller.by).await;
    let session = opened?;
    Ok(Json(shape(session, desk.app.clock.now())))
}

/// The fields of a [`Confirmation`], sent back by whoever read it.
#[derive(Deserialize)]
struct Opened {
    host: String,
    image: String,
    disk: String,
    disk_serial: String,
    disk_size_bytes: u64,
}

async fn open(
    State(desk): State<Desk>,
    caller: ApiAct,
    Json(asked): Json<Opened>,
) -> Result<Json<Session>, Error> {
    let found = host::find(&desk.app.db, &asked.host).await;
    let confirmed = Confirmed {
        host: found?.id,
        image: asked.image,
        disk: asked.disk,
        disk_serial: asked.disk_serial,
        disk_size_bytes: asked.disk_size_bytes,
    };
    let opened = session::open(&desk.app.boot, &confirmed, &caller.by).await;
    let session = opened?;
    Ok(Json(shape(session, desk.app.clock.now())))
}

async fn cancel(
    State(desk): State<Desk>,
    caller: ApiAct,
    Path(id): Path<String>,
) -> Result<Json<Session>, Error> {
    let cancelled = session::cancel(&desk.app.boot, &SessionId(id), &caller.by).await;
    let session = cancelled?;
    Ok(Json(shape(session, desk.app.clock.now())))
}
