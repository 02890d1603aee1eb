//! Verbs about what is kept: forget, hold.

use super::prune::{self, Others};
use super::read::{short, snapshot_json};
use super::{Place, now, problems, when};
use crate::terminal;
use anyhow::bail;
use serde_json::json;
use std::collections::HashMap;
use std::process::ExitCode;
use vault::forget::Circumstances;
use vault::retention::{Rules, Verdict};
use vault::{Snapshot, SnapshotName, Vault};

const MS_PER_DAY: i64 = 24 * 3_600_000;

#[derive(Debug, clap::Args)]
pub(crate) struct Forget {
    #[command(flatten)]
    pub(super) place: Place,
    /// A unique beginning of its id, `latest`, or PLAN@latest; without any, the rules decide
    snapshot: Vec<String>,
    /// Keep the newest so many of each plan, host and kind
    #[arg(long, value_name = "N", default_value_t = 0)]
    keep_last: u32,
    /// Keep the newest of each of the newest so many hours that have one
    #[arg(long, value_name = "N", default_value_t = 0)]
    keep_hourly: u32,
    #[arg(long, value_name = "N", default_value_t = 0)]
    keep_daily: u32,
    #[arg(long, value_name = "N", default_value_t = 0)]
    keep_weekly: u32,
    #[arg(long, value_name = "N", default_value_t = 0)]
    keep_monthly: u32,
    #[arg(long, value_name = "N", default_value_t = 0)]
    keep_yearly: u32,
    /// Keep all that are no older than so many days before the newest
    #[arg(long, value_name = "DAYS")]
    keep_within: Option<u32>,
    /// Only what was saved under this plan
    #[arg(long)]
    plan: Option<String>,
    /// Also the newest of a plan, or the newest proven one, when named by its id
    #[arg(long)]
    even_last: bool,
    /// Only say what would be forgotten, and why the rest is kept
    #[arg(long)]
    dry_run: bool,
    /// Then delete what only they needed, as `prune` does, waiting for writers that are at work
    #[arg(long, conflicts_with = "dry_run")]
    prune: bool,
    /// Do not ask (without a terminal nobody can be asked: then it is needed)
    #[arg(long)]
    yes: bool,
    /// Prints JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Hold {
    #[command(flatten)]
    pub(super) place: Place,
    /// A unique beginning of its id, `latest`, or PLAN@latest; without one, lists what is held
    snapshot: Option<String>,
    /// Why, for whoever wonders later
    #[arg(long, default_value = "")]
    note: String,
    /// Ends all holds of the snapshot
    #[arg(long, requires = "snapshot")]
    release: bool,
    /// Prints JSON, for programs
    #[arg(long)]
    json: bool,
}

impl Forget {
    fn rules(&self) -> Rules {
        Rules {
            last: self.keep_last,
            hourly: self.keep_hourly,
            daily: self.keep_daily,
            weekly: self.keep_weekly,
            monthly: self.keep_monthly,
            yearly: self.keep_yearly,
            within_ms: self.keep_within.map(|days| i64::from(days) * MS_PER_DAY),
        }
    }
}

/// Seconds east of UTC where this machine stands, at a moment.
fn offset_s(milliseconds: i64) -> i32 {
    let at = jiff::Timestamp::from_millisecond(milliseconds);
    at.map_or(0, |at| jiff::tz::TimeZone::system().to_offset(at).seconds())
}

/// What goes: its name, and the snapshot where it can be read.
type Lost = Vec<(SnapshotName, Option<Snapshot>)>;

pub(super) fn forget(vault: &Vault, args: &Forget) -> anyhow::Result<ExitCode> {
    let rules = args.rules();
    let (lost, verdicts, mut bad) = match (args.snapshot.is_empty(), rules.is_empty()) {
        (true, true) => bail!(
            "forget: nothing says what; name snapshots, or give rules (--keep-last, --keep-daily, …)"
        ),
        (false, false) => bail!("forget: name snapshots or give rules, not both"),
        (false, true) => (named(vault, &args.snapshot)?, Vec::new(), Vec::new()),
        (true, false) => {
            let nothing = HashMap::new();
            let circumstances = Circumstances {
                now_ms: now(),
                offset_s: &offset_s,
                protected: &nothing,
            };
            let (mut judged, bad) = vault.judge(&rules, &circumstances)?;
            if let Some(plan) = &args.plan {
                judged.retain(|(snapshot, _)| snapshot.plan == *plan);
            }
            let lost = judged.iter().filter(|(_, verdict)| !verdict.keep);
            let lost = lost.map(|(snapshot, _)| (snapshot.name(), Some(snapshot.clone())));
            (lost.collect(), judged, bad)
        }
    };
    let mut said = json!({
        "dry_run": args.dry_run,
        "forgotten": lost.iter().map(|(name, _)| name.id.to_string()).collect::<Vec<_>>(),
        "verdicts": verdicts.iter().map(verdict_json).collect::<Vec<_>>(),
    });
    if !args.json {
        show(&lost, &verdicts)?;
    }
    if !args.dry_run && !lost.is_empty() {
        if !args.yes && !agreed(lost.len())? {
            terminal::note("Nothing was forgotten.");
            return Ok(ExitCode::FAILURE);
        }
        let names: Vec<SnapshotName> = lost.iter().map(|(name, _)| *name).collect();
        vault.forget(&names, args.even_last, now())?;
        if !args.json {
            let next = match args.prune {
                true => "",
                false => "; `reprise vault prune` frees what only they needed",
            };
            terminal::line(&format!("{} snapshots forgotten{next}", names.len()))?;
        }
    }
    if args.prune {
        let (report, took) = prune::run(vault, &Others::default(), false)?;
        match args.json {
            true => said["prune"] = prune::report_json(&report, false),
            false => prune::show(&report, false, took)?,
        }
        bad.extend(report.problems);
    }
    if args.json {
        terminal::json(&said)?;
    }
    Ok(problems(&bad))
}

