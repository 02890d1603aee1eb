//! Who may use the console.
//!
//! - [`password`]: argon2id, one-time passwords.
//! - `login`: the cookie and its row; idle and absolute ends.
//! - `permit`: the extractors that *are* the permission checks.
//! - `origin`: where a request that changes something may come from.
//! - `throttle`: how fast passwords may be tried.
//! - `records`: the tables.

pub(crate) mod login;
pub(crate) mod origin;
pub mod password;
pub(crate) mod permit;
pub(crate) mod records;
pub(crate) mod throttle;

pub use password::{OneTimePassword, one_time_password, set_password};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Db(#[from] state::db::Error),
    #[error(
        "set the password of {0}: there is no such user; `admin` is the one made at first start"
    )]
    NoSuchUser(String),
    #[error("accept the new password: it has {0} characters; choose {1} to 200")]
    Length(usize, usize),
    #[error("hash the password: {0}")]
    Hash(String),
}
