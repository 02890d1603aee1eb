//! `reprise notify`: messages to people.

use super::answer::{self, items, text};
use crate::door::Door;
use crate::terminal;
use clap::Subcommand;
use serde_json::Value;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sends a message by each way of the configuration now, and says what its server answers
    Test {
        #[arg(long)]
        json: bool,
    },
    /// The messages that wait, were sent or were lost
    List {
        /// How many of the newest
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(door: &Door, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Test { json } => {
            let tried = door.post_patiently("/api/notify/test", &Value::Null)?;
            answer::list(
                *json,
                &tried,
                items(&tried),
                &["way", "sent", "answer"],
                |one| {
                    let sent = if one["sent"] == true { "yes" } else { "no" };
                    vec![text(one, "channel"), sent.to_owned(), text(one, "answer")]
                },
            )?;
            let all = items(&tried).iter().all(|one| one["sent"] == true);
            if !all {
                terminal::note("not every message left; the answers above say why");
            }
            Ok(match all {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            })
        }
        Command::List { limit, json } => {
            let found = door.get(&format!("/api/notify?limit={limit}"))?;
            let head = ["when", "way", "state", "tries", "subject", "answer"];
            answer::list(*json, &found, items(&found["outbox"]), &head, |message| {
                let when = match message["ended_ms"].is_null() {
                    true => &message["queued_ms"],
                    false => &message["ended_ms"],
                };
                vec![
                    door.when(when),
                    text(message, "channel"),
                    text(message, "state"),
                    text(message, "attempts"),
                    text(message, "subject"),
                    text(message, "answer"),
                ]
            })
        }
    }
}
