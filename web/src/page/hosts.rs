//! The machines of the network: those that wait, those that were approved.

use super::{Frame, render};
use crate::auth::permit::{Act, Reader};
use crate::desk::Desk;
use crate::error::Error;
use crate::path::{shown, text};
use crate::readiness::Moment;
use crate::story::Mood;
use crate::words::{Told, Words};
use askama::Template;
use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use config::Registry;
use images::secure_boot::{Verdict, judge_boot_disk};
use images::wire::Inventory;
use provisioner::host::approval::{Ask, Purpose, approve_all, preview};
use provisioner::host::csv::Style;
use provisioner::host::details::{self, Change, Details, Grounds, Warranty};
use provisioner::host::glpi::Standing;
use provisioner::host::{self, Host, HostId, HostState, adapter};
use provisioner::session;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/hosts", get(list))
        .route("/hosts/approve", post(approve_many))
        .route("/hosts/export.csv", get(export))
        .route("/hosts/{id}", get(show))
        .route("/hosts/{id}/approve", post(approve))
        .route("/hosts/{id}/forget", post(forget))
        .route("/hosts/{id}/ask", post(ask_again))
        .route("/hosts/{id}/next", post(next))
        .route("/hosts/{id}/wake", post(wake))
        .route("/hosts/{id}/address", post(address))
}

pub(super) struct DiskView {
    /// What a form sends: the serial number, or the kernel name of a disk without one.
    pub(super) value: String,
    pub(super) name: String,
    pub(super) model: String,
    pub(super) serial: String,
    pub(super) size: String,
    pub(super) removable: bool,
}

/// A machine as its page and the list show it.
pub(super) struct HostView {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) mood: Mood,
    pub(super) state: String,
    pub(super) waiting: bool,
    pub(super) approved: bool,
    pub(super) product: String,
    pub(super) serial: String,
    pub(super) uuid: String,
    pub(super) code: String,
    pub(super) macs: String,
    pub(super) first_seen: Moment,
    pub(super) last_seen: Moment,
    pub(super) approved_by: Option<String>,
    pub(super) system: Option<String>,
    pub(super) cpu: Option<String>,
    pub(super) memory: Option<String>,
    pub(super) firmware: Option<String>,
    /// Whether Secure Boot is on, and whom it trusts.
    pub(super) secure_boot: Option<String>,
    /// Its firmware refuses the boot disk.
    pub(super) refuses: bool,
    pub(super) disks: Vec<DiskView>,
    pub(super) nics: Vec<String>,
    /// What people noted of it, each with its title.
    pub(super) notes: Vec<(String, String)>,
    pub(super) warranty: Option<WarrantyView>,
}

/// How it stands with a machine's warranty.
pub(super) struct WarrantyView {
    pub(super) mood: Mood,
    pub(super) text: String,
    /// Over, or soon.
    pub(super) shown: bool,
}

fn warranty(words: &Words, registry: &Registry, details: &Details) -> Option<WarrantyView> {
    let date = details.warranty_end?.to_string();
    let (mood, text, shown) = match details::warranty(details, registry, words.today()) {
        Warranty::Unknown => return None,
        Warranty::Runs => (Mood::Plain, words.t1("warranty-until", "date", date), false),
        Warranty::EndsIn(0) => (Mood::Care, words.t("warranty-today"), true),
        Warranty::EndsIn(days) => {
            let days = u64::try_from(days).unwrap_or(0);
            let text = words.n_with("warranty-soon", days, &[("date", &date)]);
            (Mood::Care, text, true)
        }
        Warranty::Over => (Mood::Bad, words.t1("warranty-over", "date", date), true),
    };
    Some(WarrantyView { mood, text, shown })
}

fn notes(words: &Words, details: &Details) -> Vec<(String, String)> {
    let bought = details.bought.map(|day| day.to_string());
    [
        ("host-user", said(&details.user)),
        ("host-profile", said(&details.profile)),
        ("host-asset-tag", said(&details.asset_tag)),
        ("host-supplier", said(&details.supplier)),
        ("host-bought", bought.unwrap_or_default()),
        ("host-address", fixed(details)),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(key, value)| (words.t(key), value))
    .collect()
}

/// The address it always gets; empty: any.
fn fixed(details: &Details) -> String {
    let address = details.address.map(|address| address.to_string());
    address.unwrap_or_default()
}

/// Everything an agent tells is hostile: it is cut, cleaned and escaped.
pub(super) fn said(text: &str) -> String {
    let cut: String = text.chars().take(200).collect();
    shown(cut.as_bytes())
}

fn secure_boot(words: &Words, inventory: &Inventory) -> Option<String> {
    let names: Vec<String> = inventory.trusted.iter().take(16).map(|n| said(n)).collect();
    match inventory.secure_boot? {
        false => Some(words.t("host-secure-off")),
        true if names.is_empty() => Some(words.t("host-secure-on")),
        true => Some(words.t1("host-secure-trusts", "names", names.join(", "))),
    }
}

