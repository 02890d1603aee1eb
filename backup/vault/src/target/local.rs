//! A folder on this machine.

use std::path::{Path, PathBuf};

use super::{Entry, Error, ObjectKind, Target};

#[derive(Debug)]
pub struct LocalTarget {
    folder: PathBuf,
}

impl LocalTarget {
    /// The folder must exist; with `must_be_mounted`, a file system must be mounted at or above it (below `/`).
    pub fn open(folder: &Path, _must_be_mounted: bool) -> Result<LocalTarget, Error> {
        Ok(LocalTarget {
            folder: folder.to_owned(),
        })
    }
}

impl Target for LocalTarget {
    fn describe(&self) -> String {
        self.folder.display().to_string()
    }
    fn folder(&self) -> Option<&Path> {
        Some(&self.folder)
    }
    fn prepare(&self) -> Result<(), Error> {
        unimplemented!()
    }
    fn put(&self, _: ObjectKind, _: &str, _: &[u8]) -> Result<(), Error> {
        unimplemented!()
    }
    fn get(&self, _: ObjectKind, _: &str) -> Result<Vec<u8>, Error> {
        unimplemented!()
    }
    fn get_range(&self, _: ObjectKind, _: &str, _: u64, _: usize) -> Result<Vec<u8>, Error> {
        unimplemented!()
    }
    fn list(&self, _: ObjectKind) -> Result<Vec<Entry>, Error> {
        unimplemented!()
    }
    fn size(&self, _: ObjectKind, _: &str) -> Result<Option<u64>, Error> {
        unimplemented!()
    }
}
