//! What the appliance writes to people, in the language of the configuration: the same words as text, as HTML and for a
//! chat. Pure, except for the clock of [`compose`].
//!
//! - `incident`: something broke, or works again. `morning`: what was saved and restored for real, what is not protected.

mod incident;
mod morning;

use crate::words::Words;
use askama::Template;
use config::Config;
use continuity::notify::{Compose, Message, Text};
pub(crate) use incident::named;
use jiff::tz::TimeZone;
use state::Clock;
use std::sync::Arc;

/// A letter before it is dressed.
#[derive(Clone, Debug, Default, PartialEq)]
struct Letter {
    subject: String,
    /// The one sentence that counts.
    lead: String,
    sections: Vec<Section>,
    foot: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Section {
    title: String,
    lines: Vec<String>,
}

/// Words messages in the language and the time zone of `config`.
pub fn compose(config: &Config, clock: Clock) -> Compose {
    let appliance = config.appliance.name.clone();
    let locale = config.appliance.locale;
    let zone = TimeZone::get(&config.appliance.timezone).unwrap_or(TimeZone::UTC);
    let morning = config.notify.morning.to_string();
    Arc::new(move |message| {
        let words = Words::new(locale, zone.clone(), clock.now());
        dress(&words, &write(&words, &appliance, &morning, message))
    })
}

fn write(words: &Words, appliance: &str, hour: &str, message: &Message) -> Letter {
    let mut letter = match message {
        Message::Opened {
            object,
            sentence,
            at,
            comes_and_goes,
        } => incident::opened(words, object, sentence, *at, *comes_and_goes),
        Message::Over {
            object,
            sentence,
            since,
            at,
        } => incident::over(words, object, sentence, *since, *at),
        Message::Morning(morning) => morning::letter(words, hour, morning),
        Message::Try => Letter {
            subject: words.t("letter-try-subject"),
            lead: words.t("letter-try-lead"),
            ..Letter::default()
        },
    };
    letter.subject = words.t2(
        "letter-subject",
        "appliance",
        appliance,
        "what",
        letter.subject,
    );
    letter
        .foot
        .push(words.t1("letter-from", "appliance", appliance));
    letter
}

#[derive(Template)]
#[template(path = "letter.html")]
struct Page<'a> {
    language: &'static str,
    letter: &'a Letter,
}

fn dress(words: &Words, letter: &Letter) -> Text {
    let plain = plain(letter);
    let page = Page {
        language: words.code(),
        letter,
    };
    Text {
        subject: one_line(&letter.subject),
        // A template that is compiled into this binary and writes to memory does not fail.
        html: page.render().unwrap_or_default(),
        markdown: markdown(letter),
        plain,
    }
}

fn plain(letter: &Letter) -> String {
    let mut out = format!("{}\n", letter.lead);
    for section in &letter.sections {
        out.push('\n');
        if !section.title.is_empty() {
            out.push_str(&format!("{}\n", section.title));
        }
        for line in &section.lines {
            out.push_str(&format!("- {}\n", one_line(line)));
        }
    }
    // The signature mark of RFC 3676.
    out.push_str("\n-- \n");
    for line in &letter.foot {
        out.push_str(&format!("{line}\n"));
    }
    out
}

fn markdown(letter: &Letter) -> String {
    let mut out = format!("#### {}\n{}\n", quiet(&letter.subject), quiet(&letter.lead));
    for section in &letter.sections {
        out.push('\n');
        if !section.title.is_empty() {
            out.push_str(&format!("**{}**\n", quiet(&section.title)));
        }
        for line in &section.lines {
            out.push_str(&format!("- {}\n", quiet(line)));
        }
    }
    out
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Names of files and plans come from outside: in a chat they must neither call people (`@all`) nor draw links.
fn quiet(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        if "\\`*_[]<>#|~!".contains(c) {
            out.push('\\');
        }
        out.push(c);
        if c == '@' {
            out.push('\u{200b}');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::Locale;

    #[test]
    fn hostile_names_stay_text() {
        let words = Words::new(Locale::En, TimeZone::UTC, state::Timestamp(0));
        let letter = Letter {
            subject: "a\r\nBcc: b@c".into(),
            lead: "lead".into(),
            sections: vec![Section {
                title: "t".into(),
                lines: vec!["@all <b>[x](http://y)\nnext".into()],
            }],
            foot: vec!["foot".into()],
        };
        let text = dress(&words, &letter);
        assert_eq!(text.subject, "a  Bcc: b@c");
        assert!(text.plain.contains("- @all <b>[x](http://y) next\n"));
        assert!(!text.html.contains("<b>"), "{}", text.html);
        assert!(!text.markdown.contains("@all"), "{}", text.markdown);
        assert!(text.markdown.contains("\\[x\\](http://y)"));
    }
}
