//! One image onto one disk: look, say what will be lost, write, read back.

use super::chunks::{self, Pass, WORKERS, judge};
use super::client::{self, Client};
use super::disk::{self, TargetDisk};
use super::screen::Screen;
use super::source;
use super::text::Text;
use crate::capture;
use crate::deploy::{Refused, accept_order};
use crate::wire::{DeployOrder, Inventory, ProgressReport, Step, Task};
use std::path::Path;
use std::time::{Duration, Instant};

const REPORT_EVERY: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Beyond the image, the end of the disk is cleared: a second partition table lives there, and an
/// old one beside a new first one confuses firmware and installers.
const TAIL_BYTES: u64 = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    NotCaptured(#[from] capture::Refused),
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error(transparent)]
    Client(#[from] client::Error),
    #[error(transparent)]
    Disk(#[from] disk::Error),
    #[error(transparent)]
    Chunks(#[from] chunks::Error),
    #[error("make a random number: {0}; check /dev/urandom")]
    Random(getrandom::Error),
    #[error("{0}")]
    Cancelled(&'static str),
}

pub(super) struct Deployment<'a> {
    pub client: &'a Client,
    pub screen: &'a Screen,
    pub text: Text,
    pub task: Task,
    pub order: &'a DeployOrder,
    pub confirm: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub bytes: u64,
    pub took: Duration,
}

impl Deployment<'_> {
    pub(super) fn run(&self, inventory: &Inventory) -> Result<Written, Error> {
        let order = self.order;
        let disk = accept_order(order, inventory)?;
        let manifest = self.client.manifest(&order.session)?;
        judge(&manifest, order.image_size_bytes, disk.size_bytes)?;
        self.say_what_will_happen()?;

        let start = Instant::now();
        let disk = TargetDisk::open(Path::new(&disk.path), disk.size_bytes)?;
        self.pass(Step::Write, manifest.size_bytes, WORKERS, |pass| {
            chunks::write(pass, self.client, &order.session, &manifest, &disk);
        })?;
        let tail = tail(manifest.size_bytes, disk.size_bytes());
        disk.zero(tail.start, tail.end - tail.start)?;
        disk.flush()?;
        self.pass(Step::Verify, manifest.size_bytes, WORKERS, |pass| {
            chunks::verify(pass, &manifest, &disk);
        })?;
        Ok(Written {
            bytes: manifest.size_bytes,
            took: start.elapsed(),
        })
    }

    /// Shows it for as long as `confirm`; a key press is the last way out.
    pub(super) fn say_what_will_happen(&self) -> Result<(), Error> {
        self.screen
            .block(&self.text.confirmation(self.task, self.order));
        self.screen.drain_keys();
        for left in (1..=self.confirm.as_secs()).rev() {
            self.screen.progress(&self.text.countdown(left));
            self.report(Step::Confirm, 0, self.order.image_size_bytes)?;
            if self.screen.key_within(Duration::from_secs(1)) {
                return Err(Error::Cancelled(self.text.cancelled_here(self.task)));
            }
        }
        Ok(())
    }

    /// Runs `work` on a few threads, shows and reports its progress once a second.
    pub(super) fn pass(
        &self,
        step: Step,
        total: u64,
        workers: usize,
        work: impl Fn(&Pass) + Sync,
    ) -> Result<(), Error> {
        let pass = Pass::default();
        let start = Instant::now();
        let show = |done| {
            let line = self.text.progress(step, done, total, start.elapsed());
            self.screen.progress(&line);
        };
        let refused = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(|| work(&pass))).collect();
            let mut last: Option<Instant> = None;
            while !workers
                .iter()
                .all(std::thread::ScopedJoinHandle::is_finished)
            {
                if last.is_none_or(|last| last.elapsed() >= REPORT_EVERY) {
                    last = Some(Instant::now());
                    show(pass.done_bytes());
                    if let Err(error) = self.report(step, pass.done_bytes(), total) {
                        pass.stop();
                        return Some(error);
                    }
                }
                std::thread::sleep(LOOK_EVERY);
            }
            None
        });
        if let Some(error) = refused {
            return Err(error);
        }
        show(pass.done_bytes());
        pass.outcome().map_err(|error| match error {
            // The server says so to whoever asks first: a chunk may be asked for before the report.
            chunks::Error::Client(client::Error::Refused { status: 409, .. }) => {
                Error::Cancelled(self.text.cancelled_there(self.task))
            }
            error => error.into(),
        })?;
        self.report(step, total, total)
    }

    /// A server that refuses the report has ended the session: whoever cancelled means it now.
    pub(super) fn report(
        &self,
        step: Step,
        done_bytes: u64,
        total_bytes: u64,
    ) -> Result<(), Error> {
        let report = ProgressReport {
            session: self.order.session.clone(),
            step,
            done_bytes,
            total_bytes,
            fetched_bytes: self.client.fetched_bytes(),
        };
        match self.client.progress(&report) {
            Err(client::Error::Refused { .. }) => Err(Error::Cancelled(match step {
                Step::Confirm => self.text.cancelled_before(self.task),
                Step::Read | Step::Write | Step::Verify => self.text.cancelled_there(self.task),
            })),
            outcome => Ok(outcome?),
        }
    }
}

/// What lies behind the image and may hold an old partition table.
fn tail(image_bytes: u64, disk_bytes: u64) -> std::ops::Range<u64> {
    disk_bytes.saturating_sub(TAIL_BYTES).max(image_bytes)..disk_bytes.max(image_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_larger_disk_is_cleared() {
        const MIB: u64 = 1 << 20;
        assert_eq!(tail(10 * MIB, 20 * MIB), 19 * MIB..20 * MIB);
        assert_eq!(tail(10 * MIB, 10 * MIB + 512), 10 * MIB..10 * MIB + 512);
        assert!(tail(10 * MIB, 10 * MIB).is_empty());
    }
}
