//! Was the clock of the box set while we ran? Pure. A dead battery, a wrong time server or a hand: whoever reads the
//! dates of that night must know, once.

use state::{Reading, Timestamp};
use std::time::Duration;

/// The object of the incident.
pub(crate) const OBJECT: &str = "clock of this box";
/// A clock that was not set again for so long is taken for right.
const BELIEVED: Duration = Duration::from_secs(86_400);

/// What is remembered from look to look.
#[derive(Debug)]
pub(crate) struct Hands {
    before: Reading,
    /// How far it is from where it would be if nobody had set it, since it was last right.
    away_ms: i64,
    /// When it was last set, or we began, until it is believed.
    doubted: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Set {
        was: Timestamp,
        is: Timestamp,
    },
    /// Set back to where it would be, or not touched for long enough.
    Right,
}

impl Hands {
    pub(crate) fn new(now: Reading) -> Hands {
        Hands {
            before: now,
            away_ms: 0,
            // Also of an incident that an earlier process left open.
            doubted: Some(now.steady),
        }
    }

    pub(crate) fn look(&mut self, now: Reading) -> Option<Found> {
        let before = std::mem::replace(&mut self.before, now);
        let Some(moved_ms) = now.set_since(before) else {
            let since = self.doubted?;
            if now.steady.saturating_sub(since) < BELIEVED {
                return None;
            }
            (self.doubted, self.away_ms) = (None, 0);
            return Some(Found::Right);
        };
        self.away_ms = self.away_ms.saturating_add(moved_ms);
        self.doubted = Some(now.steady);
        let right = Reading {
            wall: Timestamp(now.wall.0.saturating_sub(self.away_ms)),
            ..now
        };
        if now.set_since(right).is_none() {
            self.away_ms = 0;
            return Some(Found::Right);
        }
        Some(Found::Set {
            was: before.wall,
            is: now.wall,
        })
    }
}

/// What is told of it.
pub fn sentence(was: Timestamp, is: Timestamp) -> String {
    let shown = |at: Timestamp| {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        at.strftime("%Y-%m-%d %H:%M UTC").to_string()
    };
    format!(
        "the clock of this box was set from {} to {} while reprise ran: each plan goes on at its hour, and what that makes due is done once; if nobody meant it, set the clock right and switch on a time server (timedatectl set-ntp true)",
        shown(was),
        shown(is)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_clock_that_is_set_is_found_once_and_believed_when_it_is_right_or_left_alone() {
        let set = |was, is| {
            Some(Found::Set {
                was: Timestamp(was * HOUR),
                is: Timestamp(is * HOUR),
            })
        };
        let right = Some(Found::Right);
        let month = 31 * 24;
        for (case, looks, want) in [
            (
                "it goes on",
                vec![(1, 1), (2, 2), (30, 30)],
                vec![None, None, right],
            ),
            (
                "a month ahead, and back",
                vec![(1, 1), (month, 1), (month + 1, 2), (3, 3), (4, 4)],
                vec![None, set(1, month), None, right, None],
            ),
            (
                "a day back, and left there",
                vec![(-23, 1), (-22, 2), (1, 25), (2, 26)],
                vec![set(0, -23), None, right, None],
            ),
            (
                "twice ahead, back in one",
                vec![(24, 0), (48, 0), (1, 1)],
                vec![set(0, 24), set(24, 48), right],
            ),
        ] {
            let mut hands = Hands::new(reading(0, 0));
            let found: Vec<_> = looks
                .into_iter()
                .map(|(wall, steady)| hands.look(reading(wall, steady)))
                .collect();
            assert_eq!(found, want, "{case}");
        }
    }

    fn reading(wall_hours: i64, steady_hours: u64) -> Reading {
        Reading {
            wall: Timestamp(wall_hours * HOUR),
            steady: Duration::from_secs(steady_hours * 3600),
        }
    }

    #[test]
    fn any_two_moments_are_told() {
        let said = sentence(Timestamp(0), Timestamp(i64::MAX));
        assert!(said.contains("from 1970-01-01 00:00 UTC to "), "{said}");
    }
}
