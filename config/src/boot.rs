//! `[[boot_entry]]` and `[[boot_rule]]`: what PCs can start besides the agent, and which PC gets it without being asked.

use crate::place::Findings;
use crate::walk::Entries;
use std::net::Ipv4Addr;

/// Names that mean something by themselves, in rules and commands.
const TAKEN: [&str; 4] = ["agent", "menu", "silence", "none"];

/// More than a menu of 25 lines shows is not read.
const MOST_ENTRIES: usize = 50;

/// What the admin added to the network boot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootChoices {
    pub entries: Vec<BootEntry>,
    /// The first that fits decides.
    pub rules: Vec<BootRule>,
    /// The hash of the password before a menu that a rule gives.
    pub menu_password: Option<String>,
}

impl BootChoices {
    /// The rank of an entry.
    pub fn entry(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.name == name)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootEntry {
    pub name: String,
    /// What the menu shows.
    pub title: String,
    pub what: BootWhat,
}

/// URLs are `http://`, of signs that a boot script takes literally; or `asset:NAME`, a file of the boot assets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BootWhat {
    Linux {
        kernel: String,
        initrd: Option<String>,
        arguments: String,
    },
    /// A UEFI program.
    Efi(String),
    /// A disc image, started as a disc over the network.
    Iso(String),
}

/// Every key that is written must fit. `*` in a text stands for anything; capitals do not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootRule {
    pub serial: Option<String>,
    pub uuid: Option<String>,
    pub mac: Option<String>,
    pub vendor: Option<String>,
    pub model: Option<String>,
    /// Network address and prefix length.
    pub subnet: Option<(Ipv4Addr, u8)>,
    /// Option 82, sub-option 1.
    pub relay_port: Option<String>,
    pub give: BootGive,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BootGive {
    /// As if there were no rule: a rule before others, for exceptions.
    #[default]
    Agent,
    Silence,
    Menu,
    /// The rank of an entry.
    Entry(usize),
}

pub(crate) fn build(
    menu: &Entries,
    entries: &[Entries],
    rules: &[Entries],
    findings: &mut Findings<'_>,
) -> BootChoices {
    if let Some(further) = entries.get(MOST_ENTRIES) {
        findings.add(
            further.at("name"),
            format!(
                "[[boot_entry]]: more than {MOST_ENTRIES}; nobody reads such a menu, remove some"
            ),
        );
    }
    let entries: Vec<BootEntry> = entries.iter().map(|e| entry(e, findings)).collect();
    let rules = rules.iter().map(|r| rule(r, &entries, findings)).collect();
    let menu_password = menu.text("menu_password").map(str::to_owned);
    if menu_password.as_deref().is_some_and(|text| !is_hash(text)) {
        findings.add(
            menu.at("menu_password"),
            "`menu_password` in [boot]: not the hash of a password; write the line that `reprise boot menu-password` prints",
        );
    }
    BootChoices {
        entries,
        rules,
        menu_password,
    }
}

fn entry(written: &Entries, findings: &mut Findings<'_>) -> BootEntry {
    let name = written.text("name").unwrap_or_default().to_owned();
    if TAKEN.contains(&name.as_str()) {
        findings.add(
            written.at("name"),
            format!(
                "`name` in [[boot_entry]]: `{name}` has a meaning of its own; choose another name"
            ),
        );
    }
    let mut url = |key: &str| {
        let text = written.text(key)?;
        if !is_url(text) && !is_asset(text) {
            findings.add(
                written.at(key),
                format!(
                    "`{key}` in [[boot_entry]]: {text:?} is not a URL that a boot loader fetches; write such as http://192.168.1.10/boot/file, without spaces, `$` or quotes"
                ),
            );
        }
        Some(text.to_owned())
    };
    let (kernel, initrd, efi, iso) = (url("kernel"), url("initrd"), url("efi"), url("iso"));
    let arguments = written.text("arguments").unwrap_or_default().to_owned();
    if !are_arguments(&arguments) {
        findings.add(
            written.at("arguments"),
            "`arguments` in [[boot_entry]]: a boot script would not take them literally; use letters, digits, spaces and ./:=,_-+@%()[] only",
        );
    }
    for key in ["initrd", "arguments"] {
        if kernel.is_none() && written.has(key) {
            findings.add(
                written.at(key),
                format!("`{key}` in [[boot_entry]] goes with `kernel`; add it, or remove this"),
            );
        }
    }
    let what = match (kernel, efi, iso) {
        (Some(kernel), None, None) => BootWhat::Linux {
            kernel,
            initrd,
            arguments,
        },
        (None, Some(efi), None) => BootWhat::Efi(efi),
        (None, None, Some(iso)) => BootWhat::Iso(iso),
        _ => {
            findings.add(
                written.at("name"),
                format!("[[boot_entry]] `{name}`: write exactly one of `kernel`, `efi` and `iso`"),
            );
            BootWhat::Efi(String::new())
        }
    };
    BootEntry {
        title: written.text("title").unwrap_or(&name).to_owned(),
        name,
        what,
    }
}

