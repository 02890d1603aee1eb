//! The boot files that the admin dropped in, each as long as it is the one that was pinned. Debian's take the place
//! of one that was changed; nothing that was not pinned is ever sent.

use images::assets::own::{self, Own};
use images::secure_boot::authenticode;
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Shared by the listeners of an interface.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnFiles(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// What was read whole and found good, by name: it is read again only once it was touched.
    good: Mutex<HashMap<String, Stamp>>,
    chain: AtomicBool,
}

/// A file cannot be changed without changing this, unless by somebody who sets the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    sha256: String,
    len: u64,
    inode: u64,
    changed: (i64, i64),
}

impl OwnFiles {
    /// The admin's file of this name, if there is one and it is good. Reads the disk.
    pub(crate) fn path(&self, assets: &Path, name: &str) -> Option<PathBuf> {
        own::boots(name)?;
        let dir = own::folder(assets);
        let listed = own::list(&dir).ok()?;
        let own = listed.iter().find(|own| own.name == name)?;
        match self.check(&dir, own) {
            Ok(()) => Some(dir.join(name)),
            Err(error) => {
                tracing::error!(name, %error, "a boot file is not served");
                None
            }
        }
    }

    /// Looks at all of them; the first that is not what was pinned, as a sentence. Reads the disk.
    pub(crate) fn look(&self, assets: &Path) -> Result<(), String> {
        let dir = own::folder(assets);
        let listed = own::list(&dir).map_err(|error| error.to_string())?;
        let mut trouble = Ok(());
        let mut good = Vec::new();
        for own in &listed {
            match self.check(&dir, own) {
                Ok(()) => good.push(own.name.as_str()),
                Err(error) => trouble = trouble.and(Err(error)),
            }
        }
        let chain = good.contains(&"snponly-shim.efi") && {
            let loader = dir.join("snponly.efi");
            good.contains(&"snponly.efi")
                && std::fs::read(loader).is_ok_and(|b| !authenticode::signatures(&b).is_empty())
        };
        self.0.chain.store(chain, Ordering::Relaxed);
        trouble
    }

    /// A signed shim of iPXE and a signed iPXE are there, by the last look.
    pub(crate) fn has_chain(&self) -> bool {
        self.0.chain.load(Ordering::Relaxed)
    }

    fn check(&self, dir: &Path, own: &Own) -> Result<(), String> {
        let path = dir.join(&own.name);
        let found = std::fs::metadata(&path).map_err(|error| {
            format!(
                "{} cannot be read ({error}); add it again with `reprise boot assets add`",
                path.display()
            )
        })?;
        let stamp = Stamp {
            sha256: own.sha256.clone(),
            len: found.len(),
            inode: found.ino(),
            changed: (found.ctime(), found.ctime_nsec()),
        };
        let good = || self.0.good.lock().unwrap_or_else(PoisonError::into_inner);
        if good().get(&own.name) == Some(&stamp) {
            return Ok(());
        }
        own::check(dir, own).map_err(|error| error.to_string())?;
        good().insert(own.name.clone(), stamp);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_that_was_changed_is_not_served_until_it_is_pinned_anew() {
        let folder = Folder(std::env::temp_dir().join(format!("reprise-own-{}", state::id::new())));
        let assets = folder.0.join("boot");
        std::fs::create_dir_all(&assets).unwrap();
        let given = folder.0.join("given");
        let pin = |bytes: &[u8]| {
            std::fs::write(&given, bytes).unwrap();
            let digest = own_digest(bytes);
            own::add(&own::folder(&assets), &given, &digest, "wimboot").unwrap();
        };
        let files = OwnFiles::default();
        assert_eq!(files.path(&assets, "wimboot"), None);
        assert_eq!(files.look(&assets), Ok(()));
        pin(b"a loader");
        let path = files.path(&assets, "wimboot").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"a loader");
        // Same length, in place: a virus, or a disk that forgets.
        std::fs::write(&path, b"a Loader").unwrap();
        assert_eq!(files.path(&assets, "wimboot"), None);
        let trouble = files.look(&assets).unwrap_err();
        assert!(
            trouble.contains("wimboot") && trouble.contains("pinned"),
            "{trouble}"
        );
        pin(b"a Loader");
        assert_eq!(files.path(&assets, "wimboot"), Some(path));
        assert_eq!(files.look(&assets), Ok(()));
        assert!(!files.has_chain());
        assert_eq!(files.path(&assets, "../boot/kernel"), None);
    }

    fn own_digest(bytes: &[u8]) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
        digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
    }
}
