//! `reprise boot`: what PCs boot from the network.

use super::answer::{self, items, text};
use crate::control::encoded;
use crate::door::Door;
use crate::{appliance, file as files, terminal, version};
use anyhow::Context;
use clap::{Args, Subcommand};
use images::assets::{self, Assets, BuildOptions};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod list;
mod own;
mod password;
mod stick;
mod trace;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Kernel, initramfs and boot loaders
    #[command(subcommand)]
    Assets(AssetsCommand),
    /// What a PC did at its last power-ons, and why it did not boot
    Trace(trace::Trace),
    /// What a host would get from the network now, and why
    Explain {
        /// Its id, name or MAC
        host: String,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// What a host gets at its next network boot, exactly once, within a day
    Next {
        /// Its id, name or MAC
        host: String,
        /// `menu`, `memtest`, `rescue`, the name of a boot entry of the configuration, or `none` to withdraw
        entry: String,
    },
    /// Makes a stick that starts the agent, for PCs without network boot
    Stick(stick::Stick),
    /// Asks for a password for the menu at PCs, and prints the line for the configuration
    MenuPassword {
        /// Read it from this file, instead of asking
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AssetsCommand {
    /// Makes them from Debian's packages (downloaded and unpacked, never installed) and this binary
    Build(Build),
    /// Adds a file of your own, or replaces one of Debian's, under the SHA-256 that its publisher gives
    Add(own::Add),
    /// Takes a file of your own away again
    Remove {
        /// The name it was added under
        name: String,
        /// The folder of built files beside which it lies, instead of the appliance's own
        #[arg(long, value_name = "FOLDER")]
        dir: Option<PathBuf>,
    },
    /// Lists each file: what it boots, its version, its SHA-256, who signed it
    List {
        /// The folder, instead of the appliance's own
        #[arg(long, value_name = "FOLDER")]
        dir: Option<PathBuf>,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Says what they were made of
    Show {
        /// The folder, instead of the appliance's own
        #[arg(long, value_name = "FOLDER")]
        dir: Option<PathBuf>,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Build {
    /// Where to put them, instead of the appliance's own folder
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// An unpacked Debian kernel package, instead of the download
    #[arg(long, value_name = "FOLDER")]
    kernel: Option<PathBuf>,
    /// An unpacked Debian ipxe package, instead of the download
    #[arg(long, value_name = "FOLDER")]
    ipxe: Option<PathBuf>,
    /// An unpacked Debian busybox-static package, instead of the download
    #[arg(long, value_name = "FOLDER")]
    busybox: Option<PathBuf>,
    /// An unpacked Debian shim-signed package, instead of the download
    #[arg(long, value_name = "FOLDER")]
    shim: Option<PathBuf>,
    /// An unpacked Debian grub-efi-amd64-signed package, instead of the download
    #[arg(long, value_name = "FOLDER")]
    grub: Option<PathBuf>,
    /// An unpacked Debian memtest86+ package, instead of the download
    #[arg(long, value_name = "FOLDER")]
    memtest: Option<PathBuf>,
    /// Keep those that are there, if this version made them
    #[arg(long)]
    if_missing: bool,
}

pub(crate) fn run(file: Option<&Path>, command: Command) -> anyhow::Result<ExitCode> {
    let command = match command {
        Command::Assets(command) => command,
        Command::Trace(args) => {
            return trace::run(&Door::open(appliance::configuration(file)?)?, &args);
        }
        Command::Explain { host, json } => return explain(&door(file)?, &host, json),
        Command::Next { host, entry } => return next(&door(file)?, &host, &entry),
        Command::Stick(asked) => return stick::run(file, &asked),
        Command::MenuPassword { password_file } => return password::run(password_file.as_deref()),
    };
    let folder = |given: Option<PathBuf>| match given {
        Some(folder) => anyhow::Ok(folder),
        None => {
            let config = appliance::configuration(file)?;
            files::folder(&config.appliance.state_dir)?;
            Ok(appliance::assets_dir(&config))
        }
    };
    match command {
        AssetsCommand::Build(mut build) => {
            let out = folder(build.out.take())?;
            self::build(out, build)
        }
        AssetsCommand::Add(mut asked) => {
            let dir = folder(asked.dir.take())?;
            own::add(&dir, &asked)
        }
        AssetsCommand::Remove { name, dir } => own::remove(&folder(dir)?, &name),
        AssetsCommand::List { dir, json } => {
            let assets = assets::load(&folder(dir)?).context("load the boot assets")?;
            list::run(&assets, json)
        }
        AssetsCommand::Show { dir, json } => {
            let assets = assets::load(&folder(dir)?).context("load the boot assets")?;
            show(&assets, json)
        }
    }
}

fn door(file: Option<&Path>) -> anyhow::Result<Door> {
    Door::open(appliance::configuration(file)?)
}

fn explain(door: &Door, host: &str, json: bool) -> anyhow::Result<ExitCode> {
    let boots = door.get(&format!("/api/hosts/{}/boot", encoded(host)))?;
    let head = ["mac", "gets", "rule", "why"];
    let done = answer::list(json, &boots, items(&boots["cards"]), &head, |card| {
        let rule = card["rule"].as_u64().map(|rule| rule.to_string());
        vec![
            text(card, "mac"),
            text(card, "gets"),
            rule.unwrap_or_else(|| "-".to_owned()),
            text(card, "why"),
        ]
    });
    let next = &boots["next"];
    if !json && next.is_object() {
        terminal::note(&format!(
            "asked by {}: its next network boot gets {}, once, until {}",
            text(next, "by"),
            text(next, "entry"),
            door.when(&next["expires_ms"])
        ));
    }
    done
}

fn next(door: &Door, host: &str, entry: &str) -> anyhow::Result<ExitCode> {
    let wish = match entry {
        "none" => serde_json::Value::Null,
        entry => entry.into(),
    };
    let next = door.post(
        &format!("/api/hosts/{}/next", encoded(host)),
        &serde_json::json!({ "entry": wish }),
    )?;
    match next.is_object() {
        true => terminal::note(&format!(
            "its next network boot gets {}, once, until {}; choose the network in its boot menu, or `reprise host wake {host}` if it starts by that",
            text(&next, "entry"),
            door.when(&next["expires_ms"])
        )),
        false => terminal::note("withdrawn; it boots as usual"),
    }
    Ok(ExitCode::SUCCESS)
}

fn build(out: PathBuf, asked: Build) -> anyhow::Result<ExitCode> {
    if asked.if_missing && assets::load(&out).is_ok_and(|a| is_ours(&a)) {
        return Ok(ExitCode::SUCCESS);
    }
    let binary = std::env::current_exe().context("find this program's own file")?;
    let options = BuildOptions {
        out,
        binary,
        version: version::LONG.to_owned(),
        mtime_s: version::commit_seconds(),
        kernel: asked.kernel,
        ipxe: asked.ipxe,
        busybox: asked.busybox,
        shim: asked.shim,
        grub: asked.grub,
        memtest: asked.memtest,
    };
    let built = assets::build(&options, &mut |line| terminal::note(line))
        .context("build the boot assets")?;
    terminal::note(&format!("boot assets: {}", built.dir.display()));
    Ok(ExitCode::SUCCESS)
}

/// Made by this very version, so that appliance and agent never differ.
fn is_ours(assets: &Assets) -> bool {
    assets
        .made_of
        .iter()
        .any(|(part, made)| part == "reprise" && made == version::LONG)
}

fn show(assets: &Assets, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        let parts = assets
            .made_of
            .iter()
            .map(|(k, v)| (k.clone(), v.clone().into()));
        let value = serde_json::json!({
            "dir": assets.dir,
            "made_of": serde_json::Map::from_iter(parts),
            "current": is_ours(assets),
        });
        terminal::json(&value)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = assets
        .made_of
        .iter()
        .map(|(part, made)| vec![part.clone(), made.clone()])
        .collect();
    terminal::table(&["part", "version"], &rows)?;
    if !is_ours(assets) {
        terminal::note(
            "made by another version of reprise; `reprise boot assets build` makes them anew",
        );
    }
    Ok(ExitCode::SUCCESS)
}
