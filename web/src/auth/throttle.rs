//! How fast passwords may be tried. In memory: a restart forgives, and costs the attacker more
//! than it gives.

use state::Timestamp;
use std::collections::BTreeMap;
use std::net::IpAddr;
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
    let passed = now.since(tries.last);
    if tries.failed < FREE || passed >= FORGET {
        return None;
    }
    let asked =
        Duration::from_secs(1u64 << (tries.failed - FREE).min(6)).min(Duration::from_secs(60));
    asked.checked_sub(passed).filter(|left| !left.is_zero())
}

const FORGET: Duration = Duration::from_secs(15 * 60);
/// Lines kept at most; beyond, the one that was silent longest goes.
const LINES: usize = 4096;

/// Tries per user and address, so that somebody guessing from one place does not keep the
/// administrator out from another.
#[derive(Default)]
pub(crate) struct Throttle {
    tries: Mutex<BTreeMap<String, Tries>>,
}

impl Throttle {
    /// Counts a try *before* its password is checked, so that tries in parallel gain nothing.
    /// `Err` is the time to wait.
    pub(crate) fn enter(&self, line: &str, now: Timestamp) -> Result<(), Duration> {
        let mut all = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= LINES && !all.contains_key(line) {
            let quietest = all
                .iter()
                .min_by_key(|(_, tries)| tries.last)
                .map(|(line, _)| line.clone());
            quietest.map(|line| all.remove(&line));
        }
        let tries = all.entry(line.to_owned()).or_default();
        if let Some(left) = wait(*tries, now) {
            return Err(left);
        }
        if now.since(tries.last) >= FORGET {
            tries.failed = 0;
        }
        tries.failed += 1;
        tries.last = now;
        Ok(())
    }

    pub(crate) fn succeeded(&self, line: &str) {
        self.tries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(line);
    }
}

/// The line of `user` at an address. IPv6 by its /64: one machine has all of it.
pub(crate) fn line(user: &str, address: Option<IpAddr>) -> String {
    match address {
        None => format!("{user} from inside"),
        Some(IpAddr::V4(v4)) => format!("{user} from {v4}"),
        Some(IpAddr::V6(v6)) => match v6.to_ipv4_mapped() {
            Some(v4) => format!("{user} from {v4}"),
            None => format!("{user} from {:x?}", &v6.segments()[..4]),
        },
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

    #[test]
    fn guessing_from_one_place_keeps_nobody_out_from_another() {
        let at = |text: &str| line("admin", Some(text.parse().unwrap()));
        assert_ne!(at("10.0.0.1"), at("10.0.0.2"));
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:10.0.0.1"), at("10.0.0.1"));
    }

    #[test]
    fn memory_is_bounded_and_the_newest_lines_stay() {
        let throttle = Throttle::default();
        for n in 0..LINES + 10 {
            let now = Timestamp(i64::try_from(n).unwrap());
            assert!(throttle.enter(&n.to_string(), now).is_ok());
        }
        let all = throttle.tries.lock().unwrap();
        assert_eq!(all.len(), LINES);
        assert!(all.contains_key(&(LINES + 9).to_string()));
        assert!(!all.contains_key("0"));
    }
}
