//! The verbs that write: to the vault, or to a destination.

use super::read::{short, snapshot_json};
use super::{Place, folder_of, now, problems, watched};
use crate::terminal;
use anyhow::Context;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use vault::target::LocalTarget;
use vault::{KdfCost, Kind, Secret, Vault, backup};

pub(super) fn init(place: &Place, password: &Secret) -> anyhow::Result<ExitCode> {
    let folder = folder_of(place)?;
    match DirBuilder::new().mode(0o700).create(&folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => {
            let next = match error.kind() {
                io::ErrorKind::NotFound => "make its parent first",
                io::ErrorKind::ReadOnlyFilesystem => "mount it writable, or choose another folder",
                _ => "check what is mounted there and who may write, or choose another folder",
            };
            return Err(error)
                .with_context(|| format!("make the folder {}; {next}", folder.display()));
        }
    }
    let target = LocalTarget::open(&folder, place.must_be_mounted)?;
    Vault::create_labelled(Arc::new(target), password, KdfCost::NORMAL, "first", now())?;
    terminal::line(&format!("vault made: {}", folder.display()))?;
    terminal::note(
        "Without its password nothing can be restored: keep it on paper in another place, or make a recovery key with `reprise vault key recovery`.",
    );
    Ok(ExitCode::SUCCESS)
}

pub(super) fn backup(
    vault: &Vault,
    folders: Vec<PathBuf>,
    plan: String,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let absolute = |folder: &PathBuf| std::path::absolute(folder);
    let request = backup::Request {
        kind: Kind::Files,
        plan,
        host: rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
        roots: folders
            .iter()
            .map(absolute)
            .collect::<Result<_, _>>()
            .context("find the folders to save")?,
        now_ms: now(),
        end_ms: &now,
    };
    let ((snapshot, bad), took) = watched("save", |watch| backup::run(vault, &request, watch))?;
    if json {
        terminal::json(&snapshot_json(&snapshot))?;
    } else {
        terminal::line(&format!(
            "snapshot {}: {} files, {}, {} added, {}",
            short(&snapshot),
            snapshot.files,
            terminal::bytes(snapshot.bytes),
            terminal::bytes(snapshot.stored_bytes),
            terminal::duration(took)
        ))?;
    }
    Ok(problems(&bad))
}
