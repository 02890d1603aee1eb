//! From the queue to the snapshot, then to its proof.

use super::store::What;
use super::{Run, records};
use crate::handle::{Continuity, Error};
use crate::proof;
use crate::scratch::Scratch;
use crate::self_backup;
use crate::source::{self, Wanted};
use crate::tidy;
use crate::work::{Line, Ticket};
use crate::{APPLIANCE, run::RunId};
use state::wire::Outcome;
use vault::{Kind, Problem, Snapshot};

/// What a run saves.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Plan(Box<config::Plan>),
    /// The appliance's own state, configuration and certificates.
    Appliance,
}

/// Queues a run and starts the task that does it; or finds the one that is already there.
pub(crate) async fn start(
    continuity: &Continuity,
    plan: &str,
    target: &str,
    by: &str,
) -> Result<RunId, Error> {
    let source = match continuity.config.plan(plan) {
        _ if plan == APPLIANCE => Source::Appliance,
        Some(found) => Source::Plan(Box::new(found.clone())),
        None => return Err(continuity.no_such_plan(plan)),
    };
    // The ticket first: between the row and the ticket nobody must take the run for interrupted.
    let run = Run {
        id: RunId::new(),
        plan: plan.to_owned(),
        target: target.to_owned(),
        vault: None,
        by: by.to_owned(),
        queued: continuity.clock.now(),
        started: None,
        finished: None,
        outcome: None,
        snapshot: None,
        files: 0,
        read_bytes: 0,
        stored_bytes: 0,
        problems: 0,
        took_ms: 0,
        detail: None,
    };
    let ticket = continuity.work.begin(run.id.as_str(), "run");
    let (id, new) = records::queue(&continuity.db, run.clone()).await?;
    if new {
        let continuity = continuity.clone();
        tokio::spawn(async move { perform(&continuity, run, source, ticket).await });
    }
    Ok(id)
}

async fn perform(continuity: &Continuity, mut run: Run, source: Source, ticket: Ticket) {
    let span = tracing::info_span!("run", run = %run.id, plan = %run.plan, target = %run.target);
    let _turn = match continuity.vaults.turn(&run.target) {
        Ok(turn) => tokio::select! {
            turn = turn.lock_owned() => Some(turn),
            () = ticket.cancel.cancelled() => None,
        },
        Err(_) => None,
    };
    let saved = save(continuity, &mut run, &source, &ticket).await;
    let head = saved.as_ref().ok().and_then(|saved| saved.journal_head);
    let problems = conclude(continuity, &mut run, saved).await;
    span.in_scope(|| match (&run.outcome, &run.detail) {
        (Some(Outcome::Failed), Some(detail)) => tracing::error!("{detail}"),
        (outcome, _) => tracing::info!(
            ?outcome,
            problems = run.problems,
            stored_bytes = run.stored_bytes,
            "run ended"
        ),
    });
    // The proof's ticket before the run ends: the schedule must not take it for unproven, and who
    // waits for everything must see no gap.
    let proof = proof_after(continuity, &run);
    let proof = proof.map(|level| (level, continuity.begin_proof(&run.plan, &run.target)));
    let end = || records::finish(&continuity.db, &run, problems.clone());
    continuity.work.write_down("run", end).await;
    let tidying = continuity.work.begin(&format!("tidy-{}", run.id), "tidy");
    drop(ticket);
    if let (Some((level, (id, ticket))), Some(snapshot)) = (proof, run.snapshot.clone()) {
        let request = proof::Request {
            id,
            plan: run.plan.clone(),
            target: run.target.clone(),
            snapshot: Some(snapshot),
            level,
            journal_head: head,
        };
        proof::perform(continuity, request, ticket).await;
    }
    tidy::after(continuity, &run, &tidying).await;
}

/// The level at which a run that just ended is proven, if it is.
fn proof_after(continuity: &Continuity, run: &Run) -> Option<config::Level> {
    run.snapshot.as_ref()?;
    if run.plan == APPLIANCE {
        return Some(config::Level::Restored);
    }
    let prove = continuity.config.plan(&run.plan)?.prove;
    prove.every.is_none().then_some(prove.level)
}

struct Saved {
    snapshot: Snapshot,
    problems: Vec<Problem>,
    /// What the plan names and the snapshot does not hold at all, or empty; each a sentence.
    incomplete: Vec<String>,
    /// Of the journal in the appliance's own copy.
    journal_head: Option<i64>,
}

