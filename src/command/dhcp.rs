//! `reprise dhcp`: the addresses that this box gives.

use super::answer::{self, items, text};
use crate::door::Door;
use crate::terminal;
use anyhow::bail;
use clap::Subcommand;
use serde_json::Value;
use std::net::Ipv4Addr;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Which machine has which address, and until when
    Leases {
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Takes an address back from a machine that is gone, or that was set aside by mistake
    Release {
        address: Ipv4Addr,
        /// Does not ask
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) fn run(door: &Door, command: Command) -> anyhow::Result<ExitCode> {
    let leases = door.get("/api/leases")?;
    match command {
        Command::Leases { json } => {
            let head = ["address", "state", "mac", "host", "calls itself", "until"];
            answer::list(json, &leases, items(&leases), &head, |lease| {
                vec![
                    text(lease, "address"),
                    text(lease, "state"),
                    text(lease, "mac"),
                    text(lease, "host"),
                    text(lease, "hostname"),
                    door.when(&lease["until_ms"]),
                ]
            })
        }
        Command::Release { address, yes } => {
            let address = address.to_string();
            let found = items(&leases).iter().find(|lease| {
                text(lease, "address") == address && text(lease, "state") != "expired"
            });
            let Some(lease) = found else {
                bail!(
                    "release {address}: nobody has it and nothing keeps it; `reprise dhcp leases` shows which are given"
                );
            };
            if !yes {
                terminal::note(&lost(lease, &door.when(&lease["until_ms"])));
                if !terminal::confirm("Take it back?")? {
                    terminal::note("nothing was changed");
                    return Ok(ExitCode::FAILURE);
                }
            }
            door.post(&format!("/api/leases/{address}/release"), &Value::Null)?;
            terminal::note(&format!(
                "{address} is free; the network is asked whether it is used before another machine gets it"
            ));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What is lost with it.
fn lost(lease: &Value, until: &str) -> String {
    let address = text(lease, "address");
    let named = ["host", "hostname", "mac"].map(|key| text(lease, key));
    let who = named
        .iter()
        .find(|name| !matches!(name.as_str(), "" | "-"))
        .map_or("a machine behind a router", String::as_str);
    match text(lease, "state").as_str() {
        "aside" => format!(
            "{address} is set aside until {until}, because {who} uses it without having got it here"
        ),
        _ => format!(
            "{address} is {who}'s until {until}; it goes on using it until it asks again, and then gets another one if somebody else was faster"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_lost_is_named_by_the_best_name_there_is() {
        let lease = |state: &str, host: &str, hostname: &str, mac: &str| {
            let lease = json!({"address": "10.0.0.9", "state": state, "host": host, "hostname": hostname, "mac": mac});
            lost(&lease, "tonight")
        };
        let mac = "52:54:00:00:00:01";
        let host = lease("bound", "COMPTA-PC01", "desktop", mac);
        assert!(
            host.starts_with("10.0.0.9 is COMPTA-PC01's until tonight"),
            "{host}"
        );
        assert!(lease("bound", "", "desktop", mac).contains("is desktop's"));
        assert!(lease("bound", "", "", mac).contains(mac));
        let aside = lease("aside", "", "", "");
        assert!(
            aside.contains("because a machine behind a router uses it"),
            "{aside}"
        );
    }
}
