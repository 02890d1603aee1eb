//! A disk of a machine erased: what will be lost, then the name typed, then a session.

use super::hosts::{HostView, said, view};
use super::{Frame, render};
use crate::auth::permit::{Act, Reader};
use crate::desk::Desk;
use crate::error::Error;
use crate::path::in_query;
use askama::Template;
use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use provisioner::host::{self, Host, HostId};
use provisioner::session::Confirmation;
use provisioner::session::wipe::{self, Confirmed};

pub(super) fn router() -> Router<Desk> {
    Router::new().route("/hosts/{id}/wipe", get(confirm).post(erase))
}

#[derive(Template)]
#[template(path = "wipe.html")]
struct WipePage {
    f: Frame,
    host: HostView,
    disk_name: String,
    disk_model: String,
    disk_serial: String,
    disk_size: String,
    /// Sent back as the inventory says them, to be compared with it again.
    sent_name: String,
    sent_serial: String,
    sent_size: u64,
    lost: String,
    problem: Option<String>,
}

fn page(
    desk: &Desk,
    reader: &Reader,
    host: &Host,
    asked: &Confirmation,
    problem: Option<String>,
) -> Result<Response, Error> {
    let words = &reader.words;
    let title = words.t1("wipe-title", "host", said(&host.name));
    render(&WipePage {
        host: view(words, &desk.app.config.registry, host),
        disk_name: said(&asked.disk.name),
        disk_model: said(&asked.disk.model),
        disk_serial: said(&asked.disk.serial),
        disk_size: words.disk(asked.disk.size_bytes),
        sent_name: asked.disk.name.clone(),
        sent_serial: asked.disk.serial.clone(),
        sent_size: asked.disk.size_bytes,
        lost: said(&asked.lost),
        problem,
        f: Frame::new(desk, reader, "hosts", title),
    })
}

/// What would be lost, before anything can be.
async fn confirm(
    State(desk): State<Desk>,
    reader: Reader,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let host = host::get(&desk.app.db, &HostId(id)).await?;
    let plain = query.map(|query| query.replace('+', "%20"));
    let disk = in_query(plain.as_deref(), "disk").and_then(|disk| String::from_utf8(disk).ok());
    let disk = disk.filter(|disk| !disk.is_empty());
    let asked = wipe::preview(&desk.app.boot, &host.id, disk.as_deref()).await?;
    page(&desk, &reader, &host, &asked, None)
}

async fn erase(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Act { reader, fields }: Act,
) -> Result<Response, Error> {
    let host = host::get(&desk.app.db, &HostId(id)).await?;
    if fields.get("typed").trim() != host.name.trim() {
        let asked = wipe::preview(&desk.app.boot, &host.id, Some(fields.get("disk"))).await?;
        let problem = reader
            .words
            .t1("deploy-typed-wrong", "name", said(&host.name));
        let mut response = page(&desk, &reader, &host, &asked, Some(problem))?;
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(response);
    }
    let confirmed = Confirmed {
        host: host.id,
        disk: fields.get("disk").to_owned(),
        disk_serial: fields.get("disk_serial").to_owned(),
        disk_size_bytes: fields
            .get("disk_size_bytes")
            .parse()
            .map_err(|_| Error::Invalid(reader.words.t("form-stale")))?,
    };
    let opened = wipe::open(&desk.app.boot, &confirmed, &reader.name).await?;
    Ok(Redirect::to(&format!("/sessions/{}", opened.id)).into_response())
}
