//! Is the chain of snapshots whole: nothing deleted behind the vault's back, no older state put back?

use std::collections::{BTreeMap, BTreeSet};

use crate::id::SnapshotName;
use crate::inner::{Inner, hex_name};
use crate::marks::Marks;
use crate::target::ObjectKind;
use crate::tombs::Tombs;
use crate::writers::Sessions;
use crate::{Error, Problem, Snapshot};

/// What the vault says of its snapshots, read anew from the target.
pub(super) struct Chain {
    /// Those that count, oldest first.
    pub(super) snapshots: Vec<Snapshot>,
    pub(super) problems: Vec<Problem>,
}

impl Chain {
    pub(super) fn read(inner: &Inner, expected: Option<SnapshotName>) -> Result<Chain, Error> {
        // In this order: what is committed meanwhile is seen whole, what is forgotten meanwhile is seen forgotten.
        let sessions = Sessions::read(inner)?;
        let (names, mut problems) = inner.snapshot_names()?;
        let (mut read, mut hashes) = (Vec::new(), BTreeMap::new());
        let mut listed: BTreeSet<SnapshotName> = names.iter().copied().collect();
        for name in names {
            match inner.read_linked(name) {
                Ok((snapshot, hash)) => {
                    hashes.insert(name, hash);
                    read.push(snapshot);
                }
                Err(Error::Target(crate::target::Error::NotFound { .. })) => {
                    listed.remove(&name);
                }
                Err(error) => problems.push(Problem::new(object(&name), error.to_string())),
            }
        }
        let tombs = Tombs::read(inner)?;
        let marks = Marks::read(inner)?;
        let is_known =
            |name: &SnapshotName| listed.contains(name) || tombs.forgotten.contains(name);
        for (id, known) in &sessions.known {
            if let Some(name) = known.committed.filter(|name| !is_known(name)) {
                problems.push(Problem::new(
                    object(&name),
                    format!(
                        "is missing: {} committed it, and nobody forgot it here",
                        who(id)
                    ),
                ));
            }
            let is_there = read.iter().any(|snapshot| snapshot.session == *id);
            if known.is_open() && is_there {
                problems.push(Problem::new(
                    who(id),
                    "has committed and not ended: its end was deleted, or it stopped just then; a prune tidies it",
                ));
            }
        }
        let mut missing = BTreeMap::new();
        for snapshot in &read {
            for parent in &snapshot.parents {
                match hashes.get(&parent.name) {
                    Some(hash) if *hash != parent.hash => problems.push(Problem::new(
                        object(&parent.name),
                        format!("is not the one that snapshot {} follows", snapshot.id),
                    )),
                    Some(_) => {}
                    None if is_known(&parent.name) => {}
                    None => {
                        missing.entry(parent.name).or_insert(snapshot.id);
                    }
                }
            }
        }
        for (name, child) in missing {
            let said = problems
                .iter()
                .any(|problem| problem.object == object(&name));
            if !said {
                problems.push(Problem::new(
                    object(&name),
                    format!("is missing: snapshot {child} follows it, and nobody forgot it here"),
                ));
            }
        }
        let mut snapshots = Vec::new();
        for snapshot in read {
            let name = snapshot.name();
            if sessions.is_void(&snapshot.session, &name) {
                problems.push(Problem::new(
                    object(&name),
                    "is void: it was committed by a writer that a prune had revoked; the next prune deletes it",
                ));
            } else if !tombs.forgotten.contains(&name) {
                snapshots.push(snapshot);
            }
        }
        if let Some(head) = expected.filter(|head| !is_known(head)) {
            problems.push(rolled_back(&head, snapshots.last()));
        }
        problems.extend(sessions.problems);
        problems.extend(tombs.problems);
        problems.extend(marks.problems);
        Ok(Chain {
            snapshots,
            problems,
        })
    }
}

fn rolled_back(head: &SnapshotName, newest: Option<&Snapshot>) -> Problem {
    let newest = match newest {
        Some(newest) => format!("the newest here is {}", newest.name()),
        None => "there is none here".to_owned(),
    };
    Problem::new(
        object(head),
        format!(
            "is missing, and was the newest when last seen ({newest}): an older state of the vault was put back, or it was deleted"
        ),
    )
}

fn object(name: &SnapshotName) -> String {
    ObjectKind::Snapshot.object(&name.to_string())
}

fn who(session: &[u8; 16]) -> String {
    ObjectKind::Session.object(&hex_name(session))
}
