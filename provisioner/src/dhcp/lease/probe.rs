//! Asks the network whether somebody uses an address: ARP on the wire, an ICMP echo behind a relay.
//!
//! Free addresses are asked about ahead of time, so that an offer waits for nothing. The question
//! names our own address as its sender: RFC 5227's nameless probe would look to a machine that
//! just checks its new address like a rival for it.

use super::desk::Event;
use super::leases::Book;
use super::pool::ASIDE_HEARD;
use super::writer::Job;
use crate::Mac;
use nix::sys::socket::{LinkAddr, MsgFlags, sendto};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long an answer may take, asked twice; behind a relay there are more wires.
const ON_THE_WIRE: Duration = Duration::from_millis(400);
const BEHIND_A_RELAY: Duration = Duration::from_millis(800);
/// Short, so that the offers of a crowd leave one by one: a burst overflows the clients' switches.
const TICK: Duration = Duration::from_millis(10);
/// How often it is looked how fast addresses go, and how long the stock is to last.
const COUNTED_EVERY: Duration = Duration::from_millis(200);
const LASTS: usize = 10;
/// Questions under way; those about what may be offered later leave half of the room to those that
/// a machine waits for.
const MOST: usize = 16_384;
const MOST_AHEAD: usize = MOST / 2;
/// Ticks between two looks at the stock: it is thousands of addresses in a rush.
const LOOK_EVERY: u32 = 10;
/// Free addresses asked about ahead, at rest and in a rush.
const STOCK: usize = 64;
const MOST_STOCK: usize = 8192;
/// Subnets behind relays that asked lately.
const MOST_RELAYED: usize = 64;

/// Who uses an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Nobody,
    /// By its card; unknown behind a relay.
    Somebody(Option<Mac>),
    /// The network cannot be asked.
    Deaf,
    /// So many questions are under way that this one was not asked: whoever wants the address asks
    /// again.
    Busy,
}

struct Ask {
    address: Ipv4Addr,
    answer: oneshot::Sender<Heard>,
}

/// Hands questions over. Cloning shares it.
#[derive(Clone)]
pub(super) struct Prober {
    asks: mpsc::Sender<Ask>,
}

impl Prober {
    pub(super) async fn ask(&self, address: Ipv4Addr) -> Heard {
        let (answer, heard) = oneshot::channel();
        match self.asks.try_send(Ask { address, answer }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Heard::Busy,
            Err(TrySendError::Closed(_)) => return Heard::Deaf,
        }
        // The sockets broke while it was asked: it is not known.
        heard.await.unwrap_or(Heard::Busy)
    }
}

/// What the task of one interface needs.
pub(super) struct Place {
    pub(super) interface: String,
    pub(super) server: Ipv4Addr,
    /// Rank of the subnet on the wire.
    pub(super) here: Option<usize>,
    pub(super) book: Arc<Book>,
    pub(super) events: mpsc::Sender<Event>,
}

struct Pending {
    since: Instant,
    again: bool,
    lasts: Duration,
    waiting: Vec<oneshot::Sender<Heard>>,
}

pub(super) fn channel() -> (Prober, Questions) {
    let (asks, questions) = mpsc::channel(MOST);
    (Prober { asks }, Questions(questions))
}

pub(super) struct Questions(mpsc::Receiver<Ask>);

impl Questions {
    /// Nobody can be asked for a while.
    pub(super) async fn refuse_for(&mut self, pause: Duration) {
        let until = Instant::now() + pause;
        while let Ok(Some(ask)) = tokio::time::timeout_at(until, self.0.recv()).await {
            let _ = ask.answer.send(Heard::Deaf);
        }
    }
}

