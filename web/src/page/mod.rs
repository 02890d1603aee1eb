//! The pages, one file per noun; each file exports `router()`.

mod account;
pub(crate) mod failure;
mod frame;
mod home;
mod journal;
mod login;
mod troubles;

pub(crate) use frame::{Frame, render};

use crate::desk::Desk;
use axum::Router;

pub(crate) fn router() -> Router<Desk> {
    Router::new()
        .merge(home::router())
        .merge(login::router())
        .merge(account::router())
        .merge(journal::router())
}
