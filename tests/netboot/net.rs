//! A small company network in namespaces: one switch, the appliance, the DHCP server that was there before,
//! and a socket for the PC. Nothing of it is visible outside, all of it goes when the value is dropped.
//!
//! ```text
//!   …-srv  eth0 10.77.0.2 ─┐
//!   …-dhcp eth0 10.77.0.1 ─┴─ br0 in …-lan ── tap0 (the PC)
//!
//!   behind a relay:           br0 ── eth0 10.77.0.3 …-rtr eth1 10.79.0.1 ── br1 in …-lan ── tap0 (the PC)
//! ```

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};

use crate::dhcp::{DhcpServer, Segment};
use crate::harness::Namespace;
use crate::shell::{Process, run};

/// Names of our namespaces start so; what follows is the process that made them.
const PREFIX: &str = "reprise-nb-";
static COUNT: AtomicU32 = AtomicU32::new(0);

/// What a company has besides the appliance and the PC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Company {
    /// One cable, and a small router's DHCP server.
    Dnsmasq,
    /// One cable, and ISC's DHCP server, which reads and writes raw frames.
    Kea,
    /// The PC is in another building: its router relays DHCP to the company's server and to the appliance.
    Relayed,
    /// One cable and no DHCP server: the appliance gives the addresses.
    Alone,
    /// One cable with IPv6 besides: the small router gives addresses of both, and says so as routers do. Over
    /// IPv4 it still names an HTTP Boot server that is gone.
    Six,
}

/// Fields are dropped from top to bottom: the programs before their namespaces.
pub(crate) struct Net {
    /// The company's, where it has one.
    dhcp: Option<DhcpServer>,
    _relay: Option<Process>,
    _router: Option<Namespace>,
    pub(crate) lan: Namespace,
    pub(crate) server: Namespace,
    pub(crate) foreign: Namespace,
}

impl Net {
    pub(crate) const SERVER: &'static str = "10.77.0.2";
    pub(crate) const TAP: &'static str = "tap0";

    /// Builds the network and starts the company's DHCP server on it; `work` takes its log and its leases.
    pub(crate) fn create(company: Company, work: &Path) -> Result<Self> {
        remove_leftovers()?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let namespace = |role: &str| -> Result<Namespace> {
            let name = format!("{PREFIX}{}-{number}-{role}", std::process::id());
            run(&format!("ip netns add {name}")).context(
                "network namespaces are needed, and root to make them: run these tests as root on a kernel \
                 with namespaces, veth, bridge and tun",
            )?;
            let namespace = Namespace { name };
            run(&format!("ip -n {} link set lo up", namespace.name))?;
            Ok(namespace)
        };
        let (lan, server, foreign) = (namespace("lan")?, namespace("srv")?, namespace("dhcp")?);
        switch(&lan, "br0")?;
        plug(&lan, "br0", &server, "eth0", Self::SERVER)?;
        plug(&lan, "br0", &foreign, "eth0", "10.77.0.1")?;
        if company == Company::Six {
            for (near, address) in [(&server, "fd77::2"), (&foreign, "fd77::1")] {
                let name = &near.name;
                run(&format!(
                    "ip -n {name} addr add {address}/64 dev eth0 nodad"
                ))?;
            }
        }
        let (segment, router) = if company == Company::Relayed {
            let router = namespace("rtr")?;
            switch(&lan, "br1")?;
            plug(&lan, "br0", &router, "eth0", "10.77.0.3")?;
            plug(&lan, "br1", &router, "eth1", Segment::BEHIND.router)?;
            run(&format!(
                "ip netns exec {} sysctl -qw net.ipv4.ip_forward=1",
                router.name
            ))?;
            for near in [&server, &foreign] {
                run(&format!(
                    "ip -n {} route add 10.79.0.0/24 via 10.77.0.3",
                    near.name
                ))?;
            }
            (Segment::BEHIND, Some(router))
        } else {
            (Segment::HERE, None)
        };
        let (place, tap) = (&lan.name, Self::TAP);
        run(&format!("ip -n {place} tuntap add dev {tap} mode tap"))?;
        run(&format!(
            "ip -n {place} link set {tap} master {} up",
            segment.switch
        ))?;
        let dhcp = match company {
            Company::Kea => Some(DhcpServer::kea(&foreign, segment, work)?),
            Company::Dnsmasq | Company::Relayed => {
                Some(DhcpServer::dnsmasq(&foreign, segment, work, "")?)
            }
            Company::Six => Some(DhcpServer::dnsmasq(&foreign, segment, work, SIX)?),
            Company::Alone => None,
        };
        let relay = router.as_ref().map(start_relay).transpose()?;
        Ok(Self {
            dhcp,
            _relay: relay,
            _router: router,
            lan,
            server,
            foreign,
        })
    }

