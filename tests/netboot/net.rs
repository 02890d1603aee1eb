//! A small company network in namespaces: one switch, the appliance, the DHCP server that was there before,
//! and a socket for the PC. Nothing of it is visible outside, all of it goes when the value is dropped.
//!
//! ```text
//!   …-srv  eth0 10.77.0.2 ─┐
//!   …-dhcp eth0 10.77.0.1 ─┴─ br0 in …-lan ── tap0 (the PC)
//! ```

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::harness::Namespace;
use crate::shell::{Process, run, wait_for};

/// Names of our namespaces start so; what follows is the process that made them.
const PREFIX: &str = "reprise-nb-";
static COUNT: AtomicU32 = AtomicU32::new(0);

/// Fields are dropped from top to bottom: the DHCP server before its namespace.
pub(crate) struct Net {
    _dhcp: Process,
    pub(crate) lan: Namespace,
    pub(crate) server: Namespace,
    pub(crate) foreign: Namespace,
}

impl Net {
    pub(crate) const SERVER: &'static str = "10.77.0.2";
    pub(crate) const TAP: &'static str = "tap0";

    /// Builds the network and starts dnsmasq on it; `work` takes its log and its leases.
    pub(crate) fn create(work: &Path) -> Result<Self> {
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
        let (switch, tap) = (&lan.name, Self::TAP);
        run(&format!("ip -n {switch} link add br0 type bridge"))?;
        run(&format!("ip -n {switch} link set br0 up"))?;
        for (port, name, address) in [
            ("to-srv", &server.name, Self::SERVER),
            ("to-dhcp", &foreign.name, "10.77.0.1"),
        ] {
            run(&format!(
                "ip -n {switch} link add {port} type veth peer name eth0 netns {name}"
            ))?;
            run(&format!("ip -n {switch} link set {port} master br0 up"))?;
            run(&format!("ip -n {name} addr add {address}/24 dev eth0"))?;
            run(&format!("ip -n {name} link set eth0 up"))?;
            // Programs that read raw packets (DHCP clients) drop those whose checksum is left to hardware.
            run(&format!("ip netns exec {name} ethtool -K eth0 tx off"))?;
        }
        run(&format!("ip -n {switch} tuntap add dev {tap} mode tap"))?;
        run(&format!("ip -n {switch} link set {tap} master br0 up"))?;
        let dhcp = start_dhcp(&foreign, work)?;
        Ok(Self {
            _dhcp: dhcp,
            lan,
            server,
            foreign,
        })
    }
}

/// The DHCP server that the company had before: gives addresses, knows nothing of network boot.
fn start_dhcp(namespace: &Namespace, work: &Path) -> Result<Process> {
    let log = work.join("dnsmasq.log");
    let mut process = Process::start("dnsmasq", &namespace.name, &which("dnsmasq")?, |command| {
        command.args([
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--port=0",
            "--interface=eth0",
            "--bind-interfaces",
            "--dhcp-range=10.77.0.100,10.77.0.150,1h",
            "--dhcp-authoritative",
            "--log-dhcp",
            "--user=root",
            "--pid-file=",
        ]);
        command.arg(format!(
            "--dhcp-leasefile={}",
            work.join("dnsmasq.leases").display()
        ));
        command.arg(format!("--log-facility={}", log.display()));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Ok(())
    })?;
    wait_for("dnsmasq to listen", Duration::from_secs(10), || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        if process.has_ended()? {
            bail!("dnsmasq has ended: {text}");
        }
        Ok(text.contains("DHCP, IP range").then_some(()))
    })?;
    Ok(process)
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
