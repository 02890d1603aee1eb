//! Checked entries → domain values: what no single key can say alone (names, references, overlaps).

use crate::boot;
use crate::closest::closest;
use crate::database::DatabaseUrl;
use crate::dhcp;
use crate::domain::{
    Appliance, Config, Console, DhcpRole, Keep, Level, Locale, Log, LogFormat, Network, Plan,
    PlanRecipe, Prove, Target,
};
use crate::glpi;
use crate::notify;
use crate::place::Findings;
use crate::registry;
use crate::target;
use crate::walk::{Document, Entries, Value};
use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};

/// Where people's work lies on a server that nobody arranged otherwise.
const SCANNED: [&str; 3] = ["/home", "/srv", "/var/www"];

/// Reads a file named in the configuration.
pub(crate) type Read<'a> = &'a dyn Fn(&Path) -> std::io::Result<String>;

/// Only meaningful when nothing was found wrong: wrong values are replaced by neutral ones, so
/// that everything else is still checked.
pub(crate) fn build(
    document: &Document,
    origin: &Path,
    read: Read<'_>,
    findings: &mut Findings<'_>,
) -> Config {
    let base = origin.parent().unwrap_or(Path::new("/"));
    let many = |name: &str| document.get(name).map_or(&[][..], Vec::as_slice);
    let nothing = Entries::default();
    let single = |name: &str| many(name).first().unwrap_or(&nothing);

    unique(many("target"), "name", "[[target]]", findings);
    unique(many("server"), "name", "[[server]]", findings);
    unique(many("plan"), "name", "[[plan]]", findings);
    unique(many("network"), "interface", "[[network]]", findings);
    unique(many("boot_entry"), "name", "[[boot_entry]]", findings);
    unique(many("profile"), "name", "[[profile]]", findings);
    unique(many("site"), "name", "[[site]]", findings);

    let console = Console {
        listen: match single("console").get("listen") {
            Some(Value::Address(address)) => *address,
            _ => SocketAddr::from(([0, 0, 0, 0], 8443)),
        },
    };
    let targets: Vec<Target> = many("target")
        .iter()
        .map(|e| target::build(e, base, findings))
        .collect();
    let servers = many("server").iter();
    let servers = servers.map(|e| target::server(e, base, findings)).collect();
    let plans: Vec<Plan> = many("plan").iter().map(|e| plan(e, base)).collect();
    let networks: Vec<Network> = many("network").iter().map(network).collect();
    let appliance = appliance(single("appliance"), base, read, findings);

    target::same_place(many("target"), &targets, findings);
    references(single("appliance"), many("plan"), many("target"), findings);
    // A target without a good `url` has no folder that a plan could overlap.
    let placed: Vec<&Target> = many("target")
        .iter()
        .zip(&targets)
        .filter(|(entries, _)| entries.text("url").is_some())
        .map(|(_, target)| target)
        .collect();
    for (entries, plan) in many("plan").iter().zip(&plans) {
        if plan.name == "appliance" {
            findings.add(
                entries.at("name"),
                "`name` in [[plan]]: `appliance` is the appliance's own backup, which needs no plan; choose another name",
            );
        }
        overlaps(entries, plan, &placed, findings);
        service(entries, findings);
    }
    let given = dhcp::build(
        many("dhcp_subnet"),
        many("dhcp_reservation"),
        many("dhcp_profile"),
        findings,
    );
    let roles: Vec<_> = many("network").iter().zip(&networks).collect();
    dhcp::check(&roles, many("dhcp_subnet"), findings);
    for (entries, network) in many("network").iter().zip(&networks) {
        if network.http_port != 0 && network.http_port == console.listen.port() {
            findings.add(
                entries.at("http_port"),
                format!(
                    "`http_port` in [[network]]: {} is the port of the console; choose another, such as 8067",
                    network.http_port
                ),
            );
        }
    }

    Config {
        origin: origin.to_owned(),
        appliance,
        console,
        log: log(single("log")),
        notify: notify::build(single("notify"), base, findings),
        networks,
        dhcp: given,
        boot: boot::build(
            single("boot"),
            many("boot_entry"),
            many("boot_rule"),
            findings,
        ),
        registry: registry::Registry {
            glpi: glpi::build(single("glpi"), base, findings),
            ..registry::build(single("hosts"), many("profile"), many("site"), findings)
        },
        targets,
        servers,
        plans,
    }
}

