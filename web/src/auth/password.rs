//! Passwords: argon2id hashes, and one-time passwords that die at the first log-in.

use super::{Error, records};
use state::password::LONGEST;
pub(crate) use state::password::matches;
use state::{Db, Timestamp};

/// Shortest chosen password (NIST SP 800-63B asks for 8 with a second factor; there is none yet).
pub const SHORTEST: usize = 12;

/// A password that dies at the first log-in. Print it to a terminal, or write it to a file that
/// only its owner reads.
pub struct OneTimePassword {
    pub user: String,
    pub password: String,
}

/// Takes about 40 ms of one core: call it off the event loop.
pub(crate) fn hash(password: &str) -> Result<String, Error> {
    state::password::hash(password).map_err(|e| Error::Hash(e.to_string()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
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
    fn length_is_judged_in_characters() {
        assert!(judge("ééééééééééé").is_err());
        assert!(judge("éééééééééééé").is_ok());
        assert!(judge(&"x".repeat(201)).is_err());
    }
}
