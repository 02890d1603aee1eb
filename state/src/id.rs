//! Names that nobody chose: 80 random bits in lower-case Crockford base 32 (16 characters, no
//! `i l o u`, so they can be read aloud and typed), and secrets of 256 bits.

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0u8; N];
    // The kernel's generator cannot fail once it is seeded, and this process runs long after that.
    if getrandom::fill(&mut bytes).is_err() {
        panic!("the kernel gave no random bytes; nothing can be named or kept secret without them");
    }
    bytes
}

fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut bits, mut held) = (0u32, 0u32);
    for &byte in bytes {
        bits = (bits << 8) | u32::from(byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(char::from(ALPHABET[((bits >> held) & 31) as usize]));
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        text.push(char::from(ALPHABET[((bits << (5 - held)) & 31) as usize]));
    }
    text
}

/// A new id: 16 characters, unique without asking anybody.
pub fn new() -> String {
    base32(&random::<10>())
}

/// A new secret of 256 bits: 52 characters, for cookies, tokens and passwords made by the machine.
pub fn secret() -> String {
    base32(&random::<32>())
}

/// A one-time password that a person can type: `xxxxx-xxxxx-xxxxx-xxxxx`, 100 bits.
pub fn password() -> String {
    let letters = base32(&random::<13>());
    let groups: Vec<&str> = (0..4).map(|g| &letters[g * 5..g * 5 + 5]).collect();
    groups.join("-")
}

/// A newtype for an id, so that a run cannot be passed where a host is meant.
#[macro_export]
macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub String);

        impl $name {
            /// A fresh random id.
            #[expect(clippy::new_without_default, reason = "a default that differs each time would surprise")]
            pub fn new() -> Self {
                Self($crate::id::new())
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_crockford() {
        assert_eq!(base32(&[0, 0, 0, 0, 0]), "00000000");
        assert_eq!(base32(&[0xff; 5]), "zzzzzzzz");
        assert_eq!(base32(&[0x08, 0x42, 0x10, 0x84, 0x21]), "11111111");
        assert_eq!(base32(&[0xff]), "zw");
    }

    #[test]
    fn names_have_their_length_and_differ() {
        assert_eq!(new().len(), 16);
        assert_eq!(secret().len(), 52);
        assert_eq!(password().len(), 23);
        assert_ne!(new(), new());
    }
}
