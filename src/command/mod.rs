//! One file per noun. Each reads its arguments, asks the appliance through [`crate::door`], and
//! prints the answer.

pub(crate) mod agent;
pub(crate) mod boot;
pub(crate) mod config;
pub(crate) mod serve;
pub(crate) mod setup;
pub(crate) mod user;

use crate::cli::{Cli, Command};
use crate::{appliance, log};
use std::process::ExitCode;

pub(crate) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    // What we write is our user's only: state, passwords, vault. Restored files get their own modes.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let file = cli.config.as_deref();
    if !matches!(cli.command, Command::Serve(_)) {
        log::start_quietly();
    }
    let door = || crate::door::Door::open(appliance::configuration(file)?);
    match cli.command {
        Command::Serve(args) => serve::run(file, args),
        Command::Setup(args) => setup::run(&args),
        Command::Config(command) => config::run(file, command),
        Command::Boot(command) => boot::run(file, command),
        Command::Agent(args) => agent::run(args),
        Command::User(command) => user::run(&door()?, command),
    }
}
