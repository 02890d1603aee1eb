//! `GET /api/adapters`: the network cards that several machines were seen with.

use crate::auth::permit::Caller;
use crate::desk::Desk;
use crate::error::Error;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use provisioner::host::adapter;
use serde::Serialize;

pub(super) fn router() -> Router<Desk> {
    Router::new().route("/api/adapters", get(list))
}

#[derive(Serialize)]
struct Adapter {
    mac: String,
    /// The latest first.
    users: Vec<User>,
}

#[derive(Serialize)]
struct User {
    host: String,
    name: String,
    first_ms: i64,
    last_ms: i64,
}

async fn list(State(desk): State<Desk>, _caller: Caller) -> Result<Json<Vec<Adapter>>, Error> {
    let shared = adapter::shared(&desk.app.db).await?;
    let adapters = shared.into_iter().map(|adapter| Adapter {
        mac: adapter.mac.to_string(),
        users: adapter
            .users
            .into_iter()
            .map(|user| User {
                host: user.host.0,
                name: user.name,
                first_ms: user.first.0,
                last_ms: user.last.0,
            })
            .collect(),
    });
    Ok(Json(adapters.collect()))
}
