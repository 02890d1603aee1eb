//! The acts: look at a vault's history, forget, prune.

use super::{OWN, prune_is_due, records, rules};
use crate::blocking;
use crate::handle::{Continuity, Error};
use crate::run::Run;
use crate::run::millis;
use crate::{APPLIANCE, work::Line, work::Ticket};
use jiff::tz::TimeZone;
use std::collections::HashMap;
use std::sync::Arc;
use vault::{SnapshotName, Vault, forget::Circumstances, prune};

/// Looks, before a run, whether the newest restore point that this appliance has seen is still there.
pub(crate) async fn history(
    continuity: &Continuity,
    target: &str,
    vault: &Arc<Vault>,
) -> Result<(), Error> {
    let remembered =
        records::head(&continuity.db, target, &disk_of(continuity, target, vault)).await?;
    let Some(name) = remembered.as_deref().and_then(SnapshotName::parse) else {
        return Ok(());
    };
    let asked = Arc::clone(vault);
    let there = blocking(move || asked.remembers(&name)).await??;
    let trouble = (!there).then(|| {
        let sentence = format!(
            "target {target} holds an older state than yesterday: restore point {name} is gone, and nobody forgot it here; \
             ask who put an older copy of the NAS back or deleted files there, and run `reprise vault check` on it"
        );
        ("rolled back", sentence)
    });
    continuity
        .incident(&format!("history of target {target}"), trouble)
        .await;
    Ok(())
}

/// Each disk of a rotation has a history of its own; any other target has one.
fn disk_of(continuity: &Continuity, target: &str, vault: &Vault) -> String {
    let target = continuity.config.target(target);
    match target.and_then(|target| target.removable) {
        Some(_) => vault.id(),
        None => String::new(),
    }
}

/// After a run and its proof: remembers the newest point, forgets what the plan no longer keeps, frees its room. What
/// cannot be done is told and tried again after the next run; the run itself is not touched.
pub(crate) async fn after(continuity: &Continuity, run: &Run, ticket: &Ticket) {
    if run.snapshot.is_none() || ticket.cancel.is_cancelled() {
        return;
    }
    let object = format!("room on target {}", run.target);
    let trouble = match tidy(continuity, run, ticket).await {
        Ok(()) => None,
        // The appliance stops, or a person stopped it: the next run goes on.
        Err(Error::Vault(vault::Error::Cancelled)) => return,
        Err(error) => Some((
            "not tidied",
            format!(
                "failed to {error} (while old restore points of plan {} were tidied)",
                run.plan
            ),
        )),
    };
    continuity.incident(&object, trouble).await;
}

async fn tidy(continuity: &Continuity, run: &Run, ticket: &Ticket) -> Result<(), Error> {
    let vault = continuity.vaults.open(&run.target).await?;
    let asked = Arc::clone(&vault);
    if let Some(head) = blocking(move || asked.head()).await?? {
        let disk = disk_of(continuity, &run.target, &vault);
        records::remember(&continuity.db, &run.target, &disk, head.to_string()).await?;
    }
    let keep = match continuity.config.plan(&run.plan) {
        _ if run.plan == APPLIANCE => OWN,
        Some(plan) => plan.keep,
        None => return Ok(()),
    };
    let now = continuity.clock.now();
    let (asked, plan) = (Arc::clone(&vault), run.plan.clone());
    let host = continuity.config.appliance.name.clone();
    let zone = continuity.timezone();
    let count = blocking(move || forget(&asked, &plan, &host, &keep, now.0, &zone)).await??;
    if count > 0 {
        records::forgotten(&continuity.db, &run.plan, &run.target, count, now).await?;
    }
    if prune_is_due(&records::tidied(&continuity.db, &run.target).await?, now) {
        free(continuity, run, ticket, vault).await?;
    }
    Ok(())
}

/// Forgets what the rules do not keep of one plan of this appliance; the vault itself refuses what is held or proven last.
fn forget(
    vault: &Vault,
    plan: &str,
    host: &str,
    keep: &config::Keep,
    now_ms: i64,
    zone: &TimeZone,
) -> Result<u64, vault::Error> {
    let rules = rules(keep);
    if rules.is_empty() {
        return Ok(0);
    }
    let offset_s = |at_ms: i64| {
        jiff::Timestamp::from_millisecond(at_ms).map_or(0, |at| zone.to_offset(at).seconds())
    };
    let circumstances = Circumstances {
        now_ms,
        offset_s: &offset_s,
        protected: &HashMap::new(),
    };
    let (judged, _) = vault.judge(&rules, &circumstances)?;
    let going: Vec<SnapshotName> = judged
        .iter()
        .filter(|(snapshot, verdict)| {
            !verdict.keep && snapshot.plan == plan && snapshot.host == host
        })
        .map(|(snapshot, _)| snapshot.name())
        .collect();
    vault.forget(&going, false, now_ms)?;
    Ok(going.len() as u64)
}

async fn free(
    continuity: &Continuity,
    run: &Run,
    ticket: &Ticket,
    vault: Arc<Vault>,
) -> Result<(), Error> {
    let started = continuity.clock.now();
    let line = Line {
        board: &continuity.board,
        clock: &continuity.clock,
        key: ticket.key(),
        kind: "tidy",
        subject: &run.target,
    };
    let work = move |watch: &vault::Watch| {
        let request = prune::Request {
            now_ms: started.0,
            dry_run: false,
            revoke: false,
            // Another writer (a person at a terminal): the next night frees the room.
            wait: &|_| false,
            settle: &|| {},
        };
        vault.prune(&request, watch)
    };
    let report = line.follow("prune", &ticket.cancel, work).await??;
    let now = continuity.clock.now();
    let freed = report.bytes_deleted.saturating_sub(report.bytes_moved);
    let took = millis(now.since(started));
    records::pruned(&continuity.db, &run.target, freed, took, now).await?;
    tracing::info!(target = %run.target, freed_bytes = freed, "pruned");
    Ok(())
}
