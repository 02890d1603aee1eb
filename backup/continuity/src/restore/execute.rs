//! From a request to files in a folder.

use super::{Restore, RestoreId, RestoreRequest, records};
use crate::blocking;
use crate::handle::{Continuity, Error};
use crate::run::millis;
use crate::work::{Line, Ticket};
use state::wire::Outcome;
use std::sync::Arc;
use vault::Vault;
use vault::restore::RestorePlan;

/// What a restore would write.
pub(crate) async fn plan(
    continuity: &Continuity,
    request: &RestoreRequest,
) -> Result<(Arc<Vault>, RestorePlan), Error> {
    let vault = continuity.vaults.open(&request.target).await?;
    let (from, asked) = (Arc::clone(&vault), request.clone());
    let plan = blocking(move || {
        let snapshot = from.snapshot(&asked.snapshot)?;
        vault::restore::plan(
            &from,
            &snapshot,
            &asked.paths,
            &asked.destination,
            asked.overwrite,
        )
    })
    .await??;
    Ok((vault, plan))
}

/// Starts the task that writes; returns at once. A request that cannot be planned is refused here.
pub(crate) async fn start(
    continuity: &Continuity,
    request: RestoreRequest,
    by: &str,
) -> Result<RestoreId, Error> {
    let (vault, plan) = plan(continuity, &request).await?;
    let restore = Restore {
        id: RestoreId::new(),
        target: request.target,
        snapshot: plan.snapshot.id.to_string(),
        destination: plan.destination.display().to_string(),
        by: by.to_owned(),
        started: continuity.clock.now(),
        finished: None,
        outcome: None,
        files: 0,
        bytes: 0,
        problems: 0,
        took_ms: 0,
        detail: None,
    };
    let id = restore.id.clone();
    let ticket = continuity.work.begin(id.as_str(), "restore");
    records::insert(&continuity.db, &restore).await?;
    let continuity = continuity.clone();
    tokio::spawn(async move { perform(&continuity, restore, vault, plan, ticket).await });
    Ok(id)
}

async fn perform(
    continuity: &Continuity,
    mut restore: Restore,
    vault: Arc<Vault>,
    plan: RestorePlan,
    ticket: Ticket,
) {
    let line = Line {
        board: &continuity.board,
        clock: &continuity.clock,
        key: restore.id.as_str(),
        kind: "restore",
        subject: &plan.snapshot.plan.clone(),
    };
    let written = line
        .follow("write", &ticket.cancel, move |watch| {
            vault::restore::execute(&vault, &plan, watch)
        })
        .await;
    let now = continuity.clock.now();
    restore.finished = Some(now);
    restore.took_ms = millis(now.since(restore.started));
    let mut problems = Vec::new();
    let (outcome, detail) = match written {
        Ok(Ok((stats, missed))) => {
            restore.files = stats.files;
            restore.bytes = stats.bytes;
            restore.problems = missed.len() as u64;
            problems = missed;
            let clean = problems.is_empty();
            (
                if clean {
                    Outcome::Done
                } else {
                    Outcome::Problems
                },
                None,
            )
        }
        Ok(Err(vault::Error::Cancelled)) if continuity.work.stopping() => (
            Outcome::Interrupted,
            Some("reprise was stopped in the middle; start the restore again".to_owned()),
        ),
        Ok(Err(vault::Error::Cancelled)) => (Outcome::Cancelled, None),
        Ok(Err(error)) => (Outcome::Failed, Some(format!("failed to {error}"))),
        Err(crashed) => (Outcome::Failed, Some(format!("failed to {crashed}"))),
    };
    restore.outcome = Some(outcome);
    restore.detail = detail;
    tracing::info!(restore = %restore.id, snapshot = %restore.snapshot, ?outcome, files = restore.files, "restore ended");
    if let Err(error) = records::finish(&continuity.db, &restore, problems).await {
        tracing::error!(restore = %restore.id, %error, "failed to record the end of a restore");
    }
    drop(ticket);
}
