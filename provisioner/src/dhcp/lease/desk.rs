//! One interface on which this box gives addresses: receive, gather, decide, write down, send.

use super::decide::{self, Act, Facts, decide};
use super::holder::Holder;
use super::leases::{Book, Damage};
use super::options::{options, wanted};
use super::pool::Pool;
use super::probe::{self, Heard, Prober};
use super::records;
use super::writer::{Job, Parting};
use crate::Mac;
use crate::dhcp::Port;
use crate::dhcp::reply::{self, Kind, Terms};
use crate::dhcp::request::{self, Request};
use crate::dhcp::server::{self, Boots};
use crate::dhcp::socket::{Route, Socket};
use crate::flight::{self, Step};
use crate::interface::{EVERY, Served};
use crate::rate::Bucket;
use crate::trouble::Trouble;
use state::Timestamp;
use state::journal;
use state::wire::Fact;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Requests that wait for the network's answer; more are dropped, their clients ask again.
const WAITING: usize = 4096;
/// Addresses tried for one request, when somebody uses them.
const TRIES: usize = 4;
const EVENTS: usize = 64;
/// A backlog is not answered in one go: the answers would overflow the socket of whoever receives
/// them, a relay's holds some 160, and the other work of the interface is to have its turn.
const IN_A_ROW: usize = 32;
const BREATH: Duration = Duration::from_micros(50);
/// Facts about addresses in use: a network full of them is told by its first ones.
const FACTS_PER_S: f64 = 0.05;
const FACTS_AT_ONCE: f64 = 20.0;
/// Nobody gets an address before the registry answered, or this passed.
const REGISTRY_AT_START: Duration = Duration::from_secs(10);
/// How often fixed addresses are read, and it is looked whether addresses run out; and after how many of these times
/// the cards of the registry are read.
const LOOK_EVERY: Duration = Duration::from_secs(2);
const REGISTRY_EVERY: u32 = 15;

/// What the journal of the house is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Somebody uses an address without having got it here.
    InUse { address: Ipv4Addr, mac: Option<Mac> },
    /// A machine found the address it was given in use.
    Declined {
        address: Ipv4Addr,
        by: Mac,
        mac: Option<Mac>,
    },
}

/// Serves until the socket fails; the caller opens another.
pub(crate) async fn serve(
    served: &Served,
    socket: Socket,
    saw: &mpsc::Sender<Mac>,
    stop: &CancellationToken,
) -> io::Error {
    let boot = &served.boot;
    let object = format!("leases for {}", served.interface);
    let mut closed = Trouble::of(&boot.db, &boot.clock, object).await;
    let book = loop {
        let leases = boot.leases.clone();
        let opened = tokio::task::spawn_blocking(move || leases.book()).await;
        match opened {
            Ok(Ok(book)) => break book,
            Ok(Err(error)) => {
                let sentence = format!("no address is given: failed to {error}");
                closed.begins(&sentence).await;
            }
            Err(crash) => return io::Error::other(crash),
        }
        tokio::time::sleep(EVERY).await;
    };
    // Before the first request: nobody gets what is kept for a machine of the registry. A database that hangs keeps
    // the others from nothing all the same: it is read again every other second.
    match tokio::time::timeout(REGISTRY_AT_START, records::fixed(&boot.db)).await {
        Ok(Ok(fixed)) => book.pool().reserve(&fixed),
        Ok(Err(error)) => tracing::error!(%error, "failed to read the fixed addresses of hosts"),
        Err(_) => tracing::error!(
            "the registry does not say which addresses are kept for hosts; look at the disk or the database server of the appliance"
        ),
    }
    closed.over().await;
    let here = {
        let mut pool = book.pool();
        pool.ours(served.address);
        pool.dhcp().subnet_of(served.address)
    };
    if here.is_none() {
        closed
            .begins(&format!(
                "interface {} has the address {}, which no [[dhcp_subnet]] holds: machines on its own wire get none; add a subnet, or correct the address",
                served.interface, served.address
            ))
            .await;
    }
    if let Some(damage) = book.damage() {
        tell_damage(served, damage).await;
    }
    let (events, told) = mpsc::channel(EVENTS);
    let (prober, mut questions) = probe::channel();
    let place = probe::Place {
        interface: served.interface.clone(),
        server: served.address,
        here,
        book: Arc::clone(&book),
        events: events.clone(),
    };
    let short = Arc::new(Short::default());
    let desk = Desk {
        shared: Arc::new(Counter {
            served: served.clone(),
            book: Arc::clone(&book),
            socket: Arc::new(socket),
            prober,
            events,
            short: Arc::clone(&short),
        }),
        tasks: JoinSet::new(),
    };
    tokio::select! {
        error = desk.receive(saw) => error,
        error = listen(served, &place, &mut questions, stop) => error,
        () = tell(served, told) => io::Error::other("the journal of addresses ended"),
        () = watch(served, &book, &short) => io::Error::other("the watch over addresses ended"),
    }
}

