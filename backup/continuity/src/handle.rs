//! The one value the console and the command line hold.

use crate::blocking::Crashed;
use crate::proof::ProofId;
use crate::restore::{Restore, RestoreId, RestoreRequest};
use crate::run::{Run, RunId};
use crate::vaults::{self, Vaults};
use config::Config;
use state::progress::Board;
use state::{Clock, Db};
use std::sync::Arc;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "find the plan {plan}: the configuration has {known}; add it there or name one of those"
    )]
    NoSuchPlan { plan: String, known: String },
    #[error("prove plan {plan} on target {target}: the plan does not go there, but to {known}")]
    NotOnTarget {
        plan: String,
        target: String,
        known: String,
    },
    #[error("find the {what} {id}: there is none; list them first")]
    NoSuch { what: &'static str, id: String },
    #[error(transparent)]
    Vaults(#[from] vaults::Error),
    #[error(transparent)]
    Vault(#[from] vault::Error),
    #[error(transparent)]
    Db(#[from] state::db::Error),
    #[error(transparent)]
    Crashed(#[from] Crashed),
}

/// Everything this package needs. Cloning shares it.
#[derive(Clone)]
pub struct Continuity {
    pub db: Db,
    pub clock: Clock,
    pub board: Board,
    pub config: Arc<Config>,
    pub vaults: Vaults,
}

impl Continuity {
    /// Starts nothing.
    pub fn new(db: Db, clock: Clock, board: Board, config: Arc<Config>) -> Continuity {
        let vaults = Vaults::new(&config.targets);
        Continuity {
            db,
            clock,
            board,
            config,
            vaults,
        }
    }

    /// Queues one run per target of the plan and returns at once; a plan that is already queued or
    /// running on a target is not queued a second time: that run is returned instead.
    pub async fn start_run(&self, plan: &str, by: &str) -> Result<Vec<RunId>, Error> {
        let _ = by;
        Err(Error::NoSuchPlan {
            plan: plan.to_owned(),
            known: String::new(),
        })
    }

    /// The run, once it has ended (its proof may still be going on).
    pub async fn wait_run(&self, id: &RunId) -> Result<Run, Error> {
        Err(Error::NoSuch {
            what: "run",
            id: id.to_string(),
        })
    }

    /// Asks a run to stop; it ends as cancelled soon after.
    pub async fn cancel_run(&self, id: &RunId) -> Result<(), Error> {
        Err(Error::NoSuch {
            what: "run",
            id: id.to_string(),
        })
    }

    /// Starts a proof of the newest snapshot of `plan` on `target` and returns at once.
    pub async fn start_proof(&self, plan: &str, target: &str) -> Result<ProofId, Error> {
        Err(Error::NoSuchPlan {
            plan: plan.to_owned(),
            known: target.to_owned(),
        })
    }

    /// What a restore would write, for a person to confirm. Writes nothing.
    pub async fn plan_restore(
        &self,
        request: &RestoreRequest,
    ) -> Result<vault::restore::RestorePlan, Error> {
        Err(Error::NoSuch {
            what: "snapshot",
            id: request.snapshot.clone(),
        })
    }

    /// Starts a restore and returns at once.
    pub async fn start_restore(
        &self,
        request: RestoreRequest,
        by: &str,
    ) -> Result<RestoreId, Error> {
        let _ = by;
        Err(Error::NoSuch {
            what: "snapshot",
            id: request.snapshot,
        })
    }

    /// The restore, once it has ended.
    pub async fn wait_restore(&self, id: &RestoreId) -> Result<Restore, Error> {
        Err(Error::NoSuch {
            what: "restore",
            id: id.to_string(),
        })
    }

    pub async fn cancel_restore(&self, id: &RestoreId) -> Result<(), Error> {
        Err(Error::NoSuch {
            what: "restore",
            id: id.to_string(),
        })
    }

    /// Waits until nothing is queued or going on any more (proofs included).
    pub async fn settle(&self) {}
}
