//! Vault passwords typed back from paper: a copy nobody can open protects nobody.

use crate::handle::{Continuity, Error};
use state::Timestamp;

/// Who last showed that a target's password exists outside the appliance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    pub target: String,
    pub by: String,
    pub at: Timestamp,
}

/// Opens the vault of `target` with the password that `by` typed, and records that it worked.
pub async fn confirm(
    continuity: &Continuity,
    target: &str,
    password: vault::Secret,
    by: &str,
) -> Result<(), Error> {
    continuity.vaults.open_with(target, password).await?;
    crate::records::confirm_key(&continuity.db, target, by, continuity.clock.now()).await?;
    Ok(())
}
