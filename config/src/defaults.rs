//! The configuration that a first start writes, and the blocks that `reprise setup` adds to one.

use crate::domain::Locale;

/// What `./run` knows when it writes the first configuration.
#[derive(Clone, Debug)]
pub struct DefaultOptions {
    /// Folder of the data, relative to the file or absolute: `reprise-data`.
    pub dir: String,
    /// Name of the appliance.
    pub name: String,
    pub locale: Locale,
    /// An IANA name.
    pub timezone: String,
    /// Also a vault under `dir`; else no target, and a plan still needs one.
    pub has_vault: bool,
}

/// A commented configuration: console on 8443, state (and a vault) under `dir`, no network boot, no plan.
pub fn default_text(options: &DefaultOptions) -> String {
    let vault = match options.has_vault {
        true => vault_text(options),
        false => "# Where copies go: `reprise setup` asks, and adds it below. A folder of a NAS, or sftp://user@nas/folder.\n"
            .to_owned(),
    };
    let locale = quoted(options.locale.code());
    let timezone = quoted(&options.timezone);
    let name = quoted(&options.name);
    let inside = |leaf: &str| quoted(&format!("{}/{leaf}", options.dir));
    format!(
        r#"# Configuration of Reprise, written at its first start. Yours to edit: reprise never rewrites it.
# Every key, with its meaning: `reprise config example`. After a change: `reprise config check`.
# Relative paths are relative to this file.

[appliance]
name = {name}                  # shown in the console and written in every snapshot
state_dir = {state}
locale = {locale}                     # fr | en: the console's language until someone chooses
timezone = {timezone}       # the hours of the plans below

[console]
listen = "0.0.0.0:8443"           # HTTPS; the certificate is made at the first start

# Network boot is off until an interface is named. "proxy" lives beside your DHCP server.
#[[network]]
#interface = "eth0"
#dhcp = "proxy"

{vault}
# What is saved every night.
#[[plan]]
#name = "compta"
#files = ["/srv/partage/compta"]
#at = "02:00"
#targets = ["nas"]
"#,
        state = inside("state"),
    )
}

fn vault_text(options: &DefaultOptions) -> String {
    let inside = |leaf: &str| quoted(&format!("{}/{leaf}", options.dir));
    format!(
        r#"# This vault is on the same box: enough to prove that restoring works, not to survive the box.
# Add a target on a NAS, and give its name to your plans.
[[target]]
name = "local"
url = {vault}
password_file = {password}        # keep a copy of this file elsewhere: without it the vault is lost

#[[target]]
#name = "nas"
#url = "/mnt/nas/reprise"
#must_be_mounted = true          # an unmounted NAS is then an error, never a full system disk
#password_file = {password}
"#,
        vault = inside("vault"),
        password = inside("vault-password"),
    )
}

/// The lines that serve network boot on one interface.
pub fn network_lines(interface: &str) -> String {
    format!(
        "[[network]]\ninterface = {}\ndhcp = \"proxy\"\n",
        quoted(interface)
    )
}

/// A TOML basic string.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
