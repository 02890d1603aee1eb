//! An open vault.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::format::tree::Names;
use crate::format::{Bad, FORMAT, key, object, pack, snapshot, tree};
use crate::index::{Index, Place};
use crate::keys::Keys;
use crate::target::ObjectKind;
use crate::{
    ChunkId, Error, FileReader, Kind, Node, NodeKind, Problem, Secret, Snapshot, SnapshotId,
    Target, keys,
};

/// Cost of guessing the password (argon2id); stored in the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdfCost {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl KdfCost {
    /// 64 MiB, three passes: about 0.2 s on a small appliance.
    pub const NORMAL: KdfCost = KdfCost {
        memory_kib: 64 * 1024,
        passes: 3,
        lanes: 1,
    };
    /// For tests only.
    pub const MINIMUM: KdfCost = KdfCost {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };
}

/// An open vault; cheap to clone, share it between threads.
#[derive(Clone)]
pub struct Vault {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) target: Arc<dyn Target>,
    pub(crate) keys: Keys,
    index: RwLock<Index>,
    /// Snapshots read so far; they never change.
    snapshots: Mutex<HashMap<SnapshotId, Snapshot>>,
}

/// A chunk as it lies in its pack, decrypted: `bytes` are zstd when `zstd`, else plain.
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

const KEY_NAME: &str = "key";

pub(crate) fn hex_name(id: &[u8; 16]) -> String {
    SnapshotId::from_bytes(*id).to_string()
}

impl Inner {
    pub(crate) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn refresh(&self) -> Result<(), Error> {
        Ok(self.index_mut().refresh(&*self.target, &self.keys)?)
    }

    /// Another process may have written since the index was read: a chunk that is not known is looked for once more.
    fn place(&self, id: &ChunkId) -> Result<Place, Error> {
        if let Some(place) = self.index().get(id) {
            return Ok(place);
        }
        self.refresh()?;
        self.index().get(id).ok_or_else(|| Error::Damaged {
            object: format!("chunk {id}"),
            what: "no readable pack holds it".to_owned(),
        })
    }

    pub(crate) fn packed(&self, id: &ChunkId) -> Result<PackedChunk, Error> {
        let place = self.place(id)?;
        let (kind, pack_id) = place.pack;
        let name = hex_name(&pack_id);
        let sealed = self
            .target
            .get_range(kind, &name, place.offset, place.sealed_len as usize)?;
        self.unseal(id, &place, sealed)
            .map_err(|bad| damaged(kind, &name, bad))
    }

    pub(crate) fn unseal(
        &self,
        id: &ChunkId,
        place: &Place,
        sealed: Vec<u8>,
    ) -> Result<PackedChunk, Bad> {
        let header = pack::header(place.pack.0, &place.pack.1);
        let aad = pack::chunk_aad(&header, id, place.plain_len, place.zstd);
        let bytes = self
            .keys
            .pack(&header)
            .open(u64::from(place.number), &aad, sealed)?;
        Ok(PackedChunk {
            zstd: place.zstd,
            plain_len: place.plain_len,
            bytes,
        })
    }

    /// Unpacks and verifies against the chunk's name.
    pub(crate) fn plain(&self, id: &ChunkId, packed: PackedChunk) -> Result<Vec<u8>, Bad> {
        let plain = match packed.zstd {
            true => zstd::bulk::decompress(&packed.bytes, packed.plain_len as usize)
                .map_err(|_| Bad::Value("compressed bytes"))?,
            false => packed.bytes,
        };
        if plain.len() != packed.plain_len as usize || self.keys.chunk_id(&plain) != *id {
            return Err(Bad::Hash);
        }
        Ok(plain)
    }

    pub(crate) fn chunk(&self, id: &ChunkId) -> Result<Vec<u8>, Error> {
        let packed = self.packed(id)?;
        self.plain(id, packed).map_err(|bad| Error::Damaged {
            object: format!("chunk {id}"),
            what: bad.to_string(),
        })
    }

    /// The entries of a folder list; `parent` is the folder's path.
    pub(crate) fn entries(
        &self,
        parts: &[(ChunkId, u32)],
        parent: &[u8],
        names: Names,
    ) -> Result<Vec<Node>, Error> {
        let mut bytes = Vec::new();
        for (id, _) in parts {
            bytes.extend_from_slice(&self.chunk(id)?);
        }
        tree::decode(&bytes, parent, names).map_err(|bad| Error::Damaged {
            object: format!("the list of folder {}", show(parent)),
            what: bad.to_string(),
        })
    }

    pub(crate) fn roots(&self, snapshot: &Snapshot) -> Result<Vec<Node>, Error> {
        self.entries(&snapshot.tree, b"", Names::Roots)
    }

    pub(crate) fn children(&self, folder: &Node) -> Result<Vec<Node>, Error> {
        self.entries(&folder.subtree, &folder.path, Names::Plain)
    }

