//! All transfers of one interface, in one thread that waits for packets, answers and deadlines.

use super::line::Line;
use super::mailbox::{Letter, Mailbox};
use super::options;
use super::packet::{self, Asked, Incoming, ReadRequest, Refusal};
use super::peers::{Admission, Peers};
use super::server::{Content, Ended, Place};
use super::transfer::{Act, End, Transfer};
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use socket2::Socket;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Each has a file descriptor, of which a service has 1024.
const MOST_TRANSFERS: usize = 256;
/// Requests read before the transfers have their turn again.
const REQUESTS_AT_ONCE: usize = 32;
/// Longer than any request, acknowledgement or ERROR worth reading.
const LONGEST_PACKET: usize = 2048;
/// Which machine is behind an epoll event, besides the transfers' indices.
const REQUESTS: u64 = u64::MAX;
const LETTERS: u64 = u64::MAX - 1;

/// What the asynchronous side is asked.
pub(super) struct Question {
    pub(super) number: u64,
    pub(super) machine: SocketAddr,
    pub(super) path: String,
}

/// A request whose file is being looked for.
struct Pending {
    machine: SocketAddr,
    packet: Vec<u8>,
    asked: Asked,
}

struct Running {
    machine: SocketAddr,
    /// The request, to know it again.
    packet: Vec<u8>,
    line: Line,
    transfer: Transfer,
    bytes: Arc<[u8]>,
    ended: Box<dyn FnOnce(Ended) + Send>,
    started: Instant,
    heard_at: Instant,
}

pub(super) struct Engine {
    socket: Socket,
    place: Place,
    epoll: OwnedFd,
    mailbox: Arc<Mailbox>,
    ask: mpsc::Sender<Question>,
    pending: HashMap<u64, Pending>,
    asked: u64,
    running: Vec<Option<Running>>,
    count: usize,
    peers: Peers,
    /// No deadline is before this.
    next_deadline: Option<Instant>,
}

