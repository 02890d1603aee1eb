//! The registry of machines. A machine is its serial number and SMBIOS identity; a MAC is a hint.

use crate::Mac;
use images::wire::Inventory;
use state::{Db, Timestamp};

state::id! {
    /// A machine in the registry.
    HostId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostState {
    /// It asked the network for a boot loader; nothing more is known.
    Seen,
    /// Its agent reported; nobody approved it yet.
    Waiting,
    /// An operator compared the pairing code and approved it.
    Approved,
}

impl HostState {
    pub fn as_str(self) -> &'static str {
        match self {
            HostState::Seen => "seen",
            HostState::Waiting => "waiting",
            HostState::Approved => "approved",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    pub id: HostId,
    pub name: String,
    pub state: HostState,
    pub macs: Vec<Mac>,
    pub serial: String,
    pub uuid: String,
    pub product: String,
    /// Shown on the machine's own screen too; `None` before its agent reported.
    pub pairing_code: Option<String>,
    pub inventory: Option<Inventory>,
    pub agent_version: Option<String>,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// When its agent first reported since it was last asked to.
    pub reported: Option<Timestamp>,
    pub approved: Option<Timestamp>,
    pub approved_by: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    State(#[from] state::db::Error),
    #[error("read the registry of hosts: {0}")]
    Read(#[from] sqlx::Error),
    #[error("find host {0}; `reprise host list` shows those that are known")]
    Unknown(String),
    #[error("choose a host: {0} names several; use more of its id")]
    Ambiguous(String),
    #[error(
        "approve host {0}: its agent has not reported yet; boot it from the network and compare the pairing code"
    )]
    NotReported(String),
    #[error(
        "approve host {0}: its pairing code is now {1}; compare it again with the machine's screen"
    )]
    OtherCode(String, String),
    #[error("name host {0}: {1:?} is not a host name (letters, digits and `-`, at most 63)")]
    BadName(String, String),
}

/// All machines, newest sighting first.
pub async fn list(_db: &Db) -> Result<Vec<Host>, Error> {
    Ok(Vec::new())
}

pub async fn get(_db: &Db, id: &HostId) -> Result<Host, Error> {
    Err(Error::Unknown(id.to_string()))
}

/// By id, unique beginning of an id, name, or MAC.
pub async fn find(_db: &Db, which: &str) -> Result<Host, Error> {
    Err(Error::Unknown(which.to_owned()))
}

/// Approves a machine whose agent reported. With `code`, only while its pairing code is that one
/// (the operator saw a page that may be old).
pub async fn approve(
    _db: &Db,
    id: &HostId,
    _code: Option<&str>,
    _by: &str,
    _now: Timestamp,
) -> Result<Host, Error> {
    Err(Error::Unknown(id.to_string()))
}

/// Removes a machine and its sessions; it is new when it comes back.
pub async fn forget(_db: &Db, id: &HostId, _by: &str, _now: Timestamp) -> Result<(), Error> {
    Err(Error::Unknown(id.to_string()))
}

/// Lets the next network boot of a machine we are silent to start the agent again.
pub async fn ask_again(_db: &Db, id: &HostId, _now: Timestamp) -> Result<(), Error> {
    Err(Error::Unknown(id.to_string()))
}

pub async fn rename(_db: &Db, id: &HostId, _name: &str) -> Result<(), Error> {
    Err(Error::Unknown(id.to_string()))
}
