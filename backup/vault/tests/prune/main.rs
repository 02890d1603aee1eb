//! Forgetting and deleting: nothing that is needed goes, whoever writes meanwhile; and everything else does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod chain;
mod forget;
mod repair;
mod sessions;
#[path = "../support/mod.rs"]
mod support;
mod sweep;
mod world;
