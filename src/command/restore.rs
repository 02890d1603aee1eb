//! `reprise restore`: files back from a snapshot, after showing exactly where they will lie; or a database into a new one.

mod database;

use super::answer::{self, items, number, size, text};
use crate::control::{encoded, encoded_bytes};
use crate::door::Door;
use crate::terminal;
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Of the files that will be lost, so many are named.
const LOST_SHOWN: usize = 20;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A unique beginning of its id, `latest`, or PLAN@latest
    #[arg(required_unless_present = "resume")]
    snapshot: Option<String>,
    /// Files or folders as they were named when saved; without any, all of it
    path: Vec<OsString>,
    // Not a document: its brackets would be taken for a link.
    #[arg(
        help = "The folder to restore into: of this box, or sftp://user@host/folder on a [[server]] of the configuration",
        long, value_name = "FOLDER", required_unless_present_any = ["in_place", "database", "resume"])]
    to: Option<PathBuf>,
    /// Restore to where the files were when they were saved
    #[arg(long, conflicts_with = "to")]
    in_place: bool,
    // Not a document: its brackets would be taken for a link.
    #[arg(
        help = "With --in-place: on this [[server]] of the configuration instead of this box",
        long,
        value_name = "NAME",
        requires = "in_place"
    )]
    server: Option<String>,
    #[arg(long)]
    target: Option<String>,
    /// Instead of files, a saved database into this new one, which must not exist yet: mariadb://user@host/name or postgresql://user@host/name
    #[arg(long, value_name = "URL", conflicts_with_all = ["path", "to", "in_place", "policy", "resume"])]
    database: Option<String>,
    /// With --database: its first line is the password
    #[arg(long, value_name = "FILE", requires = "database")]
    database_password_file: Option<PathBuf>,
    /// With --database: which, when the snapshot holds several
    #[arg(long, value_name = "NAME", requires = "database")]
    dump: Option<String>,
    /// Replace files that are in the way: what they hold is lost
    #[arg(long, group = "policy")]
    replace: bool,
    /// Replace files that are in the way and older than the saved ones
    #[arg(long, group = "policy")]
    older: bool,
    /// Leave files that are in the way as they are
    #[arg(long, group = "policy")]
    keep: bool,
    /// Leave files that are in the way, and restore the saved ones under names beside them
    #[arg(long, group = "policy")]
    beside: bool,
    /// Go on with a restore that was cut off, stopped or failed, by its id
    #[arg(long, value_name = "ID", conflicts_with_all = ["snapshot", "to", "in_place", "policy", "dry_run", "target"])]
    resume: Option<String>,
    /// Only say what would be written
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Prints JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(door: &Door, args: &Args) -> anyhow::Result<ExitCode> {
    if let Some(id) = &args.resume {
        door.post(&format!("/api/restores/{}/resume", encoded(id)), &json!({}))?;
        return follow(door, id, args.json);
    }
    let snapshot = args.snapshot.clone().unwrap_or_default();
    let target = door.target_of(&snapshot, args.target.clone())?;
    if let Some(url) = &args.database {
        return database::run(door, args, url, &target, &snapshot);
    }
    let overwrite = match (args.replace, args.older, args.keep, args.beside) {
        (true, ..) => "replace",
        (_, true, ..) => "older",
        (_, _, true, _) => "keep",
        (.., true) => "beside",
        _ => "refuse",
    };
    let paths: Vec<String> = args
        .path
        .iter()
        .map(|p| encoded_bytes(p.as_bytes()))
        .collect();
    let mut request = json!({
        "target": target,
        "snapshot": snapshot,
        "paths": paths,
        "overwrite": overwrite,
        "dry_run": true,
    });
    match &args.to {
        Some(to) => request["destination"] = Value::String(encoded_bytes(&destination(to)?)),
        None => {
            request["in_place"] = Value::Bool(true);
            request["server"] = json!(args.server);
        }
    }
    let planned = door.post("/api/restores", &request)?;
    let plan = &planned["plan"];
    if args.dry_run && args.json {
        terminal::json(plan)?;
        return Ok(ExitCode::SUCCESS);
    }
    show(plan);
    if args.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if !args.yes && terminal::is_interactive() && !terminal::confirm("Restore this?")? {
        terminal::note("nothing was written");
        return Ok(ExitCode::FAILURE);
    }
    request["dry_run"] = Value::Bool(false);
    // What was shown is what is restored.
    request["snapshot"] = plan["snapshot"].clone();
    let started = door.post("/api/restores", &request)?;
    let Some(id) = started["id"].as_str() else {
        bail!("start the restore: the appliance gave it no id; look at its log");
    };
    follow(door, id, args.json)
}

