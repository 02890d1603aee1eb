//! An agent's report becomes a machine of the registry: a new one, or one that is recognised.

pub(crate) mod records;

use crate::Mac;
use images::wire::Inventory;

/// What an agent reported, checked and bounded.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) mac: Mac,
    /// blake3 of the agent's key, hex.
    pub(crate) agent_hash: String,
    pub(crate) pairing_code: String,
    pub(crate) version: String,
    pub(crate) inventory: Inventory,
}
