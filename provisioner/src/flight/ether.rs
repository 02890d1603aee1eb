//! What went by on the wire of each interface: its last packets, the servers heard there, where
//! each machine was heard last. In memory, bounded.

use super::capture::Ring;
use super::frame::{self, Heard, Reply};
use super::rogue::{Finding, Servers};
use super::scout::is_scout;
use super::wire::{Message, Step};
use crate::Mac;
use crate::boot::client::Client;
use crate::dhcp::decide;
use crate::dhcp::request::MessageType;
use state::Timestamp;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::Ipv4Addr;
use std::time::Duration;

/// Machines whose place is remembered; those that were silent longest make room, some at once: to
/// look for one takes a look at all.
const MOST_MACHINES: usize = 2000;
const MAKE_ROOM: usize = MOST_MACHINES / 8;
/// A server's answer belongs to a boot that was asked for this long ago at most.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);
/// Spanning tree speaks every 2 s and 802.1X every 30 s where they are on.
const LATELY: Duration = Duration::from_secs(600);
/// Companies are silent on Sundays.
const HEARD_LATELY: Duration = Duration::from_secs(3 * 24 * 3600);

#[derive(Debug, Default)]
pub(super) struct Ether {
    interfaces: BTreeMap<String, Interface>,
    machines: HashMap<Mac, Place>,
    /// Every address of this box: a packet from one of them is ours, whatever it says inside.
    ours: HashSet<Ipv4Addr>,
}

#[derive(Debug, Default)]
struct Interface {
    listens: bool,
    gives: bool,
    address: Option<(Ipv4Addr, u8)>,
    ring: Ring,
    servers: Servers,
    heard: Option<Timestamp>,
    spanning_tree: Option<Timestamp>,
    dot1x: Option<Timestamp>,
}

/// Where a machine was heard last, and as what.
#[derive(Debug)]
struct Place {
    interface: String,
    last: Timestamp,
    /// Its firmware or iPXE asked.
    boots: Option<Timestamp>,
    /// Its operating system asked.
    system: Option<Timestamp>,
}

/// What a frame gives the recorder to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Task {
    Nothing,
    Note(Mac, Step),
    /// Our server must get this packet too: if it does not, something on this box stopped it.
    Expect(Mac, u16),
}

/// The network of one interface as it is now.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) interface: Option<String>,
    pub(super) address: Option<(Ipv4Addr, u8)>,
    pub(super) listens: bool,
    pub(super) gives: bool,
    pub(super) heard_somebody: bool,
    pub(super) spanning_tree: bool,
    pub(super) dot1x: bool,
    pub(super) system_heard: bool,
}

impl Ether {
    /// `gives`: we are the DHCP server there.
    pub(super) fn opened(&mut self, interface: &str, address: Ipv4Addr, prefix: u8, gives: bool) {
        let interface = self.interfaces.entry(interface.to_owned()).or_default();
        interface.listens = true;
        interface.address = Some((address, prefix));
        interface.gives = gives;
    }

    /// The addresses of this box, as they are now.
    pub(super) fn ours(&mut self, addresses: HashSet<Ipv4Addr>) {
        self.ours = addresses;
    }

    pub(super) fn closed(&mut self, interface: &str) {
        if let Some(interface) = self.interfaces.get_mut(interface) {
            interface.listens = false;
        }
    }

