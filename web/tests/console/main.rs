//! The console's router without sockets: who may do what, what every answer carries, that nothing
//! hostile comes through unescaped, and what comes out of a vault.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on must fail"
)]

mod access;
mod bench;
mod events;
mod hosts;
mod shown;
mod snapshots;
