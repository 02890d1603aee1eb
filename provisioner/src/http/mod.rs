//! The boot server over plain HTTP: firmware has no root certificates. Read-only, unauthenticated,
//! nothing secret; only what the policy gives each machine.
//!
//! `listener` accepts and limits, `router` answers, `range` and `script` are pure, `stream` and
//! `pieces` send files.

mod listener;
mod menu;
mod pieces;
mod range;
pub(crate) mod router;
pub(crate) mod script;
mod stream;

pub(crate) use listener::serve;
