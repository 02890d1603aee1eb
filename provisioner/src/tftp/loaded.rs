//! The bytes of files while somebody takes them: one copy for all transfers of all interfaces, read
//! once however many ask for it in the same second.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;
use tokio::sync::OwnedMutexGuard;

/// The loaders have 4 MiB at most. The kernel and the initramfs travel by HTTP, but for GRUB of Debian 12, whose HTTP
/// knows port 80 only.
const LARGEST_FILE: u64 = 128 << 20;
/// A loader stays when nobody takes it: firmware asks for its size, gives up and asks again.
const SMALL: usize = 4 << 20;
/// What stays, in all.
const MOST_KEPT: usize = 16 << 20;
/// Files whose place is remembered; there are about ten.
const MOST_FILES: usize = 32;

/// Cloning shares it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loaded(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// A std mutex: held for a look-up, never across an await.
    files: Mutex<HashMap<PathBuf, Arc<tokio::sync::Mutex<Held>>>>,
    kept: Mutex<VecDeque<(PathBuf, Arc<[u8]>)>>,
    /// How often a file was read from disk.
    reads: AtomicU64,
}

/// The one copy of a file, as long as somebody takes it and the file has not changed.
#[derive(Debug, Default)]
struct Held {
    stamp: Option<Stamp>,
    bytes: Option<Weak<[u8]>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    len: u64,
    changed: Option<SystemTime>,
}

impl Loaded {
    /// The whole file as it is now; who comes while it is read waits for that reading. Memory is
    /// taken once, for its length, and given back when the last transfer of it ends.
    pub(crate) async fn load(&self, path: &Path) -> io::Result<Arc<[u8]>> {
        let mut copy = self.copy(path).lock_owned().await;
        let metadata = tokio::fs::metadata(path).await?;
        let stamp = Stamp {
            len: metadata.len(),
            changed: metadata.modified().ok(),
        };
        let known = copy.bytes.as_ref().and_then(Weak::upgrade);
        if let Some(bytes) = known.filter(|_| copy.stamp == Some(stamp)) {
            return Ok(bytes);
        }
        if !metadata.is_file() || stamp.len > LARGEST_FILE {
            return Err(io::Error::other(
                "it is no file, or larger than a boot file",
            ));
        }
        // What is no longer so leaves before the new comes.
        *copy = Held::default();
        self.forget(path);
        let (this, path) = (self.clone(), path.to_owned());
        // Whoever asked may lose patience: the reading goes on, and is there for the next.
        let reading = move || this.read(&path, stamp, copy);
        tokio::task::spawn_blocking(reading)
            .await
            .map_err(io::Error::other)?
    }

