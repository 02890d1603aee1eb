//! Which address is whose. Pure: times come in, records to be written come out.
//!
//! Offers live here only; what is bound, freed or set aside is a record, and is built again from
//! the records at a start.

use super::declined::{ASIDE_DECLINED, Declined};
use super::holder::Holder;
use super::record::Record;
use super::reserved::{Fixed, Reserved};
use super::unserved::Reach;
use crate::Mac;
use config::{Dhcp, Subnet};
use state::Timestamp;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::Ipv4Addr;
use std::time::Duration;

/// How long an offer waits for its answer; clients choose within ten seconds.
const OFFERED: Duration = Duration::from_secs(60);
/// An address where its holder and the network heard somebody, and one that only answered us.
pub(crate) const ASIDE: Duration = Duration::from_secs(24 * 3600);
pub(crate) const ASIDE_HEARD: Duration = Duration::from_secs(3600);
/// How long "nobody answered there" is believed.
pub(crate) const SILENT: Duration = Duration::from_secs(120);
/// Strangers get this when three quarters are gone: what a flood took comes back soon.
const SCARCE_LEASE: Duration = Duration::from_secs(15 * 60);
/// Addresses kept for the machines of the registry: one in ten, at most.
const MOST_ROOM: usize = 16;
/// An offer that a newcomer may take over when nothing else is free.
const OLD_OFFER: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    Bound,
    Aside,
}

#[derive(Clone, Debug)]
struct Entry {
    subnet: usize,
    state: State,
    /// Who has it, or had it last.
    holder: Option<Holder>,
    hostname: String,
    /// Bound or aside until then; free since then.
    until: Timestamp,
    offer: Option<Offer>,
    /// The card that answered there, while it is aside.
    user: Option<Mac>,
    /// When nobody answered there.
    silent: Option<Timestamp>,
    /// When its holder answered another card of the same machine that asked for it.
    answered: Option<Timestamp>,
}

#[derive(Clone, Debug)]
struct Offer {
    to: Holder,
    made: Timestamp,
}

/// The addresses of one subnet by what can be done with them.
#[derive(Debug, Default)]
struct Part {
    total: usize,
    /// May be offered, those never used first, then by when they became free.
    free: BTreeSet<(Timestamp, u32)>,
    /// Those of `free` where nobody answered lately.
    ready: BTreeSet<(Timestamp, u32)>,
    /// Bound or aside, by when that ends.
    due: BTreeSet<(Timestamp, u32)>,
    /// By when they were made.
    offers: BTreeSet<(Timestamp, u32)>,
}

/// What an address is to the client that asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has it, by the same card.
    Own,
    /// It was offered to it, after nobody answered there.
    Offered,
    /// Nobody has it; `silent` says that nobody answered there lately.
    Free { silent: bool },
    /// Of another client, reserved for one, or set aside.
    Others,
    /// Of the subnet, and none that is given.
    NotGiven,
    /// Of another network.
    Elsewhere,
}

/// An address for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) address: Ipv4Addr,
    /// The network has to be asked first whether somebody else uses it.
    pub(crate) probe: bool,
}

/// How full a subnet is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) total: usize,
    pub(crate) free: usize,
    pub(crate) offered: usize,
    /// Bound, or set aside.
    pub(crate) held: usize,
}

/// A lease as people look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) address: Ipv4Addr,
    /// The card that has it, or had it last; of one set aside, the card that answered there.
    pub(crate) user: Option<Mac>,
    pub(crate) hostname: String,
    /// `bound`, `aside` or `expired`.
    pub(crate) state: &'static str,
    pub(crate) until: Timestamp,
}

pub(crate) struct Pool {
    dhcp: Dhcp,
    parts: Vec<Part>,
    entries: HashMap<u32, Entry>,
    by_mac: HashMap<Mac, Vec<u32>>,
    by_id: HashMap<Vec<u8>, Vec<u32>>,
    offers: HashMap<(usize, Holder), u32>,
    reserved: Reserved,
    /// Never given: our own addresses, routers, name servers.
    taken: HashSet<u32>,
    /// Subnets on a wire of ours: whoever has an address there answers when it is asked for.
    near: HashSet<usize>,
    /// Subnets that somebody asked for, or has a lease of.
    heard: HashSet<usize>,
    /// The cards of machines that somebody knows.
    known: HashSet<Mac>,
    declined: Declined,
}

