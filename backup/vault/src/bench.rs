//! Doors for the benches of this package: what they measure is not for anybody else.

use crate::ChunkId;
use crate::chunker::Chunker;
use crate::format::key::Cuts;
use crate::format::pack::{DirFrame, Directory};
use crate::index::Index;
use crate::target::ObjectKind;

/// Cuts streams as a vault does.
pub struct Cutter(Chunker);

impl Default for Cutter {
    fn default() -> Cutter {
        Cutter(Chunker::new(&[1; 32], &Cuts::DEFAULT))
    }
}

impl Cutter {
    /// Number of chunks.
    pub fn cut(&self, mut bytes: &[u8]) -> usize {
        let mut count = 0;
        while let Some((_, rest)) = bytes.split_at_checked(self.0.cut(bytes))
            && !bytes.is_empty()
        {
            (bytes, count) = (rest, count + 1);
        }
        count
    }
}

/// An index of so many chunks.
pub struct Places(Index);

const PER_FRAME: u64 = 8;
const PER_PACK: u64 = 64 * PER_FRAME;

fn id(n: u64) -> ChunkId {
    ChunkId::from_bytes(*blake3::hash(&n.to_le_bytes()).as_bytes())
}

impl Places {
    /// `limit`: bytes of memory beyond which scratch files are used.
    pub fn new(chunks: u64, limit: usize) -> Places {
        let mut index = Index::default();
        index.limit(limit);
        for pack in 0..chunks.div_ceil(PER_PACK) {
            let first = pack * PER_PACK;
            let frame = |n: u64| DirFrame {
                offset: 34,
                len: 1000,
                chunks: (0..PER_FRAME)
                    .map(|slot| (id(first + n * PER_FRAME + slot).short(), 65_536))
                    .collect(),
            };
            let directory = Directory {
                frames: (0..64).map(frame).collect(),
            };
            let name = (ObjectKind::Pack, u128::from(pack).to_le_bytes());
            index.add(name, 33_000_000, &directory);
        }
        Places(index)
    }

    /// Names to look up: the first `chunks` are there.
    pub fn names(from: u64, count: u64) -> Vec<ChunkId> {
        (from..from + count).map(id).collect()
    }

    /// How many of them are there.
    pub fn found(&self, names: &[ChunkId]) -> usize {
        let found = names.iter().filter(|id| self.0.get(id).is_some());
        found.count()
    }
}
