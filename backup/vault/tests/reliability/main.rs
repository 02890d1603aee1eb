//! What may go wrong below a vault and must not harm it: targets that fail, lie and lose power, damage, years of use.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod chance;
mod content;
mod contract;
mod crash;
mod damage;
mod faulty;
mod local;
mod model;
mod sim;
#[path = "../support/mod.rs"]
mod support;
mod years;
