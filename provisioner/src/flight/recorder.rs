//! The handle that steps are noted with. It never waits for anything but its own short lock, and
//! its memory has an end: a machine that is answered must not wait for a diary.

use super::timeline::Flight;
use super::wire::{Carrier, Step};
use crate::Mac;
use state::{Clock, Timestamp};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Machines whose flight of now is in memory; the one that was silent longest makes room.
const MOST_MACHINES: usize = 1000;

/// Cloning shares it.
#[derive(Clone, Debug)]
pub struct Recorder {
    clock: Clock,
    // A std mutex: held for a look-up and a push, never across an await.
    aboard: Arc<Mutex<HashMap<Mac, Aboard>>>,
}

/// A machine's flight of now.
#[derive(Debug)]
struct Aboard {
    flight: Flight,
}

impl Recorder {
    pub fn new(clock: Clock) -> Recorder {
        Recorder {
            clock,
            aboard: Arc::default(),
        }
    }

    /// Writes down what happened between `mac` and us, now.
    pub fn note(&self, mac: Mac, step: Step) {
        self.note_at(mac, self.clock.now(), step);
    }

    pub(super) fn note_at(&self, mac: Mac, at: Timestamp, step: Step) {
        let mut aboard = self.lock();
        if let Some(machine) = aboard.get_mut(&mac) {
            if machine.flight.takes(at, &step) {
                machine.flight.push(at, step);
            } else {
                machine.flight = Flight::new(at, step);
            }
            return;
        }
        if aboard.len() >= MOST_MACHINES {
            let quietest = aboard
                .iter()
                .min_by_key(|(_, machine)| machine.flight.ended())
                .map(|(mac, _)| *mac);
            if let Some(quietest) = quietest {
                aboard.remove(&quietest);
            }
        }
        let flight = Flight::new(at, step);
        aboard.insert(mac, Aboard { flight });
    }

    /// The machine's flight of now, or its last one of this run of the appliance.
    pub fn latest(&self, mac: Mac) -> Option<Flight> {
        self.lock().get(&mac).map(|machine| machine.flight.clone())
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

    fn lock(&self) -> MutexGuard<'_, HashMap<Mac, Aboard>> {
        self.aboard.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        assert_eq!(recorder.lock().len(), MOST_MACHINES);
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
