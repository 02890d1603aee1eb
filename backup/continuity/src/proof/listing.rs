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
    listing.sample = sampler.finish(vault)?;
    Ok(listing)
}

/// Lengths first, so that no two listings hash the same bytes.
fn hash(hasher: &mut blake3::Hasher, node: &Node) {
    let (kind, detail): (u8, Vec<u8>) = match &node.kind {
        NodeKind::File => (1, node.content_tag().to_vec()),
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
    newest: Option<Node>,
    oldest: Option<Node>,
    biggest: Option<Node>,
    empty: Option<Node>,
    odd: Option<Node>,
    random: BTreeMap<String, Node>,
}

const RANDOM: usize = 8;
/// A hash that was not kept is made from the snapshot again for files up to this size.
const HASHED_BYTES: u64 = 64 * 1024 * 1024;

impl Sampler {
    fn see(&mut self, node: &Node) {
        if !node.is_file() {
            return;
        }
        let replaces = |kept: &Option<Node>, better: fn(&Node, &Node) -> bool| {
            kept.as_ref().is_none_or(|kept| better(node, kept))
        };
        if replaces(&self.newest, |node, kept| node.mtime_s > kept.mtime_s) {
            self.newest = Some(node.clone());
        }
        if replaces(&self.oldest, |node, kept| node.mtime_s < kept.mtime_s) {
            self.oldest = Some(node.clone());
        }
        if replaces(&self.biggest, |node, kept| node.size > kept.size) {
            self.biggest = Some(node.clone());
        }
        if node.size == 0 && self.empty.is_none() {
            self.empty = Some(node.clone());
        }
        if self.odd.is_none() && !node.name.iter().all(|b| (0x20..0x7f).contains(b)) {
            self.odd = Some(node.clone());
        }
        let random = blake3::hash(&node.path).to_hex().to_string();
        let low = self
            .random
            .last_key_value()
            .is_none_or(|(last, _)| random < *last);
        if self.random.len() < RANDOM || low {
            self.random.insert(random, node.clone());
            if self.random.len() > RANDOM {
                self.random.pop_last();
            }
        }
    }

    fn finish(self, vault: &Vault) -> Result<Vec<SampledFile>, Error> {
        let chosen = [self.newest, self.oldest, self.biggest, self.empty, self.odd];
        let mut list: Vec<SampledFile> = Vec::new();
        for node in chosen
            .into_iter()
            .flatten()
            .chain(self.random.into_values())
        {
            let path = String::from_utf8_lossy(&node.path).into_owned();
            if !list.iter().any(|f| f.path == path) {
                list.push(SampledFile {
                    path,
                    size_bytes: node.size,
                    blake3: hash_of(vault, &node)?,
                });
            }
        }
        Ok(list)
    }
}

/// Empty for a large file with holes, and for one that cannot be read: the proof itself finds that out, and names all of them.
fn hash_of(vault: &Vault, node: &Node) -> Result<String, Error> {
    if let Some(hash) = node.plain_hash() {
        return Ok(blake3::Hash::from(hash).to_hex().to_string());
    }
    if node.size > HASHED_BYTES {
        return Ok(String::new());
    }
    let mut hasher = blake3::Hasher::new();
    Ok(match hasher.update_reader(vault.open_file(node)?) {
        Ok(_) => hasher.finalize().to_hex().to_string(),
        Err(_) => String::new(),
    })
}
