//! An open vault.

use std::sync::Arc;

use crate::format::key::Cuts;
use crate::index;
use crate::inner::{Inner, hex_name};
use crate::keys::Keys;
use crate::problem::show;
use crate::snapshot::select;
use crate::target::ObjectKind;
use crate::{
    ChunkId, Error, FileReader, Kind, Node, Problem, Secret, SegmentReader, Snapshot, Target,
    keyring,
};

/// Cost of guessing the password (argon2id); stored in the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdfCost {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl KdfCost {
    /// The second recommended choice of RFC 9106 (section 4): 64 MiB, three passes, four lanes. As much work as with one
    /// lane, done by as many processors as there are: about 0.1 s on a small appliance.
    pub const NORMAL: KdfCost = KdfCost {
        memory_kib: 64 * 1024,
        passes: 3,
        lanes: 4,
    };
    /// For tests only.
    pub const MINIMUM: KdfCost = KdfCost {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };
}

/// How much an open vault may take of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory for the index (about 30 for each chunk); what is beyond lies in scratch files under `/var/tmp`, at
    /// some reads from them for each chunk that is asked for.
    pub index_bytes: usize,
}

impl Default for Limits {
    /// 512 MiB: some 18 million chunks.
    fn default() -> Limits {
        Limits {
            index_bytes: index::LIMIT,
        }
    }
}

/// An open vault; cheap to clone, share it between threads.
#[derive(Clone)]
pub struct Vault {
    pub(crate) inner: Arc<Inner>,
}

/// A chunk, decrypted: `bytes` are zstd when `zstd`, else plain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedChunk {
    pub zstd: bool,
    pub plain_len: u32,
    pub bytes: Vec<u8>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub snapshots: u64,
    pub packs: u64,
    pub chunks: u64,
    /// Bytes of all objects.
    pub stored_bytes: u64,
    /// Bytes of all chunks before compression.
    pub plain_bytes: u64,
}

impl Vault {
    /// Makes a vault in an empty target and opens it.
    pub fn create(
        target: Arc<dyn Target>,
        password: &Secret,
        cost: KdfCost,
    ) -> Result<Vault, Error> {
        Vault::create_labelled(target, password, cost, "", 0)
    }

    /// The same; the list of keys will show when that was and a label.
    pub fn create_labelled(
        target: Arc<dyn Target>,
        password: &Secret,
        cost: KdfCost,
        label: &str,
        now_ms: i64,
    ) -> Result<Vault, Error> {
        let taken = |place: String| Err(Error::AlreadyAVault { place });
        if !keyring::names(&*target)?.is_empty() {
            return taken(target.describe());
        }
        let mut keys = Keys::generate(Cuts::DEFAULT)?;
        target.prepare()?;
        let id = keyring::put(&*target, &keys, password, cost, label, now_ms)?;
        // Two may have found it empty at once: the keys of one would not open what the other writes.
        if keyring::names(&*target).is_ok_and(|names| names.len() > 1) {
            target.remove(ObjectKind::Key, &[&hex_name(&id)])?;
            return taken(target.describe());
        }
        keys.opened = id;
        Ok(Vault::with(target, keys))
    }

    /// Opens a vault with a password or its recovery key.
    pub fn open(target: Arc<dyn Target>, secret: &Secret) -> Result<Vault, Error> {
        Vault::open_within(target, secret, Limits::default())
    }

    /// The same, taking no more of this machine than said.
    pub fn open_within(
        target: Arc<dyn Target>,
        secret: &Secret,
        limits: Limits,
    ) -> Result<Vault, Error> {
        let keys = keyring::open(&*target, secret)?;
        let vault = Vault::with(target, keys);
        vault.inner.index_mut().limit(limits.index_bytes);
        vault.inner.refresh()?;
        Ok(vault)
    }

    fn with(target: Arc<dyn Target>, keys: Keys) -> Vault {
        Vault {
            inner: Arc::new(Inner::new(target, keys)),
        }
    }

    /// Which vault this is, 32 hexadecimal digits: the same wherever its folder is mounted and whatever key opened it.
    pub fn id(&self) -> String {
        hex_name(&self.inner.keys.vault())
    }

    pub fn target(&self) -> &Arc<dyn Target> {
        &self.inner.target
    }

    /// Oldest first, as they were committed. Forgotten and void ones are left out. Torn or foreign objects are problems, never fatal.
    pub fn snapshots(&self) -> Result<(Vec<Snapshot>, Vec<Problem>), Error> {
        let (_, mut problems) = self.inner.snapshot_names()?;
        let mut found = Vec::new();
        for (name, read) in self.inner.newest_first()? {
            match read {
                Ok(snapshot) => found.push(snapshot),
                Err(error) => problems.push(Problem::new(
                    ObjectKind::Snapshot.object(&name.to_string()),
                    error.to_string(),
                )),
            }
        }
        found.reverse();
        Ok((found, problems))
    }