impl Pool {
    pub(crate) fn new(dhcp: Dhcp) -> Pool {
        let mut pool = Pool {
            parts: Vec::new(),
            entries: HashMap::new(),
            by_mac: HashMap::new(),
            by_id: HashMap::new(),
            offers: HashMap::new(),
            reserved: Reserved::new(&dhcp, &[]),
            taken: HashSet::new(),
            near: HashSet::new(),
            heard: HashSet::new(),
            known: HashSet::new(),
            declined: Declined::default(),
            dhcp: Dhcp::default(),
        };
        for subnet in &dhcp.subnets {
            let told = subnet.told.router.iter().chain(&subnet.told.dns);
            let told = told.chain(&subnet.told.ntp).map(|a| a.to_bits());
            pool.taken.extend(told);
            let mut part = Part::default();
            for (first, last) in &subnet.ranges {
                for address in first.to_bits()..=last.to_bits() {
                    let gives = subnet.gives(Ipv4Addr::from_bits(address));
                    let kept = pool.taken.contains(&address) || pool.reserved.is_kept(address);
                    if gives && !kept {
                        part.free.insert((NEVER, address));
                    }
                }
            }
            part.total = part.free.len();
            pool.parts.push(part);
        }
        pool.dhcp = dhcp;
        pool
    }

    pub(crate) fn dhcp(&self) -> &Dhcp {
        &self.dhcp
    }

    pub(crate) fn subnet(&self, rank: usize) -> Option<&Subnet> {
        self.dhcp.subnets.get(rank)
    }

    /// Somebody asks for an address of it.
    pub(crate) fn hear(&mut self, subnet: usize) {
        self.heard.insert(subnet);
    }

    pub(crate) fn reach(&self, subnet: usize) -> Reach {
        Reach {
            near: self.near.contains(&subnet),
            heard: self.heard.contains(&subnet),
        }
    }

    /// The host name that a reservation gives.
    pub(crate) fn name_of(&self, mac: Mac) -> Option<&str> {
        self.reserved.name_of(mac)
    }

    /// An address of this box.
    pub(crate) fn ours(&mut self, address: Ipv4Addr) {
        self.taken.insert(address.to_bits());
        self.near.extend(self.dhcp.subnet_of(address));
        for part in &mut self.parts {
            part.free.retain(|(_, found)| *found != address.to_bits());
            part.ready.retain(|(_, found)| *found != address.to_bits());
        }
    }

    /// The cards of the registry's machines.
    pub(crate) fn known(&mut self, cards: impl IntoIterator<Item = Mac>) {
        self.known = cards.into_iter().collect();
    }

    fn knows(&self, mac: Mac) -> bool {
        self.known.contains(&mac) || self.reserved.cards().contains(&mac)
    }

    /// The addresses that machines of the registry are to have, all of them. Who has one of another machine keeps it
    /// until it asks again.
    pub(crate) fn reserve(&mut self, fixed: &[Fixed]) {
        let reserved = Reserved::new(&self.dhcp, fixed);
        if reserved == self.reserved {
            return;
        }
        let before = std::mem::replace(&mut self.reserved, reserved);
        let touched: BTreeSet<u32> = before
            .addresses()
            .chain(self.reserved.addresses())
            .collect();
        for address in touched {
            let Some(rank) = self.dhcp.subnet_of(Ipv4Addr::from_bits(address)) else {
                continue;
            };
            // What was promised to somebody else is taken back.
            let promised = self.entries.get(&address).and_then(|e| e.offer.as_ref());
            if promised.is_some_and(|offer| !self.may_have(address, offer.to.mac)) {
                self.withdraw(address);
            }
            let (was, is) = (before.is_kept(address), self.reserved.is_kept(address));
            let ranges = self.subnet(rank);
            let given = ranges.is_some_and(|s| s.gives(Ipv4Addr::from_bits(address)));
            if was == is || !given || self.taken.contains(&address) {
                continue;
            }
            let entry = self.entries.get(&address);
            let key = (entry.map_or(NEVER, |e| e.until), address);
            let open = entry.is_none_or(|e| e.state == State::Free && e.offer.is_none());
            let part = &mut self.parts[rank];
            if is {
                part.total = part.total.saturating_sub(1);
                part.free.remove(&key);
                part.ready.remove(&key);
            } else {
                part.total += 1;
                if open {
                    part.free.insert(key);
                }
            }
        }
    }