    pub(super) fn take(&mut self, name: &str, bytes: &[u8], now: Timestamp) -> Task {
        let Some(interface) = self.interfaces.get_mut(name) else {
            return Task::Nothing;
        };
        let ours = interface.address.map(|(address, _)| address);
        let heard = frame::parse(bytes);
        // Spanning tree speaks every two seconds, and would push everything else out.
        if !matches!(heard, Some(Heard::SpanningTree)) {
            interface.ring.push(now, bytes);
        }
        // What we said ourselves is kept for the capture, and is news to nobody: an answer through
        // a relay that stands in for us (RFC 5107) names the relay as its server.
        if frame::sender(bytes).is_some_and(|sender| self.ours.contains(&sender)) {
            return Task::Nothing;
        }
        match heard {
            None => Task::Nothing,
            Some(Heard::SpanningTree) => {
                interface.spanning_tree = Some(now);
                Task::Nothing
            }
            Some(Heard::Dot1x) => {
                interface.dot1x = Some(now);
                Task::Nothing
            }
            Some(Heard::LookedFor { mac, address }) => {
                let boots = self
                    .machines
                    .get(&mac)
                    .is_some_and(|place| lately(place, now));
                match boots && ours == Some(address) {
                    true => Task::Note(mac, Step::LookedForUs),
                    false => Task::Nothing,
                }
            }
            Some(Heard::FileAsked { mac, to }) => match ours == Some(to) {
                true => Task::Expect(mac, 69),
                false => Task::Nothing,
            },
            // Another Reprise's.
            Some(Heard::Asked { request, .. }) if is_scout(&request) => Task::Nothing,
            Some(Heard::Asked { port, to, request }) => {
                interface.heard = Some(now);
                let boots = decide::client(&request) != Client::NotBooting;
                let mac = request.mac;
                // A machine behind a relay is not on this wire.
                let place = self.place(mac, name, now);
                match boots {
                    true => place.boots = Some(now),
                    false => place.system = Some(now),
                }
                let for_us = to.is_broadcast() || ours == Some(to);
                let expected = boots
                    && for_us
                    && match port {
                        67 => request.message == MessageType::Discover,
                        _ => matches!(
                            request.message,
                            MessageType::Discover | MessageType::Request | MessageType::Inform
                        ),
                    };
                match expected {
                    true => Task::Expect(mac, port),
                    false => Task::Nothing,
                }
            }
            Some(Heard::Answered(reply)) => {
                let of_this_box = ours == Some(reply.server) || self.ours.contains(&reply.server);
                if of_this_box || reply.is_handed_on() {
                    return Task::Nothing;
                }
                interface.servers.heard(&reply, now);
                let boots = self.machines.get(&reply.mac);
                match boots.is_some_and(|place| lately(place, now)) {
                    true => Task::Note(reply.mac, step(reply)),
                    false => Task::Nothing,
                }
            }
        }
    }

    fn place(&mut self, mac: Mac, interface: &str, now: Timestamp) -> &mut Place {
        if !self.machines.contains_key(&mac) && self.machines.len() >= MOST_MACHINES {
            let mut by_time: Vec<_> = self.machines.iter().map(|(m, p)| (p.last, *m)).collect();
            by_time.sort_unstable();
            for (_, quietest) in by_time.iter().take(MAKE_ROOM) {
                self.machines.remove(quietest);
            }
        }
        let place = self.machines.entry(mac).or_insert_with(|| Place {
            interface: interface.to_owned(),
            last: now,
            boots: None,
            system: None,
        });
        place.last = now;
        if place.interface != interface {
            place.interface = interface.to_owned();
        }
        place
    }

    /// The network where one of these cards was heard last; otherwise the first that is served.
    pub(super) fn seen(&self, macs: &[Mac], now: Timestamp) -> Seen {
        let places = || macs.iter().filter_map(|mac| self.machines.get(mac));
        let place = places().max_by_key(|place| place.last);
        let found = match place {
            Some(place) => self.interfaces.get_key_value(&place.interface),
            None => self.interfaces.iter().next(),
        };
        let Some((name, interface)) = found else {
            return Seen::default();
        };
        let within = |at: Option<Timestamp>, time| at.is_some_and(|at| now.since(at) < time);
        Seen {
            interface: Some(name.clone()),
            address: interface.address,
            listens: interface.listens,
            gives: interface.gives,
            heard_somebody: within(interface.heard, HEARD_LATELY),
            spanning_tree: within(interface.spanning_tree, LATELY),
            dot1x: within(interface.dot1x, LATELY),
            system_heard: places().any(|place| within(place.system, HEARD_LATELY)),
        }
    }

    pub(super) fn findings(&self, interface: &str, now: Timestamp) -> Vec<Finding> {
        self.interfaces
            .get(interface)
            .map(|interface| interface.servers.findings(interface.gives, now))
            .unwrap_or_default()
    }

    /// The packets of these machines on every interface, oldest first.
    pub(super) fn packets(&self, macs: &[Mac], since: Timestamp) -> Vec<(Timestamp, Vec<u8>)> {
        let rings = self.interfaces.values().map(|interface| &interface.ring);
        let mut packets: Vec<_> = rings.flat_map(|ring| ring.of(macs, since)).collect();
        packets.sort_by_key(|(at, _)| *at);
        packets
    }
}

fn lately(place: &Place, now: Timestamp) -> bool {
    place
        .boots
        .is_some_and(|at| now.since(at) < ANSWERED_WITHIN)
}

