//! How far a machine's inventory is on its way to GLPI, and what follows from an answer. Pure.

use super::Fault;
use super::answer::{self, Answer};
use state::Timestamp;
use std::time::Duration;

/// Questions after a `pending`, as GLPI's own agent asks; then the inventory is sent anew.
pub(crate) const MOST_QUESTIONS: i64 = 12;
/// Attempts after which a machine whose inventory is refused, or a silent server, is told of.
pub(crate) const TOLD_AFTER: i64 = 5;

const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// One machine's; all empty before the first attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Digest of what GLPI accepted last.
    pub(crate) accepted_digest: String,
    pub accepted: Option<Timestamp>,
    /// Digest of what a `pending` is about.
    pub(crate) pending_digest: String,
    /// The id by which to ask; empty: nothing is pending.
    pub(crate) request: String,
    pub(crate) questions: i64,
    /// Those that failed by this inventory, since the last that was accepted.
    pub attempts: i64,
    /// Not before.
    pub(crate) next: Timestamp,
    /// Of the last failed attempt, in English; empty: none.
    pub problem: String,
    /// When somebody last asked to send it again.
    pub(crate) asked: Timestamp,
}

impl Standing {
    /// GLPI has not got this yet.
    pub(crate) fn waits(&self, digest: &str) -> bool {
        self.accepted_digest != digest
    }

    /// The request to ask about; `None`: the inventory itself is to be sent.
    pub(crate) fn question(&self, digest: &str) -> Option<&str> {
        (!self.request.is_empty() && self.pending_digest == digest).then_some(self.request.as_str())
    }

    /// After an answer about what has this digest.
    pub(crate) fn after(&self, digest: &str, answer: &Answer, now: Timestamp) -> Standing {
        let asked = self.question(digest).is_some();
        match answer {
            Answer::Accepted => Standing {
                accepted_digest: digest.to_owned(),
                accepted: Some(now),
                asked: self.asked,
                ..Standing::default()
            },
            Answer::Pending { .. } if asked && self.questions >= MOST_QUESTIONS => {
                self.failed(&Fault::StillPending, None, now)
            }
            Answer::Pending { after, request } => Standing {
                pending_digest: digest.to_owned(),
                request: request.clone(),
                questions: if asked { self.questions + 1 } else { 1 },
                next: now + *after,
                problem: String::new(),
                ..self.clone()
            },
            // It may still be at work behind a proxy that is down for a moment; whoever forgot the request, or knows no
            // questions, gets the inventory anew.
            Answer::Refused(fault, wait)
                if asked && fault.may_pass() && self.questions < MOST_QUESTIONS =>
            {
                Standing {
                    pending_digest: self.pending_digest.clone(),
                    request: self.request.clone(),
                    questions: self.questions + 1,
                    ..self.failed(fault, *wait, now)
                }
            }
            Answer::Refused(fault, wait) => self.failed(fault, *wait, now),
        }
    }

    fn failed(&self, fault: &Fault, wait: Option<Duration>, now: Timestamp) -> Standing {
        // What every machine meets is no reason to leave this one for long; but an inventory may also be what breaks GLPI.
        let own = !fault.is_of_server() || matches!(fault, Fault::Server { .. });
        let attempts = self.attempts + i64::from(own);
        let pause = if own { pause(attempts) } else { FIRST_PAUSE };
        Standing {
            pending_digest: String::new(),
            request: String::new(),
            questions: 0,
            attempts,
            next: now + pause.max(wait.unwrap_or_default()),
            problem: fault.to_string(),
            ..self.clone()
        }
    }
}

/// The time has come. What lies further ahead than anything is ever put off was noted before the clock was set back.
pub(crate) fn is_due(at: Timestamp, now: Timestamp) -> bool {
    at <= now || at > now + 2 * answer::LONGEST
}

