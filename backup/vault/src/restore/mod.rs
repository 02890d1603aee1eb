//! Restores a snapshot, or parts of it: [`plan()`] says what will be written, [`execute()`] writes it.
//!
//! One thread walks the saved tree, makes folders, links and devices, and gathers files in batches of bounded size.
//! A batch is read by pack: neighbouring frames in one request, every frame opened once, its chunks written where the
//! files want them, by several threads. A folder's own attributes come when the last entry below it is done.
//!
//! | file | noun |
//! |---|---|
//! | `plan.rs` `survey.rs` | what a restore will write, and what is in its way |
//! | `fate.rs` `ground.rs` | what becomes of a name that is taken; what a plan asks of the place, here or on another machine |
//! | `execute.rs` `flush.rs` | the threads, their counters, when they stop; the disk keeps up meanwhile |
//! | `tree.rs` `links.rs` | the walk: folders, names, links, devices |
//! | `folder.rs` | an open place in the destination, reached without following a link |
//! | `filling.rs` `existing.rs` | a file being written; one that is already there |
//! | `gather.rs` `batch.rs` `fetch.rs` `opener.rs` | files and the chunks they want; which ranges of which packs to read; reading them |

mod batch;
mod execute;
mod existing;
mod fate;
mod fetch;
mod filling;
mod flush;
mod folder;
mod gather;
mod ground;
mod links;
mod opener;
mod plan;
mod survey;
mod tree;

pub(crate) use existing::same_content;
pub(crate) use plan::place;

pub use execute::{RestoreStats, execute};
pub use fate::{Fate, There, fate, sibling};
pub use ground::Ground;
pub use plan::{InTheWay, Overwrite, Placement, RestorePlan, in_place, plan, plan_on};

#[cfg(test)]
mod hostile;

#[cfg(test)]
pub(crate) struct Scratch(pub(crate) std::path::PathBuf);

#[cfg(test)]
impl Scratch {
    fn new(name: &str) -> Scratch {
        let name = format!("reprise-restore-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }
}

#[cfg(test)]
impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
