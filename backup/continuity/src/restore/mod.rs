//! Files put back into a folder of the appliance.

mod execute;
pub(crate) mod records;

pub(crate) use execute::{plan, start};

use state::Timestamp;
use state::wire::Outcome;
use std::path::PathBuf;

state::id!(
    /// Names one restore.
    RestoreId
);

/// What somebody asked to have back.
#[derive(Clone, Debug)]
pub struct RestoreRequest {
    pub target: String,
    /// A unique prefix of an id, `latest`, or `PLAN@latest`.
    pub snapshot: String,
    /// Paths inside the snapshot; empty = all of it.
    pub paths: Vec<Vec<u8>>,
    pub destination: PathBuf,
    pub overwrite: vault::restore::Overwrite,
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
}
