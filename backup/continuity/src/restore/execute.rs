//! From a request to files in a folder.

use super::{Restore, RestoreId, RestoreRequest, records};
use crate::blocking;
use crate::handle::{Continuity, Error};
use crate::run::millis;
use crate::work::{Line, Ticket};
use state::wire::Outcome;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vault::Vault;
use vault::restore::RestorePlan;

/// Each holds threads, memory and the disk.
const AT_ONCE: usize = 4;

/// What a restore would write.
pub(crate) async fn plan(
    continuity: &Continuity,
    request: &RestoreRequest,
) -> Result<(Arc<Vault>, RestorePlan), Error> {
    let vault = continuity.vaults.open(&request.target).await?;
    let (from, asked) = (Arc::clone(&vault), request.clone());
    let state = continuity.config.appliance.state_dir.clone();
    let plan = blocking(move || {
        let snapshot = from.snapshot(&asked.snapshot)?;
        let plan = vault::restore::plan(
            &from,
            &snapshot,
            &asked.paths,
            &asked.destination,
            asked.overwrite,
        )?;
        match plan.placements.iter().find(|p| touches(&p.to, &state)) {
            Some(placement) => Err(vault::Error::BadDestination {
                destination: placement.to.display().to_string(),
                what: format!(
                    "the running appliance keeps its state in {}; choose a folder beside it",
                    state.display()
                ),
            }),
            None => Ok(plan),
        }
    })
    .await??;
    Ok((vault, plan))
}

/// One lies in the other, symbolic links followed as far as there is something to follow. Blocks.
fn touches(a: &Path, b: &Path) -> bool {
    let (a, b) = (real(a), real(b));
    a.starts_with(&b) || b.starts_with(&a)
}

fn real(path: &Path) -> PathBuf {
    let there = path.ancestors().find_map(|above| {
        let real = above.canonicalize().ok()?;
        let rest = path.strip_prefix(above).ok()?;
        Some(real.join(rest))
    });
    there.unwrap_or_else(|| path.to_owned())
}

/// Starts the task that writes; returns at once. A request that cannot be planned is refused here.
pub(crate) async fn start(
    continuity: &Continuity,
    request: RestoreRequest,
    by: &str,
) -> Result<RestoreId, Error> {
    if continuity.work.count("restore") >= AT_ONCE {
        return Err(Error::TooMany { most: AT_ONCE });
    }
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
    let end = || records::finish(&continuity.db, &restore, problems.clone());
    continuity.work.write_down("restore", end).await;
    drop(ticket);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_what_lies_in_it_touch_also_through_a_link() {
        let root = std::env::temp_dir().join(format!("reprise-touches-{}", state::id::new()));
        std::fs::create_dir_all(root.join("var/state")).expect("folders");
        std::os::unix::fs::symlink(root.join("var"), root.join("link")).expect("a link");
        let state = root.join("var/state");
        for (to, want) in [
            ("var/state", true),
            ("var/state/new/sub", true),
            ("var", true),
            ("link/state/x", true),
            ("link", true),
            ("var/state-2", false),
            ("back", false),
        ] {
            assert_eq!(touches(&root.join(to), &state), want, "{to}");
        }
        std::fs::remove_dir_all(&root).expect("clean");
    }
}
