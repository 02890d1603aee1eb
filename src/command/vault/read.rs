//! The verbs that only look.

use super::{problems, problems_json, watched, when};
use crate::control::encoded_bytes;
use crate::terminal;
use anyhow::Context;
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use vault::{Node, NodeKind, Snapshot, Vault};

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

fn kind(node: &Node) -> &'static str {
    match node.kind {
        NodeKind::File => "file",
        NodeKind::Dir => "dir",
        NodeKind::Symlink { .. } => "symlink",
        NodeKind::Fifo => "fifo",
        NodeKind::Socket => "socket",
        NodeKind::CharDevice { .. } => "char_device",
        NodeKind::BlockDevice { .. } => "block_device",
    }
}

/// `path` is for people; `path_encoded` (percent encoding) is exact for names that are no text.
fn node_json(node: &Node) -> Value {
    json!({
        "path": String::from_utf8_lossy(&node.path),
        "path_encoded": encoded_bytes(&node.path),
        "kind": kind(node),
        "size": node.size,
        "mode": node.mode,
        "uid": node.uid,
        "gid": node.gid,
        "mtime_ms": node.mtime_s.saturating_mul(1000).saturating_add(i64::from(node.mtime_ns / 1_000_000)),
        "link": match &node.kind {
            NodeKind::Symlink { target } => Value::from(String::from_utf8_lossy(target)),
            _ => Value::Null,
        },
    })
}

fn list(nodes: &[Node], json: bool, name: impl Fn(&Node) -> String) -> anyhow::Result<ExitCode> {
    if json {
        terminal::json(&nodes.iter().map(node_json).collect())?;
        return Ok(ExitCode::SUCCESS);
    }
    let row = |node: &Node| {
        let mut name = name(node);
        if node.is_dir() && !name.ends_with('/') {
            name.push('/');
        }
        if let NodeKind::Symlink { target } = &node.kind {
            name.push_str(&format!(" -> {}", String::from_utf8_lossy(target)));
        }
        vec![
            format!("{:04o}", node.mode),
            format!("{}:{}", node.uid, node.gid),
            terminal::bytes(node.size),
            when(node.mtime_s.saturating_mul(1000)),
            name,
        ]
    };
    let head = ["mode", "owner", "size", "changed", "name"];
    terminal::table(&head, &nodes.iter().map(row).collect::<Vec<_>>())?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn ls(
    vault: &Vault,
    which: &str,
    path: OsString,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let snapshot = vault.snapshot(which)?;
    let is_top = path.is_empty();
    let nodes = vault.list(&snapshot, path.as_bytes())?;
    list(&nodes, json, |node| match is_top {
        true => String::from_utf8_lossy(&node.path).into_owned(),
        false => node.display_name(),
    })
}

pub(super) fn find(vault: &Vault, which: &str, text: &str, json: bool) -> anyhow::Result<ExitCode> {
    let snapshot = vault.snapshot(which)?;
    let wanted = text.to_lowercase();
    let mut found = Vec::new();
    let mut bad = Vec::new();
    let mut todo = vault.list(&snapshot, b"")?;
    todo.reverse();
    while let Some(node) = todo.pop() {
        if node.is_dir() {
            match vault.list(&snapshot, &node.path) {
                Ok(mut children) => {
                    children.reverse();
                    todo.append(&mut children);
                }
                Err(error) => bad.push(vault::Problem::new(
                    String::from_utf8_lossy(&node.path),
                    error.to_string(),
                )),
            }
        }
        if node.display_name().to_lowercase().contains(&wanted) {
            found.push(node);
        }
    }
    list(&found, json, |node| {
        String::from_utf8_lossy(&node.path).into_owned()
    })?;
    Ok(problems(&bad))
}

pub(super) fn cat(vault: &Vault, which: &str, path: &OsStr) -> anyhow::Result<ExitCode> {
    let snapshot = vault.snapshot(which)?;
    let node = vault.node(&snapshot, path.as_bytes())?;
    let mut reader = vault.open_file(&node)?;
    io::copy(&mut reader, &mut io::stdout().lock())
        .with_context(|| format!("write {} to the standard output", path.to_string_lossy()))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn check(
    vault: &Vault,
    which: Option<&str>,
    read_all: bool,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let only = which.map(|which| vault.snapshot(which)).transpose()?;
    let (report, took) = watched("check", |watch| vault.check(read_all, only.as_ref(), watch))?;
    if json {
        terminal::json(&json!({
            "snapshots": report.snapshots,
            "packs": report.packs,
            "chunks": report.chunks,
            "bytes_read": report.bytes_read,
            "took_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "problems": problems_json(&report.problems),
        }))?;
    } else {
        let read = match (read_all, report.problems.is_empty()) {
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
    }
    Ok(problems(&report.problems))
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
