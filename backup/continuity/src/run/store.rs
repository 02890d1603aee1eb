//! One snapshot of what a plan names, and what it should hold and does not. Blocks.

use crate::handle::Error;
use crate::source::dump::Opener;
use crate::source::part;
use crate::source::{Database, Wanted};
use state::{Clock, Timestamp};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;
use vault::backup::{Options, Tally};
use vault::{Kind, Node, Problem, Snapshot, Vault, Watch, backup};

pub(super) struct What<'a> {
    pub(super) kind: Kind,
    pub(super) plan: String,
    pub(super) host: String,
    pub(super) started: Timestamp,
    pub(super) clock: Clock,
    pub(super) wanted: &'a Wanted,
}

pub(super) struct Stored {
    pub(super) snapshot: Snapshot,
    pub(super) problems: Vec<Problem>,
    /// Sentences about what is missing as a whole.
    pub(super) incomplete: Vec<String>,
}

impl What<'_> {
    /// `scratch`: a private folder, when there is a database.
    pub(super) fn store(
        self,
        vault: &Vault,
        scratch: Option<PathBuf>,
        cancel: CancellationToken,
        watch: &Watch,
    ) -> Result<Stored, Error> {
        let (wanted, clock) = (self.wanted, &self.clock);
        let request = backup::Request {
            kind: self.kind,
            plan: self.plan.clone(),
            host: self.host.clone(),
            roots: wanted.roots.clone(),
            now_ms: self.started.0,
            end_ms: &|| clock.now().0,
        };
        let options = Options {
            exclude: wanted.exclude.clone(),
            skip_caches: wanted.skip_caches,
            ..Options::default()
        };
        let opener = wanted.database.clone().zip(scratch);
        let opener = opener.map(|(database, scratch)| Opener {
            database,
            scratch,
            cancel,
        });
        let open = || match &opener {
            Some(opener) => opener.open(),
            None => Err(std::io::Error::other("the plan names no database")),
        };
        let folders: Vec<backup::Folder<'_>> = wanted
            .database
            .iter()
            .map(|database| backup::Folder {
                path: database.place(),
                label: database.label(),
                open: &open,
            })
            .collect();
        let saved = backup::save_with(vault, &request, &options, &folders, watch);
        let saved = saved.map_err(|error| self.alone(error))?;
        let held = vault.list(&saved.snapshot, b"")?;
        let mut incomplete = Vec::new();
        if let Some(database) = &wanted.database
            && !holds(&held, &database.place())
        {
            incomplete.push(no_dump(&self.plan, database, &saved.problems));
        }
        let mut problems = wanted.problems.iter();
        incomplete.extend(problems.find_map(|problem| {
            let object = &problem.object;
            let lost = object.starts_with("database of ");
            lost.then(|| {
                format!(
                    "failed to save {object} in plan {}: {}",
                    self.plan, problem.what
                )
            })
        }));
        let required = |root: &Path| wanted.required.iter().any(|part| part.path == root);
        let absent: Vec<&PathBuf> = wanted
            .roots
            .iter()
            .filter(|root| !required(root) && !holds(&held, root))
            .collect();
        incomplete.extend(gone(&self.plan, &absent));
        let mut problems = saved.problems;
        for part in &wanted.required {
            let Some(what) = part::wrong(vault, &saved.snapshot, part)? else {
                continue;
            };
            let good = part::last_good(vault, &saved.snapshot, part)?;
            let sentence = emptied(&self.plan, part, what, good.as_ref());
            if !problems
                .iter()
                .any(|p| p.object == part.path.display().to_string())
            {
                problems.push(Problem::new(part.path.display().to_string(), what));
            }
            incomplete.push(sentence);
        }
        if let Some(database) = &wanted.database
            && let Some((now, then, snapshot)) =
                part::rows(vault, &saved.snapshot, &database.place())?
        {
            incomplete.extend(lost_rows(&self.plan, database, now, then, &snapshot));
        }
        if !wanted.required.is_empty() {
            incomplete.extend(shrunk(&self.plan, &saved.tally));
        }
        Ok(Stored {
            snapshot: saved.snapshot,
            problems,
            incomplete,
        })
    }

    /// A plan of a database alone: the sentence about it is all there is to say.
    fn alone(&self, error: vault::Error) -> Error {
        match error {
            vault::Error::NothingSaved { plan, mut problems }
                if self.wanted.roots.is_empty() && !problems.is_empty() =>
            {
                let problem = problems.swap_remove(0);
                Error::NoDatabase { plan, problem }
            }
            error => error.into(),
        }
    }
}

