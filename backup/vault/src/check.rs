//! Is everything there that snapshots need; and, when asked, does every byte of it verify?

mod chain;

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{PoisonError, RwLock};

use crate::format::envelope;
use crate::format::tree::Names;
use crate::id::ShortId;
use crate::index::{self, Index, PackName, Place, Reading};
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
                lost: HashSet::new(),
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
    bad: HashSet<ShortId>,
    /// Packs nothing of which could be read.
    lost: HashSet<PackName>,
    /// Folder lists below which everything is sound.
    sound: HashSet<Vec<(ChunkId, u32)>>,
}

impl Check<'_> {
    fn run(&mut self, read_all: bool, only: Option<&Snapshot>) -> Result<(), Error> {
        let index = RwLock::new(Index::default());
        let (target, keys) = (&*self.vault.target, &self.vault.keys);
        index::refresh(&index, target, keys, Reading::Directories)?;
        let index = index.into_inner().unwrap_or_else(PoisonError::into_inner);
        let broken = index.problems().to_vec();
        // A pack that broke since the vault was opened is forgotten here too: the next run stores its chunks again.
        *self.vault.index_mut() = index;
        self.vault.forget_frames();
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
        let mut packs = Vec::new();
        for pack in self.vault.index().packs() {
            if wanted(&pack.name) {
                packs.push(pack.name);
                self.report.chunks += pack.chunks;
            }
        }
        self.report.packs = packs.len() as u64;
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
        for pack in packs {
            if self.watch.is_cancelled() {
                return Err(Error::Cancelled);
            }
            self.read_pack(pack);
            self.watch.files_done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn read_pack(&mut self, (kind, id): PackName) {
        let name = hex_name(&id);
        let bytes = match self.vault.target.get(kind, &name) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.problem(Problem::new(kind.object(&name), error.to_string()));
                self.lost.insert((kind, id));
                return;
            }
        };
        self.report.bytes_read += bytes.len() as u64;
        self.watch
            .bytes_done
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let directory = match index::directory_of(&self.vault.keys, (kind, id), &bytes) {
            Ok(directory) => directory,
            Err(bad) => {
                self.problem(Problem::new(kind.object(&name), bad.to_string()));
                self.lost.insert((kind, id));
                return;
            }
        };
        let (mut all, mut hit) = (0, 0);
        for (number, frame) in (0u16..).zip(&directory.frames) {
            let from = frame.offset as usize;
            let opened = bytes
                .get(from..from + frame.len as usize)
                .and_then(|bytes| self.vault.open_frame(&(kind, id), number, bytes).ok());
            for (slot, (short, _)) in (0u16..).zip(&frame.chunks) {
                let plain = opened.as_ref().and_then(|frame| frame.chunk(slot));
                all += 1;
                if plain.map(|plain| self.vault.keys.chunk_id(plain).short()) != Some(*short) {
                    self.bad.insert(*short);
                    hit += 1;
                }
            }
        }
        if let Err(bad) = envelope::parse_as(&bytes, kind, &id) {
            self.problem(Problem::new(
                kind.object(&name),
                format!("{bad}; {hit} of its {all} chunks are lost"),
            ));
        } else if hit > 0 {
            self.problem(Problem::new(
                kind.object(&name),
                format!("{hit} of its {all} chunks do not verify"),
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
                Ok(Segment::Chunk { id, .. }) => {
                    let place = self.place(&id);
                    self.bad.contains(&id.short())
                        || place.is_none_or(|place| self.lost.contains(&place.pack))
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
