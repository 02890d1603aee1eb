//! Where a deployment is, and what may come next: `apply` is pure.

use super::SessionState;
use images::wire::{Step, Wiped};
use state::Timestamp;

/// What happens to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The machine's agent received the order (again, after a power cut).
    Ordered,
    Progress {
        step: Step,
        done_bytes: u64,
        total_bytes: u64,
    },
    Finished {
        ok: bool,
        detail: String,
        written_bytes: u64,
        took_ms: u64,
        /// Of a disk that was erased, as its agent says.
        wiped: Option<Wiped>,
    },
    Cancel {
        by: String,
    },
    /// Time passed.
    Tick,
}

/// The times that matter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) now: Timestamp,
    pub(crate) expires: Timestamp,
    /// The agent is silent for too long.
    pub(crate) stale: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("it is over ({0}); open another session")]
    Over(&'static str),
    #[error("the agent has not fetched its order yet")]
    NotOrdered,
    #[error("a disk cannot be done before it was compared; it is {0}")]
    NotVerified(&'static str),
}

pub(crate) fn apply(
    state: &SessionState,
    event: &Event,
    times: Times,
) -> Result<SessionState, Refused> {
    use SessionState::*;
    // An answer lost on the way makes the agent repeat how it ended.
    if let (Done { .. } | Failed { .. }, Event::Finished { ok, .. }) = (state, event)
        && *ok == matches!(state, Done { .. })
    {
        return Ok(state.clone());
    }
    if state.is_over() {
        return match event {
            Event::Tick => Ok(state.clone()),
            _ => Err(Refused::Over(state.as_str())),
        };
    }
    let late = times.now >= times.expires;
    match event {
        // The window bounds when a deployment may begin: one that runs is left to finish.
        Event::Ordered if late && matches!(state, Opened | Confirming) => Ok(Expired),
        Event::Ordered => Ok(Confirming),
        Event::Tick => Ok(match state {
            Opened | Confirming if late => Expired,
            Reading { .. } if late && times.stale => Failed {
                why: "the agent went silent and its time window passed; there is no image: open another session".to_owned(),
            },
            Writing { .. } | Verifying { .. } if late && times.stale => Failed {
                why: "the agent went silent and its time window passed; the disk is incomplete: open another session".to_owned(),
            },
            other => other.clone(),
        }),
        Event::Cancel { by } => Ok(Cancelled { by: by.clone() }),
        Event::Progress { .. } | Event::Finished { .. } if *state == Opened => {
            Err(Refused::NotOrdered)
        }
        Event::Progress {
            step,
            done_bytes,
            total_bytes,
        } => {
            let (done_bytes, total_bytes) = ((*done_bytes).min(*total_bytes), *total_bytes);
            Ok(match step {
                Step::Confirm => Confirming,
                Step::Read => Reading {
                    done_bytes,
                    total_bytes,
                },
                Step::Write => Writing {
                    done_bytes,
                    total_bytes,
                },
                Step::Verify => Verifying {
                    done_bytes,
                    total_bytes,
                },
            })
        }
        Event::Finished {
            ok: true,
            written_bytes,
            took_ms,
            ..
        } => match state {
            Verifying { .. } => Ok(Done {
                written_bytes: *written_bytes,
                took_ms: *took_ms,
            }),
            other => Err(Refused::NotVerified(other.as_str())),
        },
        Event::Finished { detail, .. } => Ok(Failed {
            why: if detail.is_empty() {
                "the agent gave no reason".to_owned()
            } else {
                detail.clone()
            },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(now: i64, stale: bool) -> Times {
        Times {
            now: Timestamp(now),
            expires: Timestamp(100),
            stale,
        }
    }

    #[test]
    fn every_transition_is_the_one_of_the_table() {
        use SessionState::*;
        let writing = Writing {
            done_bytes: 5,
            total_bytes: 10,
        };
        let reading = Reading {
            done_bytes: 5,
            total_bytes: 10,
        };
        let verifying = Verifying {
            done_bytes: 10,
            total_bytes: 10,
        };
        let done = Done {
            written_bytes: 10,
            took_ms: 7,
        };
        let failed = |why: &str| Failed { why: why.into() };
        let cancelled = Cancelled { by: "eve".into() };
        let progress = |step, done_bytes| Event::Progress {
            step,
            done_bytes,
            total_bytes: 10,
        };
        let finished = |ok, detail: &str| Event::Finished {
            ok,
            detail: detail.into(),
            written_bytes: 10,
            took_ms: 7,
            wiped: None,
        };
        let cancel = Event::Cancel { by: "eve".into() };
        let soon = at(1, false);
        let late = at(100, false);
        let late_and_silent = at(100, true);
        let table = [
            (&Opened, Event::Ordered, soon, Ok(Confirming)),
            (&Opened, Event::Ordered, late, Ok(Expired)),
            (&Opened, Event::Tick, soon, Ok(Opened)),
            (&Opened, Event::Tick, late, Ok(Expired)),
            (&Opened, cancel.clone(), soon, Ok(cancelled.clone())),
            (
                &Opened,
                progress(Step::Write, 1),
                soon,
                Err(Refused::NotOrdered),
            ),
            (&Opened, finished(true, ""), soon, Err(Refused::NotOrdered)),
            (
                &Confirming,
                progress(Step::Confirm, 0),
                soon,
                Ok(Confirming),
            ),
            (
                &Confirming,
                progress(Step::Write, 5),
                soon,
                Ok(writing.clone()),
            ),
            (
                &Confirming,
                finished(true, ""),
                soon,
                Err(Refused::NotVerified("confirming")),
            ),
            (
                &Confirming,
                finished(false, "key pressed"),
                soon,
                Ok(failed("key pressed")),
            ),
            (&Confirming, Event::Tick, late, Ok(Expired)),
            (
                &writing,
                progress(Step::Write, 99),
                soon,
                Ok(Writing {
                    done_bytes: 10,
                    total_bytes: 10,
                }),
            ),
            (
                &writing,
                progress(Step::Verify, 10),
                soon,
                Ok(verifying.clone()),
            ),
            (
                &writing,
                finished(true, ""),
                soon,
                Err(Refused::NotVerified("writing")),
            ),
            (
                &Confirming,
                progress(Step::Read, 5),
                soon,
                Ok(reading.clone()),
            ),
            (
                &reading,
                finished(true, ""),
                soon,
                Err(Refused::NotVerified("reading")),
            ),
            (&reading, Event::Tick, late, Ok(reading.clone())),
            (
                &reading,
                progress(Step::Verify, 10),
                soon,
                Ok(verifying.clone()),
            ),
            (&writing, Event::Ordered, soon, Ok(Confirming)),
            (&writing, Event::Ordered, late, Ok(Confirming)),
            (&writing, Event::Tick, late, Ok(writing.clone())),
            (&writing, cancel.clone(), late, Ok(cancelled.clone())),
            (&verifying, finished(true, ""), late, Ok(done.clone())),
            (
                &verifying,
                finished(false, ""),
                soon,
                Ok(failed("the agent gave no reason")),
            ),
            (&done, finished(true, ""), soon, Ok(done.clone())),
            (
                &done,
                finished(false, "x"),
                soon,
                Err(Refused::Over("done")),
            ),
            (&done, cancel.clone(), soon, Err(Refused::Over("done"))),
            (&done, Event::Tick, late_and_silent, Ok(done.clone())),
            (&failed("x"), finished(false, "y"), soon, Ok(failed("x"))),
            (
                &failed("x"),
                Event::Ordered,
                soon,
                Err(Refused::Over("failed")),
            ),
            (
                &cancelled,
                progress(Step::Write, 1),
                soon,
                Err(Refused::Over("cancelled")),
            ),
            (
                &cancelled,
                finished(true, ""),
                soon,
                Err(Refused::Over("cancelled")),
            ),
            (
                &Expired,
                Event::Ordered,
                soon,
                Err(Refused::Over("expired")),
            ),
        ];
        for (state, event, times, expected) in table {
            assert_eq!(
                apply(state, &event, times),
                expected,
                "{state:?} + {event:?}"
            );
        }
        for state in [&reading, &writing] {
            let silent = apply(state, &Event::Tick, late_and_silent);
            assert!(matches!(silent, Ok(Failed { .. })), "{silent:?}");
        }
    }
}
