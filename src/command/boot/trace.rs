//! `reprise boot trace`: what a machine did at its last power-ons, and why it did not boot.

use crate::command::answer::{items, number, text};
use crate::control::encoded;
use crate::door::Door;
use crate::terminal;
use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// How often a boot that goes on is looked at.
const BEAT: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(crate) struct Trace {
    /// Its id, name, MAC or serial number
    host: String,
    /// Prints JSON, for programs
    #[arg(long, conflicts_with = "follow")]
    json: bool,
    /// Writes its packets to this file, for Wireshark
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Goes on printing what it does, until interrupted
    #[arg(long)]
    follow: bool,
}

pub(crate) fn run(door: &Door, args: &Trace) -> anyhow::Result<ExitCode> {
    let place = format!("/api/hosts/{}/boots", encoded(&args.host));
    if let Some(file) = &args.pcap {
        packets(door, &place, file)?;
    }
    let boots = door.get(&place)?;
    if args.json {
        terminal::json(&boots)?;
    } else {
        show(door, &boots)?;
    }
    if args.follow {
        if !door.is_serve() {
            bail!("follow {}: `reprise serve` does not run", args.host);
        }
        follow(door, &place, &boots)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn packets(door: &Door, place: &str, file: &Path) -> anyhow::Result<()> {
    let answer = door.get(&format!("{place}/packets"))?;
    let bytes = unhex(answer["pcap"].as_str().unwrap_or_default())
        .context("read the packets; are reprise and the running serve of the same version?")?;
    std::fs::write(file, &bytes)
        .with_context(|| format!("write the packets to {}", file.display()))?;
    terminal::note(&format!("packets: {}", file.display()));
    Ok(())
}

fn unhex(text: &str) -> anyhow::Result<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        bail!("the answer is not hexadecimal");
    }
    (0..text.len())
        .step_by(2)
        .map(|at| Ok(u8::from_str_radix(&text[at..at + 2], 16)?))
        .collect()
}

fn show(door: &Door, boots: &Value) -> anyhow::Result<()> {
    let flights = items(&boots["flights"]);
    // Oldest first: what happened last, and why, stands at the end.
    for flight in flights.iter().rev() {
        terminal::line(&format!(
            "{}  {}",
            door.when(&flight["started_ms"]),
            text(flight, "mac")
        ))?;
        for step in items(&flight["steps"]) {
            line(step)?;
        }
        terminal::line("")?;
    }
    let diagnosis = &boots["diagnosis"];
    terminal::line(&terminal::shown(&format!(
        "{} [{}]",
        text(diagnosis, "sentence"),
        text(diagnosis, "sure")
    )))?;
    for evidence in items(&diagnosis["evidence"]) {
        terminal::line(&format!("  - {}", said(evidence)))?;
    }
    terminal::line(&format!("→ {}", terminal::shown(&text(diagnosis, "fix"))))?;
    for other in items(&diagnosis["also"]) {
        terminal::line(&format!("  ? {}", said(other)))?;
    }
    Ok(())
}

fn said(value: &Value) -> String {
    terminal::shown(&text(value, "sentence"))
}

fn line(step: &Value) -> anyhow::Result<()> {
    if let Some(quiet) = step["quiet"].as_str() {
        terminal::line(&format!("{:>12}  … {}", "", terminal::shown(quiet)))?;
    }
    let after = step["after"].as_str().unwrap_or_default();
    terminal::line(&format!("{after:>12}  {}", said(step)))
}

/// Prints the steps that come; a new power-on begins with its date.
fn follow(door: &Door, place: &str, boots: &Value) -> anyhow::Result<()> {
    let newest = |boots: &Value| boots["flights"].get(0).cloned().unwrap_or(Value::Null);
    let shown = newest(boots);
    let mut started = shown["started_ms"].clone();
    let mut last = shown["ended_ms"].as_i64().unwrap_or(i64::MIN);
    let mut steps = items(&shown["steps"]).len() as u64 + number(&shown, "omitted");
    loop {
        std::thread::sleep(BEAT);
        let flight = newest(&door.get(place)?);
        if flight.is_null() {
            continue;
        }
        if flight["started_ms"] != started {
            started = flight["started_ms"].clone();
            steps = 0;
            last = i64::MIN;
            terminal::line(&format!(
                "{}  {}",
                door.when(&started),
                text(&flight, "mac")
            ))?;
        }
        let all = items(&flight["steps"]);
        let count = all.len() as u64 + number(&flight, "omitted");
        let new = usize::try_from(count.saturating_sub(steps)).unwrap_or(usize::MAX);
        for step in all.iter().skip(all.len().saturating_sub(new)) {
            if step["at_ms"].as_i64().is_some_and(|at| at >= last) {
                line(step)?;
            }
        }
        steps = count;
        last = flight["ended_ms"].as_i64().unwrap_or(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_out_of_json_as_they_were() {
        assert_eq!(unhex("00ff7f").unwrap(), [0, 255, 127]);
        for broken in ["0", "0g", "é1"] {
            assert!(unhex(broken).is_err(), "{broken}");
        }
    }
}
