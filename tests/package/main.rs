//! The Debian package, from its making to its purge, in a bare Debian; and the tour of docs/tour.md through it.
//!
//! - [`deb`]: makes the package, once for all tests; [`room`]: a bare Debian of its own, without network.
//! - `install`: installed, started as its unit says, upgraded, removed, purged.
//! - `tour`: the very commands of docs/tour.md; [`erp`]: the company's Dolibarr in it.
//!
//! Needs root and the packages in `packages.txt`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

mod deb;
mod erp;
#[path = "../e2e/harness/mod.rs"]
mod harness;
mod install;
#[path = "../../backup/remote/tests/real/nas.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "the NAS of another package's tests; not everything it can is needed here"
)]
mod nas;
mod room;
mod tour;
