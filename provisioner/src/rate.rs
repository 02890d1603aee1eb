//! How many of something are let in: a bucket that refills with time.

use state::Timestamp;
use std::sync::{Mutex, PoisonError};

pub(crate) struct Bucket {
    per_s: f64,
    most: f64,
    // A std mutex: held for a few instructions, never across an await.
    left: Mutex<(f64, Timestamp)>,
}

impl Bucket {
    /// Full at the start.
    pub(crate) fn new(per_s: f64, most: f64, now: Timestamp) -> Bucket {
        Bucket {
            per_s,
            most,
            left: Mutex::new((most, now)),
        }
    }

    pub(crate) fn take(&self, now: Timestamp) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let refill = now.since(left.1).as_secs_f64() * self.per_s;
        *left = ((left.0 + refill).min(self.most), now);
        let open = left.0 >= 1.0;
        if open {
            left.0 -= 1.0;
        }
        open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_only_the_rate() {
        let bucket = Bucket::new(2.0, 3.0, Timestamp(0));
        let taken = |now: i64| (0..10).filter(|_| bucket.take(Timestamp(now))).count();
        assert_eq!(taken(0), 3);
        assert_eq!(taken(1000), 2);
        assert_eq!(taken(1400), 0);
        assert_eq!(taken(1500), 1);
        assert_eq!(taken(3_600_000), 3);
    }
}
