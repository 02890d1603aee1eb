//! The disk being written: bytes at offsets, zeros, a flush that reaches the medium, and reading
//! back what the medium holds rather than what the page cache remembers.

use rustix::fs::{Advice, FallocateFlags, OFlags, fadvise, fallocate};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Fits every logical sector there is.
const ALIGNMENT: usize = 4096;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("open disk {}: {source}; {hint}", .path.display())]
    Open {
        path: PathBuf,
        source: io::Error,
        hint: &'static str,
    },
    #[error("write disk {}: it is neither a disk nor a file", .path.display())]
    NotADisk { path: PathBuf },
    #[error("write disk {}: it has {found} bytes and {expected} were confirmed; look at the machine, then confirm again in the console", .path.display())]
    Size {
        path: PathBuf,
        expected: u64,
        found: u64,
    },
    #[error("write disk {} at byte {offset}: {source}; the disk is failing: replace it", .path.display())]
    Write {
        path: PathBuf,
        offset: u64,
        source: io::Error,
    },
    #[error("flush disk {}: {source}; the disk is failing: replace it", .path.display())]
    Flush { path: PathBuf, source: io::Error },
    #[error("read disk {} back at byte {offset}: {source}; the disk is failing: replace it", .path.display())]
    Read {
        path: PathBuf,
        offset: u64,
        source: io::Error,
    },
    #[error("read disk {} back: at byte {offset} it holds other bytes than were written; the disk or its cable is failing: replace it", .path.display())]
    Differs { path: PathBuf, offset: u64 },
}

/// Open for writing; shared by the writing threads.
#[derive(Debug)]
pub struct TargetDisk {
    file: File,
    path: PathBuf,
    size_bytes: u64,
    is_block: bool,
}

