//! The one way from async code into the synchronous vault.

/// The blocking work panicked; its message is in the log.
#[derive(Debug, thiserror::Error)]
#[error(
    "finish work in the vault: it stopped on a fault of reprise itself; the log has it, please report it"
)]
pub struct Crashed;

/// Runs `work` on a thread where it may block for hours.
pub async fn blocking<T, F>(work: F) -> Result<T, Crashed>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.map_err(|join| {
        tracing::error!(error = %join, "work in the vault stopped on a fault");
        Crashed
    })
}
