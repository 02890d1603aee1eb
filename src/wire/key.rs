//! What was typed back from paper, on the control socket.

use serde::Deserialize;

/// The words of a recovery key.
#[derive(Deserialize)]
pub(crate) struct Typed {
    pub(crate) secret: String,
}
