//! Trusting machines, one or many at once, and the names they get by that.

pub(crate) mod records;

use super::details::{self, NamedBy};
use super::identity::{Identity, name as first_name};
use super::naming::{Rule, Subject, name_for};
use super::{Error, Host, HostId, HostState};
use crate::Mac;
use config::Registry;
use state::{Db, Timestamp};
use std::collections::HashMap;

/// More than this at once is not a list that somebody has read.
const MOST: usize = 200;

/// A machine to approve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub host: HostId,
    /// The pairing code the operator saw; with it, only while it is that one.
    pub code: Option<String>,
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    pub host: HostId,
    pub before: String,
    /// The same, where no rule gives another.
    pub name: String,
    pub profile: String,
    pub code: String,
}

impl Given {
    pub fn is_new_name(&self) -> bool {
        self.name != self.before
    }
}

/// Why names are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A name that a person gave stays.
    Approval,
    /// Somebody asks for the rule's.
    Naming,
}

/// What `approve_all` or `name_by_rule` would do, machine by machine; nothing changes.
pub async fn preview(
    db: &Db,
    registry: &Registry,
    asks: &[Ask],
    profile: Option<&str>,
    purpose: Purpose,
) -> Result<Vec<Result<Given, Error>>, Error> {
    let profile = chosen(registry, profile)?;
    records::preview(db, registry, asks, profile.as_deref(), purpose).await
}

/// Approves all of them, or none: the error names every one that cannot be.
pub async fn approve_all(
    db: &Db,
    registry: &Registry,
    asks: Vec<Ask>,
    profile: Option<&str>,
    by: &str,
    now: Timestamp,
) -> Result<Vec<Given>, Error> {
    if asks.len() > MOST {
        return Err(Error::TooMany(MOST));
    }
    let profile = chosen(registry, profile)?;
    records::approve(db, registry.clone(), asks, profile, by, now).await
}

/// Gives a machine the name of its rule, whoever named it before.
pub async fn name_by_rule(
    db: &Db,
    registry: &Registry,
    id: &HostId,
    profile: Option<&str>,
    by: &str,
    now: Timestamp,
) -> Result<Given, Error> {
    let profile = chosen(registry, profile)?;
    records::name(db, registry.clone(), id, profile, by, now).await
}

fn chosen(registry: &Registry, profile: Option<&str>) -> Result<Option<String>, Error> {
    match profile.map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => details::known_profile(registry, name).map(Some),
        None => Ok(None),
    }
}

/// Pure. `names`: who has which, the names in lower case; later machines see what earlier ones get.
pub(crate) fn decide(
    registry: &Registry,
    hosts: &[(Host, Option<String>)],
    profile: Option<&str>,
    mut names: HashMap<String, HostId>,
    purpose: Purpose,
) -> Vec<Result<Given, Error>> {
    hosts
        .iter()
        .map(|(host, code)| {
            let given = one(registry, host, code.as_deref(), profile, &names, purpose)?;
            if given.is_new_name() {
                let before = given.before.to_lowercase();
                if names.get(&before) == Some(&host.id) {
                    names.remove(&before);
                }
                names.insert(given.name.to_lowercase(), host.id.clone());
            }
            Ok(given)
        })
        .collect()
}

fn one(
    registry: &Registry,
    host: &Host,
    code: Option<&str>,
    profile: Option<&str>,
    names: &HashMap<String, HostId>,
    purpose: Purpose,
) -> Result<Given, Error> {
    if purpose == Purpose::Approval {
        let Some(now_code) = &host.pairing_code else {
            return Err(Error::NotReported(host.name.clone()));
        };
        if code.is_some_and(|code| code != now_code) {
            return Err(Error::OtherCode(host.name.clone(), now_code.clone()));
        }
    }
    let profile = profile.unwrap_or(&host.details.profile);
    let given = |name: String| Given {
        host: host.id.clone(),
        before: host.name.clone(),
        name,
        profile: profile.to_owned(),
        code: host.pairing_code.clone().unwrap_or_default(),
    };
    let table = format!("[[profile]] {profile}");
    let of_profile = registry.profile(profile).and_then(|p| p.naming.as_ref());
    let (pattern, table) = match (of_profile, &registry.naming) {
        (Some(pattern), _) => (pattern, table.as_str()),
        (None, Some(pattern)) => (pattern, "[hosts]"),
        (None, None) if purpose == Purpose::Naming => {
            return Err(Error::NoRule(host.name.clone()));
        }
        (None, None) => return Ok(given(host.name.clone())),
    };
    if purpose == Purpose::Approval && !is_open(host) {
        return Ok(given(host.name.clone()));
    }
    let rule = Rule {
        pattern,
        table,
        longest: registry.longest_name,
        reserved: &registry.reserved,
    };
    let taken = |name: &str| {
        let owner = names.get(&name.to_lowercase());
        owner.is_some_and(|owner| *owner != host.id)
    };
    name_for(rule, &subject(registry, host, profile), taken)
        .map(given)
        .map_err(|why| Error::NoName(host.name.clone(), why))
}

/// May a rule name it when it is approved? Not what a person named, nor what was approved before.
fn is_open(host: &Host) -> bool {
    host.state != HostState::Approved
        && host.details.named == NamedBy::Nobody
        && is_first_name(&host.name, &host.serial, &host.macs)
}

/// The name it was first shown by, maybe with a number behind it. An earlier version did not write
/// down who named a machine.
fn is_first_name(name: &str, serial: &str, macs: &[Mac]) -> bool {
    let identity = Identity {
        serial: serial.to_owned(),
        ..Identity::default()
    };
    let nobody = Identity::default();
    let stems = macs
        .iter()
        .flat_map(|mac| [first_name(&identity, *mac), first_name(&nobody, *mac)]);
    let serials = (!serial.is_empty()).then(|| first_name(&identity, Mac([0; 6])));
    stems.chain(serials).any(|stem| {
        let rest = name.strip_prefix(&stem);
        rest.is_some_and(|rest| {
            rest.is_empty()
                || rest
                    .strip_prefix('-')
                    .is_some_and(|number| number.parse::<u32>().is_ok())
        })
    })
}

fn subject(registry: &Registry, host: &Host, profile: &str) -> Subject {
    let system = host.inventory.as_ref().map(|i| &i.system);
    let place = host.place.as_ref();
    Subject {
        name: host.name.clone(),
        serial: host.serial.clone(),
        model: host.product.clone(),
        vendor: system.map(|s| s.manufacturer.clone()).unwrap_or_default(),
        user: host.details.user.clone(),
        port: place.map(|p| p.port.clone()).unwrap_or_default(),
        site: place
            .and_then(|p| registry.site_of(p.network?))
            .map(|(site, _)| site.name.clone())
            .unwrap_or_default(),
        profile: profile.to_owned(),
        mac: host.macs.first().copied(),
    }
}

/// All of them, or every reason why not.
pub(crate) fn all(decided: Vec<Result<Given, Error>>) -> Result<Vec<Given>, Error> {
    let many = decided.len() > 1;
    let mut given = Vec::new();
    let mut wrong = Vec::new();
    for one in decided {
        match one {
            Ok(one) => given.push(one),
            Err(error) => wrong.push(error),
        }
    }
    match wrong.len() {
        0 => Ok(given),
        1 if !many => Err(wrong.remove(0)),
        _ => {
            let told: Vec<String> = wrong.iter().take(20).map(ToString::to_string).collect();
            Err(Error::NotAll(told.join("; ")))
        }
    }
}

#[cfg(test)]
mod tests;