/// Nothing is lost because nobody was there to be asked.
fn agreed(count: usize) -> anyhow::Result<bool> {
    if !terminal::is_interactive() {
        bail!(
            "forget {count} snapshots: nobody can be asked here; give --yes, or --dry-run to only look"
        );
    }
    terminal::confirm(&format!("Forget these {count} snapshots for good?"))
}

/// Also such as cannot be read, by their id.
fn named(vault: &Vault, which: &[String]) -> anyhow::Result<Lost> {
    let unreadable = vault.unreadable()?;
    let mut lost: Lost = Vec::new();
    for which in which {
        let mut begins = unreadable.iter();
        let broken = begins.find(|name| !which.is_empty() && name.id.to_string() == *which);
        let (name, snapshot) = match broken {
            Some(name) => (*name, None),
            None => {
                let snapshot = vault.snapshot(which)?;
                (snapshot.name(), Some(snapshot))
            }
        };
        if lost.iter().all(|(other, _)| *other != name) {
            lost.push((name, snapshot));
        }
    }
    Ok(lost)
}

fn show(lost: &Lost, verdicts: &[(Snapshot, Verdict)]) -> anyhow::Result<()> {
    let why = |verdict: &Verdict| {
        let reasons: Vec<_> = verdict.reasons.iter().map(ToString::to_string).collect();
        reasons.join(", ")
    };
    let row = |snapshot: &Snapshot, fate: &str, why: String| {
        vec![
            fate.to_owned(),
            short(snapshot),
            snapshot.plan.clone(),
            snapshot.host.clone(),
            when(snapshot.started_ms),
            why,
        ]
    };
    let mut rows = Vec::new();
    for (snapshot, verdict) in verdicts {
        let fate = if verdict.keep { "keep" } else { "forget" };
        rows.push(row(snapshot, fate, why(verdict)));
    }
    if verdicts.is_empty() {
        for (name, snapshot) in lost {
            match snapshot {
                Some(snapshot) => rows.push(row(snapshot, "forget", "named".to_owned())),
                None => terminal::line(&format!("forget  {} (it cannot be read)", name.id))?,
            }
        }
    }
    if !rows.is_empty() {
        let head = ["", "snapshot", "plan", "host", "taken", "why"];
        terminal::table(&head, &rows)?;
    }
    Ok(())
}

fn verdict_json((snapshot, verdict): &(Snapshot, Verdict)) -> serde_json::Value {
    let reasons: Vec<_> = verdict.reasons.iter().map(ToString::to_string).collect();
    json!({
        "snapshot": snapshot_json(snapshot),
        "keep": verdict.keep,
        "reasons": reasons,
    })
}

pub(super) fn hold(vault: &Vault, args: &Hold) -> anyhow::Result<ExitCode> {
    let Some(which) = &args.snapshot else {
        return holds(vault, args.json);
    };
    let snapshot = vault.snapshot(which)?;
    if args.release {
        let ended = vault.release(&snapshot, &args.note, now())?;
        terminal::line(&match ended.len() {
            0 => format!("snapshot {} was not held", short(&snapshot)),
            n => format!("snapshot {}: {n} holds ended", short(&snapshot)),
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    vault.hold(&snapshot, &args.note, now())?;
    terminal::line(&format!("snapshot {} is held", short(&snapshot)))?;
    Ok(ExitCode::SUCCESS)
}

fn holds(vault: &Vault, json: bool) -> anyhow::Result<ExitCode> {
    let holds = vault.holds()?;
    if json {
        let list = holds.iter().map(|hold| {
            json!({
                "snapshot": hold.snapshot.to_string(),
                "since_ms": hold.since_ms,
                "note": hold.note,
            })
        });
        terminal::json(&list.collect())?;
        return Ok(ExitCode::SUCCESS);
    }
    let row = |hold: &vault::Hold| {
        vec![
            hold.snapshot.to_string(),
            when(hold.since_ms),
            hold.note.clone(),
        ]
    };
    terminal::table(
        &["snapshot", "since", "note"],
        &holds.iter().map(row).collect::<Vec<_>>(),
    )?;
    Ok(ExitCode::SUCCESS)
}
