//! The files of a folder on this machine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, AtFlags, CWD, RenameFlags, StatxAttributes, StatxFlags};
use rustix::io::Errno;

use super::Error;
use super::files::{Files, OpenFile, Seen};

const PAGE: u64 = 4096;

#[derive(Debug)]
pub(super) struct Disk {
    pub(super) folder: PathBuf,
    pub(super) must_be_mounted: bool,
    /// The disk that was there when the folder was opened.
    pub(super) device: Option<u64>,
}

impl Disk {
    /// From now on no other disk is taken for this one. A share has a new number after each mount, and is known by
    /// its vault alone.
    pub(super) fn pin(&mut self) {
        let device = fs::metadata(&self.folder).map(|meta| meta.dev()).ok();
        self.device = device.filter(|dev| rustix::fs::major(*dev) != 0);
    }

    fn at(&self, path: &str) -> PathBuf {
        match path {
            "" => self.folder.clone(),
            _ => self.folder.join(path),
        }
    }
}

impl Files for Disk {
    fn usable(&self) -> Result<(), Error> {
        let folder = || self.folder.display().to_string();
        let failed = |source: io::Error| Error::of(&folder(), "", source, || (0, 0));
        match fs::metadata(&self.folder) {
            Ok(meta) if self.device.is_some_and(|device| device != meta.dev()) => {
                // Said before "exchanged": an empty mount point is the system's disk.
                if self.must_be_mounted && !is_mounted(&self.folder).map_err(failed)? {
                    return Err(Error::NotMounted { folder: folder() });
                }
                return Err(Error::Exchanged { folder: folder() });
            }
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return Err(Error::NotAFolder { folder: folder() }),
            Err(error) => return Err(failed(error)),
        }
        if self.must_be_mounted && !is_mounted(&self.folder).map_err(failed)? {
            return Err(Error::NotMounted { folder: folder() });
        }
        Ok(())
    }

    fn free_bytes(&self) -> u64 {
        rustix::fs::statvfs(&self.folder)
            .map_or(0, |stat| stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn OpenFile>> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        Ok(Box::new(options.open(self.at(path))?))
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn OpenFile>> {
        Ok(Box::new(File::open(self.at(path))?))
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        fs::hard_link(self.at(from), self.at(to))
    }

    fn rename(&self, from: &str, to: &str, replace: bool) -> io::Result<()> {
        let flags = match replace {
            true => RenameFlags::empty(),
            false => RenameFlags::NOREPLACE,
        };
        Ok(rustix::fs::renameat_with(
            CWD,
            self.at(from),
            CWD,
            self.at(to),
            flags,
        )?)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.at(path))
    }

    fn make_folder(&self, path: &str) -> io::Result<()> {
        fs::DirBuilder::new().mode(0o700).create(self.at(path))
    }

    fn sync_folder(&self, path: &str) -> io::Result<()> {
        match File::open(self.at(path))?.sync_all() {
            // SMB mounts know no fsync of folders; the server does it on close.
            Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => Ok(()),
            other => other,
        }
    }

    fn names(&self, path: &str) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(self.at(path))?;
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn look(&self, path: &str) -> io::Result<Seen> {
        let meta = fs::symlink_metadata(self.at(path))?;
        Ok(Seen {
            len: meta.len(),
            is_file: meta.is_file(),
        })
    }
}

impl OpenFile for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_all()
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, into, offset)
    }

    fn forget_cached(&self, from: u64) {
        // Advice only: where it is not taken, what is read back is this machine's own memory, as without it. Whole
        // pages only are let go, and only those that are read.
        let _ = rustix::fs::fadvise(self, from / PAGE * PAGE, None, Advice::DontNeed);
    }
}

/// Whether a file system is mounted at the folder or above it, `/` not counted.
fn is_mounted(folder: &Path) -> io::Result<bool> {
    let folder = folder.canonicalize()?;
    for ancestor in folder.ancestors().filter(|path| path.parent().is_some()) {
        let statx = rustix::fs::statx(CWD, ancestor, AtFlags::empty(), StatxFlags::BASIC_STATS)?;
        let is_mount = if statx
            .stx_attributes_mask
            .contains(StatxAttributes::MOUNT_ROOT)
        {
            statx.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)
        } else {
            // Kernels before 5.8: another device than the folder above.
            let above = rustix::fs::stat(ancestor.parent().unwrap_or(ancestor))?;
            above.st_dev != rustix::fs::stat(ancestor)?.st_dev
        };
        if is_mount {
            return Ok(true);
        }
    }
    Ok(false)
}
