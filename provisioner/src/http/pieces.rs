//! A file, piece by piece.
//!
//! What the kernel has in memory is read at once, without a thread for it: a classroom fetches the
//! same two files, and sending a piece to a thread and back costs more than copying it. What has
//! to come from a disk is read by a thread that may wait.

use futures_util::stream::{Stream, try_unfold};
use rustix::io::{Errno, ReadWriteFlags};
use std::fs::File;
use std::io::{self, ErrorKind, IoSliceMut};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Read at once; as many are in memory per connection.
const PIECE: u64 = 256 << 10;

/// The bytes of `part`; an error when the file ends before it.
pub(super) fn pieces(
    file: File,
    part: Range<u64>,
) -> impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static {
    try_unfold((Arc::new(file), part), async |(file, part)| {
        if part.is_empty() {
            return Ok(None);
        }
        let piece = match from_memory(&file, &part)? {
            Some(piece) => piece,
            None => from_disk(Arc::clone(&file), part.clone()).await?,
        };
        let read = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        let rest = part.start.saturating_add(read)..part.end;
        Ok(Some((piece, (file, rest))))
    })
}

fn room(part: &Range<u64>) -> Vec<u8> {
    let len = PIECE.min(part.end - part.start);
    vec![0; usize::try_from(len).unwrap_or_default()]
}

/// As much as needs no waiting, if any.
fn from_memory(file: &File, part: &Range<u64>) -> io::Result<Option<Vec<u8>>> {
    let mut piece = room(part);
    let mut slices = [IoSliceMut::new(&mut piece)];
    match rustix::io::preadv2(file, &mut slices, part.start, ReadWriteFlags::NOWAIT) {
        // Nothing there, an end that is too early, or a file system that cannot say: the other way
        // finds out.
        Ok(0) | Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INTR) => Ok(None),
        Ok(read) => {
            piece.truncate(read);
            Ok(Some(piece))
        }
        Err(error) => Err(error.into()),
    }
}

async fn from_disk(file: Arc<File>, part: Range<u64>) -> io::Result<Vec<u8>> {
    let read = move || {
        let mut piece = room(&part);
        match file.read_at(&mut piece, part.start)? {
            0 => Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                "the file became shorter while it was sent",
            )),
            read => {
                piece.truncate(read);
                Ok(piece)
            }
        }
    };
    tokio::task::spawn_blocking(read)
        .await
        .map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::TryStreamExt;

    async fn all(file: &File, part: Range<u64>) -> io::Result<Vec<u8>> {
        let pieces: Vec<Vec<u8>> = pieces(file.try_clone().unwrap(), part)
            .try_collect()
            .await?;
        assert!(pieces.iter().all(|piece| !piece.is_empty()));
        Ok(pieces.concat())
    }

    #[tokio::test]
    async fn any_part_arrives_whole_and_a_file_that_shrinks_is_an_error() {
        let path = std::env::temp_dir().join(format!("reprise-pieces-{}", state::id::new()));
        let bytes: Vec<u8> = (0..700_000u32).map(|n| (n * 7 / 3) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let file = File::open(&path).unwrap();
        for part in [
            0..700_000,
            0..0,
            5..5,
            1..2,
            262_143..262_145,
            699_999..700_000,
        ] {
            let got = all(&file, part.clone()).await.unwrap();
            let expected = part.start as usize..part.end as usize;
            assert!(got == bytes[expected], "{part:?}");
        }
        // Both ways give the same.
        let part = 1000..200_000;
        let slow = from_disk(Arc::new(file.try_clone().unwrap()), part.clone());
        assert!(slow.await.unwrap() == bytes[1000..200_000]);
        let early = all(&file, 0..700_001).await.unwrap_err();
        assert_eq!(early.kind(), ErrorKind::UnexpectedEof);
        std::fs::remove_file(&path).unwrap();
    }
}
