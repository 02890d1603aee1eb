//! Why did this machine not boot? Pure: a flight and what is known of its network and of itself, in;
//! the probable cause with what was seen of it, out.
//!
//! A wire says much, and not everything: what a switch threw away and what a firmware thinks is
//! never seen. So each cause says how sure it is, and names the others that fit.

use super::cause::{Cause, Certainty, Evidence};
use super::digest::{Digest, File, Other};
use super::rogue::is_ours;
use super::timeline::Flight;
use super::wire::Program;
use crate::boot::path::BootFile;
use images::secure_boot::{Verdict, judge_boot_disk};
use images::wire::Inventory;
use state::Timestamp;
use std::net::Ipv4Addr;
use std::time::Duration;

/// Firmware waits up to 32 s between two questions, a kernel takes a minute on a slow PC: before
/// that, silence says nothing.
const PATIENCE: Duration = Duration::from_secs(40);
const PATIENCE_WITH_A_KERNEL: Duration = Duration::from_secs(150);
/// A machine whose first question that we hear was asked that long ago was not heard before: a
/// switch port takes 30 s to forward after its link came up, when it takes part in spanning tree.
const LATE_SECS: u16 = 8;

/// What is known of the network of one interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Our address there, and the length of its prefix.
    pub address: Option<(Ipv4Addr, u8)>,
    /// What goes by on the wire is heard.
    pub listens: bool,
    /// We give the addresses there.
    pub gives: bool,
    /// Some machine asked for an address or a boot there lately.
    pub heard_somebody: bool,
    /// Another machine asked our port 4011 or for a file lately: questions to us alone arrive.
    pub followed: bool,
    /// The switch takes part in spanning tree.
    pub spanning_tree: bool,
    /// The switch asks who is there (802.1X).
    pub dot1x: bool,
}

/// What is known of the machine besides its flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// What its agent found.
    pub secure_boot: Option<bool>,
    /// Its firmware trusts the authorities of the boot disk's loader.
    pub trusts_shim: Option<bool>,
    /// Its operating system, or its agent, was heard on the network.
    pub system_heard: bool,
}

impl Machine {
    /// As its agent reported it, if one ever ran on it.
    pub(super) fn of(inventory: Option<&Inventory>) -> Machine {
        let secure_boot = inventory.and_then(|found| found.secure_boot);
        let trusts_shim =
            inventory.and_then(
                |found| match judge_boot_disk(found.secure_boot, &found.trusted) {
                    Verdict::Starts if found.secure_boot == Some(true) => Some(true),
                    Verdict::Untrusted(_) => Some(false),
                    Verdict::Starts | Verdict::Unknown | Verdict::Unsigned => None,
                },
            );
        Machine {
            secure_boot,
            trusts_shim,
            system_heard: false,
        }
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    pub cause: Cause,
    pub certainty: Certainty,
    pub evidence: Vec<Evidence>,
    /// Other causes that fit, the likelier first.
    pub also: Vec<Cause>,
}

impl Diagnosis {
    fn new(cause: Cause, certainty: Certainty, evidence: Vec<Evidence>) -> Diagnosis {
        Diagnosis {
            cause,
            certainty,
            evidence,
            also: Vec::new(),
        }
    }

