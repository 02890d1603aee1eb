//! `GET /api/hosts[/ID]`, `GET /api/hosts/{export,netbox}`, `GET /api/hosts/ID/boot`, `POST /api/hosts/{approve,import,push}`,
//! `POST /api/hosts/ID/{approve,name,set,forget,ask,next,wake}`. ID may be a name or a MAC.

use crate::auth::permit::{ApiAct, Caller};
use crate::desk::Desk;
use crate::error::Error;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use images::wire::Inventory;
use provisioner::host;
use provisioner::host::approval::{Ask, Given, Purpose, approve_all, name_by_rule, preview};
use provisioner::host::csv::Style;
use provisioner::host::details::{Change, Grounds};
use provisioner::host::glpi::Standing;
use serde::{Deserialize, Serialize};

/// A list of a thousand hosts with every column.
const LIST_BYTES: usize = 1024 * 1024;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/api/hosts", get(list))
        .route("/api/hosts/approve", post(approve_many))
        .route(
            "/api/hosts/import",
            post(import).layer(DefaultBodyLimit::max(LIST_BYTES)),
        )
        .route("/api/hosts/export", get(export))
        .route("/api/hosts/netbox", get(netbox))
        .route("/api/hosts/push", post(push))
        .route("/api/hosts/{id}", get(show))
        .route("/api/hosts/{id}/approve", post(approve))
        .route("/api/hosts/{id}/name", post(name))
        .route("/api/hosts/{id}/set", post(set))
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
    profile: String,
    user: String,
    asset_tag: String,
    supplier: String,
    /// As in 2026-11-30.
    bought: Option<String>,
    warranty_end: Option<String>,
    /// The one that it always gets where this box gives them.
    address: Option<String>,
    /// An address in the network it last asked to boot in.
    network: Option<String>,
    /// The port of the switch, where a switch said so.
    port: Option<String>,
    glpi: Option<Glpi>,
}

/// How its inventory got on with GLPI.
#[derive(Serialize)]
struct Glpi {
    /// When it accepted one last.
    accepted_ms: Option<i64>,
    /// What is wrong with the newest; `null`: nothing.
    problem: Option<String>,
}

fn of_glpi(standing: Standing) -> Glpi {
    Glpi {
        accepted_ms: standing.accepted.map(|at| at.0),
        problem: Some(standing.problem).filter(|problem| !problem.is_empty()),
    }
}

fn shape(host: host::Host, glpi: Option<Standing>) -> Host {
    Host {
        glpi: glpi.map(of_glpi),
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
        profile: host.details.profile,
        user: host.details.user,
        asset_tag: host.details.asset_tag,
        supplier: host.details.supplier,
        bought: host.details.bought.map(|day| day.to_string()),
        warranty_end: host.details.warranty_end.map(|day| day.to_string()),
        address: host.details.address.map(|address| address.to_string()),
        network: host
            .place
            .as_ref()
            .and_then(|place| place.network.map(|ip| ip.to_string())),
        port: host
            .place
            .map(|place| place.port)
            .filter(|port| !port.is_empty()),
    }
}

async fn find(desk: &Desk, which: &str) -> Result<host::Host, Error> {
    Ok(host::find(&desk.app.db, which).await?)
}

async fn list(State(desk): State<Desk>, _caller: Caller) -> Result<Json<Vec<Host>>, Error> {
    let hosts = host::list(&desk.app.db).await?;
    let mut standings = host::glpi::standings(&desk.app.db).await?;
    let shaped = hosts.into_iter().map(|host| {
        let standing = standings.remove(host.id.as_str());
        shape(host, standing)
    });
    Ok(Json(shaped.collect()))
}

async fn shaped(desk: &Desk, host: host::Host) -> Result<Json<Host>, Error> {
    let mut standings = host::glpi::standings(&desk.app.db).await?;
    let standing = standings.remove(host.id.as_str());
    Ok(Json(shape(host, standing)))
}

