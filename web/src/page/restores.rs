//! Putting files back into a folder of the appliance: where, then exactly what, then done.

use super::{Frame, render};
use crate::auth::permit::{Act, Reader};
use crate::desk::Desk;
use crate::error::Error;
use crate::ongoing::{self, Work};
use crate::path::{self, encode, in_query, shown};
use crate::shelf::look_in;
use crate::story::{self, Mood};
use askama::Template;
use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use continuity::{RestoreId, RestoreRequest, records};
use state::Timestamp;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use vault::restore::Overwrite;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/snapshots/{target}/{id}/restore", get(ask))
        .route("/restores", post(start))
        .route("/restores/{id}", get(show))
        .route("/restores/{id}/cancel", post(cancel))
}

/// What exactly a restore would do.
struct Preview {
    /// From where in the snapshot, to which path here.
    placements: Vec<(String, String)>,
    totals: String,
    existing: Vec<String>,
    existing_title: String,
    existing_count: u64,
}

#[derive(Template)]
#[template(path = "restore_ask.html")]
struct AskPage {
    f: Frame,
    base: String,
    target: String,
    id: String,
    /// Percent-encoded.
    path: String,
    path_shown: String,
    to: String,
    overwrite: &'static str,
    problem: Option<String>,
    preview: Option<Preview>,
}

impl AskPage {
    fn is(&self, overwrite: &str) -> bool {
        self.overwrite == overwrite
    }
}

fn overwrite(text: &str) -> (Overwrite, &'static str) {
    match text {
        "replace" => (Overwrite::Replace, "replace"),
        "keep" => (Overwrite::Keep, "keep"),
        _ => (Overwrite::Refuse, "refuse"),
    }
}

fn selection(path: &[u8]) -> Vec<Vec<u8>> {
    if path.is_empty() {
        Vec::new()
    } else {
        vec![path.to_vec()]
    }
}

/// A form writes spaces as `+`, also in a query.
fn from_form(query: Option<&str>, name: &str) -> Option<Vec<u8>> {
    in_query(query.map(|q| q.replace('+', "%20")).as_deref(), name)
}

async fn ask(
    State(desk): State<Desk>,
    reader: Reader,
    Path((target, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let words = &reader.words;
    let path = in_query(query.as_deref(), "path").unwrap_or_default();
    // In the form the path is percent-encoded once more, so that any bytes survive it.
    let path = in_query(query.as_deref(), "encoded")
        .map_or(path, |p| path::decode(&String::from_utf8_lossy(&p)));
    let to = from_form(query.as_deref(), "to").unwrap_or_default();
    let to = to.trim_ascii().to_vec();
    let how = in_query(query.as_deref(), "overwrite").unwrap_or_default();
    let (overwrite, how) = overwrite(&String::from_utf8_lossy(&how));
    let (snapshot, wanted) = look_in(&desk, &target, &id, {
        let path = path.clone();
        move |vault, snapshot| {
            if !path.is_empty() {
                vault.node(&snapshot, &path)?;
            }
            Ok((snapshot, path))
        }
    })
    .await?;
    let mut problem = None;
    let mut preview = None;
    if !to.is_empty() && !to.starts_with(b"/") {
        problem = Some(words.t("restore-absolute"));
    } else if !to.is_empty() {
        let request = RestoreRequest {
            target: target.clone(),
            snapshot: snapshot.id.to_string(),
            paths: selection(&wanted),
            destination: PathBuf::from(OsString::from_vec(to.clone())),
            overwrite,
        };
        match desk
            .app
            .continuity
            .plan_restore(&request)
            .await
            .map_err(Error::from)
        {
            Ok(plan) => {
                preview = Some(Preview {
                    placements: plan
                        .placements
                        .iter()
                        .map(|p| (shown(&p.from), shown(p.to.as_os_str().as_encoded_bytes())))
                        .collect(),
                    totals: words.n_with(
                        "restore-totals",
                        plan.files,
                        &[
                            ("folders", &words.count(plan.folders)),
                            ("bytes", &words.size(plan.bytes)),
                        ],
                    ),
                    existing: plan
                        .existing
                        .iter()
                        .take(20)
                        .map(|p| shown(p.as_os_str().as_encoded_bytes()))
                        .collect(),
                    existing_title: words.n(
                        if overwrite == Overwrite::Keep {
                            "restore-kept"
                        } else {
                            "restore-existing"
                        },
                        plan.existing_count,
                    ),
                    existing_count: plan.existing_count,
                });
            }
            Err(Error::Inside(cause)) => return Err(Error::Inside(cause)),
            Err(refused) => problem = Some(refused.to_string()),
        }
    }
    let title = words.t2(
        "restore-title",
        "plan",
        words.plan(&snapshot.plan),
        "date",
        words.date(Timestamp(snapshot.finished_ms)),
    );
    let refused = problem.is_some();
    let mut response = render(&AskPage {
        base: super::snapshots::address(&target, &snapshot),
        id: snapshot.id.to_string(),
        path_shown: shown(&path),
        path: encode(&path),
        to: String::from_utf8_lossy(&to).into_owned(),
        overwrite: how,
        problem,
        preview,
        target,
        f: Frame::new(&desk, &reader, "snapshots", title),
    })?;
    if refused {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

async fn start(State(desk): State<Desk>, Act { reader, fields }: Act) -> Result<Response, Error> {
    let (overwrite, _) = overwrite(fields.get("overwrite"));
    let to = fields.get("to");
    if !to.starts_with('/') {
        return Err(Error::Invalid(reader.words.t("restore-absolute")));
    }
    let request = RestoreRequest {
        target: fields.get("target").to_owned(),
        snapshot: fields.get("snapshot").to_owned(),
        paths: selection(&path::decode(fields.get("encoded"))),
        destination: PathBuf::from(to),
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
    detail: Option<String>,
    problems: Vec<(String, String)>,
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
        detail: restore.detail.clone(),
        problems_title: words.n("restore-problems", restore.problems),
        problems: problems
            .into_iter()
            .map(|p| (shown(p.object.as_bytes()), p.what))
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
