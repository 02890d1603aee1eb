//! Bytes out of a vault to a browser: read on a blocking thread, bounded in memory, given up when
//! the reader stops reading.

use axum::body::{Body, Bytes};
use futures_util::stream::{self, Stream};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

const PIECE: usize = 128 * 1024;
/// Pieces on their way at once: with the piece being filled, about 1 MiB for each download.
const AHEAD: usize = 6;
/// A browser that takes nothing for so long has gone.
const PATIENCE: Duration = Duration::from_secs(120);

/// A piece on its way, or the word that all of it was sent.
type Piece = Option<Bytes>;

/// The blocking side: what is written here goes to the browser.
pub(crate) struct Outlet {
    sender: mpsc::Sender<Piece>,
    held: Vec<u8>,
    handle: Handle,
}

impl Outlet {
    fn send(&mut self, piece: Piece) -> Result<()> {
        // Inside the block: the vault may write from a thread of its own.
        let sent = self
            .handle
            .block_on(async { tokio::time::timeout(PATIENCE, self.sender.send(piece)).await });
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Error::new(
                ErrorKind::BrokenPipe,
                "the reader has gone away",
            )),
        }
    }

    fn end(&mut self) -> Result<()> {
        self.flush()?;
        self.send(None)
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.held.extend_from_slice(bytes);
        if self.held.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.held, Vec::with_capacity(PIECE));
        self.send(Some(piece.into()))
    }
}

/// A body filled by `fill` on a blocking thread. Unless `fill` came to its end, the transfer is
/// cut, so that a browser never takes half a file for a whole one. `place` is given back at the end.
pub(crate) fn body<F>(place: OwnedSemaphorePermit, fill: F) -> Body
where
    F: FnOnce(&mut Outlet) -> std::result::Result<(), String> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(AHEAD);
    let mut outlet = Outlet {
        sender,
        held: Vec::with_capacity(PIECE),
        handle: Handle::current(),
    };
    tokio::task::spawn_blocking(move || {
        let filled = fill(&mut outlet).and_then(|()| outlet.end().map_err(|e| e.to_string()));
        if let Err(why) = filled {
            tracing::warn!(error = %why, "failed to send a download to its end");
        }
        drop(place);
    });
    Body::from_stream(pieces(receiver))
}

/// The pieces until the end is said; an error when the sender falls silent before.
fn pieces(receiver: mpsc::Receiver<Piece>) -> impl Stream<Item = Result<Bytes>> {
    stream::unfold(Some(receiver), |receiver| async {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Some(piece)) => Some((Ok(piece), Some(receiver))),
            Some(None) => None,
            None => {
                let cut = Error::other("the download broke off; the log says why");
                Some((Err(cut), None))
            }
        }
    })
}

/// Copies exactly `length` bytes; fewer in `from` is an error.
pub(crate) fn copy(
    from: &mut impl Read,
    length: u64,
    to: &mut Outlet,
) -> std::result::Result<(), String> {
    let copied = std::io::copy(&mut from.take(length), to).map_err(|e| e.to_string())?;
    if copied == length {
        Ok(())
    } else {
        Err(format!("{copied} of {length} bytes came out of the vault"))
    }
}

/// Which bytes of a file a browser asks for (RFC 9110 §14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    Whole,
    /// First byte, and how many (at least one).
    Part {
        start: u64,
        length: u64,
    },
    Outside,
}

/// One range only: several, and units other than bytes, get the whole file, as the RFC allows.
pub(crate) fn range(header: Option<&str>, size: u64) -> Range {
    let Some(spec) = header.and_then(|h| h.strip_prefix("bytes=")) else {
        return Range::Whole;
    };
    let Some((first, last)) = spec.trim().split_once('-') else {
        return Range::Whole;
    };
    let number = |text: &str| match text {
        "" => Ok(None),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.parse::<u64>().map(Some).map_err(|_| ())
        }
        _ => Err(()),
    };
    let (start, end) = match (number(first), number(last)) {
        (Ok(Some(first)), Ok(last)) => (first, last.unwrap_or(u64::MAX)),
        (Ok(None), Ok(Some(tail))) => (size.saturating_sub(tail), u64::MAX),
        _ => return Range::Whole,
    };
    if end < start {
        return Range::Whole;
    }
    if start >= size {
        return Range::Outside;
    }
    Range::Part {
        start,
        length: end.min(size - 1) - start + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::sync::Semaphore;

    #[test]
    fn ranges() {
        let part = |start, length| Range::Part { start, length };
        for (header, size, expected) in [
            (None, 10, Range::Whole),
            (Some("bytes=0-3"), 10, part(0, 4)),
            (Some("bytes=4-"), 10, part(4, 6)),
            (Some("bytes=-3"), 10, part(7, 3)),
            (Some("bytes=-30"), 10, part(0, 10)),
            (Some("bytes=9-99"), 10, part(9, 1)),
            (Some("bytes=10-"), 10, Range::Outside),
            (Some("bytes=-0"), 10, Range::Outside),
            (Some("bytes=0-"), 0, Range::Outside),
            (Some("bytes=-5"), 0, Range::Outside),
            (Some("bytes=5-3"), 10, Range::Whole),
            (Some("bytes=0-1,4-5"), 10, Range::Whole),
            (Some("bytes=+1-3"), 10, Range::Whole),
            (Some("bytes=99999999999999999999-"), 10, Range::Whole),
            (Some("lines=1-2"), 10, Range::Whole),
            (
                Some("bytes=0-18446744073709551615"),
                u64::MAX,
                part(0, u64::MAX),
            ),
        ] {
            assert_eq!(range(header, size), expected, "{header:?} of {size}");
        }
    }

    fn place() -> OwnedSemaphorePermit {
        Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap()
    }

    #[tokio::test]
    async fn every_byte_arrives_in_order() {
        let sent: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
        let copied = sent.clone();
        let length = sent.len() as u64;
        let body = body(place(), move |out| {
            copy(&mut copied.as_slice(), length, out)
        });
        let got = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        assert!(got == sent);
    }

    #[tokio::test]
    async fn a_broken_read_cuts_the_transfer() {
        let body = body(place(), |out| copy(&mut &b"short"[..], 100, out));
        assert!(axum::body::to_bytes(body, usize::MAX).await.is_err());
    }

    #[tokio::test]
    async fn a_fault_in_the_vault_cuts_the_transfer_too() {
        let body = body(place(), |out| {
            out.write_all(b"half of it").unwrap();
            panic!("a fault, made by the test");
        });
        assert!(axum::body::to_bytes(body, usize::MAX).await.is_err());
    }

    #[tokio::test]
    async fn a_thread_of_its_own_may_write() {
        let body = body(place(), |out| {
            std::thread::scope(|s| s.spawn(|| copy(&mut &b"all"[..], 3, out)).join().unwrap())
        });
        let got = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        assert_eq!(got, "all");
    }

    #[tokio::test]
    async fn a_reader_who_leaves_frees_the_place() {
        let places = Arc::new(Semaphore::new(1));
        let permit = places.clone().try_acquire_owned().unwrap();
        let body = body(permit, |out| copy(&mut std::io::repeat(7), u64::MAX, out));
        drop(body);
        let freed = tokio::time::timeout(Duration::from_secs(20), places.acquire()).await;
        assert!(freed.is_ok(), "the blocking side never noticed");
    }
}
