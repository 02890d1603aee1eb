//! The requests of one interface, in one thread: who gets a place, and which transfer replaces which.

use super::courier::Courier;
use super::line::Line;
use super::mailbox::{Letter, Mailbox};
use super::options;
use super::packet::{self, Asked, Incoming, ReadRequest, Refusal};
use super::peers::{Admission, Peers};
use super::server::{Content, Place};
use super::transfer::{End, Transfer};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use socket2::Socket;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;

/// Each has a thread and a file descriptor, of which a service has 1024.
const MOST_TRANSFERS: usize = 256;
/// Requests read before letters have their turn again.
const REQUESTS_AT_ONCE: usize = 32;
/// Longer than any request worth reading.
const LONGEST_REQUEST: usize = 2048;

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
    started: Instant,
    heard: bool,
    /// It was told to end, and gives no place back twice.
    ending: bool,
    courier: Courier,
}

pub(super) struct Engine {
    socket: Socket,
    place: Place,
    mailbox: Arc<Mailbox>,
    ask: mpsc::Sender<Question>,
    /// By the question's number, which is the transfer's too.
    pending: HashMap<u64, Pending>,
    running: HashMap<u64, Running>,
    asked: u64,
    peers: Peers,
}

impl Engine {
    pub(super) fn new(
        socket: Socket,
        place: Place,
        ask: mpsc::Sender<Question>,
        mailbox: Arc<Mailbox>,
    ) -> Engine {
        Engine {
            socket,
            place,
            mailbox,
            ask,
            pending: HashMap::new(),
            running: HashMap::new(),
            asked: 0,
            peers: Peers::default(),
        }
    }

    /// Until a letter says stop, or the socket breaks; then every transfer is over.
    pub(super) fn run(mut self) -> io::Result<()> {
        let result = self.turn_until_stop();
        for running in self.running.values() {
            running.courier.stop(End::Stopped);
        }
        for (_, running) in self.running.drain() {
            running.courier.join();
        }
        result
    }

    fn turn_until_stop(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; LONGEST_REQUEST];
        loop {
            let mut wanted = [
                PollFd::from_borrowed_fd(self.mailbox.bell(), PollFlags::IN),
                PollFd::new(&self.socket, PollFlags::IN),
            ];
            match poll(&mut wanted, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let [letters, requests] = wanted.map(|fd| !fd.revents().is_empty());
            let now = Instant::now();
            if letters && self.read_letters(now) {
                return Ok(());
            }
            if requests {
                self.read_requests(&mut buffer, now)?;
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
        if self.running.len() + self.pending.len() >= MOST_TRANSFERS && !self.make_room() {
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
        let mut running = self.running.values();
        pending || running.any(|one| one.machine == machine && !one.heard && one.packet == packet)
    }

    /// From the port that takes requests: a machine without a transfer listens to any port, and
    /// firewalls let this one through.
    fn refuse(&mut self, machine: SocketAddr, refusal: &Refusal, now: Instant) {
        if self.peers.may_send(machine.ip(), now) {
            let _ = self.socket.send_to(&refusal.encode(), &machine.into());
        }
    }

    /// Ends the transfer of the machine that never answered and asked first, or else the oldest of
    /// whoever has most. `false` = nobody has more than one.
    fn make_room(&mut self) -> bool {
        let going = || self.running.iter().filter(|(_, running)| !running.ending);
        let unheard = going()
            .filter(|(_, running)| !running.heard)
            .min_by_key(|(_, running)| running.started);
        let greediest = going()
            .map(|(number, running)| (self.peers.open(running.machine.ip()), number, running))
            .filter(|(open, _, _)| *open > 1)
            .max_by_key(|(open, _, running)| (*open, std::cmp::Reverse(running.started)));
        let found = unheard
            .map(|(number, _)| *number)
            .or(greediest.map(|(_, number, _)| *number));
        if let Some(number) = found {
            self.end(number, End::Crowded);
        }
        found.is_some()
    }

    /// Whether to stop.
    fn read_letters(&mut self, now: Instant) -> bool {
        for letter in self.mailbox.take() {
            match letter {
                Letter::Stop => return true,
                Letter::Answer(number, answer) => self.answer(number, answer, now),
                Letter::Heard(number) => self.heard(number),
                Letter::Gone(number) => {
                    self.end(number, End::Stopped);
                    if let Some(running) = self.running.remove(&number) {
                        running.courier.join();
                    }
                }
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
            Ok(content) => match self.begin(number, pending, content, now) {
                Ok(()) => return,
                Err(error) => {
                    tracing::error!(%machine, %error, "failed to begin a TFTP transfer; it is refused, the next may pass");
                    Refusal::because("the server is busy; ask again in a minute")
                }
            },
            Err(refusal) => refusal,
        };
        self.peers.release(machine.ip());
        self.refuse(machine, &refusal, now);
    }

    fn begin(
        &mut self,
        number: u64,
        pending: Pending,
        content: Content,
        now: Instant,
    ) -> io::Result<()> {
        let machine = pending.machine;
        let line = Line::open(&self.place, machine)?;
        let bytes = u64::try_from(content.bytes.len()).unwrap_or(u64::MAX);
        let terms = options::agree(pending.asked, bytes, line.room_bytes()?);
        let (transfer, first) = Transfer::open(terms, bytes, now);
        let mailbox = Arc::clone(&self.mailbox);
        let courier = Courier::send(number, line, transfer, first, content, mailbox)?;
        let running = Running {
            machine,
            packet: pending.packet,
            started: now,
            heard: false,
            ending: false,
            courier,
        };
        self.running.insert(number, running);
        Ok(())
    }

    /// The machine went on with this transfer: it has forgotten others of the same port.
    fn heard(&mut self, number: u64) {
        let Some(running) = self.running.get_mut(&number) else {
            return;
        };
        running.heard = true;
        let machine = running.machine;
        self.peers.proved(machine.ip());
        let others: Vec<u64> = self
            .running
            .iter()
            .filter(|(other, running)| **other != number && running.machine == machine)
            .map(|(other, _)| *other)
            .collect();
        for other in others {
            self.end(other, End::Replaced);
        }
    }

    /// Gives its place back, and tells it to end if it has not.
    fn end(&mut self, number: u64, how: End) {
        if let Some(running) = self.running.get_mut(&number)
            && !running.ending
        {
            running.ending = true;
            running.courier.stop(how);
            self.peers.release(running.machine.ip());
        }
    }
}
