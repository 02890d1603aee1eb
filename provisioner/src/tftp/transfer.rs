//! One file on its way to one machine: packets and the time in, what to send out. No socket, no
//! clock.
//!
//! Blocks are counted from 1 without end; block 0 is the OACK. Only the wire sees 16 bits.

use super::options::{RollOver, Terms};
use super::packet::Reply;
use super::rtt::RoundTrip;
use std::ops::{Range, RangeInclusive};
use std::time::{Duration, Instant};

/// Sent again to a machine that never answered: it may not exist, and what is sent hits a victim
/// whose address was borrowed. Who lost both asks again.
const FIRST_TRIES: u32 = 1;
/// How long it then has for its answer, at least.
const LAST_WAIT: Duration = Duration::from_millis(2500);
/// Sent again to a machine that answered before: about half a minute in all.
const TRIES: u32 = 8;
/// atftp ends when it sees a second OACK, so a slow start gets more time than anything later.
const OACK_PATIENCE: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A window sent again because the machine asked for it, without any progress between.
const MOST_REPEATS: u32 = 16;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Wait,
    SendOack,
    /// In this order, as one burst.
    SendBlocks(RangeInclusive<u64>),
    End(End),
}

/// How a transfer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The machine acknowledged the last block.
    Complete,
    /// The machine sent an ERROR: its code and message. UEFI does so (code 8) when it only wanted
    /// to know the size.
    Aborted { code: u16, message: String },
    /// The machine never answered the first packet.
    Unanswered,
    /// The machine answered at first, then no more.
    Silent,
    /// The machine's port is closed.
    Unreachable,
    /// The machine asked again from the same port, and went on with that transfer.
    Replaced,
    /// It gave its place to another: all places were taken, most of them by this machine.
    Crowded,
    /// The server stops.
    Stopped,
}

pub(super) struct Transfer {
    terms: Terms,
    bytes: u64,
    /// Number of the last block: the first that is not full.
    last: u64,
    /// The OACK was acknowledged, or there is none.
    agreed: bool,
    /// The machine answered: it exists, at the address it asked from.
    heard: bool,
    acked: u64,
    sent: u64,
    sent_at: Instant,
    /// Part of what is under way was sent more than once: how long it took says nothing (Karn).
    repeated: bool,
    /// When to send again; earlier than patience says if `asked_again`.
    deadline: Instant,
    asked_again: bool,
    rtt: RoundTrip,
    /// Kept until something sent once is acknowledged (Karn).
    backoff: u32,
    tries: u32,
    repeats: u32,
    resent_blocks: u64,
}

impl Transfer {
    /// What is returned is the first packet: the OACK, or block 1.
    pub(super) fn open(terms: Terms, bytes: u64, now: Instant) -> (Transfer, Act) {
        let agreed = terms.oack.is_none();
        let mut transfer = Transfer {
            last: bytes / u64::from(terms.block_bytes) + 1,
            terms,
            bytes,
            agreed,
            heard: false,
            acked: 0,
            sent: u64::from(agreed),
            sent_at: now,
            repeated: false,
            deadline: now,
            asked_again: false,
            rtt: RoundTrip::default(),
            backoff: 0,
            tries: 0,
            repeats: 0,
            resent_blocks: 0,
        };
        transfer.sending(now);
        let act = if agreed {
            Act::SendBlocks(1..=1)
        } else {
            Act::SendOack
        };
        (transfer, act)
    }

    /// When [`Transfer::tick`] has something to do, unless a packet comes first.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the machine ever answered.
    pub(super) fn heard(&self) -> bool {
        self.heard
    }

    /// Bytes the machine acknowledged.
    pub(super) fn acknowledged_bytes(&self) -> u64 {
        (self.acked * u64::from(self.terms.block_bytes)).min(self.bytes)
    }

    /// Blocks that were sent more than once.
    pub(super) fn resent_blocks(&self) -> u64 {
        self.resent_blocks
    }

    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The block's number on the wire, and where its bytes are in the file.
    pub(super) fn block(&self, number: u64) -> (u16, Range<u64>) {
        let block_bytes = u64::from(self.terms.block_bytes);
        let start = number.saturating_sub(1) * block_bytes;
        let end = (start + block_bytes).min(self.bytes);
        (self.wire(number), start.min(end)..end)
    }

