//! One session, while it goes on and after.

use super::{Frame, render};
use crate::auth::permit::{Act, Reader};
use crate::desk::Desk;
use crate::error::Error;
use crate::ongoing::{self, Work};
use crate::path::shown;
use crate::story::{self, Mood};
use crate::words::Words;
use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use provisioner::session::{self, Session, SessionId, SessionState, Task};
use state::Timestamp;
use state::progress::Progress;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/sessions/{id}", get(show))
        .route("/sessions/{id}/cancel", post(cancel))
}

/// A session in a list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) host: String,
    pub(super) image: String,
    pub(super) when: String,
    pub(super) mood: Mood,
    pub(super) state: String,
}

/// What is put onto the disk, or made of it.
fn image(words: &Words, session: &Session) -> String {
    match session.task {
        Task::Wipe => words.t("session-wipe"),
        Task::Deploy | Task::Capture => shown(session.image_name.as_bytes()),
    }
}

pub(super) fn row(words: &Words, session: &Session, now: Timestamp) -> Row {
    Row {
        id: session.id.to_string(),
        host: shown(session.host_name.as_bytes()),
        image: image(words, session),
        when: words.date(session.opened),
        mood: match &session.state {
            SessionState::Done { .. } => Mood::Good,
            SessionState::Failed { .. } | SessionState::Expired => Mood::Bad,
            _ if session.is_stale(now) => Mood::Care,
            _ => Mood::Plain,
        },
        state: if session.is_stale(now) {
            words.t("session-stale")
        } else {
            story::session_step(words, session.state.as_str())
        },
    }
}

#[derive(Template)]
#[template(path = "session.html")]
struct Page {
    f: Frame,
    row: Row,
    host_id: String,
    over: bool,
    detail: Option<String>,
    disk: String,
    size: String,
    lost: String,
    /// Nothing is lost: what `lost` says then is what happens.
    keeps: bool,
    by: String,
    expires: String,
    ended: Option<String>,
    summary: Option<String>,
    going_on: Vec<Work>,
}

async fn show(
    State(desk): State<Desk>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let words = &reader.words;
    let session = session::get(&desk.app.db, &SessionId(id)).await?;
    let now = desk.app.clock.now();
    let (detail, summary) = match &session.state {
        SessionState::Failed { why } => (Some(shown(why.as_bytes())), None),
        SessionState::Cancelled { by } => (None, Some(words.t1("session-cancelled-by", "by", by))),
        SessionState::Done {
            written_bytes,
            took_ms,
        } => (
            None,
            Some(words.t2(
                match session.task {
                    Task::Deploy => "session-summary",
                    Task::Wipe => "wipe-summary",
                    Task::Capture => "capture-summary",
                },
                "bytes",
                words.size(*written_bytes),
                "took",
                words.took(*took_ms),
            )),
        ),
        _ => (None, None),
    };
    let key = session.id.as_str();
    let going_on = match &session.state {
        SessionState::Reading {
            done_bytes,
            total_bytes,
        }
        | SessionState::Writing {
            done_bytes,
            total_bytes,
        }
        | SessionState::Verifying {
            done_bytes,
            total_bytes,
        } => {
            // The board knows the rate; without it (just restarted) the stored figures do.
            let stored = Progress {
                kind: "session".to_owned(),
                subject: session.host_name.clone(),
                step: session.state.as_str().to_owned(),
                done_bytes: *done_bytes,
                total_bytes: *total_bytes,
                started: now,
                updated: now,
            };
            let progress = desk.app.board.get(key).unwrap_or(stored);
            vec![ongoing::work(words, key, &progress)]
        }
        _ => Vec::new(),
    };
    let host_name = shown(session.host_name.as_bytes());
    let image = shown(session.image_name.as_bytes());
    let title = match session.task {
        Task::Wipe => words.t1("wipe-title", "host", host_name),
        Task::Deploy => words.t2("deploy-title", "image", image, "host", host_name),
        Task::Capture => words.t2("capture-title", "image", image, "host", host_name),
    };
    render(&Page {
        row: row(words, &session, now),
        host_id: session.host.to_string(),
        over: session.state.is_over(),
        detail,
        disk: shown(
            format!(
                "{} · {} · {}",
                session.disk_path, session.disk_model, session.disk_serial
            )
            .as_bytes(),
        ),
        size: words.disk(session.disk_size_bytes),
        lost: shown(session.lost.as_bytes()),
        keeps: session.task == Task::Capture,
        by: session.opened_by.clone(),
        expires: words.date(session.expires),
        ended: session.ended.map(|at| words.date(at)),
        summary,
        going_on,
        f: Frame::new(&desk, &reader, "hosts", title),
    })
}

async fn cancel(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Act { reader, .. }: Act,
) -> Result<Response, Error> {
    let id = SessionId(id);
    session::cancel(&desk.app.boot, &id, &reader.name).await?;
    Ok(Redirect::to(&format!("/sessions/{id}")).into_response())
}
