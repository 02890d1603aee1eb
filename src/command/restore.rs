//! `reprise restore`: files back from a snapshot, after showing exactly where they will lie.

use super::answer::{self, items, number, size, strings, text};
use crate::control::{encoded, encoded_bytes};
use crate::door::Door;
use crate::terminal;
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A unique beginning of its id, `latest`, or PLAN@latest
    snapshot: String,
    /// Files or folders as they were named when saved; without any, all of it
    path: Vec<OsString>,
    /// The folder to restore into
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    #[arg(long)]
    target: Option<String>,
    /// Replace files that are in the way
    #[arg(long, conflicts_with = "keep")]
    replace: bool,
    /// Leave files that are in the way as they are
    #[arg(long)]
    keep: bool,
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
    let target = door.target_of(&args.snapshot, args.target.clone())?;
    let folder = std::path::absolute(&args.to).context("find the folder to restore into")?;
    let overwrite = match (args.replace, args.keep) {
        (true, _) => "replace",
        (_, true) => "keep",
        _ => "refuse",
    };
    let paths: Vec<String> = args
        .path
        .iter()
        .map(|p| encoded_bytes(p.as_bytes()))
        .collect();
    let mut request = json!({
        "target": target,
        "snapshot": args.snapshot,
        "paths": paths,
        "destination": encoded_bytes(folder.as_os_str().as_bytes()),
        "overwrite": overwrite,
        "dry_run": true,
    });
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
    let path = format!("/api/restores/{}", encoded(id));
    let ended = answer::follow(door, &path, id, |r| !r["outcome"].is_null())?;
    if args.json {
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
    let existing = number(plan, "existing_count");
    if existing > 0 {
        let first = strings(&plan["existing"]).first().cloned();
        terminal::note(&format!(
            "{existing} files are in the way (first: {})",
            terminal::shown(&first.unwrap_or_default())
        ));
    }
}
