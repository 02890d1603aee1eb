//! Why a machine did not boot, and what was seen that says so. A code and its values: the sentences
//! are in the console's catalogues, in each language.

use std::net::Ipv4Addr;

/// The probable cause, or how far a boot is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its agent reported.
    Booted,
    /// Something happened a moment ago.
    Going,
    /// We were silent on purpose; the code says why.
    OnPurpose(String),
    /// Nothing can be served now; the code says why.
    NotReady(String),
    WrongArchitecture(Option<u16>),
    MissingFile(String),
    /// The kernel and the initramfs arrived, and the agent never reported.
    AgentSilent,
    SecureBoot(String),
    ThirdPartyCa(String),
    LoaderDidNotStart(String),
    TransferCut {
        file: String,
        bytes: u64,
        of: u64,
    },
    /// Files are asked for by TFTP, and no block of them arrives.
    TftpDataBlocked,
    /// It was told where its loader is, and never asked for it.
    TftpBlocked,
    HttpBlocked,
    /// A packet came to this appliance's network card and was stopped before its server.
    OwnFirewall(u16),
    /// It was told to ask port 4011, and its question never came.
    Port4011,
    /// Its question to port 4011 came, and our answers do not get through.
    AnswersLost,
    /// The server that gives addresses calls itself a boot server and is none.
    Option60(Ipv4Addr),
    ForeignProxy(Ipv4Addr),
    AnotherReprise(Ipv4Addr),
    TwoServers(Vec<Ipv4Addr>),
    /// Its address is not of our network.
    OtherSubnet {
        server: Ipv4Addr,
        address: Ipv4Addr,
    },
    /// Nobody gave it an address.
    NoAddressServer,
    /// We give addresses, and none of its network; it asks through this relay, or on our wire.
    NoSubnet(Option<Ipv4Addr>),
    /// We give addresses, and none was left for it.
    NoAddressLeft,
    /// We give addresses, and it goes on asking for one it may not have.
    AddressRefused,
    /// It asked port 4011 without an address to answer to.
    AskedWithoutAddress,
    Snooping,
    FirmwareGaveUp,
    GuestIsolation,
    /// The switch port forwards some seconds after its link came up.
    PortFast,
    Dot1x,
    /// Nobody at all is heard on the interface.
    NothingHeard,
    NetworkStackOff,
    /// Others are heard, this machine never was.
    NeverAsked,
    Unknown,
}

impl Cause {
    /// The name of its sentences.
    pub fn code(&self) -> &'static str {
        match self {
            Cause::Booted => "booted",
            Cause::Going => "going",
            Cause::OnPurpose(_) => "on-purpose",
            Cause::NotReady(_) => "not-ready",
            Cause::WrongArchitecture(_) => "wrong-architecture",
            Cause::MissingFile(_) => "missing-file",
            Cause::AgentSilent => "agent-silent",
            Cause::SecureBoot(_) => "secure-boot",
            Cause::ThirdPartyCa(_) => "third-party-ca",
            Cause::LoaderDidNotStart(_) => "loader-did-not-start",
            Cause::TransferCut { .. } => "transfer-cut",
            Cause::TftpDataBlocked => "tftp-data-blocked",
            Cause::TftpBlocked => "tftp-blocked",
            Cause::HttpBlocked => "http-blocked",
            Cause::OwnFirewall(_) => "own-firewall",
            Cause::Port4011 => "port-4011",
            Cause::AnswersLost => "answers-lost",
            Cause::Option60(_) => "option-60",
            Cause::ForeignProxy(_) => "foreign-proxy",
            Cause::AnotherReprise(_) => "another-reprise",
            Cause::TwoServers(_) => "two-servers",
            Cause::OtherSubnet { .. } => "other-subnet",
            Cause::NoAddressServer => "no-address-server",
            Cause::NoSubnet(None) => "no-subnet",
            Cause::NoSubnet(Some(_)) => "no-subnet-behind-relay",
            Cause::NoAddressLeft => "no-address-left",
            Cause::AddressRefused => "address-refused",
            Cause::AskedWithoutAddress => "asked-without-address",
            Cause::Snooping => "snooping",
            Cause::FirmwareGaveUp => "firmware-gave-up",
            Cause::GuestIsolation => "guest-isolation",
            Cause::PortFast => "port-fast",
            Cause::Dot1x => "dot1x",
            Cause::NothingHeard => "nothing-heard",
            Cause::NetworkStackOff => "network-stack-off",
            Cause::NeverAsked => "never-asked",
            Cause::Unknown => "unknown",
        }
    }

    /// The values in its sentences.
    pub fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Cause::OnPurpose(why) | Cause::NotReady(why) => vec![("why", why.clone())],
            Cause::WrongArchitecture(arch) => {
                let arch = arch.map_or_else(|| "?".to_owned(), |arch| arch.to_string());
                vec![("arch", arch)]
            }
            Cause::MissingFile(file)
            | Cause::SecureBoot(file)
            | Cause::ThirdPartyCa(file)
            | Cause::LoaderDidNotStart(file) => vec![("file", file.clone())],
            Cause::TransferCut { file, bytes, of } => vec![
                ("file", file.clone()),
                ("bytes", bytes.to_string()),
                ("of", of.to_string()),
            ],
            Cause::OwnFirewall(port) => vec![("port", port.to_string())],
            Cause::Option60(server)
            | Cause::ForeignProxy(server)
            | Cause::AnotherReprise(server) => vec![("server", server.to_string())],
            Cause::TwoServers(servers) => {
                let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
                vec![("servers", servers.join(", "))]
            }
            Cause::NoSubnet(Some(relay)) => vec![("relay", relay.to_string())],
            Cause::OtherSubnet { server, address } => vec![
                ("server", server.to_string()),
                ("address", address.to_string()),
            ],
            _ => Vec::new(),
        }
    }

    /// Is it a failure at all?
    pub fn is_failure(&self) -> bool {
        !matches!(self, Cause::Booted | Cause::Going | Cause::OnPurpose(_))
    }
}

