//! What the agent API answers when it does not answer 200, and how it reads what it is sent.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::time::Duration;

/// An inventory of a large server is about 20 KiB.
const LONGEST_BODY: usize = 256 << 10;
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(super) enum Refusal {
    /// The agent's key is unknown: the host was forgotten, or booted again since.
    NotKnown,
    /// No session, or another agent's.
    NotYours,
    Bad(String),
    /// The session is over.
    Over(String),
    /// Ask again.
    Busy,
    TooLong,
    TooSlow,
    /// The cause goes to the log, not to the machine.
    Broken(String),
}

impl Refusal {
    pub(super) fn broken(cause: impl std::fmt::Display) -> Refusal {
        Refusal::Broken(cause.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Refusal::NotKnown => (
                StatusCode::UNAUTHORIZED,
                "this agent is not known here; restart the machine from the network".to_owned(),
            ),
            Refusal::NotYours => (
                StatusCode::FORBIDDEN,
                "no session of this machine allows that; open one in the console".to_owned(),
            ),
            Refusal::Bad(what) => (StatusCode::BAD_REQUEST, what),
            Refusal::Over(what) => (StatusCode::CONFLICT, what),
            Refusal::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "too many machines ask at once; try again".to_owned(),
            ),
            Refusal::TooLong => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "at most 256 KiB are read".to_owned(),
            ),
            Refusal::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "the request did not arrive in time".to_owned(),
            ),
            Refusal::Broken(cause) => {
                tracing::error!(cause, "failed to answer an agent");
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the appliance has a problem; its log says which".to_owned(),
                )
            }
        };
        (status, text).into_response()
    }
}

/// A JSON body within the limits of size and time.
pub(super) async fn read<T: serde::de::DeserializeOwned>(body: Body) -> Result<T, Refusal> {
    let bytes = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, LONGEST_BODY))
        .await
        .map_err(|_| Refusal::TooSlow)?
        .map_err(|_| Refusal::TooLong)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Refusal::Bad(format!("the request is not what was expected: {error}")))
}

/// The hash of the key in `Authorization: Bearer …`: only hashes are kept.
pub(super) fn agent_hash(headers: &HeaderMap) -> Result<String, Refusal> {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .and_then(hash_of_key)
        .ok_or(Refusal::NotKnown)
}

/// `None` when it is not 256 bits in hex.
pub(super) fn hash_of_key(key: &str) -> Option<String> {
    let key = key.trim().to_ascii_lowercase();
    (key.len() == 64 && key.bytes().all(|b| b.is_ascii_hexdigit()))
        .then(|| blake3::hash(key.as_bytes()).to_hex().to_string())
}