async fn save(
    continuity: &Continuity,
    run: &mut Run,
    source: &Source,
    ticket: &Ticket,
) -> Result<Saved, Error> {
    if ticket.cancel.is_cancelled() {
        return Err(vault::Error::Cancelled.into());
    }
    let started = continuity.clock.now();
    run.started = Some(started);
    records::start(&continuity.db, run, started).await?;
    let vault = continuity.vaults.open(&run.target).await?;
    run.vault = Some(vault.id());
    records::opened(&continuity.db, run).await?;
    tidy::history(continuity, &run.target, &vault).await?;
    let (kind, wanted, staging) = match source {
        Source::Plan(plan) => {
            let plan = plan.clone();
            let wanted = crate::blocking(move || source::gather(&plan)).await??;
            (Kind::Files, wanted, None)
        }
        Source::Appliance => {
            let (staging, problems) = self_backup::stage(continuity, &run.target).await?;
            let wanted = Wanted {
                roots: vec![staging.folder.path().to_owned()],
                problems,
                ..Wanted::default()
            };
            (Kind::Appliance, wanted, Some(staging))
        }
    };
    let mut problems = wanted.problems.clone();
    let login = match &wanted.database {
        Some(_) => {
            let (root, name) = (continuity.scratch_root(), format!("login-{}", run.id));
            Some(crate::blocking(move || Scratch::make(&root, &name)).await??)
        }
        None => None,
    };
    let cancel = ticket.cancel.clone();
    let (plan, host) = (run.plan.clone(), continuity.config.appliance.name.clone());
    let clock = continuity.clock.clone();
    let line = Line {
        board: &continuity.board,
        clock: &continuity.clock,
        key: run.id.as_str(),
        kind: "run",
        subject: &run.plan,
    };
    let work = move |watch: &vault::Watch| {
        let scratch = login.as_ref().map(|folder| folder.path().to_owned());
        let what = What {
            kind,
            plan,
            host,
            started,
            clock,
            wanted: &wanted,
        };
        let saved = what.store(&vault, scratch, cancel, watch);
        drop(login);
        saved
    };
    let stored = line.follow("store", &ticket.cancel, work).await??;
    problems.extend(stored.problems);
    let journal_head = staging.as_ref().map(|staging| staging.journal_head);
    if let Some(staging) = staging {
        crate::blocking(move || drop(staging)).await?;
    }
    Ok(Saved {
        snapshot: stored.snapshot,
        problems,
        incomplete: stored.incomplete,
        journal_head,
    })
}

/// Fills in how the run ended, tells of trouble begun or over, and returns the problems to keep.
async fn conclude(
    continuity: &Continuity,
    run: &mut Run,
    saved: Result<Saved, Error>,
) -> Vec<Problem> {
    let now = continuity.clock.now();
    run.finished = Some(now);
    run.took_ms = run.started.map_or(0, |started| millis(now.since(started)));
    let (target, plan) = (
        format!("target {}", run.target),
        format!("plan {}", run.plan),
    );
    match saved {
        Ok(saved) => {
            run.outcome = Some(if saved.problems.is_empty() {
                Outcome::Done
            } else {
                Outcome::Problems
            });
            run.snapshot = Some(saved.snapshot.id.to_string());
            run.files = saved.snapshot.files;
            run.read_bytes = saved.snapshot.bytes;
            run.stored_bytes = saved.snapshot.stored_bytes;
            run.problems = saved.problems.len() as u64;
            continuity.incident(&target, None).await;
            run.detail = (!saved.incomplete.is_empty()).then(|| saved.incomplete.join(" · "));
            let trouble = run.detail.clone().map(|sentence| ("incomplete", sentence));
            continuity.incident(&plan, trouble).await;
            saved.problems
        }
        Err(Error::Vault(vault::Error::Cancelled)) => {
            // A stop of the appliance is made up for at its next start; a person's word is not.
            run.outcome = Some(if continuity.work.stopping() {
                Outcome::Interrupted
            } else {
                Outcome::Cancelled
            });
            Vec::new()
        }
        Err(error) => {
            run.outcome = Some(Outcome::Failed);
            let sentence = format!("failed to {error}");
            run.detail = Some(sentence.clone());
            let problems = match error {
                Error::Vault(vault::Error::NothingSaved { ref problems, .. }) => problems.clone(),
                Error::NoDatabase { ref problem, .. } => vec![problem.clone()],
                _ => Vec::new(),
            };
            run.problems = problems.len() as u64;
            let (object, kind) = match blame(&error) {
                Blame::Target(kind) => {
                    // Looked at afresh next time: what was mounted may be gone or another.
                    continuity.vaults.close(&run.target).await;
                    (target, kind)
                }
                Blame::Plan(kind) => (plan, kind),
            };
            let sentence = match disk_gone(continuity, run, &object, kind, &error).await {
                // Nothing was begun: a disk that is away is no incident, being late is.
                Some(Gone::Before) => return problems,
                Some(Gone::Meanwhile) => {
                    let sentence = pulled(run);
                    // It is made up for as soon as the disk is there again, like after a power cut.
                    run.outcome = Some(Outcome::Interrupted);
                    run.detail = Some(sentence.clone());
                    sentence
                }
                None => sentence,
            };
            continuity.incident(&object, Some((kind, sentence))).await;
            problems
        }
    }
}

