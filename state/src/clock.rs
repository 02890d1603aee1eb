//! Time as a value. Everything that decides takes `now`; only edges ask the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// Milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Time passed from `earlier` to `self`; zero if the clock went backwards.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Timestamp;
    fn add(self, d: Duration) -> Timestamp {
        Timestamp(
            self.0
                .saturating_add(i64::try_from(d.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Timestamp;
    fn sub(self, d: Duration) -> Timestamp {
        Timestamp(
            self.0
                .saturating_sub(i64::try_from(d.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

/// Where `now` comes from: the machine, or a hand in a test.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Manual(Arc<Hands>),
}

/// Of a clock moved by hand.
#[derive(Debug, Default)]
pub struct Hands {
    wall_ms: AtomicI64,
    steady_ms: AtomicU64,
}

/// Both readings of a clock at one moment: what somebody may set, and what only ever goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub wall: Timestamp,
    pub steady: Duration,
}

/// A correction up to this much between two looks is a time server at work, and nobody's business.
const CORRECTION: Duration = Duration::from_secs(300);

impl Reading {
    /// How far the clock was set since `earlier`, in milliseconds (negative: back); `None` when it just went on.
    pub fn set_since(self, earlier: Reading) -> Option<i64> {
        let passed = self.steady.saturating_sub(earlier.steady);
        let expected = earlier.wall + passed;
        let moved = self.wall.0.saturating_sub(expected.0);
        (u128::from(moved.unsigned_abs()) > CORRECTION.as_millis()).then_some(moved)
    }
}

impl Clock {
    pub fn manual(start: Timestamp) -> Clock {
        Clock::Manual(Arc::new(Hands {
            wall_ms: AtomicI64::new(start.0),
            steady_ms: AtomicU64::new(0),
        }))
    }

    pub fn now(&self) -> Timestamp {
        match self {
            #[expect(
                clippy::disallowed_methods,
                reason = "the one home of the system clock"
            )]
            Clock::System => {
                let since_epoch = std::time::SystemTime::now()
                    .duration_since(std::time::UNIX_EPOCH)
                    .unwrap_or_default();
                Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
            }
            Clock::Manual(hands) => Timestamp(hands.wall_ms.load(Ordering::SeqCst)),
        }
    }

    /// Time passed since some fixed moment, also while the machine slept; nobody sets it.
    pub fn steady(&self) -> Duration {
        match self {
            Clock::System => {
                let at = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
                Duration::try_from(at).unwrap_or_default()
            }
            Clock::Manual(hands) => Duration::from_millis(hands.steady_ms.load(Ordering::SeqCst)),
        }
    }

    pub fn reading(&self) -> Reading {
        Reading {
            wall: self.now(),
            steady: self.steady(),
        }
    }

    /// Lets time pass on a manual clock; on the system's it passes by itself.
    pub fn advance(&self, by: Duration) {
        if let Clock::Manual(hands) = self {
            let ms = by.as_millis();
            let wall = i64::try_from(ms).unwrap_or(i64::MAX);
            hands.wall_ms.fetch_add(wall, Ordering::SeqCst);
            let steady = u64::try_from(ms).unwrap_or(u64::MAX);
            hands.steady_ms.fetch_add(steady, Ordering::SeqCst);
        }
    }

    /// Sets a manual clock, as somebody sets a machine's: no time passes.
    pub fn set(&self, to: Timestamp) {
        if let Clock::Manual(hands) = self {
            hands.wall_ms.store(to.0, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_told_from_one_that_goes_on() {
        let at = |wall, steady| Reading {
            wall: Timestamp(wall),
            steady: Duration::from_millis(steady),
        };
        let before = at(1_000_000, 50);
        let day = 86_400_000;
        for (case, now, want) in [
            ("a second later", at(1_001_000, 1050), None),
            (
                "asleep for a day",
                at(1_000_000 + day, 50 + day.unsigned_abs()),
                None,
            ),
            ("a time server corrects it", at(1_301_000, 1050), None),
            ("and back", at(701_000, 1050), None),
            ("a day ahead", at(1_001_000 + day, 1050), Some(day)),
            ("a day back", at(1_001_000 - day, 1050), Some(-day)),
            (
                "to the end of time",
                at(i64::MAX, 1050),
                Some(i64::MAX - 1_001_000),
            ),
            ("before the epoch", at(i64::MIN, 1050), Some(i64::MIN)),
        ] {
            assert_eq!(now.set_since(before), want, "{case}");
        }
    }

    #[test]
    fn a_manual_clock_passes_and_is_set() {
        let clock = Clock::manual(Timestamp(5));
        let before = clock.reading();
        clock.advance(Duration::from_secs(3600));
        assert_eq!(clock.now(), Timestamp(3_600_005));
        assert_eq!(clock.reading().set_since(before), None);
        clock.set(Timestamp(5));
        assert_eq!(clock.reading().set_since(before), Some(-3_600_000));
        let system = Clock::System.reading();
        assert_eq!(Clock::System.reading().set_since(system), None);
    }
}
