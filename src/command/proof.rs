//! `reprise proof`: restore tests and their evidence.

use super::answer::{self, items, number, short, size, strings, text};
use crate::control::encoded;
use crate::door::Door;
use crate::terminal;
use clap::Subcommand;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The newest proofs and their level
    List {
        /// How many of the newest
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// One proof with its evidence: what was compared, and what it does not show
    Show {
        /// Its id, from `reprise proof list`
        proof: String,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Proves the newest snapshot of a plan now, and waits for the end
    Run {
        plan: String,
        #[arg(long)]
        target: Option<String>,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(door: &Door, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { limit, json } => {
            let proofs = door.get(&format!("/api/proofs?limit={limit}"))?;
            let head = [
                "proof", "plan", "target", "snapshot", "level", "passed", "at", "files",
            ];
            answer::list(json, &proofs, items(&proofs), &head, |proof| {
                vec![
                    text(proof, "id"),
                    text(proof, "plan"),
                    text(proof, "target"),
                    short(proof, "snapshot"),
                    text(proof, "level"),
                    passed(proof).to_owned(),
                    door.when(&proof["at_ms"]),
                    text(proof, "files"),
                ]
            })
        }
        Command::Show { proof, json } => {
            let proof = door.get(&format!("/api/proofs/{}", encoded(&proof)))?;
            show(door, &proof, json)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Run { plan, target, json } => {
            let target = door.target_of(&format!("{plan}@latest"), target)?;
            let asked = json!({"plan": plan, "target": target});
            let started = door.post("/api/proofs", &asked)?;
            let id = text(&started, "id");
            let ended = wait(door, &id)?;
            show(door, &ended, json)?;
            Ok(match ended["passed"].as_bool() {
                Some(true) => ExitCode::SUCCESS,
                _ => ExitCode::FAILURE,
            })
        }
    }
}

/// A proof has no record until it has ended.
fn wait(door: &Door, id: &str) -> anyhow::Result<Value> {
    let list = answer::follow(door, "/api/proofs?limit=1000", id, |proofs| {
        items(proofs).iter().any(|p| p["id"] == id)
    });
    list?;
    door.get(&format!("/api/proofs/{}", encoded(id)))
}

fn show(door: &Door, proof: &Value, json: bool) -> anyhow::Result<()> {
    let evidence = &proof["evidence"];
    let fields = [
        ("proof", text(proof, "id")),
        ("plan", text(proof, "plan")),
        ("target", text(proof, "target")),
        ("snapshot", short(proof, "snapshot")),
        ("level", text(proof, "level")),
        ("passed", passed(proof).to_owned()),
        ("at", door.when(&proof["at_ms"])),
        ("files compared", text(proof, "files")),
        ("bytes compared", size(proof, "bytes")),
        (
            "took",
            terminal::duration(Duration::from_millis(number(proof, "took_ms"))),
        ),
        ("listing blake3", text(evidence, "listing_blake3")),
        (
            "not shown by it",
            strings(&evidence["not_proven"]).join(", "),
        ),
        ("detail", text(proof, "detail")),
    ];
    answer::one(json, proof, &fields)?;
    if !json {
        answer::problems(&evidence["differences"]);
    }
    Ok(())
}

fn passed(proof: &Value) -> &'static str {
    match proof["passed"].as_bool() {
        Some(true) => "yes",
        _ => "no",
    }
}
