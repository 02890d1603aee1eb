//! The menu for whoever stands before the machine, and the admin's own entries, as iPXE scripts.
//! Pure text: what comes from the configuration was checked to be taken literally.

use super::script::{self, Place};
use config::{BootEntry, BootWhat};

/// Nobody chose: its own disk. Long enough to fetch a chair, shorter than the time the machine may
/// ask for what it was given.
const CHOICE_MS: u32 = 180_000;

/// What the screen says, in signs that every console has.
struct Words {
    title: &'static str,
    agent: &'static str,
    disk: &'static str,
    failed: &'static str,
}

const EN: Words = Words {
    title: "this machine",
    agent: "Reprise agent: inventory, deployment",
    disk: "Go on to this machine's own disk",
    failed: "this could not be started, a key goes back to the menu",
};

const FR: Words = Words {
    title: "ce poste",
    agent: "Agent Reprise : inventaire, installation",
    disk: "Continuer sur le disque de ce poste",
    failed: "ce choix est inutilisable, une touche rouvre le menu",
};

/// Asked for by an operator, for this machine, once.
pub(crate) fn menu(place: &Place, entries: &[BootEntry]) -> String {
    let words = if place.locale == "fr" { FR } else { EN };
    let mut text = format!(
        "#!ipxe\n:menu\nmenu Reprise {name}: {title} ({mac})\nitem agent {agent}\n",
        name = script::plain(place.appliance),
        title = words.title,
        mac = place.mac,
        agent = words.agent,
    );
    for (rank, entry) in entries.iter().enumerate() {
        text += &format!("item own{rank} {}\n", script::plain(&entry.title));
    }
    text += &format!(
        "item disk {}\nchoose --default disk --timeout {CHOICE_MS} choice || goto disk\n\
         goto ${{choice}}\n:agent\n",
        words.disk
    );
    text += &script::agent_lines(place);
    for (rank, entry) in entries.iter().enumerate() {
        text += &format!(":own{rank}\n{}", lines(entry));
    }
    text += &format!(
        ":disk\nexit 1\n:failed\necho {}\nprompt\ngoto menu\n",
        script::plain(words.failed)
    );
    text
}

/// One entry, without a menu.
pub(crate) fn entry(place: &Place, entry: &BootEntry) -> String {
    format!(
        "#!ipxe\necho Reprise {name}: {title}\n{lines}:failed\n\
         echo Reprise {name}: {title} could not be started; the machine goes on to its own disk\n\
         sleep 5\nexit 1\n",
        name = script::plain(place.appliance),
        title = script::plain(&entry.title),
        lines = lines(entry),
    )
}

fn lines(entry: &BootEntry) -> String {
    match &entry.what {
        BootWhat::Linux {
            kernel,
            initrd,
            arguments,
        } => {
            // iPXE of 2019 under UEFI wants the name of the initrd on the kernel's line.
            let named = if initrd.is_some() {
                " initrd=initrd"
            } else {
                ""
            };
            let arguments = match arguments.trim() {
                "" => String::new(),
                arguments => format!(" {arguments}"),
            };
            let initrd = initrd
                .as_ref()
                .map(|url| format!("initrd --name initrd {url} || goto failed\n"))
                .unwrap_or_default();
            format!(
                "kernel {kernel}{named}{arguments} || goto failed\n{initrd}boot || goto failed\n"
            )
        }
        BootWhat::Efi(url) => format!("chain {url} || goto failed\n"),
        BootWhat::Iso(url) => format!("sanboot --no-describe {url} || goto failed\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mac;
    use crate::boot::path::UrlHost;
    use std::net::Ipv4Addr;

    fn place(locale: &'static str) -> Place<'static> {
        Place {
            appliance: "agen",
            server: UrlHost(Ipv4Addr::new(10, 77, 0, 2).into()),
            http_port: 8067,
            console: Ipv4Addr::new(10, 77, 0, 2),
            console_port: 8443,
            fingerprint: "c0ffee",
            locale,
            mac: Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]),
        }
    }

    fn entries() -> Vec<BootEntry> {
        let url = |file: &str| format!("http://10.0.0.1/{file}");
        let entry = |name: &str, title: &str, what| BootEntry {
            name: name.into(),
            title: title.into(),
            what,
        };
        vec![
            entry(
                "debian",
                "Debian installer",
                BootWhat::Linux {
                    kernel: url("linux"),
                    initrd: Some(url("initrd.gz")),
                    arguments: "auto=true".into(),
                },
            ),
            entry("tool", "A tool ${x}\nshell", BootWhat::Efi(url("tool.efi"))),
            entry("rescue", "Rescue", BootWhat::Iso(url("rescue.iso"))),
        ]
    }

    #[test]
    fn menus_and_entries_are_the_golden_ones() {
        let golden = include_str!("../../tests/data/ipxe/menu.ipxe");
        assert_eq!(menu(&place("fr"), &entries()), golden);
        let golden = include_str!("../../tests/data/ipxe/entry.ipxe");
        assert_eq!(entry(&place("fr"), &entries()[0]), golden);
    }

    #[test]
    fn every_choice_has_its_label_and_a_title_smuggles_nothing_in() {
        for locale in ["fr", "en"] {
            let script = menu(&place(locale), &entries());
            let choices = script.lines().filter_map(|line| line.strip_prefix("item "));
            for name in choices.filter_map(|choice| choice.split(' ').next()) {
                assert!(script.contains(&format!("\n:{name}\n")), "{name}");
            }
            assert!(script.is_ascii());
            assert_eq!(script.matches("${").count(), 1, "{script}");
            assert!(!script.lines().any(|line| line == "shell"), "{script}");
        }
    }
}
