//! `reprise vault diff`: what differs between two snapshots, or between a snapshot and what is there now.

use super::{Place, Said, problems};
use crate::terminal::{self, JsonList};
use crate::wire::vault::Change;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::ExitCode;
use vault::{Vault, Watch, diff};

#[derive(Debug, clap::Args)]
pub(crate) struct Diff {
    #[command(flatten)]
    pub(super) place: Place,
    /// A unique beginning of its id, `latest`, or PLAN@latest
    snapshot: String,
    /// The later snapshot; without one, the files as they are now
    other: Option<String>,
    /// Only this file or folder, as it was named when saved
    #[arg(long)]
    path: Option<OsString>,
    /// Compare with what was restored into this folder, not with where the files were
    #[arg(long, value_name = "FOLDER", conflicts_with = "other")]
    folder: Option<PathBuf>,
    /// Read the files and compare their content too, not only size and time
    #[arg(long, conflicts_with = "other")]
    content: bool,
    /// Prints JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) fn run(vault: &Vault, args: &Diff) -> anyhow::Result<ExitCode> {
    let old = vault.snapshot(&args.snapshot)?;
    let path = args.path.clone().unwrap_or_default();
    let path = path.as_bytes();
    let mut list = match args.json {
        true => Some(JsonList::begin()?),
        false => None,
    };
    let mut said = Said::default();
    let mut counts = [0u64; 3];
    let mut tell = |change: diff::Change| {
        let (sign, count) = match (&change.old, &change.new) {
            (None, _) => ('+', 0),
            (_, None) => ('-', 1),
            _ => ('M', 2),
        };
        counts[count] += 1;
        said.hear(match &mut list {
            Some(list) => list.item(&Change::of(&change)),
            None => terminal::line(&line(sign, &change)),
        })
    };
    let watch = Watch::new();
    let bad = match &args.other {
        Some(other) => {
            let new = vault.snapshot(other)?;
            diff::snapshots(vault, (&old, &new), path, &watch, &mut tell)
        }
        None => {
            let folder = args.folder.as_deref();
            diff::live(vault, &old, path, folder, args.content, &watch, &mut tell)
        }
    };
    let bad = said.or(bad)?;
    match list {
        Some(list) => list.end()?,
        None => terminal::note(&format!(
            "{} added, {} removed, {} changed",
            counts[0], counts[1], counts[2]
        )),
    }
    Ok(problems(&bad))
}

fn line(sign: char, change: &diff::Change) -> String {
    let path = String::from_utf8_lossy(change.path()).into_owned();
    let node = change.new.as_ref().or(change.old.as_ref());
    let slash = if node.is_some_and(vault::Node::is_dir) {
        "/"
    } else {
        ""
    };
    let what: Vec<_> = change.what.iter().map(|what| what.name()).collect();
    let what = match what.is_empty() {
        true => String::new(),
        false => format!("  ({})", what.join(", ")),
    };
    format!("{sign} {}{slash}{what}", terminal::shown(&path))
}
