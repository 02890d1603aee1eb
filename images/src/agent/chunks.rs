//! From the network to plain, verified bytes, and the threads that carry them to the disk.

use super::client::{self, Client, MAX_CHUNK_BYTES, Packed};
use super::disk::{self, TargetDisk};
use super::source;
use crate::wire::Manifest;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Chunks in flight. Each thread holds one packed and one plain chunk: at most 8 MiB.
pub(super) const WORKERS: usize = 4;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Client(#[from] client::Error),
    #[error(transparent)]
    Disk(#[from] disk::Error),
    #[error(
        "use chunk {index} of the image: {cause}, twice; check the vault that holds the image, then deploy again"
    )]
    BadChunk { index: usize, cause: String },
    #[error("follow the image's manifest: {0}; import the image again")]
    Manifest(&'static str),
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error(
        "hand over chunk {given} of the disk: the server wants chunk {wanted} next; agent and server may be of different versions: build the boot assets again"
    )]
    OutOfLine { given: usize, wanted: usize },
    #[error(
        "compare the image with the disk: the vault stored something else as chunk {index}; check this machine's memory (memtest86+), then capture it again"
    )]
    StoredOther { index: usize },
    #[error("go on: stopped")]
    Stopped,
}

/// Shared by the threads of one pass over the disk.
#[derive(Default)]
pub(super) struct Pass {
    next: AtomicUsize,
    done_bytes: AtomicU64,
    stopped: AtomicBool,
    failure: Mutex<Option<Error>>,
}

