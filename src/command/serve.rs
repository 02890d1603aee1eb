//! `reprise serve`: reads the configuration, then runs the appliance.

use crate::{appliance, log, terminal};
use config::{Config, DhcpRole, Network};
use std::path::Path;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Also serve network boot (ProxyDHCP) on this interface, for this start only; may be repeated
    #[arg(long, value_name = "NAME")]
    interface: Vec<String>,
}

/// The boot server's HTTP port when the configuration says nothing.
const HTTP_PORT: u16 = 8067;

pub(crate) fn run(file: Option<&Path>, args: &Args) -> anyhow::Result<ExitCode> {
    let mut config = appliance::configuration(file)?;
    log::start(&config.log)?;
    for interface in &args.interface {
        if override_network(&mut config, interface) {
            terminal::note(&format!(
                "network boot on {interface} for this start only; to keep it, add to {}:\n\n{}",
                config.origin.display(),
                config::network_lines(interface)
            ));
        }
    }
    crate::serve::runtime()?.block_on(crate::serve::run(config))?;
    Ok(ExitCode::SUCCESS)
}

/// Turns ProxyDHCP on for one interface; false when the configuration has it boot PCs already.
fn override_network(config: &mut Config, interface: &str) -> bool {
    match config
        .networks
        .iter_mut()
        .find(|n| n.interface == interface)
    {
        Some(network) if network.dhcp != DhcpRole::Off => false,
        Some(network) => {
            network.dhcp = DhcpRole::Proxy;
            true
        }
        None => {
            config.networks.push(Network {
                interface: interface.to_owned(),
                dhcp: DhcpRole::Proxy,
                http_port: HTTP_PORT,
            });
            true
        }
    }
}
