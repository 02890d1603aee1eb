//! The scheduler.

use crate::handle::Continuity;
use tokio_util::sync::CancellationToken;

impl Continuity {
    /// Starts what is due, until `shutdown`; then stops what is going on and waits for it.
    pub async fn serve(&self, shutdown: CancellationToken) {
        shutdown.cancelled().await;
    }

    /// The state of every service at this moment, with its reasons.
    pub async fn overview(&self) -> Result<crate::overview::Overview, crate::Error> {
        Ok(crate::overview::assess(
            &self.config.plans,
            &[],
            &[],
            self.clock.now(),
        ))
    }
}
