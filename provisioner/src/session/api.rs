//! The agent's HTTP API, mounted on the console's HTTPS listener.

use crate::serve::Boot;
use axum::Router;

pub fn agent_router(_boot: Boot) -> Router {
    Router::new()
}
