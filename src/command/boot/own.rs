//! `reprise boot assets add` and `remove`: boot files of the admin's own, each under its pinned hash.

use crate::terminal;
use anyhow::{Context, bail};
use clap::Args;
use images::assets::own;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The file, as its publisher gives it, unpacked
    file: PathBuf,
    /// Its SHA-256, from where it is published; a file that differs is refused, now and whenever it is served
    #[arg(long, value_name = "HASH")]
    sha256: String,
    /// What it is: snponly.efi, undionly.kpxe, snponly-shim.efi, wimboot, memtest.efi or memtest.bin
    #[arg(long = "as", value_name = "NAME")]
    name: String,
    /// The folder of built files beside which it goes, instead of the appliance's own
    #[arg(long, value_name = "FOLDER")]
    pub(super) dir: Option<PathBuf>,
}

pub(super) fn add(assets: &Path, asked: &Add) -> anyhow::Result<ExitCode> {
    let dir = own::folder(assets);
    let added = own::add(&dir, &asked.file, &asked.sha256, &asked.name)
        .with_context(|| format!("add {}", asked.file.display()))?;
    let boots = own::boots(&added.name).unwrap_or_default();
    terminal::note(&format!(
        "{}: {}, {boots}; PCs get it from now on, and no other content under that name",
        dir.join(&added.name).display(),
        terminal::bytes(added.size_bytes)
    ));
    if added.name == "snponly-shim.efi" {
        terminal::note("it starts a signed snponly.efi of the same release: add that one too");
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn remove(assets: &Path, name: &str) -> anyhow::Result<ExitCode> {
    let dir = own::folder(assets);
    if !own::remove(&dir, name).with_context(|| format!("remove {name}"))? {
        bail!(
            "remove {name}: nothing was added under that name; `reprise boot assets list` shows what was"
        );
    }
    terminal::note(&format!("{name}: removed"));
    Ok(ExitCode::SUCCESS)
}
