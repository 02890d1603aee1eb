//! Seeded mutations of good bytes against every decoder.

use super::*;
use crate::format::session::{Begin, SessionObject, Step};
use crate::format::tree::tests::node;
use crate::node::Segments;
use crate::{KdfCost, NodeKind};

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

/// Runs a target on mutations of bytes that it accepts.
fn attack(name: &str, seed: u64, good: &[u8]) {
    let (_, target) = TARGETS
        .into_iter()
        .find(|(known, _)| *known == name)
        .unwrap();
    assert!(target(good), "{name}: the good bytes are good");
    let mut random = Random(seed);
    let mut refused = 0;
    for _ in 0..ROUNDS {
        let mut bytes = good.to_vec();
        random.mutate(&mut bytes);
        refused += usize::from(!target(&bytes));
    }
    let least = if name == "scan" {
        ROUNDS / 100
    } else {
        ROUNDS / 10
    };
    assert!(refused > least, "{name}: only {refused} were refused");
}

fn name(n: u8) -> SnapshotName {
    SnapshotName::new(u64::from(n), [n; 16])
}

fn folder_list() -> Vec<u8> {
    let chunk = |n: u8| ChunkId::from_bytes([n; 32]);
    let mut file = node(b"b", NodeKind::File);
    file.segments = Segments::Inline(vec![
        Segment::Chunk {
            id: chunk(1),
            len: 4000,
        },
        Segment::Hole { len: 96 },
    ]);
    file.content_hash = Some([5; 32]);
    let mut large = node(b"ba", NodeKind::File);
    let part = SegmentPart {
        id: chunk(3),
        len: 70_000,
        count: 2048,
        bytes: 1 << 27,
        holes: 5,
    };
    large.segments = Segments::Listed(vec![part, part]);
    let mut dir = node(b"c", NodeKind::Dir);
    dir.subtree = vec![(chunk(2), 9)];
    let target = b"x".to_vec();
    let mut alike = node(b"e", NodeKind::Fifo);
    (alike.links, alike.xattrs) = (1, Vec::new());
    let nodes = [
        node(b"a", NodeKind::Symlink { target }),
        file,
        large,
        dir,
        node(b"d", NodeKind::BlockDevice { major: 1, minor: 2 }),
        alike,
    ];
    tree::encode(&nodes, |node| &node.name)
}

fn packed_directory() -> Vec<u8> {
    let frame = |n: u8| pack::DirFrame {
        offset: 34 + u32::from(n) * 200,
        len: 200,
        chunks: (0..=n).map(|n| ([n; 16], 100 + u32::from(n))).collect(),
    };
    let directory = pack::Directory {
        frames: (0..5).map(frame).collect(),
    };
    let mut bytes = 1034u32.to_le_bytes().to_vec();
    bytes.extend_from_slice(&pack::encode_directory(&directory));
    bytes
}

fn frame_header() -> Vec<u8> {
    let header = frame::FrameHeader {
        coding: frame::Coding::Zstd,
        chunks: 3,
        number: 9,
        plain_len: 5000,
        sealed_len: 700,
    };
    frame::encode(&header).to_vec()
}

#[test]
fn whole_objects() {
    let good = whole_object(&[7; 300]);
    attack("object", 1, &good);
    let good = whole_object(&[7; 1024 - envelope::HEADER_LEN - envelope::TRAILER_LEN]);
    attack("trailer", 2, &good[good.len() - envelope::TRAILER_LEN..]);
    attack("trailer", 3, &good[..envelope::HEADER_LEN]);
}

#[test]
fn packs() {
    attack("frame", 4, &frame_header());
    let mut plain = 3u16.to_le_bytes().to_vec();
    frame::put_table(&mut plain, [300, 1, 40]);
    plain.resize(plain.len() + 341, 8);
    attack("frame_table", 5, &plain);
    attack("directory", 6, &packed_directory());
    let mut found = vec![1; 50];
    found.extend_from_slice(&frame_header());
    found.resize(found.len() + 700, 2);
    attack("scan", 7, &found);
    attack("index", 8, &index::encode(&index::tests::example()));
}

#[test]
fn keys() {
    let (cost, salt) = (KdfCost::NORMAL, [3; 16]);
    for (seed, way) in [
        (9, key::Way::Recovery),
        (10, key::Way::Password { cost, salt }),
    ] {
        attack("key", seed, &key::encode(&key::tests::example(way)));
    }
    let secrets = key::encode_secrets(&key::tests::secrets());
    attack("secrets", 11, &secrets);
    let note = key::Note {
        created_ms: -1,
        label: "Jeanne, à la compta".to_owned(),
    };
    attack("note", 12, &key::encode_note(&note));
}

#[test]
fn snapshots_and_folders() {
    attack("snapshot", 13, &snapshot::encode(&snapshot::tests::nasty()));
    attack("folder", 14, &folder_list());
    let segments = [
        Segment::Hole { len: 1 << 40 },
        Segment::Chunk {
            id: ChunkId::from_bytes([1; 32]),
            len: 70_000,
        },
    ];
    let mut list = 2u32.to_le_bytes().to_vec();
    for value in [(1 << 40) + 70_000, 1u64 << 40] {
        list.extend_from_slice(&value.to_le_bytes());
    }
    list.extend_from_slice(&segments::encode_part(&segments));
    attack("stretches", 15, &list);
}

#[test]
fn writers() {
    let begin = Begin {
        purpose: "compta".to_owned(),
        sweeps: false,
        host: "agen".to_owned(),
        pid: 4711,
        started_ms: 5,
    };
    let steps = [
        Step::Begin(begin),
        Step::End(Some(name(1))),
        Step::Stop,
        Step::Revoked(vec![name(1), name(2)]),
    ];
    for (seed, step) in (16..).zip(steps) {
        let session = [seed as u8; 16];
        let good = session::encode(&SessionObject { session, step });
        attack("session", seed, &good);
    }
    let packs = |n: u8| vec![(ObjectKind::Tree, [n; 16]), (ObjectKind::Pack, [n; 16])];
    let buried = tomb::Tomb {
        supersedes: vec![[1; 16], [2; 16]],
        host: "agen".to_owned(),
        made_ms: 6,
        forgotten: vec![name(3)],
        packs: packs(4),
        rotten: packs(5),
        sessions: vec![[6; 16]],
    };
    attack("tomb", 20, &tomb::encode(&buried));
    let mark = mark::Mark {
        what: mark::What::Hold(name(3)),
        made_ms: 7,
        note: "audit".to_owned(),
        cancels: vec![[1; 16]],
    };
    attack("mark", 21, &mark::encode(&mark));
}
