//! What a plan no longer keeps is forgotten after its run, and once a day what no restore point needs is deleted.
//! The newest point of each target is remembered here: a vault that was put back to an older state is found out.

mod perform;
pub(crate) mod records;

pub(crate) use perform::{after, history};

use config::Keep;
use state::Timestamp;
use std::time::Duration;
use vault::retention::Rules;

/// The appliance's own copies are small; more of them only lengthen lists.
pub(crate) const OWN: Keep = Keep {
    last: 0,
    hourly: 0,
    daily: 14,
    weekly: 8,
    monthly: 24,
    yearly: 0,
};
/// A little less than a day: a nightly run must not find that yesterday's prune ended a minute too late.
const PRUNE_EVERY: Duration = Duration::from_secs(20 * 3600);

/// What is known of a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tidied {
    /// Points forgotten since it was last pruned.
    pub(crate) forgotten: u64,
    pub(crate) pruned: Timestamp,
}

pub(crate) fn rules(keep: &Keep) -> Rules {
    Rules {
        last: keep.last,
        hourly: keep.hourly,
        daily: keep.daily,
        weekly: keep.weekly,
        monthly: keep.monthly,
        yearly: keep.yearly,
        within_ms: None,
    }
}

/// Pruning reads every folder list: worth it when something was forgotten, and once a day is enough.
pub(crate) fn prune_is_due(tidied: &Tidied, now: Timestamp) -> bool {
    let rested = now < tidied.pruned || now.since(tidied.pruned) >= PRUNE_EVERY;
    tidied.forgotten > 0 && rested
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prune_waits_for_something_forgotten_and_for_a_day() {
        let day = Timestamp(1_000_000_000_000);
        let hours = |n: i64| Timestamp(day.0 + n * 3_600_000);
        for (forgotten, now, want) in [
            (0, hours(1000), false),
            (1, hours(1), false),
            (1, hours(19), false),
            (1, hours(24), true),
            (9, hours(20), true),
        ] {
            let tidied = Tidied {
                forgotten,
                pruned: day,
            };
            assert_eq!(prune_is_due(&tidied, now), want, "{forgotten} {now:?}");
        }
        let never = Tidied {
            forgotten: 1,
            ..Tidied::default()
        };
        assert!(prune_is_due(&never, day));
    }

    #[test]
    fn a_plan_without_keep_has_no_rules() {
        assert!(rules(&Keep::default()).is_empty());
        assert_eq!(rules(&OWN).daily, 14);
    }
}
