//! A folder of files: a disk, a mounted share, a folder of another machine, or the simulated NAS.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use rustix::io::Errno;

use super::disk::Disk;
use super::files::{
    Files, OpenFile, again, errno, is_passing, is_passing_for_names, read_exact_at,
};
use super::{Entry, Error, ObjectKind, Stray, Target};

pub(super) const TMP: &str = "tmp";
/// What a freshly made file system may hold: still an empty folder to us.
const IGNORED_AT_CREATE: &str = "lost+found";
/// Threads that ask for the sizes of a long listing.
const LOOKERS: usize = 8;

pub struct LocalTarget {
    pub(super) files: Box<dyn Files>,
    shown: String,
    folder: Option<PathBuf>,
    /// Data is not written when less would stay free.
    keep_free_bytes: u64,
    /// Begins the names of the strays that this target makes.
    pub(super) writer: String,
    pub(super) made: AtomicU64,
}

impl std::fmt::Debug for LocalTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LocalTarget({})", self.shown)
    }
}

impl LocalTarget {
    /// The folder must exist; with `must_be_mounted`, a file system must be mounted at or above it (below `/`).
    pub fn open(folder: &Path, must_be_mounted: bool) -> Result<LocalTarget, Error> {
        LocalTarget::open_keeping(folder, must_be_mounted, 0)
    }

    /// The same; no data is written that would leave less than `keep_free_bytes` free there.
    pub fn open_keeping(
        folder: &Path,
        must_be_mounted: bool,
        keep_free_bytes: u64,
    ) -> Result<LocalTarget, Error> {
        let folder = folder.to_owned();
        let mut files = Disk {
            folder: folder.clone(),
            must_be_mounted,
            device: None,
        };
        let shown = folder.display().to_string();
        files.usable()?;
        files.pin();
        let writer = writer(&shown)?;
        let mut target = LocalTarget::over(Box::new(files), shown, Some(folder), writer);
        target.keep_free_bytes = keep_free_bytes;
        Ok(target)
    }

    /// A folder of another machine, reached by these calls; `shown` names it in messages.
    pub fn distant(files: Box<dyn Files>, shown: String) -> Result<LocalTarget, Error> {
        files.usable()?;
        let writer = writer(&shown)?;
        Ok(LocalTarget::over(files, shown, None, writer))
    }

    pub(super) fn over(
        files: Box<dyn Files>,
        shown: String,
        folder: Option<PathBuf>,
        writer: String,
    ) -> LocalTarget {
        LocalTarget {
            files,
            shown,
            folder,
            keep_free_bytes: 0,
            writer,
            made: AtomicU64::new(0),
        }
    }

    /// Only packs are refused: what ends a run, forgets and prunes must still be written on a disk that is nearly full.
    fn room_for(&self, kind: ObjectKind, name: &str, len: u64) -> Result<(), Error> {
        if self.keep_free_bytes == 0 || kind != ObjectKind::Pack {
            return Ok(());
        }
        let free_bytes = self.files.free_bytes();
        match free_bytes.saturating_sub(len) < self.keep_free_bytes {
            true => Err(Error::Reserved {
                folder: self.shown.clone(),
                object: kind.object(name),
                free_bytes,
                keep_bytes: self.keep_free_bytes,
            }),
            false => Ok(()),
        }
    }

    pub(super) fn describe_folder(&self) -> String {
        self.shown.clone()
    }

    pub(super) fn missing(&self, folder: &str) -> Error {
        Error::Missing {
            folder: format!("{}/{folder}", self.shown),
        }
    }

    pub(super) fn error(&self, object: &str, needed_bytes: u64, source: io::Error) -> Error {
        Error::of(&self.shown, object, source, || {
            (self.files.free_bytes(), needed_bytes)
        })
    }

    fn with_file<T>(
        &self,
        object: &str,
        read: impl Fn(&dyn OpenFile) -> io::Result<T>,
    ) -> Result<T, Error> {
        // Opened anew each time: a stale handle stays stale.
        let read = again(is_passing, || read(&*self.files.open(object)?));
        read.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::Short {
                folder: self.shown.clone(),
                object: object.to_owned(),
            },
            _ => self.error(object, 0, error),
        })
    }

    fn names_in(&self, folder: &str) -> Result<Vec<String>, Error> {
        again(is_passing, || self.files.names(folder)).map_err(|error| match errno(&error) {
            Some(Errno::NOENT) => self.missing(folder),
            _ => self.error(folder, 0, error),
        })
    }

    /// What counts is what is there afterwards: NFS may say "no such file" after a removal that succeeded.
    fn remove_path(&self, path: &str) -> Result<(), Error> {
        let gone = |error: io::Error| match again(is_passing, || self.files.look(path)) {
            Err(seen) if errno(&seen) == Some(Errno::NOENT) => Ok(()),
            _ => Err(error),
        };
        again(is_passing_for_names, || match self.files.remove(path) {
            Ok(()) => gone(io::Error::other("it is still there after it was removed")),
            Err(error) => gone(error),
        })
        .map_err(|error| self.error(path, 0, error))
    }

    fn make_folder(&self, path: &str) -> io::Result<()> {
        again(is_passing_for_names, || {
            let Err(error) = self.files.make_folder(path) else {
                return Ok(());
            };
            match self.files.look(path) {
                Ok(seen) if !seen.is_file => Ok(()),
                _ => Err(error),
            }
        })
    }
}

/// Random: two machines never take each other's strays for their own.
fn writer(shown: &str) -> Result<String, Error> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| Error::Io {
        folder: shown.to_owned(),
        object: TMP.to_owned(),
        source: io::Error::other(error.to_string()),
    })?;
    Ok(format!("{:016x}", u64::from_le_bytes(random)))
}

