//! `GET /events`: facts as they are journalled and progress as it is made, as server-sent events.
//!
//! A fact's event id is its number in the journal: a browser that reconnects goes on where it was.

use crate::api::events::{fact, progress};
use crate::auth::permit::Caller;
use crate::desk::Desk;
use crate::error::Error;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use state::journal;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;

pub(crate) fn router() -> Router<Desk> {
    Router::new().route("/events", get(stream))
}

const HEARTBEAT: Duration = Duration::from_secs(15);
/// Progress changes many times a second; an eye needs two.
const PROGRESS_PACE: Duration = Duration::from_millis(500);
/// A log-in may end while its stream is open: it is opened again at least this often.
const LONGEST: Duration = Duration::from_secs(30 * 60);

type Sender = mpsc::Sender<Result<Event, Infallible>>;

async fn stream(
    State(desk): State<Desk>,
    _caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let place = desk
        .live
        .streams
        .clone()
        .try_acquire_owned()
        .map_err(|_| Error::TooMany)?;
    let resumed = headers
        .get("last-event-id")
        .and_then(|v| v.to_str().ok()?.parse().ok());
    let asked = crate::path::in_query(query.as_deref(), "after")
        .and_then(|v| String::from_utf8(v).ok()?.parse().ok());
    let head = journal::head(&desk.app.db).await?;
    // A number from before a restored database is not a place in this journal.
    let after = resumed.or(asked).filter(|n| *n <= head).unwrap_or(head);
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(feed(desk, place, after, sender));
    let keep_alive = KeepAlive::new().interval(HEARTBEAT).text("still here");
    Ok(Sse::new(ReceiverStream::new(receiver))
        .keep_alive(keep_alive)
        .into_response())
}

/// Ends when the reader has gone, the appliance stops, or half an hour has passed.
async fn feed(desk: Desk, place: OwnedSemaphorePermit, after: i64, sender: Sender) {
    let shutdown = desk.app.shutdown.clone();
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = sender.closed() => {}
        () = tokio::time::sleep(LONGEST) => {}
        result = send_all(&desk, after, &sender) => {
            if let Err(error) = result {
                tracing::error!(%error, "failed to read the journal for an open page; the page asks again");
            }
        }
    }
    drop(place);
}

async fn send_all(desk: &Desk, mut after: i64, sender: &Sender) -> Result<(), state::db::Error> {
    let mut commits = desk.app.db.commits();
    let mut changes = desk.app.board.changes();
    let mut pace = tokio::time::interval(PROGRESS_PACE);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let first = Event::default().retry(Duration::from_secs(3));
    if sender.send(Ok(first.comment("open"))).await.is_err() {
        return Ok(());
    }
    changes.mark_changed();
    commits.mark_changed();
    loop {
        tokio::select! {
            changed = commits.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                loop {
                    let entries = journal::after(&desk.app.db, after, 100).await?;
                    let Some(last) = entries.last() else { break };
                    after = last.number;
                    for entry in &entries {
                        if sender.send(Ok(fact(entry))).await.is_err() {
                            return Ok(());
                        }
                    }
                }
            }
            _ = pace.tick() => {
                match changes.has_changed() {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(_) => return Ok(()),
                }
                changes.mark_unchanged();
                if sender.send(Ok(progress(&desk.app.board.all()))).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
}
