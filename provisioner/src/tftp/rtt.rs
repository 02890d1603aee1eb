//! How long an answer takes, and how long to wait for one (RFC 6298's estimator).

use std::time::Duration;

/// Before anything is known.
const FIRST: Duration = Duration::from_millis(200);
/// Firmware pauses to write what it has: a machine on a fast wire is not pressed.
const LEAST: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RoundTrip {
    /// Smoothed time, and mean deviation.
    known: Option<(Duration, Duration)>,
}

impl RoundTrip {
    /// `took` is from sending to the acknowledgement of something that was sent once (Karn).
    pub(super) fn learn(&mut self, took: Duration) {
        self.known = Some(match self.known {
            None => (took, took / 2),
            Some((smooth, spread)) => (
                (smooth * 7 + took) / 8,
                (spread * 3 + smooth.abs_diff(took)) / 4,
            ),
        });
    }

    /// How long to wait before sending again.
    pub(super) fn patience(&self) -> Duration {
        match self.known {
            None => FIRST,
            Some((smooth, spread)) => (smooth + spread * 4).max(LEAST),
        }
    }

    /// After this long, an answer that is not the expected one is about what was sent last, not
    /// about what was sent before.
    pub(super) fn one(&self) -> Duration {
        match self.known {
            None => FIRST,
            Some((smooth, spread)) => smooth + spread,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_follows_what_is_measured_and_stays_above_the_least() {
        let ms = Duration::from_millis;
        let mut rtt = RoundTrip::default();
        assert_eq!((rtt.patience(), rtt.one()), (ms(200), ms(200)));
        rtt.learn(ms(80));
        assert_eq!((rtt.patience(), rtt.one()), (ms(240), ms(120)));
        for _ in 0..200 {
            rtt.learn(ms(1));
        }
        assert_eq!(rtt.patience(), LEAST);
        assert!(rtt.one() < ms(2), "{:?}", rtt.one());
        for _ in 0..200 {
            rtt.learn(ms(700));
        }
        let patience = rtt.patience();
        assert!(ms(700) <= patience && patience < ms(720), "{patience:?}");
    }
}
