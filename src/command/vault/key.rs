//! The verbs for the ways a vault is opened: passwords, and recovery keys on paper.

use super::{DONE_WITH_PROBLEMS, Place, Way, now, open, problems, problems_json, when};
use crate::paper::paper;
use crate::{file, terminal};
use anyhow::{Context, bail};
use clap::Subcommand;
use serde_json::{Value, json};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use vault::{KdfCost, KeyInfo, RecoveryKey, Secret, Vault};

/// Digits of a key's id that are shown.
const SHORT: usize = 8;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists the passwords and recovery keys that open the vault, oldest first
    List {
        #[command(flatten)]
        place: Place,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Adds a password; those there are stay
    Add {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        new: New,
        /// Whose it is, or where it is kept; shown in the list
        #[arg(long, default_value = "")]
        label: String,
    },
    /// Replaces the password that the vault is opened with here
    Change {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        new: New,
    },
    /// Removes a password or a recovery key; the last one stays
    Remove {
        #[command(flatten)]
        place: Place,
        /// A unique beginning of its id
        key: String,
    },
    /// Makes a recovery key and prints it, as words and as a QR code
    Recovery {
        #[command(flatten)]
        place: Place,
        /// Where the paper is kept; shown in the list
        #[arg(long, default_value = "")]
        label: String,
        /// A new file (mode 0600) instead of the terminal
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct New {
    /// Holds the new password on its first line
    #[arg(long, value_name = "FILE")]
    new_password_file: PathBuf,
}

impl New {
    fn secret(&self) -> anyhow::Result<Secret> {
        Ok(Secret::from_file(&self.new_password_file)?)
    }
}

pub(super) fn run(command: &Command, way: &Way<'_>) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { place, json } => list(&open(place, way)?, *json),
        Command::Add { place, new, label } => {
            let password = new.secret()?;
            let vault = open(place, way)?;
            let key = vault.add_password(&password, KdfCost::NORMAL, label, now())?;
            terminal::line(&format!("key {} added", short(&key)))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Change { place, new } => {
            let password = new.secret()?;
            let key = open(place, way)?.change_password(&password, KdfCost::NORMAL, now())?;
            terminal::line(&format!("key {} replaces the one used here", short(&key)))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Remove { place, key } => {
            open(place, way)?.remove_key(key)?;
            terminal::line("key removed")?;
            terminal::note(
                "Whoever used it before may have kept what it opened: it ends new uses, not old copies.",
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Recovery { place, label, out } => recovery(place, way, label, out.as_deref()),
    }
}

fn short(key: &KeyInfo) -> String {
    key.id.chars().take(SHORT).collect()
}

fn list(vault: &Vault, json: bool) -> anyhow::Result<ExitCode> {
    let (keys, bad) = vault.keys()?;
    if json {
        let lines: Vec<Value> = keys
            .iter()
            .map(|key| {
                json!({
                    "id": key.id,
                    "kind": key.kind.as_str(),
                    "label": key.label,
                    "created_ms": key.created_ms,
                    "in_use": key.in_use,
                })
            })
            .collect();
        terminal::json(&json!({ "keys": lines, "problems": problems_json(&bad) }))?;
        return Ok(match bad.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(DONE_WITH_PROBLEMS),
        });
    }
    let row = |key: &KeyInfo| {
        let made = match key.created_ms {
            0 => "-".to_owned(),
            at => when(at),
        };
        let used = if key.in_use { "used now" } else { "" };
        vec![
            short(key),
            key.kind.as_str().to_owned(),
            made,
            used.to_owned(),
            key.label.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = keys.iter().map(row).collect();
    terminal::table(&["KEY", "KIND", "MADE", "", "LABEL"], &rows)?;
    Ok(problems(&bad))
}

fn recovery(
    place: &Place,
    way: &Way<'_>,
    label: &str,
    out: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    if out.is_none() && !std::io::stdout().is_terminal() {
        bail!(
            "print the recovery key: the output is no terminal, where it could be kept by chance; name a new file with --out"
        );
    }
    let out = out.map(std::path::absolute).transpose();
    let out = out.context("find the file to write")?;
    let vault = open(place, way)?;
    let key = RecoveryKey::generate()?;
    let place = vault.target().describe();
    let paper = paper(&key, &terminal::shown(&place), &when(now()), out.is_none())?;
    // Written before it is added: a key that nobody has on paper would be one more way in for nothing.
    match &out {
        Some(path) => file::publish_new(path, paper.as_bytes()).with_context(|| {
            format!(
                "write {}; name a file that is not there yet",
                path.display()
            )
        })?,
        None => terminal::line(&paper)?,
    }
    vault.add_recovery(&key, label, now())?;
    match out {
        Some(path) => terminal::line(&format!("recovery key written: {}", path.display()))?,
        None => terminal::note("Print it or write the words down, then clear the screen."),
    }
    Ok(ExitCode::SUCCESS)
}
