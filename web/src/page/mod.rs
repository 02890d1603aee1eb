//! The pages, one file per noun; each file exports `router()`.

mod account;
pub(crate) mod failure;
mod frame;
mod journal;
mod login;

pub(crate) use frame::{Frame, render};

use crate::desk::Desk;
use axum::Router;

pub(crate) fn router() -> Router<Desk> {
    Router::new()
        .merge(login::router())
        .merge(account::router())
        .merge(journal::router())
}
