//! The console: pages, JSON API, log-in, live events, in French and English.

mod app;
pub mod auth;

pub use app::App;
pub use auth::OneTimePassword;

use axum::Router;
use axum::routing::get;
use state::{Db, Timestamp};

/// Brings this package's tables up to date.
pub async fn migrate(_db: &Db) -> Result<(), state::db::Error> {
    Ok(())
}

/// The one-time password of `admin`, when nobody has chosen theirs yet (first start, or the first
/// one-time password was lost); `None` once a password was chosen.
pub async fn ensure_admin(
    _db: &Db,
    _now: Timestamp,
) -> Result<Option<OneTimePassword>, auth::Error> {
    Ok(None)
}

/// Everything behind the HTTPS listener: pages, `/api` with a session, `/events`, `/agent`.
pub fn console(app: App) -> Router {
    Router::new()
        .route("/", get(|| async { "reprise" }))
        .with_state(app)
}

/// The same `/api` without log-in, for the socket that only the appliance's own user can open.
pub fn control(app: App) -> Router {
    Router::new()
        .route("/api/status", get(|| async { "{}" }))
        .with_state(app)
}
