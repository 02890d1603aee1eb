//! An answer as it goes out: status line, fields, and what follows.

use super::stream::FilePart;
use axum::http::{Response, StatusCode, header};
use jiff::fmt::rfc2822::DateTimePrinter;
use state::Timestamp;
use std::fmt::Write as _;

pub(super) enum Content {
    Bytes(Vec<u8>),
    File(FilePart),
}

impl Content {
    fn len(&self) -> u64 {
        match self {
            Content::Bytes(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Content::File(part) => part.len(),
        }
    }
}

pub(super) type Answer = Response<Content>;

pub(super) fn text(status: StatusCode, text: String) -> Answer {
    let mut answer = whole("text/plain", text.into_bytes());
    *answer.status_mut() = status;
    answer
}

/// `bytes`, and of which kind they are.
pub(super) fn whole(kind: &'static str, bytes: Vec<u8>) -> Answer {
    let mut answer = Response::new(Content::Bytes(bytes));
    let kind = header::HeaderValue::from_static(kind);
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

/// Everything before the body (RFC 9112 §3 and §5). Fields that are not ASCII are left out: none of ours is.
pub(super) fn head(answer: &Answer, keep: bool, now: Timestamp) -> String {
    let status = answer.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", status.as_str());
    for (name, value) in answer.headers() {
        if let Ok(value) = value.to_str() {
            let _ = write!(head, "{name}: {value}\r\n");
        }
    }
    let _ = write!(head, "content-length: {}\r\n", answer.body().len());
    let date = jiff::Timestamp::from_millisecond(now.0)
        .and_then(|now| DateTimePrinter::new().timestamp_to_rfc9110_string(&now));
    if let Ok(date) = date {
        let _ = write!(head, "date: {date}\r\n");
    }
    head.push_str(if keep {
        "\r\n"
    } else {
        "connection: close\r\n\r\n"
    });
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_its_length_its_date_and_whether_it_is_the_last() {
        let answer = text(StatusCode::NOT_FOUND, "no such é\n".to_owned());
        let now = Timestamp(784_111_777_000);
        assert_eq!(
            head(&answer, false, now),
            "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: 11\r\n\
             date: Sun, 06 Nov 1994 08:49:37 GMT\r\nconnection: close\r\n\r\n"
        );
        assert!(head(&answer, true, now).ends_with("GMT\r\n\r\n"));
    }
}
