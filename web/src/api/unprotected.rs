//! `GET /api/unprotected`, `POST /api/unprotected/{accept,withdraw}`.

use crate::auth::permit::{ApiAct, Caller};
use crate::desk::Desk;
use crate::error::Error;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use continuity::unprotected::{self, Exposed, Standing, protect};
use serde::{Deserialize, Serialize};
use state::Timestamp;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/api/unprotected", get(list))
        .route("/api/unprotected/accept", post(accept))
        .route("/api/unprotected/withdraw", post(withdraw))
}

#[derive(Serialize)]
struct Unprotected {
    /// What somebody has to decide about first.
    exposed: Vec<Thing>,
    /// What was looked at and could not be seen.
    blind: Vec<Blind>,
    /// How many of the things that were seen are saved.
    saved: usize,
}

#[derive(Serialize)]
struct Thing {
    /// The name that the other calls take.
    object: String,
    /// open | partly | ran_out | accepted
    state: &'static str,
    /// Folders of it that are saved.
    inside: Vec<String>,
    accepted_by: Option<String>,
    why: Option<String>,
    until_ms: Option<i64>,
    /// Lines to add to the configuration; null where no plan can save it from here.
    plan: Option<String>,
}

#[derive(Serialize)]
struct Blind {
    object: String,
    what: String,
}

fn shape(exposed: &Exposed, targets: &[String]) -> Thing {
    let (state, accepted) = match &exposed.standing {
        Standing::Open => ("open", None),
        Standing::Partly(_) => ("partly", None),
        Standing::RunOut(accepted) => ("ran_out", Some(accepted)),
        Standing::Accepted(accepted) => ("accepted", Some(accepted)),
    };
    Thing {
        object: exposed.what.object(),
        state,
        inside: match &exposed.standing {
            Standing::Partly(inside) => inside.iter().map(|p| p.display().to_string()).collect(),
            _ => Vec::new(),
        },
        accepted_by: accepted.map(|a| a.by.clone()),
        why: accepted.map(|a| a.why.clone()),
        until_ms: accepted.map(|a| a.until.0),
        plan: protect::lines(&exposed.what, targets),
    }
}

async fn list(State(desk): State<Desk>, _caller: Caller) -> Result<Json<Unprotected>, Error> {
    let look = unprotected::look(&desk.app.continuity).await?;
    let targets = desk.app.config.targets.iter();
    let targets: Vec<String> = targets.map(|t| t.name.clone()).collect();
    let blind = look.blind.into_iter().map(|b| Blind {
        object: b.object,
        what: b.what,
    });
    Ok(Json(Unprotected {
        exposed: look.exposed.iter().map(|e| shape(e, &targets)).collect(),
        blind: blind.collect(),
        saved: look.saved,
    }))
}

#[derive(Deserialize)]
struct Acceptance {
    object: String,
    why: String,
    until_ms: i64,
}

async fn accept(
    State(desk): State<Desk>,
    caller: ApiAct,
    Json(asked): Json<Acceptance>,
) -> Result<Json<serde_json::Value>, Error> {
    let until = Timestamp(asked.until_ms);
    let app = &desk.app.continuity;
    unprotected::accept(app, &asked.object, &caller.by, &asked.why, until).await?;
    Ok(Json(serde_json::json!({ "object": asked.object })))
}

#[derive(Deserialize)]
struct Withdrawal {
    object: String,
}

async fn withdraw(
    State(desk): State<Desk>,
    caller: ApiAct,
    Json(asked): Json<Withdrawal>,
) -> Result<Json<serde_json::Value>, Error> {
    unprotected::withdraw(&desk.app.continuity, &asked.object, &caller.by).await?;
    Ok(Json(serde_json::json!({ "object": asked.object })))
}
