//! An image chunk by chunk, on the server's side.

use crate::Error;
use crate::catalogue::{Image, MANIFEST, read_small, snapshot_of};
use crate::wire::{Manifest, ManifestChunk, StoredManifest};
use vault::{ChunkId, PackedChunk, Vault};

/// 64 TiB of 1 MiB chunks at 140 bytes of JSON each is beyond this; 3 TiB is not.
const MAX_MANIFEST_BYTES: u64 = 512 << 20;

/// The manifest an agent may see, and the vault's ids that it must not. About 72 bytes per MiB of
/// disk: keep it for the length of a deployment rather than load it per chunk.
#[derive(Clone, Debug)]
pub struct Chunks {
    image: String,
    pub manifest: Manifest,
    ids: Vec<ChunkId>,
}

pub fn load(vault: &Vault, image: &Image) -> Result<Chunks, Error> {
    let snapshot = snapshot_of(vault, image)?;
    let text = read_small(vault, &snapshot, MANIFEST, MAX_MANIFEST_BYTES)?;
    let damaged = |what: String| Error::Damaged {
        image: image.name.clone(),
        object: MANIFEST,
        what,
    };
    let stored: StoredManifest =
        serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    let ids = stored
        .chunks
        .iter()
        .map(|chunk| ChunkId::from_bytes(chunk.id))
        .collect();
    let manifest = Manifest {
        size_bytes: stored.size_bytes,
        chunk_bytes: stored.chunk_bytes,
        chunks: stored
            .chunks
            .into_iter()
            .map(|chunk| ManifestChunk {
                plain: chunk.plain,
                zero: chunk.zero,
            })
            .collect(),
    };
    if !manifest.is_coherent() || manifest.size_bytes != image.size_bytes {
        return Err(damaged(
            "its chunks do not add up to the size of the disk".to_owned(),
        ));
    }
    Ok(Chunks {
        image: image.name.clone(),
        manifest,
        ids,
    })
}

/// Chunk `index` as the vault keeps it, decrypted and still compressed.
pub fn chunk(vault: &Vault, chunks: &Chunks, index: usize) -> Result<PackedChunk, Error> {
    let id = chunks.ids.get(index).ok_or_else(|| Error::NoSuchChunk {
        image: chunks.image.clone(),
        index,
        chunks: chunks.ids.len(),
    })?;
    Ok(vault.chunk_packed(id)?)
}
