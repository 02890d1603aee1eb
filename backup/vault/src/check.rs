//! Is everything there that snapshots need; and, when asked, does every byte of it verify?

mod chain;

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use crate::format::object;
use crate::format::tree::Names;
use crate::index::{Index, PackName, Place};
use crate::inner::{Inner, hex_name};
use crate::node::{Node, NodeKind, Segment};
use crate::problem::show;
use crate::{ChunkId, Error, Problem, Snapshot, Vault, Watch, deep};
use chain::Chain;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    pub snapshots: u64,
    pub packs: u64,
    pub chunks: u64,
    /// Bytes of packs that were read and verified (0 without `read_all`).
    pub bytes_read: u64,
    /// Damaged objects, and each file of each snapshot that they hit (the first 1000).
    pub problems: Vec<Problem>,
}

const PROBLEMS_KEPT: usize = 1000;

impl Vault {
    /// Looks whether everything that snapshots need is there (every pack's end and directory are read again, and every
    /// folder list); with `read_all`, reads and verifies every byte. `only` limits both to what one snapshot needs.
    pub fn check(
        &self,
        read_all: bool,
        only: Option<&Snapshot>,
        watch: &Watch,
    ) -> Result<CheckReport, Error> {
        deep::run(|| {
            let mut check = Check {
                vault: &self.inner,
                watch,
                report: CheckReport::default(),
                bad: HashSet::new(),
                sound: HashSet::new(),
            };
            check.run(read_all, only)?;
            Ok(check.report)
        })
    }
}

struct Check<'a> {
    vault: &'a Inner,
    watch: &'a Watch,
    report: CheckReport,
    /// Chunks that were read and do not verify.
    bad: HashSet<ChunkId>,
    /// Folder lists below which everything is sound.
    sound: HashSet<Vec<(ChunkId, u32)>>,
}

