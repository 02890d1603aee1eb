//! A point in time that can be restored.

use std::path::PathBuf;

use crate::id::SnapshotName;
use crate::{ChunkId, Error, Problem, SnapshotId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub id: SnapshotId,
    /// Its place in the chain: higher than that of every snapshot it was committed after.
    pub seq: u64,
    /// Those it was committed after.
    pub(crate) parents: Vec<Parent>,
    /// The session that committed it.
    pub(crate) session: [u8; 16],
    /// Tombs its writer had seen.
    pub(crate) tombs: Vec<[u8; 16]>,
    pub kind: Kind,
    pub plan: String,
    /// The machine that was saved.
    pub host: String,
    /// Milliseconds since 1970, UTC.
    pub started_ms: i64,
    pub finished_ms: i64,
    /// Folders or files that were saved; empty for an image.
    pub roots: Vec<PathBuf>,
    /// Everything that is not a folder.
    pub files: u64,
    /// Bytes of all files, holes included.
    pub bytes: u64,
    /// Bytes this snapshot added to the vault (after deduplication and compression).
    pub stored_bytes: u64,
    /// What could not be saved (the first 1000; then one line saying how many more).
    pub problems: Vec<Problem>,
    pub(crate) tree: Vec<(ChunkId, u32)>,
}

/// A link of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parent {
    pub(crate) name: SnapshotName,
    /// blake3 of its object.
    pub(crate) hash: [u8; 32],
}

impl Snapshot {
    /// As its object is named.
    pub fn name(&self) -> SnapshotName {
        SnapshotName {
            seq: self.seq,
            id: self.id,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Files,
    Image,
    /// The appliance's own state, configuration and certificates.
    Appliance,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Files => "files",
            Kind::Image => "image",
            Kind::Appliance => "appliance",
        }
    }
}

/// The one that is meant by a unique prefix, `latest` or `PLAN@latest`; `snapshots` oldest first.
pub(crate) fn select(snapshots: Vec<Snapshot>, which: &str) -> Result<Snapshot, Error> {
    let none = || Error::NoSuchSnapshot {
        which: which.to_owned(),
    };
    if which == "latest" {
        return snapshots.into_iter().next_back().ok_or_else(none);
    }
    if let Some(plan) = which.strip_suffix("@latest") {
        return snapshots
            .into_iter()
            .rev()
            .find(|s| s.plan == plan)
            .ok_or_else(none);
    }
    if which.is_empty() {
        return Err(none());
    }
    let mut found: Vec<Snapshot> = snapshots
        .into_iter()
        .filter(|s| s.id.to_string().starts_with(which))
        .collect();
    match (found.pop(), found.len()) {
        (Some(one), 0) => Ok(one),
        (Some(_), more) => Err(Error::AmbiguousSnapshot {
            which: which.to_owned(),
            count: more + 1,
        }),
        (None, _) => Err(none()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(first: u8, plan: &str, started_ms: i64) -> Snapshot {
        let mut id = [0; 16];
        id[0] = first;
        Snapshot {
            id: SnapshotId::from_bytes(id),
            seq: 1,
            parents: Vec::new(),
            session: [0; 16],
            tombs: Vec::new(),
            kind: Kind::Files,
            plan: plan.to_owned(),
            host: String::new(),
            started_ms,
            finished_ms: started_ms,
            roots: Vec::new(),
            files: 0,
            bytes: 0,
            stored_bytes: 0,
            problems: Vec::new(),
            tree: Vec::new(),
        }
    }

    #[test]
    fn a_snapshot_is_chosen_by_prefix_latest_or_plan() {
        let all = || {
            vec![
                snapshot(0xa1, "a", 1),
                snapshot(0xa2, "b", 2),
                snapshot(0xb3, "a@b", 3),
                snapshot(0xc4, "a", 4),
            ]
        };
        for (which, want) in [
            ("latest", 4),
            ("a@latest", 4),
            ("b@latest", 2),
            ("a@b@latest", 3),
            ("a1", 1),
            ("b", 3),
        ] {
            assert_eq!(select(all(), which).unwrap().started_ms, want, "{which}");
        }
        assert!(matches!(
            select(all(), "a"),
            Err(Error::AmbiguousSnapshot { count: 2, .. })
        ));
        for which in ["", "d", "zz", "x@latest"] {
            assert!(
                matches!(select(all(), which), Err(Error::NoSuchSnapshot { .. })),
                "{which}"
            );
        }
        assert!(matches!(
            select(Vec::new(), "latest"),
            Err(Error::NoSuchSnapshot { .. })
        ));
    }
}
