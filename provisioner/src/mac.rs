//! A hardware address: what a boot request names its machine by. A hint, never an identity (docks
//! and dongles move from PC to PC).

use std::fmt;
use std::str::FromStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "read a hardware address: expected twelve hex digits, bare or in pairs separated by `:` or `-`"
)]
pub struct NotAMac;

impl Mac {
    /// Twelve digits without separators, as in boot paths.
    pub fn bare(self) -> String {
        self.to_string().replace(':', "")
    }

    /// Addresses no network card has: all zero, all one, multicast.
    pub fn is_station(self) -> bool {
        self.0 != [0; 6] && self.0[0] & 1 == 0
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for Mac {
    type Err = NotAMac;

    fn from_str(text: &str) -> Result<Mac, NotAMac> {
        let text = text.as_bytes();
        let step = match text.len() {
            12 => 2,
            17 => 3,
            _ => return Err(NotAMac),
        };
        let mut mac = [0u8; 6];
        for (index, byte) in mac.iter_mut().enumerate() {
            let pair = &text[index * step..];
            if step == 3 && index > 0 && !matches!(text[index * step - 1], b':' | b'-') {
                return Err(NotAMac);
            }
            *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
        }
        Ok(Mac(mac))
    }
}

fn digit(byte: u8) -> Result<u8, NotAMac> {
    char::from(byte)
        .to_digit(16)
        .and_then(|d| u8::try_from(d).ok())
        .ok_or(NotAMac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_spelling_is_read() {
        let mac = Mac([0x52, 0x54, 0, 0xab, 0xcd, 0xef]);
        for text in [
            "52:54:00:ab:cd:ef",
            "52-54-00-AB-CD-EF",
            "525400abcdef",
            "525400ABCDEF",
        ] {
            assert_eq!(text.parse(), Ok(mac), "{text}");
        }
        assert_eq!(mac.to_string(), "52:54:00:ab:cd:ef");
        assert_eq!(mac.bare(), "525400abcdef");
        assert!(mac.is_station());
        assert!(!Mac([0xff; 6]).is_station());
        assert!(!Mac([0; 6]).is_station());
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "52:54:00:ab:cd:e",
            "52:54:00:ab:cd:eg",
            "52.54.00.ab.cd.ef",
            "+5:54:00:ab:cd:ef",
            "525400abcdeé",
            "éééééé",
            "52:54:00:ab:cd:ef:",
        ] {
            assert_eq!(text.parse::<Mac>(), Err(NotAMac), "{text}");
        }
    }
}
