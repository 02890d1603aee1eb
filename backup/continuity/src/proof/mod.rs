//! The restore test of a snapshot, and the evidence it leaves; the dumps in it are loaded in throw-away servers.

mod asked;
pub(crate) mod dumps;
mod judge;
mod listing;
pub(crate) mod loaded;
mod perform;
pub(crate) mod records;

pub(crate) use perform::{Request, perform};

use crate::wire::Evidence;
use state::Timestamp;

state::id!(
    /// Names one proof.
    ProofId
);

/// A finished proof.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    pub id: ProofId,
    pub plan: String,
    pub target: String,
    /// 32 hexadecimal digits; empty when there was no snapshot to prove.
    pub snapshot: String,
    pub level: config::Level,
    pub passed: bool,
    pub files: u64,
    pub bytes: u64,
    pub took_ms: u64,
    pub at: Timestamp,
    /// Why it did not pass, or what is worth saying though it passed.
    pub detail: Option<String>,
    pub evidence: Evidence,
}
