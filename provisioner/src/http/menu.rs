//! The menu for whoever stands before the machine, and the admin's own entries, as iPXE scripts.
//! Pure text: what comes from the configuration was checked to be taken literally.

use super::script::{self, Place};
use crate::boot::path;
use config::{BootEntry, BootWhat};

/// Nobody chose: its own disk. Long enough to fetch a chair, shorter than the time the machine may
/// ask for what it was given.
const CHOICE_MS: u32 = 180_000;

/// What the screen says, in signs that every console has.
struct Words {
    title: &'static str,
    agent: &'static str,
    memtest: &'static str,
    rescue: &'static str,
    capture: &'static str,
    wipe: &'static str,
    disk: &'static str,
    failed: &'static str,
}

const EN: Words = Words {
    title: "this machine",
    agent: "Reprise agent: inventory, deployment",
    memtest: "Memory test: memtest86+",
    rescue: "Rescue: a shell with the network up",
    capture: "Make an image of a disk of this machine: confirmed in the console",
    wipe: "Erase a disk of this machine: confirmed in the console",
    disk: "Go on to this machine's own disk",
    failed: "this could not be started, a key goes back to the menu",
};

const FR: Words = Words {
    title: "ce poste",
    agent: "Agent Reprise : inventaire, installation",
    memtest: "Test de la memoire : memtest86+",
    rescue: "Secours : une console avec le reseau",
    capture: "Creer une image d'un disque de ce poste : confirmation dans la console",
    wipe: "Effacer un disque de ce poste : confirmation dans la console",
    disk: "Continuer sur le disque de ce poste",
    failed: "ce choix est inutilisable, une touche rouvre le menu",
};

/// What can be started besides the agent and the admin's own entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offers {
    /// It is there, and no Secure Boot is known to refuse it.
    pub(super) memtest: bool,
    /// Rescue, capture and wipe: an operator asked for this menu, or somebody knew its password.
    pub(super) trusted: bool,
}

/// For whoever stands before the machine.
pub(super) fn menu(place: &Place, entries: &[BootEntry], offers: Offers) -> String {
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
    if offers.memtest {
        text += &format!("item memtest {}\n", words.memtest);
    }
    if offers.trusted {
        text += &format!(
            "item rescue {}\nitem capture {}\nitem wipe {}\n",
            words.rescue, words.capture, words.wipe
        );
    }
    text += &format!(
        "item disk {}\nchoose --default disk --timeout {CHOICE_MS} choice || goto disk\n\
         goto ${{choice}}\n:agent\n",
        words.disk
    );
    text += &script::agent_lines(place, None);
    for (rank, entry) in entries.iter().enumerate() {
        text += &format!(":own{rank}\n{}", lines(place, entry));
    }
    if offers.memtest {
        text += &format!(":memtest\n{}", memtest_lines(place));
    }
    if offers.trusted {
        for task in ["rescue", "capture", "wipe"] {
            text += &format!(":{task}\n{}", script::agent_lines(place, Some(task)));
        }
    }
    text += &format!(
        ":disk\nexit 1\n:failed\necho {}\nprompt\ngoto menu\n",
        script::plain(words.failed)
    );
    text
}

/// One entry, without a menu.
pub(super) fn entry(place: &Place, entry: &BootEntry) -> String {
    format!(
        "#!ipxe\necho Reprise {name}: {title}\n{lines}:failed\n\
         echo Reprise {name}: {title} could not be started; the machine goes on to its own disk\n\
         sleep 5\nexit 1\n",
        name = script::plain(place.appliance),
        title = script::plain(&entry.title),
        lines = lines(place, entry),
    )
}

/// memtest86+, without a menu.
pub(super) fn memtest(place: &Place) -> String {
    format!(
        "#!ipxe\necho Reprise {name}: memtest86+\n{lines}:failed\n\
         echo Reprise {name}: memtest86+ could not be started; the machine goes on to its own disk\n\
         sleep 5\nexit 1\n",
        name = script::plain(place.appliance),
        lines = memtest_lines(place),
    )
}

