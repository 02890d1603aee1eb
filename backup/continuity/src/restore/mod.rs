//! Files put back into a folder of the appliance, or of a server.
//!
//! A saved database goes into a new one of a server (`database`).
//!
//! A restore is written down with all that was asked before its first byte: one that was cut off goes on under its own
//! id, and leaves what is there already.

mod database;
mod destination;
mod execute;
pub(crate) mod records;

pub use database::{DatabaseError, DatabasePlanned, DatabaseRequest, SavedDatabase};
pub(crate) use database::{cut_off, plan as plan_database, saved, start as start_database};
pub use destination::{Destination, Unknown};
pub(crate) use execute::{plan, resume, start};

use state::Timestamp;
use state::wire::Outcome;
use vault::restore::{Overwrite, RestorePlan};

state::id!(
    /// Names one restore.
    RestoreId
);

/// Of one that a stop, a kill or a power cut ended.
pub(crate) const CUT_OFF: &str = "reprise stopped in the middle; what is there already stays, every file of it whole: go on with this restore to bring the rest back";

/// What somebody asked to have back.
#[derive(Clone, Debug, PartialEq)]
pub struct RestoreRequest {
    pub target: String,
    /// A unique prefix of an id, `latest`, or `PLAN@latest`.
    pub snapshot: String,
    /// Paths inside the snapshot; empty = all of it.
    pub paths: Vec<Vec<u8>>,
    pub destination: Destination,
    pub overwrite: Overwrite,
}

/// What a restore would write, and where.
#[derive(Clone, Debug)]
pub struct Planned {
    pub plan: RestorePlan,
    /// The folder, with the server before it: `/srv/back` or `sftp://root@erp.lan/srv/back`.
    pub to: String,
    /// Name of the server; none is this box.
    pub server: Option<String>,
}

/// A restore as the console and the command line show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Restore {
    pub id: RestoreId,
    pub target: String,
    /// 32 hexadecimal digits.
    pub snapshot: String,
    pub destination: String,
    pub by: String,
    pub started: Timestamp,
    pub finished: Option<Timestamp>,
    /// `None` until it has ended.
    pub outcome: Option<Outcome>,
    pub files: u64,
    pub bytes: u64,
    pub problems: u64,
    pub took_ms: u64,
    pub detail: Option<String>,
    /// How often it was gone on with.
    pub resumed: u64,
    /// What was asked; nothing of restores from before it was kept.
    pub asked: Option<RestoreRequest>,
}

impl Restore {
    /// One that begins now, of which nothing is kept but what it is.
    pub(crate) fn begun(
        (target, snapshot): (String, String),
        destination: String,
        by: &str,
        started: Timestamp,
    ) -> Restore {
        Restore {
            id: RestoreId::new(),
            target,
            snapshot,
            destination,
            by: by.to_owned(),
            started,
            finished: None,
            outcome: None,
            files: 0,
            bytes: 0,
            problems: 0,
            took_ms: 0,
            detail: None,
            resumed: 0,
            asked: None,
        }
    }

    /// It ended, not well, and can go on: what is there already stays.
    pub fn can_resume(&self) -> bool {
        self.asked.is_some() && self.outcome.is_some_and(|outcome| outcome != Outcome::Done)
    }
}
