//! The command line, one definition: nouns first, each in its own file under `command/`.

use crate::command::{
    agent, boot, config, database, dhcp, host, image, manual, notify, plan, pra, proof, recover,
    restore, run, serve, session, setup, snapshot, state, target, unprotected, user, vault,
};
use crate::{terminal, version};
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Deploys PCs over the network, saves the company every night, restores it for real to prove it.
#[derive(Debug, Parser)]
#[command(name = "reprise", version = version::LONG, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Cli {
    /// The configuration; else ./reprise.toml, else /etc/reprise/reprise.toml
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "REPRISE_CONFIG",
        hide_env = true
    )]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The appliance: network boot, schedule, console
    Serve(serve::Args),
    /// Asks, explains, writes the first configuration and makes the first vault
    Setup(setup::Args),
    /// The appliance itself, on a bare machine, from one of its vaults
    Recover(recover::Args),
    /// A commented configuration; check one
    #[command(subcommand)]
    Config(config::Command),
    /// What is protected, when, where
    #[command(subcommand)]
    Plan(plan::Command),
    /// The backups that ran or are running
    #[command(subcommand)]
    Run(run::Command),
    /// What this box can see and nobody saves
    #[command(subcommand)]
    Unprotected(unprotected::Command),
    /// The places of the copies: what is plugged in, how old each copy is
    #[command(subcommand)]
    Target(target::Command),
    /// What a vault holds
    #[command(subcommand)]
    Snapshot(snapshot::Command),
    /// Brings files back from a snapshot
    Restore(restore::Args),
    /// Restore tests and their evidence
    #[command(subcommand)]
    Proof(proof::Command),
    /// Proven copies of databases, open to be read for a while
    #[command(subcommand)]
    Database(database::Command),
    /// Could the company restart today?
    #[command(subcommand)]
    Pra(pra::Command),
    /// The PCs that asked to boot
    #[command(subcommand)]
    Host(host::Command),
    /// System images
    #[command(subcommand)]
    Image(image::Command),
    /// Deployments of one image to one host
    #[command(subcommand)]
    Session(session::Command),
    /// What PCs boot from the network
    #[command(subcommand)]
    Boot(boot::Command),
    /// The addresses this box gives, where it is the DHCP server
    #[command(subcommand)]
    Dhcp(dhcp::Command),
    /// Messages to people: what waits, what was sent, a try
    #[command(subcommand)]
    Notify(notify::Command),
    /// Copies of what the appliance knows, kept from before upgrades
    #[command(subcommand)]
    State(state::Command),
    /// Writes man pages and completions into a folder
    #[command(hide = true)]
    Manual(manual::Args),
    /// Who may log in to the console
    #[command(subcommand)]
    User(user::Command),
    /// Works on a vault alone, without appliance, configuration or state
    Vault(Box<vault::Args>),
    /// Inside the netboot environment: reports this PC, writes its disk when told to
    Agent(agent::Args),
}

/// Parses the arguments of this process; help and mistakes are printed here.
pub(crate) fn parse() -> Result<Cli, ExitCode> {
    Cli::try_parse().map_err(|error| {
        if error.use_stderr() {
            terminal::note(error.to_string().trim_end());
            return ExitCode::from(2);
        }
        match terminal::line(error.to_string().trim_end()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }
}
