//! Which ports are really open, for `ports.json`: tests ask for port 0.

use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

/// The open ports of one interface; `None` while (or because) that part is not served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    pub http: Option<u16>,
    pub tftp: Option<u16>,
    /// 67, when ProxyDHCP answers there.
    pub dhcp: Option<u16>,
    /// 4011, the second step of UEFI machines.
    pub pxe: Option<u16>,
    /// The same over IPv6, where the interface has an address of it.
    pub http6: Option<u16>,
    pub tftp6: Option<u16>,
    /// 547.
    pub dhcp6: Option<u16>,
    pub pxe6: Option<u16>,
}

/// Interface name → its open ports. Cloning shares it.
#[derive(Clone)]
pub struct PortsBoard(Arc<watch::Sender<BTreeMap<String, Ports>>>);

impl Default for PortsBoard {
    fn default() -> Self {
        PortsBoard(Arc::new(watch::Sender::new(BTreeMap::new())))
    }
}

impl PortsBoard {
    pub(crate) fn change(&self, interface: &str, change: impl FnOnce(&mut Ports)) {
        self.0
            .send_modify(|all| change(all.entry(interface.to_owned()).or_default()));
    }

    pub(crate) fn of(&self, interface: &str) -> Ports {
        self.0.borrow().get(interface).cloned().unwrap_or_default()
    }

    pub fn all(&self) -> BTreeMap<String, Ports> {
        self.0.borrow().clone()
    }

    /// Wakes whenever a port opened or closed.
    pub fn changes(&self) -> watch::Receiver<BTreeMap<String, Ports>> {
        self.0.subscribe()
    }
}
