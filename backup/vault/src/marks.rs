//! What was decided or found out later about snapshots and packs: holds, proofs, packs that went bad.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::format::mark::{self, Mark, What};
use crate::id::SnapshotName;
use crate::index::PackName;
use crate::inner::{Inner, hex_name};
use crate::target::ObjectKind;
use crate::{Error, Problem, Snapshot, SnapshotId, Vault};

/// Why and since when a snapshot is kept whatever the rules say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub snapshot: SnapshotId,
    /// Milliseconds since 1970, UTC.
    pub since_ms: i64,
    pub note: String,
}

impl Hold {
    pub(crate) fn reason(&self) -> String {
        match self.note.is_empty() {
            true => "held".to_owned(),
            false => format!("held: {}", self.note),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// Those that count.
    all: BTreeMap<[u8; 16], Mark>,
    cancelled: BTreeMap<[u8; 16], Mark>,
    pub(crate) problems: Vec<Problem>,
}

impl Marks {
    pub(crate) fn read(inner: &Inner) -> Result<Marks, Error> {
        let (found, problems) = inner.read_small(ObjectKind::Mark, mark::decode)?;
        let cancelled: BTreeSet<[u8; 16]> = found
            .iter()
            .flat_map(|(_, mark)| mark.cancels.iter().copied())
            .collect();
        let (cancelled, standing) = found
            .into_iter()
            .partition(|(id, _)| cancelled.contains(id));
        Ok(Marks {
            all: standing,
            cancelled,
            problems,
        })
    }

    pub(crate) fn holds(&self) -> Vec<(SnapshotName, Hold)> {
        let hold = |mark: &Mark| match mark.what {
            What::Hold(name) => Some((
                name,
                Hold {
                    snapshot: name.id,
                    since_ms: mark.made_ms,
                    note: mark.note.clone(),
                },
            )),
            _ => None,
        };
        self.all.values().filter_map(hold).collect()
    }

    pub(crate) fn proven(&self) -> Vec<SnapshotId> {
        let proven = |mark: &Mark| match mark.what {
            What::Proven(name) => Some(name.id),
            _ => None,
        };
        self.all.values().filter_map(proven).collect()
    }

    /// Deletes marks about what is no longer there, and those that were cancelled, before what cancels them.
    pub(crate) fn tidy(
        &self,
        inner: &Inner,
        is_there: impl Fn(&SnapshotName) -> bool,
        has_pack: impl Fn(&PackName) -> bool,
    ) -> Result<(), Error> {
        let is_idle = |mark: &Mark| match &mark.what {
            What::Hold(name) | What::Proven(name) => !is_there(name),
            What::Release(_) => true,
            What::ReadWell(pack) => !has_pack(pack),
        };
        let idle = self.all.iter().filter(|(_, mark)| is_idle(mark));
        let remove = |ids: Vec<&[u8; 16]>| -> Result<(), Error> {
            let names: Vec<String> = ids.into_iter().map(hex_name).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            Ok(inner.target.remove(ObjectKind::Mark, &names)?)
        };
        remove(self.cancelled.keys().collect())?;
        remove(idle.map(|(id, _)| id).collect())
    }

    fn put(inner: &Inner, mark: &Mark) -> Result<(), Error> {
        inner.put_small(ObjectKind::Mark, &mark::encode(mark))?;
        Ok(())
    }
}

impl Vault {
    /// Keeps a snapshot whatever the rules say, until it is released.
    pub fn hold(&self, snapshot: &Snapshot, note: &str, now_ms: i64) -> Result<(), Error> {
        let mark = Mark {
            what: What::Hold(snapshot.name()),
            made_ms: now_ms,
            note: note.to_owned(),
            cancels: Vec::new(),
        };
        Marks::put(&self.inner, &mark)
    }

    /// Ends all holds of a snapshot; returns them.
    pub fn release(
        &self,
        snapshot: &Snapshot,
        note: &str,
        now_ms: i64,
    ) -> Result<Vec<Hold>, Error> {
        let marks = Marks::read(&self.inner)?;
        let name = snapshot.name();
        let ended = marks.holds();
        let ended: Vec<Hold> = ended
            .into_iter()
            .filter(|(held, _)| *held == name)
            .map(|(_, hold)| hold)
            .collect();
        if !ended.is_empty() {
            let of_it = marks.all.iter();
            let of_it = of_it.filter(|(_, mark)| mark.what == What::Hold(name));
            let mark = Mark {
                what: What::Release(name),
                made_ms: now_ms,
                note: note.to_owned(),
                cancels: of_it.map(|(id, _)| *id).collect(),
            };
            Marks::put(&self.inner, &mark)?;
        }
        Ok(ended)
    }

    pub fn holds(&self) -> Result<Vec<Hold>, Error> {
        let holds = Marks::read(&self.inner)?.holds();
        Ok(holds.into_iter().map(|(_, hold)| hold).collect())
    }

    /// Notes that a restore of this snapshot was proven: the newest such of each plan is never forgotten.
    pub fn mark_proven(&self, snapshot: &Snapshot, note: &str, now_ms: i64) -> Result<(), Error> {
        let mark = Mark {
            what: What::Proven(snapshot.name()),
            made_ms: now_ms,
            note: note.to_owned(),
            cancels: Vec::new(),
        };
        Marks::put(&self.inner, &mark)
    }
}

/// Held snapshots with what is shown as the reason.
pub(crate) fn protected(marks: &Marks) -> HashMap<SnapshotId, String> {
    let holds = marks.holds();
    holds
        .iter()
        .map(|(name, hold)| (name.id, hold.reason()))
        .collect()
}
