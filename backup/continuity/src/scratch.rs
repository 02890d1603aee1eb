//! A folder under `state_dir/scratch` that goes away with its value.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "use the scratch folder {path}: {source}; make the state folder writable and free some space on it"
    )]
    Make { path: PathBuf, source: io::Error },
    #[error(
        "use the scratch folder {path}: it has {free_bytes} bytes free and {needed_bytes} are needed; free some space there or set `state_dir` to a larger disk"
    )]
    Full {
        path: PathBuf,
        free_bytes: u64,
        needed_bytes: u64,
    },
}

/// Left free for the state database, whatever is restored beside it.
const RESERVE_BYTES: u64 = 64 << 20;

pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes `root/name`, empty, readable by us alone. Blocks.
    pub(crate) fn make(root: &Path, name: &str) -> Result<Scratch, Error> {
        let path = root.join(name);
        let made = remove(&path).and_then(|()| {
            DirBuilder::new().recursive(true).mode(0o700).create(root)?;
            DirBuilder::new().mode(0o700).create(&path)
        });
        match made {
            Ok(()) => Ok(Scratch { path }),
            Err(source) => Err(Error::Make { path, source }),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Fails when `needed_bytes` would not fit beside the reserve. Blocks.
    pub(crate) fn fits(&self, needed_bytes: u64) -> Result<(), Error> {
        let failed = |source: rustix::io::Errno| Error::Make {
            path: self.path.clone(),
            source: source.into(),
        };
        let disk = rustix::fs::statvfs(&self.path).map_err(failed)?;
        let free_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
        let needed_bytes = needed_bytes.saturating_add(RESERVE_BYTES);
        if free_bytes < needed_bytes {
            return Err(Error::Full {
                path: self.path.clone(),
                free_bytes,
                needed_bytes,
            });
        }
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "failed to remove a scratch folder; it is removed at the next start");
        }
    }
}

/// What a power cut left behind. Blocks.
pub(crate) fn clear(root: &Path) -> Result<(), Error> {
    remove(root).map_err(|source| Error::Make {
        path: root.to_owned(),
        source,
    })
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scratch_is_private_empty_and_gone_afterwards() {
        use std::os::unix::fs::PermissionsExt;
        let root = std::env::temp_dir().join(format!("reprise-scratch-{}", state::id::new()));
        let old = root.join("one/left/behind");
        std::fs::create_dir_all(&old).expect("leftovers");
        let scratch = Scratch::make(&root, "one").expect("made");
        let path = scratch.path().to_owned();
        assert_eq!(std::fs::read_dir(&path).expect("there").count(), 0);
        let mode = path.metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        scratch.fits(1).expect("one byte fits");
        let full = scratch.fits(u64::MAX).expect_err("too much").to_string();
        assert!(
            full.contains(&path.display().to_string()) && full.contains("free some space"),
            "{full}"
        );
        drop(scratch);
        assert!(!path.exists());
        clear(&root).expect("cleared");
        clear(&root).expect("nothing there is no error");
        assert!(!root.exists());
    }

    #[test]
    fn what_is_in_the_way_is_named() {
        let file = std::env::temp_dir().join(format!("reprise-scratch-{}", state::id::new()));
        std::fs::write(&file, "a file").expect("written");
        let error = Scratch::make(&file, "one")
            .err()
            .expect("not a folder")
            .to_string();
        std::fs::remove_file(&file).expect("clean");
        assert!(error.contains(&file.display().to_string()), "{error}");
    }
}
