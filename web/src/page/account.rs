//! One's own account: the password.

use super::{Frame, render};
use crate::auth::permit::{Act, AnyReader, FirstAct, Reader};
use crate::auth::{self, password, records};
use crate::desk::Desk;
use crate::error::Error;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

pub(super) fn router() -> Router<Desk> {
    Router::new().route("/account/password", get(show).post(change))
}

#[derive(Template)]
#[template(path = "password.html")]
struct Page {
    f: Frame,
    /// The one-time password was used to come here: there is no old one to ask for.
    first: bool,
    shortest: usize,
    problem: Option<String>,
}

fn page(
    desk: &Desk,
    reader: &Reader,
    first: bool,
    problem: Option<String>,
) -> Result<Response, Error> {
    let title = reader.words.t("password-title");
    render(&Page {
        f: Frame::new(desk, reader, "account", title),
        first,
        shortest: password::SHORTEST,
        problem,
    })
}

async fn show(
    State(desk): State<Desk>,
    AnyReader(reader, must_change): AnyReader,
) -> Result<Response, Error> {
    page(&desk, &reader, must_change, None)
}

async fn change(
    State(desk): State<Desk>,
    FirstAct(Act { reader, fields }, first): FirstAct,
) -> Result<Response, Error> {
    let words = &reader.words;
    let again = |problem: String| -> Result<Response, Error> {
        let mut response = page(&desk, &reader, first, Some(problem))?;
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        Ok(response)
    };
    let (new, repeated) = (fields.get("new"), fields.get("repeated"));
    if new != repeated {
        return again(words.t("password-differs"));
    }
    if !first {
        let now = desk.app.clock.now();
        if let Err(wait) = desk.live.throttle.enter(&reader.name, now) {
            return again(words.t1("login-wait", "wait", words.duration(wait)));
        }
        let stored = records::user(&desk.app.db, &reader.name)
            .await?
            .map(|u| u.hash)
            .unwrap_or_default();
        let old = fields.get("old").to_owned();
        let right = tokio::task::spawn_blocking(move || password::matches(&old, &stored))
            .await
            .map_err(Error::inside)?;
        if !right {
            return again(words.t("password-old-wrong"));
        }
        desk.live.throttle.succeeded(&reader.name);
    }
    match auth::set_password(&desk.app.db, &reader.name, new, desk.app.clock.now()).await {
        Ok(()) => {}
        Err(auth::Error::Length(..)) => {
            return again(words.t1("password-length", "shortest", password::SHORTEST));
        }
        Err(other) => return Err(Error::inside(other)),
    }
    // Every log-in ended with the old password; this browser gets a new one.
    let stored = records::user(&desk.app.db, &reader.name).await?;
    let cookie = match stored {
        Some(user) => auth::login::open(&desk, &reader.name, user.hash).await?,
        None => None,
    };
    let cookie = cookie.ok_or(Error::NotLoggedIn)?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}
