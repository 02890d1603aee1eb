//! A disk on its way here, as whoever stores it reads it: piece after piece, from async code, with an end that somebody
//! has to say. What merely stops is no whole disk, and no image.

use std::io::{self, Read};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Pieces that wait for the vault, of a mebibyte each.
const WAITING: usize = 8;

pub(crate) enum Piece {
    Bytes(Vec<u8>),
    Zeros(usize),
    /// That was all.
    End,
}

/// Reads what [`channel`]'s other end sends. To be read outside of async code.
pub struct Arriving {
    pieces: mpsc::Receiver<Piece>,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
    stop: CancellationToken,
    runtime: Handle,
}

/// In async code: the disk's end, and its beginning.
pub(crate) fn channel() -> (mpsc::Sender<Piece>, Arriving) {
    let (sender, pieces) = mpsc::channel(WAITING);
    let arriving = Arriving {
        pieces,
        piece: Vec::new(),
        at: 0,
        ended: false,
        stop: CancellationToken::new(),
        runtime: Handle::current(),
    };
    (sender, arriving)
}

impl Arriving {
    /// Reading fails as soon as `stop` is cancelled, also while it waits.
    pub fn until(mut self, stop: CancellationToken) -> Arriving {
        self.stop = stop;
        self
    }

    fn next(&mut self) -> io::Result<()> {
        let (pieces, stop) = (&mut self.pieces, &self.stop);
        let next = self.runtime.block_on(async {
            tokio::select! {
                piece = pieces.recv() => Ok(piece),
                () = stop.cancelled() => Err("the appliance stops"),
            }
        });
        self.at = 0;
        match next {
            Ok(Some(Piece::Bytes(bytes))) => self.piece = bytes,
            Ok(Some(Piece::Zeros(len))) => {
                self.piece.clear();
                self.piece.resize(len, 0);
            }
            Ok(Some(Piece::End)) => {
                self.piece.clear();
                self.ended = true;
            }
            Ok(None) => return Err(io::Error::other("the machine sends no more of it")),
            Err(why) => return Err(io::Error::other(why)),
        }
        Ok(())
    }
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() && !self.ended {
            self.next()?;
        }
        let left = &self.piece[self.at..];
        let len = left.len().min(buffer.len());
        buffer[..len].copy_from_slice(&left[..len]);
        self.at += len;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(arriving: Arriving) -> io::Result<Vec<u8>> {
        let mut arriving = arriving;
        tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            arriving.read_to_end(&mut bytes).map(|_| bytes)
        })
        .await
        .expect("no fault")
    }

    #[tokio::test]
    async fn a_disk_is_whole_only_when_somebody_said_so() {
        let (sender, arriving) = channel();
        let reader = tokio::spawn(read(arriving));
        for piece in [
            Piece::Bytes(vec![1, 2, 3]),
            Piece::Zeros(2),
            Piece::Bytes(Vec::new()),
            Piece::Bytes(vec![4]),
            Piece::End,
        ] {
            sender.send(piece).await.expect("it reads");
        }
        let bytes = reader.await.expect("no fault").expect("whole");
        assert_eq!(bytes, [1, 2, 3, 0, 0, 4]);

        let (sender, arriving) = channel();
        let reader = tokio::spawn(read(arriving));
        sender.send(Piece::Bytes(vec![1])).await.expect("it reads");
        drop(sender);
        let cut = reader.await.expect("no fault");
        assert!(cut.is_err(), "{cut:?}");
    }

    #[tokio::test]
    async fn who_waits_for_the_next_piece_can_be_stopped() {
        let (_sender, arriving) = channel();
        let stop = CancellationToken::new();
        let reader = tokio::spawn(read(arriving.until(stop.clone())));
        stop.cancel();
        assert!(reader.await.expect("no fault").is_err());
    }
}
