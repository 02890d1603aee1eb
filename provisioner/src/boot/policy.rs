//! What a machine gets when it asks the network for help. Asked by DHCP, TFTP and HTTP alike, so
//! that one machine gets one answer.

use super::who::{Suspect, Who};
use crate::host::HostState;
use state::Timestamp;
use std::time::Duration;

/// How long an agent waits for an approval, and how long we stay ready for it.
pub(crate) const APPROVAL_WINDOW: Duration = Duration::from_secs(60);

/// How long a machine that never reported may try: firmware that cannot start the agent (Secure
/// Boot, no driver) must not be held up at every power-on.
pub(crate) const FIRST_BOOT_WINDOW: Duration = Duration::from_secs(15 * 60);

/// What the registry knows of the machine behind a MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) state: HostState,
    /// Since when it is asked to report: first sight, or an operator's wish.
    pub(crate) asked: Timestamp,
    /// When its agent first reported after that.
    pub(crate) reported: Option<Timestamp>,
    /// A session that is not over waits for it.
    pub(crate) session: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BootStep {
    /// Start the agent: to report, or to do what its session says.
    Agent,
    /// Stay silent: the machine goes on to its next boot device.
    Ignore(Why),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Why {
    /// It reported and nobody approved it in time.
    NotApproved,
    /// It never managed to report.
    NeverReported,
    /// It is approved, and nothing is to be done.
    NothingToDo,
}

impl Why {
    /// A clause for logs and for the script that says so on the machine's screen.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Why::NotApproved => "nobody approved this machine; ask it again in the console",
            Why::NeverReported => {
                "this machine never started the agent; ask it again in the console"
            }
            Why::NothingToDo => "nothing is to be done on this machine",
        }
    }
}

/// What a card gets, whose machine is `who` of these suspects.
pub(crate) fn step_of(who: Who, suspects: &[Suspect], now: Timestamp) -> BootStep {
    match who {
        Who::One(at) => next_step(suspects.get(at).map(|suspect| suspect.known), now),
        // It reports, and is told what is its own: a session needs the serial number or the UUID of
        // its machine, a card never gives it.
        Who::Nobody | Who::Stranger => BootStep::Agent,
        Who::OneOfSeveral => {
            let mut steps = suspects
                .iter()
                .filter(|suspect| suspect.has_card)
                .map(|suspect| next_step(Some(suspect.known), now));
            let latest = steps.next().unwrap_or(BootStep::Agent);
            match latest {
                BootStep::Ignore(_) if steps.any(|step| step == BootStep::Agent) => BootStep::Agent,
                latest => latest,
            }
        }
    }
}

pub(crate) fn next_step(known: Option<Known>, now: Timestamp) -> BootStep {
    let Some(known) = known else {
        return BootStep::Agent;
    };
    match known {
        Known { session: true, .. } => BootStep::Agent,
        // An operator asked an approved machine to report again.
        Known {
            state: HostState::Approved,
            asked,
            reported: None,
            ..
        } if now.since(asked) < FIRST_BOOT_WINDOW => BootStep::Agent,
        Known {
            state: HostState::Approved,
            ..
        } => BootStep::Ignore(Why::NothingToDo),
        Known {
            reported: Some(at), ..
        } if now.since(at) < APPROVAL_WINDOW => BootStep::Agent,
        Known {
            reported: Some(_), ..
        } => BootStep::Ignore(Why::NotApproved),
        Known { asked, .. } if now.since(asked) < FIRST_BOOT_WINDOW => BootStep::Agent,
        _ => BootStep::Ignore(Why::NeverReported),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_machine_has_one_answer() {
        use BootStep::*;
        use HostState::*;
        let known = |state, asked: i64, reported: Option<i64>, session| {
            Some(Known {
                state,
                asked: Timestamp(asked * 1000),
                reported: reported.map(|s| Timestamp(s * 1000)),
                session,
            })
        };
        // (what is known, now in seconds, answer)
        let table = [
            ("never seen", None, 0, Agent),
            ("just seen", known(Seen, 0, None, false), 100, Agent),
            (
                "cannot start the agent",
                known(Seen, 0, None, false),
                900,
                Ignore(Why::NeverReported),
            ),
            ("asked again", known(Seen, 5000, None, false), 5010, Agent),
            ("waiting", known(Waiting, 0, Some(70), false), 129, Agent),
            (
                "waited long enough",
                known(Waiting, 0, Some(70), false),
                130,
                Ignore(Why::NotApproved),
            ),
            (
                "asked again, not back yet",
                known(Waiting, 7000, None, false),
                7100,
                Agent,
            ),
            (
                "approved, nothing to do",
                known(Approved, 0, Some(70), false),
                80,
                Ignore(Why::NothingToDo),
            ),
            (
                "approved, asked again",
                known(Approved, 500, None, false),
                510,
                Agent,
            ),
            (
                "approved, asked again long ago",
                known(Approved, 500, None, false),
                1400,
                Ignore(Why::NothingToDo),
            ),
            (
                "approved, with a session",
                known(Approved, 0, Some(70), true),
                99_999,
                Agent,
            ),
            (
                "the clock went back",
                known(Waiting, 100, Some(100), false),
                1,
                Agent,
            ),
        ];
        for (name, known, now, expected) in table {
            assert_eq!(next_step(known, Timestamp(now * 1000)), expected, "{name}");
        }
    }
}
