//! What happened, newest first.

use super::{Frame, render};
use crate::auth::permit::Reader;
use crate::desk::Desk;
use crate::error::Error;
use crate::path;
use crate::story::{self, Line};
use askama::Template;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use state::journal;

pub(super) fn router() -> Router<Desk> {
    Router::new().route("/journal", get(show))
}

const PER_PAGE: i64 = 100;

#[derive(Template)]
#[template(path = "journal.html")]
struct Page {
    f: Frame,
    lines: Vec<Line>,
    /// Number to continue below; `None` at the beginning of the journal.
    older: Option<i64>,
    first_page: bool,
}

async fn show(
    State(desk): State<Desk>,
    reader: Reader,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let before = path::in_query(query.as_deref(), "before")
        .and_then(|b| String::from_utf8(b).ok()?.parse::<i64>().ok());
    let entries = match before {
        None => journal::latest(&desk.app.db, PER_PAGE).await?,
        Some(before) => {
            let from = before.saturating_sub(1 + PER_PAGE).max(0);
            let mut list = journal::after(&desk.app.db, from, PER_PAGE).await?;
            list.retain(|e| e.number < before);
            list.reverse();
            list
        }
    };
    let older = entries.last().map(|e| e.number).filter(|n| *n > 1);
    let title = reader.words.t("journal-title");
    render(&Page {
        lines: entries
            .iter()
            .map(|e| story::line(&reader.words, e))
            .collect(),
        older,
        first_page: before.is_none(),
        f: Frame::new(&desk, &reader, "journal", title),
    })
}
