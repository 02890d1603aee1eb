//! Names of snapshots and chunks.

use std::fmt;

/// A snapshot's random name; shown as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotId([u8; 16]);

impl SnapshotId {
    pub fn from_bytes(bytes: [u8; 16]) -> SnapshotId {
        SnapshotId(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Exactly 32 lower-case hexadecimal digits, else `None`.
    pub fn parse(text: &str) -> Option<SnapshotId> {
        parse_hex(text).map(SnapshotId)
    }
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

/// The first half of a chunk's name.
pub(crate) type ShortId = [u8; 16];

/// A snapshot's place in the chain and its id, as its object is named: 16 and 32 hexadecimal digits, so that the newest
/// is found by listing alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotName {
    /// One more than that of the snapshots it was committed after; the first is 1.
    pub seq: u64,
    pub id: SnapshotId,
}

impl SnapshotName {
    pub fn new(seq: u64, id: [u8; 16]) -> SnapshotName {
        let id = SnapshotId(id);
        SnapshotName { seq, id }
    }

    /// `SSSSSSSSSSSSSSSS-ID`, lower-case hexadecimal digits, else `None`.
    pub fn parse(text: &str) -> Option<SnapshotName> {
        let (seq, id) = text.split_once('-')?;
        let seq = u64::from_be_bytes(parse_hex(seq)?);
        let id = SnapshotId::parse(id)?;
        Some(SnapshotName { seq, id })
    }
}

impl fmt::Display for SnapshotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.seq, self.id)
    }
}

/// A chunk's name: blake3 of its plain bytes under a key of this vault. It says nothing to who lacks the key,
/// and must not leave the appliance (agents check plain blake3 instead).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkId([u8; 32]);

impl ChunkId {
    pub fn from_bytes(bytes: [u8; 32]) -> ChunkId {
        ChunkId(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What the index knows it by: the first half. What is read is verified against the whole.
    pub(crate) fn short(&self) -> ShortId {
        let mut short = [0; 16];
        short.copy_from_slice(&self.0[..16]);
        short
    }
}

impl fmt::Display for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|b| write!(f, "{b:02x}"))
}

/// Lower-case digits only: an object has one name, not several spellings of it.
pub(crate) fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let value = |d: u8| match d {
        b'0'..=b'9' => Some(d - b'0'),
        b'a'..=b'f' => Some(d - b'a' + 10),
        _ => None,
    };
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_snapshots_sort_as_they_were_committed() {
        let names = [1, 9, 10, 255, 256, u64::MAX].map(|seq| SnapshotName::new(seq, [0xab; 16]));
        let texts = names.map(|name| name.to_string());
        assert!(texts.is_sorted());
        assert_eq!(texts[3], format!("00000000000000ff-{}", "ab".repeat(16)));
        assert_eq!(
            names.map(Some),
            texts.map(|text| SnapshotName::parse(&text))
        );
        let id = "ab".repeat(16);
        for bad in [
            &id,
            &format!("1-{id}"),
            &format!("{:016X}-{id}", 0xff),
            &format!("{:016x}-", 1),
        ] {
            assert_eq!(SnapshotName::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_snapshot_id_has_one_spelling() {
        let id = SnapshotId::from_bytes([0xa5; 16]);
        assert_eq!(SnapshotId::parse(&id.to_string()), Some(id));
        for bad in [
            "",
            "a5",
            &"A5".repeat(16),
            &"g5".repeat(16),
            &"a5".repeat(17),
            &"é".repeat(16),
        ] {
            assert_eq!(SnapshotId::parse(bad), None, "{bad}");
        }
    }
}
