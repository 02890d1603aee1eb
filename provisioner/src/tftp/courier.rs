//! The thread of one transfer: waits for the machine's packets and for deadlines, sends what
//! `transfer` says. Two calls of the kernel per acknowledgement.

use super::line::Line;
use super::mailbox::{Letter, Mailbox};
use super::packet::{self, Refusal};
use super::server::{Content, Ended};
use super::transfer::{Act, End, Transfer};
use socket2::Socket;
use std::io;
use std::net::Shutdown;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

/// Longer than any acknowledgement or ERROR worth reading.
const LONGEST_PACKET: usize = 1024;
/// Most of it is for a burst's list of parts; each transfer has one.
const STACK_BYTES: usize = 128 << 10;

/// The engine's hold on a transfer.
pub(super) struct Courier {
    socket: Arc<Socket>,
    told: Arc<Mutex<Option<End>>>,
    thread: JoinHandle<()>,
}

impl Courier {
    /// The number is what its letters are signed with.
    pub(super) fn send(
        number: u64,
        line: Line,
        transfer: Transfer,
        first: Act,
        content: Content,
        mailbox: Arc<Mailbox>,
    ) -> io::Result<Courier> {
        let (socket, told) = (line.socket(), Arc::new(Mutex::new(None)));
        let gone = SaysGone(number, Arc::clone(&mailbox));
        let mut journey = Journey {
            number,
            line,
            transfer,
            bytes: content.bytes,
            told: Arc::clone(&told),
            mailbox,
            started: Instant::now(),
        };
        let ended = content.ended;
        let work = move || {
            let _gone = gone;
            let how = journey.run(first);
            ended(journey.ended(how));
        };
        let thread = std::thread::Builder::new()
            .name("tftp transfer".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(work)?;
        Ok(Courier {
            socket,
            told,
            thread,
        })
    }

    /// Ends it, for this reason; its letter comes.
    pub(super) fn stop(&self, how: End) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(how);
        // Fails only if it ended by itself.
        let _ = self.socket.shutdown(Shutdown::Read);
    }

    /// After its letter: it is ending.
    pub(super) fn join(self) {
        if self.thread.join().is_err() {
            tracing::error!("a TFTP transfer crashed; the others go on");
        }
    }
}

struct SaysGone(u64, Arc<Mailbox>);

impl Drop for SaysGone {
    fn drop(&mut self) {
        self.1.put(Letter::Gone(self.0));
    }
}

struct Journey {
    number: u64,
    line: Line,
    transfer: Transfer,
    bytes: Arc<[u8]>,
    told: Arc<Mutex<Option<End>>>,
    mailbox: Arc<Mailbox>,
    started: Instant,
}

impl Journey {
    fn run(&mut self, first: Act) -> End {
        let mut buffer = [0; LONGEST_PACKET];
        let mut act = first;
        let mut now = Instant::now();
        loop {
            let sent = match act {
                Act::Wait => Ok(()),
                Act::SendOack => match &self.transfer.terms().oack {
                    Some(oack) => self.line.send(oack),
                    None => Ok(()),
                },
                Act::SendBlocks(blocks) => {
                    self.line.send_blocks(&self.transfer, &self.bytes, blocks)
                }
                Act::End(end) => return end,
            };
            let wait = self.transfer.deadline().saturating_duration_since(now);
            let received = sent.and_then(|()| self.line.receive(&mut buffer, wait));
            let received = match received {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    return End::Unreachable;
                }
                // No route, no link, a smaller MTU on the way: it may pass when it is sent again.
                Err(_) => self.line.receive(&mut buffer, wait).unwrap_or(None),
            };
            now = Instant::now();
            act = match received {
                Some(packet) if !packet.is_empty() => {
                    let unheard = !self.transfer.heard();
                    let act = self.transfer.packet(packet::reply(packet), now);
                    if unheard && self.transfer.heard() {
                        self.mailbox.put(Letter::Heard(self.number));
                    }
                    act
                }
                _ => match self.told() {
                    Some(end) => return self.farewell(end),
                    None => self.transfer.tick(now),
                },
            };
            // A machine that only sends nonsense holds no deadline off.
            if act == Act::Wait {
                act = self.transfer.tick(now);
            }
        }
    }

    fn told(&self) -> Option<End> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.take()
    }

    fn farewell(&self, end: End) -> End {
        let sentence = match end {
            End::Stopped => Some("the server is stopping; ask again in a minute"),
            End::Crowded => Some("the server needs this place for another; ask again in a minute"),
            _ => None,
        };
        if let Some(sentence) = sentence.filter(|_| self.transfer.heard()) {
            let _ = self.line.send(&Refusal::because(sentence).encode());
        }
        end
    }

    fn ended(&self, how: End) -> Ended {
        Ended {
            how,
            acknowledged_bytes: self.transfer.acknowledged_bytes(),
            resent_blocks: self.transfer.resent_blocks(),
            took: self.started.elapsed(),
        }
    }
}
