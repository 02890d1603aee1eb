//! `reprise vault restore`: brings files back.

use super::read::short;
use super::{Place, problems, problems_json, watched};
use crate::terminal;
use anyhow::{Context, bail};
use serde_json::json;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::ExitCode;
use vault::restore::{Overwrite, RestorePlan};
use vault::{Vault, compare, restore};

#[derive(Debug, clap::Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    pub(super) place: Place,
    /// A unique beginning of its id, `latest`, or PLAN@latest
    snapshot: String,
    /// Files or folders as they were named when saved; without any, all of it
    path: Vec<OsString>,
    /// The folder to restore into
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Replace files that are in the way; those with the saved size and time are left as they are. Goes on after an
    /// interruption
    #[arg(long, group = "policy")]
    replace: bool,
    /// Replace files that are in the way and older than the saved ones
    #[arg(long, group = "policy")]
    older: bool,
    /// Leave files that are in the way as they are
    #[arg(long, group = "policy")]
    keep: bool,
    /// Leave files that are in the way, and restore the saved ones under names beside them
    #[arg(long, group = "policy", conflicts_with = "compare")]
    beside: bool,
    /// Read files that have the saved size and time too, and replace those with another content
    #[arg(long, requires = "replace")]
    verify_existing: bool,
    /// Do not wait until everything is written to the disk
    #[arg(long)]
    no_sync: bool,
    /// Only say what would be written
    #[arg(long)]
    dry_run: bool,
    /// Read everything again afterwards and compare it with what was saved
    #[arg(long)]
    compare: bool,
    /// Prints JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) fn run(vault: &Vault, args: &Restore) -> anyhow::Result<ExitCode> {
    let snapshot = vault.snapshot(&args.snapshot)?;
    let to = std::path::absolute(&args.to).context("find the folder to restore into")?;
    if args.to.to_str().is_some_and(config::SftpUrl::is_meant) {
        // The text is not repeated: it may hold a password.
        bail!(
            "restore over SFTP: this command writes to folders of this machine; name the machine in a [[server]] of the configuration and use `reprise restore --to`, or run this command on it"
        );
    }
    let overwrite = match (args.replace, args.older, args.keep, args.beside) {
        (true, ..) => Overwrite::Replace,
        (_, true, ..) => Overwrite::Older,
        (_, _, true, _) => Overwrite::Keep,
        (.., true) => Overwrite::Beside,
        _ => Overwrite::Refuse,
    };
    let selection: Vec<Vec<u8>> = args
        .path
        .iter()
        .map(|path| path.as_bytes().to_vec())
        .collect();
    let mut plan = restore::plan(vault, &snapshot, &selection, &to, overwrite)?;
    plan.verify_existing = args.verify_existing;
    plan.durable = !args.no_sync;
    if !args.json {
        show(&plan);
    }
    if args.dry_run {
        if args.json {
            terminal::json(&plan_json(&plan))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let ((stats, mut bad), took) =
        watched("restore", |watch| restore::execute(vault, &plan, watch))?;
    let compared = match args.compare {
        true => Some(watched("compare", |watch| compare::compare(vault, &plan, watch))?.0),
        false => None,
    };
    let differences = compared.map(|found| found.differences);
    if args.json {
        terminal::json(&json!({
            "plan": plan_json(&plan),
            "files": stats.files,
            "folders": stats.folders,
            "bytes": stats.bytes,
            "unchanged": stats.unchanged,
            "took_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "problems": problems_json(&bad),
            "differences": differences.as_deref().map(problems_json),
        }))?;
    } else {
        terminal::line(&format!(
            "restored {} files, {} folders, {}, {}",
            stats.files,
            stats.folders,
            terminal::bytes(stats.bytes),
            terminal::duration(took)
        ))?;
        if stats.unchanged > 0 {
            terminal::line(&format!(
                "{} of the files were there already and were left as they are",
                stats.unchanged
            ))?;
        }
        match &differences {
            Some(differences) if differences.is_empty() => {
                terminal::line("compared: no difference")?
            }
            Some(differences) => {
                terminal::line(&format!("compared: {} differences", differences.len()))?
            }
            None => {}
        }
    }
    bad.extend(differences.unwrap_or_default());
    Ok(problems(&bad))
}

fn show(plan: &RestorePlan) {
    terminal::note(&format!(
        "snapshot {}: {} files, {} folders, {}",
        short(&plan.snapshot),
        plan.files,
        plan.folders,
        terminal::bytes(plan.bytes)
    ));
    for placement in &plan.placements {
        let (from, to) = (
            String::from_utf8_lossy(&placement.from),
            placement.to.to_string_lossy(),
        );
        terminal::note(&format!(
            "  {} -> {}",
            terminal::shown(&from),
            terminal::shown(&to)
        ));
    }
    if let Some(first) = plan.existing.first() {
        terminal::note(&format!(
            "{} files are in the way (first: {})",
            plan.existing_count,
            terminal::shown(&first.to_string_lossy())
        ));
    }
    if let Some((first, _)) = plan.lost.first() {
        terminal::note(&format!(
            "{} of them will be replaced and what they hold now is LOST, {} of these newer than the saved ones (first: {})",
            plan.in_the_way.replaced,
            plan.in_the_way.newer,
            terminal::shown(&first.to_string_lossy())
        ));
    }
    if plan.is_too_big() {
        terminal::note(&format!(
            "there is not enough room: {} are needed, {} are left",
            terminal::bytes(plan.needed_bytes),
            terminal::bytes(plan.free_bytes.unwrap_or(0))
        ));
    }
}

fn plan_json(plan: &RestorePlan) -> serde_json::Value {
    let placements: Vec<_> = plan
        .placements
        .iter()
        .map(|p| json!({ "from": String::from_utf8_lossy(&p.from), "to": p.to.to_string_lossy() }))
        .collect();
    let existing: Vec<_> = plan
        .existing
        .iter()
        .map(|path| path.to_string_lossy())
        .collect();
    json!({
        "snapshot": plan.snapshot.id.to_string(),
        "destination": plan.destination.to_string_lossy(),
        "placements": placements,
        "files": plan.files,
        "folders": plan.folders,
        "bytes": plan.bytes,
        "existing": existing,
        "existing_count": plan.existing_count,
    })
}
