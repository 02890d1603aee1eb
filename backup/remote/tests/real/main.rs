//! Vaults on a real OpenSSH server on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod contract;
mod hosts;
mod limits;
mod nas;
mod nights;
mod restores;
mod vaults;
