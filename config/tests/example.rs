//! The example is complete, parses, and is what the golden shows; so is the first configuration.

use config::{Config, DhcpRole, Keep, Level, Locale};
use std::path::Path;
use std::time::Duration;

fn parsed(text: &str) -> Config {
    match config::parse(text, Path::new("/etc/reprise/reprise.toml")) {
        Ok(config) => config,
        Err(complaints) => panic!("{complaints}\n{text}"),
    }
}

/// Every setting that is shown commented, uncommented; `skip` names keys to leave out.
fn uncommented(text: &str, skip: &[&str]) -> String {
    text.lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting)
                if !setting.starts_with([' ', '#'])
                    && !skip.iter().any(|key| setting.starts_with(key)) =>
            {
                format!("{setting}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect()
}

#[test]
fn the_example_is_the_golden() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("example.toml");
    #[expect(
        clippy::disallowed_methods,
        reason = "the one switch that rewrites goldens"
    )]
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        std::fs::write(&golden, config::example()).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&golden).unwrap(),
        config::example(),
        "UPDATE_GOLDEN=1 rewrites it"
    );
}

#[test]
fn the_example_parses_as_printed_and_with_everything_uncommented() {
    let shown = parsed(&config::example());
    assert_eq!(shown.networks, [], "an example never starts network boot");
    // A target is a folder of this machine, or one of another with one way to log in.
    // `expected_every` belongs to a disk that comes and goes.
    // A boot entry is one of a kernel, a UEFI program and a disc image.
    let of_ssh = [
        "database_url_file",
        "ssh_",
        "known_hosts",
        "expected_every",
        "efi",
        "iso",
    ];
    let example = config::example();
    let (before, server) = example.split_once("#[[server]]").unwrap();
    // A server has one of them.
    let server = uncommented(&format!("#[[server]]{server}"), &["ssh_password_file"]);
    let full = parsed(&format!("{}{server}", uncommented(before, &of_ssh)));
    assert_eq!(
        full.server("erp").unwrap().at.url.to_string(),
        "sftp://root@erp.lan/srv"
    );
    assert_eq!(full.networks.len(), 1);
    assert_eq!(full.networks[0].dhcp, DhcpRole::Proxy);
    assert_eq!(full.boot.entries[0].name, "debian");
    assert_eq!(full.boot.rules[0].give, config::BootGive::Silence);
    let plan = full.plan("compta").unwrap();
    assert_eq!(plan.rpo, Some(Duration::from_secs(86_400)));
    assert_eq!(plan.keep.monthly, 24);
    assert_eq!(full.image_target().unwrap().name, "nas");
    let distant = config::example().replace("/mnt/nas/reprise", "sftp://reprise@nas.lan/backup");
    let linux = ["kernel", "initrd", "arguments"];
    let mut skip = vec![
        "database_url_file",
        "ssh_password_file",
        "expected_every",
        "iso",
    ];
    skip.extend(linux);
    let distant = parsed(&uncommented(&distant, &skip));
    assert_eq!(distant.target("nas").unwrap().folder(), None);
}

/// The configuration shown in the product's own description.
#[test]
fn the_published_illustration_parses() {
    let config = parsed(
        r#"
[appliance]
name = "agen"                     # shown in the console, the plan and the boot menu
state_dir = "/var/lib/reprise"
locale = "fr"                     # fr | en
timezone = "Europe/Paris"
[console]
listen = "0.0.0.0:8443"           # HTTPS, own certificate on first start
[[network]]
interface = "eth0"
dhcp = "proxy"
[[target]]
name = "nas"
url = "/mnt/nas/reprise"
password_file = "nas-password"
[[plan]]
name = "compta"
files = ["/srv/partage/compta", "exports"]
at = "02:00"
targets = ["nas"]
keep = { daily = 14, weekly = 8, monthly = 24 }
tier = 1
rpo = "24h"
rto = "4h"
prove = { level = "restored", every = "7d" }
"#,
    );
    assert_eq!(config.appliance.locale, Locale::Fr);
    assert_eq!(config.networks[0].http_port, 8067);
    let target = config.target("nas").unwrap();
    assert_eq!(target.password_file, Path::new("/etc/reprise/nas-password"));
    let folder = config::Place::Folder {
        path: "/mnt/nas/reprise".into(),
        must_be_mounted: false,
    };
    assert_eq!(target.place, folder);
    let plan = config.plan("compta").unwrap();
    assert_eq!(plan.files[1], Path::new("/etc/reprise/exports"));
    assert_eq!(plan.at.unwrap().to_string(), "02:00");
    assert_eq!(
        plan.keep,
        Keep {
            daily: 14,
            weekly: 8,
            monthly: 24,
            ..Keep::default()
        }
    );
    assert_eq!(
        (plan.tier, plan.rto),
        (1, Some(Duration::from_secs(14_400)))
    );
    assert_eq!(plan.prove.level, Level::Restored);
    assert_eq!(plan.prove.every, Some(Duration::from_secs(604_800)));
}

#[test]
fn the_first_configuration_parses_and_keeps_to_its_folder() {
    let text = config::default_text(&config::DefaultOptions {
        dir: "reprise-data".to_owned(),
        name: "bo\"x\\".to_owned(),
        locale: config::Locale::En,
        timezone: "Europe/Paris".to_owned(),
        has_vault: true,
    });
    let config = config::parse(&text, Path::new("/home/me/reprise.toml")).unwrap();
    assert_eq!(config.appliance.name, "bo\"x\\");
    assert_eq!(
        config.appliance.state_dir,
        Path::new("/home/me/reprise-data/state")
    );
    let target = config.target("local").unwrap();
    let folder = Path::new("/home/me/reprise-data/vault");
    assert_eq!(target.folder(), Some(folder));
    assert_eq!(
        target.password_file,
        Path::new("/home/me/reprise-data/vault-password")
    );
    assert!(config.networks.is_empty() && config.plans.is_empty());
    assert_eq!(config.appliance.locale, config::Locale::En);
    let full = parsed(&uncommented(&text, &[]));
    assert_eq!(
        (full.networks.len(), full.targets.len(), full.plans.len()),
        (1, 2, 1)
    );
    let with_network = parsed(&format!("{text}{}", config::network_lines("enp3s0")));
    assert_eq!(with_network.networks[0].interface, "enp3s0");
}
