//! What a request gets where this box gives the addresses. Pure: no socket, no clock, no file.
//!
//! RFC 2131 §4.3: a REQUEST is told apart by what it names. What the pool answers is a fact here.

use super::pool::Standing;
use crate::dhcp::relay;
use crate::dhcp::request::{MessageType, Request};
use config::Dhcp;
use std::fmt;
use std::net::Ipv4Addr;

/// What is known besides the packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// Our address on the interface it came in by.
    pub(crate) server: Ipv4Addr,
    /// Who gives an address of its network is us alone. `None`: its network is none of ours.
    pub(crate) authoritative: Option<bool>,
    /// What the address it names is to it.
    pub(crate) named: Option<Standing>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Silent(Why),
    /// The pool chooses. `rapid`: it is bound and acknowledged at once (RFC 4039).
    Offer {
        rapid: bool,
    },
    /// `probe`: it was offered by nobody, or long ago: the network is asked first.
    Ack {
        address: Ipv4Addr,
        probe: bool,
    },
    Nak(Why),
    /// It wants to be told what there is, and has its address from elsewhere.
    Inform,
    Aside(Ipv4Addr),
    Free(Ipv4Addr),
    /// It chose another server: what we offered is free again.
    Withdraw,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Why {
    BadRelay,
    NotOurNetwork,
    OtherServer,
    NoAddressNamed,
    /// It is used by, or kept for, another machine.
    Others,
    /// It is none of those we give.
    NotGiven,
    Elsewhere,
    NotARequest,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Why::BadRelay => {
                "the address it gives for its relay is none a relay can have; correct the relay's configuration"
            }
            Why::NotOurNetwork => {
                "its network is of no [[dhcp_subnet]]; add one if this box is to give addresses there"
            }
            Why::OtherServer => "it talks to another DHCP server",
            Why::NoAddressNamed => "it names no address",
            Why::Others => "the address is another machine's",
            Why::NotGiven => "the address is none of those given here",
            Why::Elsewhere => "the address is of another network",
            Why::NotARequest => "it is not a client's message",
        })
    }
}

/// The subnet a request is about. A relay names it (RFC 3527 before RFC 3011 before its own
/// address); who asks alone at our address is where it says it is (it renews past its relay);
/// everybody else is on the wire, where we are.
pub(crate) fn place(
    request: &Request,
    dhcp: &Dhcp,
    server: Ipv4Addr,
    to_us: bool,
) -> Option<usize> {
    let within = if !request.giaddr.is_unspecified() {
        let link = relay::read(&request.relay_info).link;
        link.or(request.chosen_subnet()).unwrap_or(request.giaddr)
    } else if to_us && relay::is_host(&request.ciaddr) {
        request.ciaddr
    } else {
        server
    };
    dhcp.subnet_of(within)
}

/// The address a request is about, if it names one.
pub(crate) fn named(request: &Request) -> Option<Ipv4Addr> {
    let has = relay::is_host(&request.ciaddr).then_some(request.ciaddr);
    match request.message {
        MessageType::Release | MessageType::Inform => has,
        MessageType::Decline => request.wish,
        _ => request.wish.or(has),
    }
}

