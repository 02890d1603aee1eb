//! What all parts of an open vault share: its target, keys and index; single chunks and snapshots through them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::format::tree::Names;
use crate::format::{Bad, pack0 as pack, tree};
use crate::index::{Index, Place};
use crate::keys::Keys;
use crate::problem::show;
use crate::target::ObjectKind;
use crate::vault::PackedChunk;
use crate::{ChunkId, Error, Node, Snapshot, SnapshotId, Target};

pub(crate) struct Inner {
    pub(crate) target: Arc<dyn Target>,
    pub(crate) keys: Keys,
    index: RwLock<Index>,
    snapshots: Mutex<HashMap<SnapshotId, Snapshot>>,
}

pub(crate) fn hex_name(id: &[u8; 16]) -> String {
    SnapshotId::from_bytes(*id).to_string()
}

pub(crate) fn damaged(kind: ObjectKind, name: &str, bad: Bad) -> Error {
    let (object, what) = (kind.object(name), bad.to_string());
    match bad {
        Bad::Newer(_) | Bad::Unknown(_) => Error::Newer { object, what },
        _ => Error::Damaged { object, what },
    }
}

impl Inner {
    pub(crate) fn new(target: Arc<dyn Target>, keys: Keys) -> Inner {
        let (index, snapshots) = (RwLock::default(), Mutex::default());
        Inner {
            target,
            keys,
            index,
            snapshots,
        }
    }

    /// Snapshots read so far; they never change.
    pub(crate) fn known(&self) -> MutexGuard<'_, HashMap<SnapshotId, Snapshot>> {
        self.snapshots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

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
}
