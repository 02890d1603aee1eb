//! What the asynchronous side and the couriers tell the engine, which waits for requests: an eventfd
//! wakes it.

use super::packet::Refusal;
use super::server::Content;
use rustix::event::{EventfdFlags, eventfd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(super) enum Letter {
    /// The answer to a question, by its number.
    Answer(u64, Result<Content, Refusal>),
    /// The machine of this transfer answered for the first time.
    Heard(u64),
    /// This transfer ended.
    Gone(u64),
    Stop,
}

pub(super) struct Mailbox {
    // A std mutex: held for a push or a swap.
    letters: Mutex<Vec<Letter>>,
    bell: OwnedFd,
}

impl Mailbox {
    pub(super) fn new() -> io::Result<Mailbox> {
        Ok(Mailbox {
            letters: Mutex::default(),
            bell: eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?,
        })
    }

    /// Questions and transfers have an end, and each writes three letters at most.
    pub(super) fn put(&self, letter: Letter) {
        self.lock().push(letter);
        // It fails only when the counter is full: then the bell rings already.
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }

    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    pub(super) fn take(&self) -> Vec<Letter> {
        // It fails when nobody rang.
        let _ = rustix::io::read(&self.bell, &mut [0; 8]);
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Letter>> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
