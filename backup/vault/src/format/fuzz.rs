//! Seeded mutations of good bytes against every decoder: none may panic, and what one accepts encodes again.

use super::{envelope, frame, index, pack, snapshot, tree};
use crate::format::tree::tests::node;
use crate::target::ObjectKind;
use crate::{ChunkId, Node, NodeKind, Segment, Segments};

const ROUNDS: usize = 20_000;

/// xorshift: the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or(0)
    }

    /// One to four changes: a bit, a byte, an interesting number, a cut, a piece twice.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = self.next() as u8,
                2 if at + 4 <= bytes.len() => {
                    let values = [
                        0,
                        1,
                        0x7fff_ffff,
                        0xffff_ffff,
                        0x0040_0001,
                        bytes.len() as u32,
                    ];
                    bytes[at..at + 4]
                        .copy_from_slice(&values[self.below(values.len())].to_le_bytes());
                }
                3 => bytes.truncate(at),
                4 => bytes.insert(at, self.next() as u8),
                _ => {
                    let piece = bytes[at..(at + self.below(64)).min(bytes.len())].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
    }
}

/// Runs `decode` on mutations of `good`; it says whether the bytes were accepted.
fn attack(seed: u64, good: &[u8], decode: impl Fn(&[u8]) -> bool) {
    assert!(decode(good), "the good bytes are good");
    let mut random = Random(seed);
    let mut refused = 0;
    for _ in 0..ROUNDS {
        let mut bytes = good.to_vec();
        random.mutate(&mut bytes);
        refused += usize::from(!decode(&bytes));
    }
    assert!(
        refused > ROUNDS / 10,
        "only {refused} mutations were refused"
    );
}

fn chunk(n: u8) -> ChunkId {
    ChunkId::from_bytes([n; 32])
}

#[test]
fn objects() {
    let head = envelope::encode_header(ObjectKind::Pack, &[3; 16]);
    let good = envelope::finish([&head[..], &[7; 300]].concat());
    attack(1, &good, |bytes| envelope::parse(bytes).is_ok());
    let (size, from) = (good.len() as u64, good.len() - envelope::TRAILER_LEN);
    attack(2, &good[from..], |bytes| {
        envelope::parse_trailer(bytes, size).is_ok()
    });
    attack(3, &head, |bytes| envelope::parse_header(bytes).is_ok());
}

#[test]
fn directories() {
    let frame = |n: u8| pack::DirFrame {
        offset: 34 + u32::from(n) * 200,
        len: 200,
        chunks: (0..n + 1)
            .map(|n| ([n; 16], 100 + u32::from(n) * 50))
            .collect(),
    };
    let directory = pack::Directory {
        frames: (0..5).map(frame).collect(),
    };
    attack(4, &pack::encode_directory(&directory), |bytes| {
        pack::decode_directory(bytes, 34, 1034).is_ok_and(|directory| {
            assert_eq!(pack::encode_directory(&directory), bytes);
            true
        })
    });
}

#[test]
fn frames() {
    let header = frame::FrameHeader {
        coding: frame::Coding::Zstd,
        chunks: 3,
        number: 9,
        plain_len: 5000,
        sealed_len: 700,
    };
    attack(6, &frame::encode(&header), |bytes| {
        frame::decode(bytes).is_ok()
    });
    let mut plain = Vec::new();
    frame::put_table(&mut plain, [300, 1, 40]);
    plain.resize(plain.len() + 341, 8);
    attack(7, &plain, |bytes| {
        frame::split_table(bytes, 3).is_ok_and(|chunks| {
            assert!(
                chunks
                    .iter()
                    .all(|chunk| bytes.get(chunk.clone()).is_some())
            );
            true
        })
    });
}

#[test]
fn index_objects() {
    let good = index::encode(&index::tests::example());
    attack(8, &good, |bytes| {
        index::decode(bytes).is_ok_and(|index| {
            assert_eq!(index::encode(&index), bytes);
            true
        })
    });
}

#[test]
fn folder_lists() {
    let mut file = node(b"b", NodeKind::File);
    file.segments = Segments::Inline(vec![
        Segment::Chunk {
            id: chunk(1),
            len: 4000,
        },
        Segment::Hole { len: 96 },
    ]);
    (file.size, file.content_hash) = (4096, Some([5; 32]));
    let mut dir = node(b"c", NodeKind::Dir);
    dir.subtree = vec![(chunk(2), 9)];
    let nodes = [
        node(
            b"a",
            NodeKind::Symlink {
                target: b"x".to_vec(),
            },
        ),
        file,
        dir,
        node(b"d", NodeKind::BlockDevice { major: 1, minor: 2 }),
    ];
    let good = tree::encode(&nodes, |node| &node.name);
    attack(5, &good, |bytes| {
        match tree::decode(bytes, b"/r", tree::Names::Plain) {
            Ok(nodes) => {
                assert!(nodes.iter().all(|node| tree::is_plain(&node.name)));
                let fits = |node: &Node| node.segments.bytes() == Some(node.size);
                assert!(nodes.iter().filter(|node| node.is_file()).all(fits));
                assert_eq!(tree::encode(&nodes, |node| &node.name), bytes);
                true
            }
            Err(_) => false,
        }
    });
    attack(6, &good, |bytes| {
        tree::decode(bytes, b"", tree::Names::Roots).is_ok()
    });
}

#[test]
fn snapshots() {
    let whole = super::snapshot::tests::nasty();
    let name = whole.name();
    let good = snapshot::encode(&whole);
    attack(7, &good, |bytes| {
        snapshot::decode(bytes, name).is_ok_and(|snapshot| {
            assert_eq!(snapshot::encode(&snapshot), bytes);
            true
        })
    });
}
