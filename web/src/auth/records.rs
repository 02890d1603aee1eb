//! The tables of users and log-ins.

use sqlx::Row;
use state::db::{Db, Error};
use state::wire::Fact;
use state::{Timestamp, journal};

pub(crate) const MIGRATIONS: &[&str] = &[
    "CREATE TABLE web_user (name TEXT PRIMARY KEY, hash TEXT NOT NULL, standing TEXT NOT NULL, \
     changed_ms BIGINT NOT NULL); \
     CREATE TABLE web_login (hash TEXT PRIMARY KEY, name TEXT NOT NULL, opened_ms BIGINT NOT NULL, \
     seen_ms BIGINT NOT NULL, must_change BIGINT NOT NULL)",
];

/// What a stored password is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Its owner chose it.
    Chosen,
    /// Made by the machine; good for one log-in.
    OneTime,
    /// That log-in has happened; good for nothing.
    Spent,
}

impl Standing {
    fn text(self) -> &'static str {
        match self {
            Standing::Chosen => "chosen",
            Standing::OneTime => "one_time",
            Standing::Spent => "spent",
        }
    }

    fn parse(text: &str) -> Standing {
        match text {
            "chosen" => Standing::Chosen,
            "one_time" => Standing::OneTime,
            _ => Standing::Spent,
        }
    }
}

pub(crate) struct StoredUser {
    pub(crate) hash: String,
    pub(crate) standing: Standing,
}

pub(crate) async fn user(db: &Db, name: &str) -> Result<Option<StoredUser>, Error> {
    let row = sqlx::query("SELECT hash, standing FROM web_user WHERE name = $1")
        .bind(name)
        .fetch_optional(db.read())
        .await?;
    row.map(|row| {
        Ok(StoredUser {
            hash: row.try_get("hash")?,
            standing: Standing::parse(row.try_get::<String, _>("standing")?.as_str()),
        })
    })
    .transpose()
}

/// A user who cannot log in yet.
pub(crate) async fn add_user(db: &Db, name: &'static str, now: Timestamp) -> Result<(), Error> {
    db.write(move |conn| {
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO web_user (name, hash, standing, changed_ms) VALUES ($1, '', $2, $3)",
            )
            .bind(name)
            .bind(Standing::Spent.text())
            .bind(now.0)
            .execute(conn)
            .await
            .map(drop)
        })
    })
    .await
}

/// Replaces the password and ends every log-in of that user. False when there is no such user.
pub(crate) async fn set_password(
    db: &Db,
    name: &str,
    hash: String,
    standing: Standing,
    now: Timestamp,
) -> Result<bool, Error> {
    let name = name.to_owned();
    db.write(move |conn| {
        Box::pin(async move {
            let done = sqlx::query(
                "UPDATE web_user SET hash = $1, standing = $2, changed_ms = $3 WHERE name = $4",
            )
            .bind(hash)
            .bind(standing.text())
            .bind(now.0)
            .bind(name.as_str())
            .execute(&mut *conn)
            .await?;
            if done.rows_affected() == 0 {
                return Ok(false);
            }
            sqlx::query("DELETE FROM web_login WHERE name = $1")
                .bind(name.as_str())
                .execute(&mut *conn)
                .await?;
            journal::append(conn, now, &Fact::PasswordChanged { user: name }).await?;
            Ok(true)
        })
    })
    .await
}

pub(crate) struct StoredLogin {
    pub(crate) name: String,
    pub(crate) opened: Timestamp,
    pub(crate) seen: Timestamp,
    pub(crate) must_change: bool,
}

pub(crate) async fn login(db: &Db, hash: &str) -> Result<Option<StoredLogin>, Error> {
    let row =
        sqlx::query("SELECT name, opened_ms, seen_ms, must_change FROM web_login WHERE hash = $1")
            .bind(hash)
            .fetch_optional(db.read())
            .await?;
    row.map(|row| {
        Ok(StoredLogin {
            name: row.try_get("name")?,
            opened: Timestamp(row.try_get("opened_ms")?),
            seen: Timestamp(row.try_get("seen_ms")?),
            must_change: row.try_get::<i64, _>("must_change")? != 0,
        })
    })
    .transpose()
}

/// Opens a log-in for a password that was just checked against `checked_hash`. False when that
/// password is no longer the user's: changed meanwhile, or one-time and used by another request.
pub(crate) async fn open_login(
    db: &Db,
    name: &str,
    checked_hash: String,
    cookie_hash: String,
    oldest_useful: Timestamp,
    now: Timestamp,
) -> Result<bool, Error> {
    let name = name.to_owned();
    db.write(move |conn| {
        Box::pin(async move {
            let row = sqlx::query("SELECT standing FROM web_user WHERE name = $1 AND hash = $2")
                .bind(name.as_str())
                .bind(checked_hash)
                .fetch_optional(&mut *conn)
                .await?;
            let Some(row) = row else { return Ok(false) };
            let standing = Standing::parse(row.try_get::<String, _>("standing")?.as_str());
            if standing == Standing::OneTime {
                sqlx::query("UPDATE web_user SET hash = '', standing = $1 WHERE name = $2")
                    .bind(Standing::Spent.text())
                    .bind(name.as_str())
                    .execute(&mut *conn)
                    .await?;
            }
            sqlx::query("DELETE FROM web_login WHERE opened_ms < $1")
                .bind(oldest_useful.0)
                .execute(&mut *conn)
                .await?;
            sqlx::query(
                "INSERT INTO web_login (hash, name, opened_ms, seen_ms, must_change) \
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(cookie_hash)
            .bind(name.as_str())
            .bind(now.0)
            .bind(now.0)
            .bind(i64::from(standing != Standing::Chosen))
            .execute(&mut *conn)
            .await?;
            journal::append(conn, now, &Fact::LoggedIn { user: name }).await?;
            Ok(true)
        })
    })
    .await
}

pub(crate) async fn touch_login(db: &Db, hash: &str, now: Timestamp) -> Result<(), Error> {
    let hash = hash.to_owned();
    db.write(move |conn| {
        Box::pin(async move {
            sqlx::query("UPDATE web_login SET seen_ms = $1 WHERE hash = $2")
                .bind(now.0)
                .bind(hash)
                .execute(conn)
                .await
                .map(drop)
        })
    })
    .await
}

pub(crate) async fn close_login(db: &Db, hash: &str) -> Result<(), Error> {
    let hash = hash.to_owned();
    db.write(move |conn| {
        Box::pin(async move {
            sqlx::query("DELETE FROM web_login WHERE hash = $1")
                .bind(hash)
                .execute(conn)
                .await
                .map(drop)
        })
    })
    .await
}
