//! `reprise user`: a way in for whoever lost theirs and can open the state folder.

use crate::door::Door;
use crate::terminal;
use clap::Subcommand;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes a new one-time password, and ends the user's sessions
    Password {
        #[arg(default_value = "admin")]
        name: String,
    },
}

pub(crate) fn run(door: &Door, command: Command) -> anyhow::Result<ExitCode> {
    let Command::Password { name } = command;
    let password = door.post_text(&format!(
        "/control/users/{}/password",
        crate::control::encoded(&name)
    ))?;
    terminal::line(&password)?;
    terminal::note("good for one log-in, where a new password is chosen");
    Ok(ExitCode::SUCCESS)
}
