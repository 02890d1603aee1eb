//! The iPXE scripts, as pure text.

use crate::Mac;
use crate::boot::path::{self, BootFile, UrlHost};
use std::net::Ipv4Addr;

/// Where everything is, for one machine.
#[derive(Clone, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) appliance: &'a str,
    /// Where the boot files are.
    pub(crate) server: UrlHost,
    pub(crate) http_port: u16,
    /// Where the agent reports: over IPv4 always, which is what its system configures.
    pub(crate) console: Ipv4Addr,
    pub(crate) console_port: u16,
    pub(crate) fingerprint: &'a str,
    pub(crate) locale: &'a str,
    pub(crate) mac: Mac,
    /// iPXE may be the admin's signed one.
    pub(crate) shim: bool,
}

/// Starts the agent. `initrd=initrd` is what iPXE of 2019 needs under UEFI; both consoles, because
/// the last one named gets the agent's screen and servers have none but the serial one.
pub(crate) fn agent(place: &Place) -> String {
    format!(
        "#!ipxe\n\
         echo Reprise {name}: starting the agent on {mac}\n\
         {lines}\
         :failed\n\
         echo Reprise {name}: the agent could not be started; the machine goes on to its own disk\n\
         sleep 5\n\
         exit 1\n",
        name = plain(place.appliance),
        mac = place.mac,
        lines = agent_lines(place, None),
    )
}

/// Without head and tail; what fails goes to `:failed`. `task`: what somebody chose besides the agent's usual work.
pub(super) fn agent_lines(place: &Place, task: Option<&str>) -> String {
    let task = task
        .map(|task| format!("reprise.task={task} "))
        .unwrap_or_default();
    let url = |file| {
        let path = path::of(place.mac, file);
        format!("http://{}:{}/{path}", place.server, place.http_port)
    };
    // Under Secure Boot a signed iPXE starts Debian's kernel through Debian's shim; without, it does not fetch it. A
    // loader that does not know the command goes on.
    let shim = match place.shim {
        true => format!("shim {} ||\n", url(BootFile::Shim)),
        false => String::new(),
    };
    format!(
        "kernel {kernel} initrd=initrd reprise.server=https://{console}:{console_port} \
         reprise.fingerprint={fingerprint} reprise.mac={mac} reprise.locale={locale} \
         {task}console=tty0 console=ttyS0,115200 quiet || goto failed\n\
         initrd --name initrd {initrd} || goto failed\n\
         {shim}\
         boot || goto failed\n",
        mac = place.mac,
        kernel = url(BootFile::Kernel),
        initrd = url(BootFile::Initrd),
        console = place.console,
        console_port = place.console_port,
        fingerprint = plain(place.fingerprint),
        locale = plain(place.locale),
    )
}

/// Sends the machine on to its next boot device. `exit 1` and not `exit`: under UEFI success lands
/// in the firmware's setup screen.
pub(crate) fn nothing(appliance: &str, why: &str) -> String {
    format!(
        "#!ipxe\necho Reprise {}: {}\nsleep 2\nexit 1\n",
        plain(appliance),
        plain(why)
    )
}

/// iPXE expands `${…}` and splits lines: only harmless signs stay.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_alphanumeric() || " ._-,;".contains(*c))
        .take(100)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    #[test]
    fn scripts_are_the_golden_ones() {
        let place = Place {
            appliance: "agen",
            server: UrlHost(Ipv4Addr::new(10, 77, 0, 2).into()),
            http_port: 8067,
            console: Ipv4Addr::new(10, 77, 0, 2),
            console_port: 8443,
            fingerprint: "c0ffee",
            locale: "fr",
            mac: Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]),
            shim: false,
        };
        let signed = agent(&Place {
            shim: true,
            ..place.clone()
        });
        assert!(
            signed.contains("\nshim http://10.77.0.2:8067/b/525400123456/shimx64.efi ||\nboot ||"),
            "{signed}"
        );
        let golden = include_str!("../../tests/data/ipxe/agent.ipxe");
        assert_eq!(agent(&place), golden);
        let golden = include_str!("../../tests/data/ipxe/nothing.ipxe");
        assert_eq!(nothing("agen", "nothing is to be done"), golden);
    }

    #[test]
    fn over_ipv6_the_files_are_in_brackets_and_the_agent_reports_over_ipv4() {
        let place = Place {
            appliance: "agen",
            server: UrlHost(IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, 2])),
            http_port: 8067,
            console: Ipv4Addr::new(10, 77, 0, 2),
            console_port: 8443,
            fingerprint: "c0ffee",
            locale: "fr",
            mac: Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]),
            shim: false,
        };
        let script = agent(&place);
        let kernel = "kernel http://[fd00::2]:8067/b/525400123456/kernel ";
        assert!(script.contains(kernel), "{script}");
        assert!(script.contains(" reprise.server=https://10.77.0.2:8443 "));
    }

    #[test]
    fn a_name_cannot_smuggle_commands_in() {
        let script = nothing("x\nshell\n${net0/ip}", "y");
        assert_eq!(script.lines().count(), 4, "{script}");
        assert!(!script.contains('$'), "{script}");
    }
}