fn rule(written: &Entries, entries: &[BootEntry], findings: &mut Findings<'_>) -> BootRule {
    const KEYS: [&str; 7] = [
        "serial",
        "uuid",
        "mac",
        "vendor",
        "model",
        "subnet",
        "relay_port",
    ];
    if !KEYS.iter().any(|key| written.has(key)) {
        findings.add(
            written.at("give"),
            "[[boot_rule]] fits every PC; say which by serial, uuid, mac, vendor, model, subnet or relay_port (`mac = \"*\"` if all are meant)",
        );
    }
    let text = |key: &str| written.text(key).map(str::to_owned);
    let subnet = written.text("subnet").and_then(|text| {
        let subnet = subnet(text);
        if subnet.is_none() {
            findings.add(
                written.at("subnet"),
                format!("`subnet` in [[boot_rule]]: {text:?} is not a network; write such as 192.168.20.0/24"),
            );
        }
        subnet
    });
    let give = match written.text("give").unwrap_or_default() {
        "" | "agent" => BootGive::Agent,
        "silence" => BootGive::Silence,
        "menu" => BootGive::Menu,
        name => match entries.iter().position(|entry| entry.name == name) {
            Some(rank) => BootGive::Entry(rank),
            None => {
                findings.add(
                    written.at("give"),
                    format!("`give` in [[boot_rule]]: no [[boot_entry]] is called `{name}`; write one of its names, or agent, menu or silence"),
                );
                BootGive::Agent
            }
        },
    };
    BootRule {
        serial: text("serial"),
        uuid: text("uuid"),
        mac: text("mac"),
        vendor: text("vendor"),
        model: text("model"),
        subnet,
        relay_port: text("relay_port"),
        give,
    }
}

pub(crate) fn subnet(text: &str) -> Option<(Ipv4Addr, u8)> {
    let (address, length) = text.split_once('/')?;
    let length = length.parse().ok().filter(|length| *length <= 32)?;
    Some((address.parse().ok()?, length))
}

/// `argon2id:KIB:PASSES:SALT:KEY`. A password written here by mistake is none.
fn is_hash(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let is_hex = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    matches!(parts.as_slice(), ["argon2id", memory, passes, salt, key]
        if memory.parse::<u32>().is_ok() && passes.parse::<u32>().is_ok() && !salt.is_empty() && is_hex(key))
}

/// A file of the boot assets, such as `asset:wimboot`.
fn is_asset(text: &str) -> bool {
    text.strip_prefix("asset:").is_some_and(|name| {
        !name.is_empty()
            && name.len() <= 64
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
    })
}

/// What iPXE takes literally: `$`, quotes, `\`, `#` and `|` mean something to it.
fn is_url(text: &str) -> bool {
    text.len() <= 500
        && text
            .strip_prefix("http://")
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"./:=,_-+@%?&~()".contains(&b))
}

fn are_arguments(text: &str) -> bool {
    text.len() <= 1000
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b" ./:=,_-+@%()[]".contains(&b))
}

#[cfg(test)]
mod tests {
    use crate::{BootChoices, BootGive, BootWhat, example, parse};
    use std::path::Path;

    fn read(more: &str) -> Result<BootChoices, String> {
        let text = format!("{}\n{more}", example());
        parse(&text, Path::new("/etc/reprise/reprise.toml"))
            .map(|config| config.boot)
            .map_err(|complaints| complaints.to_string())
    }

