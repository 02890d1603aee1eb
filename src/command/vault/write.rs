//! `reprise vault init`.

use super::{Place, folder_of, now};
use crate::terminal;
use anyhow::Context;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::process::ExitCode;
use std::sync::Arc;
use vault::target::LocalTarget;
use vault::{KdfCost, Secret, Vault};

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