impl Check<'_> {
    fn run(&mut self, read_all: bool, only: Option<&Snapshot>) -> Result<(), Error> {
        let mut index = Index::default();
        index.refresh(&*self.vault.target, &self.vault.keys)?;
        let broken = index.problems().to_vec();
        // A pack that broke since the vault was opened is forgotten here too: the next run stores its chunks again.
        *self.vault.index_mut() = index;
        if only.is_none() {
            broken.into_iter().for_each(|problem| self.problem(problem));
        }
        let snapshots = self.snapshots(only)?;
        self.report.snapshots = snapshots.len() as u64;
        let mut needed = HashSet::new();
        if only.is_some() {
            for snapshot in &snapshots {
                needed.extend(self.needed(snapshot)?);
            }
        }
        let wanted = |pack: &PackName| only.is_none() || needed.contains(pack);
        let packs: Vec<PackName> = self
            .vault
            .index()
            .packs()
            .iter()
            .copied()
            .filter(wanted)
            .collect();
        self.report.packs = packs.len() as u64;
        self.report.chunks = self
            .vault
            .index()
            .chunks()
            .filter(|(_, place)| wanted(&place.pack))
            .count() as u64;
        if read_all {
            self.read_packs(packs)?;
        }
        for snapshot in &snapshots {
            self.tree(snapshot)?;
        }
        Ok(())
    }

    fn problem(&mut self, problem: Problem) {
        match self.report.problems.len() {
            0..PROBLEMS_KEPT => self.report.problems.push(problem),
            PROBLEMS_KEPT => self.report.problems.push(Problem::new(
                "and others",
                "there are more problems than these",
            )),
            _ => {}
        }
    }

    /// Read again from the target, not from memory.
    fn snapshots(&mut self, only: Option<&Snapshot>) -> Result<Vec<Snapshot>, Error> {
        if let Some(snapshot) = only {
            return Ok(vec![self.vault.read_snapshot(snapshot.name())?]);
        }
        let chain = Chain::read(self.vault, None)?;
        chain
            .problems
            .into_iter()
            .for_each(|problem| self.problem(problem));
        Ok(chain.snapshots)
    }

    fn place(&self, id: &ChunkId) -> Option<Place> {
        self.vault.index().get(id)
    }

    /// Packs that one snapshot needs; lists that cannot be read are found by `tree` later.
    fn needed(&self, snapshot: &Snapshot) -> Result<HashSet<PackName>, Error> {
        let mut packs = HashSet::new();
        self.collect(&snapshot.tree, Names::Roots, &mut packs, 0)?;
        Ok(packs)
    }

    fn collect(
        &self,
        parts: &[(ChunkId, u32)],
        names: Names,
        packs: &mut HashSet<PackName>,
        depth: usize,
    ) -> Result<(), Error> {
        if self.watch.is_cancelled() {
            return Err(Error::Cancelled);
        }
        packs.extend(
            parts
                .iter()
                .filter_map(|(id, _)| self.place(id))
                .map(|place| place.pack),
        );
        for node in self.vault.entries(parts, b"", names).unwrap_or_default() {
            if node.is_dir() && depth <= deep::LEVELS {
                self.collect(&node.subtree, Names::Plain, packs, depth + 1)?;
            }
            for part in node.segments.parts() {
                packs.extend(self.place(&part.id).map(|place| place.pack));
            }
            for segment in self.vault.segments(&node) {
                if let Ok(Segment::Chunk { id, .. }) = segment {
                    packs.extend(self.place(&id).map(|place| place.pack));
                }
            }
        }
        Ok(())
    }

    fn read_packs(&mut self, packs: Vec<PackName>) -> Result<(), Error> {
        let mut chunks: std::collections::HashMap<PackName, Vec<(ChunkId, Place)>> =
            std::collections::HashMap::new();
        for (id, place) in self.vault.index().chunks() {
            chunks.entry(place.pack).or_default().push((*id, *place));
        }
        self.watch
            .files_total
            .fetch_add(packs.len() as u64, Ordering::Relaxed);
        for pack in packs {
            if self.watch.is_cancelled() {
                return Err(Error::Cancelled);
            }
            self.read_pack(pack, chunks.remove(&pack).unwrap_or_default());
            self.watch.files_done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn read_pack(&mut self, (kind, id): PackName, chunks: Vec<(ChunkId, Place)>) {
        let name = hex_name(&id);
        let bytes = match self.vault.target.get(kind, &name) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.problem(Problem::new(kind.object(&name), error.to_string()));
                self.bad.extend(chunks.iter().map(|(id, _)| *id));
                return;
            }
        };
        self.report.bytes_read += bytes.len() as u64;
        self.watch
            .bytes_done
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let whole = object::body(&bytes);
        let mut hit = 0;
        for (id, place) in &chunks {
            let sealed = usize::try_from(place.offset)
                .ok()
                .and_then(|at| bytes.get(at..at + place.sealed_len as usize));
            let plain = sealed.map(|sealed| {
                self.vault
                    .unseal(id, place, sealed.to_vec())
                    .and_then(|packed| self.vault.plain(id, packed))
            });
            if !matches!(plain, Some(Ok(_))) {
                self.bad.insert(*id);
                hit += 1;
            }
        }
        if let Err(bad) = whole {
            self.problem(Problem::new(
                kind.object(&name),
                format!("{bad}; {hit} of its {} chunks are lost", chunks.len()),
            ));
        } else if hit > 0 {
            self.problem(Problem::new(
                kind.object(&name),
                format!("{hit} of its {} chunks do not verify", chunks.len()),
            ));
        }
    }

    fn tree(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        let label = format!("snapshot {}", &snapshot.id.to_string()[..8]);
        self.folder(&label, &snapshot.tree, b"", Names::Roots, 0)
            .map(|_| ())
    }

    /// Whether everything below is sound.
    fn folder(
        &mut self,
        label: &str,
        parts: &[(ChunkId, u32)],
        path: &[u8],
        names: Names,
        depth: usize,
    ) -> Result<bool, Error> {
        if self.watch.is_cancelled() {
            return Err(Error::Cancelled);
        }
        if self.sound.contains(parts) {
            return Ok(true);
        }
        let nodes = match self.vault.entries(parts, path, names) {
            Ok(nodes) if depth <= deep::LEVELS => nodes,
            Ok(_) => return Ok(true),
            Err(error) => {
                self.problem(Problem::new(
                    format!("{label}: {}", show(path)),
                    format!("the folder is lost with all it holds: {error}"),
                ));
                return Ok(false);
            }
        };
        let mut sound = true;
        for node in &nodes {
            sound &= match node.kind {
                NodeKind::Dir => {
                    self.folder(label, &node.subtree, &node.path, Names::Plain, depth + 1)?
                }
                _ => self.file(label, node),
            };
        }
        if sound {
            self.sound.insert(parts.to_vec());
        }
        Ok(sound)
    }

    fn file(&mut self, label: &str, node: &Node) -> bool {
        let mut lost = 0;
        for segment in self.vault.segments(node) {
            lost += u64::from(match segment {
                Ok(Segment::Chunk { id, len }) => {
                    self.bad.contains(&id)
                        || self.place(&id).is_none_or(|place| place.plain_len != len)
                }
                Ok(Segment::Hole { .. }) => false,
                Err(error) => {
                    self.problem(Problem::new(
                        format!("{label}: {}", show(&node.path)),
                        format!("what it is made of is lost: {error}"),
                    ));
                    return false;
                }
            });
        }
        if lost > 0 {
            let what = format!(
                "{lost} of its {} parts are lost; restore it from another snapshot",
                node.segments.count()
            );
            self.problem(Problem::new(format!("{label}: {}", show(&node.path)), what));
        }
        lost == 0
    }
}
