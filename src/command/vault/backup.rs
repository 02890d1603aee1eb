//! `reprise vault backup`: saves folders, or what a program writes, as a new snapshot.

use super::piped::Piped;
use super::read::{short, snapshot_json};
use super::{Place, now, problems, problems_json, watched};
use crate::terminal;
use anyhow::Context;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use vault::backup::{self, Count, Options, Tally};
use vault::{Kind, Snapshot, Vault};

#[derive(Debug, clap::Args)]
pub(crate) struct Backup {
    #[command(flatten)]
    pub(super) place: Place,
    /// What to save
    #[arg(required_unless_present_any = ["stdin", "command"])]
    folder: Vec<PathBuf>,
    /// The plan's name: unchanged files of its last snapshot are not read again
    #[arg(long, default_value = "manual")]
    plan: String,
    /// Leave out what matches, as a line of a .gitignore file in the saved folder would; may be given several times
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<OsString>,
    /// Leave out what the lines of a file match; may be given several times
    #[arg(long, value_name = "FILE")]
    exclude_from: Vec<PathBuf>,
    /// Leave out what lies beside an entry of this name; may be given several times
    #[arg(long, value_name = "NAME")]
    exclude_if_present: Vec<OsString>,
    /// Save caches too (folders with a CACHEDIR.TAG), which are left out otherwise
    #[arg(long)]
    caches: bool,
    /// Save folders where another file system is mounted as empty folders
    #[arg(long)]
    one_file_system: bool,
    /// Only say what is new, changed and gone; nothing is read or written
    #[arg(long)]
    dry_run: bool,
    /// Save what comes from the standard input, as one file
    #[arg(long, requires = "name", conflicts_with_all = ["folder", "dry_run", "command"])]
    stdin: bool,
    /// Save what a command of the shell writes, as one file; nothing is saved when it fails
    #[arg(long, value_name = "COMMAND", requires = "name", conflicts_with_all = ["folder", "dry_run"])]
    command: Option<OsString>,
    /// The name of that one file
    #[arg(long, value_name = "FILE")]
    name: Option<OsString>,
    /// Prints JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) fn run(vault: &Vault, args: &Backup) -> anyhow::Result<ExitCode> {
    let absolute = |folder: &PathBuf| std::path::absolute(folder);
    let roots = args.folder.iter().map(absolute).collect::<Result<_, _>>();
    let request = backup::Request {
        kind: Kind::Files,
        plan: args.plan.clone(),
        host: rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
        roots: roots.context("find the folders to save")?,
        now_ms: now(),
        end_ms: &now,
    };
    if let Some(name) = &args.name {
        return piped(vault, &request, name.as_bytes(), args);
    }
    let options = options(args)?;
    if args.dry_run {
        let work = |watch: &_| backup::preview(vault, &request, &options, watch);
        let ((tally, bad), _) = watched("look", work)?;
        match args.json {
            true => terminal::json(
                &json!({ "would": tally_json(&tally), "problems": problems_json(&bad) }),
            )?,
            false => {
                terminal::line(&format!("would save {}", told(&tally)))?;
                terminal::line(&format!(
                    "would read {}",
                    terminal::bytes(tally.new.bytes + tally.changed.bytes)
                ))?;
            }
        }
        return Ok(problems(&bad));
    }
    let work = |watch: &_| backup::save(vault, &request, &options, watch);
    let (saved, took) = watched("save", work).map_err(interrupted)?;
    let (snapshot, tally) = (&saved.snapshot, &saved.tally);
    if args.json {
        let mut value = snapshot_json(snapshot);
        value["tally"] = tally_json(tally);
        terminal::json(&value)?;
    } else {
        told_snapshot(snapshot, took)?;
        terminal::note(&told(tally));
    }
    if tally.unstable_inodes {
        terminal::note(
            "inode numbers change from run to run here: files are known by size and times alone",
        );
    }
    Ok(problems(&saved.problems))
}

fn piped(
    vault: &Vault,
    request: &backup::Request<'_>,
    name: &[u8],
    args: &Backup,
) -> anyhow::Result<ExitCode> {
    let mut from = match &args.command {
        Some(command) => Piped::command(command)?,
        None => Piped::stdin()?,
    };
    let work = |watch: &_| backup::stream(vault, request, name, &mut from, watch);
    let (snapshot, took) = watched("save", work).map_err(interrupted)?;
    match args.json {
        true => terminal::json(&snapshot_json(&snapshot))?,
        false => told_snapshot(&snapshot, took)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn told_snapshot(snapshot: &Snapshot, took: std::time::Duration) -> anyhow::Result<()> {
    terminal::line(&format!(
        "snapshot {}: {} files, {}, {} added, {}",
        short(snapshot),
        snapshot.files,
        terminal::bytes(snapshot.bytes),
        terminal::bytes(snapshot.stored_bytes),
        terminal::duration(took)
    ))
}

/// What an interrupted backup leaves is worth saying.
fn interrupted(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<vault::Error>() {
        Some(vault::Error::Cancelled) => anyhow::anyhow!(
            "save everything: stopped on request; what was written is used again by the next run"
        ),
        _ => error,
    }
}

fn options(args: &Backup) -> anyhow::Result<Options> {
    let bytes = |text: &OsString| text.clone().into_vec();
    let mut exclude = Vec::new();
    for file in &args.exclude_from {
        exclude.extend(lines_of(file)?);
    }
    exclude.extend(args.exclude.iter().map(bytes));
    Ok(Options {
        exclude,
        skip_caches: !args.caches,
        markers: args.exclude_if_present.iter().map(bytes).collect(),
        one_file_system: args.one_file_system,
        no_totals: !terminal::Bar::new().is_live(),
    })
}

fn lines_of(file: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let text =
        std::fs::read(file).with_context(|| format!("read the patterns in {}", file.display()))?;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    Ok(text.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect())
}

fn told(tally: &Tally) -> String {
    let count = |count: &Count| format!("{} ({})", count.files, terminal::bytes(count.bytes));
    let mut text = format!(
        "{} new, {} changed, {} unchanged, {} gone",
        count(&tally.new),
        count(&tally.changed),
        count(&tally.unchanged),
        count(&tally.removed)
    );
    if tally.excluded > 0 {
        text.push_str(&format!(", {} left out", tally.excluded));
    }
    text
}

fn tally_json(tally: &Tally) -> Value {
    let count = |count: &Count| json!({ "files": count.files, "bytes": count.bytes });
    json!({
        "new": count(&tally.new),
        "changed": count(&tally.changed),
        "unchanged": count(&tally.unchanged),
        "removed": count(&tally.removed),
        "excluded": tally.excluded,
        "unstable_inodes": tally.unstable_inodes,
    })
}
