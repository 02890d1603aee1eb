//! A folder on this machine: a disk, or a mounted share.
//!
//! Publishing: write under `tmp/`, fsync, open again and compare the end with what was written, hard-link to the
//! final name (which never replaces anything), fsync the folder, look at the result. A share without hard links
//! gets a rename that refuses to replace. A cut at any point leaves the object whole, absent, or a stray in `tmp/`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, RenameFlags, StatxAttributes, StatxFlags};
use rustix::io::Errno;

use super::{Entry, Error, ObjectKind, Target};

const TMP: &str = "tmp";
/// What a freshly made file system may hold: still an empty folder to us.
const IGNORED_AT_CREATE: &str = "lost+found";
/// How much of the end of an object is read back before it gets its name.
const READ_BACK: usize = 64;

#[derive(Debug)]
pub struct LocalTarget {
    folder: PathBuf,
    must_be_mounted: bool,
}

impl LocalTarget {
    /// The folder must exist; with `must_be_mounted`, a file system must be mounted at or above it (below `/`).
    pub fn open(folder: &Path, must_be_mounted: bool) -> Result<LocalTarget, Error> {
        let target = LocalTarget {
            folder: folder.to_owned(),
            must_be_mounted,
        };
        target.check_usable()?;
        Ok(target)
    }