/// A removable disk that is not there.
enum Gone {
    /// When the run began.
    Before,
    /// It was taken out while it was written to.
    Meanwhile,
}

async fn disk_gone(
    continuity: &Continuity,
    run: &Run,
    object: &str,
    kind: &str,
    error: &Error,
) -> Option<Gone> {
    let target = continuity.config.target(&run.target)?;
    target.removable?;
    let opened = run.vault.is_some();
    let away = matches!(kind, "missing" | "not mounted" | "exchanged");
    if !object.starts_with("target ") {
        return None;
    }
    match opened {
        false => away.then_some(Gone::Before),
        // The kernel keeps a dead file system mounted: the device's own errors tell.
        true if away || dead_device(error) => Some(Gone::Meanwhile),
        true => {
            let disk = continuity.vaults.disk(&run.target).await;
            matches!(disk, Ok(crate::Disk::Away)).then_some(Gone::Meanwhile)
        }
    }
}

/// EIO, ENXIO and ENODEV come from a device that does not answer any more; ext4 turns read-only after them.
fn dead_device(error: &Error) -> bool {
    let Error::Vault(vault::Error::Target(error)) = error else {
        return false;
    };
    match error {
        vault::target::Error::ReadOnly { .. } => true,
        vault::target::Error::Io { source, .. } => {
            matches!(source.raw_os_error(), Some(5 | 6 | 19))
        }
        _ => false,
    }
}

fn pulled(run: &Run) -> String {
    format!(
        "the disk of target {} was taken out while plan {} was being saved to it; every restore point on it is whole, this one is not there; plug it in again, it is then saved by itself",
        run.target, run.plan
    )
}

enum Blame {
    Target(&'static str),
    Plan(&'static str),
}

/// Whose trouble an error is, and which of its troubles.
fn blame(error: &Error) -> Blame {
    use crate::vaults::Error as Open;
    match error {
        Error::Vault(e) | Error::Vaults(Open::Open { source: e, .. }) => match e {
            vault::Error::NothingSaved { .. } => Blame::Plan("nothing saved"),
            vault::Error::BadRoot { .. } => Blame::Plan("bad root"),
            vault::Error::Source { .. } => Blame::Plan("source"),
            vault::Error::Target(e) => Blame::Target(target_cause(e)),
            vault::Error::WrongPassword { .. } => Blame::Target("wrong password"),
            vault::Error::NotAVault { .. } => Blame::Target("no vault"),
            vault::Error::NewerFormat { .. } => Blame::Target("newer format"),
            vault::Error::Damaged { .. } => Blame::Target("damaged"),
            _ => Blame::Target("vault"),
        },
        Error::Vaults(Open::Target { source, .. }) => Blame::Target(target_cause(source)),
        Error::Vaults(Open::Foreign { .. }) => Blame::Target("another vault"),
        Error::Vaults(Open::Emptied { .. }) => Blame::Target("emptied"),
        Error::Vaults(Open::Silent { .. }) => Blame::Target("silent"),
        Error::Vaults(Open::Password { .. }) => Blame::Target("password file"),
        Error::Recipe(_) => Blame::Plan("recipe"),
        Error::NoDatabase { .. } => Blame::Plan("database"),
        _ => Blame::Plan("fault"),
    }
}

fn target_cause(error: &vault::target::Error) -> &'static str {
    use vault::target::Error as E;
    match error {
        E::Missing { .. } | E::NotAFolder { .. } => "missing",
        E::NotMounted { .. } => "not mounted",
        E::ReadOnly { .. } => "read-only",
        E::Denied { .. } => "denied",
        E::Full { .. } => "full",
        E::Reserved { .. } => "reserved",
        E::Exchanged { .. } => "exchanged",
        E::Unreachable { cause, .. } => cause,
        _ => "unreadable",
    }
}

pub(crate) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
