//! `reprise unprotected`: what this box can see and nobody saves.

use super::answer::{self, items, strings, text};
use crate::door::Door;
use crate::terminal;
use anyhow::{Context, bail};
use clap::Subcommand;
use serde_json::{Value, json};
use state::Clock;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Everything this box can see that no plan saves, and the risks that were accepted
    List {
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Prints the lines of a plan that would save it
    Protect {
        /// Its name in the list: "folder /srv/compta"
        object: String,
    },
    /// Accepts for a while that nobody saves it; it is listed again when that has run out
    Accept {
        /// Its name in the list
        object: String,
        /// Why it may be lost
        #[arg(long)]
        why: String,
        /// For how many days, 366 at most
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=366))]
        days: u16,
    },
    /// Takes an acceptance back
    Withdraw {
        /// Its name in the list
        object: String,
    },
}

pub(crate) fn run(door: &Door, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { json } => list(door, json),
        Command::Protect { object } => {
            let found = door.get("/api/unprotected")?;
            let mut things = items(&found["exposed"]).iter();
            let thing = things.find(|thing| thing["object"] == object.as_str());
            let thing = thing.with_context(|| {
                format!("find {object}: it is saved, or not seen; `reprise unprotected list` shows what is exposed")
            })?;
            let Some(plan) = thing["plan"].as_str() else {
                bail!(
                    "write a plan for {object}: its files do not lie on this box; mount its share here and save that folder"
                );
            };
            terminal::line(plan.trim_end())?;
            terminal::note(
                "Add these lines to reprise.toml, check them with `reprise config check`, then restart reprise.",
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Accept { object, why, days } => {
            let until = Clock::System.now().0 + i64::from(days) * 86_400_000;
            let body = json!({ "object": object, "why": why, "until_ms": until });
            door.post("/api/unprotected/accept", &body)?;
            let until = door.when(&json!(until));
            terminal::note(&format!("accepted until {until}; it is then listed again"));
            Ok(ExitCode::SUCCESS)
        }
        Command::Withdraw { object } => {
            door.post("/api/unprotected/withdraw", &json!({ "object": object }))?;
            terminal::note("withdrawn; it is listed as unprotected again");
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn list(door: &Door, json: bool) -> anyhow::Result<ExitCode> {
    let found = door.get("/api/unprotected")?;
    let head = ["what", "state", "until", "by", "why"];
    let row = |thing: &Value| {
        let inside = strings(&thing["inside"]).join(" ");
        let state = match text(thing, "state").as_str() {
            "partly" => format!("only {inside} is saved"),
            "ran_out" => "unprotected, acceptance ran out".to_owned(),
            "open" => "unprotected".to_owned(),
            other => other.to_owned(),
        };
        vec![
            text(thing, "object"),
            state,
            door.when(&thing["until_ms"]),
            text(thing, "accepted_by"),
            text(thing, "why"),
        ]
    };
    let code = answer::list(json, &found, items(&found["exposed"]), &head, row)?;
    if !json {
        for blind in items(&found["blind"]) {
            let (object, what) = (text(blind, "object"), text(blind, "what"));
            terminal::note(&format!("could not look into {object}: {what}"));
        }
        terminal::note(
            "Seen: folders of `scan`, database servers of this box, hosts known to the boot server or imported. What lies inside other machines is not seen.",
        );
    }
    Ok(code)
}
