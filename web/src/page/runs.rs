//! One backup: what it did, what it could not.

use super::{Frame, render};
use crate::auth::permit::{Act, Reader};
use crate::desk::Desk;
use crate::error::Error;
use crate::ongoing::{self, Work};
use crate::path;
use crate::story::{self, Mood};
use crate::words::{Told, Words};
use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use continuity::{Run, RunId, records};

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/runs/{id}", get(show))
        .route("/runs/{id}/cancel", post(cancel))
}

/// A run in a list.
pub(super) struct RunRow {
    pub(super) id: String,
    pub(super) plan: String,
    pub(super) target: String,
    pub(super) when: String,
    pub(super) mood: Mood,
    pub(super) outcome: String,
    pub(super) stored: String,
    pub(super) took: String,
}

pub(super) fn row(words: &Words, run: &Run) -> RunRow {
    RunRow {
        id: run.id.to_string(),
        plan: words.plan(&run.plan),
        target: run.target.clone(),
        when: words.date(run.started.unwrap_or(run.queued)),
        mood: run.outcome.map_or(Mood::Plain, story::mood),
        outcome: outcome(words, run),
        stored: run
            .outcome
            .map(|_| words.size(run.stored_bytes))
            .unwrap_or_default(),
        took: run
            .outcome
            .map(|_| words.took(run.took_ms))
            .unwrap_or_default(),
    }
}

fn outcome(words: &Words, run: &Run) -> String {
    match (run.outcome, run.started) {
        (Some(outcome), _) => story::outcome(words, outcome),
        (None, Some(_)) => words.t("outcome-running"),
        (None, None) => words.t("outcome-queued"),
    }
}

#[derive(Template)]
#[template(path = "run.html")]
struct Page {
    f: Frame,
    row: RunRow,
    by: String,
    files: String,
    read: String,
    finished: Option<String>,
    detail: Option<Told>,
    /// Address of the snapshot it made.
    snapshot: Option<String>,
    problems: Vec<(String, Told)>,
    problems_title: String,
    going_on: Vec<Work>,
    over: bool,
}

async fn show(
    State(desk): State<Desk>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let (app, words) = (&desk.app, &reader.words);
    let id = RunId(id);
    let run = records::run(&app.db, &id)
        .await?
        .ok_or_else(|| Error::NotFound(words.t1("no-such-run", "id", &id)))?;
    let problems = records::problems(&app.db, &id).await?;
    let title = words.t2(
        "run-title",
        "plan",
        words.plan(&run.plan),
        "target",
        &run.target,
    );
    render(&Page {
        row: row(words, &run),
        by: run.by.clone(),
        files: words.count(run.files),
        read: words.size(run.read_bytes),
        finished: run.finished.map(|at| words.date(at)),
        detail: run.detail.as_deref().map(|detail| words.told(detail)),
        snapshot: run
            .snapshot
            .as_ref()
            .map(|s| format!("/snapshots/{}/{s}", path::encode(run.target.as_bytes()))),
        problems_title: words.n("run-problems", run.problems),
        problems: problems
            .into_iter()
            .map(|p| (path::shown(p.object.as_bytes()), words.told(&p.what)))
            .collect(),
        going_on: app
            .board
            .get(id.as_str())
            .iter()
            .map(|p| ongoing::work(words, id.as_str(), p))
            .collect(),
        over: run.outcome.is_some(),
        f: Frame::new(&desk, &reader, "plans", title),
    })
}

async fn cancel(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    _act: Act,
) -> Result<Response, Error> {
    desk.app.continuity.cancel_run(&RunId(id.clone())).await?;
    Ok(Redirect::to(&format!("/runs/{id}")).into_response())
}
