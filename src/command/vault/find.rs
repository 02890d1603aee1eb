//! `reprise vault find`: a name in all snapshots.

use super::read::short;
use super::{Place, problems, watched, when};
use crate::terminal::{self, JsonList};
use crate::wire::vault::{Entry, Found, Moment};
use std::process::ExitCode;
use vault::Vault;
use vault::find::{Pattern, Version, find};

#[derive(Debug, clap::Args)]
pub(crate) struct Find {
    #[command(flatten)]
    pub(super) place: Place,
    /// A text that names contain, or a pattern (`*`, `?`, `[a-z]`; with a `/` held against whole paths, where `**` passes
    /// over folders). Case does not matter
    pattern: String,
    /// Only in this one: a unique beginning of its id, `latest`, or PLAN@latest. May be given several times
    #[arg(long, value_name = "SNAPSHOT")]
    snapshot: Vec<String>,
    /// Prints JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) fn run(vault: &Vault, args: &Find) -> anyhow::Result<ExitCode> {
    let (mut snapshots, mut bad) = vault.snapshots()?;
    if !args.snapshot.is_empty() {
        let chosen = args.snapshot.iter().map(|which| vault.snapshot(which));
        let chosen = chosen.collect::<Result<Vec<_>, _>>()?;
        snapshots.retain(|snapshot| chosen.iter().any(|one| one.id == snapshot.id));
        bad.clear();
    }
    let pattern = Pattern::new(&args.pattern);
    let (found, _) = watched("find", |watch| find(vault, &snapshots, &pattern, watch))?;
    bad.extend(found.problems);
    let ends = |version: &Version| (&snapshots[version.first], &snapshots[version.last]);
    if args.json {
        let mut list = JsonList::begin()?;
        for version in &found.versions {
            let (first, last) = ends(version);
            list.item(&Found {
                entry: Entry::of(&version.node),
                snapshots: version.count,
                first: Moment::of(first),
                last: Moment::of(last),
            })?;
        }
        list.end()?;
        return Ok(problems(&bad));
    }
    let row = |version: &Version| {
        let (first, last) = ends(version);
        let mut path = String::from_utf8_lossy(&version.node.path).into_owned();
        if version.node.is_dir() {
            path.push('/');
        }
        let moment = |s: &vault::Snapshot| format!("{} {}", short(s), when(s.finished_ms));
        vec![
            version.count.to_string(),
            moment(first),
            moment(last),
            terminal::bytes(version.node.size),
            when(version.node.mtime_s.saturating_mul(1000)),
            path,
        ]
    };
    let head = ["held by", "first", "last", "size", "changed", "path"];
    terminal::table(&head, &found.versions.iter().map(row).collect::<Vec<_>>())?;
    Ok(problems(&bad))
}
