//! One file per noun. Each reads its arguments, asks the appliance through [`crate::door`], and
//! prints the [`answer`].

pub(crate) mod agent;
mod answer;
pub(crate) mod boot;
pub(crate) mod config;
pub(crate) mod database;
pub(crate) mod dhcp;
pub(crate) mod host;
pub(crate) mod image;
pub(crate) mod manual;
pub(crate) mod notify;
pub(crate) mod plan;
pub(crate) mod pra;
pub(crate) mod proof;
pub(crate) mod recover;
pub(crate) mod restore;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod session;
pub(crate) mod setup;
pub(crate) mod snapshot;
pub(crate) mod state;
pub(crate) mod target;
pub(crate) mod unprotected;
pub(crate) mod user;
pub(crate) mod vault;

use crate::cli::{Cli, Command};
use crate::door::Door;
use crate::{appliance, log};
use std::process::ExitCode;

pub(crate) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    // What we write is our user's only: state, passwords, vault. Restored files get their own modes.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let file = cli.config.as_deref();
    if !matches!(cli.command, Command::Serve(_)) {
        log::start_quietly();
    }
    let door = || Door::open(appliance::configuration(file)?);
    match cli.command {
        Command::Serve(args) => serve::run(file, &args),
        Command::Setup(args) => setup::run(file, &args),
        Command::Recover(args) => recover::run(&args),
        Command::Config(command) => config::run(file, command),
        Command::Plan(command) => plan::run(&door()?, command),
        Command::Run(command) => self::run::run(&door()?, command),
        Command::Snapshot(command) => snapshot::run(&door()?, command),
        Command::Restore(args) => restore::run(&door()?, &args),
        Command::Proof(command) => proof::run(&door()?, command),
        Command::Database(command) => database::run(&door()?, command),
        Command::Pra(command) => pra::run(&door()?, &command),
        Command::Host(command) => host::run(&door()?, command),
        Command::Dhcp(command) => dhcp::run(&door()?, command),
        Command::Image(command) => image::run(&door()?, command),
        Command::Session(command) => session::run(&door()?, command),
        Command::Boot(command) => boot::run(file, command),
        Command::Unprotected(command) => unprotected::run(&door()?, command),
        Command::Target(command) => target::run(&door()?, command),
        Command::Notify(command) => notify::run(&door()?, &command),
        Command::State(command) => self::state::run(&appliance::configuration(file)?, command),
        Command::Manual(args) => manual::run(&args),
        Command::User(command) => user::run(&door()?, command),
        Command::Vault(args) => self::vault::run(*args),
        Command::Agent(args) => agent::run(args),
    }
}
