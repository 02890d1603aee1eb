//! What every decoder must stand: any bytes, without a panic and without taking memory that the bytes do not pay for; and
//! what it accepts encodes to the same bytes again.
//!
//! One function a decoder. Tests run them on seeded mutations of good bytes; `fuzz/` runs them under cargo-fuzz.

#![allow(
    clippy::panic,
    unreachable_pub,
    reason = "a fuzz target says what is wrong by stopping"
)]

#[cfg(test)]
mod mutations;

use super::tree::Names;
use super::{
    Bad, envelope, frame, index, key, mark, pack, segments, session, snapshot, tomb, tree,
};
use crate::id::SnapshotName;
use crate::node::{Node, Segment, SegmentPart};
use crate::target::ObjectKind;
use crate::{ChunkId, RecoveryKey};

/// Whether the bytes were accepted.
pub type Accepted = bool;

pub type Target = fn(&[u8]) -> Accepted;

/// Every decoder, by name.
pub const TARGETS: [(&str, Target); 16] = [
    ("object", object),
    ("trailer", trailer),
    ("frame", frame),
    ("frame_table", frame_table),
    ("directory", directory),
    ("scan", scan),
    ("index", index),
    ("key", key),
    ("secrets", secrets),
    ("note", note),
    ("snapshot", snapshot),
    ("folder", folder),
    ("stretches", stretches),
    ("session", session),
    ("tomb", tomb),
    ("mark", mark),
];

/// Whether a decoded value is written as it was read.
fn same<T>(bytes: &[u8], decoded: Result<T, Bad>, encode: impl Fn(&T) -> Vec<u8>) -> Accepted {
    match decoded {
        Ok(value) => {
            assert!(encode(&value) == bytes, "it has two spellings");
            true
        }
        Err(_) => false,
    }
}

pub fn object(bytes: &[u8]) -> Accepted {
    match envelope::parse(bytes) {
        Ok(parsed) => {
            let head = envelope::encode_header(parsed.header.kind, &parsed.header.id);
            assert!(bytes[..parsed.body.start] == head, "it has two spellings");
            assert!(parsed.body.end + envelope::TRAILER_LEN <= bytes.len());
            true
        }
        Err(_) => false,
    }
}

/// The last 64 bytes of an object of 1 KiB.
pub fn trailer(bytes: &[u8]) -> Accepted {
    match envelope::parse_trailer(bytes, 1024) {
        Ok(trailer) => {
            assert!(trailer.body_len <= 1024 - envelope::TRAILER_LEN as u64);
            true
        }
        Err(_) => envelope::parse_header(bytes).is_ok(),
    }
}

pub fn frame(bytes: &[u8]) -> Accepted {
    match frame::decode(bytes) {
        Ok(header) => {
            assert!(bytes.starts_with(&frame::encode(&header)), "two spellings");
            assert!(header.plain_len <= frame::MAX_PLAIN);
            true
        }
        Err(_) => false,
    }
}

/// Two bytes say how many chunks; the rest is a frame's plain text.
pub fn frame_table(bytes: &[u8]) -> Accepted {
    let Some((count, plain)) = bytes.split_first_chunk::<2>() else {
        return false;
    };
    match frame::split_table(plain, u16::from_le_bytes(*count)) {
        Ok(ranges) => {
            let mut again = Vec::new();
            frame::put_table(&mut again, ranges.iter().map(|range| range.len() as u32));
            let chunks = ranges.iter().filter_map(|range| plain.get(range.clone()));
            chunks.for_each(|chunk| again.extend_from_slice(chunk));
            assert!(again == plain, "it has two spellings");
            true
        }
        Err(_) => false,
    }
}

/// Four bytes say where the directory begins in its pack.
pub fn directory(bytes: &[u8]) -> Accepted {
    let Some((end, plain)) = bytes.split_first_chunk::<4>() else {
        return false;
    };
    let end = u64::from(u32::from_le_bytes(*end));
    let decoded = pack::decode_directory(plain, envelope::HEADER_LEN as u64, end);
    let range = pack::directory_range(bytes, end);
    assert!(range.is_err() || range.is_ok_and(|range| range.start <= range.end));
    same(plain, decoded, pack::encode_directory)
}

