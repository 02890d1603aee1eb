//! What a DHCP request is answered: no socket, no clock, no SQL, no await, no log.

use super::Port;
use super::relay;
use super::request::{MessageType, Request};
use crate::boot::client::{self, Client, Signs, Unsupported};
use crate::boot::negotiator::{self, Asking, Way};
use crate::boot::path::{self, BootFile};
use crate::boot::policy::{self, BootStep};
use std::fmt;
use std::net::Ipv4Addr;

/// What is known besides the packet.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Which of our ports it came to.
    pub(crate) port: Port,
    /// We give the address too: the loader is named in the same answer.
    pub(crate) gives: bool,
    /// It was sent to our own address, not to everybody's.
    pub(crate) to_us: bool,
    /// Where it came from.
    pub(crate) from: Ipv4Addr,
    /// Our address on the interface it came in by.
    pub(crate) server: Ipv4Addr,
    pub(crate) http_port: u16,
    /// Our TFTP server listens: another one on its port would be asked for files it has not.
    pub(crate) tftp: bool,
    /// What the policy gives this machine.
    pub(crate) step: BootStep,
    /// Kernel, initramfs and loaders are there.
    pub(crate) ready: bool,
    /// What UEFI firmware gets by PXE.
    pub(crate) uefi_loader: BootFile,
    /// How a first offer is made, for firmware that takes more than one way; `None` = the first of
    /// its ladder.
    pub(crate) way: Option<Way>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Silent(Why),
    Offer(Answer),
    Ack(Answer),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Why {
    NotBooting,
    /// We have no loader for this architecture.
    Unsupported(Unsupported),
    /// It talks to the DHCP server that gives the address.
    NotForAProxy,
    /// It chose another boot server.
    OtherServer,
    /// The address it gives for its relay is none that a relay can have, or our own.
    BadRelay,
    /// On port 4011 without an address to answer to.
    NoAddress,
    NoAssets,
    NoTftp,
    Policy(policy::Why),
}

