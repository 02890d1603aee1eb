//! When a connection is tried again. A NAS that locks out whoever knocks too often must not be given a reason to.

use std::time::Duration;

use crate::Trouble;

/// How long to wait for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Pauses before the tries that follow a first one, when the machine does not answer.
    pub pauses: Vec<Duration>,
    /// The same when a login is refused that was accepted before: a NAS counts those.
    pub refused_pauses: Vec<Duration>,
    /// A connection that lived this long was a good one: pauses start from the first again.
    pub settled: Duration,
    /// After giving up, everybody is told so for this long without a new try.
    pub rest: Duration,
    /// For reaching the machine, and again for logging in: discs that sleep take half a minute to turn.
    pub connect: Duration,
    /// For the answer to one request.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        let seconds = |all: &[u64]| all.iter().copied().map(Duration::from_secs).collect();
        Patience {
            pauses: seconds(&[1, 2, 4, 8, 16, 32, 60]),
            // Fewer than the five to ten failures in five minutes after which NAS systems lock an address out.
            refused_pauses: seconds(&[60, 180, 360]),
            settled: Duration::from_secs(60),
            rest: Duration::from_secs(60),
            connect: Duration::from_secs(60),
            answer: Duration::from_secs(120),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Wait(Duration),
    GiveUp,
}

impl Patience {
    /// After `failed` tries in a row, the last for this reason; `was_in`: this process was logged in before.
    pub(crate) fn next(&self, failed: u32, trouble: &Trouble, was_in: bool) -> Next {
        let pauses = match trouble {
            Trouble::Silent { .. } => &self.pauses,
            // A wrong password stays wrong.
            Trouble::Refused { .. } if was_in => &self.refused_pauses,
            _ => return Next::GiveUp,
        };
        let rank = usize::try_from(failed.saturating_sub(1)).unwrap_or(usize::MAX);
        pauses
            .get(rank)
            .map_or(Next::GiveUp, |pause| Next::Wait(*pause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trouble::Tries;

    #[test]
    fn pauses_grow_and_end() {
        let patience = Patience::default();
        for pauses in [&patience.pauses, &patience.refused_pauses] {
            assert!(pauses.is_sorted());
            assert!(!pauses.is_empty());
        }
        let silent = Trouble::Silent {
            host: "nas".to_owned(),
            what: "refused".to_owned(),
            tries: Tries(1),
        };
        let refused = Trouble::Refused {
            host: "nas".to_owned(),
            user: "r".to_owned(),
            with: "a password".to_owned(),
            tries: Tries(1),
            next: String::new(),
        };
        let changed = Trouble::NotTheOneGiven {
            host: "nas".to_owned(),
            offered: "a".to_owned(),
            given: "b".to_owned(),
        };
        let wait = |seconds| Next::Wait(Duration::from_secs(seconds));
        for (failed, trouble, was_in, want) in [
            (1, &silent, false, wait(1)),
            (2, &silent, false, wait(2)),
            (7, &silent, true, wait(60)),
            (8, &silent, true, Next::GiveUp),
            (u32::MAX, &silent, true, Next::GiveUp),
            (1, &refused, false, Next::GiveUp),
            (1, &refused, true, wait(60)),
            (3, &refused, true, wait(360)),
            (4, &refused, true, Next::GiveUp),
            (1, &changed, true, Next::GiveUp),
        ] {
            assert_eq!(patience.next(failed, trouble, was_in), want, "{failed}");
        }
    }
}