    fn wire(&self, number: u64) -> u16 {
        let number = match self.terms.roll_over {
            RollOver::Zero => number % 65536,
            RollOver::One if number > 0 => (number - 1) % 65535 + 1,
            RollOver::One => 0,
        };
        u16::try_from(number).unwrap_or_default()
    }

    pub(super) fn packet(&mut self, reply: Reply, now: Instant) -> Act {
        match reply {
            Reply::Ack(number) => self.ack(number, now),
            Reply::Error(code, message) => Act::End(End::Aborted { code, message }),
            Reply::Other => Act::Wait,
        }
    }

    fn ack(&mut self, number: u16, now: Instant) -> Act {
        if !self.agreed {
            if number != 0 {
                return Act::Wait;
            }
            self.agreed = true;
            self.progress(true, now);
            return self.next(now);
        }
        // The newest first: that is the usual one.
        let found = (self.acked..=self.sent)
            .rev()
            .find(|&n| self.wire(n) == number);
        match found {
            // From before what is under way, or from nowhere.
            None => Act::Wait,
            Some(block) if block == self.acked => self.asks_again(now),
            Some(block) => {
                self.acked = block;
                self.progress(block == self.sent, now);
                if block == self.last {
                    return Act::End(End::Complete);
                }
                // Part of the window: the block after it is missing, or is still on the way.
                if block < self.sent && !self.believed(now) {
                    return Act::Wait;
                }
                self.next(now)
            }
        }
    }

    fn progress(&mut self, everything: bool, now: Instant) {
        self.heard = true;
        (self.tries, self.repeats) = (0, 0);
        if everything && !self.repeated {
            self.rtt.learn(now.saturating_duration_since(self.sent_at));
        }
        // Everything, of which some was sent twice: it may be that patience is too short.
        if !everything || !self.repeated {
            self.backoff = 0;
        }
    }

    /// An acknowledgement of what had been acknowledged. In lock-step it is an echo, and answering
    /// it would double every packet from here on (RFC 1123 §4.2.3.1). With windows it says that
    /// the first block under way did not arrive (RFC 7440 §4).
    fn asks_again(&mut self, now: Instant) -> Act {
        if self.terms.window == 1 || self.repeats >= MOST_REPEATS || !self.believed(now) {
            return Act::Wait;
        }
        self.repeat(now)
    }

    /// Whether an acknowledgement of less than everything speaks of what was sent last: it does a
    /// round trip after sending. Before, it may be about blocks that arrived twice, and answering
    /// each would double them again; it is then acted upon later, unless a better one comes.
    fn believed(&mut self, now: Instant) -> bool {
        let at = self.sent_at + self.rtt.one();
        if now < at && at < self.deadline {
            self.deadline = at;
            self.asked_again = true;
        }
        now >= at
    }

    fn repeat(&mut self, now: Instant) -> Act {
        self.repeats += 1;
        self.next(now)
    }

    pub(super) fn tick(&mut self, now: Instant) -> Act {
        if now < self.deadline {
            return Act::Wait;
        }
        if self.asked_again {
            return self.repeat(now);
        }
        let most = if self.heard { TRIES } else { FIRST_TRIES };
        if self.tries == most {
            return Act::End(if self.heard {
                End::Silent
            } else {
                End::Unanswered
            });
        }
        self.tries += 1;
        self.backoff += 1;
        if self.agreed {
            self.next(now)
        } else {
            self.repeated = true;
            self.sending(now);
            Act::SendOack
        }
    }

    /// The window after what is acknowledged; of it, what was sent before was lost, as far as we know.
    fn next(&mut self, now: Instant) -> Act {
        let before = self.sent;
        self.sent = (self.acked + u64::from(self.terms.window)).min(self.last);
        self.repeated = before > self.acked;
        self.resent_blocks += before - self.acked;
        self.sending(now);
        Act::SendBlocks(self.acked + 1..=self.sent)
    }

    fn sending(&mut self, now: Instant) {
        self.asked_again = false;
        self.sent_at = now;
        self.wait_from(now);
    }

    fn wait_from(&mut self, now: Instant) {
        let longest = self.terms.timeout.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
        let patience = self.rtt.patience();
        let patience = if self.agreed {
            patience
        } else {
            patience.max(OACK_PATIENCE)
        };
        let wait = patience * (1 << self.backoff.min(10));
        let wait = match !self.heard && self.tries == FIRST_TRIES {
            true => wait.max(LAST_WAIT),
            false => wait,
        };
        self.deadline = now + wait.min(longest);
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
