//! The page of a request that failed.

use super::{Frame, render};
use crate::desk::Desk;
use crate::error::Failure;
use crate::words::Words;
use askama::Template;
use axum::response::{IntoResponse, Response};

#[derive(Template)]
#[template(path = "failure.html")]
struct Page {
    f: Frame,
    sentence: Option<String>,
    id: String,
}

pub(crate) fn page(desk: &Desk, words: Words, failure: &Failure) -> Response {
    let title = words.t(failure.title);
    let page = Page {
        f: Frame::outside(desk, words, "", title),
        sentence: failure.sentence.clone(),
        id: failure.id.clone(),
    };
    let mut response = render(&page).unwrap_or_else(|_| failure.id.clone().into_response());
    *response.status_mut() = failure.status;
    response
}
