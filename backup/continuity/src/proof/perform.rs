//! Restores a snapshot to scratch by the code of a real restore, compares it, keeps the evidence.

use super::judge::{Seen, evidence, judge};
use super::{Proof, ProofId, dumps, listing, loaded, records};
use crate::handle::{Continuity, Error};
use crate::run::millis;
use crate::scratch::Scratch;
use crate::self_backup;
use crate::wire::Evidence;
use crate::work::{Line, Ticket};
use crate::{APPLIANCE, blocking};
use config::Level;
use std::path::{Path, PathBuf};
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
    // Without a database, loading is restoring.
    let level = match request.level {
        Level::Loaded if passed && kept.databases.is_empty() => Level::Restored,
        level => level,
    };
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
        level,
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
    if let (true, Some(snapshot)) = (passed && proof.level >= Level::Restored, proven) {
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
    let mut note = format!("restored to scratch and compared, {} files", proof.files);
    for database in &proof.evidence.databases {
        let (name, tables) = (&database.name, database.tables);
        note.push_str(&format!(
            "; database {name} loaded and compared, {tables} tables"
        ));
    }
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
        Level::Restored | Level::Loaded => {
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
        databases: std::mem::take(&mut kept.databases),
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
    let (from, of, level) = (Arc::clone(&vault), snapshot.clone(), request.level);
    let (scratch, plans, dumps) = blocking(move || {
        let scratch = Scratch::make(&root, &name)?;
        let into = scratch.path().join("files");
        let dumps = match level {
            Level::Loaded => dumps::read(&from, &of)?,
            _ => Vec::new(),
        };
        // What is loaded comes straight out of the vault: no copy of it on the way.
        let parts: Vec<(PathBuf, Vec<Vec<u8>>)> = match dumps.is_empty() {
            true => vec![(into, Vec::new())],
            false => dumps::others(&from, &of)?
                .into_iter()
                .enumerate()
                .map(|(number, root)| (into.join(number.to_string()), vec![root]))
                .collect(),
        };
        let mut plans = Vec::new();
        for (into, selection) in parts {
            let mut plan = vault::restore::plan(&from, &of, &selection, &into, Overwrite::Refuse)?;
            // Scratch is thrown away: flushing the whole disk for it would only hold up everybody else.
            plan.durable = false;
            plans.push(plan);
        }
        let files = plans.iter().map(|plan| plan.bytes).sum::<u64>();
        let dumped = dumps.iter().map(dumps::Dump::room).max().unwrap_or(0);
        scratch.fits(files.saturating_add(dumped))?;
        Ok::<_, Error>((scratch, plans, dumps))
    })
    .await??;
    let (place, declared) = (scratch.path().to_owned(), snapshot.files);
    *used = Some((scratch, turn));
    let start = continuity.clock.now();
    let (from, shown) = (Arc::clone(&vault), plans.clone());
    let mut differences = line
        .follow("restore", &ticket.cancel, move |watch| {
            let mut differences = Vec::new();
            for plan in &shown {
                differences.extend(vault::restore::execute(&from, plan, watch)?.1);
            }
            Ok::<_, vault::Error>(differences)
        })
        .await??;
    let middle = continuity.clock.now();
    let destination = plans.first().map(|plan| plan.destination.clone());
    let from = Arc::clone(&vault);
    let (mut files, mut bytes, compared) = line
        .follow("compare", &ticket.cancel, move |watch| {
            let (mut files, mut bytes, mut differences) = (0, 0, Vec::new());
            for plan in &plans {
                let comparison = vault::compare::compare(&from, plan, watch)?;
                files += comparison.files;
                bytes += comparison.bytes;
                differences.extend(comparison.differences);
            }
            Ok::<_, vault::Error>((files, bytes, differences))
        })
        .await??;
    let end = continuity.clock.now();
    differences.extend(compared);
    let mut kept = Evidence {
        restore_ms: millis(middle.since(start)),
        compare_ms: millis(end.since(middle)),
        ..Evidence::default()
    };
    for dump in dumps {
        let loaded = loaded::load(continuity, ticket, line, &vault, dump, &place).await?;
        files += loaded.files;
        bytes += loaded.bytes;
        kept.restore_ms += loaded.evidence.load_ms;
        kept.compare_ms += loaded.evidence.compare_ms;
        kept.databases.push(loaded.evidence);
        differences.extend(loaded.differences);
    }
    if request.plan == APPLIANCE {
        let restored = destination.unwrap_or_default();
        differences.extend(appliance(continuity, request, &restored, &mut kept).await);
    }
    let seen = Seen {
        listed: 0,
        declared,
        files,
        bytes,
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
