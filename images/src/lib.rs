//! OS images, and the agent that puts them on disks. Synchronous; knows the vault, no database,
//! no clock, no configuration.
//!
//! - `wire`: what agent and appliance tell each other
//! - `pairing`: the code that both show
//! - `import`, `catalogue`, `manifest`: a raw disk into the vault, what is there, chunk by chunk
//! - `deploy`: which disk gets which image, or why not (pure)
//! - `wipe`: which disk is erased, and where it is looked at afterwards (pure)
//! - `capture`: which disk becomes an image (pure)
//! - `language`: the two languages of a machine's own screen
//! - `secure_boot`: whom a firmware trusts, who signed a boot file (pure)
//! - `agent`: what runs inside the netboot environment
//! - `assets`: what a PC without a system fetches: kernel, initramfs, boot loaders

pub mod agent;
pub mod assets;
pub mod capture;
pub mod catalogue;
pub mod deploy;
mod error;
#[cfg(test)]
mod fixture;
mod hex;
pub mod import;
pub mod language;
pub mod manifest;
pub mod pairing;
pub mod secure_boot;
pub mod wipe;
pub mod wire;

pub use error::Error;
pub use pairing::pairing_code;
