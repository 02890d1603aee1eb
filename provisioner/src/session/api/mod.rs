//! The agent's HTTP API, mounted on the console's HTTPS listener. The bearer key is the agent's
//! own; what it opens is decided by the host it reported as and the session an operator opened.

mod agents;
mod alive;
mod answer;
mod captures;

use crate::Mac;
use crate::flight;
use crate::host::report::records::Reported;
use crate::host::{self, HostId, parts};
use crate::serve::Boot;
use crate::session::machine::{self, Event};
use crate::session::next::{Answer, answer, order};
use crate::session::records::{self, Bound};
use crate::session::{self, SessionState};
use agents::Agents;
use answer::{Refusal, agent_hash, hash_of_key, read, read_chunk};
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use images::wire::{self, Finished, Hello, Next, ProgressReport, Step, Task, Wanted, Welcome};
use std::collections::HashMap;
use std::time::Duration;

/// How long `next` holds a question whose answer is "nothing yet".
const HOLD: Duration = Duration::from_secs(20);
/// Progress is written to the database this often; in between it is only shown.
const KEEP_PROGRESS: Duration = Duration::from_secs(5);
/// A host's last sign of life is written this often.
pub(crate) const KEEP_SEEN: Duration = Duration::from_secs(30);

pub fn agent_router(boot: Boot) -> Router {
    Router::new()
        .route("/agent/hello", post(hello))
        .route("/agent/next", get(next))
        .route("/agent/session/{id}/manifest", get(manifest))
        .route("/agent/session/{id}/chunk/{index}", get(chunk))
        .route("/agent/session/{id}/disk/{index}", post(disk))
        .route("/agent/progress", post(progress))
        .route("/agent/finished", post(finished))
        .with_state(Agents::new(boot))
}

async fn hello(State(agents): State<Agents>, body: Body) -> Result<Json<Welcome>, Refusal> {
    let now = agents.boot.clock.now();
    if !agents.reports.take(now) {
        return Err(Refusal::Busy);
    }
    let hello: Hello = read(body).await?;
    let mac: Mac = hello
        .mac
        .parse()
        .ok()
        .filter(|mac: &Mac| mac.is_station())
        .ok_or_else(|| Refusal::Bad("`mac` is not the address of a network card".to_owned()))?;
    let agent_hash = hash_of_key(&hello.agent_key)
        .ok_or_else(|| Refusal::Bad("`agent_key` is not 256 bits in hex".to_owned()))?;
    let pairing_code = images::pairing_code(&hello.agent_key, &agents.boot.fingerprint);
    let report = host::report::Report {
        mac,
        agent_hash,
        pairing_code: pairing_code.clone(),
        version: parts::one_line(&hello.version),
        inventory: parts::bounded(hello.inventory),
        heard: agents.boot.heard.of_this_start(mac, now),
        alive: agents.alive.now(now),
    };
    let reported = host::report::records::report(&agents.boot.db, report, now)
        .await
        .map_err(Refusal::broken)?;
    let Reported::As(host, name) = reported else {
        tracing::warn!(%mac, "a second agent reports as a machine whose session is at work; it has to wait");
        return Err(Refusal::Busy);
    };
    agents.alive.spoke(&host, now);
    tracing::info!(%host, %mac, name, "agent reported");
    agents.boot.recorder.note(mac, flight::Step::Reported);
    Ok(Json(Welcome {
        host: host.to_string(),
        name,
        pairing_code,
    }))
}

