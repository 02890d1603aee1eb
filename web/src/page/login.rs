//! Logging in and out.

use super::{Frame, render};
use crate::auth::permit::{Fields, FirstAct};
use crate::auth::{login, password, records, throttle};
use crate::desk::Desk;
use crate::error::Error;
use crate::path;
use askama::Template;
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use state::journal;
use state::wire::Fact;
use std::net::SocketAddr;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/login", get(show).post(enter))
        .route("/logout", post(leave))
}

#[derive(Template)]
#[template(path = "login.html")]
struct Page {
    f: Frame,
    user: String,
    to: String,
    problem: Option<String>,
}

/// Only a path of this console: `//host` and `/\host` would leave it.
fn inner(to: &str) -> &str {
    let leaves = !to.starts_with('/')
        || to.starts_with("//")
        || to.contains('\\')
        || to.chars().any(char::is_control);
    if leaves { "/" } else { to }
}

async fn show(
    State(desk): State<Desk>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let to = path::in_query(query.as_deref(), "to").unwrap_or_default();
    let to = String::from_utf8_lossy(&to).into_owned();
    page(&desk, &headers, query.as_deref(), String::new(), &to, None)
}

fn page(
    desk: &Desk,
    headers: &HeaderMap,
    query: Option<&str>,
    user: String,
    to: &str,
    problem: Option<String>,
) -> Result<Response, Error> {
    let (words, _) = desk.words(headers, query);
    let title = words.t("login-title");
    let mut frame = Frame::outside(desk, words, "login", title);
    frame.here = crate::auth::permit::here("/login", query);
    render(&Page {
        f: frame,
        user,
        to: inner(to).to_owned(),
        problem,
    })
}

async fn enter(
    State(desk): State<Desk>,
    from: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Error> {
    let (name, given, to) = (
        fields.get("user").trim().to_lowercase(),
        fields.get("password").to_owned(),
        inner(fields.get("to")).to_owned(),
    );
    let (words, _) = desk.words(&headers, None);
    let stored = records::user(&desk.app.db, &name).await?;
    // Unknown names share one line, or anybody could fill the memory with them.
    let known = stored.as_ref().map_or("", |_| name.as_str());
    let line = throttle::line(known, from.map(|Extension(from)| from.0.ip()));
    if let Err(wait) = desk.live.throttle.enter(&line, desk.app.clock.now()) {
        let problem = words.t1("login-wait", "wait", words.duration(wait));
        let mut response = page(&desk, &headers, None, name, &to, Some(problem))?;
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        return Ok(response);
    }
    let hash = stored.map(|s| s.hash).unwrap_or_default();
    let place = desk
        .live
        .password_checks
        .acquire()
        .await
        .map_err(Error::inside)?;
    let checked = hash.clone();
    let right = tokio::task::spawn_blocking(move || password::matches(&given, &checked))
        .await
        .map_err(Error::inside)?;
    drop(place);
    let cookie = if right {
        login::open(&desk, &name, hash).await?
    } else {
        None
    };
    let Some(cookie) = cookie else {
        // A name nobody has may be a password typed in the wrong field: it is not written down.
        let user = if known.is_empty() { "?" } else { known }.to_owned();
        journal::record(
            &desk.app.db,
            desk.app.clock.now(),
            Fact::LogInRefused { user },
        )
        .await?;
        let problem = words.t("login-wrong");
        let mut response = page(&desk, &headers, None, name, &to, Some(problem))?;
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        return Ok(response);
    };
    desk.live.throttle.succeeded(&line);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&to)).into_response())
}

async fn leave(State(desk): State<Desk>, FirstAct(act, _): FirstAct) -> Result<Response, Error> {
    records::close_login(&desk.app.db, &act.reader.cookie_hash).await?;
    Ok((
        [(header::SET_COOKIE, login::forget()?)],
        Redirect::to("/login"),
    )
        .into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_in_never_leads_elsewhere() {
        for to in ["", "https://evil", "//evil", "/\\evil", "/a\r\nb", "evil"] {
            assert_eq!(inner(to), "/", "{to:?}");
        }
        assert_eq!(
            inner("/snapshots/nas/ab?path=x"),
            "/snapshots/nas/ab?path=x"
        );
    }
}
