//! A proven database kept up on the appliance, for reading, for a while: one act of continuity when its server is gone.
//!
//! - [`door`]: an address of this box, and the throw-away server's socket behind it. The server itself has no network.
//! - [`perform`](mod@perform): from the restore point to the open door, and to its end.
//!
//! It ends by itself at its hour, on request, and with this process (the kernel sees to that); nothing of it is kept.

mod door;
mod perform;

pub(crate) use perform::start;

use state::Timestamp;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

state::id!(
    /// Names one opening of a database.
    OpenedId
);

/// The longest that a copy is kept open.
pub const MOST: Duration = Duration::from_secs(7 * 24 * 3600);
/// Each takes memory and a part of the disk.
pub(crate) const AT_ONCE: usize = 1;
/// What is shown of those that have ended.
const KEPT: usize = 20;

/// What somebody asked to have opened.
#[derive(Clone, Debug)]
pub struct OpenRequest {
    pub plan: String,
    pub target: String,
    /// Which database of the plan; `None`: its only one.
    pub database: Option<String>,
    /// Port 0 takes any free one.
    pub listen: SocketAddr,
    pub lasts: Duration,
}

/// A database that is, or was, open to be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    pub id: OpenedId,
    pub plan: String,
    pub target: String,
    /// 32 hexadecimal digits: the newest restore point whose proof loaded it.
    pub snapshot: String,
    pub database: String,
    /// `MariaDB`, `PostgreSQL`.
    pub engine: String,
    /// The state it shows, milliseconds since 1970 UTC.
    pub taken: Timestamp,
    pub listen: SocketAddr,
    /// Known once it is open.
    pub user: Option<String>,
    pub by: String,
    pub asked: Timestamp,
    pub until: Timestamp,
    pub stage: Stage,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is being loaded and compared.
    Loading,
    Open,
    Closed(Why),
    /// One sentence with the next action.
    Failed(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its time was over.
    Time,
    Asked,
    /// The appliance stops.
    Stop,
}

impl Why {
    pub fn name(self) -> &'static str {
        match self {
            Why::Time => "time",
            Why::Asked => "asked",
            Why::Stop => "stop",
        }
    }
}

/// An opened database, and its password until that was told.
type Held = (Opened, Option<String>);

/// Newest first. In memory only: none outlives this process. Cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct Shelf(Arc<Mutex<VecDeque<Held>>>);

impl Shelf {
    // A std mutex: held for a list operation only, never across an await.
    fn list(&self) -> MutexGuard<'_, VecDeque<Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn all(&self) -> Vec<Opened> {
        self.list()
            .iter()
            .map(|(opened, _)| opened.clone())
            .collect()
    }

    fn add(&self, opened: Opened) {
        let mut list = self.list();
        list.push_front((opened, None));
        list.truncate(KEPT);
    }

    fn change(&self, id: &OpenedId, change: impl FnOnce(&mut Opened, &mut Option<String>)) {
        let mut list = self.list();
        if let Some((opened, password)) = list.iter_mut().find(|(o, _)| o.id == *id) {
            change(opened, password);
        }
    }

    /// The password, the first time that somebody asks for it while the database is open.
    pub(crate) fn password(&self, id: &OpenedId) -> Option<String> {
        let mut list = self.list();
        let found = list.iter_mut().find(|(o, _)| o.id == *id);
        found.and_then(|(_, password)| password.take())
    }
}