    /// What the company's DHCP server has written down: the addresses it gave, and to whom. `None` where
    /// the appliance gives them.
    pub(crate) fn leases(&self) -> Result<Option<String>> {
        self.dhcp.as_ref().map(DhcpServer::leases).transpose()
    }
}

/// What dnsmasq is told besides, for IPv6. The server that it names over IPv4 refuses at once, so that firmware
/// with HTTP Boot goes on to IPv6; where nobody boots it over IPv4 it does so after a minute.
const SIX: &str = "--enable-ra --dhcp-range=fd77::100,fd77::150,64,1h \
                   --dhcp-vendorclass=set:http,HTTPClient --dhcp-option-force=tag:http,60,HTTPClient \
                   --dhcp-boot=tag:http,http://10.77.0.1:9/boot.efi";

fn switch(lan: &Namespace, name: &str) -> Result<()> {
    run(&format!("ip -n {} link add {name} type bridge", lan.name))?;
    run(&format!("ip -n {} link set {name} up", lan.name))?;
    Ok(())
}

/// Joins `port` of a namespace to a switch.
fn plug(lan: &Namespace, switch: &str, to: &Namespace, port: &str, address: &str) -> Result<()> {
    let name = &to.name;
    let role = name.rsplit('-').next().unwrap_or_default();
    let (lan, end) = (&lan.name, format!("{role}-{port}"));
    run(&format!(
        "ip -n {lan} link add {end} type veth peer name {port} netns {name}"
    ))?;
    run(&format!("ip -n {lan} link set {end} master {switch} up"))?;
    run(&format!("ip -n {name} addr add {address}/24 dev {port}"))?;
    run(&format!("ip -n {name} link set {port} up"))?;
    // Programs that read raw packets (DHCP clients) drop those whose checksum is left to hardware.
    run(&format!("ip netns exec {name} ethtool -K {port} tx off"))?;
    Ok(())
}

/// The relay that most routers are built on: to the company's DHCP server and to the appliance alike.
fn start_relay(router: &Namespace) -> Result<Process> {
    Process::start("dhcrelay", &router.name, &which("dhcrelay")?, |command| {
        let arguments = "-4 -d -a -id eth1 -iu eth0 -pf /dev/null 10.77.0.1";
        command.args(arguments.split(' ')).arg(Net::SERVER);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Ok(())
    })
}

/// Removes what test runs that were killed left behind: their namespaces and what still runs in them
/// (dnsmasq and the appliance do not end with their test). Once, for all tests of this run.
fn remove_leftovers() -> Result<()> {
    static DONE: Mutex<bool> = Mutex::new(false);
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    if std::mem::replace(&mut *done, true) {
        return Ok(());
    }
    for line in run("ip netns list")?.lines() {
        let Some(name) = line.split_whitespace().next() else {
            continue;
        };
        let Some(rest) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let owner = rest.split('-').next().unwrap_or_default();
        if !Path::new("/proc").join(owner).exists() {
            for orphan in run(&format!("ip netns pids {name}"))?.lines() {
                // It may have ended since it was listed.
                let _ = run(&format!("kill -KILL {orphan}"));
            }
            run(&format!("ip netns del {name}"))?;
        }
    }
    Ok(())
}

/// The path of a program that may be outside a plain user's search path.
pub(crate) fn which(program: &str) -> Result<PathBuf> {
    let places = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(|p| PathBuf::from(p).join(program));
    places.into_iter().find(|p| p.is_file()).with_context(|| {
        format!(
            "{program} is not installed: tests/netboot/packages.txt lists what these tests need"
        )
    })
}
