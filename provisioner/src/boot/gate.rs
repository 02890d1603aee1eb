//! The policy's answer for one network card, with what the registry knows now. DHCP, TFTP and HTTP
//! all ask here.

use super::heard::{Last, Said};
use super::policy::{BootStep, Given, step_of};
use super::rule::{self, Traits};
use super::who::{Suspect, Who, who};
use crate::Mac;
use crate::host::records::suspects;
use crate::host::uuid::Uuid;
use crate::host::{self, HostId, next};
use crate::serve::Boot;
use state::Timestamp;

/// Which machine of the registry it is taken for.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) who: Who,
    /// `None`: it is new.
    pub(crate) host: Option<HostId>,
    /// Of that machine, or of the latest of several.
    pub(crate) last_seen: Option<Timestamp>,
    /// The rank of the rule that fits it.
    pub(crate) rule: Option<usize>,
}

/// For TFTP and HTTP, where a machine asks for a file whose path our offer gave it.
pub(crate) async fn step(boot: &Boot, mac: Mac) -> Result<(BootStep, Found), sqlx::Error> {
    boot.negotiations.fetched(mac, boot.clock.now());
    look(boot, mac).await
}

/// For DHCP, and for whoever wants to know.
pub(crate) async fn look(boot: &Boot, mac: Mac) -> Result<(BootStep, Found), sqlx::Error> {
    let now = boot.clock.now();
    let (said, heard) = match boot.heard.last(mac) {
        Some(Last { said, at }) => (said, Some(at)),
        None => (Said::default(), None),
    };
    let sightings = suspects(&boot.db, mac, said.uuid, now).await?;
    let suspects: Vec<Suspect> = sightings
        .iter()
        .map(|sighting| {
            let mut suspect = sighting.suspect.clone();
            let due = sighting.next.as_ref().filter(|n| n.is_due(heard, now));
            suspect.known.next = due.and_then(|next| given(boot, &next.entry));
            suspect
        })
        .collect();
    let who = who(said.uuid, &suspects);
    let sighting = match who {
        Who::One(at) => sightings.get(at),
        Who::OneOfSeveral => sightings.iter().find(|s| s.suspect.has_card),
        Who::Nobody | Who::Stranger => None,
    };
    let certain = match who {
        Who::One(at) => suspects.get(at),
        _ => None,
    };
    let rules = &boot.choices.rules;
    let rule = match rules.is_empty() {
        true => None,
        false => rule::first(rules, &traits(boot, mac, &said, certain).await?),
    };
    let found = Found {
        who,
        host: sighting.map(|sighting| sighting.suspect.host.clone()),
        last_seen: sighting.map(|sighting| sighting.last_seen),
        rule,
    };
    let give = rule.and_then(|rank| rules.get(rank)).map(|rule| &rule.give);
    Ok((
        step_of(who, said.uuid.is_some(), &suspects, give, now),
        found,
    ))
}

fn given(boot: &Boot, entry: &str) -> Option<Given> {
    match entry {
        next::MENU => Some(Given::Menu),
        // One that left the configuration is nothing any more. An admin's own entry of that name comes first.
        name => match boot.choices.entry(name) {
            None if name == next::MEMTEST => Some(Given::Memtest),
            None if name == next::RESCUE => Some(Given::Rescue),
            rank => rank.map(Given::Entry),
        },
    }
}

/// Of a machine that is known for certain, what it reported too.
async fn traits(
    boot: &Boot,
    mac: Mac,
    said: &Said,
    certain: Option<&Suspect>,
) -> Result<Traits, sqlx::Error> {
    let mut traits = Traits {
        uuid: said.uuid,
        mac: Some(mac),
        network: said.network,
        circuit: said.circuit.clone(),
        ..Traits::default()
    };
    let Some(suspect) = certain else {
        return Ok(traits);
    };
    match host::records::get(&boot.db, &suspect.host).await {
        Ok(host) => {
            let system = host.inventory.map(|i| i.system).unwrap_or_default();
            traits.uuid = Uuid::of_text(&host.uuid).or(traits.uuid);
            traits.serial = host.serial;
            traits.vendor = system.manufacturer;
            traits.model = system.product;
            Ok(traits)
        }
        Err(host::Error::Read(error)) => Err(error),
        // Forgotten a moment ago.
        Err(_) => Ok(traits),
    }
}
