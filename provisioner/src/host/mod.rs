//! The registry of machines. A machine is its serial number and SMBIOS identity; a MAC is a hint.

pub mod adapter;
pub mod approval;
pub mod csv;
pub mod details;
pub mod export;
mod filler;
pub mod glpi;
pub(crate) mod identity;
pub mod import;
pub(crate) mod naming;
pub mod next;
pub(crate) mod parts;
pub mod place;
pub(crate) mod recognition;
pub(crate) mod records;
pub(crate) mod report;
pub(crate) mod uuid;
mod wake;

pub use wake::{site_broadcast, wake};

use crate::Mac;
use config::Registry;
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
    pub details: details::Details,
    /// Where it last asked to boot.
    pub place: Option<place::Place>,
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
    #[error("name a host {0}: another one has that name; choose another")]
    NameTaken(String),
    #[error("name host {0}: {1}")]
    NoName(String, naming::NoName),
    #[error(
        "name host {0}: there is no rule; write `naming` in [hosts] or in its [[profile]], or give the name"
    )]
    NoRule(String),
    #[error(
        "choose a profile: none is called {0:?}; {1}, add a [[profile]] to the configuration for more"
    )]
    NoProfile(String, String),
    /// Of several, every reason.
    #[error("do this for all of them: {0}; nothing was changed")]
    NotAll(String),
    #[error("approve more than {0} hosts at once; choose fewer")]
    TooMany(usize),
    #[error(
        "push inventories to GLPI: none is named; add [glpi] with its `url` to the configuration"
    )]
    NoGlpi,
    #[error("note this of host {0}: {1}")]
    BadDetail(String, String),
    #[error(
        "choose what to boot: nothing is called {0:?}; there is {1}, add a [[boot_entry]] to the configuration for more"
    )]
    NoEntry(String, String),
    #[error(
        "test the memory of host {0}: Secure Boot is on there, and nobody signed memtest86+; switch Secure Boot off in its firmware, let its agent report once, and on again after the test"
    )]
    Unsigned(String),
    #[error("wake host {0}: no hardware address of it is known; boot it from the network once")]
    NoCard(String),
    #[error("wake host {0}: no network took the packet; look at the interfaces with `ip addr`")]
    NotSent(String),
    #[error("open a socket for the wake-up packet: {0}; try again")]
    Socket(#[from] std::io::Error),
    /// Every line that is wrong.
    #[error("import hosts: {0}; nothing was imported")]
    BadList(String),
}

/// All machines, newest sighting first.
pub async fn list(db: &Db) -> Result<Vec<Host>, Error> {
    records::list(db).await
}

pub async fn get(db: &Db, id: &HostId) -> Result<Host, Error> {
    records::get(db, id).await
}

/// By id, unique beginning of an id, name, MAC, or serial number.
pub async fn find(db: &Db, which: &str) -> Result<Host, Error> {
    pick(records::list(db).await?, which)
}

fn pick(hosts: Vec<Host>, which: &str) -> Result<Host, Error> {
    let which = which.trim();
    let mac = which.parse::<Mac>().ok();
    let exact = hosts.iter().find(|host| {
        host.id.as_str() == which
            || host.name.eq_ignore_ascii_case(which)
            || mac.is_some_and(|mac| host.macs.contains(&mac))
            || (!host.serial.is_empty() && host.serial.eq_ignore_ascii_case(which))
    });
    if let Some(host) = exact {
        return Ok(host.clone());
    }
    let mut begun = hosts
        .into_iter()
        .filter(|host| !which.is_empty() && host.id.as_str().starts_with(which));
    match (begun.next(), begun.next()) {
        (Some(host), None) => Ok(host),
        (Some(_), Some(_)) => Err(Error::Ambiguous(which.to_owned())),
        (None, _) => Err(Error::Unknown(which.to_owned())),
    }
}

/// Approves a machine whose agent reported; no rule names it. With `code`, only while its pairing
/// code is that one (the operator saw a page that may be old).
pub async fn approve(
    db: &Db,
    id: &HostId,
    code: Option<&str>,
    by: &str,
    now: Timestamp,
) -> Result<Host, Error> {
    let ask = approval::Ask {
        host: id.clone(),
        code: code.map(str::to_owned),
    };
    approval::approve_all(db, &Registry::default(), vec![ask], None, by, now).await?;
    records::get(db, id).await
}

/// What an import brings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    pub added: u64,
    /// Known before, and the list says more or other of them.
    pub changed: u64,
    /// The registry says all of it already.
    pub known: u64,
}

/// Takes hosts out of a CSV file into the registry, as machines that were only heard of: nothing boots by that. With
/// `dry_run` it is only said what it would bring.
pub async fn import(
    db: &Db,
    registry: &Registry,
    grounds: &details::Grounds,
    text: &str,
    dry_run: bool,
    by: &str,
    now: Timestamp,
) -> Result<Imported, Error> {
    let listed = import::parse(text).map_err(Error::bad_list)?;
    if !dry_run {
        return records::import(db, registry.clone(), grounds.clone(), listed, by, now).await;
    }
    let hosts = records::list(db).await?;
    let steps = import::decide(&listed, &hosts, registry, grounds).map_err(Error::bad_list)?;
    let mut would = Imported::default();
    for step in steps {
        match step {
            import::Step::Add(_) => would.added += 1,
            import::Step::Change(_) => would.changed += 1,
            import::Step::Same => would.known += 1,
        }
    }
    Ok(would)
}

impl Error {
    fn bad_list(wrong: Vec<import::BadLine>) -> Error {
        let shown = wrong.iter().take(20);
        let shown: Vec<String> = shown
            .map(|w| format!("line {}: {}", w.line, w.what))
            .collect();
        let more = match wrong.len() - shown.len() {
            0 => String::new(),
            more => format!("; and {more} lines more"),
        };
        Error::BadList(format!("{}{more}", shown.join("; ")))
    }
}

/// Removes a machine and its sessions; it is new when it comes back.
pub async fn forget(db: &Db, id: &HostId, by: &str, now: Timestamp) -> Result<(), Error> {
    records::forget(db, id, by, now).await
}

/// Lets the next network boot of a machine we are silent to start the agent again.
pub async fn ask_again(db: &Db, id: &HostId, now: Timestamp) -> Result<(), Error> {
    records::ask_again(db, id, now).await
}

/// Gives it a name that a person chose; no rule changes it afterwards.
pub async fn rename(
    db: &Db,
    id: &HostId,
    name: &str,
    by: &str,
    now: Timestamp,
) -> Result<(), Error> {
    if !identity::is_host_name(name) {
        return Err(Error::BadName(id.to_string(), name.to_owned()));
    }
    records::rename(db, id, name, by, now).await
}
