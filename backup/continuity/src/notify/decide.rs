//! Which facts are news to people: one message when an incident begins, one when it is over, none between. Pure.

use state::Timestamp;
use std::time::Duration;

/// Beginnings of the same incident within this time are counted together.
const WINDOW: Duration = Duration::from_secs(24 * 3600);
/// The beginning at which we say that it comes and goes, and then nothing more within the window.
const FLAPS: u64 = 3;
/// An incident of the time before a restart that nobody reports again this long after the start is over.
pub(super) const DOUBT: Duration = Duration::from_secs(120);

/// What is remembered of the incidents of one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Known {
    /// Names the mails that belong together.
    pub(super) thread: String,
    pub(super) sentence: String,
    pub(super) since: Timestamp,
    pub(super) open: bool,
    /// Beginnings since `window`.
    pub(super) opened: u64,
    pub(super) window: Timestamp,
    /// Its beginning was not told: it comes and goes.
    pub(super) muted: bool,
    /// Since when nobody vouches for it.
    pub(super) doubted: Option<Timestamp>,
}

/// What the journal or the clock says of one object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Event<'a> {
    Begins(&'a str),
    Over,
    /// The process that reported it has ended.
    Restarted,
}

/// What to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Say {
    Opened,
    ComesAndGoes,
    Over,
}

/// What to remember, and what to tell; `thread` is used when a new incident begins.
pub(super) fn decide(
    known: Option<&Known>,
    event: Event<'_>,
    at: Timestamp,
    thread: &str,
) -> (Option<Known>, Option<Say>) {
    match (known, event) {
        (Some(known), Event::Begins(sentence)) if known.open => {
            let again = Known {
                sentence: sentence.to_owned(),
                doubted: None,
                ..known.clone()
            };
            (Some(again), None)
        }
        (known, Event::Begins(sentence)) => {
            let recent = known.filter(|k| at.since(k.window) < WINDOW);
            let opened = recent.map_or(0, |k| k.opened) + 1;
            let begun = Known {
                thread: thread.to_owned(),
                sentence: sentence.to_owned(),
                since: at,
                open: true,
                opened,
                window: recent.map_or(at, |k| k.window),
                muted: opened >= FLAPS,
                doubted: None,
            };
            let say = match opened {
                ..FLAPS => Some(Say::Opened),
                FLAPS => Some(Say::ComesAndGoes),
                _ => None,
            };
            (Some(begun), say)
        }
        (Some(known), Event::Over) if known.open => {
            let ended = Known {
                open: false,
                doubted: None,
                ..known.clone()
            };
            (Some(ended), (!known.muted).then_some(Say::Over))
        }
        (Some(known), Event::Restarted) if known.open => {
            let doubted = Known {
                doubted: Some(at),
                ..known.clone()
            };
            (Some(doubted), None)
        }
        (_, Event::Over | Event::Restarted) => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    /// Plays events (hour, event) and returns what was said at each.
    fn play(events: &[(i64, Event<'_>)]) -> (Option<Known>, Vec<Option<Say>>) {
        let mut known: Option<Known> = None;
        let mut said = Vec::new();
        for (n, (hour, event)) in events.iter().enumerate() {
            let at = Timestamp(hour * HOUR);
            let (row, say) = decide(known.as_ref(), *event, at, &format!("thread {n}"));
            known = row.or(known);
            said.push(say);
        }
        (known, said)
    }

    #[test]
    fn one_message_when_it_begins_one_when_it_is_over_and_none_between() {
        let begins = Event::Begins("not mounted");
        let other = Event::Begins("full");
        for (case, events, want) in [
            ("begins", vec![(0, begins)], vec![Some(Say::Opened)]),
            (
                "all night",
                vec![(0, begins), (1, begins), (2, other), (8, Event::Over)],
                vec![Some(Say::Opened), None, None, Some(Say::Over)],
            ),
            ("an end of nothing", vec![(0, Event::Over)], vec![None]),
            (
                "an end is told once",
                vec![(0, begins), (1, Event::Over), (2, Event::Over)],
                vec![Some(Say::Opened), Some(Say::Over), None],
            ),
            (
                "the box restarts, and it goes on",
                vec![(0, begins), (1, Event::Restarted), (1, begins)],
                vec![Some(Say::Opened), None, None],
            ),
            (
                "comes and goes: said once, then silent",
                vec![
                    (0, begins),
                    (1, Event::Over),
                    (2, begins),
                    (3, Event::Over),
                    (4, begins),
                    (5, Event::Over),
                    (6, begins),
                    (7, Event::Over),
                ],
                vec![
                    Some(Say::Opened),
                    Some(Say::Over),
                    Some(Say::Opened),
                    Some(Say::Over),
                    Some(Say::ComesAndGoes),
                    None,
                    None,
                    None,
                ],
            ),
            (
                "each night anew: told each time",
                vec![
                    (0, begins),
                    (3, Event::Over),
                    (24, begins),
                    (27, Event::Over),
                    (48, begins),
                ],
                vec![
                    Some(Say::Opened),
                    Some(Say::Over),
                    Some(Say::Opened),
                    Some(Say::Over),
                    Some(Say::Opened),
                ],
            ),
        ] {
            assert_eq!(play(&events).1, want, "{case}");
        }
    }

    #[test]
    fn what_is_remembered_is_the_newest_sentence_since_the_first_time_in_one_thread() {
        let events = [
            (0, Event::Begins("not mounted")),
            (1, Event::Restarted),
            (2, Event::Begins("full")),
        ];
        let known = play(&events).0.expect("known");
        assert_eq!(
            (known.sentence.as_str(), known.since, known.thread.as_str()),
            ("full", Timestamp(0), "thread 0")
        );
        assert_eq!((known.open, known.doubted), (true, None));
        let doubted = play(&events[..2]).0.expect("known");
        assert_eq!(doubted.doubted, Some(Timestamp(HOUR)));
    }
}
