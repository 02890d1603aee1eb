//! `GET /api/hosts[/ID]`, `GET /api/hosts/ID/boot`, `POST /api/hosts/import`,
//! `POST /api/hosts/ID/{approve,forget,ask,next,wake}`. ID may be a name or a MAC.

use crate::auth::permit::{ApiAct, Caller};
use crate::desk::Desk;
use crate::error::Error;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use images::wire::Inventory;
use provisioner::host;
use serde::{Deserialize, Serialize};

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/api/hosts", get(list))
        .route("/api/hosts/import", post(import))
        .route("/api/hosts/{id}", get(show))
        .route("/api/hosts/{id}/approve", post(approve))
        .route("/api/hosts/{id}/forget", post(forget))
        .route("/api/hosts/{id}/ask", post(ask))
        .route("/api/hosts/{id}/boot", get(boot))
        .route("/api/hosts/{id}/next", post(next))
        .route("/api/hosts/{id}/wake", post(wake))
}

#[derive(Serialize)]
struct Host {
    id: String,
    name: String,
    /// seen | waiting | approved
    state: &'static str,
    macs: Vec<String>,
    serial: String,
    uuid: String,
    product: String,
    pairing_code: Option<String>,
    inventory: Option<Inventory>,
    agent_version: Option<String>,
    first_seen_ms: i64,
    last_seen_ms: i64,
    approved_ms: Option<i64>,
    approved_by: Option<String>,
}

fn shape(host: host::Host) -> Host {
    Host {
        id: host.id.0,
        name: host.name,
        state: host.state.as_str(),
        macs: host.macs.iter().map(ToString::to_string).collect(),
        serial: host.serial,
        uuid: host.uuid,
        product: host.product,
        pairing_code: host.pairing_code,
        inventory: host.inventory,
        agent_version: host.agent_version,
        first_seen_ms: host.first_seen.0,
        last_seen_ms: host.last_seen.0,
        approved_ms: host.approved.map(|t| t.0),
        approved_by: host.approved_by,
    }
}

async fn find(desk: &Desk, which: &str) -> Result<host::Host, Error> {
    Ok(host::find(&desk.app.db, which).await?)
}

async fn list(State(desk): State<Desk>, _caller: Caller) -> Result<Json<Vec<Host>>, Error> {
    let hosts = host::list(&desk.app.db).await?;
    Ok(Json(hosts.into_iter().map(shape).collect()))
}

#[derive(Deserialize)]
struct List {
    csv: String,
}

#[derive(Serialize)]
struct Imported {
    added: u64,
    known: u64,
}

async fn import(
    State(desk): State<Desk>,
    caller: ApiAct,
    Json(list): Json<List>,
) -> Result<Json<Imported>, Error> {
    let now = desk.app.clock.now();
    let host::Imported { added, known } =
        host::import(&desk.app.db, &list.csv, &caller.by, now).await?;
    Ok(Json(Imported { added, known }))
}

async fn show(
    State(desk): State<Desk>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Host>, Error> {
    Ok(Json(shape(find(&desk, &id).await?)))
}

#[derive(Default, Deserialize)]
struct Approval {
    /// The pairing code the operator compared with the machine's screen.
    code: Option<String>,
}

async fn approve(
    State(desk): State<Desk>,
    caller: ApiAct,
    Path(id): Path<String>,
    approval: Option<Json<Approval>>,
) -> Result<Json<Host>, Error> {
    let Json(approval) = approval.unwrap_or_default();
    let host = find(&desk, &id).await?;
    let now = desk.app.clock.now();
    let code = approval.code.as_deref();
    let approved = host::approve(&desk.app.db, &host.id, code, &caller.by, now).await;
    Ok(Json(shape(approved?)))
}

async fn forget(
    State(desk): State<Desk>,
    caller: ApiAct,
    Path(id): Path<String>,
) -> Result<Json<serde_json::Value>, Error> {
    let host = find(&desk, &id).await?;
    let now = desk.app.clock.now();
    let forgotten = host::forget(&desk.app.db, &host.id, &caller.by, now).await;
    forgotten?;
    Ok(Json(serde_json::json!({})))
}

/// Its next network boot starts the agent again.
async fn ask(
    State(desk): State<Desk>,
    _caller: ApiAct,
    Path(id): Path<String>,
) -> Result<Json<serde_json::Value>, Error> {
    let host = find(&desk, &id).await?;
    let asked = host::ask_again(&desk.app.db, &host.id, desk.app.clock.now()).await;
    asked?;
    Ok(Json(serde_json::json!({})))
}

#[derive(Serialize)]
struct Boots {
    cards: Vec<Card>,
    /// What an operator wants it to boot next, once.
    next: Option<Next>,
}

#[derive(Serialize)]
struct Card {
    mac: String,
    /// agent | silence | menu | the name of an entry
    gets: String,
    why: String,
    /// Counted from 1.
    rule: Option<usize>,
}

#[derive(Serialize)]
struct Next {
    entry: String,
    by: String,
    expires_ms: i64,
}

fn next_shape(next: host::next::NextBoot) -> Next {
    Next {
        entry: next.entry,
        by: next.by,
        expires_ms: next.expires.0,
    }
}

/// What it would get now, and why.
async fn boot(
    State(desk): State<Desk>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Boots>, Error> {
    let host = find(&desk, &id).await?;
    let explained = provisioner::explain(&desk.app.boot, &host).await?;
    let next = host::next::of(&desk.app.db, &host.id, desk.app.clock.now()).await?;
    let cards = explained.into_iter().map(|card| Card {
        mac: card.mac.to_string(),
        gets: card.gets,
        why: card.why,
        rule: card.rule,
    });
    Ok(Json(Boots {
        cards: cards.collect(),
        next: next.map(next_shape),
    }))
}

#[derive(Deserialize)]
struct Wish {
    /// `menu` or the name of an entry; `null` withdraws.
    entry: Option<String>,
}

async fn next(
    State(desk): State<Desk>,
    caller: ApiAct,
    Path(id): Path<String>,
    Json(wish): Json<Wish>,
) -> Result<Json<Option<Next>>, Error> {
    let host = find(&desk, &id).await?;
    let db = &desk.app.db;
    let Some(entry) = wish.entry else {
        host::next::withdraw(db, &host.id).await?;
        return Ok(Json(None));
    };
    let choices = &desk.app.boot.choices;
    let now = desk.app.clock.now();
    let next = host::next::ask(db, choices, &host.id, &entry, &caller.by, now).await?;
    Ok(Json(Some(next_shape(next))))
}

#[derive(Default, Deserialize)]
struct Wake {
    /// Broadcast addresses of networks behind a router.
    #[serde(default)]
    beyond: Vec<std::net::Ipv4Addr>,
}

#[derive(Serialize)]
struct Woken {
    networks: Vec<String>,
}

async fn wake(
    State(desk): State<Desk>,
    _caller: ApiAct,
    Path(id): Path<String>,
    asked: Option<Json<Wake>>,
) -> Result<Json<Woken>, Error> {
    let Json(asked) = asked.unwrap_or_default();
    let host = find(&desk, &id).await?;
    let networks = host::wake(&host, &asked.beyond).await?;
    Ok(Json(Woken {
        networks: networks.iter().map(ToString::to_string).collect(),
    }))
}
