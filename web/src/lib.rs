//! The console: pages, JSON API, log-in, live events, in French and English.
//!
//! - `page`: the pages, one file per noun, over `templates/` (askama, compile-checked).
//! - `api`: the same nouns as JSON, with a log-in or through the control socket.
//! - [`auth`]: who may; an extractor in a handler's signature is the permission check.
//! - `events`: live events. `assets`: style, script, icon.
//! - `letter`: what the appliance writes to people.
//! - `words`: both languages. `story`: facts as sentences.
//! - `readiness`, `ongoing`: verdicts and progress as a reader sees them.
//! - `desk`: the state behind handlers. `error`: failures to status codes. `path`: file names.
//! - `boots`: what the boot flight recorder saw, as sentences.
//! - `shelf`, `download`: out of a vault, to a page or to a browser.
//! - `shown`: what was shown and waits for a confirmation.
//! - `shield`: the headers every answer carries.

mod api;
mod app;
mod assets;
pub mod auth;
mod boots;
mod desk;
mod download;
mod error;
mod events;
mod letter;
mod ongoing;
mod page;
mod path;
mod readiness;
mod shelf;
mod shield;
mod shown;
mod story;
mod words;

pub use app::App;
pub use auth::OneTimePassword;
pub use letter::compose;

use auth::permit::ThroughControl;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::{Extension, Router};
use desk::Desk;
use state::{Db, Timestamp};

/// Brings this package's tables up to date.
pub async fn migrate(db: &Db) -> Result<(), state::db::Error> {
    db.migrate(SCHEMA).await
}

/// The tables of users and log-ins.
pub const SCHEMA: state::db::Tables = state::db::Tables {
    package: "web",
    steps: auth::records::MIGRATIONS,
};

/// The one-time password of `admin`, when nobody has chosen theirs yet (first start, or the first
/// one-time password was lost); `None` once a password was chosen.
pub async fn ensure_admin(db: &Db, now: Timestamp) -> Result<Option<OneTimePassword>, auth::Error> {
    auth::password::ensure_admin(db, now).await
}

async fn nowhere() -> error::Error {
    error::Error::NotFound("this address".to_owned())
}

/// Everything behind the HTTPS listener: pages, `/api` with a session, `/events`, `/agent`.
pub fn console(app: App) -> Router {
    let boot = app.boot.clone();
    let desk = Desk::new(app);
    Router::new()
        .merge(page::router())
        .merge(api::router())
        .merge(events::router())
        .merge(assets::router())
        .fallback(nowhere)
        .layer(DefaultBodyLimit::max(64 * 1024))
        .layer(from_fn(auth::origin::guard))
        .layer(from_fn_with_state(desk.clone(), error::dress))
        .layer(from_fn_with_state(desk.clone(), shield::headers))
        .with_state(desk)
        // Agents have their own key, limits and answers.
        .merge(provisioner::agent_router(boot))
}

/// The same `/api` without log-in, for the socket that only the appliance's own user can open.
pub fn control(app: App) -> Router {
    let desk = Desk::new(app);
    Router::new()
        .merge(api::router())
        .merge(events::router())
        .fallback(nowhere)
        .layer(DefaultBodyLimit::max(64 * 1024))
        .layer(from_fn_with_state(desk.clone(), error::dress))
        .layer(Extension(ThroughControl))
        .with_state(desk)
}
