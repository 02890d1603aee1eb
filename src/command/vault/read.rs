//! The verbs that only look.

use super::{problems, problems_json, when};
use crate::terminal;
use serde_json::{Value, json};
use std::process::ExitCode;
use vault::{Snapshot, Vault};

/// Digits of a snapshot's id that are shown: enough to be unique in practice.
const SHORT: usize = 12;

pub(super) fn short(snapshot: &Snapshot) -> String {
    snapshot.id.to_string().chars().take(SHORT).collect()
}

pub(super) fn snapshot_json(snapshot: &Snapshot) -> Value {
    let roots: Vec<_> = snapshot
        .roots
        .iter()
        .map(|root| root.to_string_lossy())
        .collect();
    json!({
        "id": snapshot.id.to_string(),
        "kind": snapshot.kind.as_str(),
        "plan": snapshot.plan,
        "host": snapshot.host,
        "started_ms": snapshot.started_ms,
        "finished_ms": snapshot.finished_ms,
        "roots": roots,
        "files": snapshot.files,
        "bytes": snapshot.bytes,
        "stored_bytes": snapshot.stored_bytes,
        "problems": problems_json(&snapshot.problems),
    })
}

pub(super) fn snapshots(vault: &Vault, json: bool) -> anyhow::Result<ExitCode> {
    let (found, bad) = vault.snapshots()?;
    if json {
        let list: Vec<Value> = found.iter().map(snapshot_json).collect();
        terminal::json(&json!({ "snapshots": list, "problems": problems_json(&bad) }))?;
        return Ok(problems(&bad));
    }
    let row = |s: &Snapshot| {
        vec![
            short(s),
            s.kind.as_str().to_owned(),
            s.plan.clone(),
            s.host.clone(),
            when(s.finished_ms),
            s.files.to_string(),
            terminal::bytes(s.bytes),
            terminal::bytes(s.stored_bytes),
        ]
    };
    let head = [
        "snapshot", "kind", "plan", "host", "taken", "files", "size", "added",
    ];
    terminal::table(&head, &found.iter().map(row).collect::<Vec<_>>())?;
    Ok(problems(&bad))
}

pub(super) fn stats(vault: &Vault, json: bool) -> anyhow::Result<ExitCode> {
    let stats = vault.stats()?;
    if json {
        terminal::json(&json!({
            "snapshots": stats.snapshots,
            "packs": stats.packs,
            "chunks": stats.chunks,
            "stored_bytes": stats.stored_bytes,
            "plain_bytes": stats.plain_bytes,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = [
        ("snapshots", stats.snapshots.to_string()),
        ("packs", stats.packs.to_string()),
        ("chunks", stats.chunks.to_string()),
        ("different data", terminal::bytes(stats.plain_bytes)),
        ("takes", terminal::bytes(stats.stored_bytes)),
    ];
    for (name, value) in rows {
        terminal::line(&format!("{name:<15} {value}"))?;
    }
    Ok(ExitCode::SUCCESS)
}
