//! The pattern of a naming rule, such as `COMPTA-PC{n:02}`: its text taken apart. What is put into
//! the fields is no matter of the configuration.

use std::fmt;

/// A counter of more digits leaves no room for anything else in a NetBIOS name.
const MOST_DIGITS: u8 = 6;

/// A checked pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    text: String,
    pub pieces: Vec<NamePiece>,
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamePiece {
    Literal(String),
    /// `{n}`, or `{n:02}` with exactly so many digits. At most one of a pattern.
    Counter(Option<u8>),
    Field(NameField, Cut),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameField {
    Serial,
    Model,
    Vendor,
    User,
    /// The switch port, of option 82.
    Port,
    Site,
    Profile,
    Mac,
}

impl NameField {
    const ALL: [NameField; 8] = [
        NameField::Serial,
        NameField::Model,
        NameField::Vendor,
        NameField::User,
        NameField::Port,
        NameField::Site,
        NameField::Profile,
        NameField::Mac,
    ];

    /// As in a pattern.
    pub fn word(self) -> &'static str {
        match self {
            NameField::Serial => "serial",
            NameField::Model => "model",
            NameField::Vendor => "vendor",
            NameField::User => "user",
            NameField::Port => "port",
            NameField::Site => "site",
            NameField::Profile => "profile",
            NameField::Mac => "mac",
        }
    }
}

/// Which signs of a field are taken: `{serial}`, `{serial:6}`, `{serial:-6}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    All,
    First(u8),
    Last(u8),
}

/// Takes a pattern apart; the error is the end of a sentence about it.
pub(crate) fn pattern(text: &str) -> Result<NamePattern, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (literal, after) = match rest.split_once('{') {
            Some((literal, after)) => (literal, Some(after)),
            None => (rest, None),
        };
        if let Some(bad) = literal
            .chars()
            .find(|c| !c.is_ascii_alphanumeric() && *c != '-')
        {
            return Err(format!(
                "`{bad}` cannot be in the name of a host; use letters without accents, digits, `-` and fields in braces"
            ));
        }
        if !literal.is_empty() {
            pieces.push(NamePiece::Literal(literal.to_owned()));
        }
        let Some(after) = after else { break };
        let Some((inside, after)) = after.split_once('}') else {
            return Err("a `{` is not closed; write such as {n:02}".to_owned());
        };
        pieces.push(piece(inside)?);
        rest = after;
    }
    let counters = pieces
        .iter()
        .filter(|piece| matches!(piece, NamePiece::Counter(_)))
        .count();
    if counters > 1 {
        return Err("it counts twice; leave one {n}".to_owned());
    }
    if !pieces
        .iter()
        .any(|piece| !matches!(piece, NamePiece::Literal(_)))
    {
        return Err(
            "it gives every host the same name; add {n}, or {serial:-6} for the end of the serial number"
                .to_owned(),
        );
    }
    Ok(NamePattern {
        text: text.to_owned(),
        pieces,
    })
}

fn piece(inside: &str) -> Result<NamePiece, String> {
    let (word, part) = match inside.split_once(':') {
        Some((word, part)) => (word, Some(part)),
        None => (inside, None),
    };
    if word == "n" {
        let Some(part) = part else {
            return Ok(NamePiece::Counter(None));
        };
        let digits = part.strip_prefix('0').unwrap_or(part).parse::<u8>().ok();
        return match digits.filter(|digits| (1..=MOST_DIGITS).contains(digits)) {
            Some(digits) => Ok(NamePiece::Counter(Some(digits))),
            None => Err(format!(
                "`{{{inside}}}` is no counter; write {{n}}, or {{n:02}} for two digits (at most {MOST_DIGITS})"
            )),
        };
    }
    let Some(field) = NameField::ALL.iter().find(|field| field.word() == word) else {
        let known: Vec<&str> = NameField::ALL.iter().map(|field| field.word()).collect();
        return Err(format!(
            "`{{{word}}}` is no field; there are n, {}",
            known.join(", ")
        ));
    };
    let cut = match part {
        None => Some(Cut::All),
        Some(part) => match part.strip_prefix('-') {
            Some(last) => count(last).map(Cut::Last),
            None => count(part).map(Cut::First),
        },
    };
    match cut {
        Some(cut) => Ok(NamePiece::Field(*field, cut)),
        None => Err(format!(
            "`{{{inside}}}` says no number of signs; write {{{word}:6}} for the first 6, {{{word}:-6}} for the last 6"
        )),
    }
}

fn count(text: &str) -> Option<u8> {
    let count = text.parse().ok()?;
    (1..=63).contains(&count).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_taken_apart() {
        use NamePiece::{Counter, Field, Literal};
        let literal = |text: &str| Literal(text.into());
        let table = [
            (
                "COMPTA-PC{n:02}",
                vec![literal("COMPTA-PC"), Counter(Some(2))],
            ),
            ("{n}", vec![Counter(None)]),
            (
                "{site}-{serial:-6}",
                vec![
                    Field(NameField::Site, Cut::All),
                    literal("-"),
                    Field(NameField::Serial, Cut::Last(6)),
                ],
            ),
            (
                "{user:8}{n:1}x",
                vec![
                    Field(NameField::User, Cut::First(8)),
                    Counter(Some(1)),
                    literal("x"),
                ],
            ),
        ];
        for (text, pieces) in table {
            let found = pattern(text).expect(text);
            assert_eq!(found.pieces, pieces, "{text}");
            assert_eq!(found.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_what_to_write() {
        for (text, says) in [
            ("", "same name"),
            ("PC", "same name"),
            ("PC {n}", "letters without accents"),
            ("PÔSTE{n}", "letters without accents"),
            ("PC{n", "not closed"),
            ("PC}{n}", "cannot be"),
            ("PC{n}{n:02}", "counts twice"),
            ("PC{n:0}", "no counter"),
            ("PC{n:007}", "no counter"),
            ("PC{n:x}", "no counter"),
            ("PC{number}", "no field"),
            ("PC{}", "no field"),
            ("PC{serial:}", "no number"),
            ("PC{serial:0}", "no number"),
            ("PC{serial:-64}", "no number"),
            ("PC{serial:--4}", "no number"),
        ] {
            let said = pattern(text).expect_err(text);
            assert!(said.contains(says), "{text}: {said}");
        }
    }
}