fn appliance(
    entries: &Entries,
    base: &Path,
    read: Read<'_>,
    findings: &mut Findings<'_>,
) -> Appliance {
    let database_url = entries.text("database_url_file").and_then(|file| {
        let path = resolved(base, file);
        database_url(&path, read)
            .map_err(|what| {
                findings.add(
                    entries.at("database_url_file"),
                    format!("`database_url_file` in [appliance]: {what}"),
                );
            })
            .ok()
    });
    Appliance {
        name: text(entries, "name"),
        state_dir: resolved(base, entries.text("state_dir").unwrap_or_default()),
        database_url,
        locale: match entries.text("locale") {
            Some("en") => Locale::En,
            _ => Locale::Fr,
        },
        timezone: text(entries, "timezone"),
        image_target: entries.text("image_target").map(str::to_owned),
        index_memory_mb: small(entries, "index_memory_mb"),
        keep_free_mb: small(entries, "keep_free_mb"),
        scan: scan(entries, base),
    }
}

fn scan(entries: &Entries, base: &Path) -> Vec<PathBuf> {
    if !entries.has("scan") {
        return SCANNED.iter().map(PathBuf::from).collect();
    }
    let written = entries.texts("scan").iter();
    written.map(|(_, path)| resolved(base, path)).collect()
}

/// The first line of the file; never repeated in an error.
fn database_url(path: &Path, read: Read<'_>) -> Result<String, String> {
    let content = read(path).map_err(|error| {
        format!(
            "cannot read {}: {error}; write the URL of the database on its first line, readable by reprise only",
            path.display()
        )
    })?;
    let url = content.lines().next().unwrap_or_default().trim();
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        Ok(url.to_owned())
    } else {
        Err(format!(
            "the first line of {} is not the URL of a PostgreSQL database; write such as postgres://user:password@host/reprise, or remove this key to use SQLite",
            path.display()
        ))
    }
}

fn log(entries: &Entries) -> Log {
    Log {
        format: match entries.text("format") {
            Some("json") => LogFormat::Json,
            _ => LogFormat::Human,
        },
        filter: text(entries, "filter"),
    }
}

fn network(entries: &Entries) -> Network {
    Network {
        interface: text(entries, "interface"),
        dhcp: match entries.text("dhcp") {
            Some("off") => DhcpRole::Off,
            Some("server") => DhcpRole::Server,
            _ => DhcpRole::Proxy,
        },
        http_port: small(entries, "http_port"),
    }
}

fn plan(entries: &Entries, base: &Path) -> Plan {
    let duration = |entries: &Entries, key: &str| match entries.get(key) {
        Some(Value::Duration(duration)) => Some(*duration),
        _ => None,
    };
    let keep = match entries.get("keep") {
        Some(Value::Inline(keep)) => Keep {
            last: small(keep, "last"),
            hourly: small(keep, "hourly"),
            daily: small(keep, "daily"),
            weekly: small(keep, "weekly"),
            monthly: small(keep, "monthly"),
            yearly: small(keep, "yearly"),
        },
        _ => Keep::default(),
    };
    let prove = match entries.get("prove") {
        Some(Value::Inline(prove)) => Prove {
            level: match prove.text("level") {
                Some("listed") => Level::Listed,
                Some("scrubbed") => Level::Scrubbed,
                Some("restored") => Level::Restored,
                _ => Level::Loaded,
            },
            every: duration(prove, "every"),
        },
        _ => Prove {
            level: Level::Loaded,
            every: None,
        },
    };
    Plan {
        name: text(entries, "name"),
        files: entries
            .texts("files")
            .iter()
            .map(|(_, file)| resolved(base, file))
            .collect(),
        database: entries
            .text("database")
            .and_then(|url| DatabaseUrl::parse(url).ok()),
        database_password_file: entries
            .text("database_password_file")
            .map(|file| resolved(base, file)),
        recipe: entries.text("recipe").map(|name| PlanRecipe {
            name: name.to_owned(),
            folder: resolved(base, entries.text("folder").unwrap_or_default()),
        }),
        exclude: entries
            .texts("exclude")
            .iter()
            .map(|(_, pattern)| pattern.clone())
            .collect(),
        skip_caches: matches!(entries.get("skip_caches"), Some(Value::Switch(true))),
        at: match entries.get("at") {
            Some(Value::Time(time)) => Some(*time),
            _ => None,
        },
        targets: entries
            .texts("targets")
            .iter()
            .map(|(_, name)| name.clone())
            .collect(),
        keep,
        tier: small(entries, "tier"),
        rpo: duration(entries, "rpo"),
        rto: duration(entries, "rto"),
        prove,
    }
}