impl Target for LocalTarget {
    fn describe(&self) -> String {
        self.shown.clone()
    }

    fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    fn prepare(&self) -> Result<(), Error> {
        self.files.usable()?;
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
        let names = |path: &str| again(is_passing, || self.files.names(path)).map_err(failed);
        for name in names("")? {
            // Empty folders of the layout are what a creation that was cut off leaves: it is completed.
            let is_ours =
                layout.contains(&name.as_str()) && (name == TMP || names(&name)?.is_empty());
            if name != IGNORED_AT_CREATE && !is_ours {
                return Err(Error::NotEmpty {
                    folder: self.describe(),
                    example: name,
                });
            }
        }
        for folder in layout {
            self.make_folder(folder).map_err(failed)?;
        }
        again(is_passing_for_names, || self.files.sync_folder("")).map_err(failed)
    }

    fn put(&self, kind: ObjectKind, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.files.usable()?;
        if self.size(kind, name)?.is_some() {
            return Err(Error::Exists {
                folder: self.describe(),
                object: kind.object(name),
            });
        }
        self.room_for(kind, name, bytes.len() as u64)?;
        self.publish(kind, name, bytes)
    }

    fn get(&self, kind: ObjectKind, name: &str) -> Result<Vec<u8>, Error> {
        self.with_file(&kind.object(name), |file| {
            let len = usize::try_from(file.size()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
            let mut bytes = vec![0; len];
            read_exact_at(file, &mut bytes, 0)?;
            Ok(bytes)
        })
    }

    fn get_range(
        &self,
        kind: ObjectKind,
        name: &str,
        offset: u64,
        len: usize,
    ) -> Result<Vec<u8>, Error> {
        self.with_file(&kind.object(name), |file| {
            // Asked before allocating: `len` may come from a damaged object.
            let end = offset
                .checked_add(len as u64)
                .ok_or(io::ErrorKind::UnexpectedEof)?;
            if file.size()? < end {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let mut bytes = vec![0; len];
            read_exact_at(file, &mut bytes, offset)?;
            Ok(bytes)
        })
    }

    fn list(&self, kind: ObjectKind) -> Result<Vec<Entry>, Error> {
        let names = self.names_in(kind.folder())?;
        let sized = &|name: &String| {
            // It may vanish between listing and looking; size 0 then makes it a problem, not a failure.
            let seen = again(is_passing, || self.files.look(&kind.object(name)));
            let size = seen.map_or(0, |seen| if seen.is_file { seen.len } else { 0 });
            let name = name.clone();
            Entry { name, size }
        };
        if names.len() < LOOKERS * LOOKERS {
            return Ok(names.iter().map(sized).collect());
        }
        // Where each look is a round trip, they are made side by side.
        let parts = names.chunks(names.len().div_ceil(LOOKERS));
        Ok(std::thread::scope(|scope| {
            let spawn =
                |part| scope.spawn(move || Vec::from_iter(<[String]>::iter(part).map(sized)));
            let lookers: Vec<_> = parts.map(spawn).collect();
            let entries = lookers.into_iter().flat_map(|looker| {
                looker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            entries.collect()
        }))
    }

    fn names(&self, kind: ObjectKind) -> Result<Vec<String>, Error> {
        self.names_in(kind.folder())
    }

    fn size(&self, kind: ObjectKind, name: &str) -> Result<Option<u64>, Error> {
        let object = kind.object(name);
        match again(is_passing, || self.files.look(&object)) {
            Ok(seen) => Ok(Some(seen.len)),
            Err(error) if errno(&error) == Some(Errno::NOENT) => Ok(None),
            Err(error) => Err(self.error(&object, 0, error)),
        }
    }

    fn remove(&self, kind: ObjectKind, names: &[&str]) -> Result<(), Error> {
        self.files.usable()?;
        for name in names {
            self.remove_path(&kind.object(name))?;
        }
        again(is_passing_for_names, || {
            self.files.sync_folder(kind.folder())
        })
        .map_err(|error| self.error(kind.folder(), 0, error))
    }

    fn strays(&self) -> Result<Vec<Stray>, Error> {
        let names = self.names_in(TMP)?.into_iter();
        let ours = names.filter(|name| is_stray(name));
        Ok(ours
            .map(|name| Stray {
                own: name.starts_with(&self.writer),
                name,
            })
            .collect())
    }

    fn remove_stray(&self, name: &str) -> Result<(), Error> {
        self.files.usable()?;
        match is_stray(name) {
            true => self.remove_path(&format!("{TMP}/{name}")),
            false => Ok(()),
        }
    }
}

/// `WRITER-NUMBER-FOLDER-NAME`. What else lies in `tmp/` (a server's own `.nfs…` files) is left alone.
fn is_stray(name: &str) -> bool {
    let mut parts = name.splitn(4, '-');
    let is_hex = |part: &str, len: usize| {
        part.len() >= len && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    parts.next().is_some_and(|writer| is_hex(writer, 16))
        && parts.next().is_some_and(|number| is_hex(number, 8))
        && parts
            .next()
            .is_some_and(|folder| ObjectKind::ALL.iter().any(|kind| kind.folder() == folder))
        && parts.next().is_some_and(|name| !name.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_put_left_is_a_stray() {
        for (name, want) in [
            ("0123456789abcdef-00000001-packs-ab", true),
            (
                "0123456789abcdef-123456789-snapshots-0000000000000001-ab",
                true,
            ),
            (".nfs000000000123456700000001", false),
            ("left by a power cut", false),
            ("0123456789abcdef-00000001-other-ab", false),
            ("0123456789abcdef-00000001-packs", false),
            ("0123456789abcdef-00000001-packs-../../x", false),
        ] {
            assert_eq!(is_stray(name), want, "{name}");
        }
    }
}
