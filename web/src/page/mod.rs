//! The pages, one file per noun; each file exports `router()`.

mod account;
mod at_stake;
mod boots;
mod capture;
mod databases;
mod deploy;
pub(crate) mod failure;
mod files;
mod frame;
mod home;
mod hosts;
mod images;
mod journal;
mod keys;
mod login;
mod notify;
mod paper;
mod plans;
mod proofs;
mod restore_ask;
mod restore_database;
mod restores;
mod runs;
mod sessions;
mod snapshots;
mod targets;
pub(crate) mod troubles;
pub(crate) mod unprotected;
mod wipe;

pub(crate) use frame::{Frame, render};

use crate::desk::Desk;
use axum::Router;

pub(crate) fn router() -> Router<Desk> {
    Router::new()
        .merge(home::router())
        .merge(login::router())
        .merge(account::router())
        .merge(keys::router())
        .merge(paper::router())
        .merge(plans::router())
        .merge(runs::router())
        .merge(proofs::router())
        .merge(databases::router())
        .merge(snapshots::router())
        .merge(files::router())
        .merge(restores::router())
        .merge(hosts::router())
        .merge(boots::router())
        .merge(capture::router())
        .merge(deploy::router())
        .merge(wipe::router())
        .merge(images::router())
        .merge(sessions::router())
        .merge(journal::router())
        .merge(notify::router())
        .merge(targets::router())
        .merge(unprotected::router())
}