    pub(crate) fn read_snapshot(&self, id: SnapshotId) -> Result<Snapshot, Error> {
        let name = id.to_string();
        let bytes = self.target.get(ObjectKind::Snapshot, &name)?;
        self.decode_snapshot(&bytes, id)
            .map_err(|bad| damaged(ObjectKind::Snapshot, &name, bad))
    }

    fn decode_snapshot(&self, bytes: &[u8], id: SnapshotId) -> Result<Snapshot, Bad> {
        let sealed = snapshot::sealed(object::body(bytes)?, &id)?;
        let header = snapshot::header(&id);
        let plain = self
            .keys
            .snapshot(&header)
            .open(0, &header, sealed.to_vec())?;
        snapshot::decode(&plain, id)
    }

    /// The commit: after this the snapshot exists.
    pub(crate) fn commit(&self, new: &Snapshot) -> Result<(), Error> {
        let header = snapshot::header(&new.id);
        let mut body = header.to_vec();
        body.extend_from_slice(&snapshot::encode(new));
        let sealed = self
            .keys
            .snapshot(&header)
            .seal(0, &header, &mut body, header.len());
        sealed.map_err(|bad| Error::Derive(bad.to_string()))?;
        self.target.put(
            ObjectKind::Snapshot,
            &new.id.to_string(),
            &object::finish(body),
        )?;
        Ok(())
    }
}

pub(crate) fn damaged(kind: ObjectKind, name: &str, bad: Bad) -> Error {
    Error::Damaged {
        object: kind.object(name),
        what: bad.to_string(),
    }
}

/// A path for people: control characters and bytes that are not UTF-8 are escaped, so that a name cannot forge a line.
pub(crate) fn show(path: &[u8]) -> String {
    String::from_utf8_lossy(path)
        .chars()
        .flat_map(|c| {
            if c.is_control() {
                c.escape_default().collect()
            } else {
                vec![c]
            }
        })
        .collect()
}

impl Vault {
    /// Makes a vault in an empty target and opens it.
    pub fn create(
        target: Arc<dyn Target>,
        password: &Secret,
        cost: KdfCost,
    ) -> Result<Vault, Error> {
        if target.size(ObjectKind::Key, KEY_NAME)?.is_some() {
            return Err(Error::AlreadyAVault {
                place: target.describe(),
            });
        }
        let (keys, wrapped) = keys::make(password, cost)?;
        target.prepare()?;
        target.put(
            ObjectKind::Key,
            KEY_NAME,
            &object::finish(key::encode(&wrapped)),
        )?;
        Ok(Vault::with(target, keys))
    }

    /// Opens a vault: checks the password and reads the packs' directories.
    pub fn open(target: Arc<dyn Target>, password: &Secret) -> Result<Vault, Error> {
        let place = target.describe();
        if target.size(ObjectKind::Key, KEY_NAME)?.is_none() {
            return Err(Error::NotAVault { place });
        }
        let bytes = target.get(ObjectKind::Key, KEY_NAME)?;
        let wrapped = match object::body(&bytes).and_then(key::decode) {
            Ok(wrapped) => wrapped,
            Err(Bad::Newer(found)) => {
                return Err(Error::NewerFormat {
                    place,
                    found,
                    known: FORMAT,
                });
            }
            Err(bad) => return Err(damaged(ObjectKind::Key, KEY_NAME, bad)),
        };
        let Some(keys) = keys::unwrap(password, &wrapped)? else {
            return Err(Error::WrongPassword { place });
        };
        let vault = Vault::with(target, keys);
        vault.inner.refresh()?;
        Ok(vault)
    }

    fn with(target: Arc<dyn Target>, keys: Keys) -> Vault {
        let (index, snapshots) = (RwLock::default(), Mutex::default());
        Vault {
            inner: Arc::new(Inner {
                target,
                keys,
                index,
                snapshots,
            }),
        }
    }

    pub fn target(&self) -> &Arc<dyn Target> {
        &self.inner.target
    }

