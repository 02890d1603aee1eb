//! One client program from its first byte to its end: fed, listened to, and ended when it must be.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often is looked whether a client has ended, or must be.
const BEAT: Duration = Duration::from_millis(100);

/// What is passed on at once.
const PIECE: usize = 256 << 10;

/// Most that is kept of what a client says about its troubles, of its beginning and of its end.
const SAID: usize = 32 << 10;

/// When work on a database has to end early.
#[derive(Clone, Copy)]
pub struct Care<'a> {
    /// Somebody wants it to stop.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
    /// Told how many more bytes went through.
    pub passed: &'a (dyn Fn(u64) + Sync),
    /// The longest that one step may take.
    pub most: Duration,
    /// A disk must keep so many bytes free.
    pub room: Option<&'a Room>,
}

/// A folder whose disk must keep so many bytes free.
#[derive(Clone, Debug)]
pub struct Room {
    pub folder: PathBuf,
    pub reserve_bytes: u64,
}

/// Why a client was ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    #[error("it was stopped on request")]
    Cancelled,
    #[error("it took longer than {0} s")]
    TooLong(u64),
    #[error("only {free_bytes} bytes are left on the disk of {folder}; free some space there")]
    Full { folder: PathBuf, free_bytes: u64 },
}

impl Care<'_> {
    fn stop(&self, began: Instant) -> Option<Stop> {
        if (self.cancelled)() {
            return Some(Stop::Cancelled);
        }
        if began.elapsed() > self.most {
            return Some(Stop::TooLong(self.most.as_secs()));
        }
        let room = self.room?;
        let disk = rustix::fs::statvfs(&room.folder).ok()?;
        let free_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
        (free_bytes < room.reserve_bytes).then(|| Stop::Full {
            folder: room.folder.clone(),
            free_bytes,
        })
    }
}

/// What came of it.
pub(crate) struct Talk {
    pub(crate) status: ExitStatus,
    pub(crate) out: Vec<u8>,
    /// Its first words about its troubles.
    pub(crate) said: String,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error("{0}")]
    Stopped(Stop),
    /// What it should have been fed could not be read.
    #[error("{0}")]
    Input(io::Error),
    #[error("{0}")]
    Start(io::Error),
    /// It said more than anybody asked for.
    #[error("it answered with more than {0} bytes")]
    TooMuch(usize),
}

/// Runs `command`, gives it all of `input`, keeps at most `most_out` bytes of its output.
pub(crate) fn talk(
    command: &mut Command,
    input: &mut dyn Read,
    most_out: usize,
    care: &Care<'_>,
) -> Result<Talk, Failed> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Failed::Start)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let began = Instant::now();
    let broken = AtomicBool::new(false);
    let mut read = Ok(());
    let (out, said, ended) = std::thread::scope(|scope| {
        let out = scope.spawn(|| keep(stdout, most_out));
        let said = scope.spawn(|| ends(stderr));
        // It watches while this thread may be blocked by a client that is busy.
        let watch = scope.spawn(|| watch(child, care, began, &broken));
        if let Some(mut stdin) = stdin {
            read = feed(&mut stdin, input, care);
            // Before its input ends: half of what it should have got must not look like all of it.
            if read.is_err() {
                broken.store(true, Ordering::SeqCst);
                let ended = watch.join();
                return (out.join(), said.join(), ended);
            }
        }
        let ended = watch.join();
        (out.join(), said.join(), ended)
    });
    let crashed = || Failed::Start(io::Error::other("a thread of reprise crashed"));
    let status = ended.map_err(|_| crashed())??;
    let (out, more) = out.map_err(|_| crashed())?;
    let said = said.map_err(|_| crashed())?;
    read.map_err(Failed::Input)?;
    if more {
        return Err(Failed::TooMuch(most_out));
    }
    Ok(Talk {
        status,
        out,
        said: String::from_utf8_lossy(&said).into_owned(),
    })
}

/// Waits for the child's end, and ends it by its id when there is a reason.
fn watch(
    mut child: Child,
    care: &Care<'_>,
    began: Instant,
    broken: &AtomicBool,
) -> Result<ExitStatus, Failed> {
    let mut beat = Duration::from_millis(2);
    loop {
        if let Some(status) = child.try_wait().map_err(Failed::Start)? {
            return Ok(status);
        }
        let stop = care.stop(began);
        if stop.is_some() || broken.load(Ordering::SeqCst) {
            // An error means that it has just ended by itself.
            let _ = child.kill();
            let status = child.wait().map_err(Failed::Start)?;
            return stop.map_or(Ok(status), |stop| Err(Failed::Stopped(stop)));
        }
        std::thread::sleep(beat);
        beat = BEAT.min(beat * 2);
    }
}

/// An error is one of reading; a client that stops listening has said why.
fn feed(stdin: &mut impl Write, input: &mut dyn Read, care: &Care<'_>) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let len = match input.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if stdin.write_all(&piece[..len]).is_err() {
            return Ok(());
        }
        (care.passed)(len as u64);
    }
}

/// The beginning and the end: `mariadb` repeats a whole statement, which may be long, before its error.
fn ends(from: Option<impl Read>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut from) = from else {
        return kept;
    };
    let _ = from.by_ref().take(SAID as u64).read_to_end(&mut kept);
    let mut last = Vec::new();
    let mut piece = vec![0; SAID];
    while let Ok(len @ 1..) = from.read(&mut piece) {
        last.extend_from_slice(&piece[..len]);
        let old = last.len().saturating_sub(SAID);
        last.drain(..old);
    }
    kept.extend_from_slice(&last);
    kept
}

/// The first `most` bytes; what follows is read and thrown away, and said to be.
fn keep(from: Option<impl Read>, most: usize) -> (Vec<u8>, bool) {
    let mut kept = Vec::new();
    let Some(mut from) = from else {
        return (kept, false);
    };
    let _ = from.by_ref().take(most as u64).read_to_end(&mut kept);
    let more = io::copy(&mut from, &mut io::sink()).unwrap_or(0) > 0;
    (kept, more)
}
