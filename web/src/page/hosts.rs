//! The machines of the network: those that wait, those that were approved; deploying one.

use super::{Frame, render};
use crate::auth::permit::{Act, Reader};
use crate::desk::Desk;
use crate::error::Error;
use crate::path::{in_query, shown};
use crate::readiness::Moment;
use crate::story::Mood;
use crate::words::Words;
use askama::Template;
use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use provisioner::host::{self, Host, HostId, HostState};
use provisioner::session::{self, Confirmation, Confirmed};

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/hosts", get(list))
        .route("/hosts/{id}", get(show))
        .route("/hosts/{id}/approve", post(approve))
        .route("/hosts/{id}/forget", post(forget))
        .route("/hosts/{id}/ask", post(ask_again))
        .route("/hosts/{id}/deploy", get(confirm).post(deploy))
}

struct DiskView {
    /// What a form sends: the serial number, or the kernel name of a disk without one.
    value: String,
    name: String,
    model: String,
    serial: String,
    size: String,
    removable: bool,
}

/// A machine as its page and the list show it.
struct HostView {
    id: String,
    name: String,
    mood: Mood,
    state: String,
    waiting: bool,
    approved: bool,
    product: String,
    serial: String,
    uuid: String,
    code: String,
    macs: String,
    first_seen: Moment,
    last_seen: Moment,
    approved_by: Option<String>,
    system: Option<String>,
    cpu: Option<String>,
    memory: Option<String>,
    firmware: Option<String>,
    disks: Vec<DiskView>,
    nics: Vec<String>,
}

/// Everything an agent tells is hostile: it is cut, cleaned and escaped.
fn said(text: &str) -> String {
    let cut: String = text.chars().take(200).collect();
    shown(cut.as_bytes())
}

fn view(words: &Words, host: &Host) -> HostView {
    let inventory = host.inventory.as_ref();
    HostView {
        id: host.id.to_string(),
        name: said(&host.name),
        mood: match host.state {
            HostState::Seen => Mood::Plain,
            HostState::Waiting => Mood::Care,
            HostState::Approved => Mood::Good,
        },
        state: match host.state {
            HostState::Seen => words.t("host-seen"),
            HostState::Waiting => words.t("host-waiting"),
            HostState::Approved => words.t("host-approved"),
        },
        waiting: host.state == HostState::Waiting,
        approved: host.state == HostState::Approved,
        product: said(&host.product),
        serial: said(&host.serial),
        uuid: said(&host.uuid),
        code: host.pairing_code.clone().unwrap_or_default(),
        macs: host
            .macs
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
        first_seen: Moment::new(words, host.first_seen),
        last_seen: Moment::new(words, host.last_seen),
        approved_by: host
            .approved
            .zip(host.approved_by.as_ref())
            .map(|(at, by)| words.t2("host-approved-by", "by", by, "date", words.date(at))),
        system: inventory.map(|i| said(&format!("{} {}", i.system.manufacturer, i.system.product))),
        cpu: inventory.map(|i| {
            words.n_with(
                "host-cpu",
                u64::from(i.cpu.cores),
                &[("model", &said(&i.cpu.model))],
            )
        }),
        memory: inventory.map(|i| words.size(i.memory_bytes)),
        firmware: inventory.map(|i| {
            let secure = match i.secure_boot {
                Some(true) => " · Secure Boot",
                _ => "",
            };
            format!("{}{secure}", i.firmware.as_str().to_uppercase())
        }),
        disks: inventory
            .map(|i| {
                i.disks
                    .iter()
                    .take(64)
                    .map(|d| DiskView {
                        value: said(if d.serial.is_empty() {
                            &d.name
                        } else {
                            &d.serial
                        }),
                        name: said(&d.name),
                        model: said(&d.model),
                        serial: said(&d.serial),
                        size: words.size(d.size_bytes),
                        removable: d.removable,
                    })
                    .collect()
            })
            .unwrap_or_default(),
        nics: inventory
            .map(|i| {
                i.nics
                    .iter()
                    .take(64)
                    .map(|n| {
                        let speed = n
                            .speed_mbits
                            .map(|s| format!(" · {s} Mbit/s"))
                            .unwrap_or_default();
                        let address = n
                            .address
                            .as_ref()
                            .map(|a| format!(" · {}", said(a)))
                            .unwrap_or_default();
                        format!("{} · {}{speed}{address}", said(&n.name), said(&n.mac))
                    })
                    .collect()
            })
            .unwrap_or_default(),
    }
}

#[derive(Template)]
#[template(path = "hosts.html")]
struct ListPage {
    f: Frame,
    waiting: Vec<HostView>,
    others: Vec<HostView>,
    boot_off: bool,
    sessions: Vec<super::sessions::Row>,
}

