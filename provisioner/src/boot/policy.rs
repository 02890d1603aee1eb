//! What a machine gets when it asks the network for help. Asked by DHCP, TFTP and HTTP alike, so
//! that one machine gets one answer.

use super::who::{Suspect, Who};
use crate::host::HostState;
use config::BootGive;
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
    /// An operator asked it to report again.
    pub(crate) asked_again: bool,
    /// A session that is not over waits for it.
    pub(crate) session: bool,
    /// What an operator wants it to boot, once.
    pub(crate) next: Option<Given>,
}

/// What a machine is given instead of the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// An operator asked for it, for this machine.
    Menu,
    /// A rule gives it, to whoever stands before the machine.
    MenuByRule,
    /// memtest86+.
    Memtest,
    /// A shell in the agent's system, with the network up.
    Rescue,
    /// The rank of a `[[boot_entry]]`.
    Entry(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BootStep {
    /// Start the agent: to report, or to do what its session says.
    Agent,
    /// Something else that an operator or a rule gives it.
    Give(Given),
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
    /// A `[[boot_rule]]` says so.
    Rule,
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
            Why::Rule => "a rule of the configuration says so",
        }
    }
}

/// What a card gets, whose machine is `who` of these suspects.
///
/// What somebody asked for comes before the rules, and a rule before what is usual. A card that
/// several machines have gets no more than the agent; neither does one whose request says no UUID
/// (`named`: it says one) though its machine is known to: somebody else may have the card now.
pub(crate) fn step_of(
    who: Who,
    named: bool,
    suspects: &[Suspect],
    rule: Option<&BootGive>,
    now: Timestamp,
) -> BootStep {
    let one = match who {
        Who::One(at) => suspects.get(at),
        // It reports, and is told what is its own: a session needs the serial number or the UUID of
        // its machine, a card never gives it.
        Who::Nobody | Who::Stranger => None,
        Who::OneOfSeveral => {
            let mut steps = suspects
                .iter()
                .filter(|suspect| suspect.has_card)
                .map(|suspect| {
                    asked_for(suspect.known).unwrap_or(next_step(Some(suspect.known), now))
                });
            let latest = steps.next().unwrap_or(BootStep::Agent);
            return match latest {
                BootStep::Ignore(_) if steps.all(|step| matches!(step, BootStep::Ignore(_))) => {
                    latest
                }
                _ => BootStep::Agent,
            };
        }
    };
    let known = one.map(|suspect| suspect.known);
    let by_card_alone = !named && one.is_some_and(|one| one.uuid.is_some() || one.heard.is_some());
    let usual = next_step(known, now);
    let step = match (known.and_then(asked_for), rule) {
        (Some(asked), _) => asked,
        (None, Some(_))
            if known.is_some_and(|known| known.asked_again) && usual == BootStep::Agent =>
        {
            usual
        }
        (None, None | Some(BootGive::Agent)) => usual,
        (None, Some(BootGive::Silence)) => BootStep::Ignore(Why::Rule),
        // Entries are the admin's, and may erase: never for a machine nobody approved.
        (None, Some(_)) if known.is_none_or(|known| known.state != HostState::Approved) => usual,
        (None, Some(BootGive::Menu)) => BootStep::Give(Given::MenuByRule),
        (None, Some(BootGive::Entry(rank))) => BootStep::Give(Given::Entry(*rank)),
    };
    match step {
        BootStep::Give(_) if by_card_alone => BootStep::Agent,
        step => step,
    }
}

/// By an operator, for this machine.
fn asked_for(known: Known) -> Option<BootStep> {
    match (known.next, known.session) {
        (Some(given), _) => Some(BootStep::Give(given)),
        (None, true) => Some(BootStep::Agent),
        (None, false) => None,
    }
}

/// Without rules, and without a wish for its next boot.
fn next_step(known: Option<Known>, now: Timestamp) -> BootStep {
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
                asked_again: false,
                session,
                next: None,
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

    /// Every state of one machine, and of two behind one card, with every rule, at several times.
    #[test]
    fn an_operators_wish_comes_first_then_rules_and_a_shared_card_gets_the_agent_at_most() {
        let bools = [false, true];
        let mut all = Vec::new();
        for state in [HostState::Seen, HostState::Waiting, HostState::Approved] {
            for reported in [None, Some(Timestamp(5_000))] {
                for (asked_again, session) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    for next in [None, Some(Given::Menu), Some(Given::Entry(3))] {
                        all.push(Known {
                            state,
                            asked: Timestamp(0),
                            reported,
                            asked_again: bools[asked_again],
                            session: bools[session],
                            next,
                        });
                    }
                }
            }
        }
        let suspect = |known| Suspect {
            host: crate::host::HostId("h".into()),
            known,
            uuid: None,
            has_card: true,
            heard: None,
        };
        let rules = [
            None,
            Some(BootGive::Agent),
            Some(BootGive::Silence),
            Some(BootGive::Menu),
            Some(BootGive::Entry(1)),
        ];
        let silent = |step| matches!(step, BootStep::Ignore(_));
        for now in [0, 10_000, 66_000, 10_000_000].map(Timestamp) {
            for rule in &rules {
                let rule = rule.as_ref();
                let one = |known| step_of(Who::One(0), true, &[suspect(known)], rule, now);
                let with_uuid = |known| Suspect {
                    uuid: crate::host::uuid::Uuid::of_text("33221100-5544-7766-8899-aabbccddeeff"),
                    ..suspect(known)
                };
                for known in &all {
                    let step = one(*known);
                    // Its firmware says a UUID, and this request none: no more than the agent.
                    let by_card = step_of(Who::One(0), false, &[with_uuid(*known)], rule, now);
                    match step {
                        BootStep::Give(_) => assert_eq!(by_card, BootStep::Agent, "{known:?}"),
                        step => assert_eq!(by_card, step, "{known:?}"),
                    }
                    match (known.next, known.session) {
                        (Some(given), _) => assert_eq!(step, BootStep::Give(given)),
                        (None, true) => assert_eq!(step, BootStep::Agent),
                        (None, false) => match rule {
                            Some(BootGive::Silence) if !known.asked_again => assert!(silent(step)),
                            None | Some(BootGive::Agent) => {
                                assert_eq!(step, next_step(Some(*known), now));
                            }
                            Some(BootGive::Silence) => {}
                            Some(_) if known.state != HostState::Approved => {
                                assert_eq!(step, next_step(Some(*known), now));
                            }
                            Some(give) if !known.asked_again => {
                                let given = match give {
                                    BootGive::Entry(rank) => Given::Entry(*rank),
                                    _ => Given::MenuByRule,
                                };
                                assert_eq!(step, BootStep::Give(given));
                            }
                            Some(_) => assert_ne!(step, BootStep::Ignore(Why::Rule)),
                        },
                    }
                    for other in &all {
                        let two = [suspect(*known), suspect(*other)];
                        let step = step_of(Who::OneOfSeveral, true, &two, rule, now);
                        assert!(!matches!(step, BootStep::Give(_)), "{known:?} {other:?}");
                        if known.session || other.next.is_some() {
                            assert_eq!(step, BootStep::Agent, "{known:?} {other:?}");
                        }
                    }
                }
                for who in [Who::Nobody, Who::Stranger] {
                    let step = step_of(who, true, &[], rule, now);
                    assert_eq!(silent(step), rule == Some(&BootGive::Silence));
                    assert!(!matches!(step, BootStep::Give(_)), "{rule:?}");
                }
            }
        }
    }
}