impl Pass {
    pub(super) fn done_bytes(&self) -> u64 {
        self.done_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// For work that may begin again.
    pub(super) fn set_done(&self, bytes: u64) {
        self.done_bytes.store(bytes, Ordering::Relaxed);
    }

    /// The first failure stops the others.
    pub(super) fn fail(&self, error: Error) {
        self.stop();
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
    }

    pub(super) fn outcome(self) -> Result<(), Error> {
        let failure = self
            .failure
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        match failure {
            Some(error) => Err(error),
            None if self.stopped.into_inner() => Err(Error::Stopped),
            None => Ok(()),
        }
    }

    /// Takes chunk after chunk until there is none left or somebody stopped. `len_of`: none past the end.
    fn each(
        &self,
        len_of: impl Fn(usize) -> Option<usize>,
        mut work: impl FnMut(usize, usize) -> Result<(), Error>,
    ) {
        while !self.is_stopped() {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(len) = len_of(index) else {
                return;
            };
            match work(index, len) {
                Ok(()) => {
                    self.done_bytes.fetch_add(len as u64, Ordering::Relaxed);
                }
                Err(error) => return self.fail(error),
            }
        }
    }
}

/// One writing thread.
pub(super) fn write(
    pass: &Pass,
    client: &Client,
    session: &str,
    manifest: &Manifest,
    disk: &TargetDisk,
) {
    pass.each(
        |index| manifest.chunk_len(index),
        |index, len| {
            let offset = manifest.chunk_offset(index);
            let chunk = &manifest.chunks[index];
            if chunk.zero {
                return Ok(disk.zero(offset, len as u64)?);
            }
            let fetch = || Ok(client.chunk(session, index)?);
            let plain = verified(index, len, &chunk.plain, fetch)?;
            Ok(disk.write_at(&plain, offset)?)
        },
    );
}

/// One reading thread: what the disk holds must be what the manifest says, zeros too.
pub(super) fn verify(pass: &Pass, manifest: &Manifest, disk: &TargetDisk) {
    let mut reader = match disk.reader() {
        Ok(reader) => reader,
        Err(error) => return pass.fail(error.into()),
    };
    pass.each(
        |index| manifest.chunk_len(index),
        |index, len| {
            let offset = manifest.chunk_offset(index);
            let found = *blake3::hash(reader.read(offset, len)?).as_bytes();
            if found == manifest.chunks[index].plain {
                Ok(())
            } else {
                Err(reader.differs(offset).into())
            }
        },
    );
}

/// Zeros over all of these places.
pub(super) fn blank(pass: &Pass, places: &[Range<u64>], disk: &TargetDisk) {
    let longest = places.iter().filter_map(length).max().unwrap_or(0);
    let zeros = vec![0; longest];
    pass.each(
        |index| places.get(index).and_then(length),
        |index, len| Ok(disk.write_at(&zeros[..len], places[index].start)?),
    );
}

/// Does the disk hold nothing but zeros there?
pub(super) fn is_blank(pass: &Pass, places: &[Range<u64>], disk: &TargetDisk) {
    let mut reader = match disk.reader() {
        Ok(reader) => reader,
        Err(error) => return pass.fail(error.into()),
    };
    pass.each(
        |index| places.get(index).and_then(length),
        |index, len| {
            let start = places[index].start;
            let found = reader.read(start, len)?;
            match found.iter().position(|byte| *byte != 0) {
                None => Ok(()),
                Some(at) => Err(reader.differs(start + at as u64).into()),
            }
        },
    );
}

fn length(place: &Range<u64>) -> Option<usize> {
    usize::try_from(place.end - place.start).ok()
}

/// A chunk that does not verify is fetched once more: a bad cable is common, a bad vault rare.
fn verified(
    index: usize,
    len: usize,
    plain: &[u8; 32],
    fetch: impl Fn() -> Result<Packed, Error>,
) -> Result<Vec<u8>, Error> {
    let first = unpack(fetch()?, len, plain);
    match first {
        Ok(bytes) => Ok(bytes),
        Err(_) => unpack(fetch()?, len, plain).map_err(|cause| Error::BadChunk { index, cause }),
    }
}

/// Exactly `len` bytes with this hash, or why not. Never inflates beyond `len`.
fn unpack(packed: Packed, len: usize, plain: &[u8; 32]) -> Result<Vec<u8>, String> {
    if packed.plain_len != len as u64 {
        return Err(format!("it has {} bytes, not {len}", packed.plain_len));
    }
    let bytes = if packed.zstd {
        zstd::bulk::decompress(&packed.bytes, len)
            .map_err(|error| format!("it does not decompress ({error})"))?
    } else {
        packed.bytes
    };
    if bytes.len() != len {
        return Err(format!("it has {} bytes, not {len}", bytes.len()));
    }
    if blake3::hash(&bytes).as_bytes() != plain {
        return Err("its hash is not the manifest's".to_owned());
    }
    Ok(bytes)
}

/// Can this manifest be followed onto that disk?
pub(super) fn judge(manifest: &Manifest, image_bytes: u64, disk_bytes: u64) -> Result<(), Error> {
    if manifest.size_bytes != image_bytes {
        return Err(Error::Manifest("its size is not the confirmed image's"));
    }
    if !manifest.is_coherent() || u64::from(manifest.chunk_bytes) > MAX_CHUNK_BYTES {
        return Err(Error::Manifest("its chunks do not add up to its size"));
    }
    if manifest.size_bytes > disk_bytes {
        return Err(Error::Manifest("it is larger than the disk"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ManifestChunk;
    use std::cell::Cell;

    fn hash(bytes: &[u8]) -> [u8; 32] {
        *blake3::hash(bytes).as_bytes()
    }

    fn raw(bytes: &[u8]) -> Packed {
        Packed {
            zstd: false,
            plain_len: bytes.len() as u64,
            bytes: bytes.to_vec(),
        }
    }

    #[test]
    fn only_the_very_bytes_are_unpacked() {
        let plain = b"system disk".repeat(100);
        let zstd = |bytes: Vec<u8>| Packed {
            zstd: true,
            plain_len: plain.len() as u64,
            bytes,
        };
        let good = zstd::bulk::compress(&plain, 3).unwrap();
        let unpacked = |packed| unpack(packed, plain.len(), &hash(&plain));
        assert_eq!(unpacked(raw(&plain)).unwrap(), plain);
        assert_eq!(unpacked(zstd(good.clone())).unwrap(), plain);

        let mut flipped = plain.clone();
        flipped[7] ^= 1;
        assert!(unpacked(raw(&flipped)).unwrap_err().contains("hash"));
        assert!(unpacked(raw(&plain[1..])).unwrap_err().contains("bytes"));
        let short_inside = zstd::bulk::compress(&plain[1..], 3).unwrap();
        assert!(unpacked(zstd(short_inside)).unwrap_err().contains("bytes"));
        let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 3).unwrap();
        assert!(unpacked(zstd(bomb)).unwrap_err().contains("decompress"));
        for end in 0..good.len() {
            assert!(
                unpacked(zstd(good[..end].to_vec())).is_err(),
                "cut at {end}"
            );
        }
    }

    #[test]
    fn a_bad_chunk_is_fetched_once_more_and_only_once() {
        let good = b"good".to_vec();
        let attempt = |bad_first: usize| {
            let tries = Cell::new(0);
            let outcome = verified(5, 4, &hash(&good), || {
                tries.set(tries.get() + 1);
                let bytes: &[u8] = if tries.get() <= bad_first {
                    b"evil"
                } else {
                    &good
                };
                Ok(raw(bytes))
            });
            (outcome, tries.get())
        };
        assert!(matches!(attempt(0), (Ok(bytes), 1) if bytes == good));
        assert!(matches!(attempt(1), (Ok(bytes), 2) if bytes == good));
        assert!(matches!(
            attempt(2),
            (Err(Error::BadChunk { index: 5, .. }), 2)
        ));
    }

    #[test]
    fn a_manifest_that_lies_is_refused_before_anything_is_written() {
        let manifest = |size_bytes: u64, chunk_bytes: u32, count: usize| Manifest {
            size_bytes,
            chunk_bytes,
            chunks: vec![
                ManifestChunk {
                    plain: [0; 32],
                    zero: false
                };
                count
            ],
        };
        assert!(judge(&manifest(4096, 1024, 4), 4096, 4096).is_ok());
        for (what, bad) in [
            ("a chunk less", manifest(4096, 1024, 3)),
            ("a chunk more", manifest(4096, 1024, 5)),
            ("no chunk size", manifest(4096, 0, 4)),
            ("another size", manifest(4095, 1024, 4)),
            ("huge chunks", manifest(4096, 1 << 30, 1)),
        ] {
            assert!(judge(&bad, 4096, 4096).is_err(), "{what}");
        }
        assert!(judge(&manifest(4096, 1024, 4), 4096, 4095).is_err());
    }

    #[test]
    fn a_disk_that_gives_back_other_bytes_is_found_out() {
        let folder = crate::fixture::Folder::new("chunks-verify");
        let bytes = [vec![1; 4096], vec![0; 4096], vec![2; 512]].concat();
        let path = folder.write("disk", &bytes);
        let manifest = Manifest {
            size_bytes: bytes.len() as u64,
            chunk_bytes: 4096,
            chunks: bytes
                .chunks(4096)
                .map(|chunk| ManifestChunk {
                    plain: hash(chunk),
                    zero: chunk[0] == 0,
                })
                .collect(),
        };
        let verified = || {
            let disk = TargetDisk::open(&path, bytes.len() as u64).unwrap();
            let pass = Pass::default();
            verify(&pass, &manifest, &disk);
            (pass.done_bytes(), pass.outcome())
        };
        assert!(matches!(verified(), (8704, Ok(()))));
        for (at, chunk_at) in [(0, 0), (5000, 4096), (8703, 8192)] {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            std::fs::write(&path, &flipped).unwrap();
            let (_, outcome) = verified();
            assert!(
                matches!(
                    outcome,
                    Err(Error::Disk(disk::Error::Differs { offset, .. })) if offset == chunk_at
                ),
                "flipped at {at}"
            );
        }
    }
}
