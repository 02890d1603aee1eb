//! `reprise agent`: what runs on a PC that booted from the network. Everything it needs stands on
//! the kernel's command line; by hand it is told with options, and then never restarts the machine.

use crate::{terminal, version};
use anyhow::Context;
use clap::Args as ClapArgs;
use images::agent::{self, Options, Outcome};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The appliance: https://ADDRESS:PORT
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// SHA-256 of the appliance's certificate, as reprise serve prints it
    #[arg(long, value_name = "HEX")]
    fingerprint: Option<String>,
    /// The MAC address this machine is known by
    #[arg(long, value_name = "MAC")]
    mac: Option<String>,
    /// A folder with sys, proc and dev of a machine that is not this one
    #[arg(long, value_name = "FOLDER", hide = true)]
    root: Option<PathBuf>,
    /// How long the screen says what will be lost
    #[arg(long, value_name = "SECONDS", hide = true)]
    confirm: Option<u64>,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let cmdline = match &args.root {
        Some(_) => String::new(),
        None => std::fs::read_to_string("/proc/cmdline").context("read /proc/cmdline")?,
    };
    let mut options = Options::from_command_line(
        &cmdline,
        args.server.as_deref(),
        args.fingerprint.as_deref(),
        args.mac.as_deref(),
        version::LONG,
    )?;
    if let Some(root) = args.root {
        options.sys_root = root.join("sys");
        options.proc_root = root.join("proc");
        options.dev_root = root.join("dev");
    }
    if let Some(seconds) = args.confirm {
        options.confirm = Duration::from_secs(seconds);
    }
    match agent::run(&options)? {
        Outcome::Deployed { .. }
        | Outcome::Erased { .. }
        | Outcome::Captured { .. }
        | Outcome::LocalDisk { .. } => Ok(ExitCode::SUCCESS),
        Outcome::NotDeployed { why } => {
            terminal::note(&format!("reprise: not done: {why}"));
            Ok(ExitCode::FAILURE)
        }
    }
}
