//! The places that vaults lie in: which vault belongs there, which disk is plugged in, how old each copy is.

pub(crate) mod belongs;
pub(crate) mod records;

use crate::handle::{Continuity, Error};
use crate::place::Place;
use crate::vaults::Disk;
use state::Timestamp;
use std::time::Duration;

/// A vault that this appliance has used under a target's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownVault {
    /// [`vault::Vault::id`].
    pub vault: String,
    /// What was mounted: `/dev/sdb1`, `//nas/backup`; empty where nobody could tell.
    pub device: String,
    pub first: Timestamp,
    /// When it was last found there.
    pub seen: Timestamp,
}

/// A target as pages and commands show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub name: String,
    /// The folder or the address.
    pub address: String,
    pub place: Place,
    /// Of a disk that comes and goes: how often it is expected, and what is plugged in.
    pub removable: Option<(Duration, Disk)>,
    /// First known first.
    pub vaults: Vec<Holding>,
    /// What lies there is not what belongs there; somebody may say that it is meant.
    pub refused: bool,
}

/// One vault of a target: one disk of a rotation.
#[derive(Clone, Debug, PartialEq)]
pub struct Holding {
    pub known: KnownVault,
    pub last_saved: Option<Timestamp>,
    pub last_proven: Option<Timestamp>,
}

/// Every target of the configuration, in its order.
pub async fn standings(continuity: &Continuity) -> Result<Vec<Standing>, Error> {
    let facts = continuity.target_facts().await?;
    let troubles = crate::records::troubles(&continuity.db).await?;
    let mut found = Vec::new();
    for target in &continuity.config.targets {
        let name = &target.name;
        let saved = records::saved(&continuity.db, name).await?;
        let proven = records::proven(&continuity.db, name).await?;
        let known = records::known_vaults(&continuity.db, name).await?;
        let holdings = known.into_iter().map(|known| Holding {
            last_saved: saved.get(&known.vault).copied(),
            last_proven: proven.get(&known.vault).copied(),
            known,
        });
        let removable = match target.removable {
            Some(removable) => {
                let disk = continuity.vaults.disk(name).await?;
                Some((removable.expected_every, disk))
            }
            None => None,
        };
        let object = format!("target {name}");
        found.push(Standing {
            name: name.clone(),
            address: crate::vaults::shown(target),
            place: facts
                .iter()
                .find(|fact| &fact.name == name)
                .map_or(Place::SameDisk, |fact| fact.place),
            removable,
            vaults: holdings.collect(),
            refused: troubles.iter().any(|t| {
                t.object == object && matches!(t.kind.as_str(), "another vault" | "emptied")
            }),
        });
    }
    Ok(found)
}

/// `by` says that the vault which lies in `target` now is the one that is meant.
pub async fn accept(continuity: &Continuity, target: &str, by: &str) -> Result<String, Error> {
    let now = continuity.clock.now();
    let vault = continuity.vaults.accept(target, by, now).await?;
    // What it was refused for is settled; anything else that is wrong with it is found by the next run.
    continuity.incident(&format!("target {target}"), None).await;
    continuity
        .incident(&format!("history of target {target}"), None)
        .await;
    Ok(vault)
}
