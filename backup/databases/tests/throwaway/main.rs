//! Throw-away servers of both engines, started for real: what is loaded in them, and what a hostile dump does not get.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

mod fixture;
mod hostile;
mod loading;
mod opened;
mod proof;
#[path = "../real/servers.rs"]
#[expect(dead_code, reason = "the dump's own tests use the rest")]
mod servers;
