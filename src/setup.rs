//! What makes a configuration: a first start's files without a question, and the questions of `reprise setup`.
//!
//! - [`interview`]: the questions in their order, [`answers`]: where answers come from, [`words`]: how they are put.
//! - [`application`]: Dolibarr or Nextcloud in a folder that was named.
//! - [`place`]: where copies go, tried at once; [`blocks`]: what is added to the configuration, pure.
//! - [`finish`]: service, paper key, what to do next.
//!
//! The first start's files are a configuration, the vault's password, the vault. Made in an order
//! that can be cut off anywhere and taken up again (the configuration comes last), and nothing
//! that exists is ever overwritten.

pub(crate) mod answers;
mod application;
pub(crate) mod blocks;
pub(crate) mod finish;
pub(crate) mod interview;
pub(crate) mod place;
pub(crate) mod words;

use crate::{file as files, terminal};
use anyhow::{Context, bail};
use config::{Config, DefaultOptions, Locale};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vault::target::LocalTarget;
use vault::{KdfCost, Secret, Vault};

/// What a first start would do, to be shown before it is done.
#[derive(Debug, PartialEq)]
pub(crate) struct SetupPlan {
    pub(crate) file: PathBuf,
    pub(crate) text: String,
    pub(crate) passwords: Vec<PathBuf>,
    pub(crate) vaults: Vec<(PathBuf, PathBuf)>,
}

/// Plans the first start in `dir`; `None` when a configuration is there already.
pub(crate) fn plan(dir: &Path, name: &str) -> anyhow::Result<Option<SetupPlan>> {
    let dir =
        std::path::absolute(dir).with_context(|| format!("find the folder {}", dir.display()))?;
    let file = dir.join("reprise.toml");
    if file.symlink_metadata().is_ok() {
        return Ok(None);
    }
    let text = config::default_text(&options("reprise-data", name, true));
    let config: Config = config::parse(&text, &file)?;
    Ok(Some(SetupPlan {
        file,
        text,
        passwords: config
            .targets
            .iter()
            .map(|t| t.password_file.clone())
            .collect(),
        vaults: config
            .targets
            .iter()
            .filter_map(|t| Some((t.folder()?.to_owned(), t.password_file.clone())))
            .collect(),
    }))
}

/// A configuration with a console and nothing to save yet, as the package puts it in place; false when one is there.
pub(crate) fn base(file: &Path) -> anyhow::Result<bool> {
    if file.symlink_metadata().is_ok() {
        return Ok(false);
    }
    let folder = file.parent().unwrap_or(Path::new("/"));
    // The system's own places for the system's own configuration.
    let data = match folder == Path::new("/etc/reprise") {
        true => "/var/lib/reprise",
        false => "reprise-data",
    };
    let text = config::default_text(&options(data, &box_name(), false));
    files::folder(folder)?;
    files::publish_new(file, text.as_bytes())
        .with_context(|| format!("write {}; make its folder writable", file.display()))?;
    Ok(true)
}

fn options(dir: &str, name: &str, has_vault: bool) -> DefaultOptions {
    let zone = jiff::tz::TimeZone::system();
    DefaultOptions {
        dir: dir.to_owned(),
        name: name.to_owned(),
        locale: language(),
        timezone: zone.iana_name().unwrap_or("Europe/Paris").to_owned(),
        has_vault,
    }
}

/// The language of whoever sits at the terminal (locale(7)); French where nobody says.
#[expect(
    clippy::disallowed_methods,
    reason = "the language of a person comes with the session, not with the configuration that is yet to be made"
)]
pub(crate) fn language() -> Locale {
    let said = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    match said.as_deref() {
        Some(other)
            if !other.starts_with("fr")
                && !["C", "POSIX"].contains(&other)
                && !other.starts_with("C.") =>
        {
            Locale::En
        }
        _ => Locale::Fr,
    }
}

/// Does what was planned.
pub(crate) fn execute(plan: &SetupPlan) -> anyhow::Result<()> {
    for password in &plan.passwords {
        make_password(password)?;
    }
    for (folder, password) in &plan.vaults {
        make_vault(folder, password)?;
    }
    files::publish_new(&plan.file, plan.text.as_bytes())
        .with_context(|| format!("write {}; make its folder writable", plan.file.display()))
}

fn make_password(path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        files::folder(folder)?;
    }
    files::publish_new(path, format!("{}\n", state::id::password()).as_bytes()).with_context(
        || {
            format!(
                "write the vault's password to {}; make its folder writable",
                path.display()
            )
        },
    )?;
    terminal::note(&format!(
        "vault password: {} (mode 0600)\n  Without it nothing can be restored, and this box may burn: copy it to paper or another place now.",
        path.display()
    ));
    Ok(())
}

fn make_vault(folder: &Path, password: &Path) -> anyhow::Result<()> {
    files::folder(folder)?;
    let secret = Secret::from_file(password)?;
    let target = Arc::new(LocalTarget::open(folder, false)?);
    match Vault::create(target.clone(), &secret, KdfCost::NORMAL) {
        Ok(_) => {
            terminal::note(&format!("vault made: {}", folder.display()));
            Ok(())
        }
        // An earlier first start was cut off after this step; its vault must open with our password.
        Err(vault::Error::AlreadyAVault { .. }) => {
            Vault::open(target, &secret)?;
            Ok(())
        }
        Err(other) => bail!(other),
    }
}

/// The appliance's name in a first configuration: this box's own.
pub(crate) fn box_name() -> String {
    let host = rustix::system::uname();
    let name = host.nodename().to_string_lossy();
    let first = name.split('.').next().unwrap_or_default();
    match first {
        "" | "localhost" => "reprise".to_owned(),
        name => name.to_owned(),
    }
}
