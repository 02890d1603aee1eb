//! The files that damage hits, by snapshot and path. Only done when there is some.

use std::collections::HashSet;

use super::Check;
use super::packs::Damage;
use crate::format::tree::Names;
use crate::node::{Node, NodeKind, Segment};
use crate::problem::show;
use crate::{ChunkId, Error, Problem, Snapshot, deep};

/// Folder lists below which everything is sound.
type Sound = HashSet<Vec<(ChunkId, u32)>>;

impl Check<'_> {
    pub(super) fn name_files(
        &mut self,
        snapshots: &[Snapshot],
        damage: &Damage,
    ) -> Result<(), Error> {
        let mut sound = Sound::new();
        for snapshot in snapshots {
            let label = format!("snapshot {}", &snapshot.id.to_string()[..8]);
            let mut naming = Naming {
                check: self,
                damage,
                sound: &mut sound,
                label,
            };
            naming.folder(&snapshot.tree, b"", Names::Roots, 0)?;
        }
        Ok(())
    }
}

struct Naming<'a, 'b> {
    check: &'a mut Check<'b>,
    damage: &'a Damage,
    sound: &'a mut Sound,
    label: String,
}

impl Naming<'_, '_> {
    fn problem(&mut self, path: &[u8], what: String) {
        let object = format!("{}: {}", self.label, show(path));
        self.check.problem(Problem::new(object, what));
    }

    /// Whether everything below is sound.
    fn folder(
        &mut self,
        parts: &[(ChunkId, u32)],
        path: &[u8],
        names: Names,
        depth: usize,
    ) -> Result<bool, Error> {
        if self.check.watch.is_cancelled() {
            return Err(Error::Cancelled);
        }
        if self.sound.contains(parts) {
            return Ok(true);
        }
        let nodes = match self.check.vault.entries(parts, path, names) {
            Ok(nodes) if depth <= deep::LEVELS => nodes,
            Ok(_) => return Ok(true),
            Err(error) => {
                let what = format!("the folder is lost with all it holds: {error}");
                self.problem(path, what);
                return Ok(false);
            }
        };
        let mut sound = true;
        for node in &nodes {
            sound &= match node.kind {
                NodeKind::Dir => self.folder(&node.subtree, &node.path, Names::Plain, depth + 1)?,
                _ => self.file(node),
            };
        }
        if sound {
            self.sound.insert(parts.to_vec());
        }
        Ok(sound)
    }

    fn file(&mut self, node: &Node) -> bool {
        let vault = self.check.vault;
        let mut lost = 0;
        for segment in vault.segments(node) {
            match segment {
                Ok(Segment::Chunk { id, .. }) => {
                    let places = vault.index().places(&id);
                    let is_there = places.iter().any(|place| self.damage.is_sound(place));
                    lost += u64::from(!is_there);
                }
                Ok(Segment::Hole { .. }) => {}
                Err(error) => {
                    self.problem(&node.path, format!("what it is made of is lost: {error}"));
                    return false;
                }
            }
        }
        if lost > 0 {
            let what = format!(
                "{lost} of its {} parts are lost; restore it from another snapshot",
                node.segments.count()
            );
            self.problem(&node.path, what);
        }
        lost == 0
    }
}
