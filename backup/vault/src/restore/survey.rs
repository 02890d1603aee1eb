//! What lies in the way of a restore, and how much it will write.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::RestorePlan;
use crate::inner::Inner;
use crate::node::Node;
use crate::{Error, deep};

const EXISTING_KEPT: usize = 1000;

/// Counts what a plan writes and looks for what is in its way.
pub(super) struct Survey<'a> {
    pub(super) vault: &'a Inner,
    pub(super) plan: &'a mut RestorePlan,
}

impl Survey<'_> {
    /// `maybe_there`: the folder above exists, so this may too.
    pub(super) fn node(
        &mut self,
        node: &Node,
        to: &Path,
        maybe_there: bool,
        depth: usize,
    ) -> Result<(), Error> {
        let there = if maybe_there {
            to.symlink_metadata().ok()
        } else {
            None
        };
        let in_the_way = there
            .as_ref()
            .is_some_and(|meta| !(meta.is_dir() && node.is_dir()));
        if in_the_way {
            self.plan.existing_count += 1;
            if self.plan.existing.len() < EXISTING_KEPT {
                self.plan.existing.push(to.to_owned());
            }
        }
        if !node.is_dir() {
            self.plan.files += 1;
            self.plan.bytes = self.plan.bytes.saturating_add(node.size);
            return Ok(());
        }
        self.plan.folders += 1;
        if depth > deep::LEVELS {
            return Ok(());
        }
        // A damaged folder list becomes a problem of the execution; the rest can still be restored.
        for child in self.vault.children(node).unwrap_or_default() {
            let to = to.join(std::ffi::OsStr::from_bytes(&child.name));
            self.node(&child, &to, there.is_some() && !in_the_way, depth + 1)?;
        }
        Ok(())
    }
}
