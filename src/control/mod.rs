//! The control socket: the same API as the console's, without log-in, for whoever can open the
//! state folder's socket (its owner only).

mod client;
mod server;

pub(crate) use client::{Client, encoded, encoded_bytes};
pub(crate) use server::{bind, router, serve};

use std::path::{Path, PathBuf};

/// The socket's place in a state folder.
pub(crate) fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("control.sock")
}
