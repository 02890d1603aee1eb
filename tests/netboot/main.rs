//! Network boot for real: PCs under emulation, the DHCP server that was there before, and the real
//! `reprise serve` in proxy mode beside it, in network namespaces that are always removed.
//!
//! - `bios`, `uefi`: a PC from its first sight to the system it is given, and then left alone
//! - `secure_boot`: a PC that starts only what is signed
//! - `wipe`: a disk that is erased, and the shell for whoever wants to look
//! - `unapproved`: a PC that has a system, and that nobody approves
//! - `journey`: the steps both go through; `stranger`: what somebody else on the network gets meanwhile
//! - `matrix`: every firmware beside every network, as far as the agent
//! - `net`, `dhcp`, `machine`, `system`: the network and its DHCP server, the PC, and the system it is given
//! - `appliance`: the server with its boot assets; `shell`: the tools of the rig
//!
//! Needs root and the packages in `packages.txt`.

#[allow(
    clippy::expect_used,
    clippy::panic,
    reason = "shared with the other end-to-end tests, which use more of it"
)]
#[path = "../e2e/harness/mod.rs"]
mod harness;

mod appliance;
mod bios;
mod dhcp;
mod journey;
mod machine;
mod matrix;
mod net;
mod secure_boot;
mod shell;
mod stranger;
mod system;
mod uefi;
mod unapproved;
mod wipe;
