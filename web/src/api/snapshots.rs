//! `GET /api/snapshots?target=`, `GET /api/snapshots/TARGET/ID`, `…/ls?path=`.
//!
//! Paths inside a snapshot are any bytes: in JSON and in the query they are percent-encoded.

use super::runs::{Problem, problems};
use crate::auth::permit::Caller;
use crate::desk::Desk;
use crate::error::Error;
use crate::path;
use axum::extract::{Path, Query, RawQuery, State};
use axum::routing::get;
use axum::{Json, Router};
use continuity::blocking;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use vault::{Node, NodeKind, Vault};

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/api/snapshots", get(list))
        .route("/api/snapshots/{target}/{id}", get(show))
        .route("/api/snapshots/{target}/{id}/ls", get(ls))
}

#[derive(Deserialize)]
struct Wanted {
    /// None = every target.
    target: Option<String>,
}

#[derive(Serialize)]
struct List {
    /// Oldest first in each target.
    snapshots: Vec<Snapshot>,
    /// Targets that cannot be read now, and objects that are damaged or foreign.
    problems: Vec<Problem>,
}

#[derive(Serialize)]
struct Snapshot {
    id: String,
    target: String,
    kind: &'static str,
    plan: String,
    host: String,
    started_ms: i64,
    finished_ms: i64,
    roots: Vec<String>,
    files: u64,
    bytes: u64,
    stored_bytes: u64,
    problem_count: u64,
    /// In the answer about one snapshot only.
    #[serde(skip_serializing_if = "Option::is_none")]
    problems: Option<Vec<Problem>>,
}

fn shape(target: &str, snapshot: &vault::Snapshot) -> Snapshot {
    let roots = snapshot.roots.iter();
    Snapshot {
        id: snapshot.id.to_string(),
        target: target.to_owned(),
        kind: snapshot.kind.as_str(),
        plan: snapshot.plan.clone(),
        host: snapshot.host.clone(),
        started_ms: snapshot.started_ms,
        finished_ms: snapshot.finished_ms,
        roots: roots.map(|r| r.display().to_string()).collect(),
        files: snapshot.files,
        bytes: snapshot.bytes,
        stored_bytes: snapshot.stored_bytes,
        problem_count: u64::try_from(snapshot.problems.len()).unwrap_or(u64::MAX),
        problems: None,
    }
}

async fn open(desk: &Desk, target: &str) -> Result<Arc<Vault>, Error> {
    let opened = desk.app.continuity.vaults.open(target).await;
    Ok(opened?)
}

/// Looks into a vault, where it may block.
async fn look<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, vault::Error> + Send + 'static,
) -> Result<T, Error> {
    Ok(blocking(work).await??)
}

async fn list(
    State(desk): State<Desk>,
    _caller: Caller,
    Query(wanted): Query<Wanted>,
) -> Result<Json<List>, Error> {
    let one = wanted.target.is_some();
    let targets = match wanted.target {
        Some(target) => vec![target],
        None => desk
            .app
            .config
            .targets
            .iter()
            .map(|t| t.name.clone())
            .collect(),
    };
    let mut all = List {
        snapshots: Vec::new(),
        problems: Vec::new(),
    };
    for target in targets {
        let opened = match open(&desk, &target).await {
            Ok(vault) => look(move || vault.snapshots()).await,
            Err(error) => Err(error),
        };
        match opened {
            Ok((snapshots, found)) => {
                all.snapshots
                    .extend(snapshots.iter().map(|s| shape(&target, s)));
                all.problems.extend(problems(found));
            }
            // One target asked for: its trouble is the answer. All of them: the others still count.
            Err(error) if one => return Err(error),
            Err(error) => {
                let problem = vault::Problem::new(format!("target {target}"), error.to_string());
                all.problems.extend(problems(vec![problem]));
            }
        }
    }
    Ok(Json(all))
}

async fn show(
    State(desk): State<Desk>,
    _caller: Caller,
    Path((target, id)): Path<(String, String)>,
) -> Result<Json<Snapshot>, Error> {
    let vault = open(&desk, &target).await?;
    let snapshot = look(move || vault.snapshot(&id)).await?;
    let mut shaped = shape(&target, &snapshot);
    shaped.problems = Some(problems(snapshot.problems));
    Ok(Json(shaped))
}

#[derive(Serialize)]
struct Entry {
    /// For people: what is not text is replaced.
    name: String,
    /// Percent-encoded.
    path: String,
    kind: &'static str,
    size: u64,
    mode: u32,
    uid: u32,
    gid: u32,
    mtime_ms: i64,
    /// Where a symbolic link points, percent-encoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    /// blake3 of the whole file, taken when it was read; only of files that are cut in several chunks and have no holes.
    #[serde(skip_serializing_if = "Option::is_none")]
    blake3: Option<String>,
}

fn entry(node: &Node) -> Entry {
    let link = match &node.kind {
        NodeKind::Symlink { target } => Some(path::encode(target)),
        _ => None,
    };
    Entry {
        name: path::shown(&node.name),
        path: path::encode(&node.path),
        kind: kind(&node.kind),
        size: node.size,
        mode: node.mode,
        uid: node.uid,
        gid: node.gid,
        mtime_ms: node
            .mtime_s
            .saturating_mul(1000)
            .saturating_add(i64::from(node.mtime_ns / 1_000_000)),
        link,
        blake3: node
            .plain_hash()
            .map(|hash| hash.iter().map(|b| format!("{b:02x}")).collect()),
    }
}

fn kind(kind: &NodeKind) -> &'static str {
    match kind {
        NodeKind::File => "file",
        NodeKind::Dir => "dir",
        NodeKind::Symlink { .. } => "symlink",
        NodeKind::Fifo => "fifo",
        NodeKind::Socket => "socket",
        NodeKind::CharDevice { .. } => "char_device",
        NodeKind::BlockDevice { .. } => "block_device",
    }
}

async fn ls(
    State(desk): State<Desk>,
    _caller: Caller,
    Path((target, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Entry>>, Error> {
    let vault = open(&desk, &target).await?;
    let folder = path::in_query(query.as_deref(), "path").unwrap_or_default();
    let nodes = look(move || {
        let snapshot = vault.snapshot(&id)?;
        vault.list(&snapshot, &folder)
    });
    Ok(Json(nodes.await?.iter().map(entry).collect()))
}
