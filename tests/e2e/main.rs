//! The real binary on loopback and in network namespaces: one file per noun.
//!
//! `harness/` starts it, asks it, and ends it; every folder, mount, namespace and process a test makes
//! is gone when the test ends, also when it fails.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

mod backup;
mod boot_files;
mod capture;
mod command;
mod config;
mod console;
mod deploy;
mod dhcp;
mod distant;
mod harness;
mod hostile;
mod hosts;
mod keys;
mod killed;
#[path = "../../backup/remote/tests/real/nas.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "the NAS of another package's tests; not everything it can is needed here"
)]
mod nas;
mod network;
mod night;
mod notify;
mod places;
mod plans;
mod proofs;
mod rebuilt;
mod recover;
mod restore;
#[path = "../../backup/databases/tests/real/servers.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "the servers of another package's tests; not everything they can is needed here"
)]
mod servers;
mod setup;
mod start;
mod state;
mod target;
mod vault;
