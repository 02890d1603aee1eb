//! `reprise plan`: what is protected, when, where; and a run of one now.

use super::answer::{self, items, short, size, strings, text};
use crate::control::encoded;
use crate::door::Door;
use crate::terminal;
use clap::Subcommand;
use serde_json::Value;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The plans, when each ran last and runs next
    List {
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// One plan: its folders, targets, hours and what it keeps
    Show {
        /// Its name
        plan: String,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Backs up now, to every target of the plan, and waits for the end
    Run {
        /// Its name
        plan: String,
        /// Start it and return at once (needs a running `reprise serve`)
        #[arg(long)]
        detach: bool,
    },
}

pub(crate) fn run(door: &Door, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { json } => {
            let plans = door.get("/api/plans")?;
            let head = ["plan", "at", "targets", "proof", "saves"];
            answer::list(json, &plans, items(&plans), &head, |plan| {
                vec![
                    text(plan, "name"),
                    text(plan, "at"),
                    strings(&plan["targets"]).join(", "),
                    text(&plan["prove"], "level"),
                    strings(&plan["saves"]).join(", "),
                ]
            })
        }
        Command::Show { plan, json } => {
            let plan = door.get(&format!("/api/plans/{}", encoded(&plan)))?;
            let hours = |field: &str| match plan[field].as_u64() {
                Some(s) => terminal::duration(Duration::from_secs(s)),
                None => "-".to_owned(),
            };
            let fields = [
                ("plan", text(&plan, "name")),
                ("saves", strings(&plan["saves"]).join(", ")),
                ("at", text(&plan, "at")),
                ("targets", strings(&plan["targets"]).join(", ")),
                ("tier", text(&plan, "tier")),
                ("rpo", hours("rpo_s")),
                ("rto", hours("rto_s")),
                ("proof", text(&plan["prove"], "level")),
            ];
            answer::one(json, &plan, &fields)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Run { plan, detach } => start(door, &plan, detach),
    }
}

fn start(door: &Door, plan: &str, detach: bool) -> anyhow::Result<ExitCode> {
    if detach && !door.is_serve() {
        anyhow::bail!(
            "leave plan {plan} to the appliance: none is running; start `reprise serve`, or leave out --detach"
        );
    }
    let started = door.post(&format!("/api/plans/{}/run", encoded(plan)), &Value::Null)?;
    let mut code = ExitCode::SUCCESS;
    let mut worst = 0;
    for id in strings(&started["runs"]) {
        if detach {
            terminal::line(&id)?;
            continue;
        }
        let path = format!("/api/runs/{}", encoded(&id));
        let run = answer::follow(door, &path, &id, |run| !run["outcome"].is_null())?;
        terminal::line(&format!(
            "run {id}: {} on {}: {}, snapshot {}, {} files, {} in all, {} stored, {}",
            text(&run, "plan"),
            text(&run, "target"),
            text(&run, "outcome"),
            short(&run, "snapshot"),
            text(&run, "files"),
            size(&run, "read_bytes"),
            size(&run, "stored_bytes"),
            terminal::duration(Duration::from_millis(answer::number(&run, "took_ms"))),
        ))?;
        if let Some(detail) = run["detail"].as_str() {
            terminal::note(detail);
        }
        answer::problems(&run["problems"]);
        // The worst of several targets is the answer: failed before problems before done.
        let rank = match run["outcome"].as_str() {
            Some("done") => 0,
            Some("problems") => 1,
            _ => 2,
        };
        if rank >= worst {
            worst = rank;
            code = answer::exit(&run["outcome"]);
        }
    }
    Ok(code)
}