/// How sure the diagnosis is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It was seen itself.
    Seen,
    /// What was seen fits nothing else that is common.
    Probable,
    /// One of several that fit; the others are named too.
    Possible,
}

impl Certainty {
    pub fn code(self) -> &'static str {
        match self {
            Certainty::Seen => "seen",
            Certainty::Probable => "probable",
            Certainty::Possible => "possible",
        }
    }
}

/// Something that was seen, and bears on the cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// It asked so many times.
    Asked(u32),
    NeverAsked,
    /// We offered so many times.
    Offered(u32),
    /// It took an address from this server.
    Took(Ipv4Addr),
    TookNone,
    /// Another server's offer was heard.
    Heard(Ipv4Addr),
    HeardNobody,
    No4011,
    Asked4011(u32),
    /// The whole loader arrived.
    Whole(String),
    /// Nothing came after it, for so many seconds.
    SilentFor(u64),
    /// Its firmware went on to the next way to boot.
    NextEntry,
    SecureBootOn,
    FirstSecs(u16),
    SpanningTree,
    Dot1x,
    LookedForUs,
    OthersFollowed,
    NobodyFollowed,
    /// Its operating system asked for an address.
    SystemAsked,
    AtCard(u16),
}

impl Evidence {
    pub fn code(&self) -> &'static str {
        match self {
            Evidence::Asked(_) => "asked",
            Evidence::NeverAsked => "never-asked",
            Evidence::Offered(_) => "offered",
            Evidence::Took(_) => "took",
            Evidence::TookNone => "took-none",
            Evidence::Heard(_) => "heard",
            Evidence::HeardNobody => "heard-nobody",
            Evidence::No4011 => "no-4011",
            Evidence::Asked4011(_) => "asked-4011",
            Evidence::Whole(_) => "whole",
            Evidence::SilentFor(_) => "silent-for",
            Evidence::NextEntry => "next-entry",
            Evidence::SecureBootOn => "secure-boot-on",
            Evidence::FirstSecs(_) => "first-secs",
            Evidence::SpanningTree => "spanning-tree",
            Evidence::Dot1x => "dot1x",
            Evidence::LookedForUs => "looked-for-us",
            Evidence::OthersFollowed => "others-followed",
            Evidence::NobodyFollowed => "nobody-followed",
            Evidence::SystemAsked => "system-asked",
            Evidence::AtCard(_) => "at-card",
        }
    }

    /// The one value in its sentence, `$value`.
    pub fn value(&self) -> Option<String> {
        match self {
            Evidence::Asked(n) | Evidence::Offered(n) | Evidence::Asked4011(n) => {
                Some(n.to_string())
            }
            Evidence::Took(server) | Evidence::Heard(server) => Some(server.to_string()),
            Evidence::Whole(file) => Some(file.clone()),
            Evidence::SilentFor(seconds) => Some(seconds.to_string()),
            Evidence::FirstSecs(secs) => Some(secs.to_string()),
            Evidence::AtCard(port) => Some(port.to_string()),
            _ => None,
        }
    }
}
