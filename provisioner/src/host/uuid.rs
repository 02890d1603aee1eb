//! The UUID of a machine, whichever way round its bytes come.
//!
//! SMBIOS since 2.6 stores the first three fields little-endian; DHCP option 97 carries the bytes
//! as the firmware has them, and firmware does not agree on whether to turn them first. Both
//! spellings are one machine. Pure.

use super::filler;

/// A UUID that only one machine has. Equal whatever the byte order it was read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Uuid([u8; 16]);

impl Uuid {
    /// `None` for what whole series of boards share, or nobody filled in.
    fn new(bytes: [u8; 16]) -> Option<Uuid> {
        let turned = turn(bytes);
        let shared = [bytes, turned]
            .iter()
            .any(|bytes| filler::is_shared_uuid(&text(*bytes)));
        (!shared).then_some(Uuid(bytes.min(turned)))
    }

    /// Option 97: a type byte, 0, and sixteen bytes (RFC 4578 §2.3). Absent, short or of another
    /// type in firmware that exists: then it says nothing.
    pub(crate) fn of_option_97(value: &[u8]) -> Option<Uuid> {
        match value.split_first() {
            Some((0, rest)) => Uuid::new(rest.try_into().ok()?),
            _ => None,
        }
    }

    /// As the operating system shows it, with or without dashes and braces.
    pub(crate) fn of_text(written: &str) -> Option<Uuid> {
        let mut bytes = [0; 16];
        let mut digits = written
            .trim()
            .chars()
            .filter(|c| !matches!(c, '-' | '{' | '}'));
        for byte in &mut bytes {
            let (high, low) = (digits.next()?.to_digit(16)?, digits.next()?.to_digit(16)?);
            *byte = u8::try_from(high * 16 + low).ok()?;
        }
        match digits.next() {
            None => Uuid::new(bytes),
            Some(_) => None,
        }
    }

    /// Both spellings, the smaller first: a registry may hold either.
    pub(crate) fn spellings(self) -> [String; 2] {
        [text(self.0), text(turn(self.0))]
    }

    /// One of the two, always the same.
    pub(crate) fn key(self) -> String {
        text(self.0)
    }
}

/// The first three fields the other way round.
fn turn(bytes: [u8; 16]) -> [u8; 16] {
    let mut turned = bytes;
    turned[0..4].reverse();
    turned[4..6].reverse();
    turned[6..8].reverse();
    turned
}

fn text(bytes: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: &str = "33221100-5544-7766-8899-aabbccddeeff";
    const WIRE: [u8; 17] = [
        0, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd,
        0xee, 0xff,
    ];

    #[test]
    fn both_byte_orders_are_one_machine() {
        let wire = Uuid::of_option_97(&WIRE).unwrap();
        assert_eq!(Uuid::of_text(SHOWN), Some(wire));
        assert_eq!(
            Uuid::of_text("{00112233-4455-6677-8899-AABBCCDDEEFF}"),
            Some(wire)
        );
        assert!(wire.spellings().contains(&SHOWN.to_owned()));
        assert_eq!(Uuid::of_text(&wire.key()), Some(wire));
        let other = Uuid::of_text("33221100-5544-7766-8899-aabbccddeefe");
        assert_ne!(other, Some(wire));
    }

    #[test]
    fn what_says_nothing_is_no_uuid() {
        assert_eq!(Uuid::of_option_97(&[]), None);
        assert_eq!(Uuid::of_option_97(&[0]), None);
        assert_eq!(Uuid::of_option_97(&[0; 17]), None);
        assert_eq!(Uuid::of_option_97(&WIRE[..16]), None);
        let mut long = WIRE.to_vec();
        long.push(0);
        assert_eq!(Uuid::of_option_97(&long), None);
        let mut other_type = WIRE;
        other_type[0] = 1;
        assert_eq!(Uuid::of_option_97(&other_type), None);
        let mut ones = [0xff; 17];
        ones[0] = 0;
        assert_eq!(Uuid::of_option_97(&ones), None);
        for text in [
            "",
            "Not Settable",
            "00000000-0000-0000-0000-000000000000",
            "00000000-0000-0000-0000-00000000000a",
            "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
            // AMI's, in both byte orders.
            "03000200-0400-0500-0006-000700080009",
            "00020003-0004-0005-0006-000700080009",
            "4C4C4544-0000-2010-8020-80C04F202020",
            "33221100-5544-7766-8899-aabbccddee",
            "33221100-5544-7766-8899-aabbccddeeff00",
        ] {
            assert_eq!(Uuid::of_text(text), None, "{text}");
        }
        // Zeros before a hardware address, as one maker's servers have: theirs alone.
        assert!(Uuid::of_text("00000000-0000-0000-0000-ac1f6b010203").is_some());
    }
}