pub(crate) fn decide(request: &Request, facts: &Facts) -> Act {
    use Act::{Ack, Nak, Silent};
    let relayed = !request.giaddr.is_unspecified();
    if relayed && (!relay::is_host(&request.giaddr) || request.giaddr == facts.server) {
        return Silent(Why::BadRelay);
    }
    // A relay that stands between is named in our stead (RFC 5107).
    let between = relay::read(&request.relay_info).server.filter(|_| relayed);
    let ours = |server: Ipv4Addr| server == facts.server || Some(server) == between;
    let for_another = request.server.is_some_and(|server| !ours(server));
    let Some(authoritative) = facts.authoritative else {
        return Silent(Why::NotOurNetwork);
    };
    match request.message {
        MessageType::Discover => {
            return Act::Offer {
                rapid: request.rapid && authoritative,
            };
        }
        MessageType::Request if for_another => return Act::Withdraw,
        _ if for_another => return Silent(Why::OtherServer),
        MessageType::Other(_) => return Silent(Why::NotARequest),
        _ => {}
    }
    let Some((address, standing)) = named(request).zip(facts.named) else {
        return Silent(Why::NoAddressNamed);
    };
    match request.message {
        MessageType::Decline => return Act::Aside(address),
        MessageType::Release => return Act::Free(address),
        MessageType::Inform => return Act::Inform,
        _ => {}
    }
    // It answers our offer, or says so.
    let selecting = request.server.is_some();
    let refuse = |why| match authoritative || selecting {
        true => Nak(why),
        // Another server may know it.
        false => Silent(why),
    };
    match standing {
        Standing::Own | Standing::Offered => Ack {
            address,
            probe: false,
        },
        // It had it before our memory was lost, or came late for its offer.
        Standing::Free { silent } if authoritative || selecting => Ack {
            address,
            probe: !silent,
        },
        Standing::Free { .. } => Silent(Why::NotGiven),
        // What the book says is another's is so whoever else gives addresses.
        Standing::Others => Nak(Why::Others),
        Standing::NotGiven => refuse(Why::NotGiven),
        Standing::Elsewhere => refuse(Why::Elsewhere),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dhcp::packets::Build;
    use crate::dhcp::request::parse;

    const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
    const MINE: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 50);

    #[test]
    fn each_state_of_a_client_gets_what_rfc_2131_says() {
        use Act::*;
        use Standing as S;
        let request = Build::bare().option(53, &[3]);
        let wish = |build: &Build| build.option(50, &MINE.octets());
        let selecting = wish(&request.option(54, &SERVER.octets()));
        let reboot = wish(&request);
        let renewing = request.ciaddr(MINE.octets());
        let elsewhere = wish(&request.option(54, &[10, 77, 0, 9]));
        let ack = |probe| Ack {
            address: MINE,
            probe,
        };
        let free = S::Free { silent: false };
        let ready = S::Free { silent: true };
        // (who, packet, what its address is to it, when we alone give addresses, when not)
        let table = [
            (
                "discover",
                Build::discover(),
                None,
                Offer { rapid: false },
                Offer { rapid: false },
            ),
            (
                "in one exchange",
                Build::discover().option(80, &[]),
                None,
                Offer { rapid: true },
                Offer { rapid: false },
            ),
            (
                "takes our offer",
                selecting.clone(),
                Some(S::Offered),
                ack(false),
                ack(false),
            ),
            (
                "takes it late",
                selecting.clone(),
                Some(free),
                ack(true),
                ack(true),
            ),
            (
                "takes it too late",
                selecting.clone(),
                Some(S::Others),
                Nak(Why::Others),
                Nak(Why::Others),
            ),
            (
                "takes what was never offered",
                selecting,
                Some(S::NotGiven),
                Nak(Why::NotGiven),
                Nak(Why::NotGiven),
            ),
            (
                "takes another's",
                elsewhere.clone(),
                Some(S::Offered),
                Withdraw,
                Withdraw,
            ),
            (
                "reboots",
                reboot.clone(),
                Some(S::Own),
                ack(false),
                ack(false),
            ),
            (
                "reboots, forgotten",
                reboot.clone(),
                Some(free),
                ack(true),
                Silent(Why::NotGiven),
            ),
            (
                "reboots, silent there",
                reboot.clone(),
                Some(ready),
                ack(false),
                Silent(Why::NotGiven),
            ),
            (
                "reboots with another's",
                reboot.clone(),
                Some(S::Others),
                Nak(Why::Others),
                Nak(Why::Others),
            ),
            (
                "reboots in another net",
                reboot.clone(),
                Some(S::Elsewhere),
                Nak(Why::Elsewhere),
                Silent(Why::Elsewhere),
            ),
            (
                "reboots with the router's",
                reboot,
                Some(S::NotGiven),
                Nak(Why::NotGiven),
                Silent(Why::NotGiven),
            ),
            (
                "renews",
                renewing.clone(),
                Some(S::Own),
                ack(false),
                ack(false),
            ),
            (
                "renews what is another's",
                renewing.clone(),
                Some(S::Others),
                Nak(Why::Others),
                Nak(Why::Others),
            ),
            (
                "renews what nobody knows",
                renewing.clone(),
                Some(free),
                ack(true),
                Silent(Why::NotGiven),
            ),
            (
                "names nothing",
                request.clone(),
                None,
                Silent(Why::NoAddressNamed),
                Silent(Why::NoAddressNamed),
            ),
            (
                "informs",
                renewing.message(8),
                Some(S::NotGiven),
                Inform,
                Inform,
            ),
            (
                "gives back",
                renewing.message(7),
                Some(S::Own),
                Free(MINE),
                Free(MINE),
            ),
            (
                "declines",
                wish(&request).message(4),
                Some(S::Own),
                Aside(MINE),
                Aside(MINE),
            ),
            (
                "declines another's",
                elsewhere.message(4),
                Some(S::Own),
                Silent(Why::OtherServer),
                Silent(Why::OtherServer),
            ),
            (
                "an offer of a server",
                wish(&request).message(2),
                Some(S::Own),
                Silent(Why::NotARequest),
                Silent(Why::NotARequest),
            ),
            (
                "a relay that is us",
                Build::discover().giaddr(SERVER.octets()),
                None,
                Silent(Why::BadRelay),
                Silent(Why::BadRelay),
            ),
            (
                "a relay that is everybody",
                Build::discover().giaddr([255; 4]),
                None,
                Silent(Why::BadRelay),
                Silent(Why::BadRelay),
            ),
        ];
        for (name, build, named, alone, beside) in table {
            let request = parse(&build.packet()).expect(name);
            for (authoritative, expected) in [(true, alone), (false, beside)] {
                let facts = Facts {
                    server: SERVER,
                    authoritative: Some(authoritative),
                    named,
                };
                assert_eq!(decide(&request, &facts), expected, "{name}");
            }
            let nowhere = Facts {
                server: SERVER,
                authoritative: None,
                named,
            };
            let silent = decide(&request, &nowhere);
            assert!(
                matches!(silent, Silent(Why::NotOurNetwork | Why::BadRelay)),
                "{name}: {silent:?}"
            );
        }
    }

    #[test]
    fn a_relay_says_which_network_and_who_we_are() {
        let subnet = |third: u8| config::Subnet {
            network: [10, third, 0, 0].into(),
            prefix: 24,
            ranges: Vec::new(),
            exclude: Vec::new(),
            lease: std::time::Duration::from_secs(60),
            told: config::Told::default(),
            authoritative: true,
        };
        let dhcp = Dhcp {
            subnets: vec![subnet(77), subnet(80), subnet(81), subnet(82)],
            ..Dhcp::default()
        };
        let relayed = Build::discover().giaddr([10, 80, 0, 1]);
        let link = b"\x05\x04\x0a\x51\x00\x00";
        let table = [
            ("on the wire", Build::discover(), false, Some(0)),
            ("behind a relay", relayed.clone(), false, Some(1)),
            (
                "RFC 3011",
                relayed.option(118, &[10, 82, 0, 0]),
                false,
                Some(3),
            ),
            (
                "RFC 3527",
                relayed.option(118, &[10, 82, 0, 0]).option(82, link),
                false,
                Some(2),
            ),
            (
                "not by itself",
                Build::discover()
                    .option(82, link)
                    .option(118, &[10, 82, 0, 0]),
                false,
                Some(0),
            ),
            (
                "behind a relay we do not know",
                relayed.giaddr([10, 99, 0, 1]),
                false,
                None,
            ),
            (
                "renews past its relay",
                Build::discover().ciaddr([10, 81, 0, 9]),
                true,
                Some(2),
            ),
            (
                "rebinds on the wire",
                Build::discover().ciaddr([10, 81, 0, 9]),
                false,
                Some(0),
            ),
        ];
        for (name, build, to_us, expected) in table {
            let request = parse(&build.packet()).expect(name);
            assert_eq!(place(&request, &dhcp, SERVER, to_us), expected, "{name}");
        }
        let override_server = relayed
            .message(3)
            .option(50, &MINE.octets())
            .option(54, &[10, 80, 0, 254])
            .option(82, b"\x0b\x04\x0a\x50\x00\xfe");
        let request = parse(&override_server.packet()).unwrap();
        let facts = Facts {
            server: SERVER,
            authoritative: Some(true),
            named: Some(Standing::Offered),
        };
        let probe = false;
        let address = MINE;
        assert_eq!(decide(&request, &facts), Act::Ack { address, probe });
    }
}
