//! A disk of a machine erased: what will be lost, then the name typed, then a session.

use super::at_stake::{self, AtStake};
use super::hosts::{HostView, said, view};
use super::{Frame, render};
use crate::auth::permit::{Act, Reader};
use crate::desk::Desk;
use crate::error::Error;
use crate::path::text;
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
    at_stake: AtStake,
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
        at_stake: AtStake::of(words, asked),
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
    let disk = text(query.as_deref(), "disk");
    let asked = wipe::preview(&desk.app.boot, &host.id, disk.as_deref()).await?;
    page(&desk, &reader, &host, &asked, None)
}

async fn erase(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Act { reader, fields }: Act,
) -> Result<Response, Error> {
    let host = host::get(&desk.app.db, &HostId(id)).await?;
    if !at_stake::is_typed(&fields, &host) {
        let asked = wipe::preview(&desk.app.boot, &host.id, Some(fields.get("disk"))).await?;
        let problem = at_stake::typed_wrong(&reader, &host);
        let mut response = page(&desk, &reader, &host, &asked, Some(problem))?;
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(response);
    }
    let confirmed = Confirmed {
        host: host.id,
        disk: fields.get("disk").to_owned(),
        disk_serial: fields.get("disk_serial").to_owned(),
        disk_size_bytes: at_stake::size_sent(&reader, &fields)?,
    };
    let opened = wipe::open(&desk.app.boot, &confirmed, &reader.name).await?;
    Ok(Redirect::to(&format!("/sessions/{}", opened.id)).into_response())
}
