//! Restores a snapshot to scratch by the code of a real restore, compares it, keeps the evidence.

use super::judge::{Seen, evidence, judge};
use super::{Proof, ProofId, listing, records};
use crate::handle::{Continuity, Error};
use crate::run::millis;
use crate::scratch::Scratch;
use crate::self_backup;
use crate::wire::Evidence;
use crate::work::{Line, Ticket};
use crate::{APPLIANCE, blocking};
use config::Level;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;
use vault::restore::Overwrite;
use vault::{Problem, Snapshot, Vault};

/// What to prove.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) id: ProofId,
    pub(crate) plan: String,
    pub(crate) target: String,
    /// `None`: the newest of the plan.
    pub(crate) snapshot: Option<String>,
    pub(crate) level: Level,
    /// The restored journal must reach this far (the appliance's own copy, just made).
    pub(crate) journal_head: Option<i64>,
}

/// Makes the proof and keeps it, passed or not. One that was stopped on request leaves nothing.
pub(crate) async fn perform(
    continuity: &Continuity,
    request: Request,
    ticket: Ticket,
) -> Option<Proof> {
    let span = tracing::info_span!("proof", proof = %request.id, plan = %request.plan, target = %request.target);
    let started = continuity.clock.now();
    let mut found = None;
    let mut used = None;
    let made = attempt(continuity, &request, &ticket, &mut found, &mut used).await;
    let made = match made {
        Err(Error::Vault(vault::Error::Cancelled)) => {
            let (plan, target) = (&request.plan, &request.target);
            if let Err(error) = records::stopped(&continuity.db, plan, target).await {
                span.in_scope(
                    || tracing::error!(%error, "failed to note that a proof was stopped"),
                );
            }
            clear(used).await;
            return None;
        }
        other => other,
    };
    let (seen, mut kept, passed, detail) = match made {
        Ok((seen, kept)) => {
            let judged = judge(&seen);
            (seen, kept, judged.passed, judged.detail)
        }
        // It could not be made: that is no proof, and it is kept so that somebody sees it.
        Err(error) => {
            let seen = Seen::default();
            let detail = Some(format!("failed to {error}"));
            let kept = evidence(request.level, &seen);
            (
                seen,
                Evidence {
                    empty: false,
                    ..kept
                },
                false,
                detail,
            )
        }
    };
    let now = continuity.clock.now();
    if let Some(snapshot) = &found {
        kept.snapshot_finished_ms = snapshot.finished_ms;
    }
    let proven = found.clone();
    let proof = Proof {
        id: request.id.clone(),
        plan: request.plan.clone(),
        target: request.target.clone(),
        snapshot: found
            .map(|s| s.id.to_string())
            .or(request.snapshot)
            .unwrap_or_default(),
        level: request.level,
        passed,
        files: seen.files,
        bytes: seen.bytes,
        took_ms: millis(now.since(started)),
        at: now,
        detail: detail.clone(),
        evidence: kept,
    };
    span.in_scope(|| match &detail {
        Some(detail) if !passed => tracing::error!("proof failed: {detail}"),
        _ => tracing::info!(files = proof.files, bytes = proof.bytes, "proof passed"),
    });
    if let Err(error) = records::insert(&continuity.db, &proof).await {
        span.in_scope(|| tracing::error!(%error, "failed to record a proof"));
    }
    if let (true, Level::Restored, Some(snapshot)) = (passed, proof.level, proven) {
        mark(continuity, &proof, snapshot).await;
    }
    let object = format!("proof of plan {} on target {}", proof.plan, proof.target);
    let trouble = (!passed).then(|| {
        let why = detail.unwrap_or_default();
        (
            "not proven",
            format!(
                "plan {} on target {} could not be proven: {why}",
                proof.plan, proof.target
            ),
        )
    });
    continuity.incident(&object, trouble).await;
    // After it is kept: clearing away a million files takes its time, and proves nothing.
    clear(used).await;
    Some(proof)
}

/// Says it in the vault itself, where no rule then forgets the newest such. Not essential: told in the log only.
async fn mark(continuity: &Continuity, proof: &Proof, snapshot: Snapshot) {
    let note = format!("restored to scratch and compared, {} files", proof.files);
    let at_ms = proof.at.0;
    let marked = async {
        let vault = continuity.vaults.open(&proof.target).await?;
        Ok::<_, Error>(blocking(move || vault.mark_proven(&snapshot, &note, at_ms)).await??)
    };
    if let Err(error) = marked.await {
        tracing::warn!(%error, proof = %proof.id, "failed to mark a restore point as proven");
    }
}

/// Scratch in use, and the right to use it.
type Used = (Scratch, OwnedMutexGuard<()>);

async fn clear(used: Option<Used>) {
    if let Err(crashed) = blocking(move || drop(used)).await {
        tracing::error!("failed to {crashed}");
    }
}

