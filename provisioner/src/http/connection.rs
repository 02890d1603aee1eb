//! One connection of a PC: requests one after the other, each answered whole before the next is read.

use super::answer::{self, Content, text};
use super::request::{self, HEAD_BYTES, Head, Request};
use super::router;
use super::sendfile;
use crate::interface::Served;
use axum::http::Method;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Also how long a connection may stay open without a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(20);
/// How long, and for how many bytes, one that ends is listened to: closing over unread bytes would
/// take the answer along (RFC 9112 §9.6).
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 256 << 10;

/// Until the PC, or what it sends, ends it.
pub(super) async fn serve(mut stream: TcpStream, served: &Served) -> io::Result<()> {
    // The end of a file must not wait for the acknowledgement of what went before.
    stream.set_nodelay(true)?;
    let mut unread = Vec::new();
    loop {
        let Ok(head) = timeout(HEADER_TIMEOUT, next(&mut stream, &mut unread)).await else {
            return Ok(());
        };
        let Some(head) = head? else {
            return Ok(());
        };
        let (answer, head_only, keep) = match head {
            Ok(request) => {
                let answer = router::answer(served, &request).await;
                (answer, request.method == Method::HEAD, request.keep)
            }
            Err(status) => (text(status, "not understood\n".to_owned()), false, false),
        };
        let mut out = answer::head(&answer, keep, served.boot.clock.now()).into_bytes();
        match answer.into_body() {
            _ if head_only => sendfile::write(&mut stream, &out).await?,
            Content::Bytes(bytes) => {
                out.extend(bytes);
                sendfile::write(&mut stream, &out).await?;
            }
            Content::File(part) => {
                sendfile::write(&mut stream, &out).await?;
                part.send(&mut stream).await?;
            }
        }
        if !keep {
            return end(stream).await;
        }
    }
}

/// The next request, or the status by which it is refused; nothing at the end of the connection. `unread` keeps what
/// came after it.
async fn next(
    stream: &mut TcpStream,
    unread: &mut Vec<u8>,
) -> io::Result<Option<Result<Box<Request>, axum::http::StatusCode>>> {
    loop {
        if !unread.is_empty() {
            match request::head(unread) {
                Head::Unfinished => {}
                Head::Refused(status) => return Ok(Some(Err(status))),
                Head::Whole(request) => {
                    unread.drain(..request.len);
                    return Ok(Some(Ok(request)));
                }
            }
        }
        let mut more = [0; 4096];
        let room = HEAD_BYTES.saturating_sub(unread.len()).min(more.len());
        match stream.read(&mut more[..room]).await? {
            0 => return Ok(None),
            len => unread.extend_from_slice(&more[..len]),
        }
    }
}

async fn end(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let drain = async {
        let (mut bytes, mut left) = ([0; 4096], LINGER_BYTES);
        while left > 0 {
            match stream.read(&mut bytes).await {
                Ok(0) | Err(_) => break,
                Ok(len) => left = left.saturating_sub(len),
            }
        }
    };
    // Whoever goes on sending is cut off.
    let _ = timeout(LINGER, drain).await;
    Ok(())
}
