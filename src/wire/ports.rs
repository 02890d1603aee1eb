//! `state_dir/ports.json`: where a running `serve` answers. Written once it does, removed when it stops.

use serde::Serialize;

/// Which ports are answered, and by which process.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Ports {
    /// The process that answers; a file left by a killed one names a process that is gone.
    pub(crate) pid: u32,
    /// `None` while another program holds the console's port.
    pub(crate) console: Option<u16>,
    pub(crate) networks: Vec<NetworkPorts>,
}

/// The boot server's ports on one interface.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct NetworkPorts {
    pub(crate) interface: String,
    pub(crate) http: u16,
    pub(crate) tftp: u16,
    /// `None` when DHCP is off on this interface.
    pub(crate) dhcp: Option<u16>,
}
