//! `GET /api/restores[/ID]`, `POST /api/restores`, `POST /api/restores/ID/{cancel,resume}`;
//! `POST /api/restores/databases`: into a new database of a server.
//!
//! Paths inside a snapshot are any bytes: in JSON they are percent-encoded.

use super::refusal;
use super::runs::{Newest, Problem, problems};
use crate::auth::permit::{ApiAct, Caller};
use crate::desk::Desk;
use crate::error::Error;
use crate::path;
use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use continuity::{DatabaseRequest, Destination, Planned, RestoreId, RestoreRequest, records};
use serde::{Deserialize, Serialize};
use state::wire::Outcome;
use vault::restore::Overwrite;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/api/restores", get(list).post(start))
        .route("/api/restores/databases", post(start_database))
        .route("/api/restores/{id}", get(show))
        .route("/api/restores/{id}/cancel", post(cancel))
        .route("/api/restores/{id}/resume", post(resume))
}

#[derive(Serialize)]
struct Restore {
    id: String,
    target: String,
    snapshot: String,
    destination: String,
    by: String,
    started_ms: i64,
    finished_ms: Option<i64>,
    /// null until it has ended.
    outcome: Option<Outcome>,
    files: u64,
    bytes: u64,
    problem_count: u64,
    took_ms: u64,
    detail: Option<String>,
    /// How often it was gone on with, and whether it can be now.
    resumed: u64,
    can_resume: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    problems: Option<Vec<Problem>>,
}

fn shape(restore: continuity::Restore) -> Restore {
    Restore {
        resumed: restore.resumed,
        can_resume: restore.can_resume(),
        id: restore.id.0,
        target: restore.target,
        snapshot: restore.snapshot,
        destination: restore.destination,
        by: restore.by,
        started_ms: restore.started.0,
        finished_ms: restore.finished.map(|t| t.0),
        outcome: restore.outcome,
        files: restore.files,
        bytes: restore.bytes,
        problem_count: restore.problems,
        took_ms: restore.took_ms,
        detail: restore.detail,
        problems: None,
    }
}

async fn list(
    State(desk): State<Desk>,
    _caller: Caller,
    Query(newest): Query<Newest>,
) -> Result<Json<Vec<Restore>>, Error> {
    let restores = records::restores(&desk.app.db, newest.limit()).await?;
    Ok(Json(restores.into_iter().map(shape).collect()))
}

