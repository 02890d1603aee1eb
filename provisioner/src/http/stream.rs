//! Sends a file, or a part of it, without holding it in memory.

use super::answer::{Answer, Content};
use super::range::{Wanted, wanted};
use super::sendfile::{self, PATIENCE};
use crate::flight::Sending;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use tokio::fs::File;
use tokio::net::TcpStream;

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
    /// Where its bytes stand in the file.
    fn place(&self) -> Range<u64> {
        let len = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
        self.at..self.at.saturating_add(len)
    }

    /// Its bytes that lie in `part`.
    fn within(&self, part: &Range<u64>) -> &[u8] {
        let index = |at: u64| usize::try_from(at - self.at).unwrap_or(usize::MAX);
        let (start, end) = (self.at.max(part.start), self.place().end.min(part.end));
        match start < end {
            true => self.bytes.get(index(start)..index(end)).unwrap_or_default(),
            false => &[],
        }
    }

    /// Part of the file's tag: a download that goes on after the patch changed must start again.
    fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.bytes.hash(&mut hasher);
        hasher.finish()
    }
}

/// What of a file goes to one machine.
pub(super) struct FilePart {
    file: Arc<std::fs::File>,
    part: Range<u64>,
    patch: Option<Patch>,
    sending: Option<Sending>,
}

impl FilePart {
    pub(super) fn len(&self) -> u64 {
        self.part.end - self.part.start
    }

    /// Up to the patch, the patch, and on behind it.
    pub(super) async fn send(self, stream: &mut TcpStream) -> io::Result<()> {
        let Self {
            file, part, patch, ..
        } = self;
        let mut sending = self.sending;
        let mut count = |bytes| {
            if let Some(sending) = &mut sending {
                sending.add(bytes);
            }
        };
        let hole = patch.as_ref().map_or(part.end..part.end, Patch::place);
        let before = part.start..part.end.min(hole.start);
        sendfile::send(stream, &file, before, PATIENCE, &mut count).await?;
        if let Some(patch) = &patch {
            let bytes = patch.within(&part);
            sendfile::write(stream, bytes).await?;
            count(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        }
        let behind = part.start.max(hole.end)..part.end;
        sendfile::send(stream, &file, behind, PATIENCE, &mut count).await
    }
}

/// `sending` is told the length of what travels, and the guard it gives what went out.
pub(super) async fn file(
    path: &Path,
    asked: &HeaderMap,
    patch: Option<Patch>,
    sending: impl FnOnce(u64) -> Option<Sending>,
) -> io::Result<Answer> {
    let file = File::open(path).await?;
    let metadata = file.metadata().await?;
    if !metadata.is_file() {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
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
    let sending = sending(part.end - part.start);
    let file = Arc::new(file.into_std().await);
    let part = FilePart {
        file,
        part,
        patch,
        sending,
    };
    answer.body(Content::File(part)).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_patch_is_put_over_wherever_the_part_is_cut() {
        let path = std::env::temp_dir().join(format!("reprise-patch-{}", state::id::new()));
        let bytes: Vec<u8> = (0..40).collect();
        std::fs::write(&path, &bytes).unwrap();
        let file = Arc::new(std::fs::File::open(&path).unwrap());
        let mut expected = bytes;
        expected[13..22].fill(99);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = TcpStream::connect(listener.local_addr().unwrap());
        let (here, there) = tokio::join!(here, listener.accept());
        let (mut here, mut there) = (here.unwrap(), there.unwrap().0);
        for start in 0..expected.len() {
            for end in start..=expected.len() {
                let part = FilePart {
                    file: Arc::clone(&file),
                    part: start as u64..end as u64,
                    patch: Some(Patch {
                        at: 13,
                        bytes: vec![99; 9],
                    }),
                    sending: None,
                };
                assert_eq!(part.len(), (end - start) as u64);
                part.send(&mut here).await.unwrap();
                let mut got = vec![0; end - start];
                there.read_exact(&mut got).await.unwrap();
                assert_eq!(got, expected[start..end], "{start}..{end}");
            }
        }
        std::fs::remove_file(&path).unwrap();
    }
}
