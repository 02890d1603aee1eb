//! What the agent is told, by the boot script through the kernel's command line, or by hand.

use crate::language::Language;
use crate::wire::Task;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Options {
    /// `https://IP:PORT`
    pub server: String,
    /// SHA-256 of the server certificate's DER, 64 hex digits.
    pub fingerprint: String,
    /// The MAC the machine booted from.
    pub mac: String,
    pub language: Language,
    /// The agent's version, reported to the server.
    pub version: String,
    /// `/sys`, `/proc` and `/dev`, unless a test says otherwise.
    pub sys_root: PathBuf,
    pub proc_root: PathBuf,
    pub dev_root: PathBuf,
    /// Write to every console the kernel knows and read keys from them; otherwise standard output
    /// and no keys.
    pub consoles: bool,
    /// Started from a stick: nobody could say which card, so its boot line names none.
    pub from_medium: bool,
    /// What somebody chose at the machine's menu, to be confirmed in the console: the agent waits longer for its word.
    pub asked: Option<Task>,
    /// Restart the machine at the end, whatever the end is; otherwise `run` returns.
    pub reboot: bool,
    /// How long the machine's screen says what will be lost before it is.
    pub confirm: Duration,
    /// How long the network or the server may be gone before the agent gives up.
    pub patience: Duration,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OptionsError {
    #[error(
        "start the agent: {name} is missing; give {option}, or boot through the appliance, whose script writes {name} on the kernel command line"
    )]
    Missing {
        name: &'static str,
        option: &'static str,
    },
    #[error(
        "start the agent: the fingerprint must be 64 hex digits; copy the one that reprise serve prints"
    )]
    Fingerprint,
    #[error("start the agent: the server must be https://ADDRESS:PORT, not {0}")]
    Server(String),
}

impl Options {
    /// Reads `reprise.server`, `reprise.fingerprint`, `reprise.mac` and `reprise.locale` from a
    /// kernel command line; `server`, `fingerprint` and `mac` given by hand win. Only a machine
    /// that was booted by the appliance has its consoles taken and is restarted at the end: an
    /// agent started by hand on a PC in use does neither.
    pub fn from_command_line(
        cmdline: &str,
        server: Option<&str>,
        fingerprint: Option<&str>,
        mac: Option<&str>,
        version: &str,
    ) -> Result<Options, OptionsError> {
        // As the kernel does: the last one wins.
        let word = |key: &str| {
            cmdline
                .split_ascii_whitespace()
                .filter_map(|word| word.strip_prefix(key)?.strip_prefix('='))
                .next_back()
                .filter(|value| !value.is_empty())
        };
        let pick = |given: Option<&str>, name: &'static str, option: &'static str| {
            given
                .or(word(name))
                .map(str::to_owned)
                .ok_or(OptionsError::Missing { name, option })
        };
        let is_netbooted = word("reprise.server").is_some();
        let server = pick(server, "reprise.server", "--server")?;
        let fingerprint =
            pick(fingerprint, "reprise.fingerprint", "--fingerprint")?.to_ascii_lowercase();
        let mac = pick(mac, "reprise.mac", "--mac")?
            .to_ascii_lowercase()
            .replace('-', ":");
        if crate::hex::decode::<32>(&fingerprint).is_none() {
            return Err(OptionsError::Fingerprint);
        }
        if !server.starts_with("https://") {
            return Err(OptionsError::Server(server));
        }
        Ok(Options {
            server: server.trim_end_matches('/').to_owned(),
            fingerprint,
            mac,
            language: Language::from_code(word("reprise.locale").unwrap_or_default()),
            version: version.to_owned(),
            sys_root: "/sys".into(),
            proc_root: "/proc".into(),
            dev_root: "/dev".into(),
            consoles: is_netbooted,
            from_medium: is_netbooted && word("reprise.mac").is_none(),
            asked: word("reprise.task")
                .filter(|_| is_netbooted)
                .and_then(Task::from_word),
            reboot: is_netbooted,
            confirm: Duration::from_secs(10),
            patience: Duration::from_secs(300),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINGERPRINT: &str = "C0FFEE00C0FFEE00C0FFEE00C0FFEE00C0FFEE00C0FFEE00C0FFEE00C0FFEE00";

    #[test]
    fn the_boot_script_tells_everything() {
        let cmdline = format!(
            "initrd=initrd reprise.server=https://10.0.0.1:8443/ reprise.fingerprint={FINGERPRINT} reprise.mac=52-54-00-AA-BB-CC reprise.locale=fr console=tty0 quiet\n"
        );
        let options = Options::from_command_line(&cmdline, None, None, None, "1").unwrap();
        assert_eq!(options.server, "https://10.0.0.1:8443");
        assert_eq!(options.fingerprint, FINGERPRINT.to_ascii_lowercase());
        assert_eq!(options.mac, "52:54:00:aa:bb:cc");
        assert_eq!(options.language, Language::French);
        assert!(options.reboot && options.consoles && !options.from_medium);
        let by_hand =
            Options::from_command_line(&cmdline, Some("https://[::1]:1"), None, None, "1").unwrap();
        assert_eq!(by_hand.server, "https://[::1]:1");
    }

    #[test]
    fn a_stick_names_no_card() {
        let told =
            format!("reprise.server=https://10.0.0.1:8443 reprise.fingerprint={FINGERPRINT}");
        let mac = Some("52:54:00:aa:bb:cc");
        let options = Options::from_command_line(&told, None, None, mac, "1").unwrap();
        assert!(options.from_medium && options.reboot);
    }

    #[test]
    fn by_hand_it_neither_restarts_the_machine_nor_takes_its_consoles() {
        let options = Options::from_command_line(
            "quiet",
            Some("https://10.0.0.1:8443"),
            Some(FINGERPRINT),
            Some("52:54:00:aa:bb:cc"),
            "1",
        )
        .unwrap();
        assert!(!options.reboot && !options.consoles && !options.from_medium);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let parse = |server: &str, fingerprint: Option<&str>, mac: Option<&str>| {
            Options::from_command_line("quiet", Some(server), fingerprint, mac, "1").unwrap_err()
        };
        assert_eq!(
            parse("https://x", None, Some("m")).to_string(),
            "start the agent: reprise.fingerprint is missing; give --fingerprint, or boot through the appliance, whose script writes reprise.fingerprint on the kernel command line"
        );
        assert_eq!(
            parse("https://x", Some("abc"), Some("m")),
            OptionsError::Fingerprint
        );
        assert_eq!(
            parse("http://x", Some(FINGERPRINT), Some("m")),
            OptionsError::Server("http://x".into())
        );
    }
}
