//! One interface: looked at every few seconds, its listeners started when it can be served, moved
//! when its address changes.

use crate::boot::own::OwnFiles;
use crate::boot::path::UrlHost;
use crate::boot::patience::Patience;
use crate::dhcp::stray::Strays;
use crate::ports::Ports;
use crate::serve::Boot;
use crate::trouble::Trouble;
use crate::{dhcp, dhcp6, flight, http, ipv6, tftp};
use config::{DhcpRole, Network};
use if_addrs::{IfAddr, IfOperStatus, Interface};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
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
    /// These listeners serve IPv6, at this address of the interface.
    pub(crate) six: Option<Ipv6Addr>,
    /// The port that was asked for; 0 = any.
    pub(crate) http_port: u16,
    /// Kernel, initramfs and loaders are there.
    pub(crate) assets: Arc<AtomicBool>,
    /// What the admin dropped in beside them.
    pub(crate) own: OwnFiles,
    pub(crate) shared: Shared,
    /// With the registry, where an answer cannot wait.
    pub(crate) registry: Patience,
}

/// What the listeners of all interfaces share.
#[derive(Clone, Default)]
pub(crate) struct Shared {
    /// The files that travel by TFTP.
    pub(crate) loaded: tftp::Loaded,
    /// Packets to tell the journal of.
    pub(crate) strays: Strays,
}

impl Served {
    /// The ports that are really open now.
    pub(crate) fn open_ports(&self) -> Ports {
        self.boot.ports.of(&self.interface)
    }

    /// Where these listeners are reached.
    pub(crate) fn at(&self) -> IpAddr {
        self.six.map_or(IpAddr::V4(self.address), IpAddr::V6)
    }

    pub(crate) fn url_host(&self) -> UrlHost {
        UrlHost(self.at())
    }

    /// The port of the boot files there.
    pub(crate) fn open_http(&self) -> Option<u16> {
        let ports = self.open_ports();
        match self.six {
            None => ports.http,
            Some(_) => ports.http6,
        }
    }

    /// What a trouble with a port is called in the journal.
    pub(crate) fn port_name(&self, protocol: &str, port: u16) -> String {
        let family = if self.six.is_some() { " over IPv6" } else { "" };
        format!("{protocol} port {port}{family} on {}", self.interface)
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
pub(crate) async fn serve(
    boot: Boot,
    network: Network,
    shared: Shared,
    shutdown: CancellationToken,
) {
    let name = network.interface.clone();
    let mut link = Trouble::of(&boot.db, &boot.clock, format!("interface {name}")).await;
    let mut files = Trouble::of(&boot.db, &boot.clock, format!("boot assets for {name}")).await;
    let assets = Arc::new(AtomicBool::new(false));
    let mut four = Slot(None);
    let mut six = Slot(None);
    let own = OwnFiles::default();
    let registry = Patience::default();
    let mut dropped_in =
        Trouble::of(&boot.db, &boot.clock, format!("own boot files for {name}")).await;
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
        let (look, dir) = (own.clone(), boot.assets_dir.clone());
        match tokio::task::spawn_blocking(move || look.look(&dir)).await {
            Ok(Err(sentence)) => dropped_in.begins(&sentence).await,
            Ok(Ok(())) | Err(_) => dropped_in.over().await,
        }
        let serve_at = |address: Ipv4Addr, six| Served {
            boot: boot.clone(),
            interface: name.clone(),
            address,
            six,
            http_port: network.http_port,
            assets: Arc::clone(&assets),
            own: own.clone(),
            shared: shared.clone(),
            registry: registry.clone(),
        };
        four.keep(place, |(_, address)| {
            Listeners::start(serve_at(*address, None), network.dhcp)
        })
        .await;
        let place = place.and_then(|at| Some((at, ipv6::address(&name)?)));
        if six
            .keep(place, |((_, address), six)| {
                Listeners::start_six(serve_at(*address, Some(*six)), network.dhcp)
            })
            .await
            && place.is_none()
        {
            tracing::info!(
                interface = name,
                "no IPv6 address that lasts; no machine is booted over IPv6 here"
            );
        }
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    six.stop().await;
    four.stop().await;
}

/// The listeners of one family, and where they listen.
struct Slot<P>(Option<(P, Listeners)>);

impl<P: Copy + PartialEq> Slot<P> {
    /// Starts them, moves them to another place, stops them: whether it had to.
    async fn keep(&mut self, place: Option<P>, start: impl FnOnce(&P) -> Listeners) -> bool {
        let lost = self.0.as_mut().is_some_and(|(_, running)| running.lost());
        if !lost && self.0.as_ref().map(|(at, _)| *at) == place {
            return false;
        }
        self.stop().await;
        self.0 = place.map(|at| (at, start(&at)));
        true
    }

    async fn stop(&mut self) {
        if let Some((_, running)) = self.0.take() {
            running.stop().await;
        }
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
        let boots = role != DhcpRole::Off;
        tasks.spawn(flight::listen(served.clone(), role, stop.clone()));
        if boots {
            tasks.spawn(dhcp::server::serve(served, role, stop.clone()));
        }
        Listeners { tasks, stop }
    }

    /// Beside the others: what is heard on the wire is heard once for both families.
    fn start_six(served: Served, role: DhcpRole) -> Listeners {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(http::serve(served.clone(), stop.clone()));
        tasks.spawn(tftp::serve_interface(served.clone(), stop.clone()));
        if role != DhcpRole::Off {
            tasks.spawn(dhcp6::serve(served, stop.clone()));
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
