//! From a request to files in a folder.

use super::{Planned, Restore, RestoreId, RestoreRequest, destination, records};
use crate::blocking;
use crate::handle::{Continuity, Error, Listed};
use crate::run::millis;
use crate::vaults::{distant, hurried};
use crate::work::{Line, Ticket};
use remote::restore::Server;
use state::wire::Outcome;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vault::Vault;
use vault::restore::{Overwrite, RestorePlan};

/// Each holds threads, memory and the disk.
const AT_ONCE: usize = 4;

/// What a restore would write.
pub(crate) async fn plan(
    continuity: &Continuity,
    request: &RestoreRequest,
) -> Result<(Arc<Vault>, Planned), Error> {
    let server = request.destination.server(&continuity.config)?.cloned();
    let place = server.as_ref().map(|server| hurried(place_of(server)));
    let vault = continuity.vaults.open(&request.target).await?;
    let (from, asked) = (Arc::clone(&vault), request.clone());
    let state = continuity.config.appliance.state_dir.clone();
    let plan = blocking(move || match place {
        Some(place) => distant_plan(&from, &asked, &place),
        None => local_plan(&from, &asked, &state),
    })
    .await??;
    let planned = Planned {
        to: destination::shown(server.as_ref(), &plan.destination),
        server: server.map(|server| server.name),
        plan,
    };
    Ok((vault, planned))
}

fn place_of(server: &config::Server) -> remote::Place {
    remote::Place {
        host_key: server.host_key.clone(),
        ..distant(&server.at)
    }
}

fn distant_plan(
    vault: &Vault,
    asked: &RestoreRequest,
    place: &remote::Place,
) -> Result<RestorePlan, vault::Error> {
    let snapshot = vault.snapshot(&asked.snapshot)?;
    let folder = folder(vault, &snapshot, asked)?;
    let server = Server::open(place)?;
    server.plan(vault, &snapshot, &asked.paths, &folder, asked.overwrite)
}

fn local_plan(
    vault: &Vault,
    asked: &RestoreRequest,
    state: &Path,
) -> Result<RestorePlan, vault::Error> {
    let snapshot = vault.snapshot(&asked.snapshot)?;
    let folder = folder(vault, &snapshot, asked)?;
    let mut plan = vault::restore::plan(vault, &snapshot, &asked.paths, &folder, asked.overwrite)?;
    plan.whole_names = true;
    match plan.placements.iter().find(|p| touches(&p.to, state)) {
        Some(placement) => Err(vault::Error::BadDestination {
            destination: placement.to.display().to_string(),
            what: format!(
                "the running appliance keeps its state in {}; choose a folder beside it",
                state.display()
            ),
        }),
        None => Ok(plan),
    }
}

fn folder(
    vault: &Vault,
    snapshot: &vault::Snapshot,
    asked: &RestoreRequest,
) -> Result<PathBuf, vault::Error> {
    if let Some(folder) = &asked.destination.folder {
        return Ok(folder.clone());
    }
    let home = vault::restore::in_place(vault, snapshot, &asked.paths)?;
    home.ok_or_else(|| vault::Error::BadDestination {
        destination: "where it was".to_owned(),
        what: "that was not all in one folder; choose one of them, or a folder to restore into"
            .to_owned(),
    })
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
    room_for_one(continuity)?;
    let (vault, planned) = plan(continuity, &request).await?;
    // As it was resolved: when it goes on later, it goes on with the same snapshot, to the same folder.
    let asked = RestoreRequest {
        snapshot: planned.plan.snapshot.id.to_string(),
        destination: super::Destination {
            server: planned.server.clone(),
            folder: Some(planned.plan.destination.clone()),
        },
        ..request
    };
    let what = (asked.target.clone(), asked.snapshot.clone());
    let mut restore = Restore::begun(what, planned.to.clone(), by, continuity.clock.now());
    restore.asked = Some(asked);
    let ticket = continuity.work.begin(restore.id.as_str(), "restore");
    records::insert(&continuity.db, &restore).await?;
    go(continuity, restore, vault, planned, ticket)
}

/// Goes on with a restore that ended before it was done. What looks like the saved file stays; where nothing was to be
/// in the way, what others have put there since stays too.
pub(crate) async fn resume(continuity: &Continuity, id: &RestoreId) -> Result<RestoreId, Error> {
    room_for_one(continuity)?;
    let found = records::restore(&continuity.db, id).await?;
    let mut restore = found.ok_or_else(|| Error::NoSuch {
        what: Listed::Restore,
        id: id.to_string(),
    })?;
    let cannot = |why: &'static str| Error::CannotResume {
        id: id.to_string(),
        why,
    };
    let mut request = match (&restore.asked, restore.outcome) {
        (_, None) => return Err(cannot("it is going on")),
        (_, Some(Outcome::Done)) => return Err(cannot("it is done")),
        (None, _) => {
            return Err(cannot(
                "an older version did not write down what was asked; start a new one",
            ));
        }
        (Some(asked), _) => asked.clone(),
    };
    if request.overwrite == Overwrite::Refuse {
        request.overwrite = Overwrite::Keep;
    }
    let (vault, planned) = plan(continuity, &request).await?;
    let ticket = continuity.work.begin(id.as_str(), "restore");
    if !records::reopen(&continuity.db, id).await? {
        return Err(cannot("it is going on"));
    }
    (restore.finished, restore.outcome, restore.detail) = (None, None, None);
    restore.resumed += 1;
    go(continuity, restore, vault, planned, ticket)
}

pub(super) fn room_for_one(continuity: &Continuity) -> Result<(), Error> {
    match continuity.work.count("restore") >= AT_ONCE {
        true => Err(Error::TooMany { most: AT_ONCE }),
        false => Ok(()),
    }
}

fn go(
    continuity: &Continuity,
    restore: Restore,
    vault: Arc<Vault>,
    planned: Planned,
    ticket: Ticket,
) -> Result<RestoreId, Error> {
    let id = restore.id.clone();
    let place = match &planned.server {
        Some(name) => continuity.config.server(name).map(place_of),
        None => None,
    };
    let continuity = continuity.clone();
    tokio::spawn(async move {
        perform(&continuity, restore, vault, (planned.plan, place), ticket).await;
    });
    Ok(id)
}

async fn perform(
    continuity: &Continuity,
    mut restore: Restore,
    vault: Arc<Vault>,
    (plan, place): (RestorePlan, Option<remote::Place>),
    ticket: Ticket,
) {
    let began = continuity.clock.now();
    let line = Line {
        board: &continuity.board,
        clock: &continuity.clock,
        key: restore.id.as_str(),
        kind: "restore",
        subject: &plan.snapshot.plan.clone(),
    };
    let written = line
        .follow("write", &ticket.cancel, move |watch| match place {
            // Nobody waits for a page now: a server that is restarted is waited for.
            Some(place) => Server::open(&place)?.execute(&vault, &plan, watch),
            None => vault::restore::execute(&vault, &plan, watch),
        })
        .await;
    let now = continuity.clock.now();
    restore.finished = Some(now);
    restore.took_ms = restore.took_ms.saturating_add(millis(now.since(began)));
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
        Ok(Err(vault::Error::Cancelled)) if continuity.work.stopping() => {
            (Outcome::Interrupted, Some(super::CUT_OFF.to_owned()))
        }
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
