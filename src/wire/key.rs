//! What was typed back from paper, on the control socket.

use serde::Deserialize;

/// The words of a recovery key, or a password of the vault.
#[derive(Deserialize)]
pub(crate) struct Typed {
    pub(crate) secret: String,
}
