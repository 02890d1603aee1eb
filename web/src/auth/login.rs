//! One browser's log-in: an opaque cookie whose SHA-256 is a row; it ends after 12 h unused and
//! after 7 days in any case.

use super::{password, records};
use crate::desk::{Desk, cookie};
use crate::error::Error;
use axum::http::{HeaderMap, HeaderValue, header};
use ring::digest::{SHA256, digest};
use state::Timestamp;
use std::time::Duration;

/// `__Host-`: this host only, HTTPS only, whole site (RFC 6265bis §4.1.3.2).
const COOKIE: &str = "__Host-reprise";
const IDLE: Duration = Duration::from_secs(12 * 3600);
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// A row is written at most this often, not at each request.
const TOUCH: Duration = Duration::from_secs(60);

/// A log-in that stands.
pub(crate) struct Login {
    pub(crate) name: String,
    /// Goes into forms; a page of another site cannot know it.
    pub(crate) token: String,
    pub(crate) must_change: bool,
    pub(crate) cookie_hash: String,
}

fn sha256(text: &str) -> String {
    password::hex(digest(&SHA256, text.as_bytes()).as_ref())
}

fn token(cookie: &str) -> String {
    sha256(&format!("form token of {cookie}"))
}

fn stands(opened: Timestamp, seen: Timestamp, now: Timestamp) -> bool {
    now.since(seen) < IDLE && now.since(opened) < LONGEST
}

/// A forgotten tab that keeps itself up to date must not keep its log-in alive.
fn by_hand(headers: &HeaderMap) -> bool {
    let stream = headers
        .get(header::ACCEPT)
        .is_some_and(|v| v.as_bytes().starts_with(b"text/event-stream"));
    !stream && !headers.contains_key("x-reprise-live")
}

pub(crate) async fn find(desk: &Desk, headers: &HeaderMap) -> Result<Option<Login>, Error> {
    let Some(value) = cookie(headers, COOKIE).filter(|v| v.len() == 52) else {
        return Ok(None);
    };
    let (db, now) = (&desk.app.db, desk.app.clock.now());
    let cookie_hash = sha256(&value);
    let Some(row) = records::login(db, &cookie_hash).await? else {
        return Ok(None);
    };
    if !stands(row.opened, row.seen, now) {
        records::close_login(db, &cookie_hash).await?;
        return Ok(None);
    }
    if by_hand(headers) && now.since(row.seen) >= TOUCH {
        records::touch_login(db, &cookie_hash, now).await?;
    }
    Ok(Some(Login {
        name: row.name,
        token: token(&value),
        must_change: row.must_change,
        cookie_hash,
    }))
}

/// Opens a log-in for a password checked against `checked_hash`; the header to set, or `None`
/// when the password lost its worth meanwhile.
pub(crate) async fn open(
    desk: &Desk,
    name: &str,
    checked_hash: String,
) -> Result<Option<HeaderValue>, Error> {
    let value = state::id::secret();
    let now = desk.app.clock.now();
    let opened = records::open_login(
        &desk.app.db,
        name,
        checked_hash,
        sha256(&value),
        now - LONGEST,
        now,
    )
    .await?;
    if !opened {
        return Ok(None);
    }
    cookie_header(&value, LONGEST).map(Some)
}

fn cookie_header(value: &str, age: Duration) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(&format!(
        "{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={}",
        age.as_secs()
    ))
    .map_err(Error::inside)
}

/// Takes the cookie away.
pub(crate) fn forget() -> Result<HeaderValue, Error> {
    cookie_header("", Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_in_ends() {
        let h = |hours: u64| Timestamp(0) + Duration::from_secs(hours * 3600);
        for (opened, seen, now, expected) in [
            (h(0), h(0), h(11), true),
            (h(0), h(0), h(12), false),
            (h(0), h(160), h(167), true),
            (h(0), h(167), h(168), false),
            // A clock set back must not log everybody out.
            (h(5), h(5), h(4), true),
        ] {
            assert_eq!(stands(opened, seen, now), expected);
        }
    }

    #[test]
    fn the_form_token_does_not_give_the_cookie_or_its_row() {
        let value = state::id::secret();
        assert_ne!(token(&value), sha256(&value));
        assert_eq!(token(&value).len(), 64);
    }
}
