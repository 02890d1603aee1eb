//! What this box can see and nobody saves; a plan to write, or a risk somebody accepts for a while.

use super::{Frame, render};
use crate::auth::permit::{Act, Reader};
use crate::desk::Desk;
use crate::error::Error;
use crate::path;
use crate::story::Mood;
use crate::words::Words;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use continuity::unprotected::{self, Blind, Exposed, Look, Standing, What, protect};
use state::Timestamp;
use std::time::Duration;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/unprotected", get(show))
        .route("/unprotected/accept", post(accept))
        .route("/unprotected/withdraw", post(withdraw))
}

/// The ends that are offered, in days: each comes back within a year.
const DAYS: [u64; 4] = [7, 30, 90, 365];

struct Row {
    object: String,
    name: String,
    mood: Mood,
    state: String,
    /// The lines of a plan; `None` where no plan can save it from here.
    lines: Option<String>,
    /// What to do instead.
    instead: String,
    accepted: bool,
}

#[derive(Template)]
#[template(path = "unprotected.html")]
struct Page {
    f: Frame,
    open: Vec<Row>,
    accepted: Vec<Row>,
    sentence: String,
    blind: Vec<Blind>,
    scanned: String,
    days: Vec<(u64, String)>,
    problem: Option<String>,
}

/// A thing in the reader's words.
pub(crate) fn name(words: &Words, what: &What) -> String {
    let shown = |path: &std::path::Path| path::shown(path.as_os_str().as_encoded_bytes());
    match what {
        What::Application { recipe, folder } => {
            let name = match *recipe {
                "dolibarr" => "Dolibarr",
                "nextcloud" => "Nextcloud",
                other => other,
            };
            words.t2("seen-application", "name", name, "folder", shown(folder))
        }
        What::Database {
            engine,
            name: Some(name),
        } => words.t2("seen-database", "name", name, "engine", engine.title()),
        What::Database { engine, name: None } => words.t1("seen-server", "engine", engine.title()),
        What::Folder(path) => words.t1("seen-folder", "folder", shown(path)),
        What::Host { name, mac: None } => words.t1("seen-host", "name", name),
        What::Host {
            name,
            mac: Some(mac),
        } => words.t2("seen-host-mac", "name", name, "mac", mac),
    }
}

/// How a thing stands, in the reader's words.
pub(crate) fn standing(words: &Words, standing: &Standing) -> String {
    match standing {
        Standing::Open => words.t("risk-open"),
        Standing::Partly(inside) => {
            let inside = inside
                .iter()
                .map(|p| path::shown(p.as_os_str().as_encoded_bytes()));
            words.t1(
                "risk-partly",
                "inside",
                inside.collect::<Vec<_>>().join(", "),
            )
        }
        Standing::RunOut(a) => words.with(
            "risk-ran-out",
            &[
                ("by", &a.by),
                ("date", &words.date(a.until)),
                ("why", &a.why),
            ],
        ),
        Standing::Accepted(a) => words.with(
            "risk-accepted",
            &[
                ("by", &a.by),
                ("date", &words.date(a.until)),
                ("why", &a.why),
            ],
        ),
    }
}

fn row(words: &Words, exposed: &Exposed, targets: &[String]) -> Row {
    Row {
        object: exposed.what.object(),
        name: name(words, &exposed.what),
        mood: match exposed.standing {
            Standing::Accepted(_) => Mood::Plain,
            Standing::Partly(_) => Mood::Care,
            Standing::Open | Standing::RunOut(_) => Mood::Bad,
        },
        state: standing(words, &exposed.standing),
        lines: protect::lines(&exposed.what, targets),
        instead: words.t(match exposed.what {
            What::Host { .. } => "protect-host",
            What::Database { .. } => "protect-database",
            What::Application { .. } | What::Folder(_) => "protect-name",
        }),
        accepted: !exposed.is_open(),
    }
}

/// One sentence: how much of what is seen somebody has to decide about.
pub(crate) fn sentence(words: &Words, look: &Look) -> String {
    let open = look.open().count() as u64;
    let saved = words.count(look.saved as u64);
    words.n_with("unprotected-sentence", open, &[("saved", &saved)])
}

async fn page(desk: &Desk, reader: &Reader, problem: Option<String>) -> Result<Response, Error> {
    let (app, words) = (&desk.app, &reader.words);
    let look = unprotected::look(&app.continuity).await?;
    let targets: Vec<String> = app.config.targets.iter().map(|t| t.name.clone()).collect();
    let rows = look.exposed.iter().map(|e| row(words, e, &targets));
    let (accepted, open) = rows.partition(|row| row.accepted);
    let scanned = app.config.appliance.scan.iter();
    let title = words.t("unprotected-title");
    render(&Page {
        open,
        accepted,
        sentence: sentence(words, &look),
        blind: look.blind,
        scanned: scanned
            .map(|p| path::shown(p.as_os_str().as_encoded_bytes()))
            .collect::<Vec<_>>()
            .join(", "),
        days: DAYS
            .iter()
            .map(|&n| (n, words.duration(Duration::from_secs(n * 86_400))))
            .collect(),
        problem,
        f: Frame::new(desk, reader, "unprotected", title),
    })
}

async fn show(State(desk): State<Desk>, reader: Reader) -> Result<Response, Error> {
    page(&desk, &reader, None).await
}

async fn accept(State(desk): State<Desk>, Act { reader, fields }: Act) -> Result<Response, Error> {
    let days: u64 = fields.get("days").parse().unwrap_or(0);
    let until = Timestamp(
        desk.app
            .clock
            .now()
            .0
            .saturating_add(i64::try_from(days.min(366)).unwrap_or(0) * 86_400_000),
    );
    let (object, why) = (fields.get("object"), fields.get("why"));
    let done = unprotected::accept(&desk.app.continuity, object, &reader.name, why, until).await;
    match done.map_err(Error::from) {
        Ok(()) => Ok(Redirect::to("/unprotected").into_response()),
        Err(Error::Refused(_)) => {
            let problem = reader.words.t("risk-refused");
            page(&desk, &reader, Some(problem)).await
        }
        Err(error) => Err(error),
    }
}

async fn withdraw(
    State(desk): State<Desk>,
    Act { reader, fields }: Act,
) -> Result<Response, Error> {
    unprotected::withdraw(&desk.app.continuity, fields.get("object"), &reader.name).await?;
    Ok(Redirect::to("/unprotected").into_response())
}
