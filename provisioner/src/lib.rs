//! The boot server: what a machine that asks the network for help gets, and the machines and
//! deployments it knows.
//!
//! - `dhcp`: ports 67 and 4011: as proxy (never gives an address) or as the DHCP server (`lease`)
//! - `dhcp6`: the same over IPv6, on ports 547 and 4011; `ipv6`: at which address
//! - `tftp`, `http`: boot loaders, scripts, kernel and initramfs; read-only, unauthenticated
//! - `boot`: who is asking (`client`), for what (`path`), and what it gets now (`policy`, pure)
//! - [`flight`]: what each machine did at every power-on
//! - [`host`]: the registry of machines; [`session`]: one image onto one host, and the agent's API
//! - [`outgoing`]: HTTP to servers of the company
//! - [`serve()`]: the sockets of every interface, tried again until they work

mod boot;
mod dhcp;
mod dhcp6;
pub mod flight;
pub mod host;
mod http;
mod interface;
mod ipv6;
pub mod mac;
pub mod outgoing;
pub mod ports;
mod rate;
mod records;
mod serve;
pub mod session;
mod socket;
pub mod tftp;
mod trouble;

pub use boot::attempts::Attempts;
pub use boot::explain::{Explanation, explain};
pub use boot::heard::Heard;
pub use boot::negotiations::Negotiations;
#[cfg(fuzzing)]
pub use dhcp::fuzz as dhcp_fuzz;
pub use dhcp::lease;
#[cfg(fuzzing)]
pub use dhcp6::fuzz as dhcp6_fuzz;
#[cfg(fuzzing)]
pub use http::fuzz as http_fuzz;
pub use mac::Mac;
pub use ports::{Ports, PortsBoard};
pub use serve::{Boot, OpenVault, StoreImage, serve};
pub use session::api::agent_router;

/// Brings the tables of hosts and sessions up to date.
pub async fn migrate(db: &state::Db) -> Result<(), state::db::Error> {
    db.migrate(SCHEMA).await
}

/// The tables of hosts and sessions.
pub const SCHEMA: state::db::Tables = state::db::Tables {
    package: "provisioner",
    steps: records::TABLES,
};