/// A folder of this box is told in full; a URL is told as it is.
fn destination(to: &Path) -> anyhow::Result<Vec<u8>> {
    if to.to_str().is_some_and(config::SftpUrl::is_meant) {
        return Ok(to.as_os_str().as_bytes().to_vec());
    }
    let folder = std::path::absolute(to).context("find the folder to restore into")?;
    Ok(folder.as_os_str().as_bytes().to_vec())
}

fn follow(door: &Door, id: &str, as_json: bool) -> anyhow::Result<ExitCode> {
    let path = format!("/api/restores/{}", encoded(id));
    let ended = answer::follow(door, &path, id, |r| !r["outcome"].is_null())?;
    if as_json {
        terminal::json(&ended)?;
    } else {
        terminal::line(&format!(
            "restore {id}: {}, {} files, {}, {}",
            text(&ended, "outcome"),
            text(&ended, "files"),
            size(&ended, "bytes"),
            terminal::duration(Duration::from_millis(number(&ended, "took_ms"))),
        ))?;
    }
    if let Some(detail) = ended["detail"].as_str() {
        terminal::note(detail);
    }
    answer::problems(&ended["problems"]);
    if ended["can_resume"] == true && ended["outcome"] != "problems" {
        terminal::note(&format!(
            "what is there already stays; go on with: reprise restore --resume {id}"
        ));
    }
    Ok(answer::exit(&ended["outcome"]))
}

fn show(plan: &Value) {
    terminal::note(&format!(
        "snapshot {}: {} files, {} folders, {}",
        answer::short(plan, "snapshot"),
        number(plan, "files"),
        number(plan, "folders"),
        size(plan, "bytes")
    ));
    for placement in items(&plan["placements"]) {
        let (from, to) = (text(placement, "from"), text(placement, "to"));
        terminal::note(&format!("  {from} -> {}", terminal::shown(&to)));
    }
    let ways = &plan["in_the_way"];
    for (key, what) in [
        (
            "same",
            "are there already, the same: they are not written again",
        ),
        (
            "kept",
            "are in the way and stay as they are: the saved ones are not restored",
        ),
        (
            "beside",
            "are in the way and stay: the saved ones get names beside them",
        ),
        (
            "blocked",
            "cannot be restored: a folder is where a file would be, or the other way round",
        ),
    ] {
        let count = number(ways, key);
        if count > 0 {
            terminal::note(&format!("{count} files {what}"));
        }
    }
    let lost = number(ways, "replaced");
    if lost > 0 {
        terminal::note(&format!(
            "{lost} files will be replaced and what they hold now is LOST, {} of them newer than the saved ones:",
            number(ways, "newer")
        ));
        let shown = items(&plan["lost"]);
        for file in shown.iter().take(LOST_SHOWN) {
            let mark = if file["newer"] == true {
                " (newer)"
            } else {
                ""
            };
            terminal::note(&format!("  {}{mark}", terminal::shown(&text(file, "path"))));
        }
        if lost > LOST_SHOWN as u64 {
            terminal::note("  and others: --dry-run --json lists up to 1000");
        }
    }
    if let Some(free) = plan["free_bytes"].as_u64()
        && number(plan, "needed_bytes") > free
    {
        terminal::note(&format!(
            "there is not enough room: {} are needed, {} are left",
            size(plan, "needed_bytes"),
            size(plan, "free_bytes")
        ));
    }
}
