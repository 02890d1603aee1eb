//! What a list means for the registry. Pure.

use super::{BadLine, Listed};
use crate::Mac;
use crate::host::details::{Details, Grounds, NamedBy, known_profile, taken};
use crate::host::identity::Identity;
use crate::host::{Host, HostId};
use config::Registry;
use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;

/// What becomes of a listed host.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Add(Box<Added>),
    Change(Box<Changed>),
    /// The registry says all of it already.
    Same,
}

/// A host that the registry has not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Added {
    /// With those cards only that are nobody's so far.
    pub(crate) listed: Listed,
    pub(crate) details: Details,
}

/// A host of the registry after the list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Changed {
    pub(crate) id: HostId,
    pub(crate) before: String,
    pub(crate) name: String,
    /// Written where no agent said another: what a machine says of itself is never overwritten.
    pub(crate) serial: String,
    pub(crate) uuid: String,
    /// Cards that are nobody's so far.
    pub(crate) macs: Vec<Mac>,
    pub(crate) details: Details,
    pub(crate) noted: bool,
}

/// A host is the same by serial number and UUID, else by its name, else by a MAC. The whole list, or all that is wrong.
pub(crate) fn decide(
    listed: &[Listed],
    hosts: &[Host],
    registry: &Registry,
    grounds: &Grounds,
) -> Result<Vec<Step>, Vec<BadLine>> {
    let names: HashMap<String, &Host> = hosts
        .iter()
        .map(|host| (host.name.to_lowercase(), host))
        .collect();
    let owners: HashMap<Mac, &Host> = hosts
        .iter()
        .flat_map(|host| host.macs.iter().map(move |mac| (*mac, host)))
        .collect();
    // Names that the list itself sets free.
    let mut meant: HashMap<&HostId, usize> = HashMap::new();
    let mut found: Vec<Result<Option<&Host>, String>> = Vec::new();
    for row in listed {
        let same = same(row, hosts, &names, &owners);
        let same = match same {
            Ok(Some(host)) => match meant.insert(&host.id, row.line) {
                Some(line) => Err(format!(
                    "it is {} of the registry, as line {line} is; remove one",
                    host.name
                )),
                None => Ok(Some(host)),
            },
            other => other,
        };
        found.push(same);
    }
    let mut steps = Vec::new();
    let mut wrong = Vec::new();
    let mut fixed = kept(listed, hosts, &found);
    for (row, same) in listed.iter().zip(found) {
        let step = same.and_then(|same| {
            if let Some(other) = names.get(&row.name.to_lowercase())
                && same.is_none_or(|same| same.id != other.id)
            {
                return Err(format!(
                    "{} is the name of another host (serial number {:?}); choose another, or correct the serial number",
                    other.name, other.serial
                ));
            }
            address(row, same, grounds, &mut fixed)?;
            step(row, same, &owners, registry)
        });
        match step {
            Ok(step) => steps.push(step),
            Err(what) => wrong.push(BadLine {
                line: row.line,
                what,
            }),
        }
    }
    match wrong.is_empty() {
        true => Ok(steps),
        false => Err(wrong),
    }
}

/// Addresses that stay whose they are, whatever the list says of other hosts.
fn kept(
    listed: &[Listed],
    hosts: &[Host],
    found: &[Result<Option<&Host>, String>],
) -> HashMap<Ipv4Addr, String> {
    let rows = listed.iter().zip(found);
    let moved: HashSet<&HostId> = rows
        .filter(|(row, _)| row.change.address.is_some())
        .filter_map(|(_, same)| same.as_ref().ok().copied().flatten())
        .map(|host| &host.id)
        .collect();
    let stay = hosts.iter().filter(|host| !moved.contains(&host.id));
    stay.filter_map(|host| Some((host.details.address?, host.name.clone())))
        .collect()
}

/// The address that a row gives fits, and nobody else has it after the list.
fn address(
    row: &Listed,
    same: Option<&Host>,
    grounds: &Grounds,
    fixed: &mut HashMap<Ipv4Addr, String>,
) -> Result<(), String> {
    let before = same.map(|host| host.details.clone()).unwrap_or_default();
    let Some(address) = row
        .change
        .address
        .as_ref()
        .and_then(|text| text.trim().parse().ok())
    else {
        return Ok(());
    };
    // What it has already was right when it was written: a list that went out comes in again.
    if before.address != Some(address) {
        let theirs = same.map(|host| host.macs.as_slice()).unwrap_or_default();
        let cards: Vec<Mac> = theirs.iter().chain(&row.macs).copied().collect();
        if let Some(why) = grounds.refuse(address, &cards) {
            return Err(why);
        }
    }
    match fixed.insert(address, row.name.clone()) {
        None => Ok(()),
        Some(other) => Err(taken(address, &other)),
    }
}

