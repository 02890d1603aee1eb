//! What is protected, when and where; running a plan by hand.

use super::{Frame, render};
use crate::auth::permit::{Act, Reader};
use crate::desk::Desk;
use crate::error::Error;
use crate::page::runs::{self, RunRow};
use crate::path;
use crate::readiness::{self, Shown};
use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use continuity::records;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/plans", get(show))
        .route("/plans/{name}/run", post(run))
        .route("/plans/{name}/prove", post(prove))
}

struct PlanView {
    name: String,
    /// The plan's path segment in addresses.
    segment: String,
    readiness: Option<Shown>,
    files: Vec<String>,
    when: String,
    proof: String,
    tier: u8,
    rpo: Option<String>,
    rto: Option<String>,
    targets: Vec<String>,
}

#[derive(Template)]
#[template(path = "plans.html")]
struct Page {
    f: Frame,
    plans: Vec<PlanView>,
    own_segment: &'static str,
    own_targets: Vec<String>,
    runs: Vec<RunRow>,
}

async fn show(State(desk): State<Desk>, reader: Reader) -> Result<Response, Error> {
    let (app, words) = (&desk.app, &reader.words);
    let overview = app.continuity.overview().await?;
    let plans = app
        .config
        .plans
        .iter()
        .map(|plan| PlanView {
            name: plan.name.clone(),
            segment: path::encode(plan.name.as_bytes()),
            readiness: overview
                .services
                .iter()
                .find(|s| s.plan == plan.name)
                .map(|s| readiness::shown(words, s)),
            files: plan
                .saves()
                .iter()
                .map(|saved| path::shown(saved.as_bytes()))
                .collect(),
            when: match plan.at {
                Some(at) => words.t1("plan-daily", "at", at),
                None => words.t("plan-by-hand"),
            },
            proof: match plan.prove.every {
                Some(every) => words.t1("plan-prove-every", "every", words.duration(every)),
                None => words.t("plan-prove-each"),
            },
            tier: plan.tier,
            rpo: plan.rpo.map(|d| words.duration(d)),
            rto: plan.rto.map(|d| words.duration(d)),
            targets: plan.targets.clone(),
        })
        .collect();
    let newest = records::runs(&app.db, 30).await?;
    let title = words.t("nav-plans");
    render(&Page {
        plans,
        own_segment: continuity::APPLIANCE,
        own_targets: app.config.targets.iter().map(|t| t.name.clone()).collect(),
        runs: newest.iter().map(|r| runs::row(words, r)).collect(),
        f: Frame::new(&desk, &reader, "plans", title),
    })
}

async fn run(
    State(desk): State<Desk>,
    Path(name): Path<String>,
    Act { reader, .. }: Act,
) -> Result<Response, Error> {
    let started = desk.app.continuity.start_run(&name, &reader.name).await?;
    // One run: its page. Several: the list of them.
    let to = match started.as_slice() {
        [only] => format!("/runs/{only}"),
        _ => "/plans".to_owned(),
    };
    Ok(Redirect::to(&to).into_response())
}

async fn prove(
    State(desk): State<Desk>,
    Path(name): Path<String>,
    Act { fields, .. }: Act,
) -> Result<Response, Error> {
    let target = fields.get("target");
    desk.app.continuity.start_proof(&name, target).await?;
    Ok(Redirect::to("/").into_response())
}