pub(super) fn view(words: &Words, registry: &Registry, host: &Host) -> HostView {
    let inventory = host.inventory.as_ref();
    HostView {
        notes: notes(words, &host.details),
        warranty: warranty(words, registry, &host.details),
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
        secure_boot: inventory.and_then(|i| secure_boot(words, i)),
        refuses: inventory.is_some_and(|i| {
            let verdict = judge_boot_disk(i.secure_boot, &i.trusted);
            matches!(verdict, Verdict::Untrusted(_))
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
                        size: words.disk(d.size_bytes),
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

/// A network card that several machines use.
struct AdapterView {
    mac: String,
    /// Id and name of each, the latest first.
    users: Vec<(String, String)>,
    last: Moment,
}

fn adapter_view(words: &Words, adapter: &adapter::Adapter) -> Option<AdapterView> {
    let latest = adapter.users.first()?;
    Some(AdapterView {
        mac: adapter.mac.to_string(),
        users: adapter
            .users
            .iter()
            .map(|user| (user.host.to_string(), said(&user.name)))
            .collect(),
        last: Moment::new(words, latest.last),
    })
}

fn profiles(registry: &Registry) -> Vec<String> {
    registry.profiles.iter().map(|p| p.name.clone()).collect()
}

#[derive(Template)]
#[template(path = "hosts.html")]
struct ListPage {
    f: Frame,
    waiting: Vec<HostView>,
    /// What each of those that wait becomes by the profile that was chosen.
    becomes: Vec<Becomes>,
    /// The names of all, and the one that was chosen; empty: none.
    profiles: Vec<String>,
    profile: String,
    others: Vec<HostView>,
    boot_off: bool,
    adapters: Vec<AdapterView>,
    sessions: Vec<super::sessions::Row>,
}

/// The name that an approval gives, or why there is none.
struct Becomes {
    id: String,
    name: String,
    code: String,
    text: Option<String>,
    problem: Option<String>,
}

/// The name of a waiting host after its approval.
async fn becomes(
    desk: &Desk,
    words: &Words,
    waiting: &[&Host],
    profile: Option<&str>,
) -> Result<Vec<Becomes>, Error> {
    let asks: Vec<Ask> = waiting
        .iter()
        .map(|host| Ask {
            host: host.id.clone(),
            code: host.pairing_code.clone(),
        })
        .collect();
    let registry = &desk.app.config.registry;
    let previews = preview(&desk.app.db, registry, &asks, profile, Purpose::Approval).await?;
    let shown = waiting.iter().zip(previews).map(|(host, preview)| {
        let (text, problem) = match preview {
            Ok(given) if given.is_new_name() => (
                Some(words.t1("host-becomes", "name", said(&given.name))),
                None,
            ),
            Ok(_) => (None, None),
            Err(error) => (None, Some(format!("failed to {error}"))),
        };
        Becomes {
            id: host.id.to_string(),
            name: said(&host.name),
            code: host.pairing_code.clone().unwrap_or_default(),
            text,
            problem,
        }
    });
    Ok(shown.collect())
}

async fn list(
    State(desk): State<Desk>,
    reader: Reader,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let words = &reader.words;
    let registry = &desk.app.config.registry;
    let hosts = host::list(&desk.app.db).await?;
    let (waiting, others) = hosts
        .iter()
        .map(|h| view(words, registry, h))
        .partition(|v: &HostView| v.waiting);
    let profile = text(query.as_deref(), "profile");
    let profile = profile.as_deref().and_then(|name| registry.profile(name));
    let profile = profile.map(|profile| profile.name.clone());
    let waits: Vec<&Host> = hosts
        .iter()
        .filter(|host| host.state == HostState::Waiting)
        .collect();
    let becomes = becomes(&desk, words, &waits, profile.as_deref()).await?;
    let sessions = session::list(&desk.app.db, 20).await?;
    let adapters = adapter::shared(&desk.app.db).await?;
    let now = desk.app.clock.now();
    let title = words.t("nav-hosts");
    render(&ListPage {
        waiting,
        becomes,
        profiles: profiles(registry),
        profile: profile.unwrap_or_default(),
        others,
        boot_off: desk.app.config.networks.is_empty(),
        adapters: adapters
            .iter()
            .filter_map(|adapter| adapter_view(words, adapter))
            .collect(),
        sessions: sessions
            .iter()
            .map(|s| super::sessions::row(words, s, now))
            .collect(),
        f: Frame::new(&desk, &reader, "hosts", title),
    })
}

/// How its inventory gets on with GLPI, and what is wrong with the newest.
struct GlpiView {
    text: String,
    problem: Option<Told>,
}

fn glpi(words: &Words, standing: Standing) -> GlpiView {
    GlpiView {
        text: match standing.accepted {
            Some(at) => words.t1("host-glpi-accepted", "date", words.date(at)),
            None => words.t("host-glpi-waits"),
        },
        problem: (!standing.problem.is_empty()).then(|| words.told(&standing.problem)),
    }
}

#[derive(Template)]
#[template(path = "host.html")]
struct Page {
    f: Frame,
    host: HostView,
    /// By the profile it has, or the rule of all.
    becomes: Option<Becomes>,
    profiles: Vec<String>,
    glpi: Option<GlpiView>,
    /// Word and title of what it can be given at its next network boot.
    entries: Vec<(String, String)>,
    /// What it will be given.
    next: Option<String>,
    /// The address it always gets; `None`: this box gives none.
    address: Option<String>,
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
    let registry = &desk.app.config.registry;
    let glpi = match registry.glpi.is_some() && host.state == HostState::Approved {
        true => {
            let mut standings = host::glpi::standings(&desk.app.db).await?;
            let standing = standings.remove(host.id.as_str()).unwrap_or_default();
            Some(glpi(words, standing))
        }
        false => None,
    };
    let becomes = match host.state {
        HostState::Waiting => becomes(&desk, words, &[&host], None).await?.pop(),
        _ => None,
    };
    let next = host::next::of(&desk.app.db, &host.id, now).await?;
    let usual = [
        (host::next::MENU, "host-menu"),
        (host::next::MEMTEST, "host-memtest"),
        (host::next::RESCUE, "host-rescue"),
    ]
    .map(|(word, title)| (word.to_owned(), words.t(title)));
    let own = &desk.app.boot.choices.entries;
    render(&Page {
        host: view(words, registry, &host),
        becomes,
        profiles: profiles(registry),
        glpi,
        entries: usual
            .into_iter()
            .chain(own.iter().map(|e| (e.name.clone(), e.title.clone())))
            .collect(),
        next: next.map(|next| {
            let until = words.date(next.expires);
            words.with(
                "host-next-asked",
                &[("entry", &next.entry), ("by", &next.by), ("date", &until)],
            )
        }),
        address: (!desk.app.config.dhcp.subnets.is_empty()).then(|| fixed(&host.details)),
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
    let ask = Ask {
        host: id.clone(),
        code: Some(fields.get("code").to_owned()),
    };
    approve_these(&desk, vec![ask], fields.get("profile"), &reader.name).await?;
    Ok(Redirect::to(&format!("/hosts/{id}")).into_response())
}

/// Those that are ticked, with the codes that the page showed: all of them, or none.
async fn approve_many(
    State(desk): State<Desk>,
    Act { reader, fields }: Act,
) -> Result<Response, Error> {
    let ticked = fields.all("host").filter_map(|ticked| {
        let (id, code) = ticked.split_once(' ')?;
        Some(Ask {
            host: HostId(id.to_owned()),
            code: Some(code.to_owned()),
        })
    });
    approve_these(&desk, ticked.collect(), fields.get("profile"), &reader.name).await?;
    Ok(Redirect::to("/hosts").into_response())
}

async fn approve_these(desk: &Desk, asks: Vec<Ask>, profile: &str, by: &str) -> Result<(), Error> {
    let (app, now) = (&desk.app, desk.app.clock.now());
    let profile = Some(profile).filter(|profile| !profile.is_empty());
    approve_all(&app.db, &app.config.registry, asks, profile, by, now).await?;
    Ok(())
}

/// The list, as the spreadsheets of the reader's language open it by a double click.
async fn export(State(desk): State<Desk>, reader: Reader) -> Result<Response, Error> {
    let hosts = host::list(&desk.app.db).await?;
    let style = match reader.words.french() {
        true => Style::EXCEL,
        false => Style {
            bom: true,
            ..Style::PLAIN
        },
    };
    let csv = host::export::list(&hosts, &desk.app.config.registry, style);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"hosts.csv\"",
        ),
    ];
    Ok((headers, csv).into_response())
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

async fn next(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Act { reader, fields }: Act,
) -> Result<Response, Error> {
    let id = HostId(id);
    let (app, now) = (&desk.app, desk.app.clock.now());
    match fields.get("entry") {
        "" => host::next::withdraw(&app.db, &id).await?,
        entry => {
            host::next::ask(&app.db, &app.boot.choices, &id, entry, &reader.name, now).await?;
        }
    }
    Ok(Redirect::to(&format!("/hosts/{id}")).into_response())
}

/// Keeps an address for it; an empty field takes it away.
async fn address(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Act { reader, fields }: Act,
) -> Result<Response, Error> {
    let id = HostId(id);
    let (app, now) = (&desk.app, desk.app.clock.now());
    let change = Change {
        address: Some(fields.get("address").to_owned()),
        ..Change::default()
    };
    let grounds = Grounds::here(&app.config.dhcp);
    let registry = &app.config.registry;
    details::set(&app.db, registry, &grounds, &id, change, &reader.name, now).await?;
    Ok(Redirect::to(&format!("/hosts/{id}")).into_response())
}

async fn wake(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    _act: Act,
) -> Result<Response, Error> {
    let host = host::get(&desk.app.db, &HostId(id)).await?;
    let site = host::site_broadcast(&host, &desk.app.config.registry);
    host::wake(&host, site.as_slice()).await?;
    Ok(Redirect::to(&format!("/hosts/{}", host.id)).into_response())
}
