//! An agent's report becomes a machine of the registry: a new one, or one that is recognised.

pub(crate) mod records;

use super::HostId;
use super::uuid::Uuid;
use crate::Mac;
use images::wire::Inventory;
use std::collections::HashSet;

/// What an agent reported, checked and bounded.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) mac: Mac,
    /// blake3 of the agent's key, hex.
    pub(crate) agent_hash: String,
    pub(crate) pairing_code: String,
    pub(crate) version: String,
    pub(crate) inventory: Inventory,
    /// Option 97 of the last boot request of that card.
    pub(crate) heard: Option<Uuid>,
    /// The machines for which another agent speaks right now.
    pub(crate) alive: HashSet<HostId>,
}
