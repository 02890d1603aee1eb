//! Passwords: argon2id hashes, and one-time passwords that die at the first log-in.

use super::{Error, records};
use argon2::{Algorithm, Argon2, Params, Version};
use state::{Db, Timestamp};

/// OWASP's first choice for argon2id (19 MiB, 2 passes); about 40 ms on a small box.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// Shortest chosen password (NIST SP 800-63B asks for 8 with a second factor; there is none yet).
pub const SHORTEST: usize = 12;
const LONGEST: usize = 200;

/// A password that dies at the first log-in. Print it to a terminal, or write it to a file that
/// only its owner reads.
pub struct OneTimePassword {
    pub user: String,
    pub password: String,
}

fn derive(password: &str, salt: &[u8], memory_kib: u32, passes: u32) -> Result<[u8; 32], Error> {
    let failed = |e: argon2::Error| Error::Hash(e.to_string());
    let params = Params::new(memory_kib, passes, 1, Some(32)).map_err(failed)?;
    let mut out = [0u8; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, &mut out)
        .map_err(failed)?;
    Ok(out)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Takes about 40 ms of one core: call it off the event loop.
pub(crate) fn hash(password: &str) -> Result<String, Error> {
    let salt = state::id::secret();
    let key = derive(password, salt.as_bytes(), MEMORY_KIB, PASSES)?;
    Ok(format!(
        "argon2id:{MEMORY_KIB}:{PASSES}:{salt}:{}",
        hex(&key)
    ))
}

/// Whether `password` is the one behind `stored`. As slow as [`hash`], also when `stored` is not
/// a hash at all, so that the answer's delay does not tell which users exist.
pub(crate) fn matches(password: &str, stored: &str) -> bool {
    let parts: Vec<&str> = stored.split(':').collect();
    let parsed = match parts.as_slice() {
        ["argon2id", memory, passes, salt, key] => memory
            .parse()
            .ok()
            .zip(passes.parse().ok())
            .map(|(m, p)| (m, p, *salt, *key)),
        _ => None,
    };
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

/// Refuses passwords too short to stand or too long to hash.
pub(crate) fn judge(password: &str) -> Result<(), Error> {
    let length = password.chars().count();
    if (SHORTEST..=LONGEST).contains(&length) {
        Ok(())
    } else {
        Err(Error::Length(length, SHORTEST))
    }
}

async fn hash_aside(password: String) -> Result<String, Error> {
    tokio::task::spawn_blocking(move || hash(&password))
        .await
        .map_err(|e| Error::Hash(e.to_string()))?
}

/// Gives user `name` a new one-time password (the old one is lost); ends their sessions.
pub async fn one_time_password(
    db: &Db,
    name: &str,
    now: Timestamp,
) -> Result<OneTimePassword, Error> {
    let password = state::id::password();
    let hash = hash_aside(password.clone()).await?;
    if !records::set_password(db, name, hash, records::Standing::OneTime, now).await? {
        return Err(Error::NoSuchUser(name.to_owned()));
    }
    Ok(OneTimePassword {
        user: name.to_owned(),
        password,
    })
}

/// Sets a chosen password; ends the sessions of that user.
pub async fn set_password(
    db: &Db,
    name: &str,
    password: &str,
    now: Timestamp,
) -> Result<(), Error> {
    judge(password)?;
    let hash = hash_aside(password.to_owned()).await?;
    if records::set_password(db, name, hash, records::Standing::Chosen, now).await? {
        Ok(())
    } else {
        Err(Error::NoSuchUser(name.to_owned()))
    }
}

/// See [`crate::ensure_admin`].
pub(crate) async fn ensure_admin(
    db: &Db,
    now: Timestamp,
) -> Result<Option<OneTimePassword>, Error> {
    const ADMIN: &str = "admin";
    match records::user(db, ADMIN).await? {
        Some(user) if user.standing == records::Standing::Chosen => return Ok(None),
        Some(_) => {}
        None => records::add_user(db, ADMIN, now).await?,
    }
    one_time_password(db, ADMIN, now).await.map(Some)
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
        ] {
            assert!(!matches("", broken), "{broken}");
        }
        assert_ne!(stored, hash("une phrase assez longue").unwrap(), "salted");
    }

    #[test]
    fn length_is_judged_in_characters() {
        assert!(judge("ééééééééééé").is_err());
        assert!(judge("éééééééééééé").is_ok());
        assert!(judge(&"x".repeat(201)).is_err());
    }
}