fn step(reply: Reply) -> Step {
    Step::Heard {
        server: reply.server,
        message: match reply.message {
            2 => Message::Offer,
            5 => Message::Ack,
            6 => Message::Nak,
            _ => Message::Other,
        },
        address: (!reply.address.is_unspecified()).then_some(reply.address),
        boots: reply.boots,
        file: reply.file,
        menu: reply.menu,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dhcp::packets;

    const US: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
    const PC: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];

    fn frame(source: [u8; 4], from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
        let len = u16::try_from(payload.len() + 8).unwrap().to_be_bytes();
        let mut frame = [&[0xff; 6], PC.as_slice(), &[8, 0]].concat();
        frame.extend([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0]);
        frame.extend(source);
        frame.extend([255; 4]);
        frame.extend(from.to_be_bytes());
        frame.extend(to.to_be_bytes());
        frame.extend(len);
        frame.extend([0, 0]);
        frame.extend(payload);
        frame
    }

    /// `server`: its option 54.
    fn offer(giaddr: [u8; 4], server: [u8; 4]) -> Vec<u8> {
        let mut packet = vec![0u8; 240];
        packet[..8].copy_from_slice(&[2, 1, 6, 0, 0, 0, 0, 9]);
        packet[16..20].copy_from_slice(&[10, 80, 0, 50]);
        packet[24..28].copy_from_slice(&giaddr);
        packet[28..34].copy_from_slice(&PC);
        packet[236..].copy_from_slice(&[99, 130, 83, 99]);
        packet.extend([53, 1, 2, 54, 4]);
        packet.extend(server);
        packet.push(255);
        packet
    }

    #[test]
    fn our_own_answers_are_no_other_server_s_whoever_they_name() {
        let none = [0; 4];
        let (us, second, relay) = (US.octets(), [10, 99, 0, 2], [10, 80, 0, 1]);
        let other = [10, 77, 0, 9];
        // (what, who sends it, its relay, its option 54, whether it is another server's)
        let table = [
            ("ours", us, none, us, false),
            (
                "ours to a relay that stands in for us",
                us,
                relay,
                relay,
                false,
            ),
            (
                "ours to a relay's other address",
                us,
                relay,
                [10, 80, 0, 254],
                false,
            ),
            ("ours from our second address", second, none, second, false),
            ("the relay hands it on", relay, relay, relay, false),
            (
                "the relay hands it on, and names us",
                relay,
                relay,
                us,
                false,
            ),
            (
                "a switch hands our second address's on",
                [0; 4],
                none,
                second,
                false,
            ),
            ("another server", other, none, other, true),
            ("another server by the relay", relay, relay, other, true),
        ];
        for (name, source, giaddr, server, another) in table {
            let now = Timestamp(1_000_000);
            let mut ether = Ether::default();
            ether.opened("srv0", US, 24, true);
            ether.ours([US, second.into()].into());
            let asked = frame(none, 68, 67, &packets::ovmf_discover());
            assert_eq!(ether.take("srv0", &asked, now), Task::Expect(Mac(PC), 67));
            let heard = ether.take("srv0", &frame(source, 67, 68, &offer(giaddr, server)), now);
            let noted = matches!(heard, Task::Note(_, Step::Heard { .. }));
            assert_eq!(noted, another, "{name}: {heard:?}");
            let found = ether.findings("srv0", now);
            assert_eq!(!found.is_empty(), another, "{name}: {found:?}");
            let kept = ether.packets(&[Mac(PC)], Timestamp(0)).len();
            assert_eq!(kept, 2, "{name}: the capture has both");
        }
    }

    #[test]
    fn a_question_of_this_box_is_no_machine_s() {
        let mut ether = Ether::default();
        ether.opened("srv0", US, 24, true);
        ether.ours([US].into());
        let asked = frame(US.octets(), 68, 67, &packets::ovmf_discover());
        assert_eq!(ether.take("srv0", &asked, Timestamp(0)), Task::Nothing);
        assert!(ether.machines.is_empty());
    }

    #[test]
    fn the_machines_silent_longest_make_room() {
        let mut ether = Ether::default();
        let mac = |number: usize| {
            let number = u16::try_from(number).unwrap().to_be_bytes();
            Mac([2, 0, 0, 0, number[0], number[1]])
        };
        for number in 0..MOST_MACHINES {
            ether.place(mac(number), "eth0", Timestamp(0));
        }
        // The first is heard again.
        ether.place(mac(0), "eth0", Timestamp(1));
        for number in 0..MAKE_ROOM {
            ether.place(mac(MOST_MACHINES + number), "eth0", Timestamp(2));
        }
        assert_eq!(ether.machines.len(), MOST_MACHINES);
        assert!(ether.machines.contains_key(&mac(0)));
        assert!((0..MAKE_ROOM).all(|n| ether.machines.contains_key(&mac(MOST_MACHINES + n))));
    }
}
