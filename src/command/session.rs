//! `reprise session`: one image onto one host, a disk of it erased, or read into an image (`reprise image capture`).

use super::answer::{self, items, number, short, size, text};
use crate::control::encoded;
use crate::door::Door;
use crate::terminal;
use anyhow::bail;
use clap::Subcommand;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The newest sessions and how far they are
    List {
        /// How many of the newest
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// One session, step by step
    Show {
        /// Its id, from `reprise session list`
        session: String,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Deploys an image to a host; everything on the host's disk is lost
    Open {
        /// Id, name or MAC of an approved host
        host: String,
        /// Name or beginning of the id of an image
        #[arg(long)]
        image: String,
        /// Serial number or name of the disk, when the host has several
        #[arg(long)]
        disk: Option<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Erases a disk of a host: all of it overwritten once, then read back
    Wipe {
        /// Id, name or MAC of an approved host
        host: String,
        /// Serial number or name of the disk, when the host has several
        #[arg(long)]
        disk: Option<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Stops a session; a disk that was being written stays half written, one that was read becomes no image
    Cancel { session: String },
}

pub(crate) fn run(door: &Door, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { limit, json } => {
            let sessions = door.get(&format!("/api/sessions?limit={limit}"))?;
            let head = [
                "session", "task", "host", "image", "disk", "state", "opened", "by",
            ];
            return answer::list(json, &sessions, items(&sessions), &head, |session| {
                vec![
                    text(session, "id"),
                    text(session, "task"),
                    text(session, "host_name"),
                    text(session, "image_name"),
                    text(session, "disk_serial"),
                    state(session),
                    door.when(&session["opened_ms"]),
                    text(session, "opened_by"),
                ]
            });
        }
        Command::Show { session, json } => {
            let session = door.get(&format!("/api/sessions/{}", encoded(&session)))?;
            show(door, &session, json)?;
        }
        Command::Open {
            host,
            image,
            disk,
            yes,
            json,
        } => {
            let asked = json!({"host": host, "image": image, "disk": disk});
            let preview = door.post("/api/sessions/preview", &asked)?;
            terminal::note(&format!(
                "host  {}\nimage {} ({})\n{}",
                text(&preview, "host_name"),
                text(&preview, "image_name"),
                size(&preview, "image_size_bytes"),
                at_stake(&preview),
            ));
            if !yes && !agreed("wipe", "Deploy?")? {
                return Ok(ExitCode::FAILURE);
            }
            opened(&door.post("/api/sessions", &preview)?, json)?;
        }
        Command::Wipe {
            host,
            disk,
            yes,
            json,
        } => {
            let asked = json!({"host": host, "disk": disk});
            let preview = door.post("/api/sessions/wipe/preview", &asked)?;
            terminal::note(&format!(
                "host  {}\n{}",
                text(&preview, "host_name"),
                at_stake(&preview),
            ));
            if !yes && !agreed("erase", "Erase it for good?")? {
                return Ok(ExitCode::FAILURE);
            }
            opened(&door.post("/api/sessions/wipe", &preview)?, json)?;
        }
        Command::Cancel { session } => {
            let path = format!("/api/sessions/{}/cancel", encoded(&session));
            door.post(&path, &Value::Null)?;
            terminal::note("cancelled");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Somebody at the terminal says yes to losing the disk that was shown.
fn agreed(verb: &str, question: &str) -> anyhow::Result<bool> {
    if !terminal::is_interactive() {
        bail!("ask whether to {verb} that disk: this is not a terminal; add --yes");
    }
    let agreed = terminal::confirm(question)?;
    if !agreed {
        terminal::note("nothing was opened");
    }
    Ok(agreed)
}

/// The disk, and what is lost with it.
fn at_stake(preview: &Value) -> String {
    format!(
        "disk  {} {} {} {}\n{}",
        text(preview, "disk"),
        size(preview, "disk_size_bytes"),
        text(preview, "disk_model"),
        text(preview, "disk_serial"),
        text(preview, "lost"),
    )
}

/// The id of a session that was just opened, for a script.
pub(crate) fn opened(session: &Value, json: bool) -> anyhow::Result<()> {
    match json {
        true => terminal::json(session),
        false => terminal::line(&text(session, "id")),
    }
}

fn show(door: &Door, session: &Value, json: bool) -> anyhow::Result<()> {
    let fields = [
        ("session", text(session, "id")),
        ("task", text(session, "task")),
        ("host", text(session, "host_name")),
        (
            "image",
            format!(
                "{} {}",
                text(session, "image_name"),
                short(session, "image")
            ),
        ),
        (
            "disk",
            format!(
                "{} {} {} {}",
                text(session, "disk_path"),
                size(session, "disk_size_bytes"),
                text(session, "disk_model"),
                text(session, "disk_serial")
            ),
        ),
        (
            match session["task"] == "capture" {
                true => "done",
                false => "lost",
            },
            text(session, "lost"),
        ),
        ("state", state(session)),
        ("detail", text(session, "detail")),
        ("opened", door.when(&session["opened_ms"])),
        ("opened by", text(session, "opened_by")),
        ("ended", door.when(&session["ended_ms"])),
    ];
    answer::one(json, session, &fields)
}

fn state(session: &Value) -> String {
    let mut shown = text(session, "state");
    let (done, total) = (
        number(session, "done_bytes"),
        number(session, "total_bytes"),
    );
    if !session["over"].as_bool().unwrap_or(false) && done > 0 && total > 0 {
        shown.push_str(&format!(" {} %", done.min(total) * 100 / total));
    }
    if session["stale"].as_bool().unwrap_or(false) {
        shown.push_str(" (the PC went quiet)");
    }
    shown
}
