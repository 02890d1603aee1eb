//! The body of a failed call: `{"error": …, "id": …}`.

use crate::error::Failure;
use crate::words::Words;
use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

#[derive(Serialize)]
struct Body {
    /// What to tell a person.
    error: String,
    /// Under which the log has the cause.
    id: String,
}

pub(crate) fn failure(words: &Words, failure: &Failure) -> Response {
    let error = match &failure.sentence {
        Some(sentence) => sentence.clone(),
        None => words.t(failure.title),
    };
    let body = Body {
        error,
        id: failure.id.clone(),
    };
    (failure.status, Json(body)).into_response()
}