impl Why {
    /// Somebody can do something about it; the others are the course of things.
    pub(crate) fn is_for_the_operator(self) -> bool {
        matches!(
            self,
            Why::Unsupported(_) | Why::BadRelay | Why::NoAssets | Why::NoTftp
        )
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Why::NotBooting => "it is an ordinary DHCP client",
            Why::Unsupported(why) => return why.fmt(f),
            Why::NotForAProxy => "it talks to the DHCP server that gives it an address",
            Why::OtherServer => "it chose another boot server",
            Why::BadRelay => {
                "the address it gives for its relay is none a relay can have; correct the relay's configuration"
            }
            Why::NoAddress => "it asks on port 4011 without an address to answer to",
            Why::NoAssets => "the boot files are missing; run `reprise boot assets build`",
            Why::NoTftp => "TFTP is not served here; free UDP port 69",
            Why::Policy(why) => why.text(),
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// What option 60 says back: firmware takes offers of its own class only. Empty: nothing, as of a DHCP server that
    /// knows no PXE.
    pub(crate) class: &'static str,
    /// TFTP path or URL; `None` = "ask again on 4011".
    pub(crate) file: Option<String>,
    /// Option 43 "boot this file, show no menu". BIOS ROMs need it. UEFI firmware is not given it
    /// at first: some then ignores the offer, and without it asks port 4011 (as dnsmasq and
    /// pixiecore found).
    pub(crate) straight_boot: bool,
}

/// Who asks, as far as it counts for the ways there are.
pub(crate) fn asking(request: &Request, gives: bool) -> Asking {
    Asking {
        client: client(request),
        offers_http: client::offers_http(&request.archs),
        gives,
    }
}

/// What kind of client, for those who only journal boots.
pub(crate) fn client(request: &Request) -> Client {
    client::classify(&Signs {
        mac: request.mac,
        vendor_class: &request.vendor_class,
        user_class: &request.user_class,
        ipxe_options: request.ipxe_options,
        archs: &request.archs,
        machine_id: &request.machine_id,
    })
}

pub(crate) fn decide(request: &Request, facts: &Facts) -> Decision {
    use Decision::Silent;
    let client = client(request);
    match client {
        Client::NotBooting => return Silent(Why::NotBooting),
        Client::Unsupported(why) => return Silent(Why::Unsupported(why)),
        _ => {}
    }
    let relayed = !request.giaddr.is_unspecified();
    if relayed && (!relay::is_host(&request.giaddr) || request.giaddr == facts.server) {
        return Silent(Why::BadRelay);
    }
    let second_step = match (facts.port, request.message) {
        (Port::Bootps, MessageType::Discover) => false,
        // The answers that give an address name the loader too.
        (Port::Bootps, MessageType::Request) if facts.gives => false,
        // Firmware that was told to "ask again" sends REQUEST; a few send INFORM or DISCOVER.
        (Port::Pxe, MessageType::Request | MessageType::Inform | MessageType::Discover) => true,
        // On 67, REQUEST and INFORM are for the server that gives addresses.
        _ => return Silent(Why::NotForAProxy),
    };
    // Sent to us alone it is for us, whatever option 54 says: a relay may have put its own address
    // there (RFC 5107), and some ROMs name the server that gave the address.
    let for_us = second_step && facts.to_us;
    // Whose address it takes is judged elsewhere.
    let for_us = for_us || facts.gives;
    if !for_us && request.server.is_some_and(|server| server != facts.server) {
        return Silent(Why::OtherServer);
    }
    // Some firmware leaves `ciaddr` empty and asks from its address; it is answered there.
    let answerable = |address| relay::is_host(address) && *address != facts.server;
    if second_step && !answerable(&request.ciaddr) && !answerable(&facts.from) {
        return Silent(Why::NoAddress);
    }
    if let BootStep::Ignore(why) = facts.step {
        return Silent(Why::Policy(why));
    }
    if !facts.ready {
        return Silent(Why::NoAssets);
    }
    let ladder = negotiator::ladder(asking(request, facts.gives));
    let way = facts.way.or(ladder.first().copied());
    // The second step was asked for, and takes its file at once.
    let way = way.map(|way| if second_step { Way::Direct } else { way });
    if !facts.tftp && matches!(way, Some(Way::Ask4011 | Way::Direct | Way::Plain)) {
        return Silent(Why::NoTftp);
    }
    let url = |file| {
        let path = path::of(request.mac, file);
        Some(format!(
            "http://{}:{}/{path}",
            facts.server, facts.http_port
        ))
    };
    let answer = match client {
        // Any iPXE: QEMU's ROM and our chain-loaded copy look the same, and both speak HTTP.
        Client::Ipxe => Answer {
            class: "PXEClient",
            file: url(BootFile::Script),
            straight_boot: false,
        },
        // Everything in one piece, signed from end to end: firmware with Secure Boot starts it, and
        // firmware without too.
        Client::UefiHttp => Answer {
            class: "HTTPClient",
            file: url(BootFile::BootDisk),
            straight_boot: false,
        },
        Client::Arm64Http => Answer {
            class: "HTTPClient",
            file: url(BootFile::NoImage),
            straight_boot: false,
        },
        _ => {
            let (loader, straight_boot) = match client {
                // On 4011 nothing is left to discover.
                Client::Uefi => (facts.uefi_loader, !second_step),
                Client::Arm64 => (BootFile::NoImage, !second_step),
                _ => (BootFile::UndiOnly, true),
            };
            match way {
                Some(Way::Http) => Answer {
                    class: "HTTPClient",
                    file: url(BootFile::BootDisk),
                    straight_boot: false,
                },
                Some(Way::Direct) => Answer {
                    class: "PXEClient",
                    file: Some(path::of(request.mac, loader)),
                    straight_boot,
                },
                Some(Way::Plain) => Answer {
                    class: "",
                    file: Some(path::of(request.mac, loader)),
                    straight_boot: false,
                },
                _ => Answer {
                    class: "PXEClient",
                    file: None,
                    straight_boot: false,
                },
            }
        }
    };
    if second_step && request.message != MessageType::Discover {
        Decision::Ack(answer)
    } else {
        Decision::Offer(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dhcp::packets::{self, Build};
    use crate::dhcp::request::parse;

    fn facts(port: Port) -> Facts {
        Facts {
            port,
            gives: false,
            to_us: false,
            from: Ipv4Addr::UNSPECIFIED,
            server: Ipv4Addr::new(10, 77, 0, 2),
            http_port: 8067,
            tftp: true,
            step: BootStep::Agent,
            ready: true,
            uefi_loader: BootFile::SnpOnly,
            way: None,
        }
    }

    fn answer(class: &'static str, file: Option<&str>, straight_boot: bool) -> Answer {
        Answer {
            class,
            file: file.map(str::to_owned),
            straight_boot,
        }
    }

    #[test]
    fn the_second_step_is_answered_where_it_can_be() {
        let none = [0; 4];
        // (its own word, where it came from, whether there is a way back)
        let table = [
            ([10, 77, 0, 50], none, true),
            ([10, 77, 0, 50], [10, 77, 0, 50], true),
            (none, [10, 77, 0, 50], true),
            ([255; 4], [10, 77, 0, 50], true),
            (none, none, false),
            (none, [10, 77, 0, 2], false),
            ([224, 0, 0, 1], [127, 0, 0, 1], false),
        ];
        let uefi = Build::discover()
            .message(3)
            .option(60, b"PXEClient:Arch:00007:UNDI:003000")
            .option(93, &[0, 7]);
        for (ciaddr, from, answered) in table {
            let request = parse(&uefi.ciaddr(ciaddr).packet()).unwrap();
            let facts = Facts {
                from: from.into(),
                ..facts(Port::Pxe)
            };
            let found = decide(&request, &facts);
            let file = Some("b/525400123456/snponly.efi");
            let expected = match answered {
                true => Decision::Ack(answer("PXEClient", file, false)),
                false => Decision::Silent(Why::NoAddress),
            };
            assert_eq!(found, expected, "{ciaddr:?} from {from:?}");
        }
    }

    #[test]
    fn each_client_gets_its_loader() {
        use Decision::*;
        let tftp = |file: &str| format!("b/525400123456/{file}");
        let http = |file: &str| format!("http://10.77.0.2:8067/b/525400123456/{file}");
        let silent = |why| Silent(why);
        let bios = Build::discover()
            .option(60, b"PXEClient:Arch:00000:UNDI:002001")
            .option(93, &[0, 0]);
        let arm = bios.replace(93, &[0, 11]);
        let elsewhere = packets::ovmf_second_request([10, 77, 0, 9]);
        let table = [
            (
                "OVMF, first step",
                Port::Bootps,
                packets::ovmf_discover(),
                Offer(answer("PXEClient", None, false)),
            ),
            (
                "OVMF, second step",
                Port::Pxe,
                packets::ovmf_second_request([10, 77, 0, 2]),
                Ack(answer("PXEClient", Some(&tftp("snponly.efi")), false)),
            ),
            (
                "OVMF without option 54",
                Port::Pxe,
                packets::ovmf_request_4011(),
                Ack(answer("PXEClient", Some(&tftp("snponly.efi")), false)),
            ),
            (
                "OVMF HTTP Boot",
                Port::Bootps,
                packets::ovmf_http_discover(),
                Offer(answer("HTTPClient", Some(&http("boot.img")), false)),
            ),
            (
                "iPXE",
                Port::Bootps,
                packets::ipxe_discover(),
                Offer(answer("PXEClient", Some(&http("boot.ipxe")), false)),
            ),
            (
                "BIOS ROM",
                Port::Bootps,
                bios.packet(),
                Offer(answer("PXEClient", Some(&tftp("undionly.kpxe")), true)),
            ),
            (
                "the address server's REQUEST",
                Port::Bootps,
                packets::ovmf_request_67(),
                silent(Why::NotForAProxy),
            ),
            (
                "INFORM on 67",
                Port::Bootps,
                bios.message(8).packet(),
                silent(Why::NotForAProxy),
            ),
            (
                "RELEASE on 4011",
                Port::Pxe,
                bios.message(7).packet(),
                silent(Why::NotForAProxy),
            ),
            (
                "another boot server",
                Port::Pxe,
                elsewhere,
                silent(Why::OtherServer),
            ),
            (
                "4011 without address",
                Port::Pxe,
                bios.message(3).packet(),
                silent(Why::NoAddress),
            ),
            (
                "relayed",
                Port::Bootps,
                bios.giaddr([10, 0, 0, 1]).packet(),
                Offer(answer("PXEClient", Some(&tftp("undionly.kpxe")), true)),
            ),
            (
                "a relay that is everybody",
                Port::Bootps,
                bios.giaddr([255, 255, 255, 255]).packet(),
                silent(Why::BadRelay),
            ),
            (
                "a relay that is ourselves",
                Port::Bootps,
                bios.giaddr([10, 77, 0, 2]).packet(),
                silent(Why::BadRelay),
            ),
            (
                "4011 from everybody",
                Port::Pxe,
                bios.message(3).ciaddr([255, 255, 255, 255]).packet(),
                silent(Why::NoAddress),
            ),
            (
                "Windows",
                Port::Bootps,
                packets::windows_discover(),
                silent(Why::NotBooting),
            ),
            (
                "udhcpc as a UEFI PC",
                Port::Bootps,
                packets::udhcpc_pxe_discover(),
                Offer(answer("PXEClient", None, false)),
            ),
            (
                "perfdhcp as relay and PC",
                Port::Bootps,
                packets::perfdhcp_discover(),
                Offer(answer("PXEClient", None, false)),
            ),
            (
                "udhcpc",
                Port::Bootps,
                packets::udhcpc_discover(),
                silent(Why::NotBooting),
            ),
            (
                "dhclient",
                Port::Bootps,
                packets::dhclient_discover(),
                silent(Why::NotBooting),
            ),
            (
                "nmap",
                Port::Bootps,
                packets::nmap_discover(),
                silent(Why::NotBooting),
            ),
            (
                "dhcping, REQUEST",
                Port::Bootps,
                packets::dhcping_request(),
                silent(Why::NotBooting),
            ),
            (
                "dhcping, INFORM",
                Port::Bootps,
                packets::dhcping_inform(),
                silent(Why::NotBooting),
            ),
            (
                "32-bit ARM",
                Port::Bootps,
                bios.replace(93, &[0, 10]).packet(),
                silent(Why::Unsupported(Unsupported::Missing(10))),
            ),
            (
                "64-bit ARM",
                Port::Bootps,
                arm.packet(),
                Offer(answer("PXEClient", None, false)),
            ),
            (
                "64-bit ARM, second step",
                Port::Pxe,
                arm.message(3).ciaddr([10, 77, 0, 50]).packet(),
                Ack(answer("PXEClient", Some(&tftp("no-image-aa64.efi")), false)),
            ),
            (
                "64-bit ARM, HTTP Boot",
                Port::Bootps,
                Build::discover()
                    .option(60, b"HTTPClient:Arch:00019:UNDI:003000")
                    .option(93, &[0, 19])
                    .packet(),
                Offer(answer(
                    "HTTPClient",
                    Some(&http("no-image-aa64.efi")),
                    false,
                )),
            ),
        ];
        for (name, port, packet, expected) in table {
            let request = parse(&packet).expect(name);
            assert_eq!(decide(&request, &facts(port)), expected, "{name}");
        }
    }

    #[test]
    fn each_way_makes_its_own_offer() {
        let bios = Build::discover()
            .option(60, b"PXEClient:Arch:00000:UNDI:002001")
            .option(93, &[0, 0])
            .packet();
        let both = Build::discover()
            .option(60, b"PXEClient:Arch:00007:UNDI:003000")
            .option(93, &[0, 7, 0, 16])
            .packet();
        let tftp = |file: &str| format!("b/525400123456/{file}");
        let url = "http://10.77.0.2:8067/b/525400123456/boot.img";
        let ask = answer("PXEClient", None, false);
        let uefi = answer("PXEClient", Some(&tftp("snponly.efi")), true);
        let rom = answer("PXEClient", Some(&tftp("undionly.kpxe")), true);
        let http = answer("HTTPClient", Some(url), false);
        let table = [
            (
                "UEFI asks 4011",
                packets::ovmf_discover(),
                Way::Ask4011,
                &ask,
            ),
            ("UEFI direct", packets::ovmf_discover(), Way::Direct, &uefi),
            ("UEFI that can do HTTP", both, Way::Http, &http),
            ("BIOS direct", bios.clone(), Way::Direct, &rom),
            ("BIOS asks 4011", bios, Way::Ask4011, &ask),
        ];
        for (name, packet, way, expected) in table {
            let request = parse(&packet).expect(name);
            let facts = Facts {
                way: Some(way),
                ..facts(Port::Bootps)
            };
            let decision = decide(&request, &facts);
            assert_eq!(decision, Decision::Offer(expected.clone()), "{name}");
            // HTTP Boot needs no TFTP.
            let facts = Facts {
                tftp: false,
                ..facts
            };
            let silent = decide(&request, &facts) == Decision::Silent(Why::NoTftp);
            assert_eq!(silent, way != Way::Http, "{name}");
        }
        // Whatever was offered first: who asks on 4011 wants its file.
        for way in [Way::Ask4011, Way::Direct, Way::Http] {
            let request = parse(&packets::ovmf_request_4011()).unwrap();
            let facts = Facts {
                way: Some(way),
                ..facts(Port::Pxe)
            };
            let expected = answer("PXEClient", Some(&tftp("snponly.efi")), false);
            assert_eq!(decide(&request, &facts), Decision::Ack(expected));
        }
    }

    #[test]
    fn who_has_its_address_from_us_is_told_its_file_in_more_than_one_way() {
        let tftp = "b/525400123456/snponly.efi";
        let table = [
            (None, answer("PXEClient", Some(tftp), true)),
            (Some(Way::Direct), answer("PXEClient", Some(tftp), true)),
            (Some(Way::Plain), answer("", Some(tftp), false)),
            (Some(Way::Ask4011), answer("PXEClient", None, false)),
        ];
        let discover = parse(&packets::ovmf_discover()).unwrap();
        let request = parse(&packets::ovmf_request_67()).unwrap();
        for (way, expected) in table {
            let facts = Facts {
                gives: true,
                way,
                ..facts(Port::Bootps)
            };
            for message in [&discover, &request] {
                let decision = decide(message, &facts);
                assert_eq!(decision, Decision::Offer(expected.clone()), "{way:?}");
            }
        }
    }

    #[test]
    fn a_second_step_sent_to_us_alone_is_for_us() {
        let packet = packets::ovmf_second_request([10, 9, 9, 9]);
        let request = parse(&packet).unwrap();
        let alone = Facts {
            to_us: true,
            ..facts(Port::Pxe)
        };
        let answered = decide(&request, &alone);
        assert!(matches!(answered, Decision::Ack(_)), "{answered:?}");
        let everybody = decide(&request, &facts(Port::Pxe));
        assert_eq!(everybody, Decision::Silent(Why::OtherServer));
    }

    #[test]
    fn a_signed_loader_is_for_uefi_and_for_nobody_else() {
        let signed = Facts {
            uefi_loader: BootFile::SignedShim,
            ..facts(Port::Pxe)
        };
        let uefi = parse(&packets::ovmf_second_request([10, 77, 0, 2])).unwrap();
        let Decision::Ack(answer) = decide(&uefi, &signed) else {
            panic!("no answer")
        };
        let file = answer.file.unwrap();
        assert!(file.ends_with("/snponly-shim.efi"), "{file}");
        let direct = Facts {
            port: Port::Bootps,
            way: Some(Way::Direct),
            ..signed
        };
        let bios = Build::discover()
            .option(60, b"PXEClient:Arch:00000:UNDI:002001")
            .option(93, &[0, 0]);
        let bios = parse(&bios.packet()).unwrap();
        let Decision::Offer(answer) = decide(&bios, &direct) else {
            panic!("no offer")
        };
        let file = answer.file.unwrap();
        assert!(file.ends_with("/undionly.kpxe"), "{file}");
    }

    #[test]
    fn policy_and_missing_files_make_silence() {
        let request = parse(&packets::ipxe_discover()).unwrap();
        let ignored = Facts {
            step: BootStep::Ignore(policy::Why::NothingToDo),
            ..facts(Port::Bootps)
        };
        let why = Why::Policy(policy::Why::NothingToDo);
        assert_eq!(decide(&request, &ignored), Decision::Silent(why));
        let unready = Facts {
            ready: false,
            ..facts(Port::Bootps)
        };
        assert_eq!(decide(&request, &unready), Decision::Silent(Why::NoAssets));
        let without_tftp = Facts {
            tftp: false,
            ..facts(Port::Bootps)
        };
        let uefi = parse(&packets::ovmf_discover()).unwrap();
        let silent = Decision::Silent(Why::NoTftp);
        assert_eq!(decide(&uefi, &without_tftp), silent);
        // iPXE fetches by HTTP only.
        let answer = decide(&request, &without_tftp);
        assert!(matches!(answer, Decision::Offer(_)), "{answer:?}");
    }
}
