//! The steps of a flight. Kept as JSON in the database: add variants and optional fields, never
//! rename or remove one; what a newer version wrote is passed over.

use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// How a file travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carrier {
    Tftp,
    Http,
}

/// A DHCP message, by its option 53.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    Discover,
    Offer,
    Request,
    Ack,
    Nak,
    Inform,
    Other,
}

/// What a machine boots with, as far as its DHCP packets tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    Bios,
    Uefi,
    UefiHttp,
    Ipxe,
    /// It boots from the network, and we have no loader for it.
    Unsupported,
    /// An operating system or another ordinary DHCP client.
    Ordinary,
}

/// One thing that happened between a machine and the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The machine sent a DHCP message that reached us.
    Asked {
        /// The port it came to: 67 or 4011; over IPv6 547 (then a SOLICIT is a DISCOVER) or 4011.
        port: u16,
        message: Message,
        program: Program,
        /// Option 93, the first of its numbers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arch: Option<u16>,
        /// How long it says that it has been asking, in seconds.
        #[serde(default)]
        secs: u16,
        /// Its transaction: a new one is a new try.
        xid: u32,
        /// The DHCP server it chose (option 54).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<Ipv4Addr>,
        /// The relay it came through.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        relay: Option<Ipv4Addr>,
        /// It wants the answer broadcast: then others' answers are heard too.
        #[serde(default)]
        broadcast: bool,
    },
    /// We answered it.
    Answered {
        port: u16,
        message: Message,
        /// Path or URL of the file it was given; none = "ask again on 4011".
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<String>,
    },
    /// We did not answer it, on purpose.
    Silent {
        port: u16,
        /// A code: `nothing_to_do`, `no_assets` …
        why: String,
    },
    /// We wanted to answer it and could not.
    NotSent { port: u16, error: String },
    /// It asked for a file.
    FileAsked {
        by: Carrier,
        file: String,
        /// It only asked how long the file is (HTTP HEAD).
        #[serde(default)]
        head: bool,
    },
    FileRefused {
        by: Carrier,
        file: String,
        /// A code, as in `Silent`; `missing` when there is no such file.
        why: String,
    },
    /// A transfer ended. It is whole when `bytes` is `of`.
    FileSent {
        by: Carrier,
        file: String,
        bytes: u64,
        of: u64,
        took_ms: u64,
        /// Why it ended early, when that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// The agent on it reported to the appliance.
    Reported,
    /// Another server's answer to the machine went by on the wire.
    Heard {
        server: Ipv4Addr,
        message: Message,
        /// The address it gives the machine; none = it gives no addresses (a proxy).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<Ipv4Addr>,
        /// It calls itself a boot server (option 60 is `PXEClient` or `HTTPClient`).
        #[serde(default)]
        boots: bool,
        /// The boot file it names.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<String>,
        /// It gives instructions of PXE's own (option 43).
        #[serde(default)]
        menu: bool,
    },
    /// A packet of the machine came to our network card, and our server never got it.
    Stopped { port: u16 },
    /// The machine asked who has our address (ARP).
    LookedForUs,
}

/// A step and when it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timed {
    pub at_ms: i64,
    #[serde(flatten)]
    pub step: Step,
    /// How often the same happened in a row; the last time is `last_ms`.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub times: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_ms: Option<i64>,
}

fn once() -> u32 {
    1
}

fn is_once(times: &u32) -> bool {
    *times == 1
}
