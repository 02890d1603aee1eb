//! `GET /api/leases`, `POST /api/leases/ADDRESS/release`: what the DHCP server gave.

use crate::auth::permit::{ApiAct, Caller};
use crate::desk::Desk;
use crate::error::Error;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use provisioner::lease::{self, Shown};
use provisioner::{Mac, host};
use serde::Serialize;
use state::journal;
use state::wire::Fact;
use std::collections::HashMap;
use std::net::Ipv4Addr;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/api/leases", get(list))
        .route("/api/leases/{address}/release", post(release))
}

#[derive(Serialize)]
struct Lease {
    address: Ipv4Addr,
    /// Of one set aside, the card that answered there; empty when it is not known.
    mac: String,
    /// The machine of the registry that uses this card; empty when there is none.
    host: String,
    /// What the machine calls itself.
    hostname: String,
    /// bound | expired | aside (somebody uses it who did not get it here)
    state: &'static str,
    until_ms: i64,
}

async fn list(State(desk): State<Desk>, _caller: Caller) -> Result<Json<Vec<Lease>>, Error> {
    let leases = desk.app.boot.leases.clone();
    // Its file is read the first time.
    let shown = tokio::task::spawn_blocking(move || leases.list())
        .await
        .map_err(Error::inside)??;
    let hosts = host::list(&desk.app.db).await?;
    let names: HashMap<Mac, String> = hosts
        .into_iter()
        .flat_map(|host| {
            host.macs
                .into_iter()
                .map(move |mac| (mac, host.name.clone()))
        })
        .collect();
    let lease = |shown: Shown| Lease {
        address: shown.address,
        host: shown
            .mac
            .and_then(|mac| names.get(&mac).cloned())
            .unwrap_or_default(),
        mac: shown.mac.map(|mac| mac.to_string()).unwrap_or_default(),
        hostname: shown.hostname,
        state: shown.state,
        until_ms: shown.until.0,
    };
    Ok(Json(shown.into_iter().map(lease).collect()))
}

#[derive(Serialize)]
struct Released {
    address: Ipv4Addr,
}

async fn release(
    State(desk): State<Desk>,
    caller: ApiAct,
    Path(address): Path<String>,
) -> Result<Json<Released>, Error> {
    let address: Ipv4Addr = address.parse().map_err(|_| {
        Error::NotFound(format!(
            "failed to release {address}: it is not an IPv4 address; `reprise dhcp leases` shows those given"
        ))
    })?;
    let leases = desk.app.boot.leases.clone();
    tokio::task::spawn_blocking(move || leases.list())
        .await
        .map_err(Error::inside)??;
    desk.app.boot.leases.release(address).await?;
    let fact = Fact::AddressReleased {
        address: address.to_string(),
        by: caller.by,
    };
    journal::record(&desk.app.db, desk.app.clock.now(), fact).await?;
    Ok(Json(Released { address }))
}

impl From<lease::Error> for Error {
    fn from(e: lease::Error) -> Error {
        match e {
            lease::Error::NotLeased(_) => Error::NotFound(format!("failed to {e}")),
            other => Error::Refused(format!("failed to {other}")),
        }
    }
}
