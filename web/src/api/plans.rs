//! `GET /api/plans[/NAME]`, `POST /api/plans/NAME/run`.

use super::refusal;
use crate::auth::permit::{ApiAct, Caller};
use crate::desk::Desk;
use crate::error::Error;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/api/plans", get(list))
        .route("/api/plans/{name}", get(show))
        .route("/api/plans/{name}/run", post(run))
}

#[derive(Serialize)]
struct Plan {
    name: String,
    files: Vec<String>,
    /// These, the application of a recipe, and the address of a database.
    saves: Vec<String>,
    /// Local time of the daily run, `HH:MM`; null = only by hand.
    at: Option<String>,
    targets: Vec<String>,
    keep: Keep,
    tier: u8,
    rpo_s: Option<u64>,
    rto_s: Option<u64>,
    prove: Prove,
}

/// What no rule keeps is forgotten after a run; all zero = everything stays.
#[derive(Serialize)]
struct Keep {
    last: u32,
    hourly: u32,
    daily: u32,
    weekly: u32,
    monthly: u32,
    yearly: u32,
}

#[derive(Serialize)]
struct Prove {
    level: &'static str,
    /// null = after each run.
    every_s: Option<u64>,
}

fn shape(plan: &config::Plan) -> Plan {
    Plan {
        name: plan.name.clone(),
        files: plan.files.iter().map(|f| f.display().to_string()).collect(),
        saves: plan.saves(),
        at: plan.at.map(|at| at.to_string()),
        targets: plan.targets.clone(),
        keep: Keep {
            last: plan.keep.last,
            hourly: plan.keep.hourly,
            daily: plan.keep.daily,
            weekly: plan.keep.weekly,
            monthly: plan.keep.monthly,
            yearly: plan.keep.yearly,
        },
        tier: plan.tier,
        rpo_s: plan.rpo.map(|d| d.as_secs()),
        rto_s: plan.rto.map(|d| d.as_secs()),
        prove: Prove {
            level: plan.prove.level.name(),
            every_s: plan.prove.every.map(|d| d.as_secs()),
        },
    }
}

async fn list(State(desk): State<Desk>, _caller: Caller) -> Json<Vec<Plan>> {
    Json(desk.app.config.plans.iter().map(shape).collect())
}

async fn show(
    State(desk): State<Desk>,
    _caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Plan>, Error> {
    let plan = desk.app.config.plan(&name);
    Ok(Json(shape(
        plan.ok_or_else(|| refusal::no_such("plan", &name))?,
    )))
}

#[derive(Serialize)]
struct Started {
    /// One for each target.
    runs: Vec<String>,
}

async fn run(
    State(desk): State<Desk>,
    caller: ApiAct,
    Path(name): Path<String>,
) -> Result<Json<Started>, Error> {
    let started = desk.app.continuity.start_run(&name, &caller.by).await;
    let runs = started?;
    Ok(Json(Started {
        runs: runs.into_iter().map(|id| id.0).collect(),
    }))
}
