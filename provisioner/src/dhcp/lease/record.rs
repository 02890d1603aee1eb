//! One change of one address as one line of text: its digest, then its words.

use super::holder::Holder;
use crate::Mac;
use state::Timestamp;
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

    /// One line with its end.
    pub(crate) fn line(&self) -> String {
        let words = match self {
            Record::Bound {
                address,
                holder,
                hostname,
                at,
                until,
            } => format!(
                "bound {address} {} {} {} {} {}",
                at.0,
                until.0,
                holder.mac,
                hex(&holder.id),
                hex(hostname.as_bytes()),
            ),
            Record::Freed { address, at } => format!("freed {address} {}", at.0),
            Record::Aside {
                address,
                at,
                until,
                user,
            } => {
                let user = user.map_or("-".to_owned(), |mac| mac.to_string());
                format!("aside {address} {} {} {user}", at.0, until.0)
            }
        };
        format!("{} {words}\n", digest(&words))
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

/// 64 bits: against damage, not against malice.
pub(super) fn digest(words: &str) -> String {
    let hash = blake3::hash(words.as_bytes());
    hex(hash.as_bytes().get(..8).unwrap_or_default())
}

/// `-` for nothing, so that every word is there.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    if bytes.is_empty() {
        return "-".to_owned();
    }
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(DIGITS[usize::from(digit)]));
        }
    }
    text
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

    #[test]
    fn a_line_is_read_as_it_was_written_and_not_when_a_letter_changed() {
        for record in some() {
            let line = record.line();
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
