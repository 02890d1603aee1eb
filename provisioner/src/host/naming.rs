//! What a naming rule calls a machine. Pure; the pattern itself is the configuration's.
//!
//! A name is an RFC 1123 label, not all digits (Windows refuses those, and they look like addresses), and
//! as short as the configuration wants it: 15 signs for NetBIOS.

use super::identity::is_host_name;
use crate::Mac;
use crate::boot::rule::is_like;
use config::{Cut, NameField, NamePattern, NamePiece};

/// The last number of a counter without digits of its own.
const LAST: u32 = 99_999;

/// A rule, and what bounds it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule<'a> {
    pub(crate) pattern: &'a NamePattern,
    /// Where it is written: `[hosts]`, or `[[profile]] compta`.
    pub(crate) table: &'a str,
    pub(crate) longest: u8,
    /// `*` stands for anything.
    pub(crate) reserved: &'a [String],
}

/// What is known of the machine, as it was said; empty = nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    /// The name it has.
    pub(crate) name: String,
    pub(crate) serial: String,
    pub(crate) model: String,
    pub(crate) vendor: String,
    pub(crate) user: String,
    pub(crate) port: String,
    pub(crate) site: String,
    pub(crate) profile: String,
    pub(crate) mac: Option<Mac>,
}

/// Why a rule gives no name; each names the rule and what to change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoName {
    #[error("the rule {rule} needs {{{field}}}, and nothing usable is known of it; {remedy}")]
    Nothing {
        rule: String,
        field: &'static str,
        remedy: &'static str,
    },
    #[error(
        "the rule {rule} makes {name}, of {length} signs, and {longest} are allowed (`longest_name` in [hosts]); shorten it, such as {{user:8}} for the first 8 signs of the user"
    )]
    TooLong {
        rule: String,
        name: String,
        length: usize,
        longest: u8,
    },
    #[error(
        "the rule {rule} makes {name:?}, which no host may be called (letters, digits and `-`, not at the ends, not digits only); put a letter before it"
    )]
    NotAName { rule: String, name: String },
    #[error(
        "the rule {rule} makes {name}, which another host has; add {{n}} to it, or name this host yourself with `reprise host name`"
    )]
    Taken { rule: String, name: String },
    #[error(
        "the rule {rule} makes {name}, which `reserved` in [hosts] keeps free; name this host yourself with `reprise host name`"
    )]
    Reserved { rule: String, name: String },
    #[error(
        "the rule {rule} has no number left: all up to {last} are taken or reserved; write one digit more, or forget hosts that are gone"
    )]
    NoRoom { rule: String, last: u32 },
}

/// The name that the rule gives: the one it has, if it fits the rule, else the first that is free.
/// `taken`: does another machine have that name, by any case of its letters?
pub(crate) fn name_for(
    rule: Rule<'_>,
    subject: &Subject,
    taken: impl Fn(&str) -> bool,
) -> Result<String, NoName> {
    let told = || format!("{} of {}", rule.pattern, rule.table);
    let (mut before, mut after) = (String::new(), String::new());
    let mut counter = None;
    for piece in &rule.pattern.pieces {
        let side = match counter {
            None => &mut before,
            Some(_) => &mut after,
        };
        match piece {
            NamePiece::Literal(text) => side.push_str(text),
            NamePiece::Counter(digits) => counter = Some(*digits),
            NamePiece::Field(field, cut) => {
                let value = cut_of(&value(*field, subject), *cut);
                if value.is_empty() {
                    return Err(NoName::Nothing {
                        rule: told(),
                        field: field.word(),
                        remedy: remedy(*field),
                    });
                }
                side.push_str(&value);
            }
        }
    }
    let check = |name: &str| {
        let (rule_told, name) = (told(), name.to_owned());
        let length = name.len();
        if length > usize::from(rule.longest) {
            return Err(NoName::TooLong {
                rule: rule_told,
                name,
                length,
                longest: rule.longest,
            });
        }
        if !is_host_name(&name) || name.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NoName::NotAName {
                rule: rule_told,
                name,
            });
        }
        Ok(name)
    };
    let reserved = |name: &str| rule.reserved.iter().any(|pattern| is_like(pattern, name));
    let Some(digits) = counter else {
        let name = check(&before)?;
        return match (taken(&name), reserved(&name)) {
            (true, _) => Err(NoName::Taken { rule: told(), name }),
            // Who has a name keeps it, reserved since or not.
            (false, true) if !name.eq_ignore_ascii_case(&subject.name) => {
                Err(NoName::Reserved { rule: told(), name })
            }
            (false, _) => Ok(name),
        };
    };
    let with = |number: u32| match digits {
        Some(digits) => format!(
            "{before}{number:0width$}{after}",
            width = usize::from(digits)
        ),
        None => format!("{before}{number}{after}"),
    };
    if let Some(number) = number_of(&subject.name, &before, &after)
        && with(number).eq_ignore_ascii_case(&subject.name)
        && !taken(&subject.name)
        && check(&subject.name).is_ok()
    {
        return Ok(subject.name.clone());
    }
    let last = digits.map_or(LAST, |digits| 10u32.saturating_pow(u32::from(digits)) - 1);
    for number in 1..=last {
        let name = check(&with(number))?;
        if !taken(&name) && !reserved(&name) {
            return Ok(name);
        }
    }
    Err(NoName::NoRoom { rule: told(), last })
}

