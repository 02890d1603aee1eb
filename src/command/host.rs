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

/// A list of a thousand hosts with every column is smaller.
const MOST_BYTES: u64 = 512 * 1024;

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
    /// Trusts PCs that wait; compare the pairing codes with their screens first
    Approve {
        /// Their ids, names or MACs
        #[arg(required_unless_present = "all")]
        hosts: Vec<String>,
        /// All that wait
        #[arg(long, conflicts_with = "hosts")]
        all: bool,
        /// The code on its screen; refused when the appliance has another
        #[arg(long, conflicts_with = "all")]
        code: Option<String>,
        /// The profile whose naming rule they get; without it that of the host, else the one of all hosts
        #[arg(long)]
        profile: Option<String>,
        /// Only shows the names they would get
        #[arg(long)]
        dry_run: bool,
        /// Approves several without asking
        #[arg(long)]
        yes: bool,
    },
    /// Gives a host another name: the one you write, or that of its naming rule
    Name {
        /// Its id, name or MAC
        host: String,
        /// Letters, digits and `-`; without it the naming rule's
        name: Option<String>,
        /// The profile whose rule is meant
        #[arg(long, conflicts_with = "name")]
        profile: Option<String>,
        /// Only shows the name it would get
        #[arg(long)]
        dry_run: bool,
    },
    /// Notes what a host cannot say itself; an empty text takes away
    Set(Set),
    /// Lets its next network boot start the agent again
    Ask { host: String },
    /// Switches it on over the network, if its card and firmware allow that (Wake-on-LAN)
    Wake {
        host: String,
        /// Broadcast address of a network behind a router, such as 192.168.20.255; may be repeated
        #[arg(long, value_name = "ADDRESS")]
        beyond: Vec<std::net::Ipv4Addr>,
    },
    /// Takes hosts out of a CSV file whose first line names the columns: `name`, and what else `host export` writes
    Import {
        /// The file, at most 1000 hosts
        file: PathBuf,
        /// Only says what it would bring
        #[arg(long)]
        dry_run: bool,
    },
    /// Writes the hosts as CSV, which `host import` reads again
    Export(Export),
    /// Sends inventories to GLPI again, also those it has; without hosts, of all that are approved
    Push {
        /// Their ids, names or MACs
        hosts: Vec<String>,
        /// Only prints what would be sent, as JSON
        #[arg(long)]
        dry_run: bool,
    },
    /// Removes a host; it is new when it comes back
    Forget { host: String },
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Notes {
    /// The name of a profile
    #[arg(long)]
    profile: Option<String>,
    /// Who works with it
    #[arg(long)]
    user: Option<String>,
    /// Its number in your inventory
    #[arg(long)]
    asset_tag: Option<String>,
    /// Who sold it
    #[arg(long)]
    supplier: Option<String>,
    /// Day of purchase, such as 2024-05-17
    #[arg(long, value_name = "DAY")]
    bought: Option<String>,
    /// Last day of its warranty, such as 2027-05-16
    #[arg(long, value_name = "DAY")]
    warranty_end: Option<String>,
    /// The address that any of its cards always gets from this box, such as 192.168.1.20
    #[arg(long)]
    address: Option<String>,
    /// Any address will do again
    #[arg(long, conflicts_with = "address")]
    no_address: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// netbox writes the tables of NetBox's bulk import into a folder
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// What stands between fields; where numbers are written with a comma, Excel wants semicolon
    #[arg(long, value_enum, default_value_t = Separator::Comma)]
    separator: Separator,
    /// Begins with a byte order mark, without which Excel takes é for two signs
    #[arg(long)]
    bom: bool,
    /// For netbox: the folder, made if it is not there
    #[arg(long, value_name = "FOLDER", required_if_eq("format", "netbox"))]
    into: Option<PathBuf>,
    /// For netbox: the name of a device role that is there
    #[arg(long, value_name = "NAME", required_if_eq("format", "netbox"))]
    role: Option<String>,
    /// For netbox: the name of the site of hosts whose network is that of none
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Csv,
    Netbox,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Separator {
    Comma,
    Semicolon,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Set {
    /// Its id, name or MAC
    host: String,
    #[command(flatten)]
    notes: Notes,
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
        Command::Approve {
            hosts,
            all: _,
            code,
            profile,
            dry_run,
            yes,
        } => {
            let asked = Asked {
                hosts,
                code,
                profile,
                dry_run,
                yes,
            };
            return approve(door, asked);
        }
        Command::Name {
            host,
            name,
            profile,
            dry_run,
        } => {
            let asked = json!({"name": name, "profile": profile, "dry_run": dry_run});
            let named = post(&host, "name", &asked)?;
            if let Some(problem) = named["problem"].as_str() {
                bail!("{problem}");
            }
            let (before, name) = (text(&named, "before"), text(&named, "name"));
            terminal::note(&match (dry_run, before == name) {
                (_, true) => format!("{before} keeps its name"),
                (true, _) => format!("{before} would be called {name}"),
                (false, _) => format!("{before} is now called {name}"),
            });
        }
        Command::Set(Set { host, notes }) => {
            let noted = json!({
                "profile": notes.profile,
                "user": notes.user,
                "asset_tag": notes.asset_tag,
                "supplier": notes.supplier,
                "bought": notes.bought,
                "warranty_end": notes.warranty_end,
                "address": notes.address.or(notes.no_address.then(String::new)),
            });
            let host = post(&host, "set", &noted)?;
            terminal::note(&format!("noted of {}", text(&host, "name")));
            if host["address"].is_string() && items(&host["macs"]).is_empty() {
                terminal::note(
                    "no network card of it is known yet: it gets the address once it asked to boot here, or `reprise host import` named its MAC",
                );
            }
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
        Command::Import { file, dry_run } => {
            let csv = list_of_hosts(&file)?;
            let asked = json!({"csv": csv, "dry_run": dry_run});
            let imported = door.post("/api/hosts/import", &asked)?;
            let of = |name: &str| number(&imported, name);
            let (added, changed, known) = (of("added"), of("changed"), of("known"));
            terminal::note(&match dry_run {
                false => format!("{added} hosts added, {changed} changed, {known} were known"),
                true => {
                    format!("{added} hosts would be added, {changed} changed, {known} are known")
                }
            });
        }
        Command::Export(asked) => return export(door, &asked),
        Command::Push { hosts, dry_run } => return push(door, &hosts, dry_run),
        Command::Forget { host } => {
            post(&host, "forget", &Value::Null)?;
            terminal::note("forgotten; it is new when it comes back");
        }
    }
    Ok(ExitCode::SUCCESS)
}

struct Asked {
    /// None: all that wait.
    hosts: Vec<String>,
    code: Option<String>,
    profile: Option<String>,
    dry_run: bool,
    yes: bool,
}

fn approve(door: &Door, asked: Asked) -> anyhow::Result<ExitCode> {
    let several = asked.hosts.len() != 1;
    if several && asked.code.is_some() {
        bail!("approve several hosts by one code; name one host, or leave --code out");
    }
    let of = |hosts: Vec<Value>, dry_run: bool| {
        let asked = json!({"hosts": hosts, "profile": asked.profile, "dry_run": dry_run});
        door.post("/api/hosts/approve", &asked)
    };
    let named = asked.hosts.iter();
    let named = named.map(|host| json!({"host": host, "code": asked.code}));
    let shown = of(named.collect(), true)?;
    let shown = items(&shown);
    if shown.is_empty() {
        terminal::note("no host waits for approval");
        return Ok(ExitCode::SUCCESS);
    }
    if several || asked.dry_run {
        let rows: Vec<Vec<String>> = shown
            .iter()
            .map(|host| {
                let becomes = match host["problem"].as_str() {
                    Some(problem) => problem.to_owned(),
                    None => text(host, "name"),
                };
                vec![text(host, "code"), text(host, "before"), becomes]
            })
            .collect();
        terminal::table(&["code", "host", "becomes"], &rows)?;
    }
    let problems = shown.iter().filter_map(|host| host["problem"].as_str());
    let problems: Vec<&str> = problems.collect();
    match problems[..] {
        [] => {}
        [problem] if !several => bail!("{problem}"),
        _ => bail!(
            "approve these hosts: {} of {} cannot be, see above; nothing was changed",
            problems.len(),
            shown.len()
        ),
    }
    if asked.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if several && !asked.yes {
        if !terminal::is_interactive() {
            bail!("approve {} hosts without asking; add --yes", shown.len());
        }
        if !terminal::confirm("Are these the codes on their screens?")? {
            bail!("nothing was approved");
        }
    }
    // Those that were shown, with the codes that were shown; who came meanwhile waits.
    let seen = shown.iter();
    let seen = seen.map(|host| json!({"host": host["host"], "code": host["code"]}));
    let approved = of(seen.collect(), false)?;
    for host in items(&approved) {
        let (before, name) = (text(host, "before"), text(host, "name"));
        terminal::note(&match before == name {
            true => format!("{name} is approved"),
            false => format!("{before} is approved, as {name}"),
        });
    }
    Ok(ExitCode::SUCCESS)
}

fn export(door: &Door, asked: &Export) -> anyhow::Result<ExitCode> {
    if let (Format::Netbox, Some(folder), Some(role)) = (asked.format, &asked.into, &asked.role) {
        return for_netbox(door, folder, role, asked.site.as_deref());
    }
    let semicolon = asked.separator == Separator::Semicolon;
    let path = format!("/api/hosts/export?semicolon={semicolon}&bom={}", asked.bom);
    let exported = door.get(&path)?;
    terminal::exactly(exported["csv"].as_str().unwrap_or_default())?;
    Ok(ExitCode::SUCCESS)
}

/// One file for each table, numbered in the order in which NetBox can take them.
fn for_netbox(
    door: &Door,
    folder: &Path,
    role: &str,
    site: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let mut path = format!("/api/hosts/netbox?role={}", encoded(role));
    if let Some(site) = site {
        path.push_str(&format!("&site={}", encoded(site)));
    }
    let answer = door.get(&path)?;
    let context = || {
        format!(
            "write the tables into {}; name a folder that can be written",
            folder.display()
        )
    };
    std::fs::create_dir_all(folder).with_context(context)?;
    for (rank, table) in items(&answer["tables"]).iter().enumerate() {
        let name = format!("{}-{}.csv", rank + 1, text(table, "name"));
        let csv = table["csv"].as_str().unwrap_or_default();
        std::fs::write(folder.join(&name), csv).with_context(context)?;
        terminal::line(&name)?;
    }
    for host in items(&answer["left_out"]) {
        let (name, why) = (text(host, "name"), text(host, "why"));
        terminal::note(&format!("{name} is left out: {why}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn push(door: &Door, hosts: &[String], dry_run: bool) -> anyhow::Result<ExitCode> {
    let asked = json!({"hosts": hosts, "dry_run": dry_run});
    let pushed = door.post("/api/hosts/push", &asked)?;
    let pushed = items(&pushed);
    if let Some(host) = pushed.iter().find(|host| host["problem"].is_string()) {
        let (name, problem) = (text(host, "name"), text(host, "problem"));
        bail!("send the inventory of {name}: {problem}; nothing was sent");
    }
    if dry_run {
        let documents: Vec<&Value> = pushed.iter().map(|host| &host["document"]).collect();
        match documents[..] {
            [document] if hosts.len() == 1 => terminal::json(document)?,
            _ => terminal::json(&json!(documents))?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    terminal::note(&match pushed.len() {
        0 => "no approved host has reported yet: there is nothing to send".to_owned(),
        1 => format!(
            "the inventory of {} is being sent; `reprise host show` says when GLPI accepted it",
            text(&pushed[0], "name")
        ),
        count => format!(
            "{count} inventories are being sent; `reprise host show` says of each when GLPI accepted it"
        ),
    });
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

/// When GLPI accepted its inventory, and what is wrong with the newest.
fn in_glpi(door: &Door, glpi: &Value) -> String {
    let accepted = match &glpi["accepted_ms"] {
        Value::Null => "-".to_owned(),
        at => format!("accepted {}", door.when(at)),
    };
    match glpi["problem"].as_str() {
        Some(problem) => format!("{accepted}; {problem}"),
        None => accepted,
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
        ("profile", text(host, "profile")),
        ("user", text(host, "user")),
        ("asset tag", text(host, "asset_tag")),
        ("supplier", text(host, "supplier")),
        ("bought", text(host, "bought")),
        ("fixed address", text(host, "address")),
        ("warranty end", text(host, "warranty_end")),
        ("seen in", text(host, "network")),
        ("switch port", text(host, "port")),
        ("in GLPI", in_glpi(door, &host["glpi"])),
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