async fn attempt(
    continuity: &Continuity,
    request: &Request,
    ticket: &Ticket,
    found: &mut Option<Snapshot>,
    used: &mut Option<Used>,
) -> Result<(Seen, Evidence), Error> {
    records::attempt(&continuity.db, &request.plan, &request.target).await?;
    let vault = continuity.vaults.open(&request.target).await?;
    let which = match &request.snapshot {
        Some(id) => id.clone(),
        None => format!("{}@latest", request.plan),
    };
    vault.forget_what_was_read();
    let wanted = Arc::clone(&vault);
    let snapshot = blocking(move || wanted.snapshot(&which)).await??;
    *found = Some(snapshot.clone());
    let line = Line {
        board: &continuity.board,
        clock: &continuity.clock,
        key: request.id.as_str(),
        kind: "proof",
        subject: &request.plan,
    };
    let (walked, of) = (Arc::clone(&vault), snapshot.clone());
    let listing = line
        .follow("list", &ticket.cancel, move |watch| {
            listing::read(&walked, &of, watch)
        })
        .await??;
    let (mut seen, mut kept) = match request.level {
        Level::Restored => {
            restored(continuity, request, ticket, &line, vault, snapshot, used).await?
        }
        Level::Listed | Level::Scrubbed => {
            checked(request.level, ticket, &line, vault, snapshot).await?
        }
    };
    seen.listed = listing.files;
    let base = evidence(request.level, &seen);
    kept = Evidence {
        restore_ms: kept.restore_ms,
        compare_ms: kept.compare_ms,
        journal_head: kept.journal_head,
        listing_blake3: listing.blake3,
        sample: listing.sample,
        ..base
    };
    Ok((seen, kept))
}

async fn checked(
    level: Level,
    ticket: &Ticket,
    line: &Line<'_>,
    vault: Arc<Vault>,
    snapshot: Snapshot,
) -> Result<(Seen, Evidence), Error> {
    let declared = snapshot.files;
    let report = line
        .follow("check", &ticket.cancel, move |watch| {
            vault.check(level == Level::Scrubbed, Some(&snapshot), watch)
        })
        .await??;
    let seen = Seen {
        listed: 0,
        declared,
        files: declared,
        bytes: report.bytes_read,
        differences: report.problems,
    };
    Ok((seen, Evidence::default()))
}

async fn restored(
    continuity: &Continuity,
    request: &Request,
    ticket: &Ticket,
    line: &Line<'_>,
    vault: Arc<Vault>,
    snapshot: Snapshot,
    used: &mut Option<Used>,
) -> Result<(Seen, Evidence), Error> {
    // One at a time: two that each fit alone would fill the disk together.
    let turn = tokio::select! {
        turn = Arc::clone(&continuity.work.scratch).lock_owned() => turn,
        () = ticket.cancel.cancelled() => return Err(vault::Error::Cancelled.into()),
    };
    let (root, name) = (continuity.scratch_root(), format!("proof-{}", request.id));
    let (from, declared) = (Arc::clone(&vault), snapshot.files);
    let (scratch, plan) = blocking(move || {
        let scratch = Scratch::make(&root, &name)?;
        let into = scratch.path().join("files");
        let mut plan = vault::restore::plan(&from, &snapshot, &[], &into, Overwrite::Refuse)?;
        // Scratch is thrown away: flushing the whole disk for it would only hold up everybody else.
        plan.durable = false;
        scratch.fits(plan.bytes)?;
        Ok::<_, Error>((scratch, plan))
    })
    .await??;
    *used = Some((scratch, turn));
    let start = continuity.clock.now();
    let (from, shown) = (Arc::clone(&vault), plan.clone());
    let (_, mut differences) = line
        .follow("restore", &ticket.cancel, move |watch| {
            vault::restore::execute(&from, &shown, watch)
        })
        .await??;
    let middle = continuity.clock.now();
    let destination = plan.destination.clone();
    let comparison = line
        .follow("compare", &ticket.cancel, move |watch| {
            vault::compare::compare(&vault, &plan, watch)
        })
        .await??;
    let end = continuity.clock.now();
    differences.extend(comparison.differences);
    let mut kept = Evidence {
        restore_ms: millis(middle.since(start)),
        compare_ms: millis(end.since(middle)),
        ..Evidence::default()
    };
    if request.plan == APPLIANCE {
        differences.extend(appliance(continuity, request, &destination, &mut kept).await);
    }
    let seen = Seen {
        listed: 0,
        declared,
        files: comparison.files,
        bytes: comparison.bytes,
        differences,
    };
    Ok((seen, kept))
}

/// The appliance's copy must also work: its database opens and knows what we know, its
/// configuration reads.
async fn appliance(
    continuity: &Continuity,
    request: &Request,
    restored: &Path,
    kept: &mut Evidence,
) -> Vec<Problem> {
    let mut differences = Vec::new();
    let database = restored.join(self_backup::DATABASE);
    let known = request.journal_head.unwrap_or(1);
    if database.exists() {
        match self_backup::journal_head_of(restored).await {
            Ok(head) => {
                kept.journal_head = Some(head);
                if head < known {
                    let what =
                        format!("its journal ends at {head}, it was at {known} before the copy");
                    differences.push(Problem::new(self_backup::DATABASE, what));
                }
            }
            Err(error) => {
                differences.push(Problem::new(
                    self_backup::DATABASE,
                    format!("failed to {error}"),
                ));
            }
        }
    } else if continuity.config.appliance.database_url.is_none() {
        differences.push(Problem::new(self_backup::DATABASE, "it is not in the copy"));
    }
    let configuration = restored.join(self_backup::CONFIGURATION);
    let origin = continuity.config.origin.clone();
    let read = blocking(move || {
        let text = std::fs::read_to_string(&configuration).map_err(|e| e.to_string())?;
        config::parse(&text, &origin)
            .map(drop)
            .map_err(|e| e.to_string())
    })
    .await;
    if let Ok(Err(what)) = read {
        differences.push(Problem::new(self_backup::CONFIGURATION, what));
    }
    differences
}
