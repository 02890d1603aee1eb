//! The JSON API, one file per noun; the only place of this package with serde.

mod adapters;
mod boots;
mod databases;
pub(crate) mod events;
mod failure;
mod hosts;
mod images;
mod journal;
mod leases;
mod notify;
mod plans;
mod proofs;
mod refusal;
mod restores;
mod runs;
mod sessions;
mod snapshots;
mod status;
mod targets;
mod unprotected;

pub(crate) use failure::failure;

use crate::desk::Desk;
use axum::Router;

pub(crate) fn router() -> Router<Desk> {
    Router::new()
        .merge(status::router())
        .merge(plans::router())
        .merge(runs::router())
        .merge(snapshots::router())
        .merge(restores::router())
        .merge(proofs::router())
        .merge(databases::router())
        .merge(hosts::router())
        .merge(adapters::router())
        .merge(leases::router())
        .merge(boots::router())
        .merge(images::router())
        .merge(sessions::router())
        .merge(journal::router())
        .merge(notify::router())
        .merge(targets::router())
        .merge(unprotected::router())
}