    /// It is kept for nobody, or for this card.
    fn may_have(&self, address: u32, mac: Mac) -> bool {
        !self.reserved.is_kept(address) || self.reserved.is_for(address, mac)
    }

    /// Builds up what was written; in the order of writing.
    pub(crate) fn restore(&mut self, record: Record) {
        match record {
            Record::Bound {
                address,
                holder,
                hostname,
                until,
                ..
            } => {
                if let Some(subnet) = self.dhcp.subnet_of(address) {
                    self.heard.insert(subnet);
                    self.become_bound(subnet, address.to_bits(), holder, hostname, until);
                }
            }
            Record::Freed { address, at } => self.set(address.to_bits(), State::Free, at),
            Record::Aside {
                address,
                until,
                user,
                ..
            } => {
                if let Some(subnet) = self.dhcp.subnet_of(address) {
                    self.entry(subnet, address.to_bits()).user = user;
                    self.set(address.to_bits(), State::Aside, until);
                }
            }
        }
    }

    /// The clock may have been set while nothing ran: who was bound when the book was last written
    /// stays so for a whole lease more.
    pub(crate) fn distrust(&mut self, written: Timestamp, now: Timestamp) {
        let late: Vec<(u32, usize)> = self
            .entries
            .iter()
            .filter(|(_, e)| e.state == State::Bound && e.until > written && e.until < now)
            .map(|(address, e)| (*address, e.subnet))
            .collect();
        for (address, subnet) in late {
            let lease = self.subnet(subnet).map_or(OFFERED, |s| s.lease);
            self.set(address, State::Bound, now + lease);
        }
    }

    /// One record for each address that has something to remember.
    pub(crate) fn records(&self, now: Timestamp) -> Vec<Record> {
        let mut records = Vec::new();
        for (address, entry) in &self.entries {
            let address = Ipv4Addr::from_bits(*address);
            if let Some(holder) = &entry.holder {
                records.push(Record::Bound {
                    address,
                    holder: holder.clone(),
                    hostname: entry.hostname.clone(),
                    at: now,
                    until: entry.until,
                });
            }
            match entry.state {
                State::Aside => records.push(Record::Aside {
                    address,
                    at: now,
                    until: entry.until,
                    user: entry.user,
                }),
                State::Free if entry.holder.is_some() => records.push(Record::Freed {
                    address,
                    at: entry.until,
                }),
                _ => {}
            }
        }
        records
    }

