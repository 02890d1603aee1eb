//! Passwords as they are kept: argon2id, one line of text.

use crate::id;
use argon2::{Algorithm, Argon2, Params, Version};

/// OWASP's first choice for argon2id (19 MiB, 2 passes); about 40 ms on a small box.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// What somebody else wrote into a configuration must not take the machine's memory.
const MOST_MEMORY_KIB: u32 = 1 << 20;
const MOST_PASSES: u32 = 16;

/// Characters; nobody types more.
pub const LONGEST: usize = 200;

/// The parameters that were chosen here do not fail; the machine's memory may.
#[derive(Debug, thiserror::Error)]
#[error("hash a password: {0}; look at the memory that is left")]
pub struct Error(String);

fn derive(password: &str, salt: &[u8], memory_kib: u32, passes: u32) -> Result<[u8; 32], Error> {
    let failed = |e: argon2::Error| Error(e.to_string());
    let params = Params::new(memory_kib, passes, 1, Some(32)).map_err(failed)?;
    let mut out = [0u8; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, &mut out)
        .map_err(failed)?;
    Ok(out)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// `argon2id:KIB:PASSES:SALT:KEY`. Takes about 40 ms of one core: call it off the event loop.
pub fn hash(password: &str) -> Result<String, Error> {
    let salt = id::secret();
    let key = derive(password, salt.as_bytes(), MEMORY_KIB, PASSES)?;
    Ok(format!(
        "argon2id:{MEMORY_KIB}:{PASSES}:{salt}:{}",
        hex(&key)
    ))
}

fn parse(stored: &str) -> Option<(u32, u32, &str, &str)> {
    let parts: Vec<&str> = stored.split(':').collect();
    match parts.as_slice() {
        ["argon2id", memory, passes, salt, key] => {
            let (memory, passes) = (memory.parse().ok()?, passes.parse().ok()?);
            (memory <= MOST_MEMORY_KIB && passes <= MOST_PASSES)
                .then_some((memory, passes, *salt, *key))
        }
        _ => None,
    }
}

/// Whether `password` is the one behind `stored`. As slow as [`hash`], also when `stored` is not
/// a hash at all, so that the answer's delay does not tell which users exist.
pub fn matches(password: &str, stored: &str) -> bool {
    let parsed = parse(stored);
    let known = parsed.is_some();
    let (memory, passes, salt, key) = parsed.unwrap_or((MEMORY_KIB, PASSES, "no such user", ""));
    if password.len() > LONGEST * 4 {
        return false;
    }
    let Ok(derived) = derive(password, salt.as_bytes(), memory, passes) else {
        return false;
    };
    // Both sides are digests: an early exit tells nothing useful, but costs nothing to avoid.
    let derived = hex(&derived);
    let equal = derived.len() == key.len()
        && derived
            .bytes()
            .zip(key.bytes())
            .fold(0u8, |diff, (a, b)| diff | (a ^ b))
            == 0;
    known && equal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_password_matches() {
        let stored = hash("une phrase assez longue").unwrap();
        assert!(matches("une phrase assez longue", &stored));
        assert!(!matches("une phrase assez longuE", &stored));
        assert!(!matches("", &stored));
        for broken in [
            "",
            "argon2id",
            "argon2id:1:1:x:",
            "plain:x",
            "argon2id:19456:2:s:",
            "argon2id:4000000000:2:salt:00",
            "argon2id:19456:4000000000:salt:00",
        ] {
            assert!(!matches("", broken), "{broken}");
        }
        assert_ne!(stored, hash("une phrase assez longue").unwrap(), "salted");
    }
}