/// The number of a name that the rule gave before.
fn number_of(name: &str, before: &str, after: &str) -> Option<u32> {
    let name = name.to_ascii_lowercase();
    let digits = name
        .strip_prefix(&before.to_ascii_lowercase())?
        .strip_suffix(&after.to_ascii_lowercase())?;
    let number = digits.parse().ok()?;
    (number > 0).then_some(number)
}

fn value(field: NameField, subject: &Subject) -> String {
    let words = |text: &str| plain(text, Some('-'));
    match field {
        NameField::Serial => plain(&subject.serial, None),
        NameField::Mac => subject.mac.map(|mac| mac.bare()).unwrap_or_default(),
        NameField::Model => words(&subject.model),
        NameField::Vendor => words(&subject.vendor),
        // `DOMAIN\jean`, `jean@example.net`.
        NameField::User => {
            let user = subject.user.rsplit('\\').next().unwrap_or_default();
            words(user.split('@').next().unwrap_or_default())
        }
        NameField::Port => words(&subject.port),
        NameField::Site => words(&subject.site),
        NameField::Profile => words(&subject.profile),
    }
}

fn remedy(field: NameField) -> &'static str {
    match field {
        NameField::User => "write its user with `reprise host set HOST --user NAME`",
        NameField::Port => {
            "boot it behind a switch that adds option 82, or leave {port} out of the rule"
        }
        NameField::Site => "add its network to a [[site]], and boot it there",
        NameField::Profile => "choose one with --profile",
        NameField::Serial | NameField::Model | NameField::Vendor => {
            "its firmware does not say; use {mac:-6} or {n}, or name this host yourself with `reprise host name`"
        }
        NameField::Mac => "boot it from the network once",
    }
}

/// By signs, without a `-` at either end.
fn cut_of(text: &str, cut: Cut) -> String {
    let length = text.chars().count();
    let taken: String = match cut {
        Cut::All => text.to_owned(),
        Cut::First(most) => text.chars().take(usize::from(most)).collect(),
        Cut::Last(most) => text
            .chars()
            .skip(length.saturating_sub(usize::from(most)))
            .collect(),
    };
    taken.trim_matches('-').to_owned()
}

/// Letters without accents and digits; what stands between words becomes `between`, once.
fn plain(text: &str, between: Option<char>) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if let Some(letters) = without_accent(c) {
            out.push_str(&letters);
        } else if is_mark(c) {
            // An accent written after its letter.
        } else if let Some(between) = between
            && !out.ends_with(between)
        {
            out.push(between);
        }
    }
    out.trim_matches('-').to_owned()
}

/// Combining diacritical marks, of names that a Mac wrote.
fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// Letters of the languages that are written in Latin script in Europe, as passports write them where
/// that is usual (ICAO 9303 says ß = ss, æ = ae, œ = oe, þ = th).
fn without_accent(c: char) -> Option<String> {
    const LETTERS: &[(&str, &str)] = &[
        ("a", "àâäáãåāăą"),
        ("ae", "æ"),
        ("c", "çćčĉċ"),
        ("d", "đďð"),
        ("e", "éèêëēėęě"),
        ("g", "ğģĝġ"),
        ("h", "ĥħ"),
        ("i", "îïíìīįı"),
        ("j", "ĵ"),
        ("k", "ķ"),
        ("l", "łľļĺ"),
        ("n", "ñńňņ"),
        ("o", "ôöóòõøōő"),
        ("oe", "œ"),
        ("r", "řŕ"),
        ("s", "šśşșŝ"),
        ("ss", "ß"),
        ("t", "ťţțŧ"),
        ("th", "þ"),
        ("u", "ùûüúūůűųŭ"),
        ("w", "ŵ"),
        ("y", "ÿýŷ"),
        ("z", "žźż"),
    ];
    let small = c.to_lowercase().next()?;
    let found = LETTERS.iter().find(|(_, many)| many.contains(small));
    let plain = match found {
        Some((plain, _)) => (*plain).to_owned(),
        // Turkish İ is an i and a mark in lower case.
        None if small.is_ascii_alphanumeric() => small.to_string(),
        None => return None,
    };
    Some(match c == small {
        true => plain,
        false => plain.to_ascii_uppercase(),
    })
}

#[cfg(test)]
mod tests;
