//! `state_dir/ports.json`: where a running `serve` answers. Written once it does, removed when it stops.

use serde::Serialize;
use std::collections::BTreeMap;

/// Which ports are answered, and by which process. `null` = not answered (yet).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Ports {
    /// The process that answers; a file left by a killed one names a process that is gone.
    pub(crate) pid: u32,
    pub(crate) console: Option<u16>,
    pub(crate) networks: Vec<NetworkPorts>,
}

/// The boot server's ports on one interface.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct NetworkPorts {
    pub(crate) interface: String,
    pub(crate) http: Option<u16>,
    pub(crate) tftp: Option<u16>,
    pub(crate) dhcp: Option<u16>,
    pub(crate) pxe: Option<u16>,
    pub(crate) http6: Option<u16>,
    pub(crate) tftp6: Option<u16>,
    pub(crate) dhcp6: Option<u16>,
    pub(crate) pxe6: Option<u16>,
}

impl Ports {
    pub(crate) fn of(console: Option<u16>, boot: &BTreeMap<String, provisioner::Ports>) -> Ports {
        let network = |(interface, ports): (&String, &provisioner::Ports)| NetworkPorts {
            interface: interface.clone(),
            http: ports.http,
            tftp: ports.tftp,
            dhcp: ports.dhcp,
            pxe: ports.pxe,
            http6: ports.http6,
            tftp6: ports.tftp6,
            dhcp6: ports.dhcp6,
            pxe6: ports.pxe6,
        };
        Ports {
            pid: std::process::id(),
            console,
            networks: boot.iter().map(network).collect(),
        }
    }
}
