//! The code a person compares between the PC's screen and the console.

/// Eight signs that are not mistaken for one another when read aloud or off a bad screen.
const SIGNS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// A digest of the agent's key and of the certificate (SHA-256 of its DER, hex, either case):
/// the two sides show the same code only if nobody stands between them. `ABCD-2345`, 40 bits.
pub fn pairing_code(agent_key: &str, certificate_fingerprint: &str) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("reprise 2026 agent pairing code v1");
    for part in [agent_key, certificate_fingerprint] {
        let part = part.trim().to_ascii_lowercase();
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let digest = hasher.finalize();
    let mut code = String::with_capacity(9);
    // 256 is a multiple of 32: every sign is equally likely.
    for (at, byte) in digest.as_bytes().iter().take(8).enumerate() {
        if at == 4 {
            code.push('-');
        }
        code.push(char::from(SIGNS[usize::from(byte % 32)]));
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_see_one_code_and_nobody_else() {
        let code = pairing_code("a1b2", "C0FFEE");
        assert_eq!(code.len(), 9);
        assert_eq!(code.as_bytes()[4], b'-');
        assert_eq!(code, pairing_code("A1B2", "c0ffee\n"));
        assert_ne!(code, pairing_code("a1b3", "c0ffee"));
        assert_ne!(code, pairing_code("a1b2", "c0ffef"));
        assert_ne!(code, pairing_code("a1b2c0", "ffee"));
    }
}
