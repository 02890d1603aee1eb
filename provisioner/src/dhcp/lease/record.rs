//! One change of one address as one line of text: its digest, then its words.

use super::holder::Holder;
use crate::Mac;
use state::Timestamp;
use std::fmt::Write;
use std::net::Ipv4Addr;

/// What happened to an address. Times are of the book's own clock, see `leases`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// `holder` may use it until then.
    Bound {
        address: Ipv4Addr,
        holder: Holder,
        hostname: String,
        at: Timestamp,
        until: Timestamp,
    },
    /// Its holder gave it back, or somebody did in its stead.
    Freed { address: Ipv4Addr, at: Timestamp },
    /// Somebody else uses it: nobody gets it until then.
    Aside {
        address: Ipv4Addr,
        at: Timestamp,
        until: Timestamp,
        /// The card that answered there.
        user: Option<Mac>,
    },
}

impl Record {
    /// When it was written.
    pub(crate) fn at(&self) -> Timestamp {
        match self {
            Record::Bound { at, .. } | Record::Freed { at, .. } | Record::Aside { at, .. } => *at,
        }
    }

    /// Adds its line, with its end.
    pub(crate) fn write(&self, text: &mut String) {
        let line = text.len();
        text.push_str(NO_DIGEST);
        let words = text.len();
        self.write_words(text);
        let digest = digest(&text[words..]);
        text.replace_range(line..line + digest.len(), &digest);
        text.push('\n');
    }

    fn write_words(&self, text: &mut String) {
        // To a string it cannot fail.
        let _ = match self {
            Record::Bound {
                address,
                holder,
                hostname,
                at,
                until,
            } => {
                let written = write!(text, "bound {address} {} {} ", at.0, until.0);
                for (rank, byte) in holder.mac.0.iter().enumerate() {
                    if rank > 0 {
                        text.push(':');
                    }
                    push_hex(text, *byte);
                }
                for word in [&holder.id, hostname.as_bytes()] {
                    text.push(' ');
                    push_hex_or_dash(text, word);
                }
                written
            }
            Record::Freed { address, at } => write!(text, "freed {address} {}", at.0),
            Record::Aside {
                address,
                at,
                until,
                user,
            } => {
                let user = user.map_or("-".to_owned(), |mac| mac.to_string());
                write!(text, "aside {address} {} {} {user}", at.0, until.0)
            }
        };
    }

    /// `None`: not a line that was written whole.
    pub(crate) fn parse(line: &[u8]) -> Option<Record> {
        let line = std::str::from_utf8(line).ok()?;
        let (found, words) = line.split_once(' ')?;
        if found != digest(words) {
            return None;
        }
        let mut words = words.split(' ');
        let kind = words.next()?;
        let address = words.next()?.parse().ok()?;
        let at = Timestamp(words.next()?.parse().ok()?);
        if kind == "freed" {
            return Some(Record::Freed { address, at });
        }
        let until = Timestamp(words.next()?.parse().ok()?);
        match kind {
            "aside" => {
                let user = match words.next()? {
                    "-" => None,
                    mac => Some(mac.parse().ok()?),
                };
                Some(Record::Aside {
                    address,
                    at,
                    until,
                    user,
                })
            }
            "bound" => {
                let mac: Mac = words.next()?.parse().ok()?;
                let id = unhex(words.next()?)?;
                Some(Record::Bound {
                    address,
                    holder: Holder { id, mac },
                    hostname: String::from_utf8(unhex(words.next()?)?).ok()?,
                    at,
                    until,
                })
            }
            _ => None,
        }
    }
}

/// The place of a digest that is not known yet.
const NO_DIGEST: &str = "0000000000000000 ";

/// 64 bits: against damage, not against malice.
pub(super) fn digest(words: &str) -> String {
    let hash = blake3::hash(words.as_bytes());
    let mut text = String::with_capacity(NO_DIGEST.len());
    for byte in hash.as_bytes().iter().take(8) {
        push_hex(&mut text, *byte);
    }
    text
}

/// `-` for nothing, so that every word is there.
fn push_hex_or_dash(text: &mut String, bytes: &[u8]) {
    if bytes.is_empty() {
        text.push('-');
    }
    for byte in bytes {
        push_hex(text, *byte);
    }
}

fn push_hex(text: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for digit in [byte >> 4, byte & 15] {
        text.push(char::from(DIGITS[usize::from(digit)]));
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text == "-" {
        return Some(Vec::new());
    }
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn some() -> Vec<Record> {
        let address = Ipv4Addr::new(10, 0, 0, 7);
        let holder = Holder {
            id: vec![0xff, 0, 1, 2],
            mac: Mac([0x52, 0x54, 0, 1, 2, 3]),
        };
        let bound = |holder: Holder, hostname: &str| Record::Bound {
            address,
            holder,
            hostname: hostname.to_owned(),
            at: Timestamp(-5),
            until: Timestamp(28_800_000),
        };
        let nameless = Holder {
            id: Vec::new(),
            ..holder.clone()
        };
        vec![
            bound(holder, "Rémi's PC\n"),
            bound(nameless, ""),
            Record::Freed {
                address,
                at: Timestamp(9),
            },
            Record::Aside {
                address,
                at: Timestamp(9),
                until: Timestamp(i64::MAX),
                user: None,
            },
            Record::Aside {
                address,
                at: Timestamp(9),
                until: Timestamp(10),
                user: Some(Mac([2, 0, 0, 0, 0, 1])),
            },
        ]
    }

    pub(crate) fn line(record: &Record) -> String {
        let mut text = String::new();
        record.write(&mut text);
        text
    }

    #[test]
    fn a_line_is_read_as_it_was_written_and_not_when_a_letter_changed() {
        for record in some() {
            let line = line(&record);
            let body = line.strip_suffix('\n').unwrap().as_bytes();
            assert!(!body.contains(&b'\n'), "{line}");
            assert_eq!(Record::parse(body), Some(record));
            for at in 0..body.len() {
                for change in [1, 4, 0x80] {
                    let mut damaged = body.to_vec();
                    damaged[at] ^= change;
                    assert_eq!(Record::parse(&damaged), None, "{line} at {at}");
                }
                assert_eq!(Record::parse(&body[..at]), None);
            }
        }
    }
}
