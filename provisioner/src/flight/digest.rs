//! A flight in figures: what the diagnosis looks at. Pure.

use super::timeline::Flight;
use super::wire::{Carrier, Message, Program, Step};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// Endings before the first block that say nothing about the way between the two.
fn is_its_own_end(why: &str) -> bool {
    why.starts_with("aborted") || matches!(why, "asked_again" | "crowded" | "server_stopped")
}

/// One file of a flight, and how far it came at best.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) by_tftp: bool,
    pub(super) asked: u32,
    /// The code of the last refusal.
    pub(super) refused: Option<String>,
    pub(super) whole: bool,
    /// The furthest transfer that ended early: bytes of how many.
    pub(super) cut: Option<(u64, u64)>,
    /// The machine itself ended a transfer: the question for the size before the real one.
    pub(super) probed: bool,
}

/// What another server said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Other {
    /// The address it gave.
    pub(super) address: Option<Ipv4Addr>,
    /// It calls itself a boot server.
    pub(super) boots: bool,
    pub(super) file: Option<String>,
    pub(super) menu: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Digest {
    /// Of its first question.
    pub(super) program: Option<Program>,
    pub(super) arch: Option<u16>,
    pub(super) first_secs: u16,
    /// It wants answers broadcast, so that others' answers are heard.
    pub(super) broadcast: bool,
    /// Questions (DISCOVER) it sent.
    pub(super) asked: u32,
    /// Different tries among them.
    pub(super) tries: u32,
    pub(super) offered: u32,
    /// The file in our last offer or answer.
    pub(super) given: Option<String>,
    /// The server whose address it took.
    pub(super) took: Option<Ipv4Addr>,
    /// It answered an offer at all (REQUEST on 67).
    pub(super) requested: bool,
    pub(super) asked_4011: u32,
    pub(super) answered_4011: u32,
    /// The code of the last silence that was a decision about the machine.
    pub(super) silent: Option<String>,
    /// The relay it asks through.
    pub(super) relay: Option<Ipv4Addr>,
    /// It asked 4011 without an address to answer to.
    pub(super) without_address: u32,
    /// Where we give addresses: our last word was that it may not have the one it wants.
    pub(super) refused: bool,
    /// It wants the address of another server than us.
    pub(super) chose_another: bool,
    pub(super) others: BTreeMap<Ipv4Addr, Other>,
    /// In the order in which they were first asked for.
    pub(super) files: Vec<File>,
    /// iPXE ran: a ROM's or the one we gave.
    pub(super) ipxe: bool,
    pub(super) reported: bool,
    /// Ports whose packets were stopped on the way to our server.
    pub(super) stopped: BTreeSet<u16>,
    pub(super) looked_for_us: bool,
    /// After the last whole file, its firmware asked the network anew.
    pub(super) next_entry: bool,
}

impl Digest {
    pub(super) fn of(flight: &Flight) -> Digest {
        let mut digest = Digest::default();
        let mut tries = BTreeSet::new();
        for timed in &flight.steps {
            digest.take(&timed.step, timed.times, &mut tries);
        }
        digest.tries = u32::try_from(tries.len()).unwrap_or(u32::MAX);
        digest
    }

    fn take(&mut self, step: &Step, times: u32, tries: &mut BTreeSet<u32>) {
        if let Step::Asked { relay, .. } = step {
            self.relay = relay.or(self.relay);
        }
        match step {
            Step::Asked {
                program: Program::Ordinary,
                ..
            } => {}
            Step::Asked {
                port: 4011,
                message: Message::Request | Message::Inform | Message::Discover,
                ..
            } => self.asked_4011 += times,
            Step::Asked {
                message: Message::Discover,
                program,
                arch,
                secs,
                xid,
                broadcast,
                ..
            } => {
                if self.program.is_none() {
                    self.program = Some(*program);
                    self.arch = *arch;
                    self.first_secs = *secs;
                    self.broadcast = *broadcast;
                }
                self.next_entry =
                    *program != Program::Ipxe && self.files.iter().any(|file| file.whole);
                self.ipxe |= *program == Program::Ipxe;
                self.asked += times;
                tries.insert(*xid);
            }
            Step::Asked {
                message: Message::Request,
                server,
                ..
            } => {
                self.requested = true;
                self.took = server.or(self.took);
            }
            Step::Asked { .. } => {}
            Step::Answered {
                message: Message::Nak,
                ..
            } => self.refused = true,
            Step::Answered { port, file, .. } => {
                self.refused = false;
                match port {
                    4011 => self.answered_4011 += times,
                    _ => self.offered += times,
                }
                self.given = file.clone();
            }
            Step::Silent { port, why } => match why.as_str() {
                "no_address" => self.without_address += times,
                "other_server" => self.chose_another |= *port == 67,
                // What every boot has: its talk with the server that gives addresses.
                "not_for_a_proxy" | "not_booting" => {}
                _ => self.silent = Some(why.clone()),
            },
            Step::NotSent { .. } => {}
            Step::FileAsked { by, file, .. } => {
                self.next_entry = false;
                self.file(*by, file).asked += times;
            }
            Step::FileRefused { by, file, why } => {
                self.file(*by, file).refused = Some(why.clone());
            }
            Step::FileSent {
                by,
                file,
                bytes,
                of,
                why,
                ..
            } => {
                let file = self.file(*by, file);
                if bytes == of {
                    file.whole = true;
                } else if *bytes == 0 && why.as_deref().is_some_and(is_its_own_end) {
                    file.probed = true;
                } else if file.cut.is_none_or(|(most, _)| most < *bytes) {
                    file.cut = Some((*bytes, *of));
                }
            }
            Step::Reported => self.reported = true,
            Step::Heard {
                server,
                address,
                boots,
                file,
                menu,
                ..
            } => {
                let other = self.others.entry(*server).or_default();
                other.address = address.or(other.address);
                other.boots |= boots;
                other.menu |= menu;
                if file.is_some() {
                    other.file.clone_from(file);
                }
            }
            Step::Stopped { port } => {
                self.stopped.insert(*port);
            }
            Step::LookedForUs => self.looked_for_us = true,
        }
    }

    fn file(&mut self, by: Carrier, name: &str) -> &mut File {
        let found = self.files.iter().position(|file| file.name == name);
        let at = found.unwrap_or(self.files.len());
        if found.is_none() {
            self.files.push(File {
                name: name.to_owned(),
                by_tftp: by == Carrier::Tftp,
                ..File::default()
            });
        }
        &mut self.files[at]
    }

    pub(super) fn whole(&self, name: &str) -> bool {
        self.files
            .iter()
            .any(|file| file.whole && file.name == name)
    }

    /// Servers that give addresses, other than us.
    pub(super) fn address_servers(&self) -> Vec<Ipv4Addr> {
        self.others
            .iter()
            .filter(|(_, other)| other.address.is_some())
            .map(|(server, _)| *server)
            .collect()
    }
}
