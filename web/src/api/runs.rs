//! `GET /api/runs[/ID]`, `POST /api/runs/ID/cancel`.

use super::refusal;
use crate::auth::permit::{ApiAct, Caller};
use crate::desk::Desk;
use crate::error::Error;
use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use continuity::{RunId, records};
use serde::{Deserialize, Serialize};
use state::wire::Outcome;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/api/runs", get(list))
        .route("/api/runs/{id}", get(show))
        .route("/api/runs/{id}/cancel", post(cancel))
}

/// How many of the newest.
#[derive(Deserialize)]
pub(super) struct Newest {
    #[serde(default = "fifty")]
    limit: i64,
}

fn fifty() -> i64 {
    50
}

impl Newest {
    pub(super) fn limit(&self) -> i64 {
        self.limit.clamp(1, 1000)
    }
}

/// Something that could not be done, in work that went on without it.
#[derive(Serialize)]
pub(super) struct Problem {
    object: String,
    what: String,
}

pub(super) fn problems(list: Vec<vault::Problem>) -> Vec<Problem> {
    list.into_iter()
        .map(|p| Problem {
            object: p.object,
            what: p.what,
        })
        .collect()
}

#[derive(Serialize)]
struct Run {
    id: String,
    plan: String,
    target: String,
    by: String,
    queued_ms: i64,
    started_ms: Option<i64>,
    finished_ms: Option<i64>,
    /// null until it has ended.
    outcome: Option<Outcome>,
    snapshot: Option<String>,
    files: u64,
    read_bytes: u64,
    stored_bytes: u64,
    problem_count: u64,
    took_ms: u64,
    detail: Option<String>,
    /// In the answer about one run only.
    #[serde(skip_serializing_if = "Option::is_none")]
    problems: Option<Vec<Problem>>,
}

fn shape(run: continuity::Run) -> Run {
    Run {
        id: run.id.0,
        plan: run.plan,
        target: run.target,
        by: run.by,
        queued_ms: run.queued.0,
        started_ms: run.started.map(|t| t.0),
        finished_ms: run.finished.map(|t| t.0),
        outcome: run.outcome,
        snapshot: run.snapshot,
        files: run.files,
        read_bytes: run.read_bytes,
        stored_bytes: run.stored_bytes,
        problem_count: run.problems,
        took_ms: run.took_ms,
        detail: run.detail,
        problems: None,
    }
}

async fn list(
    State(desk): State<Desk>,
    _caller: Caller,
    Query(newest): Query<Newest>,
) -> Result<Json<Vec<Run>>, Error> {
    let runs = records::runs(&desk.app.db, newest.limit()).await?;
    Ok(Json(runs.into_iter().map(shape).collect()))
}

async fn show(
    State(desk): State<Desk>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Run>, Error> {
    let id = RunId(id);
    let run = records::run(&desk.app.db, &id).await?;
    let mut run = shape(run.ok_or_else(|| refusal::no_such("run", id.as_str()))?);
    run.problems = Some(problems(records::problems(&desk.app.db, &id).await?));
    Ok(Json(run))
}

async fn cancel(
    State(desk): State<Desk>,
    _caller: ApiAct,
    Path(id): Path<String>,
) -> Result<Json<serde_json::Value>, Error> {
    let cancelled = desk.app.continuity.cancel_run(&RunId(id)).await;
    cancelled?;
    Ok(Json(serde_json::json!({})))
}
