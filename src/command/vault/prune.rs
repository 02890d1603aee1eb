//! The verb that deletes what no snapshot needs.

use super::{Place, now, problems, problems_json, watched};
use crate::terminal;
use serde_json::json;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use vault::Vault;
use vault::prune::{Report, Request};

/// Between two looks at who is still at work.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
pub(crate) struct Prune {
    #[command(flatten)]
    pub(super) place: Place,
    /// Only say what would be deleted
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    others: Others,
    /// Prints JSON, for programs
    #[arg(long)]
    json: bool,
}

/// What becomes of those who are at work.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Others {
    /// End writers that are still at work, or were when they died: what they save is void
    #[arg(long)]
    revoke: bool,
    /// Do not wait for writers that are still at work
    #[arg(long, conflicts_with = "revoke")]
    no_wait: bool,
    /// Seconds to wait before the last look: for a share that shows what other machines wrote only after a while
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    settle: u64,
}

pub(super) fn prune(vault: &Vault, args: &Prune) -> anyhow::Result<ExitCode> {
    let (report, took) = run(vault, &args.others, args.dry_run)?;
    if args.json {
        terminal::json(&report_json(&report, args.dry_run))?;
    } else {
        show(&report, args.dry_run, took)?;
    }
    Ok(problems(&report.problems))
}

pub(super) fn run(
    vault: &Vault,
    others: &Others,
    dry_run: bool,
) -> anyhow::Result<(Report, Duration)> {
    let said = AtomicBool::new(false);
    let wait = |open: &[String]| {
        if !said.swap(true, Ordering::Relaxed) {
            terminal::note(&format!(
                "waiting for {} (--no-wait gives up, --revoke ends them)",
                terminal::shown(&open.join("; "))
            ));
        }
        if !others.no_wait {
            std::thread::sleep(LOOK_AGAIN);
        }
        !others.no_wait
    };
    let request = Request {
        now_ms: now(),
        dry_run,
        revoke: others.revoke,
        wait: &wait,
        settle: &|| std::thread::sleep(Duration::from_secs(others.settle)),
    };
    let (report, took) = watched("prune", |watch| vault.prune(&request, watch))?;
    for revoked in &report.revoked {
        terminal::note(&format!("revoked: {}", terminal::shown(revoked)));
    }
    Ok((report, took))
}

pub(super) fn show(report: &Report, dry_run: bool, took: Duration) -> anyhow::Result<()> {
    let verb = if dry_run { "to delete" } else { "deleted" };
    let free = report.bytes_deleted.saturating_sub(report.bytes_moved);
    terminal::line(&format!(
        "{} snapshots; of {} packs ({}) {} {verb}, {} of them after {} was moved: {} freed, {}",
        report.snapshots,
        report.packs,
        terminal::bytes(report.packs_bytes),
        report.packs_deleted,
        report.packs_rewritten,
        terminal::bytes(report.bytes_moved),
        terminal::bytes(free),
        terminal::duration(took)
    ))
}

pub(super) fn report_json(report: &Report, dry_run: bool) -> serde_json::Value {
    json!({
        "dry_run": dry_run,
        "snapshots": report.snapshots,
        "packs": report.packs,
        "packs_bytes": report.packs_bytes,
        "packs_deleted": report.packs_deleted,
        "packs_rewritten": report.packs_rewritten,
        "bytes_deleted": report.bytes_deleted,
        "bytes_moved": report.bytes_moved,
        "bytes_freed": report.bytes_deleted.saturating_sub(report.bytes_moved),
        "snapshots_deleted": report.snapshots_deleted,
        "revoked": report.revoked,
        "problems": problems_json(&report.problems),
    })
}
