//! The few calls on files that a vault's folder is made of: publishing runs unchanged on a disk, on a mounted share
//! and on the simulated NAS. A distant folder brings its own calls and has everything else in common.
//!
//! Nothing here tells a time or takes a lock, so no jump of a clock and no forgotten lock can matter.

use std::io;
use std::time::Duration;

use rustix::io::Errno;

use super::Error;

/// Paths are `folder/name` below the vault's folder; the empty path is that folder.
///
/// What is tried again is told by the system's error numbers: `ESTALE` is a handle that was lost and must be opened
/// anew. An error of kind `NotConnected` with a text of its own is final: that text says what to do.
pub trait Files: Send + Sync {
    /// Asked before every write: a share may have gone away since, and its mount point would fill the system disk.
    fn usable(&self) -> Result<(), Error>;
    fn free_bytes(&self) -> u64;
    /// For writing; the path must be free.
    fn create(&self, path: &str) -> io::Result<Box<dyn OpenFile>>;
    fn open(&self, path: &str) -> io::Result<Box<dyn OpenFile>>;
    /// A second name for a file. Fails when that name is taken.
    fn link(&self, from: &str, to: &str) -> io::Result<()>;
    fn rename(&self, from: &str, to: &str, replace: bool) -> io::Result<()>;
    fn remove(&self, path: &str) -> io::Result<()>;
    fn make_folder(&self, path: &str) -> io::Result<()>;
    /// Names made and removed in the folder so far survive a power cut.
    fn sync_folder(&self, path: &str) -> io::Result<()>;
    fn names(&self, path: &str) -> io::Result<Vec<String>>;
    /// Links are not followed.
    fn look(&self, path: &str) -> io::Result<Seen>;
}

/// What lies under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub len: u64,
    pub is_file: bool,
}

/// Closed when dropped.
pub trait OpenFile {
    /// In bytes, as it is now.
    fn size(&self) -> io::Result<u64>;
    /// At the end of what was written so far; how much of it was taken. What went wrong may only be told by `sync`.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// What was written survives a power cut.
    fn sync(&self) -> io::Result<()>;
    /// How much was there; 0 at the end of the file.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Lets go of what this machine remembers of the file from there on, so that it is read from where it lies.
    fn forget_cached(&self, _from: u64) {}
}

/// A passing error is tried again this often, with growing pauses between.
pub(super) const TRIES: u32 = 4;

pub(super) fn errno(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw_os_error)
}

/// Errors that say nothing of the next try: a signal (SMB gives those through), a handle of a file that another client
/// replaced or a server forgot (NFS).
pub(super) fn is_passing(error: &io::Error) -> bool {
    matches!(
        errno(error),
        Some(Errno::INTR | Errno::STALE | Errno::AGAIN)
    )
}

/// Like `is_passing`, for calls that change names: SMB servers deny a rename for a moment while somebody (a virus
/// scanner, an indexer) has the file open, and a repeated NFS request finds that its first one did it.
pub(super) fn is_passing_for_names(error: &io::Error) -> bool {
    is_passing(error)
        || matches!(
            errno(error),
            Some(Errno::ACCESS | Errno::BUSY | Errno::TXTBSY | Errno::NOENT)
        )
}

pub(super) fn again<T>(
    is_worth_it: fn(&io::Error) -> bool,
    mut call: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let mut tried = 1;
    loop {
        match call() {
            Err(error) if tried < TRIES && is_worth_it(&error) => pause(tried),
            done => return done,
        }
        tried += 1;
    }
}

/// 1, 16, 256 ms: long enough for an indexer, short enough for a denial that stays.
pub(super) fn pause(tried: u32) {
    std::thread::sleep(Duration::from_millis(1 << (4 * (tried.min(3) - 1))));
}

/// Exactly the bytes asked for, or `UnexpectedEof`.
pub(super) fn read_exact_at(
    file: &dyn OpenFile,
    into: &mut [u8],
    mut offset: u64,
) -> io::Result<()> {
    let mut rest = into;
    while !rest.is_empty() {
        match file.read_at(rest, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                rest = &mut rest[read..];
                offset += read as u64;
            }
            Err(error) if errno(&error) == Some(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

pub(super) fn write_all(file: &mut dyn OpenFile, bytes: &[u8]) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match file.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => rest = &rest[written..],
            Err(error) if errno(&error) == Some(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