/// Runs until `stop`; an error is of the sockets, and the caller begins anew.
pub(super) async fn run(
    place: &Place,
    questions: &mut Questions,
    stop: &CancellationToken,
) -> io::Result<()> {
    let wire = Wire::open(&place.interface, place.server)?;
    let beyond = echo_socket(&place.interface)?;
    let mut pending: HashMap<Ipv4Addr, Pending> = HashMap::new();
    let mut relayed: BTreeSet<usize> = BTreeSet::new();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut frame, mut packet) = ([0; 128], [0; 2048]);
    let (mut rush, mut ticks) = (Rush::default(), 0u32);
    let mut next = VecDeque::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            Some(ask) = questions.0.recv() => {
                let subnet = place.book.pool().dhcp().subnet_of(ask.address);
                if let Some(subnet) = subnet
                    && Some(subnet) != place.here
                    && relayed.len() < MOST_RELAYED
                {
                    relayed.insert(subnet);
                }
                let (address, here) = (ask.address, subnet == place.here);
                if enter(&mut pending, ask, lasts(here)) {
                    question(&wire, &beyond, address, here);
                }
            }
            read = wire.socket.recv(&mut frame) => {
                let heard = frame.get(..read?).and_then(answer);
                if let Some((address, mac)) = heard
                    && mac != wire.mac
                    && let Some(asked) = pending.remove(&address)
                {
                    somebody(place, address, Some(mac), asked);
                }
            }
            read = beyond.recv(&mut packet) => {
                let heard = packet.get(..read?).and_then(echoed);
                if let Some(address) = heard
                    && let Some(asked) = pending.remove(&address)
                {
                    somebody(place, address, None, asked);
                }
            }
            _ = tick.tick() => {
                let now = Instant::now();
                let mut over = Vec::new();
                for (address, asked) in &mut pending {
                    let waited = now.duration_since(asked.since);
                    if waited >= asked.lasts {
                        over.push(*address);
                    } else if !asked.again && waited >= asked.lasts / 2 {
                        asked.again = true;
                        question(&wire, &beyond, *address, asked.lasts == ON_THE_WIRE);
                    }
                }
                nobody(place, &over, &mut pending);
                ticks = ticks.wrapping_add(1);
                let stock = rush.stock(&place.book, now);
                let looks = ticks.is_multiple_of(LOOK_EVERY);
                if looks {
                    let subnets = place.here.iter().chain(&relayed).copied();
                    next = lacking(place, subnets, stock, &pending);
                }
                // At rest there is time.
                if looks || stock > STOCK {
                    ahead(place, stock, &mut next, &wire, &beyond, &mut pending);
                }
            }
        }
    }
}

/// Whether it is to be asked now: it may be under way already, or there may be no room.
fn enter(pending: &mut HashMap<Ipv4Addr, Pending>, ask: Ask, lasts: Duration) -> bool {
    if let Some(asked) = pending.get_mut(&ask.address) {
        asked.waiting.push(ask.answer);
        return false;
    }
    if pending.len() >= MOST {
        // Not "deaf": that would let the address be given unasked.
        let _ = ask.answer.send(Heard::Busy);
        return false;
    }
    let asked = Pending {
        since: Instant::now(),
        again: false,
        lasts,
        waiting: vec![ask.answer],
    };
    pending.insert(ask.address, asked);
    true
}

fn lasts(here: bool) -> Duration {
    match here {
        true => ON_THE_WIRE,
        false => BEHIND_A_RELAY,
    }
}

fn question(wire: &Wire, beyond: &UdpSocket, address: Ipv4Addr, here: bool) {
    let sent = match here {
        true => wire.ask(address),
        // Behind a relay the kernel knows the way; where there is none nobody can answer.
        false => beyond
            .try_send_to(&echo(), SocketAddrV4::new(address, 0).into())
            .map(drop),
    };
    if let Err(error) = sent {
        tracing::debug!(%address, %error, "failed to ask whether an address is in use");
    }
}

/// Free addresses that will be offered next, and were not asked about.
fn lacking(
    place: &Place,
    subnets: impl Iterator<Item = usize>,
    stock: usize,
    pending: &HashMap<Ipv4Addr, Pending>,
) -> VecDeque<(usize, Ipv4Addr)> {
    let now = place.book.now();
    let of = |subnet| {
        let next = place.book.pool().to_probe(subnet, stock, now).into_iter();
        next.map(move |address| (subnet, address))
    };
    subnets
        .flat_map(of)
        .filter(|(_, address)| !pending.contains_key(address))
        .collect()
}

