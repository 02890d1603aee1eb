//! The power-ons of one machine: what the network saw of them, why the newest failed, what to do.

use super::hosts::said;
use super::{Frame, render};
use crate::auth::permit::Reader;
use crate::boots::{self, Line};
use crate::desk::Desk;
use crate::error::Error;
use crate::story::Mood;
use crate::words::Words;
use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use provisioner::flight::{self, Cause, Flight, Trace};
use provisioner::host::{self, HostId};

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/hosts/{id}/boots", get(show))
        .route("/hosts/{id}/boots.pcap", get(packets))
}

struct Power {
    title: String,
    mac: String,
    took: String,
    omitted: Option<String>,
    lines: Vec<Line>,
}

fn power(words: &Words, mac: String, flight: &Flight) -> Power {
    let took = flight.ended().since(flight.started);
    Power {
        title: words.t1("boots-flight", "date", words.date(flight.started)),
        mac,
        took: words.t1("boots-took", "time", words.duration(took)),
        omitted: (flight.omitted > 0).then(|| words.n("boots-omitted", flight.omitted)),
        lines: boots::lines(words, flight),
    }
}

#[derive(Template)]
#[template(path = "boots.html")]
struct Page {
    f: Frame,
    id: String,
    name: String,
    mood: Mood,
    sure: String,
    interface: Option<String>,
    cause: String,
    fix: String,
    evidence: Vec<String>,
    also: Vec<String>,
    flights: Vec<Power>,
}

fn mood(trace: &Trace) -> Mood {
    match &trace.diagnosis.cause {
        Cause::Booted => Mood::Good,
        Cause::Going | Cause::OnPurpose(_) => Mood::Plain,
        _ if trace.flights.is_empty() => Mood::Plain,
        _ => Mood::Bad,
    }
}

async fn show(
    State(desk): State<Desk>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let words = &reader.words;
    let host = host::get(&desk.app.db, &HostId(id)).await?;
    let trace = flight::trace(&desk.app.boot, &host.macs, host.inventory.as_ref())
        .await
        .map_err(Error::inside)?;
    let name = said(&host.name);
    let title = words.t1("boots-title", "name", &name);
    let found = &trace.diagnosis;
    render(&Page {
        id: host.id.to_string(),
        mood: mood(&trace),
        sure: boots::certainty(words, &trace),
        interface: trace
            .interface
            .as_ref()
            .map(|interface| words.t1("boots-network", "interface", interface)),
        cause: boots::cause(words, &found.cause),
        fix: boots::fix(words, &found.cause),
        evidence: found
            .evidence
            .iter()
            .map(|evidence| boots::evidence(words, evidence))
            .collect(),
        also: found
            .also
            .iter()
            .map(|cause| boots::cause(words, cause))
            .collect(),
        flights: trace
            .flights
            .iter()
            .map(|(mac, flight)| power(words, mac.to_string(), flight))
            .collect(),
        name,
        f: Frame::new(&desk, &reader, "hosts", title),
    })
}

async fn packets(
    State(desk): State<Desk>,
    _reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let host = host::get(&desk.app.db, &HostId(id)).await?;
    let packets = flight::packets(&desk.app.boot, &host.macs)
        .ok_or_else(|| Error::NotFound(format!("packets of {}", host.name)))?;
    let attachment = format!("attachment; filename=\"{}.pcap\"", host.id);
    let headers = [
        (
            header::CONTENT_TYPE,
            "application/vnd.tcpdump.pcap".to_owned(),
        ),
        (header::CONTENT_DISPOSITION, attachment),
    ];
    Ok((headers, packets).into_response())
}
