//! `GET /api/journal?after=N&limit=N` and `GET /api/progress`.

use super::events::{ProgressLine, lines};
use crate::auth::permit::Caller;
use crate::desk::Desk;
use crate::error::Error;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use state::journal;
use state::wire::Fact;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/api/journal", get(list))
        .route("/api/progress", get(progress))
}

#[derive(Deserialize)]
struct Window {
    /// Facts after this number, oldest first; without it the newest, newest first.
    after: Option<i64>,
    #[serde(default = "hundred")]
    limit: i64,
}

fn hundred() -> i64 {
    100
}

#[derive(Serialize)]
struct Line {
    number: i64,
    at_ms: i64,
    #[serde(flatten)]
    fact: Fact,
}

async fn list(
    State(desk): State<Desk>,
    _caller: Caller,
    Query(window): Query<Window>,
) -> Result<Json<Vec<Line>>, Error> {
    let limit = window.limit.clamp(1, 1000);
    let entries = match window.after {
        Some(after) => journal::after(&desk.app.db, after, limit).await?,
        None => journal::latest(&desk.app.db, limit).await?,
    };
    let lines = entries
        .into_iter()
        .map(|e| Line {
            number: e.number,
            at_ms: e.at.0,
            fact: e.fact,
        })
        .collect();
    Ok(Json(lines))
}

async fn progress(State(desk): State<Desk>, _caller: Caller) -> Json<Vec<ProgressLine>> {
    Json(lines(&desk.app.board.all()))
}
