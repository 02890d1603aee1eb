use super::*;
use crate::format::pack::DirFrame;

const FRAMES: u32 = 64;
const CHUNKS: u64 = 8;
const PER_PACK: u64 = FRAMES as u64 * CHUNKS;

fn id(n: u64) -> ChunkId {
    let mut bytes = [0; 32];
    // Evenly spread like keyed hashes, and much faster in a test of millions.
    let mut x = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for part in bytes.as_chunks_mut::<8>().0 {
        x ^= x >> 32;
        x = x.wrapping_mul(0xd6e8_feb8_6659_fd93);
        x ^= x >> 32;
        *part = x.to_be_bytes();
    }
    ChunkId::from_bytes(bytes)
}

fn name(n: u64) -> PackName {
    (ObjectKind::Pack, u128::from(n).to_le_bytes())
}

fn directory(pack: u64) -> Directory {
    let first = pack * PER_PACK;
    let frame = |frame: u32| DirFrame {
        offset: 34 + frame * 1000,
        len: 1000,
        chunks: (0..CHUNKS)
            .map(|slot| (id(first + u64::from(frame) * CHUNKS + slot).short(), 100))
            .collect(),
    };
    Directory {
        frames: (0..FRAMES).map(frame).collect(),
    }
}

fn filled(packs: u64, limit: usize) -> Index {
    let mut index = Index::default();
    index.limit(limit);
    for pack in 0..packs {
        index.add(name(pack), 100_000, &directory(pack));
    }
    index
}

fn place(n: u64) -> Place {
    let (pack, within) = (n / PER_PACK, n % PER_PACK);
    let frame = (within / CHUNKS) as u16;
    Place {
        pack: name(pack),
        frame,
        slot: (within % CHUNKS) as u16,
        offset: 34 + u32::from(frame) * 1000,
        len: 1000,
    }
}

/// Looks for a sample of what is there and of what is not.
fn right(index: &Index, chunks: u64) {
    for n in (0..chunks).step_by(997) {
        assert_eq!(index.get(&id(n)), Some(place(n)), "chunk {n}");
    }
    for n in chunks..chunks + 2000 {
        assert_eq!(index.get(&id(n)), None, "chunk {n}");
    }
}

#[test]
fn four_million_chunks_take_less_than_32_mb_a_million() {
    let packs = 4_000_000u64.div_ceil(PER_PACK);
    let chunks = packs * PER_PACK;
    let index = filled(packs, LIMIT);
    assert_eq!(index.len(), chunks);
    assert!(index.runs.is_empty());
    let a_million = index.bytes() as u64 * 1_000_000 / chunks;
    assert!(a_million < 32_000_000, "{a_million} bytes a million");
    right(&index, chunks);
}

#[test]
fn four_million_chunks_fit_a_small_limit_with_scratch_files() {
    let packs = 4_000_000u64.div_ceil(PER_PACK);
    let limit = 16 * 1024 * 1024;
    let index = filled(packs, limit);
    assert_eq!(index.len(), packs * PER_PACK);
    assert!(!index.runs.is_empty() && index.runs.len() <= RUNS);
    assert!(index.bytes() <= limit, "{} bytes", index.bytes());
    right(&index, packs * PER_PACK);
}

#[test]
fn every_entry_has_a_number_in_memory_and_on_disk() {
    for limit in [LIMIT, 300_000] {
        let index = filled(100, limit);
        assert_eq!(index.runs.is_empty(), limit == LIMIT);
        let all: Vec<Entry> = index.entries().collect();
        assert_eq!(all.len() as u64, index.len());
        for (number, entry) in (0u64..).zip(&all) {
            assert_eq!(index.number(&entry.id), Some(number));
        }
        assert_eq!(index.number(&id(u64::MAX).short()), None);
    }
}

#[test]
fn a_chunk_that_lies_twice_is_read_where_it_can_be() {
    let mut index = Index::default();
    index.add(name(1), 5, &directory(0));
    index.add(name(2), 5, &directory(0));
    let packs = |index: &Index| -> Vec<PackName> {
        let places = index.places(&id(7));
        places.iter().map(|place| place.pack).collect()
    };
    assert_eq!(packs(&index), [name(1), name(2)]);
    let other = index.get_but(&id(7), |pack| *pack == name(1));
    assert_eq!(other.map(|place| place.pack), Some(name(2)));
    index.set(&name(2), State::Gone);
    assert_eq!(packs(&index), [name(1)]);
    index.set(&name(1), State::Suspect);
    assert_eq!(index.get(&id(7)), None);
    assert_eq!(packs(&index), [name(1)]);
    assert_eq!(index.packs().count(), 1);
}

#[test]
fn a_vault_opened_with_little_memory_finds_the_same_chunks() {
    use crate::target::MemoryTarget;
    use crate::writer::{Chunking, Meta, SnapshotWriter};
    use crate::{KdfCost, Kind, Limits, Secret, Vault, Watch};
    const CHUNKS: usize = 5000;
    let target = std::sync::Arc::new(MemoryTarget::new());
    let password = Secret::new(b"correct horse".to_vec());
    let vault = Vault::create(target.clone(), &password, KdfCost::MINIMUM).unwrap();
    let mut bytes = vec![0; CHUNKS * 64];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    let watch = Watch::new();
    let save = |vault: &Vault| {
        let meta = Meta {
            kind: Kind::Files,
            plan: "test".to_owned(),
            host: "here".to_owned(),
            started_ms: 1,
        };
        let mut writer = SnapshotWriter::begin(vault, meta, &watch).unwrap();
        let stored = writer.add_stream("a", &mut &bytes[..], Chunking::Fixed(64), 0o600);
        let chunks = stored.unwrap().chunks;
        writer.finish(2).unwrap();
        chunks
    };
    let chunks = save(&vault);
    let limits = Limits {
        index_bytes: 64 * 1024,
    };
    let small = Vault::open_within(target.clone(), &password, limits).unwrap();
    let before = vault.inner.index().len();
    {
        let index = small.inner.index();
        assert!(!index.runs.is_empty() && index.bytes() <= limits.index_bytes);
        assert_eq!(index.len(), before);
        assert!(chunks.iter().all(|chunk| index.get(&chunk.id).is_some()));
    }
    assert_eq!(save(&small), chunks, "nothing is stored twice");
    // A check reads the index anew, and takes no more for it.
    assert_eq!(
        small.check(false, None, &Watch::new()).unwrap().problems,
        []
    );
    assert!(small.inner.index().bytes() <= limits.index_bytes);
    vault.inner.refresh().unwrap();
    assert!(vault.inner.index().len() - before < 100, "lists at most");
    let usual = Vault::open(target, &password).unwrap();
    assert!(usual.inner.index().runs.is_empty());
}