async fn show(
    State(desk): State<Desk>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Restore>, Error> {
    let id = RestoreId(id);
    let restore = records::restore(&desk.app.db, &id).await?;
    let mut restore = shape(restore.ok_or_else(|| refusal::no_such("restore", id.as_str()))?);
    restore.problems = Some(problems(
        records::restore_problems(&desk.app.db, &id).await?,
    ));
    Ok(Json(restore))
}

#[derive(Deserialize)]
struct Asked {
    target: String,
    /// A unique beginning of an id, `latest`, or `PLAN@latest`.
    snapshot: String,
    /// Percent-encoded; none = all of it.
    #[serde(default)]
    paths: Vec<String>,
    /// Absolute folder on the appliance, or `sftp://user@host/folder` on a `[[server]]`; percent-encoded.
    #[serde(default)]
    destination: Option<String>,
    /// Without a destination: where the files were, on this server of the configuration, else on the appliance.
    #[serde(default)]
    in_place: bool,
    #[serde(default)]
    server: Option<String>,
    #[serde(default)]
    overwrite: Replacing,
    /// Only say what would be written.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Replacing {
    #[default]
    Refuse,
    Replace,
    Keep,
    Older,
    Beside,
}

#[derive(Serialize)]
struct Answer {
    /// null in a dry run.
    id: Option<String>,
    plan: Plan,
}

#[derive(Serialize)]
struct Plan {
    snapshot: String,
    destination: String,
    placements: Vec<Placement>,
    files: u64,
    folders: u64,
    bytes: u64,
    /// The first files in the way.
    existing: Vec<String>,
    existing_count: u64,
    in_the_way: InTheWay,
    /// The first files whose present content will be lost.
    lost: Vec<Lost>,
    /// Bytes that will be written, and the room there (null where it cannot be told).
    needed_bytes: u64,
    free_bytes: Option<u64>,
}

/// How many files are in the way, by what becomes of them.
#[derive(Serialize)]
struct InTheWay {
    same: u64,
    replaced: u64,
    /// Of the replaced, those changed after what was saved.
    newer: u64,
    kept: u64,
    beside: u64,
    blocked: u64,
}

#[derive(Serialize)]
struct Lost {
    path: String,
    newer: bool,
}

#[derive(Serialize)]
struct Placement {
    /// Percent-encoded.
    from: String,
    to: String,
}

fn plan_shape(planned: &Planned) -> Plan {
    let plan = &planned.plan;
    let ways = plan.in_the_way;
    let placements = plan.placements.iter().map(|p| Placement {
        from: path::encode(&p.from),
        to: p.to.display().to_string(),
    });
    Plan {
        snapshot: plan.snapshot.id.to_string(),
        destination: planned.to.clone(),
        placements: placements.collect(),
        files: plan.files,
        folders: plan.folders,
        bytes: plan.bytes,
        existing: plan
            .existing
            .iter()
            .map(|p| p.display().to_string())
            .collect(),
        existing_count: plan.existing_count,
        in_the_way: InTheWay {
            same: ways.same,
            replaced: ways.replaced,
            newer: ways.newer,
            kept: ways.kept,
            beside: ways.beside,
            blocked: ways.blocked,
        },
        lost: plan
            .lost
            .iter()
            .map(|(path, newer)| Lost {
                path: path.display().to_string(),
                newer: *newer,
            })
            .collect(),
        needed_bytes: plan.needed_bytes,
        free_bytes: plan.free_bytes,
    }
}

async fn start(
    State(desk): State<Desk>,
    caller: ApiAct,
    Json(asked): Json<Asked>,
) -> Result<Json<Answer>, Error> {
    let destination = match (&asked.destination, asked.in_place) {
        (Some(to), false) => Destination::read(&path::decode(to), &desk.app.config)
            .map_err(continuity::Error::from)?,
        (None, true) => Destination {
            server: asked.server,
            folder: None,
        },
        _ => {
            let what = "say where: a `destination`, or `in_place`";
            return Err(Error::Invalid(what.to_owned()));
        }
    };
    let mut request = RestoreRequest {
        target: asked.target,
        snapshot: asked.snapshot,
        paths: asked.paths.iter().map(|p| path::decode(p)).collect(),
        destination,
        overwrite: match asked.overwrite {
            Replacing::Refuse => Overwrite::Refuse,
            Replacing::Replace => Overwrite::Replace,
            Replacing::Keep => Overwrite::Keep,
            Replacing::Older => Overwrite::Older,
            Replacing::Beside => Overwrite::Beside,
        },
    };
    let continuity = &desk.app.continuity;
    let planned = continuity.plan_restore(&request).await?;
    let plan = plan_shape(&planned);
    if asked.dry_run {
        return Ok(Json(Answer { id: None, plan }));
    }
    // What was planned is what is restored, even if a newer snapshot came in between.
    request.snapshot.clone_from(&plan.snapshot);
    request.destination.folder = Some(planned.plan.destination);
    let started = continuity.start_restore(request, &caller.by).await;
    let id = started?;
    Ok(Json(Answer {
        id: Some(id.0),
        plan,
    }))
}

#[derive(Deserialize)]
struct DatabaseAsked {
    target: String,
    /// A unique beginning of an id, `latest`, or `PLAN@latest`.
    snapshot: String,
    /// Which, when the restore point holds several: a name, or the dump's folder in it.
    #[serde(default)]
    dump: Option<String>,
    /// The new database: `mariadb://user@host/name`, `postgresql://user@host/name`; no password in it.
    to: String,
    /// Used for this restore and kept nowhere.
    #[serde(default)]
    password: Option<String>,
    /// Only say what would be made.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Serialize)]
struct DatabaseAnswer {
    /// null in a dry run.
    id: Option<String>,
    plan: DatabasePlan,
}

#[derive(Serialize)]
struct DatabasePlan {
    snapshot: String,
    dump: String,
    /// The database as it was saved, and when, milliseconds since 1970.
    database: String,
    taken_ms: i64,
    engine: String,
    saved_version: String,
    tables: usize,
    rows: u64,
    views: u64,
    triggers: u64,
    routines: u64,
    events: u64,
    bytes: u64,
    /// The new one.
    to: String,
    name: String,
    server_version: String,
    /// Its user may do more there than fill one new database, and so may the statements of the dump.
    powerful: bool,
}

fn database_shape(planned: continuity::DatabasePlanned) -> DatabasePlan {
    let manifest = planned.manifest;
    DatabasePlan {
        snapshot: planned.snapshot,
        dump: planned.dump,
        taken_ms: manifest.taken_ms,
        engine: manifest.engine.name().to_owned(),
        tables: manifest.tables.len(),
        rows: manifest.rows(),
        views: manifest.views,
        triggers: manifest.triggers,
        routines: manifest.routines,
        events: manifest.events,
        database: manifest.database,
        saved_version: manifest.engine_version,
        bytes: planned.bytes,
        to: planned.to.to_string(),
        name: planned.to.name,
        server_version: planned.server.version,
        powerful: planned.server.powerful,
    }
}

async fn start_database(
    State(desk): State<Desk>,
    caller: ApiAct,
    Json(asked): Json<DatabaseAsked>,
) -> Result<Json<DatabaseAnswer>, Error> {
    let to = config::DatabaseUrl::parse(&asked.to);
    let to = to.map_err(|wrong| Error::Invalid(format!("the URL of the new database: {wrong}")))?;
    let mut request = DatabaseRequest {
        target: asked.target,
        snapshot: asked.snapshot,
        dump: asked.dump,
        to,
        password: asked.password,
    };
    let continuity = &desk.app.continuity;
    let plan = database_shape(continuity.plan_database(&request).await?);
    if asked.dry_run {
        return Ok(Json(DatabaseAnswer { id: None, plan }));
    }
    // What was planned is what is restored, even if a newer snapshot came in between.
    request.snapshot.clone_from(&plan.snapshot);
    request.dump = Some(plan.dump.clone());
    let started = continuity.start_database(request, &caller.by).await;
    let id = Some(started?.0);
    Ok(Json(DatabaseAnswer { id, plan }))
}

async fn cancel(
    State(desk): State<Desk>,
    _caller: ApiAct,
    Path(id): Path<String>,
) -> Result<Json<serde_json::Value>, Error> {
    let cancelled = desk.app.continuity.cancel_restore(&RestoreId(id)).await;
    cancelled?;
    Ok(Json(serde_json::json!({})))
}

async fn resume(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    _caller: ApiAct,
) -> Result<Json<serde_json::Value>, Error> {
    let resumed = desk.app.continuity.resume_restore(&RestoreId(id)).await;
    Ok(Json(serde_json::json!({ "id": resumed?.0 })))
}