/// What the keys of a database and of a recipe say about each other.
fn service(entries: &Entries, findings: &mut Findings<'_>) {
    let has = |key: &str| entries.has(key);
    if has("recipe") && !has("folder") {
        findings.add(
            entries.at("recipe"),
            "`recipe` in [[plan]] needs `folder`, where the application is installed; write such as `folder = \"/var/www/dolibarr\"`",
        );
    }
    if has("folder") && !has("recipe") {
        findings.add(
            entries.at("folder"),
            "`folder` in [[plan]] is for a `recipe`; write `recipe = \"dolibarr\"` beside it, or list the folder in `files`",
        );
    }
    if has("database_password_file") && !has("database") && !has("recipe") {
        findings.add(
            entries.at("database_password_file"),
            "`database_password_file` in [[plan]] stands without `database`; write such as `database = \"mariadb://reprise@erp.lan/dolibarr\"`, or remove it",
        );
    }
}

fn unique(tables: &[Entries], key: &str, header: &str, findings: &mut Findings<'_>) {
    for (rank, table) in tables.iter().enumerate() {
        let Some(name) = table.text(key) else {
            continue;
        };
        if let Some(first) = tables[..rank].iter().find(|t| t.text(key) == Some(name)) {
            findings.add(
                table.at(key),
                format!(
                    "`{key}` in {header}: `{name}` is already on line {}; give each {header} its own",
                    findings.line(first.at(key))
                ),
            );
        }
    }
}

fn references(
    appliance: &Entries,
    plans: &[Entries],
    targets: &[Entries],
    findings: &mut Findings<'_>,
) {
    // A target whose name is wrong may be the one that is meant.
    if targets.iter().any(|t| t.text("name").is_none()) {
        return;
    }
    let known: Vec<&str> = targets.iter().filter_map(|t| t.text("name")).collect();
    let mut check = |at: usize, place: &str, name: &str| {
        if !known.contains(&name) {
            let meant = match closest(name, known.iter().copied()) {
                Some(near) => format!("; did you mean `{near}`?"),
                None if known.is_empty() => "; add a [[target]] of that name".to_owned(),
                None => format!("; expected one of {}", known.join(", ")),
            };
            findings.add(
                at,
                format!("{place}: no [[target]] has the name `{name}`{meant}"),
            );
        }
    };
    if let Some(name) = appliance.text("image_target") {
        check(
            appliance.at("image_target"),
            "`image_target` in [appliance]",
            name,
        );
    }
    for (at, name) in plans.iter().flat_map(|p| p.texts("targets")) {
        check(*at, "`targets` in [[plan]]", name);
    }
}

fn overlaps(entries: &Entries, plan: &Plan, targets: &[&Target], findings: &mut Findings<'_>) {
    let files: Vec<(usize, &PathBuf)> = entries
        .texts("files")
        .iter()
        .map(|(at, _)| *at)
        .zip(&plan.files)
        .collect();
    for (rank, (at, file)) in files.iter().enumerate() {
        for target in targets {
            let Some(folder) = target.folder().filter(|f| f.parent().is_some()) else {
                continue;
            };
            if folder.starts_with(file) {
                findings.add(
                    *at,
                    format!(
                        "`files` in [[plan]]: the vault of target `{}` lies inside {}, so it would save itself; list narrower folders, or move the vault",
                        target.name,
                        file.display()
                    ),
                );
            } else if file.starts_with(folder) {
                findings.add(
                    *at,
                    format!(
                        "`files` in [[plan]]: {} lies inside the vault of target `{}`; save the original files instead",
                        file.display(),
                        target.name
                    ),
                );
            }
        }
        let wider = files
            .iter()
            .enumerate()
            .find(|(other, (_, wider))| *other != rank && file.starts_with(wider));
        if let Some((other, (_, wider))) = wider
            && (file != wider || other < rank)
        {
            findings.add(
                *at,
                format!(
                    "`files` in [[plan]]: {} is already inside {}; remove it",
                    file.display(),
                    wider.display()
                ),
            );
        }
    }
}

pub(crate) fn text(entries: &Entries, key: &str) -> String {
    entries.text(key).unwrap_or_default().to_owned()
}

/// A number whose range the schema holds.
fn small<T: TryFrom<i64> + Default>(entries: &Entries, key: &str) -> T {
    entries
        .number(key)
        .and_then(|n| T::try_from(n).ok())
        .unwrap_or_default()
}

/// Absolute, without `.` and `..`: comparing paths below compares text, and never asks the disk.
pub(crate) fn resolved(base: &Path, path: &str) -> PathBuf {
    let mut out = PathBuf::new();
    for part in base.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => out.push(part),
        }
    }
    out
}