async fn tell_damage(served: &Served, damage: Damage) {
    let fact = Fact::LeasesDamaged {
        lines: u64::try_from(damage.lines).unwrap_or(u64::MAX),
        kept: damage.kept.map(|path| path.display().to_string()),
    };
    let boot = &served.boot;
    if let Err(error) = journal::record(&boot.db, boot.clock.now(), fact).await {
        tracing::error!(%error, "failed to write to the journal");
    }
}

/// Keeps asking the network; without it addresses are given unasked, and that is a trouble.
async fn listen(
    served: &Served,
    place: &probe::Place,
    questions: &mut probe::Questions,
    stop: &CancellationToken,
) -> io::Error {
    let boot = &served.boot;
    let interface = &served.interface;
    let object = format!("addresses in use on {interface}");
    let mut deaf = Trouble::of(&boot.db, &boot.clock, object).await;
    loop {
        // It ends at once when it cannot begin.
        tokio::select! {
            ended = probe::run(place, questions, stop) => match ended {
                Ok(()) => return io::Error::other("stopped"),
                Err(error) => {
                    deaf.begins(&format!(
                        "it cannot be asked on {interface} whether an address is in use ({error}); give reprise the capability CAP_NET_RAW, until then addresses are given unasked"
                    ))
                    .await;
                }
            },
            () = async { tokio::time::sleep(EVERY).await; deaf.over().await; std::future::pending().await } => {}
        }
        questions.refuse_for(EVERY).await;
    }
}

async fn tell(served: &Served, mut told: mpsc::Receiver<Event>) {
    let boot = &served.boot;
    let bucket = Bucket::new(FACTS_PER_S, FACTS_AT_ONCE, boot.clock.now());
    while let Some(event) = told.recv().await {
        if !bucket.take(boot.clock.now()) {
            continue;
        }
        let text = |mac: Option<Mac>| mac.map(|mac| mac.to_string()).unwrap_or_default();
        let fact = match event {
            Event::InUse { address, mac } => Fact::AddressInUse {
                address: address.to_string(),
                mac: text(mac),
                declined_by: None,
            },
            Event::Declined { address, by, mac } => Fact::AddressInUse {
                address: address.to_string(),
                mac: text(mac),
                declined_by: Some(by.to_string()),
            },
        };
        if let Err(error) = journal::record(&boot.db, boot.clock.now(), fact).await {
            tracing::error!(%error, "failed to write to the journal");
        }
    }
}

