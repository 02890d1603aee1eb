//! `reprise vault init`.

use super::{Place, now};
use crate::terminal;
use std::process::ExitCode;
use std::sync::Arc;
use vault::target::Target;
use vault::{KdfCost, Secret, Vault};

pub(super) fn init(place: &Place, password: &Secret) -> anyhow::Result<ExitCode> {
    let target = place.make()?;
    let shown = target.describe();
    Vault::create_labelled(Arc::new(target), password, KdfCost::NORMAL, "first", now())?;
    terminal::line(&format!("vault made: {shown}"))?;
    terminal::note(
        "Without its password nothing can be restored: keep it on paper in another place, or make a recovery key with `reprise vault key recovery`.",
    );
    Ok(ExitCode::SUCCESS)
}
