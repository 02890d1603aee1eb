//! The places of the copies: how old each is, which disk is plugged in, which vault belongs where.

use super::{Frame, render};
use crate::auth::permit::{Act, Reader};
use crate::desk::Desk;
use crate::error::Error;
use crate::path;
use crate::readiness::Moment;
use crate::story::Mood;
use crate::words::Words;
use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use continuity::Disk;
use continuity::place::Place;
use continuity::target::{self, Holding, Standing};

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/targets", get(show))
        .route("/targets/{name}/accept", post(accept))
}

/// One vault: one disk of a rotation.
struct Copy {
    short: String,
    device: String,
    /// It is the one that lies there now.
    here: bool,
    saved: Option<Moment>,
    proven: Option<Moment>,
    seen: Moment,
}

struct View {
    name: String,
    segment: String,
    address: String,
    place: String,
    place_mood: Mood,
    /// Of a disk that comes and goes.
    disk: Option<(Mood, String)>,
    expected: Option<String>,
    copies: Vec<Copy>,
    refused: bool,
}

#[derive(Template)]
#[template(path = "targets.html")]
struct Page {
    f: Frame,
    targets: Vec<View>,
}

fn view(words: &Words, standing: Standing) -> View {
    let (place_mood, place) = match standing.place {
        Place::SameDisk => (Mood::Bad, "place-same-disk"),
        Place::OtherDisk => (Mood::Care, "place-other-disk"),
        Place::Elsewhere => (Mood::Good, "place-elsewhere"),
    };
    let disk = standing.removable.as_ref().map(|(_, disk)| match disk {
        Disk::Away => (Mood::Plain, words.t("disk-away")),
        Disk::Unusable => (Mood::Bad, words.t("disk-unusable")),
        Disk::There(vault) => (Mood::Good, words.t1("disk-there", "vault", short(vault))),
    });
    let here = |holding: &Holding| match &standing.removable {
        Some((_, Disk::There(vault))) => *vault == holding.known.vault,
        Some(_) => false,
        None => true,
    };
    let copies = standing.vaults.iter().map(|holding| Copy {
        short: short(&holding.known.vault),
        device: holding.known.device.clone(),
        here: here(holding),
        saved: holding.last_saved.map(|at| Moment::new(words, at)),
        proven: holding.last_proven.map(|at| Moment::new(words, at)),
        seen: Moment::new(words, holding.known.seen),
    });
    View {
        segment: path::encode(standing.name.as_bytes()),
        place: words.t(place),
        place_mood,
        expected: standing
            .removable
            .as_ref()
            .map(|(every, _)| words.t1("disk-expected", "every", words.duration(*every))),
        disk,
        copies: copies.collect(),
        refused: standing.refused,
        name: standing.name,
        address: standing.address,
    }
}

/// As many digits as tell two disks apart on a label.
fn short(vault: &str) -> String {
    vault.chars().take(8).collect()
}

async fn show(State(desk): State<Desk>, reader: Reader) -> Result<Response, Error> {
    let standings = target::standings(&desk.app.continuity).await?;
    let words = &reader.words;
    let title = words.t("targets-title");
    render(&Page {
        targets: standings.into_iter().map(|s| view(words, s)).collect(),
        f: Frame::new(&desk, &reader, "targets", title),
    })
}

async fn accept(
    State(desk): State<Desk>,
    Path(name): Path<String>,
    Act { reader, .. }: Act,
) -> Result<Response, Error> {
    target::accept(&desk.app.continuity, &name, &reader.name).await?;
    Ok(Redirect::to("/targets").into_response())
}
