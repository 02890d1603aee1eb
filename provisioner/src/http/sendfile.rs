//! A part of a file into a connection, without a copy of it: the kernel sends what it has in memory (sendfile).
//!
//! A classroom fetches the same two files, so they are in memory after the first PC. What has to come from a disk is read
//! by a thread that may wait: a disk that stalls must not hold DHCP.

use rustix::io::{Errno, ReadWriteFlags};
use std::fs::File;
use std::io::{self, ErrorKind, IoSliceMut};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Asked for at once, and looked for in memory at once.
const WINDOW: u64 = 1 << 20;
/// A PC that takes nothing for this long has gone, or holds the place of another.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Read at once by the thread.
const PIECE: usize = 256 << 10;

/// Sends the bytes of `part`; `sent` is told of each step. An error when the file ends before it,
/// and when nothing was taken for `patience`.
pub(super) async fn send(
    stream: &TcpStream,
    file: &Arc<File>,
    part: Range<u64>,
    patience: Duration,
    mut sent: impl FnMut(u64),
) -> io::Result<()> {
    let mut at = part.start;
    while at < part.end {
        let window = at..part.end.min(at.saturating_add(WINDOW));
        if !in_memory(file, &window)? {
            fetch(Arc::clone(file), window.clone()).await?;
        }
        while at < window.end {
            let wanted = usize::try_from(window.end - at).unwrap_or(usize::MAX);
            timeout(patience, stream.writable())
                .await
                .map_err(|_| stalled())??;
            let mut offset = at;
            let done = stream.try_io(Interest::WRITABLE, || {
                rustix::fs::sendfile(stream, file, Some(&mut offset), wanted)
                    .map_err(io::Error::from)
            });
            match done {
                Ok(0) => return Err(shorter()),
                Ok(bytes) => {
                    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
                    at = at.saturating_add(bytes);
                    sent(bytes);
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// A few bytes, which go out or do not.
pub(super) async fn write(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    timeout(PATIENCE, stream.write_all(bytes))
        .await
        .map_err(|_| stalled())?
}

/// The other end takes nothing.
fn stalled() -> io::Error {
    io::Error::new(ErrorKind::TimedOut, "the PC took nothing for half a minute")
}

fn shorter() -> io::Error {
    let sentence = "the file became shorter while it was sent";
    io::Error::new(ErrorKind::UnexpectedEof, sentence)
}

/// Whether the ends of `window` are in memory, which its middle then mostly is.
fn in_memory(file: &File, window: &Range<u64>) -> io::Result<bool> {
    for at in [window.start, window.end - 1] {
        let mut byte = [0];
        let mut slices = [IoSliceMut::new(&mut byte)];
        match rustix::io::preadv2(file, &mut slices, at, ReadWriteFlags::NOWAIT) {
            Ok(1..) => {}
            // Not there, an end that is too early, or a file system that cannot say: reading finds out.
            Ok(0) | Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INTR) => {
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

/// Brings `window` into memory.
async fn fetch(file: Arc<File>, window: Range<u64>) -> io::Result<()> {
    let read = move || {
        let mut piece = vec![0; PIECE];
        let mut at = window.start;
        while at < window.end {
            let most = usize::try_from(window.end - at).unwrap_or(PIECE).min(PIECE);
            match file.read_at(&mut piece[..most], at) {
                Ok(0) => return Err(shorter()),
                Ok(read) => at = at.saturating_add(u64::try_from(read).unwrap_or(u64::MAX)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    };
    tokio::task::spawn_blocking(read)
        .await
        .map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    /// What arrives at the other end, and how the sending ended.
    async fn all(file: &Arc<File>, part: Range<u64>) -> (Vec<u8>, io::Result<u64>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = TcpStream::connect(listener.local_addr().unwrap());
        let (here, there) = tokio::join!(here, listener.accept());
        let (here, mut there) = (here.unwrap(), there.unwrap().0);
        let sending = async move {
            let mut count = 0;
            let done = send(&here, file, part, PATIENCE, |bytes| count += bytes).await;
            drop(here);
            done.map(|()| count)
        };
        let mut got = Vec::new();
        let (done, read) = tokio::join!(sending, there.read_to_end(&mut got));
        read.unwrap();
        (got, done)
    }

    #[tokio::test]
    async fn who_takes_nothing_holds_no_place() {
        let path = std::env::temp_dir().join(format!("reprise-stalled-{}", state::id::new()));
        std::fs::File::create(&path)
            .unwrap()
            .set_len(1 << 30)
            .unwrap();
        let file = Arc::new(File::open(&path).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = TcpStream::connect(listener.local_addr().unwrap());
        let (here, there) = tokio::join!(here, listener.accept());
        let (here, there) = (here.unwrap(), there.unwrap().0);
        let mut count = 0;
        let short = Duration::from_millis(100);
        let done = send(&here, &file, 0..1 << 30, short, |bytes| count += bytes).await;
        assert_eq!(done.unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(count > 0, "what the buffers hold was sent");
        drop(there);
        std::fs::remove_file(&path).unwrap();
    }

    #[tokio::test]
    async fn any_part_arrives_whole_and_a_file_that_shrinks_is_an_error() {
        let path = std::env::temp_dir().join(format!("reprise-sendfile-{}", state::id::new()));
        let bytes: Vec<u8> = (0..2_700_000u32).map(|n| (n * 7 / 3) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let file = Arc::new(File::open(&path).unwrap());
        for part in [
            0..2_700_000,
            0..0,
            5..5,
            1..2,
            WINDOW - 1..WINDOW + 1,
            2_699_999..2_700_000,
        ] {
            let (got, done) = all(&file, part.clone()).await;
            assert_eq!(done.unwrap(), part.end - part.start);
            let expected = part.start as usize..part.end as usize;
            assert!(got == bytes[expected], "{part:?}");
        }
        fetch(Arc::clone(&file), 1000..2_000_000).await.unwrap();
        let (got, done) = all(&file, 0..2_700_001).await;
        assert_eq!(done.unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert!(
            bytes.starts_with(&got),
            "what went out before was the file's"
        );
        std::fs::remove_file(&path).unwrap();
    }
}