impl TargetDisk {
    /// A block device is opened exclusively: one that is mounted or part of an array is refused.
    /// A regular file works too (tests, and image files of virtual machines).
    pub fn open(path: &Path, expected_bytes: u64) -> Result<TargetDisk, Error> {
        let failed = |source: io::Error, hint| Error::Open {
            path: path.to_owned(),
            source,
            hint,
        };
        let kind = std::fs::metadata(path)
            .map_err(|error| failed(error, "check the disk's cable"))?
            .file_type();
        let is_block = kind.is_block_device();
        if !is_block && !kind.is_file() {
            return Err(Error::NotADisk {
                path: path.to_owned(),
            });
        }
        let exclusive = if is_block {
            OFlags::EXCL
        } else {
            OFlags::empty()
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(flags(exclusive))
            .open(path)
            .map_err(|error| {
                let hint = if error.raw_os_error() == Some(Errno::BUSY.raw_os_error()) {
                    "something on this machine uses it: unmount it first"
                } else {
                    "check that it is not write-protected"
                };
                failed(error, hint)
            })?;
        let found = file
            .seek(SeekFrom::End(0))
            .map_err(|error| failed(error, "check the disk's cable"))?;
        if found != expected_bytes {
            return Err(Error::Size {
                path: path.to_owned(),
                expected: expected_bytes,
                found,
            });
        }
        Ok(TargetDisk {
            file,
            path: path.to_owned(),
            size_bytes: found,
            is_block,
        })
    }

    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Error> {
        self.file
            .write_all_at(bytes, offset)
            .map_err(|source| self.write_error(offset, source))
    }

    /// Makes `len` bytes read as zeros. On a disk the kernel guarantees it for both ways (unlike a
    /// plain discard); the first also frees the cells of an SSD.
    pub fn zero(&self, offset: u64, len: u64) -> Result<(), Error> {
        for way in [FallocateFlags::PUNCH_HOLE, FallocateFlags::ZERO_RANGE] {
            if fallocate(&self.file, way | FallocateFlags::KEEP_SIZE, offset, len).is_ok() {
                return Ok(());
            }
        }
        let zeros = vec![0; usize::try_from(len.min(1 << 20)).unwrap_or(1 << 20)];
        let mut done = 0;
        while done < len {
            let step = (len - done).min(zeros.len() as u64);
            let piece = &zeros[..usize::try_from(step).unwrap_or(zeros.len())];
            self.write_at(piece, offset + done)?;
            done += step;
        }
        Ok(())
    }

    /// Tells an SSD that it holds nothing any more. `false`: it does not take that, and keeps the zeros that were
    /// written. The kernel sends only what makes it read as zeros.
    pub fn free_cells(&self) -> bool {
        let way = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        fallocate(&self.file, way, 0, self.size_bytes).is_ok()
    }

    /// Everything written is on the medium (the kernel's cache and the disk's own are flushed).
    pub fn flush(&self) -> Result<(), Error> {
        self.file.sync_all().map_err(|source| Error::Flush {
            path: self.path.clone(),
            source,
        })
    }

    /// To be asked after [`flush`](TargetDisk::flush).
    pub fn reader(&self) -> Result<Reader, Error> {
        let open = |flag: OFlags| {
            OpenOptions::new()
                .read(true)
                .custom_flags(flags(flag))
                .open(&self.path)
        };
        let failed = |source| Error::Read {
            path: self.path.clone(),
            offset: 0,
            source,
        };
        let (file, is_direct) = match open(OFlags::DIRECT) {
            Ok(file) => (file, true),
            // Some file systems cannot; every disk can.
            Err(_) if !self.is_block => (open(OFlags::empty()).map_err(failed)?, false),
            Err(error) => return Err(failed(error)),
        };
        Ok(Reader {
            file,
            path: self.path.clone(),
            is_direct,
            is_block: self.is_block,
            buffer: Vec::new(),
        })
    }

    fn write_error(&self, offset: u64, source: io::Error) -> Error {
        Error::Write {
            path: self.path.clone(),
            offset,
            source,
        }
    }
}

fn flags(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

/// Reads past the page cache.
#[derive(Debug)]
pub struct Reader {
    file: File,
    path: PathBuf,
    is_direct: bool,
    is_block: bool,
    buffer: Vec<u8>,
}

impl Reader {
    /// `offset` and `len` are whole sectors, except that a file may end anywhere.
    pub fn read(&mut self, offset: u64, len: usize) -> Result<&[u8], Error> {
        if self.buffer.len() < len + ALIGNMENT {
            self.buffer = vec![0; len + ALIGNMENT];
        }
        // Direct reads want memory aligned as the disk's sectors are.
        let start = self.buffer.as_ptr().align_offset(ALIGNMENT);
        let start = if start < ALIGNMENT { start } else { 0 };
        let into = &mut self.buffer[start..start + len];
        let mut outcome = if self.is_direct {
            self.file.read_exact_at(into, offset)
        } else {
            read_again(&self.file, into, offset)
        };
        if self.is_direct && !self.is_block && matches!(&outcome, Err(e) if is_invalid(e)) {
            self.is_direct = false;
            outcome = File::open(&self.path).and_then(|file| {
                self.file = file;
                read_again(&self.file, into, offset)
            });
        }
        match outcome {
            Ok(()) => Ok(&self.buffer[start..start + len]),
            Err(source) => Err(Error::Read {
                path: self.path.clone(),
                offset,
                source,
            }),
        }
    }

    pub fn differs(&self, offset: u64) -> Error {
        Error::Differs {
            path: self.path.clone(),
            offset,
        }
    }
}

/// Best effort on a file: its clean pages are dropped, then read again.
fn read_again(file: &File, into: &mut [u8], offset: u64) -> io::Result<()> {
    let _ = fadvise(file, offset, None, Advice::DontNeed);
    file.read_exact_at(into, offset)
}

fn is_invalid(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::INVAL.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Folder;

    #[test]
    fn what_is_written_is_read_back() {
        let folder = Folder::new("disk-write");
        let path = folder.write("disk", &vec![0xff; 3 << 20]);
        let disk = TargetDisk::open(&path, 3 << 20).unwrap();
        disk.write_at(&[7; 1 << 20], 1 << 20).unwrap();
        disk.zero(2 << 20, 1 << 20).unwrap();
        disk.flush().unwrap();
        let mut reader = disk.reader().unwrap();
        assert!(reader.read(0, 1 << 20).unwrap().iter().all(|b| *b == 0xff));
        assert!(
            reader
                .read(1 << 20, 1 << 20)
                .unwrap()
                .iter()
                .all(|b| *b == 7)
        );
        assert!(
            reader
                .read(2 << 20, 1 << 20)
                .unwrap()
                .iter()
                .all(|b| *b == 0)
        );
        // An end that is a sector of 512 but not of 4096.
        assert_eq!(reader.read((3 << 20) - 512, 512).unwrap(), [0; 512]);
        assert_eq!(disk.size_bytes(), 3 << 20);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 3 << 20);
    }

    #[test]
    fn another_size_than_confirmed_is_refused() {
        let folder = Folder::new("disk-size");
        let path = folder.write("disk", &[0; 1024]);
        let refused = TargetDisk::open(&path, 2048).unwrap_err();
        assert!(matches!(
            refused,
            Error::Size {
                expected: 2048,
                found: 1024,
                ..
            }
        ));
    }

    #[test]
    fn a_folder_or_nothing_is_no_disk() {
        let folder = Folder::new("disk-none");
        let refused = TargetDisk::open(folder.path(), 0).unwrap_err();
        assert!(matches!(refused, Error::NotADisk { .. }));
        let refused = TargetDisk::open(&folder.path().join("sda"), 0).unwrap_err();
        assert!(matches!(refused, Error::Open { .. }));
    }

    #[test]
    fn a_read_past_the_end_is_an_error_that_names_the_place() {
        let folder = Folder::new("disk-end");
        let path = folder.write("disk", &[0; 4096]);
        let disk = TargetDisk::open(&path, 4096).unwrap();
        let refused = disk
            .reader()
            .unwrap()
            .read(4096, 512)
            .unwrap_err()
            .to_string();
        assert!(refused.contains("back at byte 4096"), "{refused}");
    }
}
