//! The state folder, and the lock that makes one process its only user.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "create the state folder {path}: {source}; make its parent writable for the user that runs reprise, or set `state_dir` to another folder"
    )]
    Create { path: PathBuf, source: io::Error },
    #[error(
        "write in the state folder {path}: {source}; make it writable for the user that runs reprise, or set `state_dir` to another folder"
    )]
    NotWritable { path: PathBuf, source: io::Error },
    #[error(
        "lock the state folder {path}: another reprise uses it; stop that one first, or give this one its own `state_dir`"
    )]
    InUse { path: PathBuf },
}

/// Holding this value *is* the lock: it is let go when dropped, and by the kernel if we are killed.
#[derive(Debug)]
pub struct StateFolder {
    path: PathBuf,
    _lock: File,
}

impl StateFolder {
    /// Creates the folder (mode 0700) if needed, and locks it for this process.
    pub fn open(path: &Path) -> Result<StateFolder, Error> {
        if !path.is_dir() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(|source| Error::Create {
                    path: path.into(),
                    source,
                })?;
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(|source| Error::NotWritable {
                path: path.into(),
                source,
            })?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| Error::InUse { path: path.into() })?;
        Ok(StateFolder {
            path: path.into(),
            _lock: lock,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_user_is_refused_until_the_first_is_gone() {
        let dir = std::env::temp_dir().join(format!("reprise-folder-{}", crate::id::new()));
        let first = StateFolder::open(&dir).expect("first");
        assert!(matches!(StateFolder::open(&dir), Err(Error::InUse { .. })));
        drop(first);
        StateFolder::open(&dir).expect("free again");
        std::fs::remove_dir_all(&dir).expect("clean");
    }
}