fn identity_of(host: &Host) -> Identity {
    Identity {
        serial: host.serial.clone(),
        uuid: host.uuid.clone(),
        product: String::new(),
    }
}

fn identity_in(row: &Listed) -> Identity {
    Identity {
        serial: row.serial.clone(),
        uuid: row.uuid.clone(),
        product: String::new(),
    }
}

fn same<'a>(
    row: &Listed,
    hosts: &'a [Host],
    names: &HashMap<String, &'a Host>,
    owners: &HashMap<Mac, &'a Host>,
) -> Result<Option<&'a Host>, String> {
    let identity = identity_in(row);
    let by_name = names.get(&row.name.to_lowercase()).copied();
    let alike: Vec<&Host> = hosts
        .iter()
        .filter(|host| identity_of(host).is(&identity))
        .collect();
    match alike[..] {
        [host] => return Ok(Some(host)),
        [] => {}
        // One serial number for a whole batch: its name tells.
        _ => {
            return match by_name.filter(|named| alike.iter().any(|host| host.id == named.id)) {
                Some(host) => Ok(Some(host)),
                None => Err(format!(
                    "several hosts have the serial number {:?}; add the column `uuid`, or write the name that it has",
                    row.serial
                )),
            };
        }
    }
    if let Some(host) = by_name {
        return match clash(&identity, host) {
            true => Err(format!(
                "{} has the serial number {:?} and the UUID {:?} in the registry, another machine is listed; correct the list, or `reprise host forget` the old one",
                host.name, host.serial, host.uuid
            )),
            false => Ok(Some(host)),
        };
    }
    // A card is a hint only: docks travel.
    let by_card = row.macs.iter().filter_map(|mac| owners.get(mac).copied());
    Ok(by_card.into_iter().find(|host| !clash(&identity, host)))
}

/// Both say a serial number, or a UUID, and not the same.
fn clash(identity: &Identity, host: &Host) -> bool {
    let other = identity_of(host);
    let serials = !identity.serial.is_empty()
        && !other.serial.is_empty()
        && !identity.serial.eq_ignore_ascii_case(&other.serial);
    let uuids = identity
        .uuid()
        .zip(other.uuid())
        .is_some_and(|(a, b)| a != b);
    serials || uuids
}

fn step(
    row: &Listed,
    same: Option<&Host>,
    owners: &HashMap<Mac, &Host>,
    registry: &Registry,
) -> Result<Step, String> {
    let mut change = row.change.clone();
    if let Some(profile) = change.profile.as_deref() {
        let known = known_profile(registry, profile).map_err(|error| error.to_string())?;
        change.profile = Some(known);
    }
    let free: HashSet<Mac> = row
        .macs
        .iter()
        .copied()
        .filter(|mac| !owners.contains_key(mac))
        .collect();
    let macs: Vec<Mac> = row
        .macs
        .iter()
        .copied()
        .filter(|mac| free.contains(mac))
        .collect();
    let Some(host) = same else {
        let details = change.apply(&Details::default())?;
        let details = Details {
            named: NamedBy::Person,
            ..details
        };
        let listed = Listed {
            macs,
            ..row.clone()
        };
        return Ok(Step::Add(Box::new(Added { listed, details })));
    };
    let noted = change.apply(&host.details)?;
    // By a card alone, a name that somebody chose is the better word.
    let by_card = !host.name.eq_ignore_ascii_case(&row.name)
        && !identity_of(host).is(&identity_in(row))
        && host.details.named != NamedBy::Nobody;
    let name = if by_card { &host.name } else { &row.name };
    let unsaid = host.inventory.is_none();
    let fill = |ours: &str, theirs: &str| match unsaid && ours.is_empty() {
        true => theirs.to_owned(),
        false => ours.to_owned(),
    };
    let changed = Changed {
        id: host.id.clone(),
        before: host.name.clone(),
        name: name.clone(),
        serial: fill(&host.serial, &row.serial),
        uuid: fill(&host.uuid, &row.uuid),
        macs,
        noted: noted != host.details,
        // The list is somebody's word, and says the name.
        details: Details {
            named: match host.details.named {
                named @ NamedBy::Rule if host.name == *name => named,
                _ => NamedBy::Person,
            },
            ..noted
        },
    };
    let is_same = changed.name == host.name
        && changed.serial == host.serial
        && changed.uuid == host.uuid
        && changed.macs.is_empty()
        && changed.details == host.details;
    Ok(match is_same {
        true => Step::Same,
        false => Step::Change(Box::new(changed)),
    })
}

#[cfg(test)]
mod tests;
