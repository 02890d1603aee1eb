//! A name in all snapshots: which of them hold which version of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::node::Node;
use crate::problem::show;
use crate::{Error, Problem, Snapshot, Vault, Watch, deep};

pub use crate::pattern::Pattern;

/// One version of one path, and where it is.
#[derive(Clone, Debug)]
pub struct Version {
    /// As it is in the first snapshot that holds it.
    pub node: Node,
    /// Positions in the list of snapshots that was searched.
    pub first: usize,
    pub last: usize,
    /// How many snapshots hold it.
    pub count: usize,
}

#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Sorted by path; versions of one path in the order in which they appeared.
    pub versions: Vec<Version>,
    /// Folder lists that were read.
    pub lists: u64,
    /// Folders that could not be read.
    pub problems: Vec<Problem>,
}

/// Looks through `snapshots` (oldest first). A folder list that several snapshots share is read once, so a long history
/// costs little more than its newest snapshot and what changed.
pub fn find(
    vault: &Vault,
    snapshots: &[Snapshot],
    pattern: &Pattern,
    watch: &Watch,
) -> Result<Found, Error> {
    deep::run(|| {
        let mut search = Search {
            vault,
            pattern,
            watch,
            seen: HashMap::new(),
            lists: 0,
            problems: Vec::new(),
        };
        let mut found = BTreeMap::new();
        for (number, snapshot) in snapshots.iter().enumerate() {
            match vault.inner.roots(snapshot) {
                Ok(roots) => {
                    let matches = search.entries(roots, 0)?;
                    matches.spread(b"", number, &mut found);
                }
                Err(error) => {
                    let object = format!("snapshot {}", snapshot.id);
                    search
                        .problems
                        .push(Problem::new(object, error.to_string()));
                }
            }
        }
        let versions = found.into_values().flatten().map(|(_, version)| version);
        Ok(Found {
            versions: versions.collect(),
            lists: search.lists,
            problems: search.problems,
        })
    })
}

type Key = [u8; 16];
/// Versions of each path, with what tells them apart.
type Paths = BTreeMap<Vec<u8>, Vec<(Key, Version)>>;

struct Search<'a> {
    vault: &'a Vault,
    pattern: &'a Pattern,
    watch: &'a Watch,
    /// What was found below each folder list.
    seen: HashMap<Key, Option<Arc<Matches>>>,
    lists: u64,
    problems: Vec<Problem>,
}

/// What was found in one folder list, and below it.
#[derive(Default)]
struct Matches {
    here: Vec<(Key, Node)>,
    below: Vec<(Vec<u8>, Arc<Matches>)>,
}

impl Matches {
    fn is_empty(&self) -> bool {
        self.here.is_empty() && self.below.is_empty()
    }

    /// Adds what snapshot `number` holds. `folder` is where these matches lie; nothing for the roots, which have whole paths.
    fn spread(&self, folder: &[u8], number: usize, found: &mut Paths) {
        for (key, node) in &self.here {
            let path = path(folder, &node.name, &node.path);
            let versions = found.entry(path.clone()).or_default();
            match versions.iter_mut().find(|(known, _)| known == key) {
                Some((_, version)) => {
                    version.last = number;
                    version.count += 1;
                }
                None => {
                    let version = Version {
                        node: Node {
                            path,
                            ..node.clone()
                        },
                        first: number,
                        last: number,
                        count: 1,
                    };
                    versions.push((*key, version));
                }
            }
        }
        for (name, matches) in &self.below {
            matches.spread(&path(folder, name, name), number, found);
        }
    }
}

fn path(folder: &[u8], name: &[u8], root: &[u8]) -> Vec<u8> {
    match folder {
        b"" => root.to_vec(),
        folder => crate::format::tree::join(folder, name),
    }
}

impl Search<'_> {
    fn entries(&mut self, nodes: Vec<Node>, depth: usize) -> Result<Matches, Error> {
        if self.watch.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let mut matches = Matches::default();
        for mut node in nodes {
            if node.is_dir() && depth <= deep::LEVELS {
                // Below the roots a folder is known by its name.
                let name = if depth == 0 { &node.path } else { &node.name };
                if let Some(below) = self.folder(&node, depth)? {
                    matches.below.push((name.clone(), below));
                }
            }
            if self.pattern.matches(&node.name, &node.path) {
                let key = version(&node);
                (node.segments, node.subtree, node.xattrs) = Default::default();
                matches.here.push((key, node));
            }
        }
        Ok(matches)
    }

    fn folder(&mut self, node: &Node, depth: usize) -> Result<Option<Arc<Matches>>, Error> {
        let mut hasher = blake3::Hasher::new();
        for (id, _) in &node.subtree {
            hasher.update(id.as_bytes());
        }
        if self.pattern.needs_path() {
            hasher.update(&node.path);
        }
        let key = short(&hasher);
        if let Some(known) = self.seen.get(&key) {
            return Ok(known.clone());
        }
        self.lists += 1;
        let found = match self.vault.inner.children(node) {
            Ok(children) => Some(self.entries(children, depth + 1)?),
            Err(error) => {
                self.problems
                    .push(Problem::new(show(&node.path), error.to_string()));
                None
            }
        };
        let found = found.filter(|found| !found.is_empty()).map(Arc::new);
        self.seen.insert(key, found.clone());
        Ok(found)
    }
}

fn short(hasher: &blake3::Hasher) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    key
}

/// What tells versions apart: kind, size, time of change, content. Of a folder, that it is one.
fn version(node: &Node) -> Key {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{:?}", node.kind).as_bytes());
    if !node.is_dir() {
        hasher.update(&node.size.to_le_bytes());
        hasher.update(&node.mtime_s.to_le_bytes());
        hasher.update(&node.mtime_ns.to_le_bytes());
        hasher.update(format!("{:?}", node.segments).as_bytes());
    }
    short(&hasher)
}
