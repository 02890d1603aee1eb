//! One's account, and the recovery words of vaults typed back from paper.

use super::{Frame, render};
use crate::auth::permit::{Act, Reader};
use crate::desk::Desk;
use crate::error::Error;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use continuity::{keys, records};

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/account", get(show))
        .route("/account/keys", post(confirm))
}

struct Key {
    target: String,
    /// Who typed it back, and when.
    confirmed: Option<String>,
}

#[derive(Template)]
#[template(path = "account.html")]
struct Page {
    f: Frame,
    keys: Vec<Key>,
    fingerprint: String,
    problem: Option<String>,
}

async fn page(desk: &Desk, reader: &Reader, problem: Option<String>) -> Result<Response, Error> {
    let words = &reader.words;
    let confirmed = records::keys_confirmed(&desk.app.db).await?;
    let keys = desk
        .app
        .config
        .targets
        .iter()
        .map(|t| Key {
            target: t.name.clone(),
            confirmed: confirmed
                .iter()
                .find(|c| c.target == t.name)
                .map(|c| words.t2("key-confirmed", "by", &c.by, "date", words.date(c.at))),
        })
        .collect();
    let pairs: Vec<String> = desk
        .app
        .fingerprint
        .as_bytes()
        .chunks(4)
        .map(|c| String::from_utf8_lossy(c).into_owned())
        .collect();
    let title = words.t("account-title");
    render(&Page {
        keys,
        fingerprint: pairs.join(" "),
        problem,
        f: Frame::new(desk, reader, "account", title),
    })
}

async fn show(State(desk): State<Desk>, reader: Reader) -> Result<Response, Error> {
    page(&desk, &reader, None).await
}

async fn confirm(State(desk): State<Desk>, Act { reader, fields }: Act) -> Result<Response, Error> {
    let target = fields.get("target");
    // Guessing at a vault is slowed like guessing one's own password.
    let now = desk.app.clock.now();
    let line = format!("vault {target}");
    if desk.app.config.target(target).is_none() {
        return Err(Error::NotFound(target.to_owned()));
    }
    if let Err(wait) = desk.live.throttle.enter(&line, now) {
        let words = &reader.words;
        let problem = words.t1("login-wait", "wait", words.duration(wait));
        return page(&desk, &reader, Some(problem)).await;
    }
    match keys::confirm(
        &desk.app.continuity,
        target,
        fields.get("words"),
        &reader.name,
    )
    .await
    {
        Ok(()) => {
            desk.live.throttle.succeeded(&line);
            Ok(Redirect::to("/account").into_response())
        }
        Err(error) => match Error::from(error) {
            Error::Inside(cause) => Err(Error::Inside(cause)),
            refused => {
                // Not the paper's fault: what was typed is never shown again, what is wrong with it is.
                let mut response = page(
                    &desk,
                    &reader,
                    Some(reader.words.told(&refused.to_string()).text),
                )
                .await?;
                *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
                Ok(response)
            }
        },
    }
}