/// Half a minute, doubled by each failure up to an hour.
pub(crate) fn pause(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 17) - 1).unwrap_or(0);
    (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1000)
    }

    fn pending(seconds: u64) -> Answer {
        Answer::Pending {
            after: Duration::from_secs(seconds),
            request: "0A0A0A0A".into(),
        }
    }

    fn refused(fault: Fault) -> Answer {
        Answer::Refused(fault, None)
    }

    fn down() -> Answer {
        refused(Fault::Silent("connection refused".into()))
    }

    #[test]
    fn what_was_accepted_is_not_sent_again_and_what_changed_is() {
        let new = Standing::default();
        assert!(new.waits("a") && new.question("a").is_none());
        let done = new.after("a", &Answer::Accepted, at(5));
        assert!(!done.waits("a") && done.waits("b"));
        assert_eq!((done.accepted, done.attempts), (Some(at(5)), 0));
        // Refused since: when it was last accepted stays known.
        let refused = done.after("b", &refused(Fault::Inventory("no".into())), at(9));
        assert_eq!((refused.accepted, refused.attempts), (Some(at(5)), 1));
        assert!(refused.problem.contains("no") && refused.waits("b"));
        let done = refused.after("b", &Answer::Accepted, at(99));
        assert_eq!((done.problem.as_str(), done.attempts), ("", 0));
    }

    #[test]
    fn a_pending_request_is_asked_about_twelve_times_then_sent_anew() {
        let mut standing = Standing::default();
        standing = standing.after("a", &pending(10), at(0));
        let mut questions = 0;
        while standing.question("a").is_some() {
            assert_eq!(standing.next, at(10 * (questions + 1)));
            questions += 1;
            standing = standing.after("a", &pending(10), at(10 * questions));
        }
        assert_eq!(questions, MOST_QUESTIONS);
        assert_eq!(standing.attempts, 1);
        assert!(
            standing.waits("a") && standing.problem.contains("12"),
            "{}",
            standing.problem
        );
        // One that changed meanwhile is sent at once, not asked about.
        let standing = Standing::default().after("a", &pending(10), at(0));
        assert_eq!(
            (standing.question("a"), standing.question("b")),
            (Some("0A0A0A0A"), None)
        );
    }

    #[test]
    fn a_cut_in_the_middle_of_pending_asks_again_and_an_error_sends_anew() {
        let standing = Standing::default().after("a", &pending(10), at(0));
        let cut = standing.after("a", &down(), at(10));
        assert_eq!(cut.question("a"), Some("0A0A0A0A"));
        assert_eq!((cut.attempts, cut.next), (0, at(40)));
        let mut cuts = cut.clone();
        let mut questions = 1;
        while cuts.question("a").is_some() {
            cuts = cuts.after("a", &down(), at(50));
            questions += 1;
        }
        assert_eq!(questions, MOST_QUESTIONS);
        let unknown = standing.after("a", &refused(Fault::NoPage(405)), at(10));
        assert_eq!(unknown.question("a"), None);
        let lost = standing.after("a", &refused(Fault::Inventory("unknown".into())), at(10));
        assert_eq!(lost.question("a"), None);
        assert!(lost.waits("a"));
        let done = cut.after("a", &Answer::Accepted, at(50));
        assert!(!done.waits("a"));
    }

    #[test]
    fn pauses_grow_to_an_hour() {
        let seconds: Vec<u64> = (1..=9).map(|n| pause(n).as_secs()).collect();
        assert_eq!(seconds, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
        assert_eq!(pause(i64::MAX), LONGEST_PAUSE);
        let busy = Fault::Busy {
            status: 503,
            said: "later".into(),
        };
        let wait = Some(Duration::from_secs(7200));
        let standing = Standing::default().after("a", &Answer::Refused(busy, wait), at(0));
        assert_eq!(standing.next, at(7200));
    }

    #[test]
    fn a_clock_that_was_set_back_puts_nothing_off_for_years() {
        let day = 86_400;
        for (next, now, due) in [
            (0, 0, true),
            (10, 9, false),
            (day, 0, false),
            (3 * day, 0, true),
            (0, 3 * day, true),
        ] {
            assert_eq!(is_due(at(next), at(now)), due, "{next} {now}");
        }
    }
}
