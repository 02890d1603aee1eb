//! A vault in memory, and prunes of it that wait for nobody.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::support::*;
use vault::prune::{Report, Request};
use vault::target::{MemoryTarget, ObjectKind};
use vault::{Error, Snapshot, Vault, Watch};

pub(crate) struct World {
    pub(crate) scratch: Scratch,
    pub(crate) target: Arc<MemoryTarget>,
    pub(crate) vault: Vault,
}

impl World {
    pub(crate) fn new() -> World {
        let (target, vault) = in_memory();
        World {
            scratch: Scratch::new(),
            target,
            vault,
        }
    }

    /// A folder with files of noise: `name`, seed, bytes.
    pub(crate) fn folder(&self, name: &str, files: &[(&str, u64, usize)]) -> PathBuf {
        let folder = self.scratch.folder(name);
        for (file, seed, len) in files {
            fs::write(folder.join(file), noise(*seed, *len)).unwrap();
        }
        folder
    }

    pub(crate) fn objects(&self, kind: ObjectKind) -> Vec<String> {
        let objects = self.target.objects();
        let of_kind = objects.keys().filter(|(of, _)| *of == kind);
        of_kind.map(|(_, name)| name.clone()).collect()
    }

    pub(crate) fn bytes(&self) -> usize {
        let objects = self.target.objects();
        let packs = objects
            .iter()
            .filter(|((kind, _), _)| matches!(kind, ObjectKind::Pack | ObjectKind::Tree));
        packs.map(|(_, bytes)| bytes.len()).sum()
    }

    pub(crate) fn forget(&self, snapshot: &Snapshot) {
        self.vault.forget(&[snapshot.name()], true, now()).unwrap();
    }

    pub(crate) fn prune(&self) -> Report {
        let report = prune(&self.vault, quick()).unwrap();
        assert_eq!(report.problems, []);
        report
    }

    /// Opened anew: nothing wrong, and the snapshot comes back as its source is.
    pub(crate) fn is_whole(&self, snapshots: &[(&Snapshot, &Path)]) {
        let vault = Vault::open(self.target.clone(), &password()).unwrap();
        let report = vault.check(true, None, &Watch::new()).unwrap();
        assert_eq!(report.problems, []);
        let mut listed: Vec<_> = vault.snapshots().unwrap().0;
        listed.sort_by_key(|snapshot| snapshot.id);
        let mut want: Vec<_> = snapshots.iter().map(|(snapshot, _)| snapshot.id).collect();
        want.sort();
        let listed: Vec<_> = listed.iter().map(|snapshot| snapshot.id).collect();
        assert_eq!(listed, want);
        for (snapshot, from) in snapshots {
            let to = self.scratch.0.join("restored");
            assert_eq!(restore_all(&vault, snapshot, &to), []);
            let same = walk(from);
            assert!(!same.is_empty());
            for file in same {
                let back = to.join(file.strip_prefix(from).unwrap());
                assert!(
                    fs::read(&file).unwrap() == fs::read(&back).unwrap(),
                    "{back:?}"
                );
            }
            fs::remove_dir_all(&to).unwrap();
        }
    }
}

/// Writers are not waited for.
pub(crate) fn quick() -> Request<'static> {
    Request {
        now_ms: now(),
        dry_run: false,
        revoke: false,
        wait: &|_| false,
        settle: &|| {},
    }
}

/// Open writers are revoked.
pub(crate) fn revoking() -> Request<'static> {
    Request {
        revoke: true,
        ..quick()
    }
}

pub(crate) fn prune(vault: &Vault, request: Request<'_>) -> Result<Report, Error> {
    vault.prune(&request, &Watch::new())
}

/// All files below a folder.
pub(crate) fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.path().is_dir() {
            true => found.extend(walk(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found
}
