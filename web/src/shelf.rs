//! Looking into a vault from a handler.

use crate::desk::Desk;
use crate::error::Error;
use std::sync::Arc;
use vault::{Snapshot, Vault};

/// Opens the vault of `target` and runs `work` where it may block.
pub(crate) async fn look<T, F>(desk: &Desk, target: &str, work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce(&Arc<Vault>) -> Result<T, vault::Error> + Send + 'static,
{
    let vault = desk.app.continuity.vaults.open(target).await?;
    Ok(continuity::blocking(move || work(&vault)).await??)
}

/// The same, with one of its snapshots.
pub(crate) async fn look_in<T, F>(
    desk: &Desk,
    target: &str,
    snapshot: &str,
    work: F,
) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce(&Arc<Vault>, Snapshot) -> Result<T, vault::Error> + Send + 'static,
{
    let which = snapshot.to_owned();
    look(desk, target, move |vault| {
        let snapshot = vault.snapshot(&which)?;
        work(vault, snapshot)
    })
    .await
}