    /// Ends what is over. Called before every question.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        for rank in 0..self.parts.len() {
            while let Some((until, address)) = self.parts[rank].due.first().copied() {
                if until > now {
                    break;
                }
                self.set(address, State::Free, until);
            }
            while let Some((made, address)) = self.parts[rank].offers.first().copied() {
                if now.since(made) < OFFERED {
                    break;
                }
                self.withdraw(address);
            }
        }
    }

    /// What `address` is to `holder`, in the subnet it is in now.
    pub(crate) fn standing(
        &self,
        subnet: usize,
        holder: &Holder,
        address: Ipv4Addr,
        now: Timestamp,
    ) -> Standing {
        let place = self.subnet(subnet);
        if !place.is_some_and(|subnet| subnet.is_of_a_host(address)) {
            return Standing::Elsewhere;
        }
        let bits = address.to_bits();
        if self.taken.contains(&bits) {
            return Standing::NotGiven;
        }
        let kept = self.reserved.is_kept(bits);
        if !self.may_have(bits, holder.mac) {
            return Standing::Others;
        }
        // It is to move to the address reserved for it, as soon as nobody else is there.
        if !kept
            && let Some(mine) = self.reserved.of(subnet, holder.mac)
            && self.is_open(mine, holder)
        {
            return Standing::Others;
        }
        if !kept && !place.is_some_and(|subnet| subnet.gives(address)) {
            return Standing::NotGiven;
        }
        let Some(entry) = self.entries.get(&bits) else {
            return Standing::Free { silent: false };
        };
        let silent = entry.silent.is_some_and(|at| now.since(at) < SILENT);
        let offered = match &entry.offer {
            Some(offer) if offer.to.is(holder) && silent => Standing::Offered,
            Some(offer) if !offer.to.is(holder) => Standing::Others,
            _ => Standing::Free { silent },
        };
        match entry.state {
            State::Free => offered,
            // It uses it already: it had it from here once, or before there was a book.
            State::Aside if entry.user == Some(holder.mac) => offered,
            State::Aside => Standing::Others,
            State::Bound if entry.holder.as_ref().is_some_and(|h| h.is(holder)) => Standing::Own,
            State::Bound if self.may_follow(subnet, bits, holder, now) => offered,
            State::Bound => Standing::Others,
        }
    }

    /// Another card of its machine has it, and may have been unplugged: the network knows.
    fn may_follow(&self, subnet: usize, address: u32, holder: &Holder, now: Timestamp) -> bool {
        let Some(entry) = self.entries.get(&address) else {
            return false;
        };
        let sister = entry.holder.as_ref().is_some_and(|h| {
            h.mac != holder.mac
                && self.reserved.is_for(address, h.mac)
                && self.reserved.is_for(address, holder.mac)
        });
        let answered = entry.answered.is_some_and(|at| now.since(at) < SILENT);
        entry.state == State::Bound && sister && !answered && self.near.contains(&subnet)
    }

    /// Whoever answered there, by the card `mac` if that is known, is its holder, which was asked for another card of
    /// the same machine. False: it is somebody else.
    pub(crate) fn answered(&mut self, address: Ipv4Addr, mac: Option<Mac>, now: Timestamp) -> bool {
        let Some(entry) = self.entries.get_mut(&address.to_bits()) else {
            return false;
        };
        let holds = |card: Mac| entry.holder.as_ref().is_some_and(|h| h.mac == card);
        if entry.state != State::Bound || !mac.is_some_and(holds) {
            return false;
        }
        entry.answered = Some(now);
        self.withdraw(address.to_bits());
        true
    }

    /// Nobody but `holder` has it.
    fn is_open(&self, address: u32, holder: &Holder) -> bool {
        if self.taken.contains(&address) {
            return false;
        }
        let Some(entry) = self.entries.get(&address) else {
            return true;
        };
        match entry.state {
            State::Aside => entry.user == Some(holder.mac),
            State::Bound => entry.holder.as_ref().is_some_and(|h| h.is(holder)),
            // What was offered to another card of its machine was offered to it.
            State::Free => entry.offer.as_ref().is_none_or(|o| {
                let sister = self.reserved.is_for(address, o.to.mac)
                    && self.reserved.is_for(address, holder.mac);
                o.to.is(holder) || sister
            }),
        }
    }

    /// The best address for `holder`, kept for it for a while. `None`: there is none left for it.
    pub(crate) fn offer(
        &mut self,
        subnet: usize,
        holder: &Holder,
        wish: Option<Ipv4Addr>,
        now: Timestamp,
    ) -> Option<Candidate> {
        let address = self.choose(subnet, holder, wish, now)?;
        let before = self.entries.get(&address);
        // What it has by the same card needs no question; neither do we ask twice.
        let own = before.is_some_and(|e| {
            e.state == State::Bound && e.holder.as_ref().is_some_and(|h| h.is(holder))
        });
        // Asked for nobody, or for it: another card's own answer did not count.
        let silent = before
            .filter(|e| e.offer.as_ref().is_none_or(|o| o.to.is(holder)))
            .and_then(|e| e.silent)
            .is_some_and(|at| now.since(at) < SILENT);
        if !own {
            self.keep_for(subnet, address, holder, now);
        }
        Some(Candidate {
            address: Ipv4Addr::from_bits(address),
            probe: !own && !silent,
        })
    }

    fn choose(
        &mut self,
        subnet: usize,
        holder: &Holder,
        wish: Option<Ipv4Addr>,
        now: Timestamp,
    ) -> Option<u32> {
        if let Some(mine) = self.reserved.of(subnet, holder.mac)
            && (self.is_open(mine, holder) || self.may_follow(subnet, mine, holder, now))
        {
            return Some(mine);
        }
        // Unless it became another machine's meanwhile.
        if let Some(offered) = self.offers.get(&(subnet, holder.clone())).copied()
            && !matches!(
                self.standing(subnet, holder, Ipv4Addr::from_bits(offered), now),
                Standing::Others | Standing::NotGiven | Standing::Elsewhere
            )
        {
            return Some(offered);
        }
        if let Some(former) = self.former(subnet, holder, now) {
            return Some(former);
        }
        let known = self.knows(holder.mac);
        if let Some(wish) = wish.map(Ipv4Addr::to_bits)
            && matches!(
                self.standing(subnet, holder, Ipv4Addr::from_bits(wish), now),
                Standing::Free { .. }
            )
            && (known || self.is_for_strangers(subnet, wish))
        {
            return Some(wish);
        }
        self.next_free(subnet, known, now)
            .or_else(|| self.oldest_offer(subnet, now))
            .or_else(|| known.then(|| self.oldest_aside(subnet)).flatten())
    }

    /// What it had, or a machine of its name had that is not there any more (the network says so).
    fn former(&self, subnet: usize, holder: &Holder, now: Timestamp) -> Option<u32> {
        let usable = |address: &&u32| {
            let address = Ipv4Addr::from_bits(**address);
            matches!(
                self.standing(subnet, holder, address, now),
                Standing::Own | Standing::Free { .. }
            )
        };
        let by_card = self.by_mac.get(&holder.mac).into_iter().flatten();
        let mine = by_card
            .filter(|a| {
                let entry = self.entries.get(a);
                entry
                    .and_then(|e| e.holder.as_ref())
                    .is_some_and(|h| h.is(holder))
            })
            .filter(usable)
            .max_by_key(|a| {
                self.entries
                    .get(a)
                    .map(|e| (e.state == State::Bound, e.until))
            });
        if mine.is_some() {
            return mine.copied();
        }
        let by_id = self.by_id.get(&holder.id).into_iter().flatten();
        by_id.filter(usable).max().copied()
    }

    fn next_free(&mut self, subnet: usize, known: bool, now: Timestamp) -> Option<u32> {
        let room = self.room(subnet);
        let part = self.parts.get(subnet)?;
        if !known && part.free.len() <= room {
            return None;
        }
        // Those that were asked about longest ago first; old answers do not count.
        while let Some(first) = self.parts[subnet].ready.first().copied() {
            let silent = self.entries.get(&first.1).and_then(|e| e.silent);
            if silent.is_some_and(|at| now.since(at) < SILENT) {
                if known || self.is_for_strangers(subnet, first.1) {
                    return Some(first.1);
                }
                break;
            }
            self.parts[subnet].ready.remove(&first);
        }
        let free = self.parts[subnet].free.iter().map(|(_, address)| *address);
        free.take(4096)
            .find(|address| known || self.is_for_strangers(subnet, *address))
    }

    /// Not the last place, and not one that a known machine comes back to.
    fn is_for_strangers(&self, subnet: usize, address: u32) -> bool {
        let crowded = self
            .parts
            .get(subnet)
            .is_none_or(|part| part.free.len() <= self.room(subnet));
        let holder = self.entries.get(&address).and_then(|e| e.holder.as_ref());
        !crowded && !holder.is_some_and(|holder| self.knows(holder.mac))
    }

    fn room(&self, subnet: usize) -> usize {
        let total = self.parts.get(subnet).map_or(0, |part| part.total);
        match self.known.is_empty() && self.reserved.cards().is_empty() {
            true => 0,
            false => (total / 10).min(MOST_ROOM),
        }
    }

    /// A flood of questions that nobody means to follow up takes its own offers over.
    fn oldest_offer(&mut self, subnet: usize, now: Timestamp) -> Option<u32> {
        let offers = &self.parts.get(subnet)?.offers;
        let (_, address) = offers
            .iter()
            .take(256)
            .take_while(|(made, _)| now.since(*made) >= OLD_OFFER)
            .find(|(_, address)| {
                let entry = self.entries.get(address);
                let to = entry.and_then(|e| e.offer.as_ref()).map(|o| o.to.mac);
                to.is_some_and(|mac| !self.knows(mac)) && !self.reserved.is_kept(*address)
            })
            .copied()?;
        self.withdraw(address);
        Some(address)
    }

    fn oldest_aside(&mut self, subnet: usize) -> Option<u32> {
        let due = &self.parts.get(subnet)?.due;
        let (_, address) = due
            .iter()
            .find(|(_, a)| {
                let aside = self.entries.get(a).is_some_and(|e| e.state == State::Aside);
                aside && !self.reserved.is_kept(*a)
            })
            .copied()?;
        self.set(address, State::Free, NEVER);
        Some(address)
    }

    /// Nobody else is offered it while the network is asked.
    pub(crate) fn keep(
        &mut self,
        subnet: usize,
        address: Ipv4Addr,
        holder: &Holder,
        now: Timestamp,
    ) {
        self.keep_for(subnet, address.to_bits(), holder, now);
    }

    fn keep_for(&mut self, subnet: usize, address: u32, holder: &Holder, now: Timestamp) {
        if let Some(before) = self.offers.get(&(subnet, holder.clone())).copied()
            && before != address
        {
            self.withdraw(before);
        }
        // Asked for nobody, or for it.
        let heard = self.entries.get(&address).and_then(|entry| {
            let its = entry.offer.as_ref().is_none_or(|o| o.to.is(holder));
            entry.silent.filter(|_| its)
        });
        self.withdraw(address);
        let entry = self.entry(subnet, address);
        entry.silent = heard;
        let key = (entry.until, address);
        let bound = entry.state == State::Bound;
        entry.offer = Some(Offer {
            to: holder.clone(),
            made: now,
        });
        self.offers.insert((subnet, holder.clone()), address);
        let part = &mut self.parts[subnet];
        part.offers.insert((now, address));
        if !bound {
            part.free.remove(&key);
            part.ready.remove(&key);
        }
    }

    /// The offer is over; the address is what it was before.
    pub(crate) fn withdraw(&mut self, address: u32) {
        let Some(entry) = self.entries.get_mut(&address) else {
            return;
        };
        let Some(offer) = entry.offer.take() else {
            return;
        };
        // The network was asked for that machine, whose own answer does not count: it may be there itself, with an
        // address that the book has lost.
        entry.silent = None;
        let (subnet, state, until) = (entry.subnet, entry.state, entry.until);
        self.offers.remove(&(subnet, offer.to));
        self.parts[subnet].offers.remove(&(offer.made, address));
        if state == State::Free {
            self.make_free(subnet, address, until);
        }
    }

    /// It chose another server's offer.
    pub(crate) fn declined_offer(&mut self, subnet: usize, holder: &Holder) {
        if let Some(address) = self.offers.get(&(subnet, holder.clone())).copied() {
            self.withdraw(address);
        }
    }

    /// The address is `holder`'s; the caller answers when the record is durable.
    pub(crate) fn bind(
        &mut self,
        subnet: usize,
        address: Ipv4Addr,
        holder: &Holder,
        hostname: &str,
        lease: Duration,
        now: Timestamp,
    ) -> Record {
        let bits = address.to_bits();
        let before = self.entries.get(&bits);
        let mine = before
            .and_then(|e| e.holder.as_ref())
            .filter(|h| h.is(holder));
        // The system's identifier is not forgotten when its firmware asks without one.
        let holder = match mine {
            Some(before) if holder.id.is_empty() => before.clone(),
            _ => holder.clone(),
        };
        let hostname = match (hostname, before) {
            ("", Some(before)) if mine.is_some() => before.hostname.clone(),
            (said, _) => said.to_owned(),
        };
        let until = now + lease;
        self.become_bound(subnet, bits, holder.clone(), hostname.clone(), until);
        Record::Bound {
            address,
            holder,
            hostname,
            at: now,
            until,
        }
    }

    /// How long a lease is given: less to strangers when addresses are scarce.
    pub(crate) fn lease(&self, subnet: usize, holder: &Holder, wanted: Duration) -> Duration {
        let load = self.load(subnet);
        let scarce = load.free + load.offered < load.total / 4;
        match scarce && !self.knows(holder.mac) {
            true => wanted.min(SCARCE_LEASE),
            false => wanted,
        }
    }

    /// `None`: it is not `holder`'s to give back.
    pub(crate) fn release(
        &mut self,
        address: Ipv4Addr,
        holder: &Holder,
        now: Timestamp,
    ) -> Option<Record> {
        let entry = self.entries.get(&address.to_bits())?;
        let theirs =
            entry.state == State::Bound && entry.holder.as_ref().is_some_and(|h| h.is(holder));
        theirs.then(|| self.free(address, now)).flatten()
    }

    /// Another card of `holder`'s machine has it, and does not answer: its lease ends here.
    pub(crate) fn relieve(
        &mut self,
        address: Ipv4Addr,
        holder: &Holder,
        now: Timestamp,
    ) -> Option<Record> {
        let entry = self.entries.get(&address.to_bits())?;
        let theirs = entry.state == State::Bound
            && entry.holder.as_ref().is_some_and(|h| h.mac != holder.mac);
        theirs.then(|| self.free(address, now)).flatten()
    }

    /// It is told to leave what became another machine's. `None`: that is not so.
    pub(crate) fn leave(
        &mut self,
        address: Ipv4Addr,
        holder: &Holder,
        now: Timestamp,
    ) -> Option<Record> {
        match self.may_have(address.to_bits(), holder.mac) {
            true => None,
            false => self.release(address, holder, now),
        }
    }

    /// Whoever has it. `None`: nobody has, and nothing keeps it from being given.
    pub(crate) fn free(&mut self, address: Ipv4Addr, now: Timestamp) -> Option<Record> {
        let entry = self.entries.get(&address.to_bits())?;
        if entry.state == State::Free {
            return None;
        }
        self.set(address.to_bits(), State::Free, now);
        Some(Record::Freed { address, at: now })
    }

    /// Its holder says that somebody is there: it is nobody's for minutes, until the network has
    /// answered ([`Pool::is_in_use`]); free when too many were declined. `None`: it was not its to
    /// say so; what was only offered never is, as nobody asks for it before it is bound.
    pub(crate) fn decline(
        &mut self,
        address: Ipv4Addr,
        holder: &Holder,
        now: Timestamp,
    ) -> Option<Record> {
        let bits = address.to_bits();
        let entry = self.entries.get(&bits)?;
        let subnet = entry.subnet;
        let bound =
            entry.state == State::Bound && entry.holder.as_ref().is_some_and(|h| h.is(holder));
        if !bound {
            return None;
        }
        let total = self.parts.get(subnet).map_or(0, |part| part.total);
        match self.declined.believe(subnet, total, bits, holder.mac, now) {
            true => Some(self.set_aside(address, None, ASIDE_DECLINED, now)),
            false => self.free(address, now),
        }
    }

    /// The network says so too, of an address that was declined. `None`: it was given meanwhile.
    pub(crate) fn is_in_use(
        &mut self,
        address: Ipv4Addr,
        user: Option<Mac>,
        now: Timestamp,
    ) -> Option<Record> {
        let entry = self.entries.get(&address.to_bits())?;
        if entry.state == State::Bound {
            return None;
        }
        self.declined.is_confirmed(address.to_bits());
        Some(self.set_aside(address, user, ASIDE, now))
    }

    /// Somebody who did not get it here uses it.
    pub(crate) fn set_aside(
        &mut self,
        address: Ipv4Addr,
        user: Option<Mac>,
        lasts: Duration,
        now: Timestamp,
    ) -> Record {
        let until = now + lasts;
        if let Some(subnet) = self.dhcp.subnet_of(address) {
            self.entry(subnet, address.to_bits()).user = user;
        }
        self.set(address.to_bits(), State::Aside, until);
        Record::Aside {
            address,
            at: now,
            until,
            user,
        }
    }

    /// Nobody answered there.
    pub(crate) fn silent(&mut self, address: Ipv4Addr, now: Timestamp) {
        let Some(subnet) = self.dhcp.subnet_of(address) else {
            return;
        };
        let bits = address.to_bits();
        let entry = self.entry(subnet, bits);
        entry.silent = Some(now);
        let key = (entry.until, bits);
        let part = &mut self.parts[subnet];
        if part.free.contains(&key) {
            part.ready.insert(key);
        }
    }

    /// The next addresses to ask about, so that `stock` of them can be offered without waiting.
    pub(crate) fn to_probe(&self, subnet: usize, stock: usize, now: Timestamp) -> Vec<Ipv4Addr> {
        let Some(part) = self.parts.get(subnet) else {
            return Vec::new();
        };
        let next = part.free.iter().map(|(_, address)| *address).take(stock);
        next.filter(|address| !self.is_fresh(*address, now))
            .map(Ipv4Addr::from_bits)
            .collect()
    }

    /// Asked again before the answer is too old to be believed.
    fn is_fresh(&self, address: u32, now: Timestamp) -> bool {
        let silent = self.entries.get(&address).and_then(|e| e.silent);
        silent.is_some_and(|at| now.since(at) < SILENT * 3 / 4)
    }

    /// Still free, and not asked about lately.
    pub(crate) fn lacks_answer(&self, subnet: usize, address: Ipv4Addr, now: Timestamp) -> bool {
        let bits = address.to_bits();
        let since = self.entries.get(&bits).map_or(NEVER, |e| e.until);
        let part = self.parts.get(subnet);
        part.is_some_and(|part| part.free.contains(&(since, bits))) && !self.is_fresh(bits, now)
    }

    /// Whoever answers there, by `card` if that is known, may do so: it got the address while the
    /// network was asked.
    pub(crate) fn got_here(&self, address: Ipv4Addr, card: Option<Mac>) -> bool {
        let Some(entry) = self.entries.get(&address.to_bits()) else {
            return false;
        };
        let offered = entry.offer.as_ref().map(|offer| offer.to.mac);
        entry.state == State::Bound || (card.is_some() && offered == card)
    }

    pub(crate) fn load(&self, subnet: usize) -> Load {
        let Some(part) = self.parts.get(subnet) else {
            return Load::default();
        };
        Load {
            total: part.total,
            free: part.free.len(),
            offered: part.offers.len(),
            held: part.due.len(),
        }
    }

    /// Every address with a story, in their order.
    pub(crate) fn held(&self) -> Vec<Held> {
        let mut held: Vec<Held> = self
            .entries
            .iter()
            .filter(|(_, e)| e.holder.is_some() || e.state == State::Aside)
            .map(|(address, entry)| Held {
                address: Ipv4Addr::from_bits(*address),
                user: match entry.state {
                    State::Aside => entry.user,
                    _ => entry.holder.as_ref().map(|holder| holder.mac),
                },
                hostname: entry.hostname.clone(),
                state: match entry.state {
                    State::Bound => "bound",
                    State::Aside => "aside",
                    State::Free => "expired",
                },
                until: entry.until,
            })
            .collect();
        held.sort_by_key(|held| held.address);
        held
    }

    fn entry(&mut self, subnet: usize, address: u32) -> &mut Entry {
        self.entries.entry(address).or_insert(Entry {
            subnet,
            state: State::Free,
            holder: None,
            hostname: String::new(),
            until: NEVER,
            offer: None,
            user: None,
            silent: None,
            answered: None,
        })
    }

    fn become_bound(
        &mut self,
        subnet: usize,
        address: u32,
        holder: Holder,
        hostname: String,
        until: Timestamp,
    ) {
        self.forget(address);
        let entry = self.entry(subnet, address);
        entry.holder = Some(holder.clone());
        entry.hostname = hostname;
        self.by_mac.entry(holder.mac).or_default().push(address);
        if !holder.id.is_empty() {
            self.by_id.entry(holder.id).or_default().push(address);
        }
        self.set(address, State::Bound, until);
    }

    /// Its holder is not who had it any more.
    fn forget(&mut self, address: u32) {
        let Some(holder) = self.entries.get_mut(&address).and_then(|e| e.holder.take()) else {
            return;
        };
        if let Some(list) = self.by_mac.get_mut(&holder.mac) {
            list.retain(|found| *found != address);
            if list.is_empty() {
                self.by_mac.remove(&holder.mac);
            }
        }
        if let Some(list) = self.by_id.get_mut(&holder.id) {
            list.retain(|found| *found != address);
            if list.is_empty() {
                self.by_id.remove(&holder.id);
            }
        }
    }

    /// The one place where an address changes its state.
    fn set(&mut self, address: u32, state: State, until: Timestamp) {
        self.withdraw(address);
        let Some(entry) = self.entries.get_mut(&address) else {
            return;
        };
        let (subnet, before) = (entry.subnet, (entry.until, address));
        entry.state = state;
        entry.until = until;
        // Whoever used it may have left it to somebody: it is asked about again.
        entry.silent = None;
        entry.answered = None;
        let part = &mut self.parts[subnet];
        part.free.remove(&before);
        part.ready.remove(&before);
        part.due.remove(&before);
        match state {
            State::Free => self.make_free(subnet, address, until),
            State::Bound | State::Aside => {
                part.due.insert((until, address));
            }
        }
    }

    fn make_free(&mut self, subnet: usize, address: u32, since: Timestamp) {
        let kept = self.taken.contains(&address) || self.reserved.is_kept(address);
        let given = self
            .subnet(subnet)
            .is_some_and(|s| s.gives(Ipv4Addr::from_bits(address)));
        if given && !kept {
            self.parts[subnet].free.insert((since, address));
        }
    }
}

/// Before every time: an address that nobody had.
const NEVER: Timestamp = Timestamp(i64::MIN);

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
