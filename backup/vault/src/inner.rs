//! What all parts of an open vault share: its target, keys and index; single chunks and snapshots through them.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::format::bytes::Cursor;
use crate::format::frame::{self, Coding};
use crate::format::tree::Names;
use crate::format::{Bad, envelope, tree};
use crate::frames::{Frame, Frames};
use crate::index::{self, Index, PackName, Place};
use crate::keys::Keys;
use crate::problem::show;
use crate::target::{self, ObjectKind};
use crate::vault::PackedChunk;
use crate::{ChunkId, Error, Node, Snapshot, SnapshotId, Target};

const LEVEL: i32 = 3;
/// Most bytes of the table of a frame with one chunk.
const TABLE: usize = 10;

pub(crate) struct Inner {
    pub(crate) target: Arc<dyn Target>,
    pub(crate) keys: Keys,
    index: RwLock<Index>,
    frames: Frames,
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
        Inner {
            target,
            keys,
            index: RwLock::default(),
            frames: Frames::default(),
            snapshots: Mutex::default(),
        }
    }

    /// Snapshots read so far; they never change.
    pub(crate) fn known(&self) -> MutexGuard<'_, HashMap<SnapshotId, Snapshot>> {
        self.snapshots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn index_lock(&self) -> &RwLock<Index> {
        &self.index
    }

    pub(crate) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads from the target again what was read before.
    pub(crate) fn forget_frames(&self) {
        self.frames.clear();
    }

    pub(crate) fn refresh(&self) -> Result<(), Error> {
        let reading = index::Reading::Usual;
        Ok(index::refresh(
            &self.index,
            &*self.target,
            &self.keys,
            reading,
        )?)
    }

    /// Where to read a chunk, the best place first. Another process may have written since the index was read: a chunk
    /// that is not known is looked for once more.
    pub(crate) fn places(&self, id: &ChunkId) -> Result<Vec<Place>, Error> {
        let places = self.index().places(id);
        if !places.is_empty() {
            return Ok(places);
        }
        self.refresh()?;
        let places = self.index().places(id);
        match places.is_empty() {
            false => Ok(places),
            true => Err(Error::Damaged {
                object: format!("chunk {id}"),
                what: "no readable pack holds it".to_owned(),
            }),
        }
    }

    /// Header and sealed bytes of a frame.
    fn frame_bytes(&self, place: &Place) -> Result<Vec<u8>, Error> {
        let (kind, id) = place.pack;
        let name = hex_name(&id);
        let (offset, len) = (u64::from(place.offset), place.len as usize);
        Ok(self.target.get_range(kind, &name, offset, len)?)
    }

    /// A frame from the bytes that lie at its place, which are used up; its chunks are not verified.
    pub(crate) fn open_frame(
        &self,
        (kind, id): &PackName,
        frame: u16,
        bytes: &mut [u8],
    ) -> Result<Frame, Bad> {
        let header = envelope::encode_header(*kind, id);
        let sealer = self.keys.object(&header);
        let (header, plain) = frame::open_in_place(&sealer, &header, u32::from(frame), bytes)?;
        let chunks = frame::split_table(&plain, header.chunks)?;
        Ok(Frame { plain, chunks })
    }

    /// The frame at a place; its chunks are not verified.
    pub(crate) fn frame(&self, place: &Place) -> Result<Arc<Frame>, Error> {
        let (kind, id) = place.pack;
        self.frames.get((place.pack, place.frame), || {
            let mut bytes = self.frame_bytes(place)?;
            self.open_frame(&place.pack, place.frame, &mut bytes)
                .map_err(|bad| damaged(kind, &hex_name(&id), bad))
        })
    }

    /// Where a chunk lies in a frame, verified against its name.
    fn verified(&self, id: &ChunkId, frame: &Frame, slot: u16) -> Result<Range<usize>, Bad> {
        let range = frame.chunks.get(usize::from(slot));
        let plain = range.and_then(|range| frame.plain.get(range.clone()));
        match (range, plain) {
            (Some(range), Some(plain)) if self.keys.chunk_id(plain) == *id => Ok(range.clone()),
            (Some(_), Some(_)) => Err(Bad::Hash),
            _ => Err(Bad::Value("number of chunks")),
        }
    }

    /// Tries all places of a chunk; the error is that of the first. A prune of another process may have moved it since the
    /// index was read.
    fn somewhere<T>(
        &self,
        id: &ChunkId,
        mut read: impl FnMut(&Place) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut failed = None;
        let mut tried = Vec::new();
        loop {
            for place in self.places(id)? {
                if tried.contains(&place) {
                    continue;
                }
                match read(&place) {
                    Ok(found) => return Ok(found),
                    Err(error) => {
                        failed.get_or_insert(error);
                        tried.push(place);
                    }
                }
            }
            match failed {
                Some(Error::Target(target::Error::NotFound { .. })) => self.refresh()?,
                other => return Err(other.unwrap_or(Error::Cancelled)),
            }
            // The next round tries what is new; without any it ends with this.
            failed = Some(Error::Damaged {
                object: format!("chunk {id}"),
                what: "the pack that held it is gone, and no other does".to_owned(),
            });
        }
    }

    pub(crate) fn chunk(&self, id: &ChunkId) -> Result<Vec<u8>, Error> {
        let (frame, range) = self.held(id)?;
        Ok(frame.plain.get(range).unwrap_or_default().to_vec())
    }

    /// A chunk, verified, where it lies in its frame.
    pub(crate) fn held(&self, id: &ChunkId) -> Result<(Arc<Frame>, Range<usize>), Error> {
        self.somewhere(id, |place| {
            let frame = self.frame(place)?;
            let range = self.verified(id, &frame, place.slot);
            let range = range.map_err(|bad| Error::Damaged {
                object: format!("chunk {id}"),
                what: bad.to_string(),
            })?;
            Ok((frame, range))
        })
    }

    /// A chunk compressed: as it lies in its pack if it lies alone in its frame, else anew.
    pub(crate) fn packed(&self, id: &ChunkId) -> Result<PackedChunk, Error> {
        let alone = self.somewhere(id, |place| {
            let bytes = self.frame_bytes(place)?;
            self.alone(place, &bytes)
                .map_err(|bad| damaged(place.pack.0, &hex_name(&place.pack.1), bad))
        });
        if let Ok(Some(packed)) = alone {
            return Ok(packed);
        }
        let plain = self.chunk(id)?;
        let plain_len = u32::try_from(plain.len()).unwrap_or(u32::MAX);
        let packed = zstd::bulk::compress(&plain, LEVEL).ok();
        let shorter = packed.filter(|packed| packed.len() < plain.len());
        Ok(PackedChunk {
            zstd: shorter.is_some(),
            plain_len,
            bytes: shorter.unwrap_or(plain),
        })
    }

    /// What is sealed is a zstd frame of the table, then one of the chunk.
    fn alone(&self, place: &Place, bytes: &[u8]) -> Result<Option<PackedChunk>, Bad> {
        let head = frame::decode(bytes)?;
        if head.chunks != 1 || head.coding != Coding::Zstd {
            return Ok(None);
        }
        let header = envelope::encode_header(place.pack.0, &place.pack.1);
        let sealer = self.keys.object(&header);
        let (_, mut coded) = frame::unseal(&sealer, &header, u32::from(place.frame), bytes)?;
        let Ok(table_len) = zstd::zstd_safe::find_frame_compressed_size(&coded) else {
            return Ok(None);
        };
        let (table, rest) = coded.split_at_checked(table_len).ok_or(Bad::Short)?;
        let table = zstd::bulk::decompress(table, TABLE).unwrap_or_default();
        let plain_len = Cursor::new(&table).varint_u32().unwrap_or(0);
        let whole = plain_len.checked_add(table.len() as u32);
        if rest.is_empty() || whole != Some(head.plain_len) {
            return Ok(None);
        }
        coded.drain(..table_len);
        Ok(Some(PackedChunk {
            zstd: true,
            plain_len,
            bytes: coded,
        }))
    }

    /// A folder list as it is stored.
    pub(crate) fn list(&self, parts: &[(ChunkId, u32)]) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        for (id, _) in parts {
            bytes.extend_from_slice(&self.chunk(id)?);
        }
        Ok(bytes)
    }

    /// The entries of a folder list; `parent` is the folder's path.
    pub(crate) fn entries(
        &self,
        parts: &[(ChunkId, u32)],
        parent: &[u8],
        names: Names,
    ) -> Result<Vec<Node>, Error> {
        let bytes = self.list(parts)?;
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
