//! `GET /api/databases`, `POST /api/databases`, `POST /api/databases/ID/{password,close}`: proven copies of databases,
//! open to be read for a while.

use crate::auth::permit::{ApiAct, Caller};
use crate::desk::Desk;
use crate::error::Error;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use continuity::opened::Stage;
use continuity::{OpenRequest, Opened, OpenedId};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/api/databases", get(list).post(open))
        .route("/api/databases/{id}/password", post(password))
        .route("/api/databases/{id}/close", post(close))
}

#[derive(Serialize)]
struct Database {
    id: String,
    plan: String,
    target: String,
    snapshot: String,
    database: String,
    engine: String,
    /// When the dump's transaction began.
    taken_ms: i64,
    listen: String,
    /// null until it is open.
    user: Option<String>,
    by: String,
    asked_ms: i64,
    until_ms: i64,
    /// `loading`, `open`, `closed`, `failed`.
    state: &'static str,
    /// Why it was closed (`time`, `asked`, `stop`), or could not be opened.
    why: Option<String>,
}

fn shape(opened: Opened) -> Database {
    let (state, why) = match opened.stage {
        Stage::Loading => ("loading", None),
        Stage::Open => ("open", None),
        Stage::Closed(why) => ("closed", Some(why.name().to_owned())),
        Stage::Failed(why) => ("failed", Some(why)),
    };
    Database {
        id: opened.id.0,
        plan: opened.plan,
        target: opened.target,
        snapshot: opened.snapshot,
        database: opened.database,
        engine: opened.engine,
        taken_ms: opened.taken.0,
        listen: opened.listen.to_string(),
        user: opened.user,
        by: opened.by,
        asked_ms: opened.asked.0,
        until_ms: opened.until.0,
        state,
        why,
    }
}

async fn list(State(desk): State<Desk>, _caller: Caller) -> Result<Json<Vec<Database>>, Error> {
    let opened = desk.app.continuity.opened_databases();
    Ok(Json(opened.into_iter().map(shape).collect()))
}

#[derive(Deserialize)]
struct Asked {
    plan: String,
    target: String,
    database: Option<String>,
    listen: SocketAddr,
    minutes: u32,
}

#[derive(Serialize)]
struct Started {
    id: String,
}

async fn open(
    State(desk): State<Desk>,
    act: ApiAct,
    Json(asked): Json<Asked>,
) -> Result<Json<Started>, Error> {
    let request = OpenRequest {
        plan: asked.plan,
        target: asked.target,
        database: asked.database,
        listen: asked.listen,
        lasts: Duration::from_secs(u64::from(asked.minutes.max(1)) * 60),
    };
    let id = desk.app.continuity.open_database(request, &act.by).await?;
    Ok(Json(Started { id: id.0 }))
}

#[derive(Serialize)]
struct Password {
    /// null when it was told already, or the database is not open.
    password: Option<String>,
}

async fn password(
    State(desk): State<Desk>,
    _act: ApiAct,
    Path(id): Path<String>,
) -> Json<Password> {
    let password = desk.app.continuity.opened_password(&OpenedId(id));
    Json(Password { password })
}

async fn close(
    State(desk): State<Desk>,
    _act: ApiAct,
    Path(id): Path<String>,
) -> Result<Json<Vec<Database>>, Error> {
    let id = OpenedId(id);
    desk.app.continuity.close_database(&id).await?;
    let opened = desk.app.continuity.opened_databases().into_iter();
    Ok(Json(opened.filter(|o| o.id == id).map(shape).collect()))
}
