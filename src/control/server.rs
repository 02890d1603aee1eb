//! The side of the appliance.

use super::path;
use crate::wire::key::Typed;
use anyhow::Context;
use continuity::Continuity;
use state::{Clock, Db};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Opens the socket. The caller holds the state folder's lock, so one that is there is a leftover.
pub(crate) fn bind(state_dir: &Path) -> anyhow::Result<UnixListener> {
    let path = path(state_dir);
    let why = || {
        format!(
            "open the control socket {}; make the state folder writable (and its path shorter than 100 characters)",
            path.display()
        )
    };
    if path.symlink_metadata().is_ok() {
        std::fs::remove_file(&path).with_context(why)?;
    }
    let listener = UnixListener::bind(&path).with_context(why)?;
    // The folder is 0700 when we made it; this holds when somebody else did.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).with_context(why)?;
    Ok(listener)
}

/// Serves until `shutdown`.
pub(crate) async fn serve(
    listener: UnixListener,
    router: axum::Router,
    shutdown: CancellationToken,
) {
    let server = match axum_server::from_unix(listener) {
        Ok(server) => server.http1_only(),
        Err(error) => {
            tracing::error!(%error, "failed to hand the control socket to its server; commands cannot reach this appliance until it restarts");
            return;
        }
    };
    tokio::select! {
        ended = server.serve(router.into_make_service()) => {
            if let Err(error) = ended {
                tracing::error!(%error, "the control socket's server ended; commands cannot reach this appliance until it restarts");
            }
        }
        () = shutdown.cancelled() => {}
    }
}

/// The API's router with what only the box itself may ask: a new password for a user who lost theirs, and that a vault opens
/// with what was typed back from paper at this box.
pub(crate) fn router(
    api: axum::Router,
    db: Db,
    clock: Clock,
    continuity: Continuity,
) -> axum::Router {
    use axum::Json;
    use axum::extract::Path;
    use axum::http::StatusCode;
    use axum::routing::post;
    let renew = move |Path(name): Path<String>| async move {
        match web::auth::one_time_password(&db, &name, clock.now()).await {
            Ok(new) => (StatusCode::OK, new.password),
            Err(error) => (StatusCode::BAD_REQUEST, error.to_string()),
        }
    };
    let confirm = move |Path(target): Path<String>, Json(typed): Json<Typed>| async move {
        match continuity::keys::confirm(&continuity, &target, &typed.secret, "setup").await {
            Ok(()) => (StatusCode::OK, "{}".to_owned()),
            Err(error) => (StatusCode::BAD_REQUEST, error.to_string()),
        }
    };
    api.route("/control/users/{name}/password", post(renew))
        .route("/control/targets/{name}/key", post(confirm))
}
