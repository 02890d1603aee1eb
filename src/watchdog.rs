//! Tells the service manager that we are alive, when it asks to be told (`WatchdogSec=`).
//!
//! The sign comes from the same runtime as everything else: when that is stuck the sign stops, and the manager starts
//! reprise again. Nothing committed is lost by it.

use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Runs until the token; returns at once when nobody asked.
pub(crate) async fn serve(shutdown: CancellationToken) {
    let Some(patience) = sd_notify::watchdog_enabled() else {
        return;
    };
    let mut beat = tokio::time::interval(pause(patience));
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            () = shutdown.cancelled() => return,
        }
        if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]) {
            tracing::warn!(%error, "failed to tell the service manager that reprise is alive");
        }
    }
}

/// A third of what the manager waits: one sign may be lost or late.
fn pause(patience: Duration) -> Duration {
    (patience / 3).max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_signs_may_be_missed_and_a_pause_is_never_nothing() {
        for (patience_ms, pause_ms) in [(300_000, 100_000), (1, 1), (0, 1)] {
            let patience = Duration::from_millis(patience_ms);
            assert_eq!(pause(patience), Duration::from_millis(pause_ms));
        }
    }
}
