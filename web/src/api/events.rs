//! The shapes of live events.

use axum::response::sse::Event;
use serde::Serialize;
use state::journal::Entry;
use state::progress::Progress;
use state::wire::Fact;

#[derive(Serialize)]
struct FactEvent<'a> {
    number: i64,
    at_ms: i64,
    #[serde(flatten)]
    fact: &'a Fact,
}

/// One line of the progress board, also `GET /api/progress`.
#[derive(Serialize)]
pub(crate) struct ProgressLine {
    key: String,
    kind: String,
    subject: String,
    step: String,
    done_bytes: u64,
    total_bytes: u64,
    bytes_per_second: f64,
    eta_ms: Option<u64>,
}

pub(crate) fn fact(entry: &Entry) -> Event {
    let body = FactEvent {
        number: entry.number,
        at_ms: entry.at.0,
        fact: &entry.fact,
    };
    json("fact", &body).id(entry.number.to_string())
}

pub(crate) fn progress(board: &[(String, Progress)]) -> Event {
    json("progress", &lines(board))
}

pub(crate) fn lines(board: &[(String, Progress)]) -> Vec<ProgressLine> {
    board
        .iter()
        .map(|(key, p)| ProgressLine {
            key: key.clone(),
            kind: p.kind.clone(),
            subject: p.subject.clone(),
            step: p.step.clone(),
            done_bytes: p.done_bytes,
            total_bytes: p.total_bytes,
            bytes_per_second: p.rate(),
            eta_ms: p
                .eta()
                .map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)),
        })
        .collect()
}

fn json(name: &str, body: &impl Serialize) -> Event {
    // Plain structs of strings and numbers always serialise; an empty event is the safe answer.
    Event::default()
        .event(name)
        .json_data(body)
        .unwrap_or_else(|_| Event::default().event(name))
}
