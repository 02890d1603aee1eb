//! What GRUB is told: on the boot disk, as pure text of a fixed length, and over TFTP.

/// Length of the configuration in the image: it is put over the one that is there.
pub const CONFIG_LEN: usize = 4096;

/// What an agent that is started from the boot disk must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start<'a> {
    /// The appliance's name, shown on the screen.
    pub appliance: &'a str,
    /// `https://IP:PORT`
    pub server: &'a str,
    /// SHA-256 of the server's certificate, hex.
    pub fingerprint: &'a str,
    /// `None`: the image is for any machine, which finds its own card.
    pub mac: Option<&'a str>,
    /// `en` or `fr`.
    pub locale: &'a str,
}

impl Start<'_> {
    /// The kernel's command line. Both consoles, because the last one named gets the agent's screen and
    /// servers have none but the serial one.
    fn words(&self) -> String {
        let mac = match self.mac {
            Some(mac) => format!(" reprise.mac={}", word(mac)),
            None => String::new(),
        };
        format!(
            "reprise.server={} reprise.fingerprint={}{mac} reprise.locale={} console=tty0 console=ttyS0,115200 quiet",
            word(self.server),
            word(self.fingerprint),
            word(self.locale),
        )
    }
}

/// GRUB's configuration for one machine, or for any, on the boot disk.
pub fn config(start: &Start<'_>) -> [u8; CONFIG_LEN] {
    padded(&script(start, ""))
}

/// The same for GRUB that came over TFTP: the kernel and the initramfs are in `folder` there, which ends without a
/// slash.
pub fn network_config(start: &Start<'_>, folder: &str) -> String {
    script(start, &format!("/{}", word(folder)))
}

/// What each GRUB that came over TFTP asks for first, under one name for all machines: it goes on to its own.
/// `before` and `behind` its hardware address, the path of its own.
pub fn network_entry(before: &str, behind: &str) -> String {
    format!(
        "configfile /{}${{net_default_mac}}{}\n",
        word(before),
        word(behind)
    )
}

fn script(start: &Start<'_>, folder: &str) -> String {
    let name = plain(start.appliance);
    format!(
        "echo \"Reprise {name}: starting the agent\"\n\
         if linux {folder}/kernel {words}; then\n  if initrd {folder}/initrd; then\n    boot\n  fi\nfi\n\
         echo \"Reprise {name}: the agent could not be started; the machine goes on to its own disk\"\n\
         sleep 5\n\
         exit\n",
        words = start.words(),
    )
}

/// For the image as it is built: it starts nothing before it is told where its appliance is.
pub(super) fn not_configured() -> [u8; CONFIG_LEN] {
    padded(
        "echo \"Reprise: this boot disk does not know its appliance, which alone can make one that does\"\n\
         sleep 30\n\
         exit\n",
    )
}

/// Empty lines mean nothing to GRUB. Every text here is far shorter.
fn padded(text: &str) -> [u8; CONFIG_LEN] {
    let mut block = [b'\n'; CONFIG_LEN];
    let len = text.len().min(CONFIG_LEN);
    block[..len].copy_from_slice(&text.as_bytes()[..len]);
    block
}

/// GRUB expands `$…`, splits words and ends strings: only harmless signs stay.
fn plain(text: &str) -> String {
    let harmless = |c: &char| c.is_ascii_alphanumeric() || " ._-,".contains(*c);
    text.chars().filter(harmless).take(100).collect()
}

/// One word of a command line; `:`, `/` and brackets are those of an address.
fn word(text: &str) -> String {
    let harmless = |c: &char| c.is_ascii_alphanumeric() || "._-:/[]".contains(*c);
    text.chars().filter(harmless).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(start: &Start<'_>) -> String {
        String::from_utf8(config(start).to_vec())
            .unwrap()
            .trim_end()
            .to_owned()
    }

    const START: Start<'_> = Start {
        appliance: "agen",
        server: "https://10.77.0.2:8443",
        fingerprint: "c0ffee",
        mac: Some("52:54:00:12:34:56"),
        locale: "fr",
    };

    #[test]
    fn the_configuration_is_the_golden_one() {
        assert_eq!(
            text(&START),
            "echo \"Reprise agen: starting the agent\"\n\
             if linux /kernel reprise.server=https://10.77.0.2:8443 reprise.fingerprint=c0ffee \
             reprise.mac=52:54:00:12:34:56 reprise.locale=fr console=tty0 console=ttyS0,115200 quiet; then\n  \
             if initrd /initrd; then\n    boot\n  fi\nfi\n\
             echo \"Reprise agen: the agent could not be started; the machine goes on to its own disk\"\n\
             sleep 5\nexit"
        );
        let network = network_config(&START, "b/525400123456");
        assert!(
            network
                .contains("if linux /b/525400123456/kernel reprise.server=https://10.77.0.2:8443 "),
            "{network}"
        );
        assert!(network.contains("if initrd /b/525400123456/initrd; then"));
        assert_eq!(
            network_entry("b/", "/grub.cfg"),
            "configfile /b/${net_default_mac}/grub.cfg\n"
        );
        let any = text(&Start { mac: None, ..START });
        assert!(!any.contains("reprise.mac"), "{any}");
    }

    #[test]
    fn a_name_cannot_smuggle_commands_in() {
        let bad = "x\"\nhalt\n\"$root;`{}'\\é";
        let all = Start {
            appliance: bad,
            server: bad,
            fingerprint: bad,
            mac: Some(bad),
            locale: bad,
        };
        let found = text(&all);
        assert_eq!(
            found.lines().count(),
            text(&START).lines().count(),
            "{found}"
        );
        assert!(!found.contains('$') && !found.contains('`'), "{found}");
        assert_eq!(found.matches('"').count(), 4, "{found}");
    }
}
