//! `reprise restore --database`: a dump into a named new database, after showing exactly what will be made.

use super::Args;
use crate::command::answer::{self, number, size, text};
use crate::door::Door;
use crate::terminal;
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

/// Longer than any password that a server takes.
const MOST_BYTES: u64 = 4096;

pub(super) fn run(
    door: &Door,
    args: &Args,
    url: &str,
    target: &str,
    snapshot: &str,
) -> anyhow::Result<ExitCode> {
    // Before the password is read: the text may hold one by mistake, and is not repeated.
    config::DatabaseUrl::parse(url).context("read the URL after --database")?;
    let password = args.database_password_file.as_deref();
    let password = password.map(password_of).transpose()?;
    let mut request = json!({
        "target": target,
        "snapshot": snapshot,
        "dump": args.dump,
        "to": url,
        "password": password,
        "dry_run": true,
    });
    let planned = door.post("/api/restores/databases", &request)?;
    let plan = &planned["plan"];
    if args.dry_run && args.json {
        terminal::json(plan)?;
        return Ok(ExitCode::SUCCESS);
    }
    show(door, plan);
    if args.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if !args.yes && terminal::is_interactive() && !terminal::confirm("Make this database?")? {
        terminal::note("nothing was made");
        return Ok(ExitCode::FAILURE);
    }
    request["dry_run"] = Value::Bool(false);
    // What was shown is what is restored.
    request["snapshot"] = plan["snapshot"].clone();
    request["dump"] = plan["dump"].clone();
    let started = door.post("/api/restores/databases", &request)?;
    let Some(id) = started["id"].as_str() else {
        bail!("start the restore: the appliance gave it no id; look at its log");
    };
    super::follow(door, id, args.json)
}

/// Read here, with the rights of who asks: the appliance is told the password, never a file to open.
fn password_of(file: &Path) -> anyhow::Result<String> {
    let read = || {
        let mut text = String::new();
        let opened = std::fs::File::open(file)?;
        opened.take(MOST_BYTES).read_to_string(&mut text)?;
        match text.lines().next().unwrap_or_default() {
            "" => Err(std::io::Error::other("its first line is empty")),
            line => Ok(line.to_owned()),
        }
    };
    read().with_context(|| {
        format!(
            "read the password of the database in {}; write it on the first line of that file",
            file.display()
        )
    })
}

fn show(door: &Door, plan: &Value) {
    let shown = |field: &str| terminal::shown(&text(plan, field)).to_string();
    terminal::note(&format!(
        "snapshot {}: database {} of {}, as it was at {}",
        answer::short(plan, "snapshot"),
        shown("database"),
        shown("engine"),
        door.when(&plan["taken_ms"]),
    ));
    terminal::note(&format!(
        "  {} -> the NEW database {} of {}",
        shown("dump"),
        shown("name"),
        shown("to")
    ));
    terminal::note(&format!(
        "  {} tables with {} rows, {} views, {} triggers, {} routines, {} events; {} of SQL",
        number(plan, "tables"),
        number(plan, "rows"),
        number(plan, "views"),
        number(plan, "triggers"),
        number(plan, "routines"),
        number(plan, "events"),
        size(plan, "bytes")
    ));
    terminal::note(&format!(
        "  saved from version {}, that server has {}",
        shown("saved_version"),
        shown("server_version")
    ));
    if number(plan, "events") > 0 {
        terminal::note("  its events will run there by themselves when event_scheduler is ON");
    }
    if plan["powerful"] == true {
        terminal::note(
            "  the user of that URL may change other databases too, and what the dump says runs with its rights: prefer one with rights on the new database only",
        );
    }
}