    fn also(mut self, causes: impl IntoIterator<Item = Cause>) -> Diagnosis {
        self.also.extend(causes);
        self
    }
}

/// `flight` is the machine's latest power-on; none = it was never heard.
pub fn diagnose(
    flight: Option<&Flight>,
    network: &Network,
    machine: &Machine,
    now: Timestamp,
) -> Diagnosis {
    let digest = flight.map(Digest::of).unwrap_or_default();
    let Some(flight) = flight.filter(|_| digest != Digest::default()) else {
        return never_heard(network, machine);
    };
    let quiet = now.since(flight.ended());
    let found = judge(&digest, network, machine, quiet);
    let patience = match &found.cause {
        Cause::AgentSilent => PATIENCE_WITH_A_KERNEL,
        Cause::Booted
        | Cause::OnPurpose(_)
        | Cause::NotReady(_)
        | Cause::WrongArchitecture(_)
        | Cause::MissingFile(_)
        | Cause::NoSubnet(_)
        | Cause::NoAddressLeft
        | Cause::OwnFirewall(_) => Duration::ZERO,
        _ => PATIENCE,
    };
    let mut found = match quiet < patience {
        true => Diagnosis::new(Cause::Going, Certainty::Seen, Vec::new()),
        false => found,
    };
    late(&mut found, &digest, network);
    found
}

fn judge(d: &Digest, network: &Network, machine: &Machine, quiet: Duration) -> Diagnosis {
    use Certainty::{Probable, Seen};
    if d.reported {
        return Diagnosis::new(Cause::Booted, Seen, Vec::new());
    }
    if let Some(why) = &d.silent
        && d.offered == 0
    {
        return silent(d, why);
    }
    if let Some(port) = [67, 4011, 69, 80]
        .into_iter()
        .find(|port| d.stopped.contains(port))
        && !got_past(d, port)
    {
        let evidence = vec![Evidence::AtCard(port)];
        return Diagnosis::new(Cause::OwnFirewall(port), Seen, evidence);
    }
    if let Some(file) = d.files.last() {
        return files(d, file, network, machine, quiet);
    }
    if d.without_address > 0 && d.answered_4011 == 0 {
        let evidence = vec![Evidence::Asked4011(d.asked_4011)];
        return Diagnosis::new(Cause::AskedWithoutAddress, Seen, evidence);
    }
    if d.refused {
        let evidence = vec![Evidence::Asked(d.asked)];
        return Diagnosis::new(Cause::AddressRefused, Seen, evidence);
    }
    if d.offered == 0 {
        let evidence = vec![Evidence::Asked(d.asked)];
        return Diagnosis::new(Cause::Unknown, Certainty::Possible, evidence);
    }
    if let Some(found) = other_servers(d, network) {
        return found;
    }
    if let Some(found) = chose_another(d, network) {
        return found;
    }
    if d.asked_4011 > 0 {
        let evidence = vec![Evidence::Asked4011(d.asked_4011)];
        let (cause, other) = match d.asked_4011 {
            // It has its answer, and asks for no file.
            1 => (Cause::TftpBlocked, Cause::AnswersLost),
            _ => (Cause::AnswersLost, Cause::TftpBlocked),
        };
        return Diagnosis::new(cause, Probable, evidence).also([other]);
    }
    match d.took {
        Some(server) => took_an_address(d, server, network),
        None if d.requested => took_an_address(d, Ipv4Addr::UNSPECIFIED, network),
        None => took_nothing(d, network),
    }
}

/// We offered it an address and a boot, and it took another server's address.
fn chose_another(d: &Digest, network: &Network) -> Option<Diagnosis> {
    let (ours, _) = network.address.filter(|_| network.gives)?;
    let server = d.took.filter(|server| d.chose_another && *server != ours)?;
    let evidence = vec![Evidence::Offered(d.offered), Evidence::Took(server)];
    let cause = Cause::TwoServers(vec![ours, server]);
    Some(Diagnosis::new(cause, Certainty::Probable, evidence))
}

fn silent(d: &Digest, why: &str) -> Diagnosis {
    let cause = match why {
        "no_subnet" => Cause::NoSubnet(d.relay),
        "no_address_left" => Cause::NoAddressLeft,
        "unsupported" => Cause::WrongArchitecture(d.arch),
        "no_assets" | "no_tftp" | "no_http" => Cause::NotReady(why.to_owned()),
        other => Cause::OnPurpose(other.to_owned()),
    };
    Diagnosis::new(cause, Certainty::Seen, vec![Evidence::Asked(d.asked)])
}

/// Did a later packet reach the server all the same?
fn got_past(d: &Digest, port: u16) -> bool {
    match port {
        67 => d.asked > 0,
        4011 => d.asked_4011 > 0 || !d.files.is_empty(),
        _ => !d.files.is_empty(),
    }
}

/// Files that loaders ask for and can do without.
fn is_optional(name: &str) -> bool {
    name == "autoexec.ipxe"
        || name.starts_with("revocations")
        || name.starts_with("shim_certificate")
        || name.ends_with(".lst")
        || name.ends_with(".mod")
}

/// See `boot_disk`.
const BOOT_DISK: &str = "boot.img";

fn is_loader(name: &str) -> bool {
    [".efi", ".efi.signed", ".kpxe", ".0"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// It asked for files: `last` is the one that it began last.
fn files(
    d: &Digest,
    last: &File,
    network: &Network,
    machine: &Machine,
    quiet: Duration,
) -> Diagnosis {
    use Certainty::{Possible, Probable, Seen};
    if let Some(why) = &last.refused
        && !last.whole
        && !is_optional(&last.name)
    {
        let cause = match why.as_str() {
            "missing" => Cause::MissingFile(last.name.clone()),
            other => Cause::OnPurpose(other.to_owned()),
        };
        return Diagnosis::new(cause, Seen, Vec::new());
    }
    let waited = match d.next_entry {
        true => Evidence::NextEntry,
        false => Evidence::SilentFor(quiet.as_secs()),
    };
    if d.whole(BootFile::NoImage.name()) {
        let evidence = vec![Evidence::Whole(BootFile::NoImage.name().to_owned())];
        return Diagnosis::new(Cause::WrongArchitecture(d.arch), Seen, evidence);
    }
    if d.whole("initrd") {
        let evidence = vec![Evidence::Whole("initrd".to_owned()), waited];
        return Diagnosis::new(Cause::AgentSilent, Probable, evidence);
    }
    let started = d.files.iter().rev().find(|file| !is_optional(&file.name));
    let file = started.unwrap_or(last);
    if !file.whole {
        if let Some((bytes, of)) = file.cut.filter(|(bytes, _)| *bytes > 0) {
            let file = file.name.clone();
            return Diagnosis::new(Cause::TransferCut { file, bytes, of }, Seen, vec![waited]);
        }
        if file.by_tftp && !file.probed {
            let also = [Cause::GuestIsolation];
            return Diagnosis::new(Cause::TftpDataBlocked, Probable, vec![waited]).also(also);
        }
        return Diagnosis::new(Cause::Unknown, Possible, vec![waited]);
    }
    let name = file.name.clone();
    let whole = Evidence::Whole(name.clone());
    let mut evidence = vec![whole, waited];
    if name == BOOT_DISK {
        return boot_disk(d, machine, evidence);
    }
    // Only a loader that nothing of ours has followed was refused; iPXE that asked us has started.
    if !is_loader(&name) || (d.ipxe && d.program != Some(Program::Ipxe)) {
        if name == "kernel" && d.program != Some(Program::Bios) {
            let also = [Cause::LoaderDidNotStart(name.clone())];
            return Diagnosis::new(Cause::SecureBoot(name), Possible, evidence).also(also);
        }
        return Diagnosis::new(Cause::Unknown, Possible, evidence);
    }
    if d.program == Some(Program::Bios) || machine.secure_boot == Some(false) {
        return Diagnosis::new(Cause::LoaderDidNotStart(name), Probable, evidence);
    }
    if machine.secure_boot == Some(true) {
        evidence.push(Evidence::SecureBootOn);
    }
    if network.followed {
        evidence.push(Evidence::OthersFollowed);
    }
    // A shim is signed, by the one authority that PCs sold as "secured-core" do not trust.
    match name.contains("shim") || name.contains("bootx64") {
        true => Diagnosis::new(Cause::ThirdPartyCa(name.clone()), Probable, evidence)
            .also([Cause::LoaderDidNotStart(name)]),
        false => Diagnosis::new(Cause::SecureBoot(name.clone()), Probable, evidence)
            .also([Cause::LoaderDidNotStart(name)]),
    }
}

/// The disk that UEFI HTTP Boot takes arrived whole: loader, kernel and agent are all on it, so nothing
/// more is asked for before the agent reports. A refused loader sends the firmware on to its next entry.
fn boot_disk(d: &Digest, machine: &Machine, mut evidence: Vec<Evidence>) -> Diagnosis {
    use Certainty::{Possible, Probable};
    let refused = Cause::ThirdPartyCa(BOOT_DISK.to_owned());
    let not_started = Cause::LoaderDidNotStart(BOOT_DISK.to_owned());
    if machine.secure_boot == Some(true) {
        evidence.push(Evidence::SecureBootOn);
    }
    match (machine.secure_boot, machine.trusts_shim, d.next_entry) {
        (_, Some(false), _) => Diagnosis::new(refused, Probable, evidence),
        (Some(false), _, true) | (_, Some(true), true) => {
            Diagnosis::new(not_started, Probable, evidence).also([Cause::AgentSilent])
        }
        (Some(false), _, false) | (_, Some(true), false) => {
            Diagnosis::new(Cause::AgentSilent, Probable, evidence).also([not_started])
        }
        (_, None, true) => Diagnosis::new(refused, Probable, evidence).also([not_started]),
        (_, None, false) => Diagnosis::new(Cause::AgentSilent, Possible, evidence).also([refused]),
    }
}

/// Offers of others that explain why ours was not followed.
fn other_servers(d: &Digest, network: &Network) -> Option<Diagnosis> {
    use Certainty::{Possible, Probable, Seen};
    // Its questions to us alone arrived: whoever else answered was not in the way.
    if d.asked_4011 > 0 {
        return None;
    }
    let offered = Evidence::Offered(d.offered);
    let heard = |server: Ipv4Addr| vec![offered.clone(), Evidence::Heard(server)];
    let found = |test: &dyn Fn(&Other) -> bool| {
        let found = d.others.iter().find(|(_, other)| test(other));
        found.map(|(server, _)| *server)
    };
    let reprise = |other: &Other| other.file.as_deref().is_some_and(is_ours);
    if let Some(server) = found(&reprise) {
        return Some(Diagnosis::new(
            Cause::AnotherReprise(server),
            Seen,
            heard(server),
        ));
    }
    // It gives addresses, calls itself a boot server, and says neither which file nor what to do:
    // firmware then asks its port 4011 (a "BINL" offer), and prefers it to every proxy.
    let empty = |other: &Other| {
        other.address.is_some() && other.boots && other.file.is_none() && !other.menu
    };
    if let Some(server) = found(&empty) {
        return Some(Diagnosis::new(
            Cause::Option60(server),
            Probable,
            heard(server),
        ));
    }
    if let Some(server) = found(&|other| other.boots) {
        return Some(Diagnosis::new(
            Cause::ForeignProxy(server),
            Probable,
            heard(server),
        ));
    }
    if let Some(server) = found(&|other| other.address.is_some() && other.file.is_some()) {
        return Some(Diagnosis::new(
            Cause::ForeignProxy(server),
            Possible,
            heard(server),
        ));
    }
    let servers = d.address_servers();
    if servers.len() > 1 {
        let evidence = servers.iter().map(|server| Evidence::Heard(*server));
        let evidence = std::iter::once(offered).chain(evidence).collect();
        let also = [Cause::Port4011];
        let cause = Cause::TwoServers(servers);
        return Some(Diagnosis::new(cause, Possible, evidence).also(also));
    }
    let outside = d.others.iter().find_map(|(server, other)| {
        let address = other.address?;
        let (ours, prefix) = network.address?;
        (!same_network(ours, prefix, address)).then_some((*server, address))
    });
    outside.map(|(server, address)| {
        let evidence = vec![offered, Evidence::Heard(server)];
        Diagnosis::new(Cause::OtherSubnet { server, address }, Probable, evidence)
    })
}

fn same_network(ours: Ipv4Addr, prefix: u8, other: Ipv4Addr) -> bool {
    let mask = u32::MAX
        .checked_shl(32u32.saturating_sub(u32::from(prefix)))
        .unwrap_or(0);
    ours.to_bits() & mask == other.to_bits() & mask
}

/// It has an address, it was offered a boot, and nothing came after that.
fn took_an_address(d: &Digest, server: Ipv4Addr, network: &Network) -> Diagnosis {
    use Certainty::{Possible, Probable};
    let mut evidence = vec![Evidence::Offered(d.offered)];
    if !server.is_unspecified() {
        evidence.push(Evidence::Took(server));
    }
    let blocked = match d.given.as_deref() {
        None => {
            evidence.push(Evidence::No4011);
            Cause::Port4011
        }
        Some(url) if url.starts_with("http://") => Cause::HttpBlocked,
        Some(_) => Cause::TftpBlocked,
    };
    if d.looked_for_us {
        evidence.push(Evidence::LookedForUs);
    }
    if network.followed {
        evidence.push(Evidence::OthersFollowed);
        // The way is open to others: then this firmware did not take the offer, or its desk is
        // behind something.
        let also = [Cause::FirmwareGaveUp, Cause::Snooping];
        return Diagnosis::new(blocked, Possible, evidence).also(also);
    }
    evidence.push(Evidence::NobodyFollowed);
    // It wants to talk to us, and asks in vain for the way: broadcasts pass, nothing else does.
    if d.looked_for_us {
        let also = [blocked, Cause::Snooping];
        return Diagnosis::new(Cause::GuestIsolation, Probable, evidence).also(also);
    }
    let also = [Cause::Snooping, Cause::GuestIsolation];
    Diagnosis::new(blocked, Probable, evidence).also(also)
}

/// It was offered a boot, again and again, and took nothing from anybody.
fn took_nothing(d: &Digest, network: &Network) -> Diagnosis {
    use Certainty::{Possible, Probable};
    let mut evidence = vec![
        Evidence::Asked(d.asked),
        Evidence::Offered(d.offered),
        Evidence::TookNone,
    ];
    evidence.extend(d.address_servers().into_iter().map(Evidence::Heard));
    if d.others.is_empty() && network.listens && d.broadcast && !network.gives {
        evidence.push(Evidence::HeardNobody);
        let also = [Cause::Snooping];
        return Diagnosis::new(Cause::NoAddressServer, Probable, evidence).also(also);
    }
    if network.followed {
        evidence.push(Evidence::OthersFollowed);
        let also = [Cause::Snooping];
        return Diagnosis::new(Cause::FirmwareGaveUp, Probable, evidence).also(also);
    }
    evidence.push(Evidence::NobodyFollowed);
    let certainty = match d.others.is_empty() {
        true => Possible,
        false => Probable,
    };
    let also = [Cause::FirmwareGaveUp, Cause::NoAddressServer];
    let nobody = d.others.is_empty() && !network.gives;
    let also = also.into_iter().take(match nobody {
        true => 2,
        false => 1,
    });
    Diagnosis::new(Cause::Snooping, certainty, evidence).also(also)
}

/// A switch port that forwards late is one more cause of whatever failed; alone when nothing else
/// did.
fn late(found: &mut Diagnosis, d: &Digest, network: &Network) {
    if d.first_secs < LATE_SECS || matches!(found.cause, Cause::OnPurpose(_)) {
        return;
    }
    let mut evidence = vec![Evidence::FirstSecs(d.first_secs)];
    if network.spanning_tree {
        evidence.push(Evidence::SpanningTree);
    }
    let cause = Cause::PortFast;
    match found.cause {
        // It asked once, late, and gave up: what came before that question is the cause.
        Cause::Snooping | Cause::FirmwareGaveUp | Cause::NoAddressServer | Cause::Unknown
            if d.tries <= 1 =>
        {
            let certainty = match network.spanning_tree {
                true => Certainty::Probable,
                false => Certainty::Possible,
            };
            evidence.append(&mut found.evidence);
            let before = std::mem::replace(&mut found.cause, cause);
            found.also.insert(0, before);
            found.certainty = certainty;
            found.evidence = evidence;
        }
        _ => {
            found.evidence.append(&mut evidence);
            found.also.push(cause);
        }
    }
}

/// No flight: what can be known of a machine that is not heard.
fn never_heard(network: &Network, machine: &Machine) -> Diagnosis {
    use Certainty::{Possible, Probable};
    let mut evidence = vec![Evidence::NeverAsked];
    if machine.system_heard {
        evidence.push(Evidence::SystemAsked);
    }
    if network.dot1x {
        // Its system has an account for the switch, its firmware has none.
        evidence.push(Evidence::Dot1x);
        let also = [Cause::NetworkStackOff];
        return Diagnosis::new(Cause::Dot1x, Probable, evidence).also(also);
    }
    if machine.system_heard {
        let also = [Cause::PortFast];
        return Diagnosis::new(Cause::NetworkStackOff, Probable, evidence).also(also);
    }
    if !network.heard_somebody {
        return Diagnosis::new(Cause::NothingHeard, Probable, evidence);
    }
    let also = [Cause::NetworkStackOff, Cause::Dot1x];
    Diagnosis::new(Cause::NeverAsked, Possible, evidence).also(also)
}

#[cfg(test)]
mod table;
