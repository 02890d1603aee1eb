//! The handle that steps are noted with. It never waits for anything but its own short lock, and
//! its memory has an end: a machine that is answered must not wait for a diary.

use super::ether::Ether;
use super::timeline::Flight;
use super::wire::{Carrier, Step};
use crate::Mac;
use state::{Clock, Timestamp};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Machines whose flight of now is in memory; the one that was silent longest makes room.
const MOST_MACHINES: usize = 1000;
/// Flights that ended and wait to be written.
const MOST_ENDED: usize = 256;
/// A flight is written when nothing happened for a moment, and now and then while much happens.
const SETTLED: Duration = Duration::from_secs(2);
const AT_LATEST: Duration = Duration::from_secs(10);
/// After that, what rests on silence can be said of it.
const ENDED: Duration = Duration::from_secs(180);
/// The card and our server look at two clocks' readings of one packet.
const SAME_PACKET: Duration = Duration::from_millis(1500);

/// Cloning shares it.
#[derive(Clone, Debug)]
pub struct Recorder {
    clock: Clock,
    // A std mutex: held for a look-up and a push, never across an await.
    logbook: Arc<Mutex<Logbook>>,
    /// What goes by on the wires, noted by the tasks that listen.
    ether: Arc<Mutex<Ether>>,
}

#[derive(Debug, Default)]
struct Logbook {
    aboard: HashMap<Mac, Aboard>,
    /// Flights that made room before they were written.
    ended: VecDeque<(Mac, Flight)>,
}

/// A machine's flight of now.
#[derive(Debug)]
struct Aboard {
    flight: Flight,
    /// Since when there is something to write.
    unsaved: Option<Timestamp>,
    /// It was written as one that ended.
    judged: bool,
    /// When our servers got its last packet, by port.
    got: [Option<Timestamp>; 3],
}

impl Aboard {
    fn new(flight: Flight, now: Timestamp) -> Aboard {
        Aboard {
            flight,
            unsaved: Some(now),
            judged: false,
            got: [None; 3],
        }
    }
}

/// Our servers' place in `got`.
fn slot(port: u16) -> Option<usize> {
    [67, 4011, 69].iter().position(|known| *known == port)
}

fn port_of(step: &Step) -> Option<u16> {
    match step {
        Step::Asked { port, .. } => Some(*port),
        Step::FileAsked {
            by: Carrier::Tftp, ..
        } => Some(69),
        _ => None,
    }
}

impl Recorder {
    pub fn new(clock: Clock) -> Recorder {
        Recorder {
            clock,
            logbook: Arc::default(),
            ether: Arc::default(),
        }
    }

    /// Writes down what happened between `mac` and us, now.
    pub fn note(&self, mac: Mac, step: Step) {
        self.note_at(mac, self.clock.now(), step);
    }

    pub(super) fn note_at(&self, mac: Mac, at: Timestamp, step: Step) {
        let got = port_of(&step).and_then(slot);
        let mut logbook = self.lock();
        let Logbook { aboard, ended } = &mut *logbook;
        if !aboard.contains_key(&mac) && aboard.len() >= MOST_MACHINES {
            let quietest = aboard
                .iter()
                .min_by_key(|(_, machine)| machine.flight.ended())
                .map(|(mac, _)| *mac);
            if let Some(quietest) = quietest
                && let Some(left) = aboard.remove(&quietest)
            {
                leave(ended, quietest, left);
            }
        }
        let machine = match aboard.remove(&mac) {
            None => Aboard::new(Flight::new(at, step), at),
            Some(mut machine) if machine.flight.takes(at, &step) => {
                machine.flight.push(at, step);
                machine.unsaved.get_or_insert(at);
                machine.judged = false;
                machine
            }
            Some(left) => {
                leave(ended, mac, left);
                Aboard::new(Flight::new(at, step), at)
            }
        };
        let machine = aboard.entry(mac).or_insert(machine);
        if let Some(slot) = got {
            machine.got[slot] = Some(at);
        }
    }

    /// Did our server on `port` get the packet that came to the card at `at`?
    pub(super) fn got(&self, mac: Mac, port: u16, at: Timestamp) -> bool {
        let logbook = self.lock();
        let machine = logbook.aboard.get(&mac);
        let got = machine
            .zip(slot(port))
            .and_then(|(machine, slot)| machine.got[slot]);
        got.is_some_and(|got| got + SAME_PACKET >= at)
    }

    /// What is to be written now, at most a few at once: a machine's flight, and whether it ended.
    /// They count as written. `all`: there is no later.
    pub(super) fn unsaved(&self, now: Timestamp, all: bool) -> Vec<(Mac, Flight, bool)> {
        let mut logbook = self.lock();
        let Logbook { aboard, ended } = &mut *logbook;
        let mut due: Vec<_> = ended
            .drain(..)
            .map(|(mac, flight)| (mac, flight, true))
            .collect();
        for (mac, machine) in aboard.iter_mut() {
            if due.len() >= MOST_ENDED && !all {
                break;
            }
            let quiet = now.since(machine.flight.ended());
            let over = quiet >= ENDED && !machine.judged;
            let waits = machine
                .unsaved
                .is_some_and(|since| quiet >= SETTLED || now.since(since) >= AT_LATEST || all);
            if over || waits {
                machine.unsaved = None;
                machine.judged |= over;
                due.push((*mac, machine.flight.clone(), over));
            }
        }
        due
    }

    /// They could not be written: they are tried again, unless the machine flew again since.
    pub(super) fn not_saved(&self, macs: &[Mac], now: Timestamp) {
        let mut logbook = self.lock();
        for mac in macs {
            if let Some(machine) = logbook.aboard.get_mut(mac) {
                machine.unsaved.get_or_insert(now);
                machine.judged = false;
            }
        }
    }