/// Whether a root that was saved is this one, or holds it.
fn holds(held: &[Node], root: &Path) -> bool {
    held.iter()
        .any(|node| root.starts_with(OsStr::from_bytes(&node.path)))
}

/// A folder that is gone as a whole is not one file among many: the plan does not do what it says.
fn gone(plan: &str, absent: &[&PathBuf]) -> Option<String> {
    let names: Vec<String> = absent
        .iter()
        .map(|root| root.display().to_string())
        .collect();
    (!names.is_empty()).then(|| {
        format!(
            "failed to save {} of plan {plan}: nothing of it is in this restore point; bring it back (is its disk mounted?), or take it out of the plan",
            names.join(", ")
        )
    })
}

fn no_dump(plan: &str, database: &Database, problems: &[Problem]) -> String {
    let label = database.label();
    let why = problems.iter().find(|problem| problem.object == label);
    let why = why.map_or("nothing of it is saved", |problem| problem.what.as_str());
    format!("failed to save {label} of plan {plan}: {why}")
}

fn emptied(
    plan: &str,
    part: &crate::source::recipe::Part,
    what: &str,
    good: Option<&Snapshot>,
) -> String {
    let (name, path) = (&part.name, part.path.display());
    match good {
        Some(good) => {
            let point = point(good);
            format!(
                "failed to save {name} of plan {plan}: {path} {what}, and {point} is the last that holds it; find out what emptied it, restore it from there, and keep that point meanwhile (`reprise vault hold`)"
            )
        }
        None => format!(
            "failed to save {name} of plan {plan}: {path} {what}, and no restore point holds it; correct the settings of the application, or is a disk not mounted?"
        ),
    }
}

/// `restore point 12ab34cd of 2026-11-22 02:00 UTC`.
fn point(snapshot: &Snapshot) -> String {
    let id = snapshot.id.to_string();
    let short = id.get(..8).unwrap_or(&id);
    let day = jiff::Timestamp::from_millisecond(snapshot.started_ms);
    let day = day.map(|day| day.strftime("%Y-%m-%d %H:%M UTC").to_string());
    format!("restore point {short} of {}", day.unwrap_or_default())
}

/// Fewer rows gone than this are a day's work.
const MANY_ROWS: u64 = 1000;

/// Most of a database does not go away in a night.
fn lost_rows(
    plan: &str,
    database: &Database,
    now: u64,
    then: u64,
    snapshot: &Snapshot,
) -> Option<String> {
    let gone = then.saturating_sub(now);
    (gone >= MANY_ROWS && gone > now).then(|| {
        format!(
            "failed to find {gone} of the {then} rows of {} of plan {plan} that {} holds: they are gone; find out what removed them, and restore them from that point",
            database.label(),
            point(snapshot)
        )
    })
}

/// Fewer files gone than this are a day's work.
const MANY: u64 = 50;

/// Most of an application's files do not go away in a night.
fn shrunk(plan: &str, tally: &Tally) -> Option<String> {
    let before = tally.removed.files + tally.unchanged.files + tally.changed.files;
    (tally.removed.files >= MANY && tally.removed.files * 2 > before).then(|| {
        format!(
            "failed to find {} of the {before} files of plan {plan} that the restore point before holds: they are gone; find out what removed them, and restore them from that point",
            tally.removed.files
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault::backup::Count;

    #[test]
    fn an_application_that_lost_most_of_its_files_is_told() {
        let count = |files| Count { files, bytes: 0 };
        for (removed, unchanged, told) in [
            (0, 0, false),
            (49, 0, false),
            (50, 0, true),
            (60, 60, false),
            (61, 60, true),
            (100, 5000, false),
        ] {
            let tally = Tally {
                removed: count(removed),
                unchanged: count(unchanged),
                ..Tally::default()
            };
            assert_eq!(
                shrunk("erp", &tally).is_some(),
                told,
                "{removed} {unchanged}"
            );
        }
    }
}
