//! What can be wrong with the simulated NAS.

use std::io;

use rustix::io::Errno;

/// What it does all the time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quirks {
    /// `link` is not supported (SMB, FAT).
    pub no_links: bool,
    /// `renameat2(RENAME_NOREPLACE)` says EINVAL (NFS).
    pub no_careful_rename: bool,
    /// A machine lists what another one made or removed only after this many calls of any machine; asked for by name it
    /// is there at once.
    pub listing_delay: u64,
    /// fsync returns at once and does nothing: what the tests must notice.
    pub ignores_sync: bool,
    /// A write takes at most this many bytes.
    pub longest_write: Option<usize>,
    /// Bytes that have room.
    pub capacity: Option<u64>,
}

/// What goes wrong at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The number of the call, from 1.
    pub at: u64,
    pub lie: Lie,
    pub done: Done,
}

/// What the call says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// It and all later calls fail, until `cut`.
    Down,
    /// ENOENT once: calls that change names only.
    NotFound,
    /// EACCES once: calls that change names only.
    Denied,
    /// ESTALE once.
    Stale,
    /// EINTR once.
    Interrupted,
}

/// What became of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    No,
    /// Half of the bytes of a write; any other call: not at all.
    Half,
    Yes,
}

/// What a power cut leaves of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Everything: the program ended, not the power.
    Nothing,
    /// Nothing of it.
    Unsynced,
    /// All names, and half of the bytes of each file.
    Torn,
    /// Each name and each file's bytes by chance, the same for the same number.
    Chance(u64),
}

impl Lie {
    pub(super) fn error(self) -> io::Error {
        match self {
            Lie::Down => Errno::IO,
            Lie::NotFound => Errno::NOENT,
            Lie::Denied => Errno::ACCESS,
            Lie::Stale => Errno::STALE,
            Lie::Interrupted => Errno::INTR,
        }
        .into()
    }

    /// A file system says some things only of some calls.
    pub(super) fn fits(self, changes_names: bool, done: Done) -> bool {
        match self {
            Lie::Down => true,
            Lie::NotFound => changes_names && done == Done::Yes,
            Lie::Denied => changes_names && done == Done::No,
            // Said of a call that was done only when a request was repeated: those that change names.
            Lie::Stale | Lie::Interrupted => changes_names || done == Done::No,
        }
    }
}
