//! Verbs about damage: check, repair.

use super::{Place, now, problems, problems_json, watched};
use crate::terminal;
use anyhow::bail;
use serde_json::json;
use std::process::ExitCode;
use vault::{SnapshotName, Vault};

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(super) place: Place,
    /// Only what this snapshot needs
    snapshot: Option<String>,
    /// Read and verify every byte
    #[arg(long)]
    read_all: bool,
    /// The vault must hold this snapshot, or say that it was forgotten: what `head` said when it was last seen
    #[arg(long, value_name = "SEQ-ID", conflicts_with = "snapshot")]
    expect_head: Option<String>,
    /// Prints JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Repair {
    #[command(flatten)]
    pub(super) place: Place,
    /// Prints JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) fn check(vault: &Vault, args: &Check) -> anyhow::Result<ExitCode> {
    let head = match args.expect_head.as_deref().map(SnapshotName::parse) {
        Some(None) => bail!(
            "check: --expect-head takes what an earlier check printed as the newest snapshot (16 digits, -, 32 digits)"
        ),
        other => other.flatten(),
    };
    let only = args.snapshot.as_deref();
    let only = only.map(|which| vault.snapshot(which)).transpose()?;
    let (report, took) = watched("check", |watch| match &only {
        Some(only) => vault.check(args.read_all, Some(only), watch),
        None => vault.check_from(head, args.read_all, watch),
    })?;
    let newest = vault.head()?.map(|head| head.to_string());
    if args.json {
        terminal::json(&json!({
            "snapshots": report.snapshots,
            "head": newest,
            "packs": report.packs,
            "chunks": report.chunks,
            "bytes_read": report.bytes_read,
            "took_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "problems": problems_json(&report.problems),
        }))?;
    } else {
        let read = match (args.read_all, report.problems.is_empty()) {
            (true, _) => format!("{} read and verified", terminal::bytes(report.bytes_read)),
            (false, true) => {
                "everything needed is listed (contents not read; --read-all reads them)".to_owned()
            }
            (false, false) => "contents not read; --read-all reads them".to_owned(),
        };
        terminal::line(&format!(
            "{} snapshots, {} packs, {} chunks: {}, {} problems, {}",
            report.snapshots,
            report.packs,
            report.chunks,
            read,
            report.problems.len(),
            terminal::duration(took)
        ))?;
        if let Some(newest) = newest {
            terminal::line(&format!("newest snapshot: {newest}"))?;
        }
    }
    Ok(problems(&report.problems))
}

pub(super) fn repair(vault: &Vault, args: &Repair) -> anyhow::Result<ExitCode> {
    let (report, took) = watched("repair", |watch| vault.repair(now(), watch))?;
    if args.json {
        terminal::json(&json!({
            "packs": report.packs,
            "bytes_read": report.bytes_read,
            "packs_bad": report.packs_bad,
            "packs_searched": report.packs_searched,
            "chunks_found": report.chunks_found,
            "indexes_before": report.indexes_before,
            "indexes_after": report.indexes_after,
            "took_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "problems": problems_json(&report.problems),
        }))?;
        return Ok(problems(&report.problems));
    }
    terminal::line(&format!(
        "{} packs, {} read; the index was written anew ({} objects, before {}), {}",
        report.packs,
        terminal::bytes(report.bytes_read),
        report.indexes_after,
        report.indexes_before,
        terminal::duration(took)
    ))?;
    if report.packs_bad > 0 {
        terminal::line(&format!(
            "{} packs are bad: nothing new counts on them. Save again what still exists, then check: what is named then is lost",
            report.packs_bad
        ))?;
    }
    Ok(problems(&report.problems))
}
