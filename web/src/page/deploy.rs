//! An image onto a machine's disk: what will be lost, then the name typed, then a session.

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
use provisioner::host::approval::{Ask, approve_all};
use provisioner::host::{self, Host, HostId, HostState};
use provisioner::session::{self, Confirmation, Confirmed};

pub(super) fn router() -> Router<Desk> {
    Router::new().route("/hosts/{id}/deploy", get(confirm).post(deploy))
}

#[derive(Template)]
#[template(path = "deploy.html")]
struct DeployPage {
    f: Frame,
    host: HostView,
    image: String,
    image_name: String,
    image_size: String,
    at_stake: AtStake,
    problem: Option<String>,
}

fn deploy_page(
    desk: &Desk,
    reader: &Reader,
    host: &Host,
    asked: &Confirmation,
    problem: Option<String>,
) -> Result<Response, Error> {
    let words = &reader.words;
    let title = words.t2(
        "deploy-title",
        "image",
        said(&asked.image_name),
        "host",
        said(&host.name),
    );
    render(&DeployPage {
        host: view(words, &desk.app.config.registry, host),
        image: asked.image.clone(),
        image_name: said(&asked.image_name),
        image_size: words.size(asked.image_size_bytes),
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
    let image = text(query.as_deref(), "image")
        .ok_or_else(|| Error::Invalid(reader.words.t("deploy-no-image")))?;
    let disk = text(query.as_deref(), "disk");
    let asked = session::preview(&desk.app.boot, &host.id, &image, disk.as_deref()).await?;
    deploy_page(&desk, &reader, &host, &asked, None)
}

async fn deploy(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Act { reader, fields }: Act,
) -> Result<Response, Error> {
    let host = host::get(&desk.app.db, &HostId(id)).await?;
    if !at_stake::is_typed(&fields, &host) {
        let disk = fields.get("disk");
        let asked =
            session::preview(&desk.app.boot, &host.id, fields.get("image"), Some(disk)).await?;
        let problem = at_stake::typed_wrong(&reader, &host);
        let mut response = deploy_page(&desk, &reader, &host, &asked, Some(problem))?;
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(response);
    }
    let confirmed = Confirmed {
        host: host.id.clone(),
        image: fields.get("image").to_owned(),
        disk: fields.get("disk").to_owned(),
        disk_serial: fields.get("disk_serial").to_owned(),
        disk_size_bytes: at_stake::size_sent(&reader, &fields)?,
    };
    if host.state == HostState::Waiting {
        let now = desk.app.clock.now();
        let ask = Ask {
            host: host.id.clone(),
            code: Some(fields.get("code").to_owned()),
        };
        let registry = &desk.app.config.registry;
        approve_all(&desk.app.db, registry, vec![ask], None, &reader.name, now).await?;
    }
    let opened = session::open(&desk.app.boot, &confirmed, &reader.name).await?;
    Ok(Redirect::to(&format!("/sessions/{}", opened.id)).into_response())
}
