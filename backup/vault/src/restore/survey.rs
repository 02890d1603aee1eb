//! What lies in the way of a restore, and how much it will write.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{Fate, Ground, InTheWay, RestorePlan, There, fate};
use crate::inner::Inner;
use crate::node::Node;
use crate::{Error, deep};

const KEPT: usize = 1000;
/// Names asked for at once: a folder of a million entries must not be a million paths in memory.
const AT_ONCE: usize = 1024;

/// Counts what a plan writes and looks for what is in its way.
pub(super) struct Survey<'a> {
    pub(super) vault: &'a Inner,
    pub(super) plan: &'a mut RestorePlan,
    pub(super) ground: &'a dyn Ground,
}

impl Survey<'_> {
    /// `nodes` and where each lands; `maybe_there`: the folder above exists, so these may too.
    pub(super) fn all<'n>(
        &mut self,
        mut nodes: impl Iterator<Item = (&'n Node, PathBuf)>,
        maybe_there: bool,
        depth: usize,
    ) -> Result<(), Error> {
        loop {
            let lot: Vec<(&Node, PathBuf)> = nodes.by_ref().take(AT_ONCE).collect();
            if lot.is_empty() {
                return Ok(());
            }
            let there = match maybe_there {
                true => self.look(lot.iter().map(|(_, to)| to.clone()).collect())?,
                false => vec![None; lot.len()],
            };
            for ((node, to), there) in lot.into_iter().zip(there) {
                self.node(node, &to, there.as_ref(), depth)?;
            }
        }
    }

    fn look(&self, paths: Vec<PathBuf>) -> Result<Vec<Option<There>>, Error> {
        self.ground.there(&paths).map_err(|error| {
            super::execute::bad_destination(
                self.plan,
                format!("what is there cannot be looked at: {error}"),
            )
        })
    }

    fn node(
        &mut self,
        node: &Node,
        to: &Path,
        there: Option<&There>,
        depth: usize,
    ) -> Result<(), Error> {
        let fate = fate(node, there, self.plan.overwrite);
        self.count(fate, to);
        if !node.is_dir() {
            self.plan.files += 1;
            self.plan.bytes = self.plan.bytes.saturating_add(node.size);
            if !matches!(fate, Fate::Same | Fate::Keep | Fate::Blocked) {
                let holes = node.segments.hole_bytes();
                let data = node.size.saturating_sub(holes);
                self.plan.needed_bytes = self.plan.needed_bytes.saturating_add(data);
            }
            return Ok(());
        }
        self.plan.folders += 1;
        if depth > deep::LEVELS {
            return Ok(());
        }
        // A damaged folder list becomes a problem of the execution; the rest can still be restored.
        let children = self.vault.children(node).unwrap_or_default();
        let placed = children
            .iter()
            .map(|child| (child, to.join(OsStr::from_bytes(&child.name))));
        self.all(placed, fate == Fate::Enter, depth + 1)
    }

    fn count(&mut self, fate: Fate, to: &Path) {
        let InTheWay {
            same,
            replaced,
            newer,
            kept,
            beside,
            blocked,
        } = &mut self.plan.in_the_way;
        match fate {
            Fate::New | Fate::Enter => return,
            Fate::Same => *same += 1,
            Fate::Replace { newer: is_newer } => {
                *replaced += 1;
                *newer += u64::from(is_newer);
                if self.plan.lost.len() < KEPT {
                    self.plan.lost.push((to.to_owned(), is_newer));
                }
            }
            Fate::Keep => *kept += 1,
            Fate::Beside => *beside += 1,
            Fate::Blocked => *blocked += 1,
        }
        self.plan.existing_count += 1;
        if self.plan.existing.len() < KEPT {
            self.plan.existing.push(to.to_owned());
        }
    }
}
