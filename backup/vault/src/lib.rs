//! The vault: bytes → chunks → packs → target, and back.
//!
//! Works alone on any Linux box: no database, no clock, no network, no async runtime. Everything a caller must
//! know about time arrives as an argument. On disk: docs/format.md.
//!
//! | file | noun |
//! |---|---|
//! | `vault.rs` `inner.rs` | [`Vault`]: create, open, snapshots, folders, chunks; what its parts share |
//! | `reader.rs` `stretches.rs` `segments.rs` | one file of a snapshot as a stream; what follows in it, opened ahead; the stretches it is made of |
//! | `snapshot.rs` `node.rs` `problem.rs` `id.rs` `secret.rs` `watch.rs` `error.rs` | the values callers see |
//! | `backup.rs` `walk.rs` `walk_file.rs` `known.rs` | a tree of files → a snapshot; what is still as the last one has it |
//! | `ahead.rs` `scan.rs` `exclude.rs` `source.rs` `estimate.rs` | looking at files, ahead of the walk and without changing them; what is left out |
//! | `paged.rs` `tally.rs` | which files are cut at fixed places; what a run met |
//! | `stream.rs` `given.rs` | what a program writes → a snapshot of one file; → folders beside those that are read |
//! | `writer.rs` | streams and bytes → a snapshot (disk images) |
//! | `content.rs` `chunker.rs` | a stream → chunks; where it is cut |
//! | `session/` | chunks → packs: deduplicate, compress, seal, publish |
//! | `index/` | where each chunk lies |
//! | `frames.rs` | frames read lately |
//! | `keys.rs` `kdf.rs` `keyring.rs` `recovery.rs` | secrets → keys, sealing; the passwords and recovery keys that open a vault |
//! | `restore/` | what a restore will write: `plan`; writing it: `execute` |
//! | `attributes.rs` | owner, mode, extended attributes and times of a restored entry |
//! | `compare.rs` | restored files against what was read at backup time |
//! | `check.rs` `check/` | is everything there, does every byte verify |
//! | `chain.rs` | snapshots one after the other; the commit |
//! | `live.rs` | every chunk that a snapshot needs |
//! | `writers.rs` `tombs.rs` `marks.rs` `ledger.rs` | who is at work, what was forgotten or is about to go, what is held; small sealed objects |
//! | `zip.rs` `tar.rs` | a folder of a snapshot → a zip or tar stream |
//! | `list.rs` `find.rs` `pattern.rs` `diff.rs` | what a snapshot holds; a name in all snapshots; what differs between two snapshots, or a snapshot and a folder |
//! | `retention.rs` `calendar.rs` `forget.rs` | which snapshots may be forgotten, and why; forgetting them |
//! | `prune/` `repair.rs` | deleting what no snapshot needs; what can be done about damage |
//! | `deep.rs` | room for deep trees |
//! | `bench.rs` | doors for `benches/` |
//! | `format/` | bytes on disk, pure |
//! | `target/` | where objects lie: a folder, memory, or a simulated NAS |

mod ahead;
mod attributes;
pub mod backup;
#[doc(hidden)]
pub mod bench;
mod calendar;
mod chain;
mod check;
mod chunker;
pub mod compare;
mod content;
mod deep;
pub mod diff;
mod error;
mod estimate;
mod exclude;
pub mod find;
mod folder_list;
pub mod forget;
#[cfg(not(fuzzing))]
mod format;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod format;
mod frames;
mod given;
mod id;
mod index;
mod inner;
mod kdf;
mod keyring;
mod keys;
mod known;
mod ledger;
pub mod list;
mod live;
mod marks;
mod node;
mod paged;
mod pattern;
mod problem;
pub mod prune;
mod reader;
mod recovery;
mod repair;
pub mod restore;
pub mod retention;
mod scan;
mod secret;
mod segments;
mod session;
mod settled;
mod snapshot;
mod source;
mod stream;
mod stretches;
mod tally;
pub mod tar;
pub mod target;
mod tombs;
mod vault;
mod walk;
mod walk_file;
mod watch;
pub mod writer;
mod writers;
pub mod zip;

pub use check::CheckReport;
pub use error::Error;
pub use id::{ChunkId, SnapshotId, SnapshotName};
pub use keyring::{KeyInfo, KeyKind};
pub use marks::Hold;
pub use node::{Node, NodeKind, Segment, SegmentPart, Segments, Xattr};
pub use problem::Problem;
pub use reader::{FileReader, Part};
pub use recovery::RecoveryKey;
pub use repair::Report as RepairReport;
pub use secret::Secret;
pub use segments::SegmentReader;
pub use snapshot::{Kind, Snapshot};
pub use target::Target;
pub use vault::{KdfCost, Limits, PackedChunk, Stats, Vault};
pub use watch::Watch;
