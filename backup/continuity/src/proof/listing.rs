//! What a snapshot says it holds: counts, one hash over the sorted listing, and a sample for people.

use crate::wire::SampledFile;
use std::collections::BTreeMap;
use vault::{Error, Node, NodeKind, Snapshot, Vault, Watch};

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Listing {
    pub(crate) files: u64,
    pub(crate) folders: u64,
    /// Hex.
    pub(crate) blake3: String,
    pub(crate) sample: Vec<SampledFile>,
}

/// Walks the whole snapshot; memory is bounded by the largest folder and the depth. Blocks.
pub(crate) fn read(vault: &Vault, snapshot: &Snapshot, watch: &Watch) -> Result<Listing, Error> {
    let mut hasher = blake3::Hasher::new();
    let mut listing = Listing::default();
    let mut sampler = Sampler::default();
    let mut stack = vault.list(snapshot, b"")?;
    stack.reverse();
    while let Some(node) = stack.pop() {
        if watch.is_cancelled() {
            return Err(Error::Cancelled);
        }
        hash(&mut hasher, &node);
        if node.is_dir() {
            listing.folders += 1;
            let mut children = vault.list(snapshot, &node.path)?;
            children.reverse();
            stack.append(&mut children);
        } else {
            listing.files += 1;
            sampler.see(&node);
        }
    }
    listing.blake3 = hasher.finalize().to_hex().to_string();
    listing.sample = sampler.finish();
    Ok(listing)
}

/// Lengths first, so that no two listings hash the same bytes.
fn hash(hasher: &mut blake3::Hasher, node: &Node) {
    let (kind, detail): (u8, Vec<u8>) = match &node.kind {
        NodeKind::File => (1, node.content_hash.map(Vec::from).unwrap_or_default()),
        NodeKind::Dir => (2, Vec::new()),
        NodeKind::Symlink { target } => (3, target.clone()),
        NodeKind::Fifo => (4, Vec::new()),
        NodeKind::Socket => (5, Vec::new()),
        NodeKind::CharDevice { major, minor } => (6, pair(*major, *minor)),
        NodeKind::BlockDevice { major, minor } => (7, pair(*major, *minor)),
    };
    for part in [
        node.path.as_slice(),
        &[kind],
        &node.size.to_le_bytes(),
        &detail,
    ] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
}

fn pair(major: u32, minor: u32) -> Vec<u8> {
    [major.to_le_bytes(), minor.to_le_bytes()].concat()
}

/// Picks the files a person would ask about: newest, oldest, biggest, an empty one, an odd name, a
/// program, and the lowest hashes (which is a random choice that nobody can steer).
#[derive(Default)]
struct Sampler {
    newest: Option<(i64, SampledFile)>,
    oldest: Option<(i64, SampledFile)>,
    biggest: Option<SampledFile>,
    empty: Option<SampledFile>,
    odd: Option<SampledFile>,
    random: BTreeMap<String, SampledFile>,
}

const RANDOM: usize = 8;

impl Sampler {
    fn see(&mut self, node: &Node) {
        let Some(hash) = node.content_hash else {
            return;
        };
        let file = || SampledFile {
            path: String::from_utf8_lossy(&node.path).into_owned(),
            size_bytes: node.size,
            blake3: blake3::Hash::from(hash).to_hex().to_string(),
        };
        if self
            .newest
            .as_ref()
            .is_none_or(|(at, _)| node.mtime_s > *at)
        {
            self.newest = Some((node.mtime_s, file()));
        }
        if self
            .oldest
            .as_ref()
            .is_none_or(|(at, _)| node.mtime_s < *at)
        {
            self.oldest = Some((node.mtime_s, file()));
        }
        if self
            .biggest
            .as_ref()
            .is_none_or(|f| node.size > f.size_bytes)
        {
            self.biggest = Some(file());
        }
        if node.size == 0 && self.empty.is_none() {
            self.empty = Some(file());
        }
        if self.odd.is_none() && !node.name.iter().all(|b| (0x20..0x7f).contains(b)) {
            self.odd = Some(file());
        }
        let random = blake3::hash(&node.path).to_hex().to_string();
        let low = self
            .random
            .last_key_value()
            .is_none_or(|(last, _)| random < *last);
        if self.random.len() < RANDOM || low {
            self.random.insert(random, file());
            if self.random.len() > RANDOM {
                self.random.pop_last();
            }
        }
    }

    fn finish(self) -> Vec<SampledFile> {
        let chosen = [
            self.newest.map(|n| n.1),
            self.oldest.map(|o| o.1),
            self.biggest,
            self.empty,
            self.odd,
        ];
        let mut list: Vec<SampledFile> = Vec::new();
        for file in chosen
            .into_iter()
            .flatten()
            .chain(self.random.into_values())
        {
            if !list.iter().any(|f| f.path == file.path) {
                list.push(file);
            }
        }
        list
    }
}