#[derive(Deserialize)]
struct List {
    csv: String,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Imported {
    added: u64,
    changed: u64,
    known: u64,
}

async fn import(
    State(desk): State<Desk>,
    caller: ApiAct,
    Json(list): Json<List>,
) -> Result<Json<Imported>, Error> {
    let (app, now) = (&desk.app, desk.app.clock.now());
    let List { csv, dry_run } = list;
    let registry = &app.config.registry;
    let grounds = Grounds::here(&app.config.dhcp);
    let host::Imported {
        added,
        changed,
        known,
    } = host::import(&app.db, registry, &grounds, &csv, dry_run, &caller.by, now).await?;
    Ok(Json(Imported {
        added,
        changed,
        known,
    }))
}

#[derive(Deserialize)]
struct Export {
    /// `;` or, without it, `,`.
    semicolon: Option<bool>,
    /// A byte order mark, for Excel.
    bom: Option<bool>,
}

#[derive(Serialize)]
struct Exported {
    csv: String,
}

async fn export(
    State(desk): State<Desk>,
    _caller: Caller,
    Query(asked): Query<Export>,
) -> Result<Json<Exported>, Error> {
    let hosts = host::list(&desk.app.db).await?;
    let style = Style {
        separator: match asked.semicolon {
            Some(true) => ';',
            _ => ',',
        },
        bom: asked.bom.unwrap_or(false),
    };
    let csv = host::export::list(&hosts, &desk.app.config.registry, style);
    Ok(Json(Exported { csv }))
}

#[derive(Deserialize)]
struct ForNetBox {
    role: String,
    site: Option<String>,
}

#[derive(Serialize)]
struct NetBoxTables {
    tables: Vec<NetBoxTable>,
    left_out: Vec<NotTaken>,
}

#[derive(Serialize)]
struct NetBoxTable {
    /// As in the addresses of its import pages.
    name: &'static str,
    csv: String,
}

#[derive(Serialize)]
struct NotTaken {
    name: String,
    why: &'static str,
}

async fn netbox(
    State(desk): State<Desk>,
    _caller: Caller,
    Query(asked): Query<ForNetBox>,
) -> Result<Json<NetBoxTables>, Error> {
    let hosts = host::list(&desk.app.db).await?;
    let told = host::export::NetBox {
        role: asked.role,
        site: asked.site,
    };
    let registry = &desk.app.config.registry;
    let (tables, left_out) = host::export::netbox(&hosts, registry, &told);
    let tables = tables.into_iter().map(|(table, csv)| NetBoxTable {
        name: table.name(),
        csv,
    });
    let left_out = left_out.into_iter().map(|host| NotTaken {
        name: host.name,
        why: host.why,
    });
    Ok(Json(NetBoxTables {
        tables: tables.collect(),
        left_out: left_out.collect(),
    }))
}

async fn show(
    State(desk): State<Desk>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Host>, Error> {
    shaped(&desk, find(&desk, &id).await?).await
}

#[derive(Default, Deserialize)]
struct Approval {
    /// The pairing code the operator compared with the machine's screen.
    code: Option<String>,
    profile: Option<String>,
}

async fn approve(
    State(desk): State<Desk>,
    caller: ApiAct,
    Path(id): Path<String>,
    approval: Option<Json<Approval>>,
) -> Result<Json<Host>, Error> {
    let Json(Approval { code, profile }) = approval.unwrap_or_default();
    let host = find(&desk, &id).await?.id;
    let (app, now) = (&desk.app, desk.app.clock.now());
    let asks = vec![Ask {
        host: host.clone(),
        code,
    }];
    let registry = &app.config.registry;
    approve_all(&app.db, registry, asks, profile.as_deref(), &caller.by, now).await?;
    shaped(&desk, host::get(&app.db, &host).await?).await
}

#[derive(Deserialize)]
struct Approvals {
    /// Those that are meant; none = all that wait.
    #[serde(default)]
    hosts: Vec<Approved>,
    profile: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
struct Approved {
    /// Its id, name or MAC.
    host: String,
    code: Option<String>,
}

/// What a machine gets, or why not.
#[derive(Default, Serialize)]
struct Named {
    host: String,
    before: String,
    name: Option<String>,
    profile: String,
    code: String,
    problem: Option<String>,
}

fn named(given: Given) -> Named {
    Named {
        host: given.host.to_string(),
        before: given.before,
        name: Some(given.name),
        profile: given.profile,
        code: given.code,
        problem: None,
    }
}

fn previewed(
    hosts: &[host::Host],
    previews: Vec<Result<Given, host::Error>>,
) -> Result<Vec<Named>, Error> {
    hosts
        .iter()
        .zip(previews)
        .map(|(host, preview)| match preview {
            Ok(given) => Ok(named(given)),
            Err(host::Error::Read(error)) => Err(host::Error::Read(error).into()),
            Err(problem) => Ok(Named {
                host: host.id.to_string(),
                before: host.name.clone(),
                code: host.pairing_code.clone().unwrap_or_default(),
                problem: Some(format!("failed to {problem}")),
                ..Named::default()
            }),
        })
        .collect()
}

async fn approve_many(
    State(desk): State<Desk>,
    caller: ApiAct,
    Json(asked): Json<Approvals>,
) -> Result<Json<Vec<Named>>, Error> {
    let (app, now) = (&desk.app, desk.app.clock.now());
    let mut hosts = Vec::new();
    let mut asks = Vec::new();
    if asked.hosts.is_empty() {
        hosts = host::list(&app.db).await?;
        hosts.retain(|host| host.state == host::HostState::Waiting);
        asks.extend(hosts.iter().map(|host| Ask {
            host: host.id.clone(),
            code: None,
        }));
    }
    for Approved { host, code } in asked.hosts {
        let found = find(&desk, &host).await?;
        let host = found.id.clone();
        if asks.iter().all(|ask: &Ask| ask.host != host) {
            asks.push(Ask { host, code });
            hosts.push(found);
        }
    }
    let (registry, profile) = (&app.config.registry, asked.profile.as_deref());
    if asked.dry_run {
        let previews = preview(&app.db, registry, &asks, profile, Purpose::Approval).await?;
        return Ok(Json(previewed(&hosts, previews)?));
    }
    let given = approve_all(&app.db, registry, asks, profile, &caller.by, now).await?;
    Ok(Json(given.into_iter().map(named).collect()))
}

#[derive(Default, Deserialize)]
struct Naming {
    /// `None`: that of the rule.
    name: Option<String>,
    profile: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

async fn name(
    State(desk): State<Desk>,
    caller: ApiAct,
    Path(id): Path<String>,
    asked: Option<Json<Naming>>,
) -> Result<Json<Named>, Error> {
    let Json(asked) = asked.unwrap_or_default();
    let (app, now) = (&desk.app, desk.app.clock.now());
    let registry = &app.config.registry;
    let found = find(&desk, &id).await?;
    let profile = asked.profile.as_deref();
    if let Some(name) = asked.name {
        if !asked.dry_run {
            host::rename(&app.db, &found.id, &name, &caller.by, now).await?;
        }
        return Ok(Json(Named {
            host: found.id.to_string(),
            before: found.name,
            name: Some(name),
            ..Named::default()
        }));
    }
    if asked.dry_run {
        let asks = [Ask {
            host: found.id.clone(),
            code: None,
        }];
        let previews = preview(&app.db, registry, &asks, profile, Purpose::Naming).await?;
        let mut shown = previewed(&[found], previews)?;
        return Ok(Json(shown.pop().unwrap_or_default()));
    }
    let given = name_by_rule(&app.db, registry, &found.id, profile, &caller.by, now).await?;
    Ok(Json(named(given)))
}

#[derive(Deserialize)]
struct Push {
    /// Their ids, names or MACs; none = all that are approved.
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Pushed {
    host: String,
    name: String,
    /// What is sent.
    document: Option<serde_json::Value>,
    /// Why there is nothing to send.
    problem: Option<String>,
}

/// Sends inventories to GLPI again, also those it has; or shows them.
async fn push(
    State(desk): State<Desk>,
    _caller: ApiAct,
    Json(asked): Json<Push>,
) -> Result<Json<Vec<Pushed>>, Error> {
    let (app, registry) = (&desk.app, &desk.app.config.registry);
    if registry.glpi.is_none() && !asked.dry_run {
        return Err(host::Error::NoGlpi.into());
    }
    let mut hosts = Vec::new();
    if asked.hosts.is_empty() {
        hosts = host::list(&app.db).await?;
        hosts.retain(|host| host.state == host::HostState::Approved && host.inventory.is_some());
    }
    for which in &asked.hosts {
        hosts.push(find(&desk, which).await?);
    }
    let mut meant = Vec::new();
    let mut pushed = Vec::new();
    for host in hosts {
        let previewed = host::glpi::preview(registry, &host);
        let (document, problem) = match previewed {
            Ok(document) => (Some(document), None),
            Err(why) => (None, Some(why)),
        };
        pushed.push(Pushed {
            host: host.id.to_string(),
            name: host.name.clone(),
            document,
            problem,
        });
        meant.push(host);
    }
    if !asked.dry_run && pushed.iter().all(|pushed| pushed.problem.is_none()) {
        host::glpi::push(&app.db, meant, app.clock.now()).await?;
    }
    Ok(Json(pushed))
}

/// An empty text takes away; what is absent stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Details {
    profile: Option<String>,
    user: Option<String>,
    asset_tag: Option<String>,
    supplier: Option<String>,
    bought: Option<String>,
    warranty_end: Option<String>,
    address: Option<String>,
}

async fn set(
    State(desk): State<Desk>,
    caller: ApiAct,
    Path(id): Path<String>,
    Json(details): Json<Details>,
) -> Result<Json<Host>, Error> {
    let (app, now) = (&desk.app, desk.app.clock.now());
    let host = find(&desk, &id).await?.id;
    let change = Change {
        profile: details.profile,
        user: details.user,
        asset_tag: details.asset_tag,
        supplier: details.supplier,
        bought: details.bought,
        warranty_end: details.warranty_end,
        address: details.address,
    };
    let registry = &app.config.registry;
    let grounds = Grounds::here(&app.config.dhcp);
    host::details::set(&app.db, registry, &grounds, &host, change, &caller.by, now).await?;
    shaped(&desk, host::get(&app.db, &host).await?).await
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
    let Json(mut asked) = asked.unwrap_or_default();
    let host = find(&desk, &id).await?;
    let site = host::site_broadcast(&host, &desk.app.config.registry);
    asked.beyond.extend(site);
    let networks = host::wake(&host, &asked.beyond).await?;
    Ok(Json(Woken {
        networks: networks.iter().map(ToString::to_string).collect(),
    }))
}
