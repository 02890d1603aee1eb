//! `reprise database`: a proven copy, open to be read for a while.

use super::answer::{self, items, text};
use crate::control::encoded;
use crate::door::Door;
use crate::terminal;
use anyhow::bail;
use clap::Subcommand;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Databases that are open, or were since the appliance started
    List {
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Loads the newest proven copy and keeps it up to be read; prints how to reach it, and the password once
    Open {
        plan: String,
        #[arg(long)]
        target: Option<String>,
        /// Which, when the plan has several
        #[arg(long, value_name = "NAME")]
        database: Option<String>,
        /// Address and port of this box to be reached at; port 0 takes any free one
        #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
        listen: SocketAddr,
        /// It closes by itself after so many hours
        #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=168))]
        hours: u32,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Closes one now
    Close {
        /// Its id, from `reprise database list`
        id: String,
    },
}

pub(crate) fn run(door: &Door, command: Command) -> anyhow::Result<ExitCode> {
    if !door.is_serve() {
        bail!(
            "reach the appliance: an open database ends with the process that opened it; start `reprise serve` first"
        );
    }
    match command {
        Command::List { json } => {
            let databases = door.get("/api/databases")?;
            let head = ["id", "database", "plan", "state", "address", "until"];
            answer::list(json, &databases, items(&databases), &head, |database| {
                vec![
                    text(database, "id"),
                    text(database, "database"),
                    text(database, "plan"),
                    text(database, "state"),
                    text(database, "listen"),
                    door.when(&database["until_ms"]),
                ]
            })
        }
        Command::Open {
            plan,
            target,
            database,
            listen,
            hours,
            json,
        } => {
            let target = door.target_of(&format!("{plan}@latest"), target)?;
            let asked = json!({
                "plan": plan, "target": target, "database": database,
                "listen": listen.to_string(), "minutes": hours * 60,
            });
            let started = door.post("/api/databases", &asked)?;
            let id = text(&started, "id");
            let found = |list: &Value| items(list).iter().find(|o| o["id"] == id.as_str()).cloned();
            let list = answer::follow(door, "/api/databases", &id, |list| {
                found(list).is_none_or(|o| o["state"] != "loading")
            })?;
            let mut opened = found(&list).unwrap_or_default();
            if opened["state"] != "open" {
                bail!("open the database: {}", text(&opened, "why"));
            }
            let path = format!("/api/databases/{}/password", encoded(&id));
            opened["password"] = door.post(&path, &json!({}))?["password"].clone();
            let fields = [
                ("id", id),
                ("database", text(&opened, "database")),
                ("engine", text(&opened, "engine")),
                ("state of", door.when(&opened["taken_ms"])),
                ("address", text(&opened, "listen")),
                ("user", text(&opened, "user")),
                ("password", text(&opened, "password")),
                ("open until", door.when(&opened["until_ms"])),
            ];
            answer::one(json, &opened, &fields)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Close { id } => {
            door.post(
                &format!("/api/databases/{}/close", encoded(&id)),
                &json!({}),
            )?;
            terminal::note("closed");
            Ok(ExitCode::SUCCESS)
        }
    }
}
