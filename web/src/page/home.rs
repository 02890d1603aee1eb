//! Could the company restart today? One sentence, then its reasons.

use super::{Frame, render};
use crate::auth::permit::Reader;
use crate::desk::Desk;
use crate::error::Error;
use crate::letter;
use crate::ongoing::{self, Work};
use crate::readiness::{self, Shown};
use crate::story::{self, Line, Mood};
use crate::words::Told;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use continuity::records;
use provisioner::host::{self, HostState};
use state::journal;

pub(super) fn router() -> Router<Desk> {
    Router::new().route("/", get(show))
}

/// The proof of the appliance's own copy.
struct OwnProof {
    id: String,
    sentence: String,
}

struct Trouble {
    object: String,
    told: Told,
    since: String,
}

struct Waiting {
    id: String,
    name: String,
    product: String,
    code: String,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Page {
    f: Frame,
    mood: Mood,
    sentence: String,
    own: Shown,
    own_proof: Option<OwnProof>,
    services: Vec<Shown>,
    going_on: Vec<Work>,
    waiting: Vec<Waiting>,
    waiting_title: String,
    troubles: Vec<Trouble>,
    /// What is seen and saved by nobody, when there is any.
    unprotected: Option<String>,
    lines: Vec<Line>,
}

async fn show(State(desk): State<Desk>, reader: Reader) -> Result<Response, Error> {
    let (app, words) = (&desk.app, &reader.words);
    let overview = app.continuity.overview().await?;
    let own_proof = records::proofs(&app.db, 200)
        .await?
        .into_iter()
        .find(|p| p.plan == continuity::APPLIANCE && p.passed)
        .map(|p| OwnProof {
            id: p.id.to_string(),
            sentence: words.n_with(
                "own-proof",
                p.files,
                &[
                    ("bytes", &words.size(p.bytes)),
                    ("took", &words.took(p.took_ms)),
                ],
            ),
        });
    let hosts = host::list(&app.db).await?;
    let waiting: Vec<Waiting> = hosts
        .iter()
        .filter(|h| h.state == HostState::Waiting)
        .map(|h| Waiting {
            id: h.id.to_string(),
            name: h.name.clone(),
            product: h.product.clone(),
            code: h.pairing_code.clone().unwrap_or_default(),
        })
        .collect();
    let troubles = super::troubles::open(&desk)
        .await?
        .into_iter()
        .map(|t| Trouble {
            object: letter::named(words, &t.object),
            told: words.told(&t.sentence),
            since: words.date(t.since),
        })
        .collect();
    let look = continuity::unprotected::look(&app.continuity).await?;
    let open = look.open().count() as u64;
    let lines = journal::latest(&app.db, 8).await?;
    let title = words.t("nav-home");
    render(&Page {
        mood: readiness::overall(&overview),
        sentence: readiness::sentence(words, &overview),
        own: readiness::shown(words, &overview.appliance),
        own_proof,
        services: overview
            .services
            .iter()
            .map(|s| readiness::shown(words, s))
            .collect(),
        going_on: app
            .board
            .all()
            .iter()
            .map(|(key, p)| ongoing::work(words, key, p))
            .collect(),
        waiting_title: words.n("home-waiting", waiting.len() as u64),
        waiting,
        troubles,
        unprotected: (open > 0).then(|| words.n("home-unprotected", open)),
        lines: lines.iter().map(|e| story::line(words, e)).collect(),
        f: Frame::new(&desk, &reader, "home", title),
    })
}
