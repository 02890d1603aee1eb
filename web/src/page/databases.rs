//! Proven copies of databases, opened to be read for a while: what they are, of when, until when, how to reach them.

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
use continuity::opened::{Stage, Why};
use continuity::{OpenRequest, Opened, OpenedId, Proof};
use std::net::SocketAddr;
use std::time::Duration;

/// Offered in the form.
const HOURS: [u64; 4] = [1, 4, 12, 48];

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/databases", get(show))
        .route("/databases/open", post(open))
        .route("/databases/password", post(password))
        .route("/databases/close", post(close))
}

struct Row {
    id: String,
    title: String,
    mood: Mood,
    state: String,
    facts: Vec<(String, String)>,
    /// For a terminal.
    command: Option<String>,
    password: Option<String>,
    open: bool,
    busy: bool,
    why: Option<String>,
}

struct Choice {
    value: String,
    label: String,
}

#[derive(Template)]
#[template(path = "databases.html")]
struct Page {
    f: Frame,
    rows: Vec<Row>,
    choices: Vec<Choice>,
    hours: Vec<(u64, String)>,
}

fn row(words: &Words, opened: &Opened, password: Option<String>) -> Row {
    let (mood, state, why) = match &opened.stage {
        Stage::Loading => (Mood::Plain, words.t("database-loading"), None),
        Stage::Open => (Mood::Good, words.t("database-open"), None),
        Stage::Closed(why) => {
            let key = match why {
                Why::Time => "database-closed-time",
                Why::Asked => "database-closed-asked",
                Why::Stop => "database-closed-stop",
            };
            (Mood::Plain, words.t(key), None)
        }
        Stage::Failed(why) => (Mood::Bad, words.t("database-failed"), Some(why.clone())),
    };
    let name = path::shown(opened.database.as_bytes());
    let fact = |key: &str, value: String| (words.t(key), value);
    let mut facts = vec![
        fact("database-engine", opened.engine.clone()),
        fact("database-taken", words.date(opened.taken)),
        fact("database-from", opened.target.clone()),
        fact("database-until", words.date(opened.until)),
    ];
    let open = opened.stage == Stage::Open;
    let user = opened.user.clone().filter(|_| open);
    if let Some(user) = &user {
        facts.push(fact("database-address", opened.listen.to_string()));
        facts.push(fact("database-user", user.clone()));
        facts.push(fact("database-name", name.clone()));
    }
    let (host, port) = (opened.listen.ip(), opened.listen.port());
    let command = user.map(|user| match opened.engine.as_str() {
        "PostgreSQL" => format!("psql --host={host} --port={port} --username={user} {name}"),
        _ => format!("mariadb --host={host} --port={port} --user={user} --password {name}"),
    });
    Row {
        id: opened.id.to_string(),
        title: words.t2(
            "database-title",
            "name",
            &name,
            "plan",
            words.plan(&opened.plan),
        ),
        mood,
        state,
        facts,
        command,
        password,
        open,
        busy: open || opened.stage == Stage::Loading,
        why,
    }
}

/// A plan, a target, one of the databases that its newest proof loaded.
fn choices(words: &Words, proof: &Proof) -> Vec<Choice> {
    let databases = proof.evidence.databases.iter();
    databases
        .map(|database| Choice {
            value: [&proof.plan, &proof.target, &database.name]
                .map(|part| path::encode(part.as_bytes()))
                .join("/"),
            label: words.with(
                "database-choice",
                &[
                    ("name", &path::shown(database.name.as_bytes())),
                    ("plan", &words.plan(&proof.plan)),
                    ("target", &proof.target),
                    ("date", &words.date(proof.at)),
                ],
            ),
        })
        .collect()
}

async fn page(
    desk: &Desk,
    reader: &Reader,
    told: Option<(OpenedId, Option<String>)>,
) -> Result<Response, Error> {
    let words = &reader.words;
    let continuity = &desk.app.continuity;
    let opened = continuity.opened_databases();
    let rows = opened.iter().map(|o| {
        let said = told.as_ref().filter(|(id, _)| *id == o.id);
        let said = said.map(|(_, password)| match password {
            Some(password) => password.clone(),
            None => words.t("database-password-told"),
        });
        row(words, o, said)
    });
    let proofs = continuity.openable().await?;
    let hours = HOURS.map(|h| (h, words.duration(Duration::from_secs(h * 3600))));
    let title = words.t("nav-databases");
    render(&Page {
        rows: rows.collect(),
        choices: proofs.iter().flat_map(|p| choices(words, p)).collect(),
        hours: hours.into(),
        f: Frame::new(desk, reader, "databases", title),
    })
}

async fn show(State(desk): State<Desk>, reader: Reader) -> Result<Response, Error> {
    page(&desk, &reader, None).await
}

async fn open(State(desk): State<Desk>, Act { reader, fields }: Act) -> Result<Response, Error> {
    let words = &reader.words;
    let chosen: Vec<String> = fields
        .get("which")
        .split('/')
        .map(|part| String::from_utf8_lossy(&path::decode(part)).into_owned())
        .collect();
    let [plan, target, database] = chosen.as_slice() else {
        return Err(Error::Invalid(words.t("database-choose")));
    };
    let listen: SocketAddr = fields
        .get("listen")
        .trim()
        .parse()
        .map_err(|_| Error::Invalid(words.t("database-bad-address")))?;
    let hours: u64 = fields.get("hours").parse().unwrap_or(HOURS[0]);
    let request = OpenRequest {
        plan: plan.clone(),
        target: target.clone(),
        database: Some(database.clone()),
        listen,
        lasts: Duration::from_secs(hours.clamp(1, 7 * 24) * 3600),
    };
    desk.app
        .continuity
        .open_database(request, &reader.name)
        .await?;
    Ok(Redirect::to("/databases").into_response())
}

async fn password(
    State(desk): State<Desk>,
    Act { mut reader, fields }: Act,
) -> Result<Response, Error> {
    let id = OpenedId(fields.get("id").to_owned());
    let password = desk.app.continuity.opened_password(&id);
    // The language links of this page lead to one that can be fetched.
    reader.here = "/databases?".to_owned();
    page(&desk, &reader, Some((id, password))).await
}

async fn close(State(desk): State<Desk>, Act { fields, .. }: Act) -> Result<Response, Error> {
    let id = OpenedId(fields.get("id").to_owned());
    desk.app.continuity.close_database(&id).await?;
    Ok(Redirect::to("/databases").into_response())
}