async fn next(
    State(agents): State<Agents>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Json<Next>, Refusal> {
    let hash = agent_hash(&headers)?;
    let Ok(_held) = agents.held.try_acquire() else {
        return Ok(Json(Next::Wait { seconds: 5 }));
    };
    let Boot { db, clock, .. } = &agents.boot;
    let give_up = tokio::time::Instant::now() + HOLD;
    let mut commits = db.commits();
    loop {
        commits.borrow_and_update();
        let id = host::records::by_agent(db, &hash)
            .await
            .map_err(Refusal::broken)?
            .ok_or(Refusal::NotKnown)?;
        if query.get("host").map(String::as_str) != Some(id.as_str()) {
            return Err(Refusal::NotKnown);
        }
        let now = clock.now();
        agents.alive.spoke(&id, now);
        let host = host::get(db, &id).await.map_err(Refusal::broken)?;
        if now.since(host.last_seen) > KEEP_SEEN {
            host::records::touch(db, &id, now)
                .await
                .map_err(Refusal::broken)?;
        }
        let session = records::of_host(db, &id).await.map_err(Refusal::broken)?;
        let until = match answer(&host, session.as_ref(), &hash, now) {
            Answer::Now(next) => return Ok(Json(next)),
            Answer::Hold(until) => until,
            Answer::Order => {
                if let Some(next) = hand_out(&agents, session, &hash).await? {
                    return Ok(Json(next));
                }
                continue;
            }
        };
        // Asking again at once must not become a busy loop while others write.
        let wake = tokio::time::Instant::now() + until.since(now).max(Duration::from_millis(100));
        tokio::select! {
            changed = commits.changed() => changed.map_err(Refusal::broken)?,
            () = tokio::time::sleep_until(wake.min(give_up)) => {}
        }
        if tokio::time::Instant::now() >= give_up {
            return Ok(Json(Next::Wait { seconds: 0 }));
        }
    }
}

/// `None` when the session ended in the meantime.
async fn hand_out(
    agents: &Agents,
    session: Option<Bound>,
    hash: &str,
) -> Result<Option<Next>, Refusal> {
    let Some(bound) = session else {
        return Ok(None);
    };
    match agents
        .advance(&bound.session.id, Event::Ordered, hash)
        .await
    {
        Ok(session) if session.state.is_over() => Ok(None),
        Ok(session) => Ok(Some(match session.task {
            Task::Deploy => Next::Deploy(order(&session)),
            Task::Wipe => Next::Wipe(order(&session)),
            Task::Capture => Next::Capture(order(&session)),
        })),
        Err(Refusal::Over(_) | Refusal::NotYours) => Ok(None),
        Err(other) => Err(other),
    }
}

async fn manifest(
    State(agents): State<Agents>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let session = agents.running(&agent_hash(&headers)?, &id).await?;
    let chunks = agents.chunks(&session).await?;
    let text = session::blocking(move || serde_json::to_vec(&chunks.manifest))
        .await
        .map_err(Refusal::broken)?
        .map_err(Refusal::broken)?;
    Ok(([("content-type", "application/json")], text).into_response())
}

async fn chunk(
    State(agents): State<Agents>,
    Path((id, index)): Path<(String, usize)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let session = agents.running(&agent_hash(&headers)?, &id).await?;
    let chunks = agents.chunks(&session).await?;
    if index >= chunks.manifest.chunks.len() {
        return Err(Refusal::Bad(format!("the image has no chunk {index}")));
    }
    let vault = (agents.boot.images)().await.map_err(Refusal::Broken)?;
    let _turn = agents.reads.acquire().await.map_err(Refusal::broken)?;
    let packed = session::blocking(move || images::manifest::chunk(&vault, &chunks, index))
        .await
        .map_err(Refusal::broken)?
        .map_err(Refusal::broken)?;
    let encoding = if packed.zstd {
        wire::ENCODING_ZSTD
    } else {
        wire::ENCODING_RAW
    };
    let headers = [
        (wire::ENCODING_HEADER, encoding.to_owned()),
        (wire::LENGTH_HEADER, packed.plain_len.to_string()),
        ("content-type", "application/octet-stream".to_owned()),
    ];
    Ok((headers, packed.bytes).into_response())
}

/// A chunk of the disk that becomes an image.
async fn disk(
    State(agents): State<Agents>,
    Path((id, index)): Path<(String, usize)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Wanted>, Refusal> {
    let session = agents.running(&agent_hash(&headers)?, &id).await?;
    if session.task != Task::Capture {
        return Err(Refusal::Bad("this session reads no disk".to_owned()));
    }
    let bytes = read_chunk(&headers, body).await?;
    let wanted = agents
        .captures
        .take(&agents.boot, &session, index, bytes)
        .await?;
    Ok(Json(wanted))
}

async fn progress(
    State(agents): State<Agents>,
    headers: HeaderMap,
    body: Body,
) -> Result<(), Refusal> {
    let hash = agent_hash(&headers)?;
    let report: ProgressReport = read(body).await?;
    let mut session = agents.running(&hash, &report.session).await?;
    let now = agents.boot.clock.now();
    let same_step = matches!(
        (report.step, &session.state),
        (Step::Confirm, SessionState::Confirming)
            | (Step::Read, SessionState::Reading { .. })
            | (Step::Write, SessionState::Writing { .. })
            | (Step::Verify, SessionState::Verifying { .. })
    );
    let event = Event::Progress {
        step: report.step,
        done_bytes: report.done_bytes,
        total_bytes: report.total_bytes,
    };
    let fresh = session
        .last_beat
        .is_some_and(|beat| now.since(beat) < KEEP_PROGRESS);
    if same_step && fresh {
        let times = machine::Times {
            now,
            expires: session.expires,
            stale: false,
        };
        session.state = machine::apply(&session.state, &event, times)
            .map_err(|why| Refusal::Over(why.to_string()))?;
        agents.show(&session, now);
    } else {
        agents.advance(&session.id, event, &hash).await?;
    }
    Ok(())
}

async fn finished(
    State(agents): State<Agents>,
    headers: HeaderMap,
    body: Body,
) -> Result<(), Refusal> {
    let hash = agent_hash(&headers)?;
    let report: Finished = read(body).await?;
    // Not `running`: the agent repeats this until it hears the answer.
    let bound = agents.session(&hash, &report.session).await?;
    let session = &bound.session;
    if report.ok && session.task == Task::Capture && session.image.is_empty() {
        return Err(Refusal::Bad(
            "there is no image of this disk yet".to_owned(),
        ));
    }
    let id: HostId = session.host.clone();
    let event = Event::Finished {
        ok: report.ok,
        detail: report
            .detail
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(500)
            .collect(),
        written_bytes: report.written_bytes,
        took_ms: report.took_ms,
        wiped: report.wiped,
    };
    let session = agents.advance(&bound.session.id, event, &hash).await?;
    tracing::info!(host = %id, session = %session.id, state = session.state.as_str(), "agent finished");
    Ok(())
}
