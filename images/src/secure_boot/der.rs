//! ASN.1 DER, as far as names in certificates go. Source: ITU-T X.690 §8, RFC 5280 §4.1.

pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
const OID: u8 = 0x06;
/// id-at-commonName, 2.5.4.3
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// Longer names are cut.
const LONGEST_NAME: usize = 128;

/// One value: its tag, its content, and what follows it.
pub(super) fn value(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x0f))?;
            let len = digits
                .iter()
                .fold(0usize, |len, &d| (len << 8) | usize::from(d));
            (len, rest)
        }
        // Indefinite lengths are not DER, longer ones no certificate.
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(len)?;
    Some((tag, content, rest))
}

/// The content of the next value, which must have that tag, and what follows it.
pub(super) fn expect(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = value(bytes)?;
    (found == tag).then_some((content, rest))
}

/// Issuer's and subject's common names of a certificate; the organisation's unit is no name.
pub(super) fn names(certificate: &[u8]) -> Option<(String, String)> {
    let (certificate, _) = expect(certificate, SEQUENCE)?;
    let (signed, _) = expect(certificate, SEQUENCE)?;
    // The version is optional.
    let signed = match value(signed)? {
        (0xa0, _, rest) => rest,
        _ => signed,
    };
    let (_, _, signed) = value(signed)?; // serial number
    let (_, _, signed) = value(signed)?; // algorithm
    let (issuer, signed) = expect(signed, SEQUENCE)?;
    let (_, _, signed) = value(signed)?; // validity
    let (subject, _) = expect(signed, SEQUENCE)?;
    Some((common_name(issuer)?, common_name(subject)?))
}

/// A name is a sequence of sets of (type, text).
fn common_name(mut name: &[u8]) -> Option<String> {
    while !name.is_empty() {
        let (mut set, rest) = expect(name, SET)?;
        name = rest;
        while !set.is_empty() {
            let (pair, rest) = expect(set, SEQUENCE)?;
            set = rest;
            let (kind, pair) = expect(pair, OID)?;
            let (tag, text, _) = value(pair)?;
            if kind == COMMON_NAME {
                return Some(read_text(tag, text));
            }
        }
    }
    None
}

fn read_text(tag: u8, bytes: &[u8]) -> String {
    const BMP: u8 = 0x1e;
    let text = if tag == BMP {
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect();
        String::from_utf16_lossy(&units)
    } else {
        String::from_utf8_lossy(bytes).into_owned()
    };
    text.chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_NAME)
        .collect()
}
