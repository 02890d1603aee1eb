//! The vault: bytes → chunks → packs → target, and back.
//!
//! Works alone on any Linux box: no database, no clock, no network, no async runtime. Everything a caller must
//! know about time arrives as an argument. On disk: docs/format.md.
//!
//! | file | noun |
//! |---|---|
//! | `vault.rs` | [`Vault`]: create, open, snapshots, folders, files, chunks |
//! | `snapshot.rs` `node.rs` `problem.rs` `id.rs` `secret.rs` `watch.rs` | the values callers see |
//! | `backup.rs` | a tree of files → a snapshot |
//! | `writer.rs` | streams and bytes → a snapshot (disk images) |
//! | `restore.rs` | a snapshot → files; `plan` says what will be written, `execute` writes it |
//! | `compare.rs` | restored files against what was read at backup time |
//! | `zip.rs` | a folder of a snapshot → a zip stream |
//! | `target/` | where objects lie: a folder, or memory |

pub mod backup;
pub mod compare;
mod error;
mod id;
mod node;
mod problem;
pub mod restore;
mod secret;
mod snapshot;
pub mod target;
mod vault;
mod watch;
pub mod writer;
pub mod zip;

pub use error::Error;
pub use id::{ChunkId, SnapshotId};
pub use node::{Node, NodeKind, Segment, Xattr};
pub use problem::Problem;
pub use secret::Secret;
pub use snapshot::{Kind, Snapshot};
pub use target::Target;
pub use vault::{CheckReport, FileReader, KdfCost, PackedChunk, Stats, Vault};
pub use watch::Watch;
