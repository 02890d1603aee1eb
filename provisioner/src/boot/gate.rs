//! The policy's answer for one MAC, with what the registry knows now.

use super::policy::{BootStep, next_step};
use crate::Mac;
use crate::host::records::{Sighting, known};
use crate::serve::Boot;

/// For TFTP and HTTP, where a machine asks for a file whose path our offer gave it.
pub(crate) async fn step(
    boot: &Boot,
    mac: Mac,
) -> Result<(BootStep, Option<Sighting>), sqlx::Error> {
    boot.negotiations.fetched(mac, boot.clock.now());
    look(boot, mac).await
}

/// For DHCP.
pub(crate) async fn look(
    boot: &Boot,
    mac: Mac,
) -> Result<(BootStep, Option<Sighting>), sqlx::Error> {
    let now = boot.clock.now();
    let sighting = known(&boot.db, mac, now).await?;
    let step = next_step(sighting.as_ref().map(|sighting| sighting.known), now);
    Ok((step, sighting))
}
