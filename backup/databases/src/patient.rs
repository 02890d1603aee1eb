//! What a client program writes, read with an end to patience and an ear for a stop.

use crate::Error;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, Read};
use std::process::ChildStdout;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two looks at whether to stop.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

/// How long a dump waits, and whether it should end.
#[derive(Clone)]
pub struct Limits {
    /// The longest silence of a server. A large table without a fit index is sorted before its first row comes.
    pub silence: Duration,
    /// The longest wait for a table that somebody has locked.
    pub lock_wait: Duration,
    pub stop: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            silence: Duration::from_secs(30 * 60),
            lock_wait: Duration::from_secs(30),
            stop: Arc::new(|| false),
        }
    }
}

/// Why reading ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    #[error("stopped on request")]
    Stopped,
    #[error("nothing was said for too long")]
    Silent,
}

pub(crate) struct Patient {
    pub(crate) from: ChildStdout,
    pub(crate) limits: Limits,
}

impl Read for Patient {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let since = Instant::now();
        loop {
            if (self.limits.stop)() {
                return Err(io::Error::other(Ended::Stopped));
            }
            let mut fds = [PollFd::new(&self.from, PollFlags::IN)];
            match poll(&mut fds, Some(&LOOK)) {
                Ok(0) if since.elapsed() > self.limits.silence => {
                    return Err(io::Error::other(Ended::Silent));
                }
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return self.from.read(into),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The error of a reader, in the words of a dump.
pub(crate) fn explain(
    error: io::Error,
    limits: &Limits,
    doing: &'static str,
    object: &str,
) -> Error {
    match error.downcast::<Ended>() {
        Ok(Ended::Stopped) => Error::Stopped,
        Ok(Ended::Silent) => Error::Silent {
            doing,
            object: object.to_owned(),
            minutes: limits.silence.as_secs() / 60,
        },
        Err(error) => Error::Refused {
            doing,
            object: object.to_owned(),
            cause: crate::Cause::Lost,
            said: error.to_string(),
        },
    }
}
