//! `GET /api/targets`, `POST /api/targets/NAME/accept`.

use crate::auth::permit::{ApiAct, Caller};
use crate::desk::Desk;
use crate::error::Error;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use continuity::Disk;
use continuity::place::Place;
use continuity::target::{self, Holding, Standing};
use serde::Serialize;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/api/targets", get(list))
        .route("/api/targets/{name}/accept", post(accept))
}

#[derive(Serialize)]
struct Target {
    name: String,
    address: String,
    /// same_disk | other_disk | elsewhere
    place: &'static str,
    /// null for a place that is always there; else away | unusable | there
    disk: Option<&'static str>,
    /// Of a disk that comes and goes, in seconds.
    expected_every_s: Option<u64>,
    /// What lies there does not belong there; `accept` says that it is meant.
    refused: bool,
    vaults: Vec<Vault>,
}

/// One vault of the target: one disk of a rotation.
#[derive(Serialize)]
struct Vault {
    id: String,
    device: String,
    here: bool,
    first_seen_ms: i64,
    last_seen_ms: i64,
    last_saved_ms: Option<i64>,
    last_proven_ms: Option<i64>,
}

fn shape(standing: Standing) -> Target {
    let disk = standing.removable.as_ref().map(|(_, disk)| disk);
    let vault = |holding: &Holding| Vault {
        id: holding.known.vault.clone(),
        device: holding.known.device.clone(),
        here: disk.is_none_or(|disk| *disk == Disk::There(holding.known.vault.clone())),
        first_seen_ms: holding.known.first.0,
        last_seen_ms: holding.known.seen.0,
        last_saved_ms: holding.last_saved.map(|at| at.0),
        last_proven_ms: holding.last_proven.map(|at| at.0),
    };
    Target {
        place: match standing.place {
            Place::SameDisk => "same_disk",
            Place::OtherDisk => "other_disk",
            Place::Elsewhere => "elsewhere",
        },
        disk: disk.map(|disk| match disk {
            Disk::Away => "away",
            Disk::Unusable => "unusable",
            Disk::There(_) => "there",
        }),
        expected_every_s: standing
            .removable
            .as_ref()
            .map(|(every, _)| every.as_secs()),
        refused: standing.refused,
        vaults: standing.vaults.iter().map(vault).collect(),
        name: standing.name,
        address: standing.address,
    }
}

async fn list(State(desk): State<Desk>, _caller: Caller) -> Result<Json<Vec<Target>>, Error> {
    let standings = target::standings(&desk.app.continuity).await?;
    Ok(Json(standings.into_iter().map(shape).collect()))
}

async fn accept(
    State(desk): State<Desk>,
    Path(name): Path<String>,
    caller: ApiAct,
) -> Result<Json<serde_json::Value>, Error> {
    let vault = target::accept(&desk.app.continuity, &name, &caller.by).await?;
    Ok(Json(serde_json::json!({ "target": name, "vault": vault })))
}
