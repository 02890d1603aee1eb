//! The DHCP server that the company had before: gives addresses, knows nothing of network boot.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::harness::Namespace;
use crate::net::which;
use crate::shell::{Process, wait_for};

/// Where the PC stands: its switch, and the addresses of that place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    pub(crate) switch: &'static str,
    /// The first three numbers of its addresses.
    net: &'static str,
    /// Its way out, which the PC must know when the appliance is elsewhere.
    pub(crate) router: &'static str,
}

impl Segment {
    /// On the same cable as the appliance.
    pub(crate) const HERE: Segment = Segment {
        switch: "br0",
        net: "10.77.0",
        router: "10.77.0.1",
    };
    /// In another building, behind the relay.
    pub(crate) const BEHIND: Segment = Segment {
        switch: "br1",
        net: "10.79.0",
        router: "10.79.0.1",
    };
}

pub(crate) struct DhcpServer {
    _process: Process,
    leases: PathBuf,
}

impl DhcpServer {
    /// `more`: arguments of its own.
    pub(crate) fn dnsmasq(
        namespace: &Namespace,
        segment: Segment,
        work: &Path,
        more: &str,
    ) -> Result<Self> {
        let (leases, log) = (work.join("dnsmasq.leases"), work.join("dnsmasq.log"));
        let arguments = format!(
            "--keep-in-foreground --conf-file=/dev/null --interface=eth0 --bind-interfaces --no-resolv --no-hosts \
             --local=/reprise.test/ --host-record=reprise.test,10.77.0.2 \
             --dhcp-range={net}.100,{net}.150,255.255.255.0,1h --dhcp-option=option:router,{} \
             --dhcp-authoritative --log-dhcp --user=root --pid-file= --dhcp-leasefile={} --log-facility={} {more}",
            segment.router,
            leases.display(),
            log.display(),
            net = segment.net,
        );
        let process = Process::start("dnsmasq", &namespace.name, &which("dnsmasq")?, |command| {
            command.args(arguments.split_whitespace());
            command.stdout(Stdio::null()).stderr(Stdio::null());
            Ok(())
        })?;
        listening(process, &log, "DHCP, IP range", leases)
    }

    pub(crate) fn kea(namespace: &Namespace, segment: Segment, work: &Path) -> Result<Self> {
        let (leases, log) = (work.join("kea.leases"), work.join("kea.log"));
        let net = segment.net;
        let configuration = serde_json::json!({"Dhcp4": {
            "interfaces-config": {"interfaces": ["eth0"], "dhcp-socket-type": "raw"},
            "lease-database": {"type": "memfile", "persist": true, "name": leases},
            "valid-lifetime": 3600,
            "subnet4": [{
                "subnet": format!("{net}.0/24"),
                "pools": [{"pool": format!("{net}.100 - {net}.150")}],
                "option-data": [{"name": "routers", "data": segment.router}],
            }],
            "loggers": [{"name": "kea-dhcp4", "severity": "INFO", "output_options": [{"output": log}]}],
        }});
        let file = work.join("kea.json");
        std::fs::write(&file, configuration.to_string())?;
        let prepare = |command: &mut Command| {
            command
                .env("KEA_PIDFILE_DIR", work)
                .env("KEA_LOCKFILE_DIR", "none");
            command.arg("-c").arg(&file);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            Ok(())
        };
        let process = Process::start("Kea", &namespace.name, &which("kea-dhcp4")?, prepare)?;
        listening(process, &log, "DHCP4_STARTED", leases)
    }

    pub(crate) fn leases(&self) -> Result<String> {
        std::fs::read_to_string(&self.leases)
            .with_context(|| format!("the leases in {}", self.leases.display()))
    }
}

/// Waits for the line of its log by which a server says that it serves.
fn listening(mut process: Process, log: &Path, line: &str, leases: PathBuf) -> Result<DhcpServer> {
    wait_for("the DHCP server to listen", Duration::from_secs(20), || {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        if process.has_ended()? {
            bail!("the DHCP server has ended: {text}");
        }
        Ok(text.contains(line).then_some(()))
    })?;
    Ok(DhcpServer {
        _process: process,
        leases,
    })
}
