//! `reprise snapshot`: what a vault holds.

use super::answer::{self, items, number, short, size, strings, text};
use crate::control::encoded;
use crate::door::Door;
use clap::Subcommand;
use serde_json::Value;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The snapshots of every target, newest first
    List {
        /// Only of this target
        #[arg(long)]
        target: Option<String>,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// One snapshot: when, of what, how much
    Show {
        /// A unique beginning of its id, `latest`, or PLAN@latest
        snapshot: String,
        #[arg(long)]
        target: Option<String>,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Lists a folder of a snapshot
    Ls {
        snapshot: String,
        /// The folder; without it, what was saved
        path: Option<OsString>,
        #[arg(long)]
        target: Option<String>,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(door: &Door, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { target, json } => {
            let query = target.map(|t| format!("?target={}", encoded(&t)));
            let found = door.get(&format!("/api/snapshots{}", query.unwrap_or_default()))?;
            let head = [
                "snapshot", "target", "plan", "taken", "files", "size", "added",
            ];
            let code = answer::list(
                json,
                &found,
                items(&found["snapshots"]),
                &head,
                |snapshot| {
                    vec![
                        short(snapshot, "id"),
                        text(snapshot, "target"),
                        text(snapshot, "plan"),
                        door.when(&snapshot["finished_ms"]),
                        text(snapshot, "files"),
                        size(snapshot, "bytes"),
                        size(snapshot, "stored_bytes"),
                    ]
                },
            )?;
            if !json {
                answer::problems(&found["problems"]);
            }
            // A vault that could not be listed may hold more than is shown.
            match items(&found["problems"]) {
                [] => Ok(code),
                _ => Ok(answer::exit(&Value::from("problems"))),
            }
        }
        Command::Show {
            snapshot,
            target,
            json,
        } => {
            let target = door.target_of(&snapshot, target)?;
            let found = door.get(&format!(
                "/api/snapshots/{}/{}",
                encoded(&target),
                encoded(&snapshot)
            ))?;
            let fields = [
                ("snapshot", text(&found, "id")),
                ("target", target),
                ("kind", text(&found, "kind")),
                ("plan", text(&found, "plan")),
                ("host", text(&found, "host")),
                ("taken", door.when(&found["finished_ms"])),
                ("roots", strings(&found["roots"]).join(", ")),
                ("files", text(&found, "files")),
                ("size", size(&found, "bytes")),
                ("added", size(&found, "stored_bytes")),
            ];
            answer::one(json, &found, &fields)?;
            if !json {
                answer::problems(&found["problems"]);
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Ls {
            snapshot,
            path,
            target,
            json,
        } => {
            let target = door.target_of(&snapshot, target)?;
            let path = path.unwrap_or_default();
            let found = door.get(&format!(
                "/api/snapshots/{}/{}/ls?path={}",
                encoded(&target),
                encoded(&snapshot),
                crate::control::encoded_bytes(path.as_bytes())
            ))?;
            let head = ["mode", "owner", "size", "changed", "name"];
            answer::list(json, &found, items(&found), &head, |entry| {
                let mut name = text(entry, "name");
                if entry["kind"] == "dir" {
                    name.push('/');
                }
                if let Some(link) = entry["link"].as_str() {
                    name.push_str(&format!(" -> {link}"));
                }
                vec![
                    format!("{:04o}", number(entry, "mode")),
                    format!("{}:{}", number(entry, "uid"), number(entry, "gid")),
                    size(entry, "size"),
                    door.when(&entry["mtime_ms"]),
                    name,
                ]
            })
        }
    }
}
