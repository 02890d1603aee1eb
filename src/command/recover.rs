//! `reprise recover`: the appliance itself, from a bare machine, one of its vaults, and a password or the paper key.

use super::vault::{Place, Way, open, watched, when};
use crate::recover::{self, Opened, RecoverPlan};
use crate::terminal;
use anyhow::bail;
use serde_json::json;
use state::Clock;
use std::path::PathBuf;
use std::process::ExitCode;
use vault::restore;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    /// Holds the vault's password on its first line
    #[arg(
        long,
        value_name = "FILE",
        env = "REPRISE_PASSWORD_FILE",
        hide_env_values = true
    )]
    password_file: Option<PathBuf>,
    /// Holds the 24 words of a recovery key: opens the vault instead of a password
    #[arg(long, value_name = "FILE")]
    recovery_key: Option<PathBuf>,
    /// Which copy of the appliance, by a unique beginning of its id; else the newest
    #[arg(long, value_name = "ID")]
    snapshot: Option<String>,
    /// Where reprise.toml goes; the state goes where it says
    #[arg(long, value_name = "FOLDER", default_value = "/etc/reprise")]
    dir: PathBuf,
    /// Only say what would come back, and where
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Prints JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let way = Way {
        password_file: args.password_file.as_deref(),
        recovery_key: args.recovery_key.as_deref(),
    };
    let vault = open(&args.place, &way)?;
    let opened = match way.recovery_key {
        Some(_) => Opened::Paper,
        None => Opened::Password(way.password()?),
    };
    let which = args.snapshot.as_deref();
    let plan = recover::plan(&vault, which, &args.dir, &|plan| {
        Ok(watched("read", |watch| restore::execute(&vault, plan, watch))?.0)
    })?;
    if !args.json {
        show(&plan);
    }
    if args.dry_run {
        return ended(args, &plan, &[], false);
    }
    if !args.yes {
        if !terminal::is_interactive() {
            bail!(
                "recover the appliance: nobody can be asked here; add --yes, or --dry-run to only look"
            );
        }
        if !terminal::confirm("Go on?")? {
            terminal::note("nothing was changed");
            return Ok(ExitCode::FAILURE);
        }
    }
    let steps = recover::execute(&plan, &vault, &opened, &Clock::System)?;
    ended(args, &plan, &steps, true)
}

fn show(plan: &RecoverPlan) {
    terminal::note(&format!(
        "the appliance {}, as it was on {} (snapshot {}); what happened since is not in this copy",
        terminal::shown(&plan.config.appliance.name),
        when(plan.snapshot.finished_ms),
        plan.snapshot.id
    ));
    for (_, to) in &plan.files {
        terminal::note(&format!("  {}", terminal::shown(&to.to_string_lossy())));
    }
    match &plan.target {
        Some(target) if !target.password_file.exists() => terminal::note(&format!(
            "  {} (the password of target {})",
            terminal::shown(&target.password_file.to_string_lossy()),
            target.name
        )),
        Some(_) | None => {}
    }
}

fn ended(
    args: &Args,
    plan: &RecoverPlan,
    steps: &[String],
    done: bool,
) -> anyhow::Result<ExitCode> {
    let file = args.dir.join("reprise.toml");
    if args.json {
        terminal::json(&json!({
            "appliance": plan.config.appliance.name,
            "snapshot": plan.snapshot.id.to_string(),
            "taken_ms": plan.snapshot.finished_ms,
            "target": plan.target.as_ref().map(|target| &target.name),
            "files": plan.files.iter().map(|(_, to)| to.to_string_lossy()).collect::<Vec<_>>(),
            "recovered": done,
            "took_ms": u64::try_from(plan.took().as_millis()).unwrap_or(u64::MAX),
            "left_to_do": steps,
        }))?;
    } else if done {
        terminal::line(&format!("recovered in {}", terminal::duration(plan.took())))?;
        for step in steps {
            terminal::line(&format!("still to do: {}", terminal::shown(step)))?;
        }
        terminal::line(&format!(
            "then start it: reprise --config {} serve",
            file.display()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
