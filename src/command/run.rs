//! `reprise run`: the backups that ran or are running.

use super::answer::{self, items, short, size, text};
use crate::control::encoded;
use crate::door::Door;
use crate::terminal;
use clap::Subcommand;
use serde_json::Value;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The newest runs and how they ended
    List {
        /// How many of the newest
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// One run, with what could not be saved
    Show {
        /// Its id, from `reprise run list`
        run: String,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Stops a run; what it wrote is used by the next
    Cancel { run: String },
}

pub(crate) fn run(door: &Door, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { limit, json } => {
            let runs = door.get(&format!("/api/runs?limit={limit}"))?;
            let head = [
                "run", "plan", "target", "started", "outcome", "files", "size", "stored",
            ];
            answer::list(json, &runs, items(&runs), &head, |run| {
                vec![
                    text(run, "id"),
                    text(run, "plan"),
                    text(run, "target"),
                    door.when(&run["started_ms"]),
                    outcome(run),
                    text(run, "files"),
                    size(run, "read_bytes"),
                    size(run, "stored_bytes"),
                ]
            })
        }
        Command::Show { run, json } => {
            let run = door.get(&format!("/api/runs/{}", encoded(&run)))?;
            let fields = [
                ("run", text(&run, "id")),
                ("plan", text(&run, "plan")),
                ("target", text(&run, "target")),
                ("by", text(&run, "by")),
                ("started", door.when(&run["started_ms"])),
                ("finished", door.when(&run["finished_ms"])),
                ("outcome", outcome(&run)),
                ("snapshot", short(&run, "snapshot")),
                ("files", text(&run, "files")),
                ("size", size(&run, "read_bytes")),
                ("stored", size(&run, "stored_bytes")),
                ("detail", text(&run, "detail")),
            ];
            answer::one(json, &run, &fields)?;
            if !json {
                answer::problems(&run["problems"]);
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Cancel { run } => {
            door.post(&format!("/api/runs/{}/cancel", encoded(&run)), &Value::Null)?;
            terminal::note("it stops at its next file");
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn outcome(run: &Value) -> String {
    match (&run["outcome"], &run["started_ms"]) {
        (Value::Null, Value::Null) => "waiting".to_owned(),
        (Value::Null, _) => "running".to_owned(),
        _ => text(run, "outcome"),
    }
}
