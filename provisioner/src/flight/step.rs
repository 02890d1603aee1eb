//! How packets and requests become steps.

use super::wire::{Message, Program, Step};
use crate::boot::client::Client;
use crate::boot::policy;
use crate::dhcp::decide::{self, Why};
use crate::dhcp::reply::Kind;
use crate::dhcp::request::{MessageType, Request};

/// A DHCP message of a machine that came to `port`.
pub(crate) fn asked(port: u16, request: &Request) -> Step {
    Step::Asked {
        port,
        message: match request.message {
            MessageType::Discover => Message::Discover,
            MessageType::Request => Message::Request,
            MessageType::Inform => Message::Inform,
            MessageType::Decline | MessageType::Release | MessageType::Other(_) => Message::Other,
        },
        program: program(decide::client(request)),
        arch: request.archs.first().copied(),
        secs: request.secs,
        xid: u32::from_be_bytes(request.xid),
        server: request.server,
        relay: (!request.giaddr.is_unspecified()).then_some(request.giaddr),
        broadcast: request.broadcast,
    }
}

fn program(client: Client) -> Program {
    match client {
        Client::Ipxe => Program::Ipxe,
        Client::Bios => Program::Bios,
        Client::Uefi => Program::Uefi,
        Client::UefiHttp => Program::UefiHttp,
        Client::Unsupported(_) | Client::Arm64 | Client::Arm64Http => Program::Unsupported,
        Client::NotBooting => Program::Ordinary,
    }
}

/// The same of DHCPv6, in the words of DHCPv4: a SOLICIT is a DISCOVER.
pub(crate) fn asked_six(
    port: u16,
    message: Message,
    client: Client,
    arch: Option<u16>,
    secs: u16,
    xid: u32,
) -> Step {
    Step::Asked {
        port,
        message,
        program: program(client),
        arch,
        secs,
        xid,
        server: None,
        relay: None,
        broadcast: false,
    }
}

/// We answered it over IPv6, with an ADVERTISE or a REPLY.
pub(crate) fn answered_six(port: u16, advertise: bool, url: String) -> Step {
    Step::Answered {
        port,
        message: match advertise {
            true => Message::Offer,
            false => Message::Ack,
        },
        file: Some(url),
    }
}

/// We answered it: `file` is the path or URL it was given.
pub(crate) fn answered(port: u16, kind: Kind, file: Option<String>) -> Step {
    Step::Answered {
        port,
        message: match kind {
            Kind::Offer => Message::Offer,
            Kind::Ack => Message::Ack,
            Kind::Nak => Message::Nak,
        },
        file,
    }
}

/// We did not answer it, on purpose.
pub(crate) fn silent(port: u16, why: Why) -> Step {
    Step::Silent {
        port,
        why: code(why).to_owned(),
    }
}

/// The code of a silence, under which the console's catalogues have its sentence.
fn code(why: Why) -> &'static str {
    match why {
        Why::NotBooting => "not_booting",
        Why::Unsupported(_) => "unsupported",
        Why::NotForAProxy => "not_for_a_proxy",
        Why::OtherServer => "other_server",
        Why::BadRelay => "bad_relay",
        Why::NoAddress => "no_address",
        Why::NoAssets => "no_assets",
        Why::NoTftp => "no_tftp",
        Why::Policy(why) => policy_code(why),
    }
}

/// The same for what the policy refuses, by DHCP, TFTP and HTTP alike.
pub(crate) fn policy_code(why: policy::Why) -> &'static str {
    match why {
        policy::Why::NotApproved => "not_approved",
        policy::Why::NeverReported => "never_reported",
        policy::Why::NothingToDo => "nothing_to_do",
        policy::Why::Rule => "rule",
    }
}
