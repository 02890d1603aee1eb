//! The extractors that are the permission checks: a handler that takes one of them cannot be
//! reached without it.
//!
//! - [`Reader`]: a page for somebody logged in.
//! - [`Act`]: a form of such a page, with its token.
//! - [`FirstAct`], [`AnyReader`]: the same while the one-time password is not replaced yet.
//! - [`Caller`], [`ApiAct`]: the JSON API, by a log-in or through the control socket.

use super::{login, origin};
use crate::desk::Desk;
use crate::error::Error;
use crate::words::Words;
use axum::Extension;
use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;

/// Somebody logged in.
pub(crate) struct Reader {
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) cookie_hash: String,
    pub(crate) words: Words,
    /// Path and query of this page without `lang`, for the language links.
    pub(crate) here: String,
}

/// The same, perhaps with only a one-time password so far.
pub(crate) struct AnyReader(pub(crate) Reader, pub(crate) bool);

async fn reader(parts: &Parts, desk: &Desk) -> Result<(Reader, bool), Error> {
    let login = login::find(desk, &parts.headers)
        .await?
        .ok_or(Error::NotLoggedIn)?;
    let (words, _) = desk.words(&parts.headers, parts.uri.query());
    let reader = Reader {
        name: login.name,
        token: login.token,
        cookie_hash: login.cookie_hash,
        words,
        here: here(parts.uri.path(), parts.uri.query()),
    };
    Ok((reader, login.must_change))
}

pub(crate) fn here(path: &str, query: Option<&str>) -> String {
    let kept: Vec<&str> = query
        .unwrap_or_default()
        .split('&')
        .filter(|p| !p.is_empty() && !p.starts_with("lang="))
        .collect();
    if kept.is_empty() {
        format!("{path}?")
    } else {
        format!("{path}?{}&", kept.join("&"))
    }
}

impl FromRequestParts<Desk> for AnyReader {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Error> {
        let (reader, must_change) = reader(parts, desk).await?;
        Ok(AnyReader(reader, must_change))
    }
}

impl FromRequestParts<Desk> for Reader {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Error> {
        let (reader, must_change) = reader(parts, desk).await?;
        if must_change {
            return Err(Error::MustChangePassword);
        }
        Ok(reader)
    }
}

/// The fields of a submitted form.
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The first value of `name`; empty when there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// Every value of `name`, as of boxes that are ticked.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

impl FromRequest<Desk> for Fields {
    type Rejection = Error;
    async fn from_request(request: Request, desk: &Desk) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        // A form is a few fields; whatever is longer is not one of ours.
        let body = axum::body::to_bytes(body, 64 * 1024)
            .await
            .map_err(|_| Error::Invalid("the form is too long".to_owned()))?;
        let Form(fields) = Form::from_request(Request::from_parts(parts, body.into()), desk)
            .await
            .map_err(|_| Error::Invalid("the form is not one of this console".to_owned()))?;
        Ok(Fields(fields))
    }
}

/// A form with the token of its page.
pub(crate) struct Act {
    pub(crate) reader: Reader,
    pub(crate) fields: Fields,
}

/// [`Act`] that is also open while the one-time password is not replaced yet.
pub(crate) struct FirstAct(pub(crate) Act, pub(crate) bool);

async fn act(request: Request, desk: &Desk) -> Result<(Act, bool), Error> {
    let (parts, body) = request.into_parts();
    let (reader, must_change) = reader(&parts, desk).await?;
    let fields = Fields::from_request(Request::from_parts(parts, body), desk).await?;
    if fields.get("token") != reader.token {
        return Err(Error::Forged);
    }
    Ok((Act { reader, fields }, must_change))
}

impl FromRequest<Desk> for FirstAct {
    type Rejection = Error;
    async fn from_request(request: Request, desk: &Desk) -> Result<Self, Error> {
        let (act, must_change) = act(request, desk).await?;
        Ok(FirstAct(act, must_change))
    }
}

impl FromRequest<Desk> for Act {
    type Rejection = Error;
    async fn from_request(request: Request, desk: &Desk) -> Result<Self, Error> {
        let (act, must_change) = act(request, desk).await?;
        if must_change {
            return Err(Error::MustChangePassword);
        }
        Ok(act)
    }
}

/// Marks requests that came through the control socket, which only the appliance's own user opens.
#[derive(Clone, Copy)]
pub(crate) struct ThroughControl;

/// Somebody who may read through the API.
pub(crate) struct Caller;

/// Who calls the API to change something.
pub(crate) struct ApiAct {
    /// A user's name, or `command line`.
    pub(crate) by: String,
}

async fn caller(parts: &mut Parts, desk: &Desk, changes: bool) -> Result<String, Error> {
    let control = Extension::<ThroughControl>::from_request_parts(parts, desk).await;
    if control.is_ok() {
        return Ok("command line".to_owned());
    }
    let (reader, must_change) = reader(parts, desk).await?;
    if must_change {
        return Err(Error::MustChangePassword);
    }
    let own = origin::judge(&parts.headers) == origin::Origin::Own;
    let token = parts
        .headers
        .get("x-reprise-token")
        .is_some_and(|v| v.as_bytes() == reader.token.as_bytes());
    if changes && !own && !token {
        return Err(Error::Forged);
    }
    Ok(reader.name)
}

impl FromRequestParts<Desk> for Caller {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Error> {
        caller(parts, desk, false).await?;
        Ok(Caller)
    }
}

impl FromRequestParts<Desk> for ApiAct {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Error> {
        let by = caller(parts, desk, true).await?;
        Ok(ApiAct { by })
    }
}