    /// By unique prefix of the id, `latest`, or `PLAN@latest`.
    pub fn snapshot(&self, which: &str) -> Result<Snapshot, Error> {
        let (snapshots, _) = self.snapshots()?;
        select(snapshots, which)
    }

    /// The entries of a folder sorted by name; the roots for an empty path.
    pub fn list(&self, snapshot: &Snapshot, path: &[u8]) -> Result<Vec<Node>, Error> {
        if path.is_empty() {
            return self.inner.roots(snapshot);
        }
        let folder = self.node(snapshot, path)?;
        if !folder.is_dir() {
            return Err(Error::WrongKind {
                path: show(path),
                is: folder.kind.name(),
                wanted: "folder",
            });
        }
        self.inner.children(&folder)
    }

    /// The entries of a folder that was found before, sorted by name.
    pub fn entries(&self, folder: &Node) -> Result<Vec<Node>, Error> {
        self.inner.children(folder)
    }

    pub fn node(&self, snapshot: &Snapshot, path: &[u8]) -> Result<Node, Error> {
        let missing = || Error::NoSuchPath {
            path: show(path),
            snapshot: snapshot.id.to_string(),
        };
        let path = if path.len() > 1 {
            path.strip_suffix(b"/").unwrap_or(path)
        } else {
            path
        };
        let mut nodes = self.inner.roots(snapshot)?;
        loop {
            let node = nodes
                .into_iter()
                .find(|node| leads_to(&node.path, path))
                .ok_or_else(missing)?;
            if node.path == path {
                return Ok(node);
            }
            if !node.is_dir() {
                return Err(missing());
            }
            nodes = self.inner.children(&node)?;
        }
    }

    pub fn open_file(&self, node: &Node) -> Result<FileReader, Error> {
        if !node.is_file() {
            return Err(Error::WrongKind {
                path: show(&node.path),
                is: node.kind.name(),
                wanted: "file",
            });
        }
        Ok(FileReader::new(Arc::clone(&self.inner), node))
    }

    /// What a file is made of, in order.
    pub fn segments(&self, node: &Node) -> SegmentReader<'_> {
        self.inner.segments(node)
    }

    /// Plain bytes, verified.
    pub fn chunk(&self, id: &ChunkId) -> Result<Vec<u8>, Error> {
        self.inner.chunk(id)
    }

    pub fn chunk_packed(&self, id: &ChunkId) -> Result<PackedChunk, Error> {
        self.inner.packed(id)
    }

    /// From here on everything is read from the target: a proof must not rest on what this process still remembers.
    pub fn forget_what_was_read(&self) {
        self.inner.forget_frames();
    }

    pub fn stats(&self) -> Result<Stats, Error> {
        self.inner.refresh()?;
        let mut stats = Stats {
            snapshots: self.snapshots()?.0.len() as u64,
            ..Stats::default()
        };
        for kind in ObjectKind::ALL {
            stats.stored_bytes += self
                .inner
                .target
                .list(kind)?
                .iter()
                .map(|entry| entry.size)
                .sum::<u64>();
        }
        let index = self.inner.index();
        for pack in index.packs() {
            stats.packs += 1;
            stats.chunks += pack.chunks;
            stats.plain_bytes += pack.plain;
        }
        Ok(stats)
    }

    /// The latest snapshot of the same plan, host, kind and roots.
    pub(crate) fn parent(
        &self,
        kind: Kind,
        plan: &str,
        host: &str,
        roots: &[std::path::PathBuf],
    ) -> Result<Option<Snapshot>, Error> {
        let same =
            |s: &Snapshot| s.kind == kind && s.plan == plan && s.host == host && s.roots == roots;
        let mut newest = self.inner.newest_first()?;
        Ok(newest.find_map(|(_, read)| read.ok().filter(same)))
    }
}

fn leads_to(node: &[u8], path: &[u8]) -> bool {
    node == path
        || node == b"/"
        || path
            .strip_prefix(node)
            .is_some_and(|rest| rest.first() == Some(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_leads_to_what_lies_below_it() {
        for (node, path, want) in [
            ("/a", "/a/b", true),
            ("/a", "/ab", false),
            ("/", "/x", true),
            ("/a", "/a", true),
            ("d", "d", true),
        ] {
            assert_eq!(
                leads_to(node.as_bytes(), path.as_bytes()),
                want,
                "{node} {path}"
            );
        }
    }
}
