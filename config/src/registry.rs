//! `[hosts]`, `[[profile]]` and `[[site]]`: what PCs are called, and where they stand.

use crate::boot::subnet;
use crate::glpi::Glpi;
use crate::naming::{NamePattern, pattern};
use crate::place::Findings;
use crate::walk::{Entries, Value};
use std::net::Ipv4Addr;
use std::time::Duration;

/// What the admin says of all PCs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    /// The rule of PCs without a profile that has one; `None` = they keep the name they were given
    /// when they were first seen.
    pub naming: Option<NamePattern>,
    /// Names that no rule gives; `*` stands for anything.
    pub reserved: Vec<String>,
    /// 15 where Windows is to be joined to a domain, 63 at most.
    pub longest_name: u8,
    /// A warranty that ends within this time is shown.
    pub warranty_warning: Duration,
    pub profiles: Vec<Profile>,
    pub sites: Vec<Site>,
    /// Gets what approved PCs are.
    pub glpi: Option<Glpi>,
}

/// NetBIOS: 16 bytes, the last of which says what kind of name it is.
const NETBIOS: u8 = 15;
const DAY: Duration = Duration::from_secs(86_400);

impl Default for Registry {
    fn default() -> Registry {
        Registry {
            naming: None,
            reserved: Vec::new(),
            longest_name: NETBIOS,
            warranty_warning: 60 * DAY,
            profiles: Vec::new(),
            sites: Vec::new(),
            glpi: None,
        }
    }
}

impl Registry {
    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles
            .iter()
            .find(|profile| profile.name.eq_ignore_ascii_case(name))
    }

    /// The site of an address, by its narrowest network.
    pub fn site_of(&self, address: Ipv4Addr) -> Option<(&Site, (Ipv4Addr, u8))> {
        self.sites
            .iter()
            .flat_map(|site| site.subnets.iter().map(move |subnet| (site, *subnet)))
            .filter(|(_, (base, length))| network(address, *length) == network(*base, *length))
            .max_by_key(|(_, (_, length))| *length)
    }
}

fn network(address: Ipv4Addr, length: u8) -> u32 {
    let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
    u32::from(address) & mask
}

/// What some PCs have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub name: String,
    pub naming: Option<NamePattern>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    pub name: String,
    /// Network address and prefix length of each.
    pub subnets: Vec<(Ipv4Addr, u8)>,
}

pub(crate) fn build(
    hosts: &Entries,
    profiles: &[Entries],
    sites: &[Entries],
    findings: &mut Findings<'_>,
) -> Registry {
    let defaults = Registry::default();
    let texts = |key: &str| -> Vec<String> {
        hosts
            .texts(key)
            .iter()
            .map(|(_, text)| text.clone())
            .collect()
    };
    Registry {
        naming: naming(hosts, "[hosts]", findings),
        reserved: texts("reserved"),
        longest_name: hosts
            .number("longest_name")
            .and_then(|n| u8::try_from(n).ok())
            .unwrap_or(defaults.longest_name),
        warranty_warning: match hosts.get("warranty_warning") {
            Some(Value::Duration(duration)) => *duration,
            _ => defaults.warranty_warning,
        },
        profiles: profiles
            .iter()
            .map(|written| Profile {
                name: written.text("name").unwrap_or_default().to_owned(),
                naming: naming(written, "[[profile]]", findings),
            })
            .collect(),
        sites: sites
            .iter()
            .map(|written| site(written, findings))
            .collect(),
        glpi: None,
    }
}

fn naming(written: &Entries, table: &str, findings: &mut Findings<'_>) -> Option<NamePattern> {
    let text = written.text("naming")?;
    pattern(text)
        .map_err(|why| {
            findings.add(
                written.at("naming"),
                format!("`naming` in {table}: {text:?}: {why}"),
            );
        })
        .ok()
}

fn site(written: &Entries, findings: &mut Findings<'_>) -> Site {
    let mut subnets = Vec::new();
    for (at, text) in written.texts("subnets") {
        match subnet(text) {
            Some(found) => subnets.push(found),
            None => findings.add(
                *at,
                format!("`subnets` in [[site]]: {text:?} is not a network; write such as 192.168.20.0/24"),
            ),
        }
    }
    Site {
        name: written.text("name").unwrap_or_default().to_owned(),
        subnets,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Registry, example, parse};
    use std::path::Path;

    /// With `hosts` in [hosts], and more tables.
    fn read(hosts: &str, more: &str) -> Result<Registry, String> {
        let text = example().replace("longest_name = 15\n", &format!("{hosts}\n"));
        parse(
            &format!("{text}\n{more}"),
            Path::new("/etc/reprise/reprise.toml"),
        )
        .map(|config| config.registry)
        .map_err(|complaints| complaints.to_string())
    }

    #[test]
    fn rules_and_sites_are_read() {
        let registry = read(
            "",
            "[[profile]]\nname = \"compta\"\nnaming = \"COMPTA-PC{n:02}\"\n\
             [[profile]]\nname = \"atelier\"\n\
             [[site]]\nname = \"agen\"\nsubnets = [\"10.1.0.0/16\", \"10.9.0.0/16\"]\n\
             [[site]]\nname = \"agen-atelier\"\nsubnets = [\"10.1.20.0/24\"]\n",
        )
        .expect("it is right");
        assert_eq!((registry.longest_name, &registry.naming), (15, &None));
        let compta = registry.profile("Compta").expect("by any case");
        let rule = compta.naming.as_ref().expect("a rule").to_string();
        assert_eq!(rule, "COMPTA-PC{n:02}");
        assert_eq!(registry.profile("atelier").expect("there").naming, None);
        let site = |address: [u8; 4]| {
            let found = registry.site_of(address.into());
            found.map(|(site, subnet)| (site.name.as_str(), subnet))
        };
        assert_eq!(
            site([10, 1, 20, 5]),
            Some(("agen-atelier", ([10, 1, 20, 0].into(), 24)))
        );
        assert_eq!(
            site([10, 9, 20, 5]),
            Some(("agen", ([10, 9, 0, 0].into(), 16)))
        );
        assert_eq!(site([10, 2, 0, 1]), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let twice = "[[profile]]\nname = \"a\"\n[[profile]]\nname = \"a\"";
        for (hosts, more, says) in [
            ("naming = \"PC\"", "", "same name"),
            ("longest_name = 64", "", "63"),
            (
                "",
                "[[profile]]\nname = \"a\"\nnaming = \"PC{x}\"",
                "no field",
            ),
            ("", twice, "already on line"),
            (
                "",
                "[[site]]\nname = \"a\"\nsubnets = [\"10.0.0.0\"]",
                "not a network",
            ),
        ] {
            let said = read(hosts, more).expect_err(says);
            assert!(said.contains(says), "{hosts}{more}: {said}");
        }
    }
}
