//! What `reprise vault ls`, `find` and `diff` write with `--json`.

use crate::control::encoded_bytes;
use serde::Serialize;
use vault::{Node, NodeKind, Snapshot};

/// `path` is for people; `path_encoded` (percent encoding) is exact for names that are no text.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) path_encoded: String,
    pub(crate) kind: &'static str,
    pub(crate) size: u64,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime_ms: i64,
    /// Target of a symbolic link.
    pub(crate) link: Option<String>,
}

/// One version of one path.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    #[serde(flatten)]
    pub(crate) entry: Entry,
    /// How many snapshots hold it.
    pub(crate) snapshots: usize,
    pub(crate) first: Moment,
    pub(crate) last: Moment,
}

#[derive(Debug, Serialize)]
pub(crate) struct Moment {
    pub(crate) snapshot: String,
    pub(crate) finished_ms: i64,
}

/// `added` has only `new`, `removed` only `old`, `changed` both and in what they differ.
#[derive(Debug, Serialize)]
pub(crate) struct Change {
    pub(crate) change: &'static str,
    pub(crate) what: Vec<&'static str>,
    pub(crate) old: Option<Entry>,
    pub(crate) new: Option<Entry>,
}

pub(crate) fn kind(node: &Node) -> &'static str {
    match node.kind {
        NodeKind::File => "file",
        NodeKind::Dir => "dir",
        NodeKind::Symlink { .. } => "symlink",
        NodeKind::Fifo => "fifo",
        NodeKind::Socket => "socket",
        NodeKind::CharDevice { .. } => "char_device",
        NodeKind::BlockDevice { .. } => "block_device",
    }
}

impl Entry {
    pub(crate) fn of(node: &Node) -> Entry {
        let seconds = node.mtime_s.saturating_mul(1000);
        Entry {
            path: String::from_utf8_lossy(&node.path).into_owned(),
            path_encoded: encoded_bytes(&node.path),
            kind: kind(node),
            size: node.size,
            mode: node.mode,
            uid: node.uid,
            gid: node.gid,
            mtime_ms: seconds.saturating_add(i64::from(node.mtime_ns / 1_000_000)),
            link: match &node.kind {
                NodeKind::Symlink { target } => Some(String::from_utf8_lossy(target).into_owned()),
                _ => None,
            },
        }
    }
}

impl Moment {
    pub(crate) fn of(snapshot: &Snapshot) -> Moment {
        Moment {
            snapshot: snapshot.id.to_string(),
            finished_ms: snapshot.finished_ms,
        }
    }
}

impl Change {
    pub(crate) fn of(change: &vault::diff::Change) -> Change {
        Change {
            change: match (&change.old, &change.new) {
                (None, _) => "added",
                (_, None) => "removed",
                _ => "changed",
            },
            what: change.what.iter().map(|what| what.name()).collect(),
            old: change.old.as_ref().map(Entry::of),
            new: change.new.as_ref().map(Entry::of),
        }
    }
}