    /// Did another machine than these get past its first question, since `since`?
    pub(super) fn others_followed(&self, macs: &[Mac], since: Timestamp) -> bool {
        self.lock().aboard.iter().any(|(mac, machine)| {
            !macs.contains(mac) && machine.flight.ended() > since && machine.flight.followed()
        })
    }

    /// The machine's flight of now, or its last one of this run of the appliance.
    pub fn latest(&self, mac: Mac) -> Option<Flight> {
        let logbook = self.lock();
        let machine = logbook.aboard.get(&mac);
        machine.map(|machine| machine.flight.clone())
    }

    pub(super) fn ether(&self) -> MutexGuard<'_, Ether> {
        self.ether.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file of `of` bytes begins to travel; its end is noted when the guard is dropped.
    pub(crate) fn sending(&self, mac: Mac, by: Carrier, file: &str, of: u64) -> Sending {
        Sending {
            recorder: self.clone(),
            mac,
            by,
            file: file.to_owned(),
            of,
            sent: 0,
            began: self.clock.now(),
            why: None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Logbook> {
        self.logbook.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A flight that ends without its last words written.
fn leave(ended: &mut VecDeque<(Mac, Flight)>, mac: Mac, left: Aboard) {
    if left.judged {
        return;
    }
    if ended.len() >= MOST_ENDED {
        ended.pop_front();
    }
    ended.push_back((mac, left.flight));
}

/// A file on its way. Whoever sends it says how much went out; dropping it notes how it ended.
#[derive(Debug)]
pub(crate) struct Sending {
    recorder: Recorder,
    mac: Mac,
    by: Carrier,
    file: String,
    of: u64,
    sent: u64,
    began: Timestamp,
    why: Option<String>,
}

impl Sending {
    /// `bytes` more arrived (TFTP: acknowledged) or were handed to the network (HTTP).
    pub(crate) fn add(&mut self, bytes: u64) {
        self.sent = self.sent.saturating_add(bytes);
    }

    /// Why it ends before its end: what the client said, or that it said nothing.
    pub(crate) fn failed(&mut self, why: &str) {
        self.why = Some(why.chars().take(120).collect());
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        let now = self.recorder.clock.now();
        let step = Step::FileSent {
            by: self.by,
            file: std::mem::take(&mut self.file),
            bytes: self.sent.min(self.of),
            of: self.of,
            took_ms: u64::try_from(now.since(self.began).as_millis()).unwrap_or(u64::MAX),
            why: self.why.take(),
        };
        self.recorder.note_at(self.mac, now, step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flight::wire::{Message, Program};
    use std::time::Duration;

    fn discover(program: Program, xid: u32) -> Step {
        Step::Asked {
            port: 67,
            message: Message::Discover,
            program,
            arch: Some(7),
            secs: 0,
            xid,
            server: None,
            relay: None,
            broadcast: true,
        }
    }

    fn mac(number: u32) -> Mac {
        let [a, b, c, d] = number.to_be_bytes();
        Mac([0x52, 0x54, a, b, c, d])
    }

    #[test]
    fn a_power_on_is_one_flight_and_the_next_another() {
        let clock = Clock::manual(Timestamp(1_000_000));
        let recorder = Recorder::new(clock.clone());
        recorder.note(mac(1), discover(Program::Uefi, 1));
        clock.advance(Duration::from_secs(60));
        recorder.note(mac(1), discover(Program::UefiHttp, 2));
        let mut sending = recorder.sending(mac(1), Carrier::Http, "initrd", 10);
        sending.add(4);
        sending.failed("reset");
        drop(sending);
        let flight = recorder.latest(mac(1)).unwrap();
        assert_eq!(flight.steps.len(), 3, "{flight:?}");
        let Step::FileSent { bytes, of, why, .. } = &flight.steps[2].step else {
            panic!("{flight:?}");
        };
        assert_eq!((*bytes, *of, why.as_deref()), (4, 10, Some("reset")));
        // Its kernel runs; it asks again from its firmware: it was switched off and on.
        recorder.sending(mac(1), Carrier::Http, "initrd", 0).add(0);
        recorder.note(mac(1), discover(Program::Uefi, 3));
        assert_eq!(recorder.latest(mac(1)).unwrap().steps.len(), 1);
        clock.advance(Duration::from_secs(200));
        recorder.note(mac(1), discover(Program::Uefi, 4));
        let flight = recorder.latest(mac(1)).unwrap();
        assert_eq!(flight.started, clock.now(), "after a silence");
    }

    #[test]
    fn memory_has_an_end() {
        let clock = Clock::manual(Timestamp(0));
        let recorder = Recorder::new(clock.clone());
        for number in 0..5000 {
            clock.advance(Duration::from_millis(1));
            recorder.note(mac(number), discover(Program::Uefi, number));
        }
        assert_eq!(recorder.lock().aboard.len(), MOST_MACHINES);
        assert!(recorder.latest(mac(4999)).is_some(), "the newest stays");
        for number in 0..5000 {
            recorder.note(mac(4999), discover(Program::Uefi, number));
        }
        let flight = recorder.latest(mac(4999)).unwrap();
        assert_eq!(flight.steps.len(), super::super::timeline::MOST_STEPS);
        assert_eq!(flight.omitted + 200, 5001);
        let first = &flight.steps[0].step;
        assert_eq!(
            *first,
            discover(Program::Uefi, 4999),
            "its first step stays"
        );
        for _ in 0..5000 {
            recorder.note(mac(1), discover(Program::Uefi, 7));
        }
        let flight = recorder.latest(mac(1)).unwrap();
        assert_eq!((flight.steps.len(), flight.steps[0].times), (1, 5000));
    }
}
