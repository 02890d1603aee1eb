//! Steps become flights: one flight is one power-on of a machine. Pure.

use super::wire::{Message, Program, Step, Timed};
use crate::boot::path::BootFile;
use state::Timestamp;
use std::time::Duration;

/// Steps kept of one flight: a boot has about twenty; firmware that asks for ever has its first and
/// its last ones kept.
pub(super) const MOST_STEPS: usize = 200;
/// Of these, the ones at the beginning.
const FIRST_STEPS: usize = 80;
/// Nothing for this long ends a flight: firmware waits up to 32 s between two questions, and about
/// 60 s before it tries its next boot entry.
const QUIET: Duration = Duration::from_secs(180);

/// One power-on of a machine, as far as the network saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flight {
    pub started: Timestamp,
    /// Oldest first.
    pub steps: Vec<Timed>,
    /// Steps between the first and the last ones that were not kept.
    pub omitted: u64,
}

impl Flight {
    pub(super) fn new(at: Timestamp, step: Step) -> Flight {
        let mut flight = Flight {
            started: at,
            steps: Vec::new(),
            omitted: 0,
        };
        flight.push(at, step);
        flight
    }

    pub fn ended(&self) -> Timestamp {
        self.steps.last().map_or(self.started, |step| {
            Timestamp(step.last_ms.unwrap_or(step.at_ms))
        })
    }

    /// Did it ask us alone for something? Then the way between it and us is open.
    pub(super) fn followed(&self) -> bool {
        self.steps.iter().any(|timed| {
            matches!(
                timed.step,
                Step::Asked { port: 4011, .. } | Step::FileAsked { .. }
            )
        })
    }

    /// Does a step at `at` belong to this power-on?
    pub(super) fn takes(&self, at: Timestamp, step: &Step) -> bool {
        if at.since(self.ended()) > QUIET {
            return false;
        }
        let firmware = matches!(
            step,
            Step::Asked {
                message: Message::Discover,
                program: Program::Bios | Program::Uefi | Program::UefiHttp | Program::Ipxe,
                ..
            }
        );
        // Whoever has started our kernel and is in its firmware again was switched off and on.
        !(firmware && self.steps.iter().any(|timed| starts_kernel(&timed.step)))
    }

    /// The same again is counted, not listed.
    pub(super) fn push(&mut self, at: Timestamp, step: Step) {
        if let Some(last) = self.steps.last_mut()
            && last.step == step
        {
            last.times = last.times.saturating_add(1);
            last.last_ms = Some(at.0);
            return;
        }
        if self.steps.len() >= MOST_STEPS {
            self.steps.remove(FIRST_STEPS);
            self.omitted += 1;
        }
        self.steps.push(Timed {
            at_ms: at.0,
            step,
            times: 1,
            last_ms: None,
        });
    }
}

/// The initramfs is the last file before the kernel runs.
fn starts_kernel(step: &Step) -> bool {
    match step {
        Step::Reported => true,
        Step::FileSent {
            file, bytes, of, ..
        } => bytes == of && file == BootFile::Initrd.name(),
        _ => false,
    }
}
