//! Raw disks into a real vault (in memory), and back chunk by chunk.
#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it should be"
)]

use images::catalogue::Image;
use images::{Error, catalogue, import, manifest};
use std::sync::Arc;
use vault::target::MemoryTarget;
use vault::writer::{Chunking, Meta, SnapshotWriter};
use vault::{KdfCost, Kind, Secret, Vault, Watch};

const MIB: usize = 1 << 20;

fn vault() -> Vault {
    let password = Secret::new(b"correct horse".to_vec());
    Vault::create(Arc::new(MemoryTarget::new()), &password, KdfCost::MINIMUM).unwrap()
}

/// Noise, zeros, noise, text, and half a chunk of zeros at the end.
fn disk() -> Vec<u8> {
    let mut noise = 7_u64;
    let mut disk: Vec<u8> = (0..2 * MIB)
        .map(|_| {
            noise = noise
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            noise.to_le_bytes()[7]
        })
        .collect();
    disk.splice(MIB..MIB, vec![0; 2 * MIB]);
    disk.extend(b"partition".repeat(MIB / 9));
    disk.resize(5 * MIB + MIB / 2, 0);
    disk
}

fn import(vault: &Vault, name: &str, disk: &[u8], now_ms: i64) -> Result<Image, Error> {
    let now = move || now_ms;
    let size = Some(disk.len() as u64);
    let mut source = disk;
    import::import(vault, name, &mut source, size, &now, &Watch::new())
}

/// As the agent does: unpack, compare the hash, put it in its place.
fn assemble(vault: &Vault, image: &Image) -> Vec<u8> {
    let chunks = manifest::load(vault, image).unwrap();
    let mut disk = Vec::new();
    for (index, expected) in chunks.manifest.chunks.iter().enumerate() {
        let len = chunks.manifest.chunk_len(index).unwrap();
        let plain = if expected.zero {
            vec![0; len]
        } else {
            let packed = manifest::chunk(vault, &chunks, index).unwrap();
            assert_eq!(packed.plain_len as usize, len);
            if packed.zstd {
                zstd::bulk::decompress(&packed.bytes, len).unwrap()
            } else {
                packed.bytes
            }
        };
        assert_eq!(plain.len(), len);
        assert_eq!(*blake3::hash(&plain).as_bytes(), expected.plain, "{index}");
        disk.extend(plain);
    }
    disk
}

#[test]
fn a_disk_comes_back_chunk_by_chunk() {
    let vault = vault();
    let disk = disk();
    let image = import(&vault, "debian", &disk, 1234).unwrap();
    assert_eq!(image.name, "debian");
    assert_eq!(image.size_bytes, disk.len() as u64);
    assert_eq!(image.sector_bytes, 512);
    assert_eq!(image.imported_ms, 1234);
    let chunks = manifest::load(&vault, &image).unwrap();
    let zeros: Vec<bool> = chunks.manifest.chunks.iter().map(|c| c.zero).collect();
    assert_eq!(zeros, [false, true, true, false, false, true]);
    assert!(assemble(&vault, &image) == disk);
    assert!(matches!(
        manifest::chunk(&vault, &chunks, 6),
        Err(Error::NoSuchChunk { index: 6, .. })
    ));
}

#[test]
fn what_the_vault_has_is_not_stored_again() {
    let vault = vault();
    let mut disk = disk();
    let first = import(&vault, "debian", &disk, 1).unwrap();
    assert!(first.stored_bytes > 2 * MIB as u64, "the noise at least");
    let again = import(&vault, "debian", &disk, 2).unwrap();
    assert!(again.stored_bytes < 16 * 1024, "{}", again.stored_bytes);
    disk[3 * MIB] ^= 1;
    let changed = import(&vault, "debian", &disk, 3).unwrap();
    let one_chunk = MIB as u64 + 16 * 1024;
    assert!(changed.stored_bytes < one_chunk, "{}", changed.stored_bytes);
    assert!(assemble(&vault, &changed) == disk);
}

#[test]
fn the_catalogue_lists_images_only() {
    let vault = vault();
    let watch = Watch::new();
    let meta = Meta {
        kind: Kind::Files,
        plan: "compta".into(),
        host: "server".into(),
        started_ms: 1,
    };
    let mut other = SnapshotWriter::begin(&vault, meta, &watch).unwrap();
    other
        .add_stream("dump.sql", &mut &b"select"[..], Chunking::Cdc, 0o600)
        .unwrap();
    other.finish(2).unwrap();
    let disk = disk();
    let old = import(&vault, "debian", &disk, 3).unwrap();
    let new = import(&vault, "debian", &disk, 4).unwrap();
    let (images, problems) = catalogue::list(&vault).unwrap();
    assert_eq!(images, [old.clone(), new.clone()]);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(catalogue::find(&vault, "debian").unwrap(), new);
    assert_eq!(catalogue::find(&vault, &old.id).unwrap(), old);
    assert!(matches!(
        catalogue::find(&vault, "windows"),
        Err(Error::Unknown { .. })
    ));
}

#[test]
fn what_is_refused_leaves_no_image() {
    let vault = vault();
    let good = disk();
    let mut qcow2 = good.clone();
    qcow2[..4].copy_from_slice(b"QFI\xfb");
    let torn = &good[..good.len() - 100];
    assert!(matches!(
        import(&vault, "a", &qcow2, 1),
        Err(Error::NotRaw { .. })
    ));
    assert!(matches!(
        import(&vault, "a", torn, 1),
        Err(Error::NotWhole { .. })
    ));
    assert!(matches!(
        import(&vault, "a", &[], 1),
        Err(Error::Empty { .. })
    ));
    assert!(matches!(
        import(&vault, "a b", &good, 1),
        Err(Error::BadName { .. })
    ));
    // A stream whose size nobody knew beforehand is refused at its end.
    let outcome = import::import(&vault, "a", &mut { torn }, None, &|| 1, &Watch::new());
    assert!(matches!(outcome, Err(Error::NotWhole { .. })));
    // A cancelled one too.
    let watch = Watch::new();
    watch.cancel();
    let outcome = import::import(&vault, "a", &mut good.as_slice(), None, &|| 1, &watch);
    assert!(matches!(
        outcome,
        Err(Error::Vault(vault::Error::Cancelled))
    ));
    let (images, problems) = catalogue::list(&vault).unwrap();
    assert!(images.is_empty() && problems.is_empty());
}
