//! `reprise boot menu-password`: the hash of a password, as a line for the configuration.

use crate::terminal;
use anyhow::{Context, ensure};
use std::path::Path;
use std::process::ExitCode;

/// It is typed on a screen where anybody may look, and travels in the clear: long enough against guessing.
const SHORTEST: usize = 8;

pub(super) fn run(file: Option<&Path>) -> anyhow::Result<ExitCode> {
    let password = match file {
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("read the password from {}", file.display()))?
            .trim_end_matches(['\r', '\n'])
            .to_owned(),
        None => terminal::new_password("Password for the menu at PCs: ")?,
    };
    let length = password.chars().count();
    ensure!(
        (SHORTEST..=state::password::LONGEST).contains(&length),
        "take that password: it has {length} characters; between {SHORTEST} and {} are asked for",
        state::password::LONGEST
    );
    ensure!(
        password.chars().all(|c| c.is_ascii_graphic() || c == ' '),
        "take that password: the keyboard of a PC that starts knows no letters with accents; use plain ones"
    );
    let hash = state::password::hash(&password).context("make the line")?;
    terminal::note("put this into reprise.toml, then restart reprise serve:");
    terminal::line("[boot]")?;
    terminal::line(&format!("menu_password = \"{hash}\""))?;
    Ok(ExitCode::SUCCESS)
}
