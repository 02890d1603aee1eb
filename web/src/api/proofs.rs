//! `GET /api/proofs[/ID]`, `POST /api/proofs`.

use super::refusal;
use super::runs::Newest;
use crate::auth::permit::{ApiAct, Caller};
use crate::desk::Desk;
use crate::error::Error;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use continuity::wire::Evidence;
use continuity::{ProofId, records};
use serde::{Deserialize, Serialize};

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/api/proofs", get(list).post(start))
        .route("/api/proofs/{id}", get(show))
}

#[derive(Serialize)]
struct Proof {
    id: String,
    plan: String,
    target: String,
    snapshot: String,
    level: &'static str,
    passed: bool,
    files: u64,
    bytes: u64,
    took_ms: u64,
    at_ms: i64,
    detail: Option<String>,
    /// In the answer about one proof only.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence>,
}

fn shape(proof: continuity::Proof) -> (Proof, Evidence) {
    let shaped = Proof {
        id: proof.id.0,
        plan: proof.plan,
        target: proof.target,
        snapshot: proof.snapshot,
        level: proof.level.name(),
        passed: proof.passed,
        files: proof.files,
        bytes: proof.bytes,
        took_ms: proof.took_ms,
        at_ms: proof.at.0,
        detail: proof.detail,
        evidence: None,
    };
    (shaped, proof.evidence)
}

async fn list(
    State(desk): State<Desk>,
    _caller: Caller,
    Query(newest): Query<Newest>,
) -> Result<Json<Vec<Proof>>, Error> {
    let proofs = records::proofs(&desk.app.db, newest.limit()).await?;
    Ok(Json(proofs.into_iter().map(|p| shape(p).0).collect()))
}

async fn show(
    State(desk): State<Desk>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Proof>, Error> {
    let id = ProofId(id);
    let proof = records::proof(&desk.app.db, &id).await?;
    let (mut proof, evidence) = shape(proof.ok_or_else(|| refusal::no_such("proof", id.as_str()))?);
    proof.evidence = Some(evidence);
    Ok(Json(proof))
}

#[derive(Deserialize)]
struct Asked {
    plan: String,
    target: String,
}

#[derive(Serialize)]
struct Started {
    id: String,
}

async fn start(
    State(desk): State<Desk>,
    _caller: ApiAct,
    Json(asked): Json<Asked>,
) -> Result<Json<Started>, Error> {
    let started = desk.app.continuity.start_proof(&asked.plan, &asked.target);
    let id = started.await?;
    Ok(Json(Started { id: id.0 }))
}
