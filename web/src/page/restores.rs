//! Files being put back: begun, followed, stopped, gone on with.

use super::restore_ask::{overwrite, selection};
use super::{Frame, render};
use crate::auth::permit::{Act, Reader};
use crate::desk::Desk;
use crate::error::Error;
use crate::ongoing::{self, Work};
use crate::path::{self, encode, shown};
use crate::story::{self, Mood};
use crate::words::Told;
use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use continuity::{Destination, RestoreId, RestoreRequest, records};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route(
            "/snapshots/{target}/{id}/restore",
            get(super::restore_ask::ask),
        )
        .route(
            "/snapshots/{target}/{id}/database",
            get(super::restore_database::ask).post(super::restore_database::show),
        )
        .route("/restores", post(start))
        .route("/restores/database", post(super::restore_database::start))
        .route("/restores/{id}", get(show))
        .route("/restores/{id}/cancel", post(cancel))
        .route("/restores/{id}/resume", post(resume))
}

async fn start(State(desk): State<Desk>, Act { reader, fields }: Act) -> Result<Response, Error> {
    let (overwrite, _) = overwrite(fields.get("overwrite"));
    let to = path::decode(fields.get("to"));
    if !to.starts_with(b"/") {
        return Err(Error::Invalid(reader.words.t("restore-absolute")));
    }
    let server = fields.get("server");
    let request = RestoreRequest {
        target: fields.get("target").to_owned(),
        snapshot: fields.get("snapshot").to_owned(),
        paths: selection(&path::decode(fields.get("encoded"))),
        destination: Destination {
            server: (!server.is_empty()).then(|| server.to_owned()),
            folder: Some(PathBuf::from(OsString::from_vec(to))),
        },
        overwrite,
    };
    let id = desk
        .app
        .continuity
        .start_restore(request, &reader.name)
        .await?;
    Ok(Redirect::to(&format!("/restores/{id}")).into_response())
}

#[derive(Template)]
#[template(path = "restore.html")]
struct Page {
    f: Frame,
    id: String,
    mood: Mood,
    outcome: String,
    over: bool,
    destination: String,
    by: String,
    began: String,
    ended: Option<String>,
    totals: String,
    snapshot: String,
    can_resume: bool,
    resumed: Option<String>,
    detail: Option<Told>,
    problems: Vec<(String, Told)>,
    problems_title: String,
    going_on: Vec<Work>,
}

async fn show(
    State(desk): State<Desk>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let (app, words) = (&desk.app, &reader.words);
    let id = RestoreId(id);
    let restore = records::restore(&app.db, &id)
        .await?
        .ok_or_else(|| Error::NotFound(words.t1("no-such-restore", "id", &id)))?;
    let problems = records::restore_problems(&app.db, &id).await?;
    let title = words.t1(
        "restore-to",
        "destination",
        shown(restore.destination.as_bytes()),
    );
    render(&Page {
        mood: restore.outcome.map_or(Mood::Plain, story::mood),
        outcome: match restore.outcome {
            Some(outcome) => story::outcome(words, outcome),
            None => words.t("outcome-running"),
        },
        over: restore.outcome.is_some(),
        destination: shown(restore.destination.as_bytes()),
        by: restore.by.clone(),
        began: words.date(restore.started),
        ended: restore.finished.map(|at| words.date(at)),
        totals: words.n_with(
            "restore-done",
            restore.files,
            &[
                ("bytes", &words.size(restore.bytes)),
                ("took", &words.took(restore.took_ms)),
            ],
        ),
        snapshot: format!(
            "/snapshots/{}/{}",
            encode(restore.target.as_bytes()),
            restore.snapshot
        ),
        can_resume: restore.can_resume(),
        resumed: (restore.resumed > 0).then(|| words.n("restore-resumed", restore.resumed)),
        detail: restore.detail.as_deref().map(|detail| words.told(detail)),
        problems_title: words.n("restore-problems", restore.problems),
        problems: problems
            .into_iter()
            .map(|p| (shown(p.object.as_bytes()), words.told(&p.what)))
            .collect(),
        going_on: app
            .board
            .get(id.as_str())
            .iter()
            .map(|p| ongoing::work(words, id.as_str(), p))
            .collect(),
        id: id.to_string(),
        f: Frame::new(&desk, &reader, "snapshots", title),
    })
}

async fn cancel(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    _act: Act,
) -> Result<Response, Error> {
    desk.app
        .continuity
        .cancel_restore(&RestoreId(id.clone()))
        .await?;
    Ok(Redirect::to(&format!("/restores/{id}")).into_response())
}

async fn resume(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    _act: Act,
) -> Result<Response, Error> {
    let resumed = desk.app.continuity.resume_restore(&RestoreId(id)).await;
    Ok(Redirect::to(&format!("/restores/{}", resumed?)).into_response())
}
