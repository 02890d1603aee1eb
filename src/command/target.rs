//! `reprise target`: the places of the copies.

use super::answer::{self, items, text};
use crate::control::encoded;
use crate::door::Door;
use crate::terminal;
use clap::Subcommand;
use serde_json::Value;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Every place: what is plugged in, which vault belongs there, how old each copy is
    List {
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Says that the vault which lies there now is the one that is meant, whatever was there before
    Accept {
        /// Name of the target in the configuration
        target: String,
    },
}

pub(crate) fn run(door: &Door, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { json } => {
            let targets = door.get("/api/targets")?;
            let rows: Vec<Value> = items(&targets).iter().flat_map(rows).collect();
            let head = [
                "target", "place", "vault", "there", "device", "saved", "restored", "seen",
            ];
            answer::list(json, &targets, &rows, &head, |row| {
                vec![
                    text(row, "name"),
                    text(row, "place"),
                    text(row, "id").chars().take(8).collect(),
                    text(row, "there"),
                    text(row, "device"),
                    door.when(&row["last_saved_ms"]),
                    door.when(&row["last_proven_ms"]),
                    door.when(&row["last_seen_ms"]),
                ]
            })
        }
        Command::Accept { target } => {
            let path = format!("/api/targets/{}/accept", encoded(&target));
            let accepted = door.post(&path, &Value::Null)?;
            terminal::note(&format!(
                "from now on the vault {} belongs to target {target}, and no other",
                text(&accepted, "vault")
            ));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// One row for each vault of a target; one for a target that has none yet.
fn rows(target: &Value) -> Vec<Value> {
    let row = |vault: &Value| {
        let mut row = vault.clone();
        row["name"] = target["name"].clone();
        row["place"] = target["place"].clone();
        row["there"] = match (vault["here"] == true, target["disk"].as_str()) {
            _ if target["refused"] == true => "another vault".into(),
            (true, _) => "yes".into(),
            (false, Some(state)) => state.into(),
            (false, None) => "no".into(),
        };
        row
    };
    match items(&target["vaults"]) {
        [] => vec![row(&serde_json::json!({}))],
        vaults => vaults.iter().map(row).collect(),
    }
}