fn ahead(
    place: &Place,
    stock: usize,
    next: &mut VecDeque<(usize, Ipv4Addr)>,
    wire: &Wire,
    beyond: &UdpSocket,
    pending: &mut HashMap<Ipv4Addr, Pending>,
) {
    // In steps: a burst of broadcasts is dropped by switches.
    let mut room = stock
        .div_ceil(16)
        .min(MOST_AHEAD.saturating_sub(pending.len()));
    let now = place.book.now();
    while room > 0
        && let Some((subnet, address)) = next.pop_front()
    {
        // Meanwhile somebody may have got it, who would answer.
        let lacks = place.book.pool().lacks_answer(subnet, address, now);
        if !lacks || pending.contains_key(&address) {
            continue;
        }
        room -= 1;
        let here = Some(subnet) == place.here;
        let lasts = lasts(here);
        pending.insert(
            address,
            Pending {
                since: Instant::now(),
                again: false,
                lasts,
                waiting: Vec::new(),
            },
        );
        question(wire, beyond, address, here);
    }
}

fn nobody(place: &Place, over: &[Ipv4Addr], pending: &mut HashMap<Ipv4Addr, Pending>) {
    if over.is_empty() {
        return;
    }
    let now = place.book.now();
    let mut pool = place.book.pool();
    for address in over {
        pool.silent(*address, now);
        if let Some(asked) = pending.remove(address) {
            for waiting in asked.waiting {
                let _ = waiting.send(Heard::Nobody);
            }
        }
    }
}

/// Who asked for the address decides; of one that nobody asked for it is known now.
fn somebody(place: &Place, address: Ipv4Addr, mac: Option<Mac>, asked: Pending) {
    if asked.waiting.is_empty() && !place.book.pool().got_here(address, mac) {
        set_aside(&place.book, &place.events, address, mac);
    }
    for waiting in asked.waiting {
        let _ = waiting.send(Heard::Somebody(mac));
    }
}

/// Nobody is offered it for a while, and the administrator is told who is there.
pub(super) fn set_aside(
    book: &Book,
    events: &mpsc::Sender<Event>,
    address: Ipv4Addr,
    mac: Option<Mac>,
) {
    let record = {
        let now = book.now();
        let mut pool = book.pool();
        let record = pool.set_aside(address, mac, ASIDE_HEARD, now);
        // Not written: at the next start it is asked about again.
        let _ = book.submit(Job::of(record.clone()));
        record
    };
    tracing::info!(
        ?record,
        "an address is in use by somebody who did not get it here"
    );
    let _ = events.try_send(Event::InUse { address, mac });
}

/// How many addresses are wanted ahead, by how many went lately.
#[derive(Default)]
struct Rush {
    since: Option<Instant>,
    stock: usize,
}

impl Rush {
    fn stock(&mut self, book: &Book, now: Instant) -> usize {
        if self
            .since
            .is_none_or(|at| now.duration_since(at) >= COUNTED_EVERY)
        {
            self.since = Some(now);
            let went = book.offered.swap(0, Ordering::Relaxed);
            let went = usize::try_from(went).unwrap_or(MOST_STOCK);
            // A rush has pauses: it shrinks slowly.
            let before = self.stock - self.stock / 8;
            self.stock = (went * LASTS).max(before).clamp(STOCK, MOST_STOCK);
        }
        self.stock
    }
}

/// The wire of one interface.
struct Wire {
    socket: UdpSocket,
    to: LinkAddr,
    mac: Mac,
    server: Ipv4Addr,
}

