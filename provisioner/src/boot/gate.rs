//! The policy's answer for one network card, with what the registry knows now. DHCP, TFTP and HTTP
//! all ask here.

use super::policy::{BootStep, step_of};
use super::who::{Suspect, Who, who};
use crate::Mac;
use crate::host::HostId;
use crate::host::records::{Sighting, suspects};
use crate::serve::Boot;
use state::Timestamp;

/// Which machine of the registry it is taken for.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// `None`: it is new.
    pub(crate) host: Option<HostId>,
    /// Of that machine, or of the latest of several.
    pub(crate) last_seen: Option<Timestamp>,
}

/// For TFTP and HTTP, where a machine asks for a file whose path our offer gave it.
pub(crate) async fn step(boot: &Boot, mac: Mac) -> Result<(BootStep, Found), sqlx::Error> {
    boot.negotiations.fetched(mac, boot.clock.now());
    look(boot, mac).await
}

/// For DHCP.
pub(crate) async fn look(boot: &Boot, mac: Mac) -> Result<(BootStep, Found), sqlx::Error> {
    let now = boot.clock.now();
    let uuid = boot.heard.uuid(mac);
    let sightings = suspects(&boot.db, mac, uuid, now).await?;
    let suspects: Vec<Suspect> = sightings.iter().map(|s| s.suspect.clone()).collect();
    let who = who(uuid, &suspects);
    let sighting = match who {
        Who::One(at) => sightings.get(at),
        Who::OneOfSeveral => sightings.iter().find(|s| s.suspect.has_card),
        Who::Nobody | Who::Stranger => None,
    };
    let found = Found {
        host: sighting.map(|s: &Sighting| s.suspect.host.clone()),
        last_seen: sighting.map(|s| s.last_seen),
    };
    Ok((step_of(who, &suspects, now), found))
}
