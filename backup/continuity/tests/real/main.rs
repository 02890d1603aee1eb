//! Runs, proofs and restores on a real vault and a real database, in a folder that goes away.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail"
)]

mod bench;
mod disks;
mod erp;
mod notify;
mod opened;
mod proofs;
mod rebuilt;
mod restores;
mod runs;
mod schedule;
mod self_backup;
#[path = "../../../databases/tests/real/servers.rs"]
mod servers;
mod tidy;
mod troubles;
mod unprotected;
