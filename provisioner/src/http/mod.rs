//! The boot server over plain HTTP: firmware has no root certificates. Read-only, unauthenticated,
//! nothing secret; only what the policy gives each machine.
//!
//! `listener` accepts and limits, `router` answers, `scripts` says which script; `range`, `script`,
//! `menu` and `unlock` are pure, `stream` and `pieces` send files.

mod listener;
mod menu;
mod pieces;
mod range;
mod router;
pub(crate) mod script;
pub(crate) mod scripts;
mod stream;
mod unlock;

pub(crate) use listener::serve;
