//! The JSON API, one file per noun; the only place of this package with serde.

pub(crate) mod events;
mod failure;
mod journal;

pub(crate) use failure::failure;

use crate::desk::Desk;
use axum::Router;

pub(crate) fn router() -> Router<Desk> {
    Router::new().merge(journal::router())
}
