//! Something broke, or works again.

use super::{Letter, Section};
use crate::words::Words;
use state::Timestamp;

pub(super) fn opened(
    words: &Words,
    object: &str,
    sentence: &str,
    at: Timestamp,
    comes_and_goes: bool,
) -> Letter {
    let name = named(words, object);
    let mut lines = vec![words.told(sentence).text];
    lines.push(words.t1("letter-since", "date", words.date(at)));
    if comes_and_goes {
        lines.push(words.t("letter-comes-and-goes"));
    } else {
        lines.push(words.t("letter-until-over"));
    }
    Letter {
        subject: words.t1("letter-opened-subject", "object", &name),
        lead: words.t1("letter-opened-lead", "object", &name),
        sections: vec![Section {
            title: String::new(),
            lines,
        }],
        foot: Vec::new(),
    }
}

pub(super) fn over(
    words: &Words,
    object: &str,
    sentence: &str,
    since: Timestamp,
    at: Timestamp,
) -> Letter {
    let name = named(words, object);
    Letter {
        subject: words.t1("letter-over-subject", "object", &name),
        lead: words.t1("letter-over-lead", "object", &name),
        sections: vec![Section {
            title: String::new(),
            lines: vec![
                words.with(
                    "letter-lasted",
                    &[
                        ("from", &words.date(since)),
                        ("to", &words.date(at)),
                        ("took", &words.duration(at.since(since))),
                    ],
                ),
                words.t1("letter-it-was", "sentence", words.told(sentence).text),
            ],
        }],
        foot: Vec::new(),
    }
}

/// The object of an incident in the reader's words; one of a newer version as it is.
pub(crate) fn named(words: &Words, object: &str) -> String {
    let pair = |rest: &str, key: &str| {
        let (plan, target) = rest.split_once(" on target ")?;
        Some(words.t2(key, "plan", words.plan(plan), "target", target))
    };
    let found = if let Some(target) = object.strip_prefix("target ") {
        Some(words.t1("object-target", "target", target))
    } else if let Some(plan) = object.strip_prefix("plan ") {
        Some(words.t1("object-plan", "plan", words.plan(plan)))
    } else if let Some(rest) = object.strip_prefix("proof of plan ") {
        pair(rest, "object-proof")
    } else if let Some(rest) = object.strip_prefix("age of plan ") {
        pair(rest, "object-age")
    } else if let Some(target) = object.strip_prefix("room on target ") {
        Some(words.t1("object-room", "target", target))
    } else if let Some(target) = object.strip_prefix("history of target ") {
        Some(words.t1("object-history", "target", target))
    } else if object == "clock of this box" {
        Some(words.t("object-clock"))
    } else {
        let channel = object.strip_prefix("messages: ");
        channel.map(|channel| words.t1("object-messages", "channel", words.channel(channel)))
    };
    found.unwrap_or_else(|| object.to_owned())
}
