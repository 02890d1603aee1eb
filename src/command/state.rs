//! `reprise state`: the copies of the state database kept from before upgrades, and the way back to one.

use crate::{appliance, terminal, version};
use anyhow::bail;
use clap::Subcommand;
use config::Config;
use serde_json::{Value, json};
use state::folder::StateFolder;
use state::kept::{self, Kept, Why};
use state::wire::Fact;
use state::{Clock, Db, journal};
use std::path::Path;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists the copies of the database kept from before upgrades, oldest first
    List {
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Puts a copy back, for an older reprise that cannot read the state of a newer one
    Rollback {
        /// Its number in the list; else the newest that this version can read
        number: Option<u32>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    if config.appliance.database_url.is_some() {
        bail!(
            "look for kept copies: this state lies in PostgreSQL, which reprise does not copy; go back with the dump made by pg_dump before the upgrade"
        );
    }
    let state = &config.appliance.state_dir;
    let runtime = crate::serve::runtime()?;
    match command {
        Command::List { json } => runtime.block_on(list(state, json)),
        Command::Rollback { number, yes } => runtime.block_on(rollback(state, number, yes)),
    }
}

async fn list(state: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let mut lines = Vec::new();
    let mut rows = Vec::new();
    for kept in kept::list(state)? {
        let is_readable = kept::is_readable(&kept, appliance::TABLES).await;
        lines.push(line(&kept, is_readable));
        let why = match kept.why {
            Why::Before => format!("before the upgrade to {}", kept.version),
            Why::Aside => format!("set aside by {}", kept.version),
        };
        let readable = if is_readable { "yes" } else { "no" };
        rows.push(vec![
            kept.number.to_string(),
            super::vault::when(kept.at.0),
            readable.to_owned(),
            why,
        ]);
    }
    match json {
        true => terminal::json(&Value::Array(lines))?,
        false => terminal::table(&["NUMBER", "MADE", "READABLE", "WHY"], &rows)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn line(kept: &Kept, is_readable: bool) -> Value {
    json!({
        "number": kept.number,
        "made_ms": kept.at.0,
        "why": match kept.why { Why::Before => "before", Why::Aside => "aside" },
        "version": kept.version,
        "path": kept.path,
        "is_readable": is_readable,
    })
}

async fn rollback(state: &Path, number: Option<u32>, yes: bool) -> anyhow::Result<ExitCode> {
    // Held to the end: a running appliance keeps us out, and none starts in between.
    let folder = StateFolder::open(state)?;
    let way = kept::plan(folder.path(), number, appliance::TABLES).await?;
    terminal::note(&format!(
        "The state goes back to the copy of {}:\n  {}\nThe journal has {} fact(s) since; they are set aside with the state of now. Vaults are not touched.",
        super::vault::when(way.to.at.0),
        way.to.path.display(),
        way.facts_since
    ));
    if !yes {
        if !terminal::is_interactive() {
            bail!("go back to a kept copy: nobody can be asked here; add --yes");
        }
        if !terminal::confirm("Go back?")? {
            terminal::note("nothing was changed");
            return Ok(ExitCode::FAILURE);
        }
    }
    let now = Clock::System.now();
    let aside = kept::go_back(folder.path(), &way, version::NUMBER, now).await?;
    let aside = aside.map(|kept| kept.path.display().to_string());
    let db = Db::open_file(&folder.path().join(kept::DATABASE)).await?;
    let fact = Fact::StatePutBack {
        taken_ms: way.to.at.0,
        aside: aside.clone(),
    };
    journal::record(&db, now, fact).await?;
    terminal::note("The state was put back; start reprise again.");
    if let Some(aside) = aside {
        terminal::note(&format!("Set aside: {aside}"));
    }
    Ok(ExitCode::SUCCESS)
}