async fn list(State(desk): State<Desk>, reader: Reader) -> Result<Response, Error> {
    let words = &reader.words;
    let hosts = host::list(&desk.app.db).await?;
    let (waiting, others) = hosts
        .iter()
        .map(|h| view(words, h))
        .partition(|v: &HostView| v.waiting);
    let sessions = session::list(&desk.app.db, 20).await?;
    let now = desk.app.clock.now();
    let title = words.t("nav-hosts");
    render(&ListPage {
        waiting,
        others,
        boot_off: desk.app.config.networks.is_empty(),
        sessions: sessions
            .iter()
            .map(|s| super::sessions::row(words, s, now))
            .collect(),
        f: Frame::new(&desk, &reader, "hosts", title),
    })
}

#[derive(Template)]
#[template(path = "host.html")]
struct Page {
    f: Frame,
    host: HostView,
    images: Vec<super::images::Row>,
    /// Why images cannot be listed.
    no_images: Option<String>,
    sessions: Vec<super::sessions::Row>,
}

async fn show(
    State(desk): State<Desk>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let words = &reader.words;
    let host = host::get(&desk.app.db, &HostId(id)).await?;
    let (images, no_images) = super::images::rows(&desk, words).await?;
    let sessions = session::list(&desk.app.db, 200).await?;
    let now = desk.app.clock.now();
    let title = said(&host.name);
    render(&Page {
        host: view(words, &host),
        images,
        no_images,
        sessions: sessions
            .iter()
            .filter(|s| s.host == host.id)
            .map(|s| super::sessions::row(words, s, now))
            .collect(),
        f: Frame::new(&desk, &reader, "hosts", title),
    })
}

async fn approve(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Act { reader, fields }: Act,
) -> Result<Response, Error> {
    let id = HostId(id);
    let now = desk.app.clock.now();
    host::approve(
        &desk.app.db,
        &id,
        Some(fields.get("code")),
        &reader.name,
        now,
    )
    .await?;
    Ok(Redirect::to(&format!("/hosts/{id}")).into_response())
}

async fn forget(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Act { reader, .. }: Act,
) -> Result<Response, Error> {
    let now = desk.app.clock.now();
    host::forget(&desk.app.db, &HostId(id), &reader.name, now).await?;
    Ok(Redirect::to("/hosts").into_response())
}

async fn ask_again(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    _act: Act,
) -> Result<Response, Error> {
    let id = HostId(id);
    host::ask_again(&desk.app.db, &id, desk.app.clock.now()).await?;
    Ok(Redirect::to(&format!("/hosts/{id}")).into_response())
}

#[derive(Template)]
#[template(path = "deploy.html")]
struct DeployPage {
    f: Frame,
    host: HostView,
    image: String,
    image_name: String,
    image_size: String,
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
        host: view(words, host),
        image: asked.image.clone(),
        image_name: said(&asked.image_name),
        image_size: words.size(asked.image_size_bytes),
        disk_name: said(&asked.disk.name),
        disk_model: said(&asked.disk.model),
        disk_serial: said(&asked.disk.serial),
        disk_size: words.size(asked.disk.size_bytes),
        sent_name: asked.disk.name.clone(),
        sent_serial: asked.disk.serial.clone(),
        sent_size: asked.disk.size_bytes,
        lost: said(&asked.lost),
        problem,
        f: Frame::new(desk, reader, "hosts", title),
    })
}

fn text(query: Option<&str>, name: &str) -> Option<String> {
    let plain = query.map(|q| q.replace('+', "%20"));
    in_query(plain.as_deref(), name)
        .and_then(|v| String::from_utf8(v).ok())
        .filter(|v| !v.is_empty())
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
    if fields.get("typed").trim() != host.name.trim() {
        let disk = fields.get("disk");
        let asked =
            session::preview(&desk.app.boot, &host.id, fields.get("image"), Some(disk)).await?;
        let problem = reader
            .words
            .t1("deploy-typed-wrong", "name", said(&host.name));
        let mut response = deploy_page(&desk, &reader, &host, &asked, Some(problem))?;
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(response);
    }
    let confirmed = Confirmed {
        host: host.id.clone(),
        image: fields.get("image").to_owned(),
        disk: fields.get("disk").to_owned(),
        disk_serial: fields.get("disk_serial").to_owned(),
        disk_size_bytes: fields
            .get("disk_size_bytes")
            .parse()
            .map_err(|_| Error::Invalid(reader.words.t("form-stale")))?,
    };
    if host.state == HostState::Waiting {
        let now = desk.app.clock.now();
        let code = Some(fields.get("code"));
        host::approve(&desk.app.db, &host.id, code, &reader.name, now).await?;
    }
    let opened = session::open(&desk.app.boot, &confirmed, &reader.name).await?;
    Ok(Redirect::to(&format!("/sessions/{}", opened.id)).into_response())
}