impl Wire {
    fn open(interface: &str, server: Ipv4Addr) -> io::Result<Wire> {
        let to = link(interface)?;
        let mac = to.addr().map(Mac).unwrap_or(Mac([0; 6]));
        let index = u32::try_from(to.ifindex()).unwrap_or_default();
        // Of all kinds of frames the kernel would hand over our own questions too.
        let arp = i32::from(u16::to_be(0x0806));
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(arp)))?;
        socket.attach_filter(&arp_of(index))?;
        socket.set_recv_buffer_size(1 << 18)?;
        socket.set_nonblocking(true)?;
        // What arrived before the filter stood is from any interface.
        let mut buffer = [0; 64];
        for _ in 0..10_000 {
            if (&socket).read(&mut buffer).is_err() {
                break;
            }
        }
        let socket = UdpSocket::from_std(socket.into())?;
        Ok(Wire {
            socket,
            to,
            mac,
            server,
        })
    }

    fn ask(&self, address: Ipv4Addr) -> io::Result<()> {
        let frame = who_has(self.mac, self.server, address);
        let fd = self.socket.as_raw_fd();
        sendto(fd, &frame, &self.to, MsgFlags::MSG_DONTWAIT)?;
        Ok(())
    }
}

/// The kernel's name of an interface below IP; only the kernel's own list gives it without unsafe
/// code.
fn link(interface: &str) -> io::Result<LinkAddr> {
    let found = nix::ifaddrs::getifaddrs()?.find_map(|found| {
        let address = found
            .address
            .filter(|_| found.interface_name == interface)?;
        address.as_link_addr().copied()
    });
    found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the interface has gone"))
}

fn who_has(mac: Mac, server: Ipv4Addr, address: Ipv4Addr) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend_from_slice(&mac.0);
    // ARP; Ethernet and IPv4; a request.
    frame.extend_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend_from_slice(&mac.0);
    frame.extend_from_slice(&server.octets());
    frame.extend_from_slice(&[0; 6]);
    frame.extend_from_slice(&address.octets());
    // The shortest Ethernet frame.
    frame.resize(60, 0);
    frame
}

/// Who says in an ARP frame, of whatever kind, that an address is its own, or about to be.
fn answer(frame: &[u8]) -> Option<(Ipv4Addr, Mac)> {
    let arp = frame.get(14..42)?;
    if frame[12..14] != [8, 6] || arp[..6] != [0, 1, 8, 0, 6, 4] {
        return None;
    }
    let address = |at: usize| Ipv4Addr::new(arp[at], arp[at + 1], arp[at + 2], arp[at + 3]);
    let mac = Mac([arp[8], arp[9], arp[10], arp[11], arp[12], arp[13]]);
    let sender = address(14);
    // RFC 5227: a machine that has no address yet asks for the one it is about to take.
    let claimed = match sender.is_unspecified() {
        true => address(24),
        false => sender,
    };
    mac.is_station().then_some((claimed, mac))
}

fn arp_of(index: u32) -> Vec<SockFilter> {
    /// SKF_AD_OFF + SKF_AD_IFINDEX: the number of the interface.
    const IFINDEX: u32 = 0xffff_f000 + 8;
    vec![
        SockFilter::new(0x20, 0, 0, IFINDEX),
        SockFilter::new(0x15, 0, 3, index),
        SockFilter::new(0x28, 0, 0, 12),
        SockFilter::new(0x15, 0, 1, 0x0806),
        SockFilter::new(0x06, 0, 0, 0xffff),
        SockFilter::new(0x06, 0, 0, 0),
    ]
}

fn echo_socket(interface: &str) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))?;
    socket.bind_device(Some(interface.as_bytes()))?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket.into())
}

/// Tells our echoes from those of others on this machine.
const ECHO: [u8; 4] = *b"Rprs";

fn echo() -> [u8; 12] {
    let mut packet = [8, 0, 0, 0, 0x52, 0x70, 0, 1, 0, 0, 0, 0];
    packet[8..].copy_from_slice(&ECHO);
    let sum: u32 = packet
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]))
        .sum();
    let sum = !((sum & 0xffff) + (sum >> 16));
    let [.., high, low] = sum.to_be_bytes();
    (packet[2], packet[3]) = (high, low);
    packet
}