pub fn scan(bytes: &[u8]) -> Accepted {
    let found = pack::scan(bytes);
    for (at, header) in &found {
        assert!(*at as usize + header.frame_len() <= bytes.len());
    }
    !found.is_empty()
}

pub fn index(bytes: &[u8]) -> Accepted {
    same(bytes, index::decode(bytes), index::encode)
}

pub fn key(bytes: &[u8]) -> Accepted {
    same(bytes, key::decode(bytes), |decoded| {
        if let key::Way::Password { cost, .. } = decoded.way {
            let bounded = cost.memory_kib <= 1024 * 1024 && cost.passes <= 64 && cost.lanes <= 16;
            assert!(bounded, "a key may not cost the earth");
        }
        key::encode(decoded)
    })
}

pub fn secrets(bytes: &[u8]) -> Accepted {
    if let Ok(text) = std::str::from_utf8(bytes) {
        // The other way in: what somebody typed.
        drop(RecoveryKey::parse(text));
    }
    same(bytes, key::decode_secrets(bytes), key::encode_secrets)
}

pub fn note(bytes: &[u8]) -> Accepted {
    same(bytes, key::decode_note(bytes), key::encode_note)
}

/// A snapshot under the name that its own first bytes give.
pub fn snapshot(bytes: &[u8]) -> Accepted {
    let name = |bytes: &[u8]| {
        let (seq, rest) = bytes.split_first_chunk::<8>()?;
        let id = rest.first_chunk::<16>()?;
        Some(SnapshotName::new(u64::from_le_bytes(*seq), *id))
    };
    let Some(name) = name(bytes) else {
        return snapshot::decode(bytes, SnapshotName::new(1, [0; 16])).is_ok();
    };
    same(bytes, snapshot::decode(bytes, name), snapshot::encode)
}

pub fn folder(bytes: &[u8]) -> Accepted {
    // Roots may have names that entries may not.
    let roots = tree::decode(bytes, b"", Names::Roots);
    let entries = tree::decode(bytes, b"/r", Names::Plain);
    assert!(
        roots.is_ok() || entries.is_err(),
        "a plain name is a root's"
    );
    let checked = roots.as_ref().into_iter().chain(&entries).flatten();
    for node in checked.filter(|node| node.is_file()) {
        assert!(
            node.segments.bytes() == Some(node.size),
            "its size is its own"
        );
    }
    for node in entries.iter().flatten() {
        assert!(tree::is_plain(&node.name), "its name leaves the folder");
    }
    let spelled = |nodes: &Vec<Node>| tree::encode(nodes, |node| &node.path);
    same(bytes, entries, |nodes| {
        tree::encode(nodes, |node| &node.name)
    });
    same(bytes, roots, spelled)
}

/// Twenty bytes say what the file's entry says of a list: stretches, bytes, bytes of holes.
pub fn stretches(bytes: &[u8]) -> Accepted {
    let split = || {
        let (count, rest) = bytes.split_first_chunk::<4>()?;
        let (covered, rest) = rest.split_first_chunk::<8>()?;
        let (holes, plain) = rest.split_first_chunk::<8>()?;
        let part = SegmentPart {
            id: ChunkId::from_bytes([0; 32]),
            len: u32::try_from(plain.len()).unwrap_or(u32::MAX),
            count: u32::from_le_bytes(*count),
            bytes: u64::from_le_bytes(*covered),
            holes: u64::from_le_bytes(*holes),
        };
        Some((part, plain))
    };
    let Some((part, plain)) = split() else {
        return false;
    };
    let decoded = segments::decode_part(plain, &part);
    same(plain, decoded, |found: &Vec<Segment>| {
        segments::encode_part(found)
    })
}

pub fn session(bytes: &[u8]) -> Accepted {
    same(bytes, session::decode(bytes), session::encode)
}

pub fn tomb(bytes: &[u8]) -> Accepted {
    same(bytes, tomb::decode(bytes), tomb::encode)
}

pub fn mark(bytes: &[u8]) -> Accepted {
    same(bytes, mark::decode(bytes), mark::encode)
}

/// Bytes that a target accepts, to start from.
#[doc(hidden)]
pub fn whole_object(body: &[u8]) -> Vec<u8> {
    let head = envelope::encode_header(ObjectKind::Mark, &[3; 16]);
    envelope::finish([&head[..], body].concat())
}
