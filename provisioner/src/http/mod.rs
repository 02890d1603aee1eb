//! The boot server over plain HTTP: firmware has no root certificates. Read-only, unauthenticated,
//! nothing secret; only what the policy gives each machine.
//!
//! `listener` accepts and limits, `router` answers, `range` and `script` are pure, `stream` sends
//! files.

mod listener;
mod range;
pub(crate) mod router;
pub(crate) mod script;
mod stream;

pub(crate) use listener::serve;
