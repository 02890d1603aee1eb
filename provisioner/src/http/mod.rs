//! The boot server over plain HTTP: firmware has no root certificates. Read-only, unauthenticated,
//! nothing secret; only what the policy gives each machine.
//!
//! `listener` accepts and limits, `connection` reads requests and sends answers, `router` decides them, `scripts` says
//! which script; `request`, `answer`, `range`, `script`, `menu` and `unlock` are pure, `stream` and `sendfile` send files.

mod answer;
mod connection;
mod listener;
mod menu;
mod range;
mod request;
mod router;
pub(crate) mod script;
pub(crate) mod scripts;
mod sendfile;
mod stream;
mod unlock;

pub(crate) use listener::serve;
#[cfg(fuzzing)]
pub use request::fuzz;
