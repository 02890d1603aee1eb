//! Sends a file, or a part of it, without holding it in memory.

use super::pieces::pieces;
use super::range::{Wanted, wanted};
use crate::flight::Sending;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use futures_util::TryStreamExt;
use std::path::Path;
use std::time::UNIX_EPOCH;
use tokio::fs::File;

/// UEFI decides by it whether a file is a program.
fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("efi") => "application/efi",
        _ => "application/octet-stream",
    }
}

/// `sending` is told the length of what travels, and the guard it gives what went out.
pub(super) async fn file(
    path: &Path,
    asked: &HeaderMap,
    sending: impl FnOnce(u64) -> Option<Sending>,
) -> std::io::Result<Response<Body>> {
    let file = File::open(path).await?;
    let metadata = file.metadata().await?;
    if !metadata.is_file() {
        return Err(std::io::Error::from(std::io::ErrorKind::InvalidInput));
    }
    let size = metadata.len();
    let changed_ms = metadata
        .modified()
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |since| since.as_millis());
    let tag = format!("\"{changed_ms:x}-{size:x}\"");
    let text = |name| {
        asked
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    // Assets built anew between two parts of a download: the file starts again.
    let same_file = text(header::IF_RANGE).is_none_or(|known| known == tag);
    let wanted = match wanted(text(header::RANGE), size) {
        wanted if same_file => wanted,
        _ => Wanted::Whole,
    };
    let answer = Response::builder()
        .header(header::CONTENT_TYPE, content_type(path))
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ETAG, tag);
    let (answer, part) = match wanted {
        Wanted::Whole => (answer.status(StatusCode::OK), 0..size),
        Wanted::Part(part) => {
            let range = format!("bytes {}-{}/{size}", part.start, part.end.saturating_sub(1));
            let answer = answer
                .status(StatusCode::PARTIAL_CONTENT)
                .header(header::CONTENT_RANGE, range);
            (answer, part)
        }
        Wanted::Outside => {
            let answer = answer
                .status(StatusCode::RANGE_NOT_SATISFIABLE)
                .header(header::CONTENT_RANGE, format!("bytes */{size}"));
            (answer, 0..0)
        }
    };
    let length = part.end - part.start;
    let mut sending = sending(length);
    let file = file.into_std().await;
    let pieces = pieces(file, part).inspect_ok(move |piece| {
        if let Some(sending) = &mut sending {
            sending.add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        }
    });
    let body = Body::from_stream(pieces);
    answer
        .header(header::CONTENT_LENGTH, length)
        .body(body)
        .map_err(std::io::Error::other)
}
