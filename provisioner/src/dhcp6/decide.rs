//! What a DHCPv6 message is answered: no socket, no clock, no SQL, no await, no log.

use super::Port;
use super::message::{MessageType, Request};
use crate::Mac;
use crate::boot::client::Client;
use crate::boot::path::{self, BootFile, UrlHost};
use crate::boot::policy::BootStep;
use crate::dhcp::decide::Why;
use std::net::Ipv6Addr;

/// What is known besides the packet.
#[derive(Clone, Debug)]
pub(super) struct Facts<'a> {
    /// Which of our ports it came to.
    pub(super) port: Port,
    /// It was sent to our own address, not to all servers.
    pub(super) to_us: bool,
    pub(super) mac: Mac,
    /// Our name among servers.
    pub(super) duid: &'a [u8],
    /// Our address, where the files are.
    pub(super) server: Ipv6Addr,
    pub(super) http_port: u16,
    /// Our TFTP server listens there.
    pub(super) tftp: bool,
    /// What the policy gives this machine.
    pub(super) step: BootStep,
    /// Kernel, initramfs and loaders are there.
    pub(super) ready: bool,
    /// What UEFI firmware gets by PXE.
    pub(super) uefi_loader: BootFile,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Silent(Why),
    Advertise(Answer),
    Reply(Answer),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Option 16 says it back: EDK2 takes an offer without it for one that gives an address.
    pub(super) class: &'static str,
    /// Option 59.
    pub(super) url: String,
    /// Associations that get none here, because the machine asks us alone for addresses.
    pub(super) without_address: Vec<[u8; 4]>,
}