impl Engine {
    pub(super) fn new(
        socket: Socket,
        place: Place,
        ask: mpsc::Sender<Question>,
        mailbox: Arc<Mailbox>,
    ) -> io::Result<Engine> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let readable = epoll::EventFlags::IN;
        epoll::add(
            &epoll,
            &socket,
            epoll::EventData::new_u64(REQUESTS),
            readable,
        )?;
        let bell = mailbox.bell();
        epoll::add(&epoll, bell, epoll::EventData::new_u64(LETTERS), readable)?;
        Ok(Engine {
            socket,
            place,
            epoll,
            mailbox,
            ask,
            pending: HashMap::new(),
            asked: 0,
            running: Vec::new(),
            count: 0,
            peers: Peers::default(),
            next_deadline: None,
        })
    }

    /// Until a letter says stop, or the socket breaks.
    pub(super) fn run(mut self) -> io::Result<()> {
        let result = self.turn_until_stop();
        for index in 0..self.running.len() {
            self.end(index, End::Stopped);
        }
        result
    }

    fn turn_until_stop(&mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(MOST_TRANSFERS + 2);
        let mut buffer = vec![0; LONGEST_PACKET];
        loop {
            let wait = self.next_deadline.map(|deadline| {
                let wait = deadline.saturating_duration_since(Instant::now());
                timespec(wait)
            });
            events.clear();
            let room = rustix::buffer::spare_capacity(&mut events);
            match epoll::wait(&self.epoll, room, wait.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let now = Instant::now();
            for event in &events {
                match event.data.u64() {
                    REQUESTS => self.read_requests(&mut buffer, now)?,
                    LETTERS => {
                        if self.read_letters(now) {
                            return Ok(());
                        }
                    }
                    index => {
                        let index = usize::try_from(index).unwrap_or(usize::MAX);
                        self.read_reply(index, &mut buffer, now);
                    }
                }
            }
            if self.next_deadline.is_some_and(|deadline| deadline <= now) {
                self.tick(now);
            }
        }
    }

    fn read_requests(&mut self, buffer: &mut [u8], now: Instant) -> io::Result<()> {
        let room = buffer.len();
        for _ in 0..REQUESTS_AT_ONCE {
            let flags = rustix::net::RecvFlags::empty();
            let (len, from) = match rustix::net::recvfrom(&self.socket, &mut *buffer, flags) {
                Ok((_, len, from)) => (len.min(room), from),
                Err(Errno::AGAIN) => return Ok(()),
                // An ICMP error about something sent before says nothing about this socket.
                Err(Errno::INTR | Errno::CONNREFUSED | Errno::HOSTUNREACH) => continue,
                Err(error) => return Err(error.into()),
            };
            let machine = from.and_then(|from| SocketAddr::try_from(from).ok());
            if let (Some(machine), Some(packet)) = (machine, buffer.get(..len)) {
                self.request(machine, packet, now);
            }
        }
        Ok(())
    }

    fn request(&mut self, machine: SocketAddr, packet: &[u8], now: Instant) {
        let ReadRequest { path, asked } = match packet::incoming(packet) {
            Incoming::Read(request) => request,
            Incoming::Refused(refusal) => {
                tracing::info!(%machine, why = refusal.message(), "TFTP request refused");
                self.refuse(machine, &refusal, now);
                return;
            }
            Incoming::Stray => return,
        };
        if self.is_known(machine, packet) {
            return;
        }
        match self.peers.admit(machine.ip(), now) {
            Admission::Granted => {}
            Admission::TooMany => {
                let sentence = "too many transfers to this address at once; ask again later";
                self.refuse(machine, &Refusal::because(sentence), now);
                return;
            }
            Admission::Quiet => return,
        }
        if self.count + self.pending.len() >= MOST_TRANSFERS && !self.make_room() {
            self.peers.release(machine.ip());
            tracing::warn!(%machine, "too many TFTP transfers at once; this one is refused");
            let sentence = "the server is busy; ask again in a minute";
            self.refuse(machine, &Refusal::because(sentence), now);
            return;
        }
        self.asked += 1;
        let question = Question {
            number: self.asked,
            machine,
            path,
        };
        if self.ask.try_send(question).is_err() {
            self.peers.release(machine.ip());
            return;
        }
        let pending = Pending {
            machine,
            packet: packet.to_vec(),
            asked,
        };
        self.pending.insert(self.asked, pending);
    }

    /// The same request again, because its answer is still on the way. Another request from that
    /// port is served beside the first; whichever the machine answers stays.
    fn is_known(&self, machine: SocketAddr, packet: &[u8]) -> bool {
        let pending = self
            .pending
            .values()
            .any(|pending| pending.machine == machine && pending.packet == packet);
        pending
            || self.running.iter().flatten().any(|running| {
                running.machine == machine && !running.transfer.heard() && running.packet == packet
            })
    }

    /// From the port that takes requests: a machine without a transfer listens to any port, and
    /// firewalls let this one through.
    fn refuse(&mut self, machine: SocketAddr, refusal: &Refusal, now: Instant) {
        if self.peers.may_send(machine.ip(), now) {
            let _ = self.socket.send_to(&refusal.encode(), &machine.into());
        }
    }

    /// The machine that never answered and asked first, or else the transfer that stands still
    /// longest of whoever has most. `false` = nobody has more than one.
    fn make_room(&mut self) -> bool {
        let indices = || {
            let all = self.running.iter().enumerate();
            all.filter_map(|(index, running)| Some((index, running.as_ref()?)))
        };
        let unheard = indices()
            .filter(|(_, running)| !running.transfer.heard())
            .min_by_key(|(_, running)| running.started);
        let greediest = indices()
            .map(|(index, running)| (self.peers.open(running.machine.ip()), index, running))
            .filter(|(open, _, _)| *open > 1)
            .max_by_key(|(open, _, running)| (*open, std::cmp::Reverse(running.heard_at)));
        let found = unheard
            .map(|(index, _)| index)
            .or(greediest.map(|(_, index, _)| index));
        if let Some(index) = found {
            self.end(index, End::Crowded);
        }
        found.is_some()
    }

    /// Whether to stop.
    fn read_letters(&mut self, now: Instant) -> bool {
        for letter in self.mailbox.take() {
            match letter {
                Letter::Stop => return true,
                Letter::Answer(number, answer) => self.answer(number, answer, now),
            }
        }
        false
    }

    fn answer(&mut self, number: u64, answer: Result<Content, Refusal>, now: Instant) {
        let Some(pending) = self.pending.remove(&number) else {
            return;
        };
        let machine = pending.machine;
        let refusal = match answer {
            Ok(content) => match self.begin(pending, content, now) {
                Ok(()) => return,
                Err(error) => {
                    tracing::error!(%machine, %error, "failed to open a socket for a TFTP transfer");
                    Refusal::because("the server is busy; ask again in a minute")
                }
            },
            Err(refusal) => refusal,
        };
        self.peers.release(machine.ip());
        self.refuse(machine, &refusal, now);
    }

    fn begin(&mut self, pending: Pending, content: Content, now: Instant) -> io::Result<()> {
        let line = Line::open(&self.place, pending.machine)?;
        let bytes = u64::try_from(content.bytes.len()).unwrap_or(u64::MAX);
        let terms = options::agree(pending.asked, bytes, line.mtu()?);
        let (transfer, act) = Transfer::open(terms, bytes, now);
        let index = match self.running.iter().position(Option::is_none) {
            Some(index) => index,
            None => {
                self.running.push(None);
                self.running.len() - 1
            }
        };
        let data = epoll::EventData::new_u64(u64::try_from(index).unwrap_or(LETTERS));
        epoll::add(&self.epoll, line.fd(), data, epoll::EventFlags::IN)?;
        let running = Running {
            machine: pending.machine,
            packet: pending.packet,
            line,
            transfer,
            bytes: content.bytes,
            ended: content.ended,
            started: now,
            heard_at: now,
        };
        if let Some(place) = self.running.get_mut(index) {
            *place = Some(running);
            self.count += 1;
        }
        self.act(index, act);
        Ok(())
    }

    fn read_reply(&mut self, index: usize, buffer: &mut [u8], now: Instant) {
        let Some(Some(running)) = self.running.get_mut(index) else {
            return;
        };
        let act = match running.line.receive(buffer) {
            Ok(Some(packet)) => {
                let unheard = !running.transfer.heard();
                let act = running.transfer.packet(packet::reply(packet), now);
                running.heard_at = now;
                if unheard && running.transfer.heard() {
                    let machine = running.machine;
                    self.peers.proved(machine.ip());
                    self.replace_others(index, machine);
                }
                act
            }
            Ok(None) => return,
            Err(_) => Act::End(End::Unreachable),
        };
        self.act(index, act);
    }

    /// The machine went on with this transfer: it has forgotten those before.
    fn replace_others(&mut self, index: usize, machine: SocketAddr) {
        for other in 0..self.running.len() {
            let same = matches!(self.running.get(other), Some(Some(running)) if running.machine == machine);
            if other != index && same {
                self.end(other, End::Replaced);
            }
        }
    }

    fn tick(&mut self, now: Instant) {
        // Each transfer that goes on says its deadline again.
        self.next_deadline = None;
        for index in 0..self.running.len() {
            let Some(Some(running)) = self.running.get_mut(index) else {
                continue;
            };
            let act = running.transfer.tick(now);
            let unproven = act != Act::Wait && !running.transfer.heard();
            let address = running.machine.ip();
            if unproven && !matches!(act, Act::End(_)) && !self.peers.may_send(address, now) {
                self.end(index, End::Unanswered);
                continue;
            }
            self.act(index, act);
        }
    }

    fn act(&mut self, index: usize, act: Act) {
        let Some(Some(running)) = self.running.get_mut(index) else {
            return;
        };
        let sent = match act {
            Act::Wait => Ok(()),
            Act::SendOack => match &running.transfer.terms().oack {
                Some(oack) => running.line.send(oack),
                None => Ok(()),
            },
            Act::SendBlocks(blocks) => {
                let Running {
                    line,
                    transfer,
                    bytes,
                    ..
                } = running;
                line.send_blocks(transfer, bytes, blocks)
            }
            Act::End(end) => return self.end(index, end),
        };
        // Anything else – no route, no link – may be over when it is sent again.
        if sent.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            return self.end(index, End::Unreachable);
        }
        let deadline = running.transfer.deadline();
        if self.next_deadline.is_none_or(|next| deadline < next) {
            self.next_deadline = Some(deadline);
        }
    }

    fn end(&mut self, index: usize, how: End) {
        let Some(running) = self.running.get_mut(index).and_then(Option::take) else {
            return;
        };
        self.count -= 1;
        self.peers.release(running.machine.ip());
        let _ = epoll::delete(&self.epoll, running.line.fd());
        let farewell = match how {
            End::Stopped => Some("the server is stopping; ask again in a minute"),
            End::Crowded => Some("the server needs this place for another; ask again in a minute"),
            _ => None,
        };
        if let Some(sentence) = farewell.filter(|_| running.transfer.heard()) {
            let _ = running.line.send(&Refusal::because(sentence).encode());
        }
        (running.ended)(Ended {
            how,
            acknowledged_bytes: running.transfer.acknowledged_bytes(),
            resent_blocks: running.transfer.resent_blocks(),
            took: running.started.elapsed(),
        });
    }
}

fn timespec(wait: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(wait.subsec_nanos()),
    }
}