/// A shell in the agent's system, without a menu.
pub(super) fn rescue(place: &Place) -> String {
    format!(
        "#!ipxe\necho Reprise {name}: rescue\n{lines}:failed\n\
         echo Reprise {name}: the rescue system could not be started; the machine goes on to its own disk\n\
         sleep 5\nexit 1\n",
        name = script::plain(place.appliance),
        lines = script::agent_lines(place, Some("rescue")),
    )
}

/// A program for UEFI, a kernel for a BIOS. Both consoles, as the agent has.
fn memtest_lines(place: &Place) -> String {
    let url = |file| at(place, file);
    format!(
        "iseq ${{platform}} efi && goto memtest_efi ||\n\
         kernel {} console=ttyS0,115200 || goto failed\nboot || goto failed\n\
         :memtest_efi\nchain {} console=ttyS0,115200 || goto failed\n",
        url("memtest.bin"),
        url("memtest.efi"),
    )
}

/// Where this machine fetches a boot file.
fn at(place: &Place, file: &str) -> String {
    format!(
        "http://{}:{}/{}{file}",
        place.server,
        place.http_port,
        path::folder(place.mac)
    )
}

fn lines(place: &Place, entry: &BootEntry) -> String {
    let url = |text: &str| match text.strip_prefix("asset:") {
        Some(file) => at(place, file),
        None => text.to_owned(),
    };
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
                .map(|text| format!("initrd --name initrd {} || goto failed\n", url(text)))
                .unwrap_or_default();
            format!(
                "kernel {}{named}{arguments} || goto failed\n{initrd}boot || goto failed\n",
                url(kernel)
            )
        }
        BootWhat::Efi(program) => format!("chain {} || goto failed\n", url(program)),
        BootWhat::Iso(disc) => format!("sanboot --no-describe {} || goto failed\n", url(disc)),
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
            shim: false,
        }
    }

    fn all() -> Offers {
        Offers {
            memtest: true,
            trusted: true,
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
        let offers = all();
        assert_eq!(menu(&place("fr"), &entries(), offers), golden);
        let golden = include_str!("../../tests/data/ipxe/entry.ipxe");
        assert_eq!(entry(&place("fr"), &entries()[0]), golden);
    }

    #[test]
    fn a_dropped_in_file_is_fetched_from_here() {
        let what = BootWhat::Linux {
            kernel: "asset:wimboot".into(),
            initrd: Some("http://10.0.0.1/boot.wim".into()),
            arguments: String::new(),
        };
        let wim = BootEntry {
            name: "pe".into(),
            title: "PE".into(),
            what,
        };
        let script = entry(&place("en"), &wim);
        let here = "kernel http://10.77.0.2:8067/b/525400123456/wimboot initrd=initrd ||";
        assert!(script.contains(here), "{script}");
    }

    #[test]
    fn what_would_be_refused_is_not_offered() {
        let without = menu(&place("en"), &entries(), Offers::default());
        assert!(!without.contains("memtest"), "{without}");
        assert!(!without.contains("reprise.task"), "{without}");
        assert!(menu(&place("en"), &[], all()).contains("\n:memtest\n"));
        assert!(memtest(&place("en")).contains("\n:failed\n"));
        let shell = rescue(&place("en"));
        assert!(shell.contains(" reprise.task=rescue ") && shell.contains("\n:failed\n"));
    }

    #[test]
    fn every_choice_has_its_label_and_a_title_smuggles_nothing_in() {
        for locale in ["fr", "en"] {
            let script = menu(&place(locale), &entries(), all());
            let choices = script.lines().filter_map(|line| line.strip_prefix("item "));
            for name in choices.filter_map(|choice| choice.split(' ').next()) {
                assert!(script.contains(&format!("\n:{name}\n")), "{name}");
            }
            assert!(script.is_ascii());
            assert_eq!(script.matches("${").count(), 2, "{script}");
            assert!(!script.lines().any(|line| line == "shell"), "{script}");
        }
    }
}
