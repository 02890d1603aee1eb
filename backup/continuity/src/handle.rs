//! The one value the console and the command line hold.

use crate::blocking::Crashed;
use crate::opened::{self, OpenRequest, Opened, OpenedId, Shelf};
use crate::proof::{self, ProofId};
use crate::records;
use crate::restore::{self, Restore, RestoreId, RestoreRequest};
use crate::run::{self, Run, RunId};
use crate::vaults::{self, Vaults};
use crate::work::{Ticket, Work};
use crate::{APPLIANCE, scratch};
use config::{Config, Level};
use state::progress::Board;
use state::{Clock, Db};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "find the plan {plan}: the configuration has {known}; add it there or name one of those"
    )]
    NoSuchPlan { plan: String, known: String },
    #[error("prove plan {plan} on target {target}: the plan goes to {known}; name one of those")]
    NotOnTarget {
        plan: String,
        target: String,
        known: String,
    },
    #[error("find {} {id}: there is none; {}", .what.name(), .what.where_listed())]
    NoSuch { what: Listed, id: String },
    #[error("stop the {what} {id}: it has ended already")]
    Ended { what: &'static str, id: String },
    #[error("go on with the restore {id}: {why}")]
    CannotResume { id: String, why: &'static str },
    #[error(transparent)]
    Destination(#[from] restore::Unknown),
    #[error(transparent)]
    NewDatabase(#[from] restore::DatabaseError),
    #[error("start one more restore: {most} are going on; wait until one has ended, or stop one")]
    TooMany { most: usize },
    /// `what` names the word that is wrong, where that is known.
    #[error("use the recovery words of target {target}: {what}; compare them with the paper")]
    Words { target: String, what: String },
    #[error("accept the risk of {object}: {what}")]
    Risk { object: String, what: String },
    #[error(transparent)]
    Vaults(#[from] vaults::Error),
    #[error(transparent)]
    Vault(#[from] vault::Error),
    #[error(
        "open the database of plan {plan} on target {target}: none of its restore points was loaded and compared yet; run `reprise proof run {plan}`"
    )]
    NeverLoaded { plan: String, target: String },
    #[error("choose the database: the restore point holds {known}; name one of those")]
    WhichDatabase { known: String },
    #[error("open one more database: {most} is open; close it first")]
    TooManyOpen { most: usize },
    #[error("listen on {address}: {source}; choose an address of this box and a free port")]
    Listen {
        address: std::net::SocketAddr,
        source: std::io::Error,
    },
    #[error(transparent)]
    Databases(#[from] databases::server::Error),
    #[error(transparent)]
    Scratch(#[from] scratch::Error),
    #[error(transparent)]
    Recipe(#[from] crate::source::recipe::Error),
    /// All that the plan names is a database, and nothing of it could be saved.
    #[error("save plan {plan}: {problem}")]
    NoDatabase {
        plan: String,
        problem: vault::Problem,
    },
    #[error(transparent)]
    Db(#[from] state::db::Error),
    #[error(transparent)]
    Crashed(#[from] Crashed),
}

/// What is asked for by its name or id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    Run,
    Proof,
    Restore,
    /// A copy that is kept open.
    Opened,
    Exposed,
    AcceptedRisk,
    /// Of a restore point.
    Database,
}

impl Listed {
    fn name(self) -> &'static str {
        match self {
            Listed::Run => "the run",
            Listed::Proof => "the proof",
            Listed::Restore => "the restore",
            Listed::Opened => "the open database",
            Listed::Exposed => "the unprotected thing",
            Listed::AcceptedRisk => "the accepted risk",
            Listed::Database => "the database",
        }
    }

    fn where_listed(self) -> &'static str {
        match self {
            Listed::Run => "`reprise run list` shows which there are",
            Listed::Proof => "`reprise proof list` shows which there are",
            Listed::Restore => "the console shows them on its page of restores",
            Listed::Opened => "`reprise database list` shows which there are",
            Listed::Exposed => {
                "`reprise unprotected list` shows which there are, or a plan saves it by now"
            }
            Listed::AcceptedRisk => {
                "`reprise unprotected list` shows which there are, or it ran out"
            }
            Listed::Database => "`reprise snapshot show` says what the restore point holds",
        }
    }
}

/// Everything this package needs. Cloning shares it.
#[derive(Clone)]
pub struct Continuity {
    pub db: Db,
    pub clock: Clock,
    pub board: Board,
    pub config: Arc<Config>,
    pub vaults: Vaults,
    pub(crate) work: Work,
    pub(crate) opened: Shelf,
}

impl Continuity {
    /// Starts nothing. The tables must be there ([`crate::migrate`]).
    pub fn new(db: Db, clock: Clock, board: Board, config: Arc<Config>) -> Continuity {
        let vaults = Vaults::new(&config, db.clone(), clock.clone());
        Continuity {
            db,
            clock,
            board,
            config,
            vaults,
            work: Work::default(),
            opened: Shelf::default(),
        }
    }

    /// Queues one run per target of the plan and returns at once. A plan that is queued or running
    /// on a target already is not queued twice: that run is returned.
    pub async fn start_run(&self, plan: &str, by: &str) -> Result<Vec<RunId>, Error> {
        let targets = self.targets_of(plan)?;
        let mut ids = Vec::with_capacity(targets.len());
        for target in targets {
            ids.push(run::start(self, plan, &target, by).await?);
        }
        Ok(ids)
    }

    /// The run, once it has ended (its proof may still be going on).
    pub async fn wait_run(&self, id: &RunId) -> Result<Run, Error> {
        self.work.wait(id.as_str()).await;
        let found = records::run(&self.db, id).await?;
        found.ok_or_else(|| no_such(Listed::Run, id.as_str()))
    }

    /// Asks a run to stop; it ends as cancelled soon after.
    pub async fn cancel_run(&self, id: &RunId) -> Result<(), Error> {
        if self.work.cancel(id.as_str()) {
            return Ok(());
        }
        match records::run(&self.db, id).await? {
            Some(_) => Err(ended("run", id.as_str())),
            None => Err(no_such(Listed::Run, id.as_str())),
        }
    }

    /// Starts a proof of the newest snapshot of `plan` on `target`, at the level the plan asks for,
    /// and returns at once. Its record appears when it has ended. One that waits or goes on already, after a run
    /// say, is not begun twice: that one is returned.
    pub async fn start_proof(&self, plan: &str, target: &str) -> Result<ProofId, Error> {
        let targets = self.targets_of(plan)?;
        if !targets.iter().any(|t| t == target) {
            return Err(Error::NotOnTarget {
                plan: plan.to_owned(),
                target: target.to_owned(),
                known: targets.join(", "),
            });
        }
        if let Some(going_on) = self.work.last(&about_proof(plan, target)) {
            return Ok(ProofId(going_on));
        }
        let level = self
            .config
            .plan(plan)
            .map_or(Level::Loaded, |found| found.prove.level);
        let (id, ticket) = self.begin_proof(plan, target);
        let request = proof::Request {
            id: id.clone(),
            plan: plan.to_owned(),
            target: target.to_owned(),
            snapshot: None,
            level,
            journal_head: None,
        };
        let this = self.clone();
        tokio::spawn(async move { proof::perform(&this, request, ticket).await });
        Ok(id)
    }

    /// The proof, once it has ended.
    pub async fn wait_proof(&self, id: &ProofId) -> Result<proof::Proof, Error> {
        self.work.wait(id.as_str()).await;
        let found = records::proof(&self.db, id).await?;
        found.ok_or_else(|| no_such(Listed::Proof, id.as_str()))
    }

    /// What a restore would write, for a person to confirm. Writes nothing.
    pub async fn plan_restore(&self, request: &RestoreRequest) -> Result<restore::Planned, Error> {
        Ok(restore::plan(self, request).await?.1)
    }

    /// Goes on with a restore that was cut off, stopped, failed or left problems; returns at once.
    pub async fn resume_restore(&self, id: &RestoreId) -> Result<RestoreId, Error> {
        restore::resume(self, id).await
    }

    /// Starts a restore and returns at once.
    pub async fn start_restore(
        &self,
        request: RestoreRequest,
        by: &str,
    ) -> Result<RestoreId, Error> {
        restore::start(self, request, by).await
    }

    /// The databases that a restore point holds.
    pub async fn saved_databases(
        &self,
        target: &str,
        snapshot: &str,
    ) -> Result<Vec<restore::SavedDatabase>, Error> {
        restore::saved(self, target, snapshot).await
    }

    /// What a restore into a new database would make, for a person to confirm. Makes nothing.
    pub async fn plan_database(
        &self,
        request: &restore::DatabaseRequest,
    ) -> Result<restore::DatabasePlanned, Error> {
        Ok(restore::plan_database(self, request).await?.planned)
    }

    /// Starts a restore into a new database and returns at once; it is a [`Restore`] like the others.
    pub async fn start_database(
        &self,
        request: restore::DatabaseRequest,
        by: &str,
    ) -> Result<RestoreId, Error> {
        restore::start_database(self, request, by).await
    }

    /// The restore, once it has ended.
    pub async fn wait_restore(&self, id: &RestoreId) -> Result<Restore, Error> {
        self.work.wait(id.as_str()).await;
        let found = records::restore(&self.db, id).await?;
        found.ok_or_else(|| no_such(Listed::Restore, id.as_str()))
    }

    /// Asks a restore to stop; what it wrote so far stays.
    pub async fn cancel_restore(&self, id: &RestoreId) -> Result<(), Error> {
        if self.work.cancel(id.as_str()) {
            return Ok(());
        }
        match records::restore(&self.db, id).await? {
            Some(_) => Err(ended("restore", id.as_str())),
            None => Err(no_such(Listed::Restore, id.as_str())),
        }
    }

    /// Opens the newest proven copy of a database to be read, for a while; returns at once. It is loaded and compared
    /// first, which takes as long as its proof did.
    pub async fn open_database(&self, request: OpenRequest, by: &str) -> Result<OpenedId, Error> {
        let targets = self.targets_of(&request.plan)?;
        if !targets.contains(&request.target) {
            return Err(Error::NotOnTarget {
                plan: request.plan,
                target: request.target,
                known: targets.join(", "),
            });
        }
        opened::start(self, request, by).await
    }

    /// Databases that are open, or were since this process began; newest first.
    pub fn opened_databases(&self) -> Vec<Opened> {
        self.opened.all()
    }

    /// The newest proof of each plan on each target that loaded a database: what can be opened.
    pub async fn openable(&self) -> Result<Vec<proof::Proof>, Error> {
        let mut found = Vec::new();
        for plan in &self.config.plans {
            for target in &plan.targets {
                found.extend(proof::records::newest_loaded(&self.db, &plan.name, target).await?);
            }
        }
        Ok(found)
    }

    /// The password of an open database, told once.
    pub fn opened_password(&self, id: &OpenedId) -> Option<String> {
        self.opened.password(id)
    }

    /// Closes an open database, or stops its opening, and waits for its end.
    pub async fn close_database(&self, id: &OpenedId) -> Result<(), Error> {
        let known = self.opened.all().iter().any(|o| o.id == *id);
        if !known {
            return Err(no_such(Listed::Opened, id.as_str()));
        }
        if !self.work.cancel(id.as_str()) {
            return Err(ended("opened database", id.as_str()));
        }
        self.work.wait(id.as_str()).await;
        Ok(())
    }

    /// Waits until nothing is queued or going on any more (proofs included).
    pub async fn settle(&self) {
        self.work.settle().await;
    }

    /// The targets a plan goes to; the appliance's own copy goes to all of them.
    fn targets_of(&self, plan: &str) -> Result<Vec<String>, Error> {
        if plan == APPLIANCE {
            return Ok(self.config.targets.iter().map(|t| t.name.clone()).collect());
        }
        match self.config.plan(plan) {
            Some(found) => Ok(found.targets.clone()),
            None => Err(self.no_such_plan(plan)),
        }
    }

    pub(crate) fn no_such_plan(&self, plan: &str) -> Error {
        let mut known: Vec<&str> = self.config.plans.iter().map(|p| p.name.as_str()).collect();
        known.push(APPLIANCE);
        Error::NoSuchPlan {
            plan: plan.to_owned(),
            known: known.join(", "),
        }
    }

    pub(crate) fn begin_proof(&self, plan: &str, target: &str) -> (ProofId, Ticket) {
        let id = ProofId::new();
        let about = about_proof(plan, target);
        let ticket = self.work.begin(id.as_str(), &about);
        (id, ticket)
    }

    /// A proof of this plan on this target waits or goes on.
    pub(crate) fn proving(&self, plan: &str, target: &str) -> bool {
        self.work.count(&about_proof(plan, target)) > 0
    }

    pub(crate) fn scratch_root(&self) -> PathBuf {
        self.config.appliance.state_dir.join("scratch")
    }

    /// Tells of trouble with `object` begun or over; see [`records::incident`].
    pub(crate) async fn incident(&self, object: &str, found: Option<(&'static str, String)>) {
        let now = self.clock.now();
        if let Err(error) = records::incident(&self.db, object, found, now).await {
            tracing::error!(%error, object, "failed to record trouble");
        }
    }
}

fn about_proof(plan: &str, target: &str) -> String {
    format!("proof of {plan} on {target}")
}

fn no_such(what: Listed, id: &str) -> Error {
    Error::NoSuch {
        what,
        id: id.to_owned(),
    }
}

fn ended(what: &'static str, id: &str) -> Error {
    Error::Ended {
        what,
        id: id.to_owned(),
    }
}