/// Who answered an echo of ours.
fn echoed(packet: &[u8]) -> Option<Ipv4Addr> {
    let header = usize::from(packet.first()? & 15) * 4;
    let icmp = packet.get(header..)?;
    let source: [u8; 4] = packet.get(12..16)?.try_into().ok()?;
    let ours = icmp.first() == Some(&0) && icmp.get(8..12) == Some(&ECHO);
    ours.then(|| source.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac([0x52, 0x54, 0, 0, 0, 1]);

    #[tokio::test]
    async fn too_many_questions_are_no_deaf_network() {
        let address = |number: usize| Ipv4Addr::from_bits(u32::try_from(number).unwrap());
        let mut pending = HashMap::new();
        for number in 0..MOST {
            let (answer, _) = oneshot::channel();
            let ask = Ask {
                address: address(number),
                answer,
            };
            assert!(enter(&mut pending, ask, ON_THE_WIRE));
        }
        let (answer, mut heard) = oneshot::channel();
        let one_more = Ask {
            address: address(MOST),
            answer,
        };
        assert!(!enter(&mut pending, one_more, ON_THE_WIRE));
        assert_eq!(heard.try_recv(), Ok(Heard::Busy));
        // Who asks about one that is under way waits with the others.
        let (answer, mut heard) = oneshot::channel();
        let known = Ask {
            address: address(7),
            answer,
        };
        assert!(!enter(&mut pending, known, ON_THE_WIRE));
        assert!(heard.try_recv().is_err());
        assert_eq!(pending.len(), MOST);

        let (prober, mut questions) = channel();
        let mut asking: Vec<_> = (0..MOST)
            .map(|n| Box::pin(prober.ask(address(n))))
            .collect();
        for ask in &mut asking {
            let waits = tokio::select! { biased; _ = ask => false, () = async {} => true };
            assert!(waits, "answered before somebody was asked");
        }
        assert_eq!(prober.ask(address(MOST)).await, Heard::Busy, "a full queue");
        // The sockets broke with the question: nothing is known of the address.
        drop(questions.0.recv().await);
        assert_eq!(asking.remove(0).await, Heard::Busy);
        drop(questions);
        assert_eq!(prober.ask(address(1)).await, Heard::Deaf);
    }

    #[test]
    fn whoever_says_in_arp_that_an_address_is_its_own_is_heard() {
        let (us, them) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 9));
        let question = who_has(MAC, us, them);
        assert_eq!(question.len(), 60);
        assert_eq!(answer(&question), Some((us, MAC)));
        // RFC 5227: nobody yet.
        let nameless = who_has(MAC, Ipv4Addr::UNSPECIFIED, them);
        assert_eq!(answer(&nameless), Some((them, MAC)));
        let mut reply = who_has(MAC, them, us);
        reply[21] = 2;
        assert_eq!(answer(&reply), Some((them, MAC)));
        for len in 0..42 {
            assert_eq!(answer(&reply[..len]), None);
        }
        let multicast = who_has(Mac([1, 0, 0, 0, 0, 1]), them, us);
        assert_eq!(answer(&multicast), None);
    }

    #[test]
    fn only_answers_to_our_own_echo_count() {
        let mut packet = vec![0x45; 1];
        packet.resize(12, 0);
        packet.extend_from_slice(&[10, 0, 0, 9, 10, 0, 0, 1]);
        let mut answer = echo();
        answer[0] = 0;
        let whole = [&packet[..], &answer].concat();
        assert_eq!(echoed(&whole), Some(Ipv4Addr::new(10, 0, 0, 9)));
        assert_eq!(echoed(&[&packet[..], &echo()].concat()), None);
        answer[9] = b'x';
        assert_eq!(echoed(&[&packet[..], &answer].concat()), None);
        for len in 0..whole.len() {
            assert_eq!(echoed(&whole[..len]), None);
        }
        // RFC 1071: the sum over all is all ones.
        let sum: u32 = echo()
            .chunks(2)
            .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]))
            .sum();
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
    }
}
