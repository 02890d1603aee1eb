//! `reprise setup`: asks, explains, writes the first configuration and makes the first vault.

use crate::{setup, terminal};
use anyhow::bail;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where reprise.toml and its data folder go
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    dir: PathBuf,
    /// Do it without asking
    #[arg(long)]
    yes: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(plan) = setup::plan(&args.dir, &setup::box_name())? else {
        terminal::note(
            "reprise.toml is there already; nothing was changed (`reprise config check` reads it)",
        );
        return Ok(ExitCode::SUCCESS);
    };
    if !args.yes {
        if !terminal::is_interactive() {
            bail!("ask about the first configuration: this is not a terminal; add --yes");
        }
        terminal::note(&format!(
            "This writes {}:\n\n{}",
            plan.file.display(),
            plan.text
        ));
        for (vault, password) in &plan.vaults {
            terminal::note(&format!(
                "and makes an encrypted vault in {},\nits random password in {}.",
                vault.display(),
                password.display()
            ));
        }
        if !terminal::confirm("Go on?")? {
            terminal::note("nothing was written");
            return Ok(ExitCode::FAILURE);
        }
    }
    setup::execute(&plan)?;
    terminal::note(&format!("configuration written: {}", plan.file.display()));
    Ok(ExitCode::SUCCESS)
}
