//! `GET /api/status`: what the home page says, as JSON.

use crate::auth::permit::Caller;
use crate::desk::Desk;
use crate::error::Error;
use crate::page::troubles;
use crate::readiness;
use crate::words::Words;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::routing::get;
use axum::{Json, Router};
use continuity::overview;
use serde::Serialize;

pub(super) fn router() -> Router<Desk> {
    Router::new().route("/api/status", get(status))
}

#[derive(Serialize)]
struct Status {
    appliance: String,
    version: String,
    fingerprint: String,
    now_ms: i64,
    /// The console's one sentence, in the language of `?lang=`.
    sentence: String,
    protected: usize,
    services: Vec<Service>,
    /// The appliance's own copies.
    own: Service,
    troubles: Vec<Trouble>,
}

#[derive(Serialize)]
struct Service {
    plan: String,
    tier: u8,
    /// never_saved | failing | untested | proven | protected
    verdict: &'static str,
    last_saved_ms: Option<i64>,
    /// Last restored for real and compared.
    last_proven_ms: Option<i64>,
    /// Why it is not better, in the language of `?lang=`.
    reasons: Vec<String>,
}

#[derive(Serialize)]
struct Trouble {
    object: String,
    sentence: String,
    since_ms: i64,
}

fn service(words: &Words, service: &overview::Service) -> Service {
    let reasons = service.reasons.iter();
    Service {
        plan: service.plan.clone(),
        tier: service.tier,
        verdict: readiness::verdict_code(service.verdict),
        last_saved_ms: service.last_saved.map(|t| t.0),
        last_proven_ms: service.last_proven.map(|t| t.0),
        reasons: reasons.map(|r| readiness::reason(words, r)).collect(),
    }
}

async fn status(
    State(desk): State<Desk>,
    _caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Json<Status>, Error> {
    let (words, _) = desk.words(&headers, query.as_deref());
    let app = &desk.app;
    let overview = app.continuity.overview().await?;
    let troubles = troubles::open(&desk).await?;
    Ok(Json(Status {
        appliance: app.config.appliance.name.clone(),
        version: app.version.clone(),
        fingerprint: app.fingerprint.clone(),
        now_ms: app.clock.now().0,
        sentence: readiness::sentence(&words, &overview),
        protected: overview.protected,
        services: overview
            .services
            .iter()
            .map(|s| service(&words, s))
            .collect(),
        own: service(&words, &overview.appliance),
        troubles: troubles
            .into_iter()
            .map(|t| Trouble {
                object: t.object,
                sentence: t.sentence,
                since_ms: t.since.0,
            })
            .collect(),
    }))
}