    /// Asked before every write: a share may have gone away since, and its mount point would fill the system disk.
    fn check_usable(&self) -> Result<(), Error> {
        match fs::metadata(&self.folder) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => {
                return Err(Error::NotAFolder {
                    folder: self.describe(),
                });
            }
            Err(error) => return Err(self.error("", 0, error)),
        }
        if self.must_be_mounted
            && !is_mounted(&self.folder).map_err(|error| self.error("", 0, error))?
        {
            return Err(Error::NotMounted {
                folder: self.describe(),
            });
        }
        Ok(())
    }

    fn folder_of(&self, kind: ObjectKind) -> PathBuf {
        self.folder.join(kind.folder())
    }

    fn path(&self, kind: ObjectKind, name: &str) -> PathBuf {
        self.folder_of(kind).join(name)
    }

    fn error(&self, object: &str, needed_bytes: u64, source: io::Error) -> Error {
        let (folder, object) = (self.describe(), object.to_owned());
        match source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOSPC | Errno::DQUOT) => {
                let free_bytes = rustix::fs::statvfs(&self.folder)
                    .map_or(0, |stat| stat.f_bavail.saturating_mul(stat.f_frsize));
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

    fn publish(
        &self,
        kind: ObjectKind,
        name: &str,
        bytes: &[u8],
        stray: &Stray,
    ) -> Result<(), Error> {
        let object = kind.object(name);
        let failed = |error: io::Error| match error.raw_os_error().map(Errno::from_raw_os_error) {
            // The layout is made once, by `prepare`: its absence means that this is not the vault any more.
            Some(Errno::NOENT) => Error::Missing {
                folder: self.folder.join(TMP).display().to_string(),
            },
            _ => self.error(&object, bytes.len() as u64, error),
        };
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&stray.0)
            .map_err(failed)?;
        file.write_all(bytes).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        drop(file);
        let untrue = || Error::Untrue {
            folder: self.describe(),
            object: object.clone(),
        };
        if !reads_back(&stray.0, bytes).map_err(failed)? {
            return Err(untrue());
        }
        let path = self.path(kind, name);
        give_name(&stray.0, &path).map_err(failed)?;
        sync_folder(&self.folder_of(kind)).map_err(failed)?;
        match fs::metadata(&path) {
            Ok(meta) if meta.len() == bytes.len() as u64 => Ok(()),
            _ => Err(untrue()),
        }
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
        self.check_usable()?;
        let failed = |error| match self.error("", 0, error) {
            Error::ReadOnly { folder, .. } => Error::ReadOnly {
                folder,
                object: "the vault's folders".to_owned(),
            },
            Error::Denied { folder, .. } => Error::Denied {
                folder,
                object: "the vault's folders".to_owned(),
            },
            other => other,
        };
        let mut layout: Vec<&str> = ObjectKind::ALL.iter().map(|kind| kind.folder()).collect();
        layout.push(TMP);
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let name = entry
                .map_err(failed)?
                .file_name()
                .to_string_lossy()
                .into_owned();
            // Empty folders of the layout are what a creation that was cut off leaves: it is completed.
            let is_ours = layout.contains(&name.as_str())
                && (name == TMP
                    || fs::read_dir(self.folder.join(&name))
                        .map_err(failed)?
                        .next()
                        .is_none());
            if name != IGNORED_AT_CREATE && !is_ours {
                return Err(Error::NotEmpty {
                    folder: self.describe(),
                    example: name,
                });
            }
        }
        for folder in layout {
            match fs::DirBuilder::new()
                .mode(0o700)
                .create(self.folder.join(folder))
            {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(failed(error));
                }
                _ => {}
            }
        }
        sync_folder(&self.folder).map_err(failed)
    }

    fn put(&self, kind: ObjectKind, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.check_usable()?;
        let object = kind.object(name);
        if self.size(kind, name)?.is_some() {
            return Err(Error::Exists {
                folder: self.describe(),
                object,
            });
        }
        let mut random = [0; 8];
        getrandom::fill(&mut random)
            .map_err(|error| self.error(&object, 0, io::Error::other(error.to_string())))?;
        let stray = Stray(
            self.folder
                .join(TMP)
                .join(format!("{name}.{:016x}", u64::from_le_bytes(random))),
        );
        self.publish(kind, name, bytes, &stray)
    }

    fn get(&self, kind: ObjectKind, name: &str) -> Result<Vec<u8>, Error> {
        fs::read(self.path(kind, name)).map_err(|error| self.error(&kind.object(name), 0, error))
    }

    fn get_range(
        &self,
        kind: ObjectKind,
        name: &str,
        offset: u64,
        len: usize,
    ) -> Result<Vec<u8>, Error> {
        let object = kind.object(name);
        let read = || -> io::Result<Vec<u8>> {
            let file = File::open(self.path(kind, name))?;
            // Asked before allocating: `len` may come from a damaged object.
            let end = offset
                .checked_add(len as u64)
                .ok_or(io::ErrorKind::UnexpectedEof)?;
            if file.metadata()?.len() < end {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let mut bytes = vec![0; len];
            file.read_exact_at(&mut bytes, offset)?;
            Ok(bytes)
        };
        read().map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::Short {
                folder: self.describe(),
                object,
            },
            _ => self.error(&object, 0, error),
        })
    }

    fn list(&self, kind: ObjectKind) -> Result<Vec<Entry>, Error> {
        let folder = self.folder_of(kind);
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Error::Missing {
                folder: folder.display().to_string(),
            },
            _ => self.error(kind.folder(), 0, error),
        };
        let mut entries = Vec::new();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // It may vanish between listing and looking; size 0 then makes it a problem, not a failure.
            let size = entry
                .metadata()
                .map_or(0, |meta| if meta.is_file() { meta.len() } else { 0 });
            entries.push(Entry {
                name: entry.file_name().to_string_lossy().into_owned(),
                size,
            });
        }
        Ok(entries)
    }

    fn size(&self, kind: ObjectKind, name: &str) -> Result<Option<u64>, Error> {
        match fs::symlink_metadata(self.path(kind, name)) {
            Ok(meta) => Ok(Some(meta.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.error(&kind.object(name), 0, error)),
        }
    }

    fn remove(&self, kind: ObjectKind, name: &str) -> Result<(), Error> {
        self.check_usable()?;
        let removed = fs::remove_file(self.path(kind, name));
        // NFS may say "no such file" after a removal that succeeded: what counts is what is there.
        match (self.size(kind, name)?, removed) {
            (None, _) => Ok(()),
            (Some(_), Err(error)) => Err(self.error(&kind.object(name), 0, error)),
            (Some(_), Ok(())) => Err(self.error(
                &kind.object(name),
                0,
                io::Error::other("it is still there after it was removed"),
            )),
        }
    }
}

/// An unpublished file; removed when dropped, whatever happened.
struct Stray(PathBuf);

impl Drop for Stray {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn reads_back(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() != bytes.len() as u64 {
        return Ok(false);
    }
    let from = bytes.len().saturating_sub(READ_BACK);
    let mut end = Vec::with_capacity(READ_BACK);
    file.seek(SeekFrom::Start(from as u64))?;
    file.read_to_end(&mut end)?;
    Ok(end == bytes[from..])
}

/// Gives the file its final name unless that name is taken.
fn give_name(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => return Ok(()),
        Err(error) => match error.raw_os_error().map(Errno::from_raw_os_error) {
            // No hard links there (SMB, FAT, exFAT): the next way.
            Some(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK | Errno::ACCESS) => {}
            _ => return Err(error),
        },
    }
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // Neither (some FUSE and network file systems): names are random, so looking first is enough.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) if !to.exists() => fs::rename(from, to),
        Err(error) => Err(error.into()),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // SMB mounts know no fsync of folders; the server does it on close.
        Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => Ok(()),
        other => other,
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