/// The registry's cards for the pool; and a trouble while addresses run out, or cannot be written.
async fn watch(served: &Served, book: &Book, short: &Short) {
    let boot = &served.boot;
    let taken = |object| Trouble::of(&boot.db, &boot.clock, object);
    let names: Vec<String> = {
        let pool = book.pool();
        pool.dhcp()
            .subnets
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    let mut scarce = Vec::with_capacity(names.len());
    for name in &names {
        scarce.push(taken(format!("free addresses of {name}")).await);
    }
    let mut strange = taken(format!("relays on {}", served.interface)).await;
    let mut unwritten = taken(format!("leases of {}", served.interface)).await;
    let mut turn = 0u32;
    loop {
        if turn.is_multiple_of(REGISTRY_EVERY) {
            match records::known(&boot.db).await {
                Ok(cards) => book.pool().known(cards),
                Err(error) => tracing::error!(%error, "failed to read the cards of the registry"),
            }
        }
        turn = turn.wrapping_add(1);
        match records::fixed(&boot.db).await {
            Ok(fixed) => book.pool().reserve(&fixed),
            Err(error) => tracing::error!(%error, "failed to read the fixed addresses of hosts"),
        }
        let refused = short.take();
        for (rank, (name, scarce)) in names.iter().zip(&mut scarce).enumerate() {
            let load = book.pool().load(rank);
            if refused.contains(&rank) {
                scarce
                    .begins(&format!(
                        "no address of {name} is left for new machines, all {} are given; those that have one keep it. Enlarge `ranges` in its [[dhcp_subnet]] or shorten `lease`; if unknown cards took them all at once, `reprise dhcp leases` names them: find their switch port",
                        load.total
                    ))
                    .await;
            } else if load.free > load.total / 20 + 1 {
                scarce.over().await;
            }
        }
        match short.relays(book.now()) {
            none if none.is_empty() => strange.over().await,
            relays => {
                strange
                    .begins(&format!(
                        "machines behind {relays} ask {} for addresses through a relay and get none: no [[dhcp_subnet]] holds that network; add one for it, or take this box out of the relay's list of servers",
                        served.interface
                    ))
                    .await;
            }
        }
        let health = book.health().and_then(|health| health.borrow().clone());
        match health {
            Some(sentence) => unwritten.begins(&sentence).await,
            None => unwritten.over().await,
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Codes of the flight recorder for who got no address.
const NO_ADDRESS_LEFT: &str = "no_address_left";
const OTHER_SERVER: &str = "other_server";

/// `None`: its timeline says it already, or it is the course of things.
fn code(why: decide::Why) -> Option<&'static str> {
    use decide::Why;
    match why {
        Why::NotOurNetwork => Some("no_subnet"),
        Why::OtherServer => Some(OTHER_SERVER),
        Why::Others | Why::NotGiven | Why::Elsewhere => Some("not_its_address"),
        // Said where it is judged what it boots.
        Why::BadRelay | Why::NoAddressNamed | Why::NotARequest => None,
    }
}

/// Relays that are named in a trouble; there may be as many as somebody invents.
const MOST_RELAYS: usize = 8;
/// A relay that was not heard for this long asks for nobody any more.
const RELAY_GONE: Duration = Duration::from_secs(3600);

/// Who got no address since somebody looked.
#[derive(Default)]
struct Short {
    subnets: Mutex<BTreeSet<usize>>,
    /// Relays whose networks are of no subnet, and when they asked last.
    relays: Mutex<BTreeMap<Ipv4Addr, Timestamp>>,
}

impl Short {
    fn of(&self, subnet: usize) {
        let mut short = self.subnets.lock().unwrap_or_else(PoisonError::into_inner);
        short.insert(subnet);
    }

    fn of_relay(&self, relay: Ipv4Addr, now: Timestamp) {
        let mut relays = self.relays.lock().unwrap_or_else(PoisonError::into_inner);
        if relays.contains_key(&relay) || relays.len() < MOST_RELAYS {
            relays.insert(relay, now);
        }
    }

    /// Those that asked lately, as they are named to people.
    fn relays(&self, now: Timestamp) -> String {
        let mut relays = self.relays.lock().unwrap_or_else(PoisonError::into_inner);
        relays.retain(|_, at| now.since(*at) < RELAY_GONE);
        let names: Vec<String> = relays.keys().map(ToString::to_string).collect();
        names.join(", ")
    }

    fn take(&self) -> BTreeSet<usize> {
        let mut short = self.subnets.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *short)
    }
}

struct Desk {
    shared: Arc<Counter>,
    /// Requests that wait for the network's answer.
    tasks: JoinSet<()>,
}

/// What answering one request needs.
struct Counter {
    served: Served,
    book: Arc<Book>,
    socket: Arc<Socket>,
    prober: Prober,
    events: mpsc::Sender<Event>,
    /// Somebody got no address.
    short: Arc<Short>,
}

/// A client's message with all that goes with it.
struct Case {
    request: Request,
    holder: Holder,
    subnet: usize,
    /// What it boots.
    boots: Option<Boots>,
    /// The address of ours it came to.
    source: Ipv4Addr,
}

impl Desk {
    /// Ends only when the socket cannot be read any more.
    async fn receive(mut self, saw: &mpsc::Sender<Mac>) -> io::Error {
        let mut buffer = vec![0u8; 4096];
        let socket = Arc::clone(&self.shared.socket);
        loop {
            if let Err(error) = socket.readable().await {
                return error;
            }
            let mut in_a_row = 0;
            while in_a_row < IN_A_ROW {
                match socket.receive_now(&mut buffer) {
                    Ok(Some((len, route))) => self.read(&buffer[..len], route, saw).await,
                    Ok(None) => break,
                    Err(error) => return error,
                }
                in_a_row += 1;
            }
            if in_a_row == IN_A_ROW {
                // Of the thread: tokio's shortest sleep is twenty times as long.
                std::thread::sleep(BREATH);
            }
            while self.tasks.try_join_next().is_some() {}
            // The others of this task have their turn too.
            tokio::task::yield_now().await;
        }
    }

    async fn read(&mut self, packet: &[u8], route: Route, saw: &mpsc::Sender<Mac>) {
        let served = &self.shared.served;
        let interface = &served.interface;
        let request = match request::parse(packet) {
            Ok(request) => request,
            Err(why) => {
                tracing::debug!(interface, from = %route.from, %why, "DHCP packet ignored");
                let now = served.boot.clock.now();
                let from = (*route.from.ip()).into();
                let strays = &served.shared.strays;
                strays.malformed(interface, from, packet, why, now);
                return;
            }
        };
        // Our own, which the kernel hands us as to everybody. Another Reprise's is answered.
        if flight::is_scout(&request) && *route.from.ip() == served.address {
            return;
        }
        // Only who boots costs a look at the registry.
        let boots = server::boots(served, &request, route, saw).await;
        self.take(request, boots, route);
    }

    fn take(&mut self, request: Request, boots: Option<Boots>, route: Route) {
        let shared = &self.shared;
        let server = shared.served.address;
        let holder = Holder::of(&request);
        let mut pool = shared.book.pool();
        let now = shared.book.now();
        pool.settle(now);
        let place = decide::place(&request, pool.dhcp(), server, route.to.is_some());
        if let Some(rank) = place {
            pool.hear(rank);
        }
        let named = decide::named(&request);
        let facts = Facts {
            server,
            authoritative: place
                .and_then(|rank| pool.subnet(rank))
                .map(|subnet| subnet.authoritative),
            named: place
                .zip(named)
                .map(|(subnet, address)| pool.standing(subnet, &holder, address, now)),
        };
        let act = decide(&request, &facts);
        let mac = request.mac;
        let subnet = match (place, &act) {
            (_, Act::Silent(why)) => {
                tracing::debug!(interface = shared.served.interface, %mac, %why, "not answered");
                drop(pool);
                if *why == decide::Why::BadRelay {
                    let served = &shared.served;
                    server::bad_relay(served, &request, route);
                }
                if *why == decide::Why::NotOurNetwork && !request.giaddr.is_unspecified() {
                    shared.short.of_relay(request.giaddr, now);
                }
                if let Some(code) = code(*why) {
                    shared.silent(&request, code);
                }
                return;
            }
            (None, _) => return,
            (Some(subnet), _) => subnet,
        };
        let case = Case {
            request,
            holder,
            subnet,
            boots,
            source: route.to.unwrap_or(server),
        };
        match act {
            Act::Silent(_) => {}
            Act::Offer { rapid } => {
                let wish = case.request.wish;
                match pool.offer(subnet, &case.holder, wish, now) {
                    None => {
                        drop(pool);
                        shared.short.of(subnet);
                        tracing::debug!(%mac, "no address is left for it");
                        shared.silent(&case.request, NO_ADDRESS_LEFT);
                    }
                    Some(candidate) => {
                        shared.book.count_offer();
                        if candidate.probe {
                            drop(pool);
                            self.wait(case, candidate.address, Want::Offer { rapid });
                        } else if rapid {
                            shared.acknowledge(&mut pool, &case, candidate.address, true);
                        } else {
                            shared.offer(&pool, &case, candidate.address);
                        }
                    }
                }
            }
            Act::Ack {
                address,
                probe: true,
            } => {
                pool.keep(subnet, address, &case.holder, now);
                drop(pool);
                self.wait(case, address, Want::Ack);
            }
            Act::Ack { address, .. } => shared.acknowledge(&mut pool, &case, address, false),
            Act::Nak(why) => {
                tracing::info!(%mac, %why, "refused an address");
                // What is now kept for another machine is free for it from here on.
                let left = named.and_then(|address| pool.leave(address, &case.holder, now));
                if let Some(record) = left {
                    let _ = shared.book.submit(Job::of(record));
                }
                drop(pool);
                shared.refuse(&case, &why.to_string());
            }
            Act::Inform => shared.inform(&pool, &case),
            Act::Withdraw => {
                pool.declined_offer(subnet, &case.holder);
                drop(pool);
                shared.silent(&case.request, OTHER_SERVER);
            }
            Act::Free(address) => {
                if let Some(record) = pool.release(address, &case.holder, now) {
                    tracing::info!(%mac, %address, "address given back");
                    let _ = shared.book.submit(Job::of(record));
                }
            }
            Act::Aside(address) => {
                if let Some(record) = pool.decline(address, &case.holder, now) {
                    let _ = shared.book.submit(Job::of(record));
                    drop(pool);
                    self.wait(case, address, Want::Culprit);
                }
            }
        }
    }

    fn wait(&mut self, case: Case, address: Ipv4Addr, want: Want) {
        if self.tasks.len() >= WAITING {
            return;
        }
        let shared = Arc::clone(&self.shared);
        self.tasks.spawn(async move {
            match want {
                Want::Offer { rapid } => shared.offer_unused(&case, address, rapid).await,
                Want::Ack => shared.acknowledge_unused(&case, address).await,
                Want::Culprit => shared.name_culprit(&case, address).await,
            }
        });
    }
}

/// What waits for the network's answer.
#[derive(Clone, Copy)]
enum Want {
    Offer {
        rapid: bool,
    },
    Ack,
    /// Who uses the address that a machine declined.
    Culprit,
}

impl Counter {
    /// The address, or another one when somebody is there.
    async fn offer_unused(&self, case: &Case, mut address: Ipv4Addr, rapid: bool) {
        for _ in 0..TRIES {
            let Some(free) = self.is_unused(case, address).await else {
                return;
            };
            let mut pool = self.book.pool();
            let now = self.book.now();
            pool.settle(now);
            // What was heard meanwhile is in the pool: it says which address is best now.
            let Some(candidate) = pool.offer(case.subnet, &case.holder, case.request.wish, now)
            else {
                drop(pool);
                self.short.of(case.subnet);
                self.silent(&case.request, NO_ADDRESS_LEFT);
                return;
            };
            if !candidate.probe || (free && candidate.address == address) {
                match rapid {
                    true => self.acknowledge(&mut pool, case, candidate.address, true),
                    false => self.offer(&pool, case, candidate.address),
                }
                return;
            }
            address = candidate.address;
        }
        // Wherever it was to go, somebody was.
        self.silent(&case.request, NO_ADDRESS_LEFT);
    }

    async fn acknowledge_unused(&self, case: &Case, address: Ipv4Addr) {
        let Some(free) = self.is_unused(case, address).await else {
            return;
        };
        let mut pool = self.book.pool();
        let now = self.book.now();
        pool.settle(now);
        let standing = pool.standing(case.subnet, &case.holder, address, now);
        use super::pool::Standing;
        match standing {
            Standing::Own | Standing::Offered if free => {
                self.acknowledge(&mut pool, case, address, false);
            }
            _ => {
                drop(pool);
                self.refuse(case, &decide::Why::Others.to_string());
            }
        }
    }

    /// Whoever answers by the client's own card is the client. `None`: nobody was asked, there is
    /// too much to do; the client asks again, and is not given what somebody may have.
    async fn is_unused(&self, case: &Case, address: Ipv4Addr) -> Option<bool> {
        Some(match self.prober.ask(address).await {
            Heard::Nobody => true,
            Heard::Somebody(Some(mac)) if mac == case.request.mac => {
                self.book.pool().silent(address, self.book.now());
                true
            }
            // It has the address, and answers for itself from behind its relay.
            Heard::Somebody(None) if case.request.ciaddr == address => {
                self.book.pool().silent(address, self.book.now());
                true
            }
            // It cannot be known; that is a trouble of its own.
            Heard::Deaf => {
                self.book.pool().silent(address, self.book.now());
                true
            }
            Heard::Somebody(mac) if self.book.pool().answered(address, mac, self.book.now()) => {
                false
            }
            Heard::Somebody(mac) => {
                probe::set_aside(&self.book, &self.events, address, mac);
                false
            }
            Heard::Busy => {
                tracing::debug!(mac = %case.request.mac, %address, "too many addresses to ask about; its machine asks again");
                return None;
            }
        })
    }

    async fn name_culprit(&self, case: &Case, address: Ipv4Addr) {
        let heard = match self.prober.ask(address).await {
            Heard::Somebody(mac) if mac != Some(case.request.mac) => Some(mac),
            _ => None,
        };
        let mac = heard.flatten();
        if heard.is_some() {
            let mut pool = self.book.pool();
            if let Some(record) = pool.is_in_use(address, mac, self.book.now()) {
                let _ = self.book.submit(Job::of(record));
            }
        }
        let by = case.request.mac;
        let _ = self.events.try_send(Event::Declined { address, by, mac });
    }

    fn offer(&self, pool: &Pool, case: &Case, address: Ipv4Addr) {
        let terms = terms(pool, case, Some(address), false);
        let boots = case.boots.as_ref().map(|boots| &boots.answer);
        if let Some(boots) = &case.boots {
            boots.offered(&self.served.boot, case.request.mac);
        }
        let server = self.served.address;
        let bytes = reply::encode_terms(&case.request, Kind::Offer, &terms, boots, server);
        self.note(case, Kind::Offer);
        self.send(case, Kind::Offer, bytes);
    }

    /// The answer leaves when the lease is durable.
    fn acknowledge(&self, pool: &mut Pool, case: &Case, address: Ipv4Addr, rapid: bool) {
        let now = self.book.now();
        // The answer says the lease that is written.
        let terms = terms(pool, case, Some(address), rapid);
        let Some(lease) = lease(pool, case) else {
            return;
        };
        // The lease that its other card had ends by a line of its own: no loss of one line gives it back.
        if let Some(record) = pool.relieve(address, &case.holder, now) {
            let _ = self.book.submit(Job::of(record));
        }
        let hostname = shown(&case.request.hostname);
        let record = pool.bind(case.subnet, address, &case.holder, &hostname, lease, now);
        let server = self.served.address;
        let boots = case.boots.as_ref().map(|boots| &boots.answer);
        // In one exchange, this is the offer.
        if let Some(boots) = case.boots.as_ref().filter(|_| rapid) {
            boots.offered(&self.served.boot, case.request.mac);
        }
        let bytes = reply::encode_terms(&case.request, Kind::Ack, &terms, boots, server);
        self.note(case, Kind::Ack);
        let answer = Parting {
            socket: Arc::clone(&self.socket),
            bytes,
            source: case.source,
            to: reply::lease_destination(Kind::Ack, &case.request),
        };
        // Under the pool's lock: records are written in the order in which they came about.
        let written = self.book.submit(Job {
            record,
            answer: Some(answer),
            done: None,
        });
        if !written {
            tracing::warn!(mac = %case.request.mac, "too many leases wait to be written; its machine asks again");
        }
    }

    fn inform(&self, pool: &Pool, case: &Case) {
        let terms = terms(pool, case, None, false);
        let server = self.served.address;
        let bytes = reply::encode_terms(&case.request, Kind::Ack, &terms, None, server);
        self.send(case, Kind::Ack, bytes);
    }

    fn refuse(&self, case: &Case, why: &str) {
        let bytes = reply::encode_nak(&case.request, self.served.address, why);
        if server::is_booting(&case.request) {
            let step = flight::answered(Port::Bootps.number(), Kind::Nak, None);
            self.served.boot.recorder.note(case.request.mac, step);
        }
        self.send(case, Kind::Nak, bytes);
    }

    /// Why a machine that boots got no address, for its timeline.
    fn silent(&self, request: &Request, why: &str) {
        if server::is_booting(request) {
            let port = Port::Bootps.number();
            let why = why.to_owned();
            let step = Step::Silent { port, why };
            self.served.boot.recorder.note(request.mac, step);
        }
    }

    /// For the timeline of a machine that boots.
    fn note(&self, case: &Case, kind: Kind) {
        if let Some(boots) = &case.boots {
            let file = boots.answer.file.clone();
            let step = flight::answered(Port::Bootps.number(), kind, file);
            self.served.boot.recorder.note(case.request.mac, step);
        }
    }

    fn send(&self, case: &Case, kind: Kind, bytes: Vec<u8>) {
        let to = reply::lease_destination(kind, &case.request);
        if let Err(error) = self.socket.send_now(&bytes, case.source, to) {
            tracing::warn!(%to, %error, "failed to send a DHCP answer; its machine asks again");
        }
    }
}

fn lease(pool: &Pool, case: &Case) -> Option<Duration> {
    let subnet = pool.subnet(case.subnet)?;
    let wanted = wanted(&case.request, pool.dhcp(), subnet);
    Some(pool.lease(case.subnet, &case.holder, wanted))
}

/// `address`: `None` for a machine that has one from elsewhere.
fn terms(pool: &Pool, case: &Case, address: Option<Ipv4Addr>, rapid: bool) -> Terms {
    let lease = address.and_then(|_| lease(pool, case));
    let name = pool.name_of(case.request.mac);
    let options = pool.subnet(case.subnet).map(|subnet| {
        let dhcp = pool.dhcp();
        options(&case.request, dhcp, subnet, lease, name)
    });
    Terms {
        address: address.unwrap_or(Ipv4Addr::UNSPECIFIED),
        options: options.unwrap_or_default(),
        rapid,
    }
}

/// A client's name for people: one line, no longer than a name may be.
fn shown(hostname: &str) -> String {
    let plain = hostname.chars().filter(|c| !c.is_control());
    plain.take(64).collect()
}
