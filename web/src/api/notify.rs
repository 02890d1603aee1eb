//! `GET /api/notify`, `POST /api/notify/test`.

use super::runs::Newest;
use crate::auth::permit::{ApiAct, Caller};
use crate::desk::Desk;
use crate::error::Error;
use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use continuity::notify::{self, Letter};
use serde::Serialize;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/api/notify", get(show))
        .route("/api/notify/test", post(test))
}

#[derive(Serialize)]
struct Notify {
    channels: Vec<String>,
    /// Newest first.
    outbox: Vec<Message>,
}

#[derive(Serialize)]
struct Message {
    channel: String,
    subject: String,
    /// waiting | refused | sent | lost
    state: &'static str,
    queued_ms: i64,
    attempts: u64,
    /// null once it has ended.
    next_ms: Option<i64>,
    ended_ms: Option<i64>,
    /// The server's answer, or why the last attempt failed.
    answer: Option<String>,
}

fn message(letter: Letter) -> Message {
    Message {
        channel: letter.channel,
        subject: letter.subject,
        state: letter.state.name(),
        queued_ms: letter.queued.0,
        attempts: letter.attempts,
        next_ms: letter.ended.is_none().then_some(letter.next.0),
        ended_ms: letter.ended.map(|at| at.0),
        answer: letter.answer,
    }
}

async fn show(
    State(desk): State<Desk>,
    _caller: Caller,
    Query(newest): Query<Newest>,
) -> Result<Json<Notify>, Error> {
    let letters = notify::letters(&desk.app.db, newest.limit()).await?;
    let channels = desk.app.notifier.channels().iter();
    Ok(Json(Notify {
        channels: channels.map(|c| c.name.clone()).collect(),
        outbox: letters.into_iter().map(message).collect(),
    }))
}

#[derive(Serialize)]
struct Tried {
    channel: String,
    sent: bool,
    /// The server's answer, or why it was not sent.
    answer: String,
}

async fn test(State(desk): State<Desk>, _caller: ApiAct) -> Result<Json<Vec<Tried>>, Error> {
    let tried = desk.app.notifier.try_all().await?.into_iter();
    let shapes = tried.map(|tried| Tried {
        channel: tried.channel,
        sent: tried.answer.is_ok(),
        answer: tried.answer.unwrap_or_else(|why| why),
    });
    Ok(Json(shapes.collect()))
}
