//! A disk of a machine read into an image. Nothing is lost by it, so the form opens the session at once.

use crate::auth::permit::Act;
use crate::desk::Desk;
use crate::error::Error;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use provisioner::host::HostId;
use provisioner::session::capture;

pub(super) fn router() -> Router<Desk> {
    Router::new().route("/hosts/{id}/capture", post(open))
}

async fn open(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Act { reader, fields }: Act,
) -> Result<Response, Error> {
    let (image, disk) = (fields.get("image").trim(), fields.get("disk"));
    let opened =
        capture::open(&desk.app.boot, &HostId(id), image, Some(disk), &reader.name).await?;
    Ok(Redirect::to(&format!("/sessions/{}", opened.id)).into_response())
}
