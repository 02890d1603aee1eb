//! `reprise host`: the PCs that asked to boot.

use super::answer::{self, items, number, size, strings, text};
use crate::control::encoded;
use crate::door::Door;
use crate::terminal;
use anyhow::{Context, bail};
use clap::Subcommand;
use images::secure_boot::{Verdict, judge_boot_disk};
use serde_json::{Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A list of a thousand hosts is smaller; what the appliance takes in one request is not.
const MOST_BYTES: u64 = 48 * 1024;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Every PC seen, and whether it is trusted
    List {
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// One host, with its inventory; by id, name or MAC
    Show {
        /// Its id, name or MAC
        host: String,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Network cards that several hosts have used: docks and USB adapters, which tell no host
    Adapters {
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Trusts a PC that waits; compare the pairing code with its screen first
    Approve {
        /// Its id, name or MAC
        host: String,
        /// The code on its screen; refused when the appliance has another
        #[arg(long)]
        code: Option<String>,
    },
    /// Lets its next network boot start the agent again
    Ask { host: String },
    /// Switches it on over the network, if its card and firmware allow that (Wake-on-LAN)
    Wake {
        host: String,
        /// Broadcast address of a network behind a router, such as 192.168.20.255; may be repeated
        #[arg(long, value_name = "ADDRESS")]
        beyond: Vec<std::net::Ipv4Addr>,
    },
    /// Takes hosts out of a CSV file whose first line names the columns `name` and, if there is one, `mac`
    Import {
        /// The file, at most 1000 hosts
        file: PathBuf,
    },
    /// Removes a host; it is new when it comes back
    Forget { host: String },
}

pub(crate) fn run(door: &Door, command: Command) -> anyhow::Result<ExitCode> {
    let post = |host: &str, verb: &str, body: &Value| {
        door.post(&format!("/api/hosts/{}/{verb}", encoded(host)), body)
    };
    match command {
        Command::List { json } => {
            let hosts = door.get("/api/hosts")?;
            let head = [
                "host", "name", "state", "code", "serial", "product", "mac", "seen",
            ];
            return answer::list(json, &hosts, items(&hosts), &head, |host| {
                vec![
                    text(host, "id"),
                    text(host, "name"),
                    text(host, "state"),
                    text(host, "pairing_code"),
                    text(host, "serial"),
                    text(host, "product"),
                    strings(&host["macs"]).join(" "),
                    door.when(&host["last_seen_ms"]),
                ]
            });
        }
        Command::Adapters { json } => {
            let adapters = door.get("/api/adapters")?;
            let head = ["mac", "hosts", "used"];
            return answer::list(json, &adapters, items(&adapters), &head, |adapter| {
                let users = items(&adapter["users"]);
                let names: Vec<String> = users.iter().map(|user| text(user, "name")).collect();
                let last = users.first().map(|user| door.when(&user["last_ms"]));
                vec![
                    text(adapter, "mac"),
                    names.join(", "),
                    last.unwrap_or_default(),
                ]
            });
        }
        Command::Show { host, json } => {
            let host = door.get(&format!("/api/hosts/{}", encoded(&host)))?;
            show(door, &host, json)?;
        }
        Command::Approve { host, code } => {
            let approved = post(&host, "approve", &json!({"code": code}))?;
            terminal::note(&format!("{} is approved", text(&approved, "name")));
        }
        Command::Ask { host } => {
            post(&host, "ask", &Value::Null)?;
            terminal::note("its next network boot starts the agent");
        }
        Command::Wake { host, beyond } => {
            let woken = post(&host, "wake", &json!({ "beyond": beyond }))?;
            let networks = strings(&woken["networks"]).join(", ");
            terminal::note(&format!(
                "the packet was sent to {networks}; nobody answers one"
            ));
        }
        Command::Import { file } => {
            let csv = list_of_hosts(&file)?;
            let imported = door.post("/api/hosts/import", &json!({ "csv": csv }))?;
            let (added, known) = (number(&imported, "added"), number(&imported, "known"));
            terminal::note(&format!("{added} hosts added, {known} were known"));
        }
        Command::Forget { host } => {
            post(&host, "forget", &Value::Null)?;
            terminal::note("forgotten; it is new when it comes back");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list_of_hosts(file: &Path) -> anyhow::Result<String> {
    let read = || -> std::io::Result<String> {
        let mut text = String::new();
        std::fs::File::open(file)?
            .take(MOST_BYTES + 1)
            .read_to_string(&mut text)?;
        Ok(text)
    };
    let text = read().with_context(|| {
        format!(
            "read the hosts in {}; name a CSV file in UTF-8",
            file.display()
        )
    })?;
    if text.len() as u64 > MOST_BYTES {
        bail!(
            "read the hosts in {}: it is larger than {} KiB; split it",
            file.display(),
            MOST_BYTES / 1024
        );
    }
    Ok(text)
}

/// On or off, whom it trusts, and whether that will do.
fn secure_boot(inventory: &Value) -> String {
    let enabled = inventory["secure_boot"].as_bool();
    let trusted = strings(&inventory["trusted"]);
    let state = match enabled {
        None => return "-".to_owned(),
        Some(false) => return "off".to_owned(),
        Some(true) if trusted.is_empty() => "on".to_owned(),
        Some(true) => format!("on, trusts {}", trusted.join(", ")),
    };
    match judge_boot_disk(enabled, &trusted) {
        Verdict::Untrusted(missing) => format!(
            "{state}; will refuse the boot disk: allow the third-party UEFI CA in the firmware's settings ({})",
            missing.join(" or ")
        ),
        _ => state,
    }
}

fn show(door: &Door, host: &Value, json: bool) -> anyhow::Result<()> {
    let inventory = &host["inventory"];
    let disk = |d: &Value| {
        format!(
            "{} {} {} {}",
            text(d, "name"),
            size(d, "size_bytes"),
            text(d, "model"),
            text(d, "serial")
        )
    };
    let nic = |n: &Value| format!("{} {}", text(n, "name"), text(n, "mac"));
    let all = |list: &Value, shape: &dyn Fn(&Value) -> String| {
        items(list).iter().map(shape).collect::<Vec<_>>().join("; ")
    };
    let memory = match number(inventory, "memory_bytes") {
        0 => "-".to_owned(),
        bytes => terminal::bytes(bytes),
    };
    let or_none = |text: String| {
        if text.is_empty() {
            "-".to_owned()
        } else {
            text
        }
    };
    let fields = [
        ("host", text(host, "id")),
        ("name", text(host, "name")),
        ("state", text(host, "state")),
        ("pairing code", text(host, "pairing_code")),
        ("product", text(host, "product")),
        ("serial", text(host, "serial")),
        ("uuid", text(host, "uuid")),
        ("macs", strings(&host["macs"]).join(" ")),
        ("firmware", text(inventory, "firmware")),
        ("secure boot", secure_boot(inventory)),
        ("processor", text(&inventory["cpu"], "model")),
        ("memory", memory),
        ("disks", or_none(all(&inventory["disks"], &disk))),
        ("network", or_none(all(&inventory["nics"], &nic))),
        ("first seen", door.when(&host["first_seen_ms"])),
        ("last seen", door.when(&host["last_seen_ms"])),
        ("approved", door.when(&host["approved_ms"])),
        ("approved by", text(host, "approved_by")),
    ];
    answer::one(json, host, &fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_that_will_be_refused_is_told_before() {
        let third_party = images::secure_boot::THIRD_PARTY[1];
        let windows = "Windows UEFI CA 2023";
        let table = [
            (json!({}), "-", false),
            (json!({"secure_boot": null}), "-", false),
            (
                json!({"secure_boot": false, "trusted": [windows]}),
                "off",
                false,
            ),
            (json!({"secure_boot": true, "trusted": []}), "on", false),
            (
                json!({"secure_boot": true, "trusted": [windows, third_party]}),
                third_party,
                false,
            ),
            (
                json!({"secure_boot": true, "trusted": [windows]}),
                windows,
                true,
            ),
        ];
        for (inventory, told, refused) in table {
            let line = secure_boot(&inventory);
            assert!(line.contains(told), "{inventory}: {line}");
            assert_eq!(line.contains("will refuse"), refused, "{inventory}: {line}");
        }
    }
}
