//! The disk that is read into an image: never opened for writing.

use super::inventory::{names, text};
use crate::capture::is_bitlocker;
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const SECTOR: u64 = 512;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("open disk {}: {source}; check its cable", .path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("read disk {}: it has {found} bytes and had {expected} when the session was opened; start this machine from the network again", .path.display())]
    Size {
        path: PathBuf,
        expected: u64,
        found: u64,
    },
    #[error("read disk {} at byte {offset}: {source}; the disk is failing: save what can be read first (ddrescue), then replace it", .path.display())]
    Read {
        path: PathBuf,
        offset: u64,
        source: io::Error,
    },
}

#[derive(Debug)]
pub(super) struct SourceDisk {
    file: File,
    path: PathBuf,
    size_bytes: u64,
}

impl SourceDisk {
    /// A regular file works too (tests, and image files of virtual machines).
    pub(super) fn open(path: &Path, expected: u64) -> Result<SourceDisk, Error> {
        let failed = |source| Error::Open {
            path: path.to_owned(),
            source,
        };
        let mut file = File::open(path).map_err(failed)?;
        let found = file.seek(SeekFrom::End(0)).map_err(failed)?;
        if found != expected {
            return Err(Error::Size {
                path: path.to_owned(),
                expected,
                found,
            });
        }
        Ok(SourceDisk {
            file,
            path: path.to_owned(),
            size_bytes: found,
        })
    }

    pub(super) fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.file
            .read_exact_at(buffer, offset)
            .map_err(|source| Error::Read {
                path: self.path.clone(),
                offset,
                source,
            })
    }

    /// The first partition that BitLocker encrypted; `block` is the disk's folder in `/sys/block`.
    pub(super) fn encrypted(&self, block: &Path) -> Result<Option<String>, Error> {
        for name in names(block) {
            let start = text(&block.join(&name).join("start"));
            let Some(offset) = start
                .trim()
                .parse::<u64>()
                .ok()
                .and_then(|start| start.checked_mul(SECTOR))
                .filter(|offset| *offset < self.size_bytes)
            else {
                continue;
            };
            let mut sector = [0; SECTOR as usize];
            self.read(offset, &mut sector)?;
            if is_bitlocker(&sector) {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Folder;

    #[test]
    fn a_partition_that_bitlocker_encrypted_is_named() {
        let folder = Folder::new("source");
        let mut bytes = vec![0; 8192];
        bytes[4096 + 3..4096 + 11].copy_from_slice(b"-FVE-FS-");
        let path = folder.write("disk", &bytes);
        folder.write("sda/sda1/start", b"2\n");
        folder.write("sda/queue/logical_block_size", b"512\n");
        let disk = SourceDisk::open(&path, 8192).unwrap();
        let block = folder.path().join("sda");
        assert_eq!(disk.encrypted(&block).unwrap(), None);
        folder.write("sda/sda3/start", b"8\n");
        assert_eq!(disk.encrypted(&block).unwrap().as_deref(), Some("sda3"));
        // A table may name what is beyond the end of the disk.
        folder.write("sda/sda2/start", b"4000\n");
        assert_eq!(disk.encrypted(&block).unwrap().as_deref(), Some("sda3"));
        assert!(matches!(
            SourceDisk::open(&path, 8704),
            Err(Error::Size { found: 8192, .. })
        ));
    }
}
