//! The scheduler: gathers what is known, asks [`crate::schedule::due`], starts what it says.

use crate::clock::{self, Found, Hands};
use crate::handle::{Continuity, Error};
use crate::overview::{Kept, Overview, TargetFacts, assess};
use crate::place::{self, place};
use crate::schedule::{self, History, Job, Known};
use crate::{APPLIANCE, Disk, blocking, records, restore, run};
use jiff::tz::TimeZone;
use state::Timestamp;
use state::wire::Outcome;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the clock is looked at. Hours are whole minutes; a second is soon enough.
const BEAT: Duration = Duration::from_secs(1);

const CUT_OFF: &str =
    "reprise stopped in the middle (power cut, kill or restart), or could not record the end";

/// How often the places of removable disks are looked at: plugged in, it is saved to soon.
const DISKS: Duration = Duration::from_secs(5);

/// What the schedule decides upon.
struct Facts {
    since: Vec<Timestamp>,
    history: Vec<History>,
}

impl Continuity {
    /// Starts what is due, until `shutdown`; then stops what is going on and waits for it.
    pub async fn serve(&self, shutdown: CancellationToken) {
        if let Err(error) = self.recover().await {
            tracing::error!(%error, "failed to look for runs that a stop cut off");
        }
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut commits = self.db.commits();
        let mut known = None;
        let mut told = false;
        let mut disks = BTreeMap::new();
        let mut hands = Hands::new(self.clock.reading());
        let mut looked_at: Option<tokio::time::Instant> = None;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                _ = beat.tick() => {}
            }
            // Nothing was written since the last look: nothing else is known now.
            if commits.has_changed().unwrap_or(true) {
                commits.mark_unchanged();
                known = None;
            }
            if let Some(found) = hands.look(self.clock.reading()) {
                self.clock_told(found).await;
                known = None;
            }
            if looked_at.is_none_or(|at| at.elapsed() >= DISKS) {
                looked_at = Some(tokio::time::Instant::now());
                let risks = crate::unprotected::records::run_out(&self.db, self.clock.now());
                if let Err(error) = risks.await {
                    tracing::error!(%error, "failed to look which accepted risks have run out");
                }
                if self.disks_moved(&mut disks).await {
                    known = None;
                }
            }
            let looked = match known.take() {
                Some(known) => Ok(known),
                None => self.gather().await,
            };
            let done = match looked {
                Ok(facts) => {
                    let started = self.start_due(&facts).await;
                    known = Some(facts);
                    started.map(drop)
                }
                Err(error) => Err(error),
            };
            match done {
                Ok(()) => told = false,
                Err(error) if !told => {
                    tracing::error!(%error, "failed to start what is due; trying again each second");
                    told = true;
                }
                Err(_) => {}
            }
        }
        self.work.stop();
        self.settle().await;
    }

    async fn clock_told(&self, found: Found) {
        let told = match found {
            Found::Set { was, is } => Some(("set", clock::sentence(was, is))),
            Found::Right => None,
        };
        self.incident(clock::OBJECT, told).await;
    }

    /// Marks runs and restores that a power cut or kill ended, and removes their scratch. Call it
    /// only where no other process works on the same state.
    pub async fn recover(&self) -> Result<(), Error> {
        let now = self.clock.now();
        for mut run in run::records::open(&self.db).await? {
            if !self.work.holds(run.id.as_str()) {
                run.outcome = Some(Outcome::Interrupted);
                run.finished = Some(now);
                run.detail = Some(CUT_OFF.into());
                run::records::finish(&self.db, &run, Vec::new()).await?;
            }
        }
        for mut restore in restore::records::open(&self.db).await? {
            if !self.work.holds(restore.id.as_str()) {
                restore.outcome = Some(Outcome::Interrupted);
                restore.finished = Some(now);
                restore.detail =
                    Some(restore::cut_off(&restore).unwrap_or_else(|| restore::CUT_OFF.into()));
                restore::records::finish(&self.db, &restore, Vec::new()).await?;
            }
        }
        if self.work.idle() {
            let root = self.scratch_root();
            blocking(move || crate::scratch::clear(&root)).await??;
        }
        Ok(())
    }

    /// One look at the clock: starts what is due now, and says what that was.
    pub async fn tick(&self) -> Result<Vec<Job>, Error> {
        let facts = self.gather().await?;
        self.start_due(&facts).await
    }

    async fn gather(&self) -> Result<Facts, Error> {
        let now = self.clock.now();
        let since = records::planned(&self.db, &self.config.plans, now).await?;
        let mut history = Vec::new();
        // The ticket is the first and the last of a run: one without it could not record its end (a
        // full disk), and must not stand in the way of the next for ever.
        if self.work.idle() && !run::records::open(&self.db).await?.is_empty() {
            self.recover().await?;
        }
        let disks = self.disks().await;
        for (plan, target) in self.pairs() {
            // What was saved on another disk of the rotation is not on this one.
            let (vault, away) = match disks.get(&target) {
                Some(Disk::There(vault)) => (Some(vault.as_str()), false),
                Some(Disk::Away) => (None, true),
                Some(Disk::Unusable) | None => (None, false),
            };
            let past = run::records::history(&self.db, &plan, &target, vault, now).await?;
            history.push(History { away, ..past });
        }
        Ok(Facts { since, history })
    }

    /// What lies in the places of removable disks now.
    async fn disks(&self) -> BTreeMap<String, Disk> {
        let mut disks = BTreeMap::new();
        for target in self.vaults.removable() {
            // Who does not answer is tried by its run, which says why.
            let disk = self.vaults.disk(&target).await.unwrap_or(Disk::Unusable);
            disks.insert(target, disk);
        }
        disks
    }

    /// Looks again, writes down which disks came and went; says whether anything did.
    async fn disks_moved(&self, known: &mut BTreeMap<String, Disk>) -> bool {
        let disks = self.disks().await;
        for (target, disk) in &disks {
            let before = known.get(target);
            if before == Some(disk) {
                continue;
            }
            let now = self.clock.now();
            let moves = [(before, false), (Some(disk), true)];
            for (which, came) in moves {
                let Some(Disk::There(vault)) = which else {
                    continue;
                };
                let noted =
                    crate::target::records::disk_moved(&self.db, target, vault, came, now).await;
                if let Err(error) = noted {
                    tracing::error!(%error, target, "failed to note that a disk came or went");
                }
            }
        }
        let moved = disks != *known;
        *known = disks;
        moved
    }

    async fn start_due(&self, facts: &Facts) -> Result<Vec<Job>, Error> {
        let now = self.clock.now();
        let plans = self.config.plans.iter().zip(&facts.since);
        let known: Vec<Known<'_>> = plans.map(|(plan, &since)| Known { plan, since }).collect();
        let jobs = schedule::due(
            &known,
            &self.vaults.names(),
            &facts.history,
            now,
            &self.timezone(),
        );
        for job in &jobs {
            match job {
                Job::Run { plan, target } => {
                    run::start(self, plan, target, "schedule").await?;
                }
                Job::SelfBackup { target } => {
                    run::start(self, APPLIANCE, target, "schedule").await?;
                }
                Job::Proof { plan, target } => {
                    if !self.proving(plan, target) {
                        self.start_proof(plan, target).await?;
                    }
                }
            }
        }
        Ok(jobs)
    }

    /// The state of every service at this moment, with its reasons.
    pub async fn overview(&self) -> Result<Overview, Error> {
        let now = self.clock.now();
        let mut kept = Vec::new();
        let shared = self.sharing().await?;
        for (plan, target) in self.pairs() {
            let shares_disk = shared.contains(&(plan.clone(), target.clone()));
            kept.push(Kept {
                shares_disk,
                ..self.kept(plan, target, now).await?
            });
        }
        let targets = self.target_facts().await?;
        Ok(assess(&self.config.plans, &kept, &targets, now))
    }

    async fn kept(&self, plan: String, target: String, now: Timestamp) -> Result<Kept, Error> {
        let newest = run::records::newest(&self.db, &plan, &target, None, now, 2).await?;
        let last = newest.iter().find(|run| run.outcome.is_some());
        let saved = run::records::saved(&self.db, &plan, &target, None).await?;
        let proof = crate::proof::records::newest(&self.db, &plan, &target).await?;
        Ok(Kept {
            last_saved: saved.as_ref().and_then(|run| run.finished),
            problems: saved.as_ref().map_or(0, |run| run.problems),
            incomplete: saved.and_then(|run| run.detail),
            last_outcome: last.and_then(|run| run.outcome),
            detail: last.and_then(|run| run.detail.clone()),
            last_proof: proof.map(|p| (p.at, p.passed, p.detail)),
            last_restored: crate::proof::records::restored(&self.db, &plan, &target).await?,
            plan,
            target,
            shares_disk: false,
        })
    }

    /// The plans, with those of their targets that stand on a disk or machine of what they save.
    async fn sharing(&self) -> Result<BTreeSet<(String, String)>, Error> {
        let config = Arc::clone(&self.config);
        Ok(blocking(move || {
            let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
            let on = |path: &Path| place::stands_on(&mounts, path, &place::disks);
            let mut shared = BTreeSet::new();
            for plan in &config.plans {
                // As they are written: looking through links could wait for a NAS that is gone.
                let sources: Vec<String> = plan.files.iter().flat_map(|f| on(f)).collect();
                for target in plan.targets.iter().filter_map(|name| config.target(name)) {
                    let there = match &target.place {
                        config::Place::Folder { path, .. } => on(path),
                        config::Place::Sftp(at) => vec![place::machine(&at.url.host)],
                    };
                    if there.iter().any(|what| sources.contains(what)) {
                        shared.insert((plan.name.clone(), target.name.clone()));
                    }
                }
            }
            shared
        })
        .await?)
    }

    pub(crate) async fn target_facts(&self) -> Result<Vec<TargetFacts>, Error> {
        let confirmed = records::keys_confirmed(&self.db).await?;
        let own = self.config.appliance.state_dir.clone();
        let targets = self.config.targets.clone();
        Ok(blocking(move || {
            let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
            let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
            let name = rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned();
            let facts = targets.iter().map(|target| TargetFacts {
                name: target.name.clone(),
                place: match &target.place {
                    config::Place::Folder { path, .. } => place(&mounts, &real(path), &real(&own)),
                    config::Place::Sftp(there) => place::distant(&there.url.host, &name),
                },
                expected_every: target.removable.map(|disk| disk.expected_every),
                key_confirmed: confirmed
                    .iter()
                    .find(|k| k.target == target.name)
                    .map(|k| k.at),
            });
            facts.collect()
        })
        .await?)
    }

    /// Every plan with each of its targets, the appliance's own plan last.
    fn pairs(&self) -> Vec<(String, String)> {
        let plans = self.config.plans.iter().flat_map(|plan| {
            plan.targets
                .iter()
                .map(|target| (plan.name.clone(), target.clone()))
        });
        let own = self
            .config
            .targets
            .iter()
            .map(|t| (APPLIANCE.to_owned(), t.name.clone()));
        plans.chain(own).collect()
    }

    pub(crate) fn timezone(&self) -> TimeZone {
        // The configuration was checked to name a zone that exists.
        TimeZone::get(&self.config.appliance.timezone).unwrap_or(TimeZone::UTC)
    }
}
