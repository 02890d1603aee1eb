//! Sends a file, or a part of it, without holding it in memory.

use super::pieces::pieces;
use super::range::{Wanted, wanted};
use crate::flight::Sending;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use futures_util::TryStreamExt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::time::UNIX_EPOCH;
use tokio::fs::File;

/// UEFI decides by it whether a file is a program.
fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("efi") => "application/efi",
        // Firmware starts it out of memory, as if it were a disk.
        Some("img") => "application/vnd.efi-img",
        _ => "application/octet-stream",
    }
}

/// Bytes that one machine gets in place of those in the file.
pub(super) struct Patch {
    pub(super) at: u64,
    pub(super) bytes: Vec<u8>,
}

impl Patch {
    /// `piece` begins at `at` in the file.
    fn put_over(&self, piece: &mut [u8], at: u64) {
        let len = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let start = self.at.max(at);
        let end = (self.at + len(&self.bytes)).min(at + len(piece));
        if start >= end {
            return;
        }
        let from = |place: u64, base: u64| usize::try_from(place - base).unwrap_or(usize::MAX);
        piece[from(start, at)..from(end, at)]
            .copy_from_slice(&self.bytes[from(start, self.at)..from(end, self.at)]);
    }

    /// Part of the file's tag: a download that goes on after the patch changed must start again.
    fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.bytes.hash(&mut hasher);
        hasher.finish()
    }
}

/// `sending` is told the length of what travels, and the guard it gives what went out.
pub(super) async fn file(
    path: &Path,
    asked: &HeaderMap,
    patch: Option<Patch>,
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
    let tag = match &patch {
        Some(patch) => format!("\"{changed_ms:x}-{size:x}-{:x}\"", patch.digest()),
        None => format!("\"{changed_ms:x}-{size:x}\""),
    };
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
    let mut at = part.start;
    let pieces = pieces(file, part).map_ok(move |mut piece| {
        let len = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if let Some(sending) = &mut sending {
            sending.add(len);
        }
        if let Some(patch) = &patch {
            patch.put_over(&mut piece, at);
        }
        at += len;
        piece
    });
    let body = Body::from_stream(pieces);
    answer
        .header(header::CONTENT_LENGTH, length)
        .body(body)
        .map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_put_over_wherever_the_pieces_are_cut() {
        let file: Vec<u8> = (0..40).collect();
        let patch = Patch {
            at: 13,
            bytes: vec![99; 9],
        };
        let mut expected = file.clone();
        expected[13..22].fill(99);
        for from in 0..file.len() {
            for cut in 1..=file.len() {
                let mut out = Vec::new();
                let mut at = from as u64;
                for piece in file[from..].chunks(cut) {
                    let mut piece = piece.to_vec();
                    patch.put_over(&mut piece, at);
                    at += piece.len() as u64;
                    out.extend(piece);
                }
                assert_eq!(out, expected[from..], "from {from}, cut every {cut}");
            }
        }
    }
}
