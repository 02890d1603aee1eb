//! The configuration that a first start writes.

/// What `./run` knows when it writes the first configuration.
#[derive(Clone, Debug)]
pub struct DefaultOptions {
    /// Folder of the data, relative to the file or absolute: `reprise-data`.
    pub dir: String,
    /// Name of the appliance.
    pub name: String,
}

/// A commented configuration: console on 8443, state and a vault under `dir`, no network boot, no plan.
pub fn default_text(options: &DefaultOptions) -> String {
    let name = quoted(&options.name);
    let inside = |leaf: &str| quoted(&format!("{}/{leaf}", options.dir));
    format!(
        r#"# Configuration of Reprise, written at its first start. Yours to edit: reprise never rewrites it.
# Every key, with its meaning: `reprise config example`. After a change: `reprise config check`.
# Relative paths are relative to this file.

[appliance]
name = {name}                  # shown in the console and written in every snapshot
state_dir = {state}
#locale = "fr"                   # fr | en: the console's language until someone chooses
#timezone = "Europe/Paris"       # the hours of the plans below

[console]
listen = "0.0.0.0:8443"           # HTTPS; the certificate is made at the first start

# Network boot is off until an interface is named. "proxy" lives beside your DHCP server.
#[[network]]
#interface = "eth0"
#dhcp = "proxy"

# This vault is on the same box: enough to prove that restoring works, not to survive the box.
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

# What is saved every night.
#[[plan]]
#name = "compta"
#files = ["/srv/partage/compta"]
#at = "02:00"
#targets = ["nas"]
"#,
        state = inside("state"),
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
pub(crate) fn quoted(text: &str) -> String {
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
