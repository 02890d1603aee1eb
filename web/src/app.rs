//! What the console needs to answer: handles made by `src`, cloned into every handler.

use config::Config;
use continuity::{Continuity, Notifier};
use provisioner::Boot;
use state::progress::Board;
use state::{Clock, Db};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Cloning shares everything.
#[derive(Clone)]
pub struct App {
    pub db: Db,
    pub clock: Clock,
    pub board: Board,
    pub config: Arc<Config>,
    pub continuity: Continuity,
    pub notifier: Notifier,
    pub boot: Boot,
    /// Shown at the foot of each page.
    pub version: String,
    /// SHA-256 of the console's certificate (DER), lower-case hex.
    pub fingerprint: String,
    /// Ends the open event streams when the appliance stops.
    pub shutdown: CancellationToken,
}
