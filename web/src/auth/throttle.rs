//! How fast passwords may be tried. In memory: a restart forgives, and costs the attacker more
//! than it gives.

use state::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Failures in a row, and when the last one was.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tries {
    failed: u32,
    last: Timestamp,
}

/// Five free tries, then 1, 2, 4 … 60 s between tries; a quarter of an hour of peace forgets all.
fn wait(tries: Tries, now: Timestamp) -> Option<Duration> {
    const FREE: u32 = 5;
    const FORGET: Duration = Duration::from_secs(15 * 60);
    let passed = now.since(tries.last);
    if tries.failed < FREE || passed >= FORGET {
        return None;
    }
    let asked =
        Duration::from_secs(1u64 << (tries.failed - FREE).min(6)).min(Duration::from_secs(60));
    asked.checked_sub(passed).filter(|left| !left.is_zero())
}

/// Tries per existing user; unknown names share one line, so the map cannot grow.
#[derive(Default)]
pub(crate) struct Throttle {
    tries: Mutex<BTreeMap<String, Tries>>,
}

impl Throttle {
    /// Counts a try *before* its password is checked, so that tries in parallel gain nothing.
    /// `Err` is the time to wait.
    pub(crate) fn enter(&self, user: &str, now: Timestamp) -> Result<(), Duration> {
        let mut all = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let tries = all.entry(user.to_owned()).or_default();
        if let Some(left) = wait(*tries, now) {
            return Err(left);
        }
        if now.since(tries.last) >= Duration::from_secs(15 * 60) {
            tries.failed = 0;
        }
        tries.failed += 1;
        tries.last = now;
        Ok(())
    }

    pub(crate) fn succeeded(&self, user: &str) {
        self.tries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_and_is_forgotten() {
        let at = |s: i64| Timestamp(s * 1000);
        for (failed, passed_s, left_s) in [
            (0, 0, None),
            (4, 0, None),
            (5, 0, Some(1)),
            (5, 1, None),
            (7, 1, Some(3)),
            (40, 0, Some(60)),
            (40, 60, None),
            (40, 900, None),
        ] {
            let tries = Tries {
                failed,
                last: at(1000),
            };
            assert_eq!(
                wait(tries, at(1000 + passed_s)),
                left_s.map(Duration::from_secs),
                "{failed} failures, {passed_s} s ago"
            );
        }
    }

    #[test]
    fn success_clears_only_that_user() {
        let throttle = Throttle::default();
        for _ in 0..5 {
            assert!(throttle.enter("admin", Timestamp(0)).is_ok());
            assert!(throttle.enter("", Timestamp(0)).is_ok());
        }
        assert!(throttle.enter("admin", Timestamp(0)).is_err());
        throttle.succeeded("admin");
        assert!(throttle.enter("admin", Timestamp(0)).is_ok());
        assert!(throttle.enter("", Timestamp(0)).is_err());
    }
}
