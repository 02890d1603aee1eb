//! How an object gets its name on a file system that may lie.
//!
//! Write under `tmp/`, fsync, open again and compare the end (the trailer, which holds the hash of all before it) with
//! what was written, give it its final name without replacing anything, fsync the folder, look. What an error number
//! says of a step decides only whether it is tried again; whether it was done is found out by looking. A cut at any
//! point leaves the object whole, absent, or a stray in `tmp/`; a stray that somebody removes is written again.

use std::io;
use std::sync::atomic::Ordering;

use rustix::io::Errno;

use super::files::{
    TRIES, again, errno, is_passing, is_passing_for_names, pause, read_exact_at, write_all,
};
use super::local::{LocalTarget, TMP};
use super::{Error, ObjectKind};

/// How much of the end of an object is read back before it gets its name.
const READ_BACK: usize = 64;

/// What became of one try.
enum Tried {
    Done,
    /// The name belongs to something else.
    Taken,
    /// What lies there is not what was written.
    Untrue,
    /// Not done; whether a further try with a fresh stray makes sense.
    Failed {
        error: io::Error,
        again: bool,
    },
}

impl Tried {
    fn failed(error: io::Error) -> Tried {
        let again = is_passing_for_names(&error) || errno(&error) == Some(Errno::EXIST);
        Tried::Failed { error, again }
    }
}

/// An unpublished file; removed when dropped, whatever happened.
struct Stray<'a> {
    target: &'a LocalTarget,
    path: String,
}

impl Drop for Stray<'_> {
    fn drop(&mut self) {
        // What cannot be removed now is a sweep's business.
        let _ = again(is_passing, || self.target.files.remove(&self.path));
    }
}

impl LocalTarget {
    pub(super) fn publish(&self, kind: ObjectKind, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let object = kind.object(name);
        let folder = self.describe_folder();
        for tried in 1.. {
            let stray = Stray {
                target: self,
                path: format!(
                    "{TMP}/{}-{:08x}-{}-{name}",
                    self.writer,
                    self.made.fetch_add(1, Ordering::Relaxed),
                    kind.folder()
                ),
            };
            match self.try_once(kind, &object, bytes, &stray.path) {
                Tried::Done => return Ok(()),
                Tried::Taken => return Err(Error::Exists { folder, object }),
                Tried::Untrue if tried == TRIES => return Err(Error::Untrue { folder, object }),
                Tried::Failed { error, again } if !again || tried == TRIES => {
                    // The layout is made once, by `prepare`: its absence means that this is not the vault any more.
                    return Err(match errno(&error) {
                        Some(Errno::NOENT) => self.missing(TMP),
                        _ => self.error(&object, bytes.len() as u64, error),
                    });
                }
                Tried::Untrue | Tried::Failed { .. } => {}
            }
            drop(stray);
            pause(tried);
        }
        Ok(())
    }

    fn try_once(&self, kind: ObjectKind, object: &str, bytes: &[u8], stray: &str) -> Tried {
        match self.write_stray(stray, bytes) {
            Ok(true) => {}
            Ok(false) => return Tried::Untrue,
            Err(error) => return Tried::failed(error),
        }
        match self.give_name(stray, object, bytes) {
            Tried::Done => {}
            other => return other,
        }
        if let Err(error) = again(is_passing_for_names, || {
            self.files.sync_folder(kind.folder())
        }) {
            // It has its name: writing it again would find the name taken.
            return Tried::Failed {
                error,
                again: false,
            };
        }
        match self.lies_there(object, bytes) {
            Ok(Some(true)) => Tried::Done,
            Ok(_) => Tried::Untrue,
            Err(error) => Tried::Failed {
                error,
                again: false,
            },
        }
    }

    /// Whether it reads back as it was written.
    fn write_stray(&self, path: &str, bytes: &[u8]) -> io::Result<bool> {
        let mut file = self.files.create(path)?;
        write_all(&mut *file, bytes)?;
        // Never asked twice of one file: after a failure the kernel may have dropped the pages that it could not write.
        file.sync()?;
        drop(file);
        self.has_bytes(path, bytes, true)
    }

    fn has_bytes(&self, path: &str, bytes: &[u8], fresh: bool) -> io::Result<bool> {
        let file = self.files.open(path)?;
        if file.size()? != bytes.len() as u64 {
            return Ok(false);
        }
        let from = bytes.len().saturating_sub(READ_BACK);
        if fresh {
            file.forget_cached(from as u64);
        }
        let mut end = vec![0; bytes.len() - from];
        match read_exact_at(&*file, &mut end, from as u64) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
            Ok(()) => Ok(end == bytes[from..]),
        }
    }

    /// `None` when nothing has that name.
    fn lies_there(&self, object: &str, bytes: &[u8]) -> io::Result<Option<bool>> {
        match again(is_passing, || self.has_bytes(object, bytes, false)) {
            Err(error) if errno(&error) == Some(Errno::NOENT) => Ok(None),
            Err(error) => Err(error),
            Ok(same) => Ok(Some(same)),
        }
    }

    /// Each way in turn, each a few times; after every call that did not plainly succeed the name is looked at.
    fn give_name(&self, stray: &str, object: &str, bytes: &[u8]) -> Tried {
        let files = &*self.files;
        let ways: [&dyn Fn() -> io::Result<()>; 3] = [
            &|| files.link(stray, object),
            // No hard links (SMB, FAT, exFAT).
            &|| files.rename(stray, object, false),
            // Nor this (NFS, some FUSE file systems). Names are random and it was looked: nothing is replaced.
            &|| files.rename(stray, object, true),
        ];
        let mut last = io::Error::from(io::ErrorKind::Unsupported);
        for way in ways {
            for tried in 1..=TRIES {
                let Err(error) = way() else {
                    return Tried::Done;
                };
                match self.lies_there(object, bytes) {
                    Ok(Some(true)) => return Tried::Done,
                    Ok(Some(false)) => return Tried::Taken,
                    Ok(None) => {}
                    Err(error) => return Tried::failed(error),
                }
                let is_there = again(is_passing, || files.look(stray)).is_ok();
                let unsupported = matches!(
                    errno(&error),
                    Some(
                        Errno::PERM
                            | Errno::OPNOTSUPP
                            | Errno::NOSYS
                            | Errno::MLINK
                            | Errno::INVAL
                            | Errno::XDEV
                    )
                );
                let go_on = is_there && is_passing_for_names(&error) && tried < TRIES;
                last = error;
                if unsupported {
                    break;
                }
                if !go_on {
                    // Denied for good may mean "no links here".
                    if is_there && errno(&last) == Some(Errno::ACCESS) {
                        break;
                    }
                    return Tried::failed(last);
                }
                pause(tried);
            }
        }
        Tried::Failed {
            error: last,
            again: false,
        }
    }
}
