//! Why a target did not do it: what happened, to which object, and what to do next.

use std::io;

use rustix::io::Errno;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "open the vault folder {folder}: it does not exist; mount the disk or share that holds it, or create the folder and run `reprise vault init`"
    )]
    Missing { folder: String },
    #[error("open the vault folder {folder}: it is not a folder; correct the target's path")]
    NotAFolder { folder: String },
    #[error(
        "use the vault folder {folder}: nothing is mounted there (must_be_mounted is set); mount the NAS or disk and try again"
    )]
    NotMounted { folder: String },
    #[error(
        "create a vault in {folder}: it is not empty (it holds {example}); choose an empty folder"
    )]
    NotEmpty { folder: String, example: String },
    #[error(
        "write {object} in {folder}: the file system is read-only; remount it read-write or check the disk"
    )]
    ReadOnly { folder: String, object: String },
    #[error(
        "use {object} in {folder}: permission denied; give this user the right to read and write there"
    )]
    Denied { folder: String, object: String },
    #[error(
        "write {object} in {folder}: the disk is full ({free_bytes} bytes free, {needed_bytes} needed); free some space or choose a larger target"
    )]
    Full {
        folder: String,
        object: String,
        free_bytes: u64,
        needed_bytes: u64,
    },
    #[error(
        "write {object} in {folder}: only {free_bytes} bytes are free on this disk, which the system needs too ({keep_bytes} are kept for it, keep_free_mb); free some space, or give the vault a disk of its own"
    )]
    Reserved {
        folder: String,
        object: String,
        free_bytes: u64,
        keep_bytes: u64,
    },
    #[error(
        "use the vault folder {folder}: another disk is mounted there than a moment ago; nothing was written to it, start again with the disk that is meant"
    )]
    Exchanged { folder: String },
    #[error("write {object} in {folder}: it exists already; objects are never replaced")]
    Exists { folder: String, object: String },
    #[error("read {object} in {folder}: it does not exist; run `reprise vault check`")]
    NotFound { folder: String, object: String },
    #[error("read {object} in {folder}: it ends too early; run `reprise vault check`")]
    Short { folder: String, object: String },
    #[error(
        "publish {object} in {folder}: what was written reads back differently; the disk or share cannot be trusted, replace it"
    )]
    Untrue { folder: String, object: String },
    /// `cause` tells one reason from another, whatever `what` says of it; `what` says why, and what to do.
    #[error("use the vault in {folder}: {what}")]
    Unreachable {
        folder: String,
        cause: &'static str,
        what: String,
    },
    #[error("use {object} in {folder}: {source}; check the disk or share")]
    Io {
        folder: String,
        object: String,
        source: io::Error,
    },
}

/// Why another machine is not reached, on its way through an [`io::Error`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Unreached {
    pub cause: &'static str,
    pub what: String,
}

impl Error {
    /// The error of another machine that is not reached, when `source` tells of one.
    pub fn unreachable(folder: &str, source: &io::Error) -> Option<Error> {
        let why = source
            .get_ref()
            .filter(|_| source.kind() == io::ErrorKind::NotConnected)?;
        let cause = why.downcast_ref::<Unreached>().map(|why| why.cause);
        Some(Error::Unreachable {
            folder: folder.to_owned(),
            cause: cause.unwrap_or("unreachable"),
            what: why.to_string(),
        })
    }

    /// `room` is asked only when the disk is full: free bytes, needed bytes.
    pub(super) fn of(
        folder: &str,
        object: &str,
        source: io::Error,
        room: impl FnOnce() -> (u64, u64),
    ) -> Error {
        let (folder, object) = (folder.to_owned(), object.to_owned());
        if let Some(unreachable) = Error::unreachable(&folder, &source) {
            return unreachable;
        }
        match super::files::errno(&source) {
            Some(Errno::NOSPC | Errno::DQUOT) => {
                let (free_bytes, needed_bytes) = room();
                Error::Full {
                    folder,
                    object,
                    free_bytes,
                    needed_bytes,
                }
            }
            Some(Errno::ROFS) => Error::ReadOnly { folder, object },
            Some(Errno::ACCESS | Errno::PERM) => Error::Denied { folder, object },
            Some(Errno::NOENT | Errno::NOTDIR) if object.is_empty() => Error::Missing { folder },
            Some(Errno::NOENT) => Error::NotFound { folder, object },
            Some(Errno::EXIST) => Error::Exists { folder, object },
            _ => Error::Io {
                folder,
                object,
                source,
            },
        }
    }
}