    /// Oldest first. Torn or foreign objects are problems, never fatal.
    pub fn snapshots(&self) -> Result<(Vec<Snapshot>, Vec<Problem>), Error> {
        let (mut found, mut problems) = (Vec::new(), Vec::new());
        for entry in self.inner.target.list(ObjectKind::Snapshot)? {
            let object = ObjectKind::Snapshot.object(&entry.name);
            let Some(id) = SnapshotId::parse(&entry.name) else {
                problems.push(Problem::new(
                    object,
                    "is not an object of this vault; it is left alone",
                ));
                continue;
            };
            let known = self.known().get(&id).cloned();
            match known.map_or_else(|| self.inner.read_snapshot(id), Ok) {
                Ok(snapshot) => {
                    self.known().insert(id, snapshot.clone());
                    found.push(snapshot);
                }
                Err(error) => problems.push(Problem::new(object, error.to_string())),
            }
        }
        found.sort_by_key(|snapshot| (snapshot.started_ms, snapshot.id));
        Ok((found, problems))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<SnapshotId, Snapshot>> {
        self.inner
            .snapshots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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
                is: kind_name(&folder.kind),
                wanted: "folder",
            });
        }
        self.inner.children(&folder)
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
                is: kind_name(&node.kind),
                wanted: "file",
            });
        }
        Ok(FileReader::new(Arc::clone(&self.inner), node))
    }

    /// Plain bytes, verified.
    pub fn chunk(&self, id: &ChunkId) -> Result<Vec<u8>, Error> {
        self.inner.chunk(id)
    }

    pub fn chunk_packed(&self, id: &ChunkId) -> Result<PackedChunk, Error> {
        self.inner.packed(id)
    }

    pub fn stats(&self) -> Result<Stats, Error> {
        self.inner.refresh()?;
        let mut stats = Stats {
            snapshots: self.snapshots()?.0.len() as u64,
            ..Stats::default()
        };
        for kind in [ObjectKind::Pack, ObjectKind::Tree, ObjectKind::Snapshot] {
            stats.stored_bytes += self
                .inner
                .target
                .list(kind)?
                .iter()
                .map(|entry| entry.size)
                .sum::<u64>();
        }
        let index = self.inner.index();
        stats.packs = index.packs().len() as u64;
        for (_, place) in index.chunks() {
            stats.chunks += 1;
            stats.plain_bytes += u64::from(place.plain_len);
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
        let (snapshots, _) = self.snapshots()?;
        let same =
            |s: &Snapshot| s.kind == kind && s.plan == plan && s.host == host && s.roots == roots;
        Ok(snapshots.into_iter().rev().find(same))
    }
}

pub(crate) fn kind_name(kind: &NodeKind) -> &'static str {
    match kind {
        NodeKind::File => "file",
        NodeKind::Dir => "folder",
        NodeKind::Symlink { .. } => "symbolic link",
        NodeKind::Fifo => "named pipe",
        NodeKind::Socket => "socket",
        NodeKind::CharDevice { .. } => "character device",
        NodeKind::BlockDevice { .. } => "block device",
    }
}

fn leads_to(node: &[u8], path: &[u8]) -> bool {
    node == path
        || node == b"/"
        || path
            .strip_prefix(node)
            .is_some_and(|rest| rest.first() == Some(&b'/'))
}

/// `snapshots` oldest first.
fn select(snapshots: Vec<Snapshot>, which: &str) -> Result<Snapshot, Error> {
    let none = || Error::NoSuchSnapshot {
        which: which.to_owned(),
    };
    if which == "latest" {
        return snapshots.into_iter().next_back().ok_or_else(none);
    }
    if let Some(plan) = which.strip_suffix("@latest") {
        return snapshots
            .into_iter()
            .rev()
            .find(|s| s.plan == plan)
            .ok_or_else(none);
    }
    if which.is_empty() {
        return Err(none());
    }
    let mut found: Vec<Snapshot> = snapshots
        .into_iter()
        .filter(|s| s.id.to_string().starts_with(which))
        .collect();
    match (found.pop(), found.len()) {
        (Some(one), 0) => Ok(one),
        (Some(_), more) => Err(Error::AmbiguousSnapshot {
            which: which.to_owned(),
            count: more + 1,
        }),
        (None, _) => Err(none()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(first: u8, plan: &str, started_ms: i64) -> Snapshot {
        let mut id = [0; 16];
        id[0] = first;
        Snapshot {
            id: SnapshotId::from_bytes(id),
            kind: Kind::Files,
            plan: plan.to_owned(),
            host: String::new(),
            started_ms,
            finished_ms: started_ms,
            roots: Vec::new(),
            files: 0,
            bytes: 0,
            stored_bytes: 0,
            problems: Vec::new(),
            tree: Vec::new(),
        }
    }

    #[test]
    fn a_snapshot_is_chosen_by_prefix_latest_or_plan() {
        let all = || {
            vec![
                snapshot(0xa1, "a", 1),
                snapshot(0xa2, "b", 2),
                snapshot(0xb3, "a@b", 3),
                snapshot(0xc4, "a", 4),
            ]
        };
        for (which, want) in [
            ("latest", 4),
            ("a@latest", 4),
            ("b@latest", 2),
            ("a@b@latest", 3),
            ("a1", 1),
            ("b", 3),
        ] {
            assert_eq!(select(all(), which).unwrap().started_ms, want, "{which}");
        }
        assert!(matches!(
            select(all(), "a"),
            Err(Error::AmbiguousSnapshot { count: 2, .. })
        ));
        for which in ["", "d", "zz", "x@latest"] {
            assert!(
                matches!(select(all(), which), Err(Error::NoSuchSnapshot { .. })),
                "{which}"
            );
        }
        assert!(matches!(
            select(Vec::new(), "latest"),
            Err(Error::NoSuchSnapshot { .. })
        ));
    }

    #[test]
    fn a_path_shown_to_people_cannot_forge_a_line() {
        assert_eq!(show(b"/a\n/b\x1b[31m"), "/a\\n/b\\u{1b}[31m");
        assert_eq!(show("/é".as_bytes()), "/é");
    }

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
