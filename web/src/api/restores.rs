//! `GET /api/restores[/ID]`, `POST /api/restores`, `POST /api/restores/ID/cancel`.
//!
//! Paths inside a snapshot are any bytes: in JSON they are percent-encoded.

use super::refusal;
use super::runs::{Newest, Problem, problems};
use crate::auth::permit::{ApiAct, Caller};
use crate::desk::Desk;
use crate::error::Error;
use crate::path;
use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use continuity::{RestoreId, RestoreRequest, records};
use serde::{Deserialize, Serialize};
use state::wire::Outcome;
use std::path::PathBuf;
use vault::restore::{Overwrite, RestorePlan};

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/api/restores", get(list).post(start))
        .route("/api/restores/{id}", get(show))
        .route("/api/restores/{id}/cancel", post(cancel))
}

#[derive(Serialize)]
struct Restore {
    id: String,
    target: String,
    snapshot: String,
    destination: String,
    by: String,
    started_ms: i64,
    finished_ms: Option<i64>,
    /// null until it has ended.
    outcome: Option<Outcome>,
    files: u64,
    bytes: u64,
    problem_count: u64,
    took_ms: u64,
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problems: Option<Vec<Problem>>,
}

fn shape(restore: continuity::Restore) -> Restore {
    Restore {
        id: restore.id.0,
        target: restore.target,
        snapshot: restore.snapshot,
        destination: restore.destination,
        by: restore.by,
        started_ms: restore.started.0,
        finished_ms: restore.finished.map(|t| t.0),
        outcome: restore.outcome,
        files: restore.files,
        bytes: restore.bytes,
        problem_count: restore.problems,
        took_ms: restore.took_ms,
        detail: restore.detail,
        problems: None,
    }
}

async fn list(
    State(desk): State<Desk>,
    _caller: Caller,
    Query(newest): Query<Newest>,
) -> Result<Json<Vec<Restore>>, Error> {
    let restores = records::restores(&desk.app.db, newest.limit()).await?;
    Ok(Json(restores.into_iter().map(shape).collect()))
}

async fn show(
    State(desk): State<Desk>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Restore>, Error> {
    let id = RestoreId(id);
    let restore = records::restore(&desk.app.db, &id).await?;
    let mut restore = shape(restore.ok_or_else(|| refusal::no_such("restore", id.as_str()))?);
    restore.problems = Some(problems(
        records::restore_problems(&desk.app.db, &id).await?,
    ));
    Ok(Json(restore))
}

#[derive(Deserialize)]
struct Asked {
    target: String,
    /// A unique beginning of an id, `latest`, or `PLAN@latest`.
    snapshot: String,
    /// Percent-encoded; none = all of it.
    #[serde(default)]
    paths: Vec<String>,
    /// Absolute folder on the appliance, percent-encoded.
    destination: String,
    #[serde(default)]
    overwrite: Replacing,
    /// Only say what would be written.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Replacing {
    #[default]
    Refuse,
    Replace,
    Keep,
}

#[derive(Serialize)]
struct Answer {
    /// null in a dry run.
    id: Option<String>,
    plan: Plan,
}

#[derive(Serialize)]
struct Plan {
    snapshot: String,
    destination: String,
    placements: Vec<Placement>,
    files: u64,
    folders: u64,
    bytes: u64,
    /// The first files in the way.
    existing: Vec<String>,
    existing_count: u64,
}

#[derive(Serialize)]
struct Placement {
    /// Percent-encoded.
    from: String,
    to: String,
}

fn plan_shape(plan: &RestorePlan) -> Plan {
    let placements = plan.placements.iter().map(|p| Placement {
        from: path::encode(&p.from),
        to: p.to.display().to_string(),
    });
    Plan {
        snapshot: plan.snapshot.id.to_string(),
        destination: plan.destination.display().to_string(),
        placements: placements.collect(),
        files: plan.files,
        folders: plan.folders,
        bytes: plan.bytes,
        existing: plan
            .existing
            .iter()
            .map(|p| p.display().to_string())
            .collect(),
        existing_count: plan.existing_count,
    }
}

async fn start(
    State(desk): State<Desk>,
    caller: ApiAct,
    Json(asked): Json<Asked>,
) -> Result<Json<Answer>, Error> {
    use std::os::unix::ffi::OsStringExt;
    let destination = std::ffi::OsString::from_vec(path::decode(&asked.destination));
    let mut request = RestoreRequest {
        target: asked.target,
        snapshot: asked.snapshot,
        paths: asked.paths.iter().map(|p| path::decode(p)).collect(),
        destination: PathBuf::from(destination),
        overwrite: match asked.overwrite {
            Replacing::Refuse => Overwrite::Refuse,
            Replacing::Replace => Overwrite::Replace,
            Replacing::Keep => Overwrite::Keep,
        },
    };
    let continuity = &desk.app.continuity;
    let planned = continuity.plan_restore(&request).await;
    let plan = plan_shape(&planned?);
    if asked.dry_run {
        return Ok(Json(Answer { id: None, plan }));
    }
    // What was planned is what is restored, even if a newer snapshot came in between.
    request.snapshot.clone_from(&plan.snapshot);
    let started = continuity.start_restore(request, &caller.by).await;
    let id = started?;
    Ok(Json(Answer {
        id: Some(id.0),
        plan,
    }))
}

async fn cancel(
    State(desk): State<Desk>,
    _caller: ApiAct,
    Path(id): Path<String>,
) -> Result<Json<serde_json::Value>, Error> {
    let cancelled = desk.app.continuity.cancel_restore(&RestoreId(id)).await;
    cancelled?;
    Ok(Json(serde_json::json!({})))
}
