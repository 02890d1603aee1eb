//! Addresses, where this box is the DHCP server. An address is never given to two machines.
//!
//! - `holder`: who a client is; `pool`: which address is whose, `reserved`: what is kept for whom, `declined`: what its
//!   holders found in use (pure); `decide`: what a request gets (pure); `options`: what a machine is told besides
//! - `record` and `journal`: leases as lines of a file, `mark`: how far it was written; `writer`: durable before they are answered
//! - `records`: the registry's machines, for whom the last places and fixed addresses are kept
//! - `probe`: asks the network whether an address is in use
//! - `unserved`: a subnet that no wire and no relay reaches
//! - `desk`: one interface's requests; `leases`: the one book of all interfaces

pub(crate) mod decide;
mod declined;
pub(crate) mod desk;
pub(crate) mod holder;
mod journal;
mod leases;
mod mark;
pub(crate) mod options;
pub(crate) mod pool;
mod probe;
mod record;
mod records;
pub(crate) mod reserved;
pub(crate) mod unserved;
mod writer;

pub use leases::{Error, Leases, Shown};
