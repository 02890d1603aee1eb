//! One interface: looked at every few seconds, its listeners started when it can be served, moved
//! when its address changes.

use crate::ports::Ports;
use crate::serve::Boot;
use crate::trouble::Trouble;
use crate::{dhcp, flight, http, tftp};
use config::{DhcpRole, Network};
use if_addrs::{IfAddr, IfOperStatus, Interface};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often the interface is looked at, and a port that could not be opened is tried again.
pub(crate) const EVERY: Duration = Duration::from_secs(2);

/// What the listeners of one interface share.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) boot: Boot,
    pub(crate) interface: String,
    pub(crate) address: Ipv4Addr,
    /// The port that was asked for; 0 = any.
    pub(crate) http_port: u16,
    /// Kernel, initramfs and loaders are there.
    pub(crate) assets: Arc<AtomicBool>,
}

impl Served {
    /// The ports that are really open now.
    pub(crate) fn open_ports(&self) -> Ports {
        self.boot.ports.of(&self.interface)
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.assets.load(Ordering::Relaxed)
    }
}

/// What an interface can be used for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Look {
    /// Where to serve; `None` = nowhere.
    place: Option<(u32, Ipv4Addr)>,
    trouble: Option<String>,
}

/// Pure: `index` is the kernel's number of the interface, if there is one of that name.
fn judge(name: &str, index: Option<u32>, addresses: &[Interface]) -> Look {
    let Some(index) = index else {
        let mut names: Vec<&str> = addresses.iter().map(|i| i.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        return Look {
            place: None,
            trouble: Some(format!(
                "interface {name} does not exist; correct `interface` in the configuration (this machine has {}) or plug it in",
                names.join(", ")
            )),
        };
    };
    let found = addresses
        .iter()
        .find_map(|interface| match &interface.addr {
            IfAddr::V4(v4) if interface.name == name && !v4.ip.is_link_local() => {
                Some((v4.ip, interface.oper_status == IfOperStatus::Up))
            }
            _ => None,
        });
    match found {
        None => Look {
            place: None,
            trouble: Some(format!(
                "interface {name} has no IPv4 address; give it a fixed one (`ip addr add ADDRESS/24 dev {name}` until the next start) and switch it on (`ip link set {name} up`)"
            )),
        },
        // It is served all the same: the link comes when the PC at the other end is switched on.
        Some((address, up)) => Look {
            place: Some((index, address)),
            trouble: (!up).then(|| {
                format!(
                    "interface {name} is down or has no cable; switch it on (`ip link set {name} up`) or plug it in"
                )
            }),
        },
    }
}

fn look(name: &str) -> Look {
    let socket = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        None,
    );
    let index = socket.and_then(|socket| rustix::net::netdevice::name_to_index(socket, name));
    let addresses = if_addrs::get_if_addrs().unwrap_or_default();
    judge(name, index.ok(), &addresses)
}

/// Runs until `shutdown`.
pub(crate) async fn serve(boot: Boot, network: Network, shutdown: CancellationToken) {
    let name = network.interface.clone();
    let mut link = Trouble::of(&boot.db, &boot.clock, format!("interface {name}")).await;
    let mut files = Trouble::of(&boot.db, &boot.clock, format!("boot assets for {name}")).await;
    let assets = Arc::new(AtomicBool::new(false));
    let mut running: Option<((u32, Ipv4Addr), Listeners)> = None;
    loop {
        let Look { place, trouble } = look(&name);
        match trouble {
            Some(sentence) => link.begins(&sentence).await,
            None => link.over().await,
        }
        match crate::boot::asset::check(&boot.assets_dir) {
            Ok(()) => {
                assets.store(true, Ordering::Relaxed);
                files.over().await;
            }
            Err(sentence) => {
                assets.store(false, Ordering::Relaxed);
                files.begins(&sentence).await;
            }
        }
        let lost = running
            .as_mut()
            .is_some_and(|(_, listeners)| listeners.lost());
        if lost || running.as_ref().map(|(at, _)| *at) != place {
            if let Some((_, listeners)) = running.take() {
                listeners.stop().await;
            }
            running = place.map(|at| {
                let served = Served {
                    boot: boot.clone(),
                    interface: name.clone(),
                    address: at.1,
                    http_port: network.http_port,
                    assets: Arc::clone(&assets),
                };
                (at, Listeners::start(served, network.dhcp))
            });
        }
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    if let Some((_, listeners)) = running {
        listeners.stop().await;
    }
}

struct Listeners {
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Listeners {
    fn start(served: Served, role: DhcpRole) -> Listeners {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(http::serve(served.clone(), stop.clone()));
        tasks.spawn(tftp::serve_interface(served.clone(), stop.clone()));
        let boots = role == DhcpRole::Proxy;
        tasks.spawn(flight::listen(served.clone(), boots, stop.clone()));
        if boots {
            tasks.spawn(dhcp::server::serve(served, stop.clone()));
        }
        Listeners { tasks, stop }
    }

    /// A listener ends only when it is told to: otherwise it crashed, and all are started again.
    fn lost(&mut self) -> bool {
        let Some(ended) = self.tasks.try_join_next() else {
            return false;
        };
        tracing::error!(?ended, "a boot listener crashed; starting again");
        true
    }

    async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use if_addrs::Ifv4Addr;

    fn interface(name: &str, ip: &str, oper_status: IfOperStatus) -> Interface {
        Interface {
            name: name.into(),
            addr: IfAddr::V4(Ifv4Addr {
                ip: ip.parse().unwrap(),
                netmask: Ipv4Addr::new(255, 255, 255, 0),
                prefixlen: 24,
                broadcast: None,
            }),
            index: None,
            oper_status,
            is_p2p: false,
        }
    }

    #[test]
    fn each_state_of_an_interface_has_its_sentence() {
        let lo = interface("lo", "127.0.0.1", IfOperStatus::Up);
        let up = interface("eth0", "10.0.0.1", IfOperStatus::Up);
        let down = interface("eth0", "10.0.0.1", IfOperStatus::Down);
        let auto = interface("eth0", "169.254.3.4", IfOperStatus::Up);
        let place = Some((3, Ipv4Addr::new(10, 0, 0, 1)));
        let table = [
            ("up", Some(3), vec![lo.clone(), up], place, ""),
            (
                "down",
                Some(3),
                vec![down],
                place,
                "is down or has no cable",
            ),
            (
                "no address",
                Some(3),
                vec![lo.clone()],
                None,
                "has no IPv4 address",
            ),
            (
                "an address nobody gave",
                Some(3),
                vec![auto],
                None,
                "has no IPv4 address",
            ),
            ("missing", None, vec![lo], None, "this machine has lo"),
        ];
        for (name, index, addresses, place, sentence) in table {
            let look = judge("eth0", index, &addresses);
            assert_eq!(look.place, place, "{name}");
            let found = look.trouble.unwrap_or_default();
            assert_eq!(found.is_empty(), sentence.is_empty(), "{name}: {found}");
            assert!(found.contains(sentence), "{name}: {found}");
        }
    }
}
