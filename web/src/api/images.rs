//! `GET /api/images`, `POST /api/images/import` (answers when the image is in the vault; its
//! progress is on the board meanwhile).

use super::refusal;
use super::runs::{Problem, problems};
use crate::auth::permit::{ApiAct, Caller};
use crate::desk::Desk;
use crate::error::Error;
use crate::path;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/api/images", get(list))
        .route("/api/images/import", post(import))
}

#[derive(Serialize)]
struct Image {
    id: String,
    name: String,
    size_bytes: u64,
    imported_ms: i64,
    /// What its import added to the vault.
    stored_bytes: u64,
}

#[derive(Serialize)]
struct List {
    /// Oldest first.
    images: Vec<Image>,
    problems: Vec<Problem>,
}

fn shape(image: images::catalogue::Image) -> Image {
    Image {
        id: image.id,
        name: image.name,
        size_bytes: image.size_bytes,
        imported_ms: image.imported_ms,
        stored_bytes: image.stored_bytes,
    }
}

async fn list(State(desk): State<Desk>, _caller: Caller) -> Result<Json<List>, Error> {
    let listed = desk.app.continuity.images().await;
    let (images, found) = listed.map_err(refusal::import)?;
    Ok(Json(List {
        images: images.into_iter().map(shape).collect(),
        problems: problems(found),
    }))
}

#[derive(Deserialize)]
struct Asked {
    name: String,
    /// Absolute path of a raw disk on the appliance, percent-encoded.
    path: String,
}

async fn import(
    State(desk): State<Desk>,
    _caller: ApiAct,
    Json(asked): Json<Asked>,
) -> Result<Json<Image>, Error> {
    use std::os::unix::ffi::OsStringExt;
    let file = PathBuf::from(std::ffi::OsString::from_vec(path::decode(&asked.path)));
    let imported = desk.app.continuity.import_image(&asked.name, file).await;
    Ok(Json(shape(imported.map_err(refusal::import)?)))
}
