//! `reprise config`: a commented example, and the check of one.

use crate::terminal;
use clap::Subcommand;
use std::path::Path;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prints a complete commented configuration
    Example,
    /// Checks the configuration; every error at once, with line and column
    Check,
}

pub(crate) fn run(file: Option<&Path>, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Example => terminal::line(config::example().trim_end())?,
        Command::Check => {
            let path = config::find(file)?;
            match config::load(&path) {
                Ok(config) => terminal::line(&format!(
                    "{}: good; {} network(s), {} target(s), {} plan(s)",
                    path.display(),
                    config.networks.len(),
                    config.targets.len(),
                    config.plans.len()
                ))?,
                Err(complaints) => {
                    for complaint in &complaints.0 {
                        terminal::note(&complaint.to_string());
                    }
                    return Ok(ExitCode::FAILURE);
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
