//! How much one address may have. Pure.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// A classroom behind one address, and a bench.
const MOST_EACH: usize = 128;
/// First packets and errors to an address that never answered: it may belong to a victim, in whose
/// name somebody asks.
const UNPROVEN: f64 = 256.0;
const UNPROVEN_PER_S: f64 = 8.0;
/// The first packet of a transfer, and its repetition.
const FIRST_PACKETS: f64 = 2.0;
const MOST_REMEMBERED: usize = 1024;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Granted,
    /// It has its share.
    TooMany,
    /// It gets nothing, not even an error.
    Quiet,
}

#[derive(Default)]
pub(super) struct Peers {
    known: HashMap<IpAddr, Peer>,
}

struct Peer {
    open: usize,
    left: f64,
    refilled: Instant,
}

impl Peers {
    /// A place for one more transfer, given back by [`Peers::release`].
    pub(super) fn admit(&mut self, address: IpAddr, now: Instant) -> Admission {
        if !self.take(address, FIRST_PACKETS, now) {
            return Admission::Quiet;
        }
        match self.known.get_mut(&address) {
            Some(peer) if peer.open < MOST_EACH => {
                peer.open += 1;
                Admission::Granted
            }
            _ => Admission::TooMany,
        }
    }

    pub(super) fn release(&mut self, address: IpAddr) {
        if let Some(peer) = self.known.get_mut(&address) {
            peer.open = peer.open.saturating_sub(1);
        }
    }

    /// How many places it has.
    pub(super) fn open(&self, address: IpAddr) -> usize {
        self.known.get(&address).map_or(0, |peer| peer.open)
    }

    /// It answered: whoever asks is there.
    pub(super) fn proved(&mut self, address: IpAddr) {
        if let Some(peer) = self.known.get_mut(&address) {
            peer.left = UNPROVEN;
        }
    }

    /// Whether one more packet may go to an address that may not have asked for it.
    pub(super) fn may_send(&mut self, address: IpAddr, now: Instant) -> bool {
        self.take(address, 1.0, now)
    }

    fn take(&mut self, address: IpAddr, packets: f64, now: Instant) -> bool {
        if !self.known.contains_key(&address) {
            self.make_room(now);
        }
        let peer = self.known.entry(address).or_insert(Peer {
            open: 0,
            left: UNPROVEN,
            refilled: now,
        });
        peer.refill(now);
        let may = peer.left >= packets;
        if may {
            peer.left -= packets;
        }
        may
    }

    fn make_room(&mut self, now: Instant) {
        if self.known.len() < MOST_REMEMBERED {
            return;
        }
        // All whose budget is full again; otherwise the one that was quiet longest.
        self.known.retain(|_, peer| {
            peer.refill(now);
            peer.open > 0 || peer.left < UNPROVEN
        });
        if self.known.len() >= MOST_REMEMBERED {
            let fullest = self
                .known
                .iter()
                .filter(|(_, peer)| peer.open == 0)
                .max_by(|(_, a), (_, b)| a.left.total_cmp(&b.left))
                .map(|(address, _)| *address);
            if let Some(address) = fullest {
                self.known.remove(&address);
            }
        }
    }
}

impl Peer {
    fn refill(&mut self, now: Instant) {
        let passed: Duration = now.saturating_duration_since(self.refilled);
        self.left = (self.left + passed.as_secs_f64() * UNPROVEN_PER_S).min(UNPROVEN);
        self.refilled = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + number))
    }

    #[test]
    fn an_address_that_never_answers_gets_little_and_one_that_does_its_share() {
        let start = Instant::now();
        let mut peers = Peers::default();
        let sent = (0..10_000)
            .filter(|_| peers.may_send(address(1), start))
            .count();
        assert_eq!(sent, 256);
        assert_eq!(peers.admit(address(1), start), Admission::Quiet);
        assert_eq!(peers.admit(address(2), start), Admission::Granted);
        let later = start + Duration::from_secs(2);
        let sent = (0..10_000)
            .filter(|_| peers.may_send(address(1), later))
            .count();
        assert_eq!(sent, 16);

        let mut peers = Peers::default();
        for _ in 0..MOST_EACH {
            assert_eq!(peers.admit(address(1), start), Admission::Granted);
            peers.proved(address(1));
        }
        assert_eq!(peers.admit(address(1), start), Admission::TooMany);
        peers.release(address(1));
        assert_eq!(peers.open(address(1)), MOST_EACH - 1);
        assert_eq!(peers.admit(address(1), start), Admission::Granted);
    }

    #[test]
    fn borrowed_addresses_without_end_take_no_memory_without_end() {
        let start = Instant::now();
        let mut peers = Peers::default();
        assert_eq!(peers.admit(address(0), start), Admission::Granted);
        for number in 1..20_000 {
            let now = start + Duration::from_micros(u64::from(number));
            peers.may_send(address(number), now);
            assert!(peers.known.len() <= MOST_REMEMBERED);
        }
        assert_eq!(peers.open(address(0)), 1, "who has a transfer stays");
    }
}
