//! `GET /api/hosts/ID/boots`: what the network saw of a machine at its last power-ons, and why the
//! newest failed if it did. `GET /api/hosts/ID/boots/packets`: its packets. ID may be a name, a MAC or
//! a serial number; a MAC need not be of a host that is known.

use crate::auth::permit::Caller;
use crate::boots;
use crate::desk::Desk;
use crate::error::Error;
use crate::words::Words;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::routing::get;
use axum::{Json, Router};
use images::wire::Inventory;
use provisioner::flight::{self, Cause, Flight, Timed, Trace};
use provisioner::{Mac, host};
use serde::Serialize;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/api/hosts/{id}/boots", get(show))
        .route("/api/hosts/{id}/boots/packets", get(packets))
}

#[derive(Serialize)]
struct Boots {
    /// The host's name, or the MAC that was asked for.
    name: String,
    macs: Vec<String>,
    /// Where it was heard last since the appliance started.
    interface: Option<String>,
    diagnosis: Diagnosis,
    /// Newest first.
    flights: Vec<Power>,
}

#[derive(Serialize)]
struct Diagnosis {
    cause: &'static str,
    /// seen | probable | possible
    certainty: &'static str,
    failed: bool,
    sentence: String,
    /// `certainty` in the reader's words.
    sure: String,
    fix: String,
    evidence: Vec<Said>,
    also: Vec<Said>,
}

#[derive(Serialize)]
struct Said {
    code: &'static str,
    sentence: String,
}

/// One power-on.
#[derive(Serialize)]
struct Power {
    mac: String,
    started_ms: i64,
    ended_ms: i64,
    /// Steps in the middle that were not kept.
    omitted: u64,
    steps: Vec<Step>,
}

#[derive(Serialize)]
struct Step {
    #[serde(flatten)]
    step: Timed,
    after_ms: i64,
    /// The time since the power-on and, before it, a long silence; in the reader's words.
    after: String,
    quiet: Option<String>,
    sentence: String,
}

fn said(words: &Words, cause: &Cause) -> Said {
    Said {
        code: cause.code(),
        sentence: boots::cause(words, cause),
    }
}

fn power(words: &Words, mac: Mac, flight: Flight) -> Power {
    let lines = boots::lines(words, &flight);
    Power {
        mac: mac.to_string(),
        started_ms: flight.started.0,
        ended_ms: flight.ended().0,
        omitted: flight.omitted,
        steps: flight
            .steps
            .into_iter()
            .zip(lines)
            .map(|(step, line)| Step {
                after_ms: step.at_ms.saturating_sub(flight.started.0),
                step,
                after: line.after,
                quiet: line.quiet,
                sentence: line.sentence,
            })
            .collect(),
    }
}

/// Its name, its cards, and what its agent found.
async fn find(desk: &Desk, which: &str) -> Result<(String, Vec<Mac>, Option<Inventory>), Error> {
    match host::find(&desk.app.db, which).await {
        Ok(host) => Ok((host.name, host.macs, host.inventory)),
        Err(error) => match which.trim().parse::<Mac>() {
            Ok(mac) => Ok((mac.to_string(), vec![mac], None)),
            Err(_) => Err(error.into()),
        },
    }
}

async fn show(
    State(desk): State<Desk>,
    _caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Json<Boots>, Error> {
    let (words, _) = desk.words(&headers, query.as_deref());
    let (name, macs, inventory) = find(&desk, &id).await?;
    let trace = flight::trace(&desk.app.boot, &macs, inventory.as_ref())
        .await
        .map_err(Error::inside)?;
    Ok(Json(shape(&words, name, &macs, trace)))
}

fn shape(words: &Words, name: String, macs: &[Mac], trace: Trace) -> Boots {
    let sure = boots::certainty(words, &trace);
    let failed = trace.failed();
    let found = trace.diagnosis;
    Boots {
        name,
        macs: macs.iter().map(ToString::to_string).collect(),
        interface: trace.interface,
        diagnosis: Diagnosis {
            cause: found.cause.code(),
            certainty: found.certainty.code(),
            failed,
            sentence: boots::cause(words, &found.cause),
            sure,
            fix: boots::fix(words, &found.cause),
            evidence: found
                .evidence
                .iter()
                .map(|evidence| Said {
                    code: evidence.code(),
                    sentence: boots::evidence(words, evidence),
                })
                .collect(),
            also: found.also.iter().map(|cause| said(words, cause)).collect(),
        },
        flights: trace
            .flights
            .into_iter()
            .map(|(mac, flight)| power(words, mac, flight))
            .collect(),
    }
}

#[derive(Serialize)]
struct Packets {
    /// A capture file, in hexadecimal: through the control socket goes text.
    pcap: String,
}

async fn packets(
    State(desk): State<Desk>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Packets>, Error> {
    let (name, macs, _) = find(&desk, &id).await?;
    let packets = flight::packets(&desk.app.boot, &macs).ok_or_else(|| {
        Error::NotFound(format!(
            "packets of {name}; they are kept in memory since the appliance started, start the machine once more"
        ))
    })?;
    let pcap = packets.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Json(Packets { pcap }))
}