    #[test]
    fn entries_and_rules_are_read_in_their_order() {
        let choices = read(
            "[[boot_entry]]\nname = \"deb\"\nkernel = \"http://10.0.0.1/linux\"\narguments = \"a=b quiet\"\n\
             [[boot_entry]]\nname = \"pe\"\ntitle = \"Windows PE\"\nefi = \"http://10.0.0.1:81/x.efi?a=b\"\n\
             [[boot_rule]]\nsubnet = \"10.2.0.0/16\"\ngive = \"pe\"\n\
             [[boot_rule]]\nmac = \"*\"\ngive = \"silence\"\n",
        )
        .expect("it is right");
        assert_eq!(choices.entry("pe"), Some(1));
        assert_eq!(choices.entries[0].title, "deb");
        let kernel = "http://10.0.0.1/linux".to_owned();
        let arguments = "a=b quiet".to_owned();
        let initrd = None;
        let what = BootWhat::Linux {
            kernel,
            initrd,
            arguments,
        };
        assert_eq!(choices.entries[0].what, what);
        assert_eq!(choices.rules[0].give, BootGive::Entry(1));
        assert_eq!(choices.rules[0].subnet, Some(([10, 2, 0, 0].into(), 16)));
        assert_eq!(choices.rules[1].give, BootGive::Silence);
    }

    #[test]
    fn what_a_boot_script_would_not_take_literally_is_refused() {
        let entry = |lines: &str| format!("[[boot_entry]]\nname = \"x\"\n{lines}\n");
        for (lines, says) in [
            ("", "exactly one of"),
            (
                "efi = \"http://a/b\"\niso = \"http://a/c\"",
                "exactly one of",
            ),
            ("efi = \"https://a/b\"", "not a URL that"),
            ("efi = \"http:///b\"", "not a URL that"),
            ("efi = \"http://a/b c\"", "not a URL that"),
            ("efi = \"http://a/${net0/ip}\"", "not a URL that"),
            (
                "iso = \"http://a/b\"\narguments = \"x\"",
                "goes with `kernel`",
            ),
            (
                "kernel = \"http://a/b\"\narguments = \"x || shell\"",
                "literally",
            ),
        ] {
            let complaint = read(&entry(lines)).expect_err(lines);
            assert!(complaint.contains(says), "{lines}: {complaint}");
        }
        for (rule, says) in [
            ("give = \"silence\"", "fits every PC"),
            ("mac = \"*\"\ngive = \"nothing\"", "no [[boot_entry]]"),
            ("subnet = \"10.0.0.0/33\"\ngive = \"menu\"", "not a network"),
            ("subnet = \"10.0.0.0\"\ngive = \"menu\"", "not a network"),
        ] {
            let complaint = read(&format!("[[boot_rule]]\n{rule}\n")).expect_err(rule);
            assert!(complaint.contains(says), "{rule}: {complaint}");
        }
        for password in [
            "secret",
            "argon2id:19456:2:salt:key",
            "argon2id:x:2:salt:00",
        ] {
            let complaint =
                read(&format!("[boot]\nmenu_password = \"{password}\"\n")).expect_err(password);
            assert!(complaint.contains("menu-password"), "{complaint}");
            assert!(!complaint.contains(password), "{complaint}");
        }
        let hash = format!("argon2id:19456:2:salt:{}", "0f".repeat(32));
        let more = format!(
            "[boot]\nmenu_password = \"{hash}\"\n[[boot_entry]]\nname = \"pe\"\nkernel = \"asset:wimboot\"\n"
        );
        let choices = read(&more).expect("it is right");
        assert_eq!(choices.menu_password, Some(hash));
        assert!(read(&entry("efi = \"asset:../kernel\"")).is_err());
        let long = format!("http://10.0.0.1/{}", "a".repeat(384));
        for key in ["kernel", "efi", "iso"] {
            let choices = read(&entry(&format!("{key} = \"{long}\""))).expect(key);
            let what = &choices.entries[0].what;
            assert!(format!("{what:?}").contains(&long), "{key}: {what:?}");
        }
        let linux = format!(
            "kernel = \"{long}\"\ninitrd = \"{long}\"\narguments = \"{}\"",
            "a=b ".repeat(100)
        );
        assert!(read(&entry(&linux)).is_ok());
        for (line, says) in [
            (format!("efi = \"{long}{long}\""), "not a URL that"),
            (
                format!("efi = \"http://a/{}\"", "a".repeat(2000)),
                "longer than 2000",
            ),
        ] {
            let complaint = read(&entry(&line)).expect_err("too long");
            assert!(complaint.contains(says), "{complaint}");
        }
        let taken = "[[boot_entry]]\nname = \"menu\"\niso = \"http://a/b\"\n";
        assert!(
            read(taken)
                .expect_err("taken")
                .contains("meaning of its own")
        );
    }
}