pub(super) fn decide(request: &Request, facts: &Facts) -> Decision {
    use Decision::Silent;
    let client = request.client_kind(facts.mac);
    match client {
        Client::NotBooting => return Silent(Why::NotBooting),
        Client::Unsupported(why) => return Silent(Why::Unsupported(why)),
        _ => {}
    }
    let ours = request.server.as_deref() == Some(facts.duid);
    let nobodys = request.server.is_none();
    match (facts.port, request.message) {
        (_, MessageType::Other) => return Silent(Why::NotForAProxy),
        (Port::Dhcp, MessageType::Solicit) => {}
        (Port::Dhcp, MessageType::Information) if nobodys || ours => {}
        (Port::Dhcp, MessageType::Request) if ours => {}
        // The server that gives the address.
        (Port::Dhcp, _) => return Silent(Why::NotForAProxy),
        (Port::Pxe, _) if nobodys || ours || facts.to_us => {}
        (Port::Pxe, _) => return Silent(Why::OtherServer),
    }
    if let BootStep::Ignore(why) = facts.step {
        return Silent(Why::Policy(why));
    }
    if !facts.ready {
        return Silent(Why::NoAssets);
    }
    let host = UrlHost(facts.server.into());
    let http = |file| {
        let path = path::of(facts.mac, file);
        format!("http://{host}:{}/{path}", facts.http_port)
    };
    let tftp = |file| format!("tftp://{host}/{}", path::of(facts.mac, file));
    let (class, url) = match client {
        Client::Ipxe => ("PXEClient", http(BootFile::Script)),
        Client::UefiHttp => ("HTTPClient", http(BootFile::BootDisk)),
        Client::Arm64Http => ("HTTPClient", http(BootFile::NoImage)),
        _ if !facts.tftp => return Silent(Why::NoTftp),
        Client::Uefi => ("PXEClient", tftp(facts.uefi_loader)),
        Client::Arm64 => ("PXEClient", tftp(BootFile::NoImage)),
        _ => ("PXEClient", tftp(BootFile::UndiOnly)),
    };
    let mut answer = Answer {
        class,
        url,
        without_address: Vec::new(),
    };
    match (facts.port, request.message) {
        // Without addresses and without a word of why there are none: EDK2 takes a refusal
        // (NoAddrsAvail) for a server that gives addresses.
        (Port::Dhcp, MessageType::Solicit) => Decision::Advertise(answer),
        (Port::Dhcp, MessageType::Request) => {
            answer.without_address.clone_from(&request.associations);
            Decision::Reply(answer)
        }
        _ => Decision::Reply(answer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::policy;
    use crate::dhcp6::fuzz::DUID;
    use crate::dhcp6::message::parse;
    use crate::dhcp6::packets::{self, Build};

    const OTHER: [u8; 10] = [0, 3, 0, 1, 2, 0, 0, 0, 0, 1];

    fn facts(port: Port) -> Facts<'static> {
        Facts {
            port,
            to_us: false,
            mac: Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]),
            duid: &DUID,
            server: "fd77::2".parse().unwrap(),
            http_port: 8067,
            tftp: true,
            step: BootStep::Agent,
            ready: true,
            uefi_loader: BootFile::SnpOnly,
        }
    }

    fn answer(class: &'static str, url: &str) -> Answer {
        Answer {
            class,
            url: url.to_owned(),
            without_address: Vec::new(),
        }
    }

    #[test]
    fn each_client_gets_its_url() {
        use Decision::*;
        let pxe = answer("PXEClient", "tftp://[fd77::2]/b/525400123456/snponly.efi");
        let http = answer(
            "HTTPClient",
            "http://[fd77::2]:8067/b/525400123456/boot.img",
        );
        let script = answer(
            "PXEClient",
            "http://[fd77::2]:8067/b/525400123456/boot.ipxe",
        );
        let ipxe = |kind| Build::new(kind).firmware().option(15, b"\0\x04iPXE");
        let asks_us = Build::new(3)
            .option(2, &DUID)
            .firmware()
            .option(3, &[9, 8, 7, 6, 0, 0, 0, 0, 0, 0, 0, 0]);
        let mut nothing = pxe.clone();
        nothing.without_address.push([9, 8, 7, 6]);
        let silent = |why| Silent(why);
        use Port::{Dhcp, Pxe};
        let table = [
            (
                "OVMF",
                Dhcp,
                packets::ovmf_solicit(),
                Advertise(pxe.clone()),
            ),
            (
                "OVMF HTTP Boot",
                Dhcp,
                packets::ovmf_http_solicit(),
                Advertise(http),
            ),
            (
                "OVMF's own address",
                Dhcp,
                packets::ovmf_address_solicit(),
                silent(Why::NotBooting),
            ),
            ("iPXE", Dhcp, ipxe(1).0, Advertise(script.clone())),
            ("iPXE that has an address", Dhcp, ipxe(11).0, Reply(script)),
            (
                "it asks another server",
                Dhcp,
                ipxe(11).option(2, &OTHER).0,
                silent(Why::NotForAProxy),
            ),
            (
                "the address server's",
                Dhcp,
                packets::second_step(&OTHER),
                silent(Why::NotForAProxy),
            ),
            (
                "a request to nobody",
                Dhcp,
                Build::new(3).firmware().0,
                silent(Why::NotForAProxy),
            ),
            ("an address from us", Dhcp, asks_us.0, Reply(nothing)),
            (
                "a renewal",
                Dhcp,
                Build::new(5).firmware().0,
                silent(Why::NotForAProxy),
            ),
            (
                "second step",
                Pxe,
                packets::second_step(&DUID),
                Reply(pxe.clone()),
            ),
            (
                "OVMF's second step, to the Reprise it was seen with",
                Pxe,
                packets::ovmf_second_step(),
                silent(Why::OtherServer),
            ),
            (
                "second step to anybody",
                Pxe,
                Build::new(3).firmware().0,
                Reply(pxe),
            ),
            (
                "second step elsewhere",
                Pxe,
                packets::second_step(&OTHER),
                silent(Why::OtherServer),
            ),
            (
                "a release",
                Pxe,
                Build::new(8).firmware().0,
                silent(Why::NotForAProxy),
            ),
        ];
        for (name, port, packet, expected) in table {
            let request = parse(&packet).expect(name);
            assert_eq!(decide(&request, &facts(port)), expected, "{name}");
        }
        // Sent to us alone it is for us; to the name that it has from the offer, anyway.
        let alone = Facts {
            to_us: true,
            ..facts(Pxe)
        };
        for packet in [packets::second_step(&OTHER), packets::ovmf_second_step()] {
            let request = parse(&packet).unwrap();
            assert!(matches!(decide(&request, &alone), Reply(_)));
        }
        let request = parse(&packets::ovmf_second_step()).unwrap();
        let named = Facts {
            duid: request.server.as_deref().unwrap(),
            ..facts(Pxe)
        };
        assert!(matches!(decide(&request, &named), Reply(_)));
        assert_eq!(request.associations, [[0; 4]; 0]);
        let signed = Facts {
            uefi_loader: BootFile::SignedShim,
            ..facts(Port::Dhcp)
        };
        let request = parse(&packets::ovmf_solicit()).unwrap();
        let Decision::Advertise(answer) = decide(&request, &signed) else {
            panic!("no offer")
        };
        assert!(answer.url.ends_with("/snponly-shim.efi"), "{}", answer.url);
    }

    #[test]
    fn policy_and_missing_files_make_silence() {
        let silent = |packet: &[u8], facts: &Facts| match decide(&parse(packet).unwrap(), facts) {
            Decision::Silent(why) => Some(why),
            _ => None,
        };
        let (pxe, http) = (packets::ovmf_solicit(), packets::ovmf_http_solicit());
        let ignored = Facts {
            step: BootStep::Ignore(policy::Why::NothingToDo),
            ..facts(Port::Dhcp)
        };
        let why = Why::Policy(policy::Why::NothingToDo);
        assert_eq!(silent(&pxe, &ignored), Some(why));
        let unready = Facts {
            ready: false,
            ..facts(Port::Dhcp)
        };
        assert_eq!(silent(&http, &unready), Some(Why::NoAssets));
        let without_tftp = Facts {
            tftp: false,
            ..facts(Port::Dhcp)
        };
        assert_eq!(silent(&pxe, &without_tftp), Some(Why::NoTftp));
        assert_eq!(silent(&http, &without_tftp), None);
    }
}
