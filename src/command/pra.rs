//! `reprise pra`: could the company restart today?

use super::answer::{self, items, strings, text};
use crate::door::Door;
use crate::terminal;
use clap::Subcommand;
use serde_json::Value;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The console's one sentence, each service and why it is not better
    Status {
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(door: &Door, command: &Command) -> anyhow::Result<ExitCode> {
    let Command::Status { json } = command;
    let status = door.get("/api/status?lang=en")?;
    if *json {
        terminal::json(&status)?;
        return Ok(ExitCode::SUCCESS);
    }
    terminal::line(&text(&status, "sentence"))?;
    let own = std::iter::once(&status["own"]);
    let services: Vec<Value> = own.chain(items(&status["services"])).cloned().collect();
    let head = ["service", "state", "last saved", "last restored for real"];
    answer::list(false, &status, &services, &head, |service| {
        vec![
            text(service, "plan"),
            text(service, "verdict").replace('_', " "),
            door.when(&service["last_saved_ms"]),
            door.when(&service["last_proven_ms"]),
        ]
    })?;
    for service in &services {
        for reason in strings(&service["reasons"]) {
            terminal::note(&format!("{}: {reason}", text(service, "plan")));
        }
    }
    for trouble in items(&status["troubles"]) {
        terminal::note(&format!("trouble: {}", text(trouble, "sentence")));
    }
    Ok(ExitCode::SUCCESS)
}