    fn read(
        &self,
        path: &Path,
        stamp: Stamp,
        mut copy: OwnedMutexGuard<Held>,
    ) -> io::Result<Arc<[u8]>> {
        self.0.reads.fetch_add(1, Ordering::Relaxed);
        let len = usize::try_from(stamp.len).map_err(io::Error::other)?;
        // Made in its place: a Vec would be copied into the Arc.
        let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, len).collect();
        let mut file = std::fs::File::open(path)?;
        match Arc::get_mut(&mut bytes) {
            Some(room) => file.read_exact(room)?,
            None => return Err(io::Error::other("its memory is shared before it is read")),
        }
        *copy = Held {
            stamp: Some(stamp),
            bytes: Some(Arc::downgrade(&bytes)),
        };
        if len <= SMALL {
            self.keep(path, &bytes);
        }
        tracing::debug!(path = %path.display(), bytes = len, "boot file read for TFTP");
        Ok(bytes)
    }

    fn copy(&self, path: &Path) -> Arc<tokio::sync::Mutex<Held>> {
        let mut files = self.0.files.lock().unwrap_or_else(PoisonError::into_inner);
        if files.len() >= MOST_FILES && !files.contains_key(path) {
            // Those that nobody waits for; whose bytes travel still keeps them for itself.
            files.retain(|_, copy| Arc::strong_count(copy) > 1);
        }
        Arc::clone(files.entry(path.to_owned()).or_default())
    }

    fn keep(&self, path: &Path, bytes: &Arc<[u8]>) {
        let mut kept = self.kept();
        kept.push_back((path.to_owned(), Arc::clone(bytes)));
        let mut total: usize = kept.iter().map(|(_, bytes)| bytes.len()).sum();
        while total > MOST_KEPT
            && let Some((_, oldest)) = kept.pop_front()
        {
            total -= oldest.len();
        }
    }

    fn forget(&self, path: &Path) {
        self.kept().retain(|(kept, _)| kept != path);
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(PathBuf, Arc<[u8]>)>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::JoinSet;

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Folder {
            let path = std::env::temp_dir().join(format!("reprise-loaded-{}", state::id::new()));
            std::fs::create_dir(&path).unwrap();
            Folder(path)
        }

        fn file(&self, name: &str, len: usize, byte: u8) -> PathBuf {
            let path = self.0.join(name);
            std::fs::write(&path, vec![byte; len]).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn reads(loaded: &Loaded) -> u64 {
        loaded.0.reads.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn sixty_readers_share_one_reading_and_one_copy() {
        let folder = Folder::new();
        let initrd = folder.file("initrd", 21 << 20, 7);
        let loaded = Loaded::default();
        let mut readers = JoinSet::new();
        for _ in 0..60 {
            // An interface each, as far as this knows.
            let (loaded, initrd) = (loaded.clone(), initrd.clone());
            readers.spawn(async move { loaded.load(&initrd).await.unwrap() });
        }
        let copies = readers.join_all().await;
        assert_eq!(reads(&loaded), 1, "readings of the file");
        for copy in &copies {
            assert!(Arc::ptr_eq(copy, &copies[0]), "a copy of its own");
        }
        assert_eq!(Arc::strong_count(&copies[0]), 60, "who holds it");
        assert!(copies[0].iter().all(|byte| *byte == 7) && copies[0].len() == 21 << 20);
        // Its memory goes with the last transfer.
        let weak = Arc::downgrade(&copies[0]);
        drop(copies);
        assert_eq!(weak.strong_count(), 0);
        loaded.load(&initrd).await.unwrap();
        assert_eq!(reads(&loaded), 2);
    }

    #[tokio::test]
    async fn a_loader_stays_until_it_changes_and_what_stays_has_an_end() {
        let folder = Folder::new();
        let loaded = Loaded::default();
        let shim = folder.file("shimx64.efi", 900_000, 1);
        for _ in 0..3 {
            assert_eq!(loaded.load(&shim).await.unwrap()[0], 1);
        }
        assert_eq!(reads(&loaded), 1);
        folder.file("shimx64.efi", 900_001, 2);
        let changed = loaded.load(&shim).await.unwrap();
        assert_eq!((changed[0], changed.len(), reads(&loaded)), (2, 900_001, 2));
        for number in 0..60 {
            let path = folder.file(&format!("loader{number}"), 3 << 20, 3);
            loaded.load(&path).await.unwrap();
            let kept: usize = loaded.kept().iter().map(|(_, bytes)| bytes.len()).sum();
            assert!(kept <= MOST_KEPT, "{kept} bytes stay");
            assert!(loaded.0.files.lock().unwrap().len() <= MOST_FILES);
        }
        // One that is gone, or no file at all, is an error each time, and nobody waits for it.
        std::fs::remove_file(&shim).unwrap();
        for _ in 0..2 {
            assert!(loaded.load(&shim).await.is_err());
            assert!(loaded.load(&folder.0).await.is_err());
        }
    }

    #[tokio::test]
    async fn who_loses_patience_leaves_its_reading_to_the_next() {
        let folder = Folder::new();
        let initrd = folder.file("initrd", 21 << 20, 7);
        let loaded = Loaded::default();
        for _ in 0..20 {
            let mut load = Box::pin(loaded.load(&initrd));
            // Begun, then dropped wherever it is.
            std::future::poll_fn(|context| {
                let _ = load.as_mut().poll(context);
                std::task::Poll::Ready(())
            })
            .await;
        }
        assert_eq!(loaded.load(&initrd).await.unwrap().len(), 21 << 20);
    }
}
