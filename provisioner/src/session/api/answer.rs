//! What the agent API answers when it does not answer 200, and how it reads what it is sent.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use images::import::CHUNK_BYTES;
use images::wire;
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
    /// Longer than this.
    TooLong(usize),
    TooSlow,
    /// The cause goes to the log, not to the machine.
    Broken(String),
    /// A captured disk did not become an image; a sentence that the machine's screen shows.
    NotStored(String),
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
            Refusal::NotStored(why) => (StatusCode::UNPROCESSABLE_ENTITY, why),
            Refusal::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "too many machines ask at once; try again".to_owned(),
            ),
            Refusal::TooLong(longest) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("at most {} KiB are read", longest >> 10),
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
    let bytes = whole(body, LONGEST_BODY).await?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Refusal::Bad(format!("the request is not what was expected: {error}")))
}

/// At most `longest` bytes, within the time that is given.
async fn whole(body: Body, longest: usize) -> Result<Bytes, Refusal> {
    tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, longest))
        .await
        .map_err(|_| Refusal::TooSlow)?
        .map_err(|_| Refusal::TooLong(longest))
}

/// A chunk of a disk as its headers say it is packed; `None` for zeros. Never inflates beyond a chunk.
pub(super) async fn read_chunk(
    headers: &HeaderMap,
    body: Body,
) -> Result<Option<Vec<u8>>, Refusal> {
    const CHUNK: usize = CHUNK_BYTES as usize;
    let bytes = whole(body, CHUNK).await?;
    let encoding = headers
        .get(wire::ENCODING_HEADER)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let unpacked = move || images::capture::unpack(&encoding, bytes.into());
    tokio::task::spawn_blocking(unpacked)
        .await
        .map_err(Refusal::broken)?
        .map_err(Refusal::Bad)
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
