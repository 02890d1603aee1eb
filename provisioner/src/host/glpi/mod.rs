//! What approved machines are, sent to a GLPI.
//!
//! `document`: a machine in GLPI's format · `answer`: what GLPI says to it · `standing`: what follows from that, for
//! one machine · `client`: one request · `queue`: the task · `records`: its table. There is no list of messages: what
//! waits is every approved machine whose inventory is not the one that GLPI accepted last, so the newest is sent, once,
//! and nothing can be lost or pile up.

mod answer;
mod client;
mod document;
pub(crate) mod queue;
pub(crate) mod records;
mod standing;

pub use standing::Standing;

use super::{Error, Host, HostState};
use config::Registry;
use serde_json::Value;
use state::{Db, Timestamp};
use std::collections::HashMap;

/// Why GLPI has not got an inventory. Each says what to do next.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    #[error(
        "it does not answer ({0}); check that the server is on, and that url in [glpi] is right"
    )]
    Silent(String),
    #[error(
        "it wants another log-in (answer {status}: {said}); write user and password_file in [glpi] as its inventory settings say"
    )]
    Login { status: u16, said: String },
    #[error("it takes no inventory at this address (answer {0}); correct url in [glpi]")]
    NoPage(u16),
    #[error("it sends us elsewhere ({0}); write its new address as url in [glpi]")]
    Elsewhere(String),
    #[error(
        "what answers there is no GLPI 10 or later (answer {status}: {said}); correct url in [glpi], and switch inventory on in GLPI"
    )]
    NoGlpi { status: u16, said: String },
    #[error(
        "it has a fault of its own (answer {status}: {said}); look into files/_log/php-errors.log on that server"
    )]
    Server { status: u16, said: String },
    #[error("it is busy (answer {status}: {said}); it is asked again by itself")]
    Busy { status: u16, said: String },
    #[error(
        "it refuses this inventory ({said}); look at its import rules and at the equipment they refused", said = .0
    )]
    Inventory(String),
    #[error(
        "it was still at work after 12 questions; check that its automatic actions run, then send it again with `reprise host push`"
    )]
    StillPending,
    #[error("read the password in {path}: {why}; write it on the first line of that file")]
    Password { path: String, why: String },
    #[error("use the certificates in {path}: {why}; correct ca_file in [glpi]")]
    Certificates { path: String, why: String },
}

impl Fault {
    /// Every machine would meet it.
    pub(crate) fn is_of_server(&self) -> bool {
        !matches!(self, Fault::Inventory(_) | Fault::StillPending)
    }

    /// A moment later it may be over by itself.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(
            self,
            Fault::Silent(_) | Fault::Busy { .. } | Fault::Server { .. }
        )
    }
}

/// What would be sent for a machine, or why there is nothing to send. Pure.
pub fn preview(registry: &Registry, host: &Host) -> Result<Value, String> {
    let tag = registry.glpi.as_ref().and_then(|glpi| glpi.tag.as_deref());
    match (host.state, document::document(host, tag)) {
        (HostState::Approved, Some(document)) => Ok(document),
        (HostState::Approved, None) => {
            Err("its agent has not reported; boot it from the network once".to_owned())
        }
        _ => Err("nobody approved it; approve it first".to_owned()),
    }
}

/// Sends them again, also what GLPI has already; each is approved and has reported.
pub async fn push(db: &Db, hosts: Vec<Host>, now: Timestamp) -> Result<(), Error> {
    records::ask(db, hosts.into_iter().map(|host| host.id).collect(), now).await
}

/// Of every machine that was ever tried, by its id.
pub async fn standings(db: &Db) -> Result<HashMap<String, Standing>, Error> {
    Ok(records::all(db).await?)
}
