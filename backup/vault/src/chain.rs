//! The chain of snapshots: each names those it was committed after, with the hash of their objects. One that is deleted
//! behind the vault's back is missed by its successor, and the last one by the session that committed it.

use std::collections::{BTreeSet, HashSet};

use crate::format::snapshot;
use crate::id::SnapshotName;
use crate::index::{PACK_KINDS, PackName};
use crate::inner::{Inner, damaged, hex_name};
use crate::ledger::foreign;
use crate::session::Finished;
use crate::snapshot::Parent;
use crate::target::ObjectKind;
use crate::tombs::Tombs;
use crate::writers::{Sessions, revocations};
use crate::{Error, Problem, Snapshot, Vault};

impl Inner {
    /// By listing alone, oldest first; with what is not a snapshot.
    pub(crate) fn snapshot_names(&self) -> Result<(Vec<SnapshotName>, Vec<Problem>), Error> {
        let (mut names, mut problems) = (Vec::new(), Vec::new());
        for name in self.target.names(ObjectKind::Snapshot)? {
            match SnapshotName::parse(&name) {
                Some(name) => names.push(name),
                None => problems.push(foreign(ObjectKind::Snapshot, &name)),
            }
        }
        names.sort();
        Ok((names, problems))
    }

    pub(crate) fn read_snapshot(&self, name: SnapshotName) -> Result<Snapshot, Error> {
        self.read_linked(name).map(|(snapshot, _)| snapshot)
    }

    /// The snapshot, and the hash by which its successors name it.
    pub(crate) fn read_linked(&self, name: SnapshotName) -> Result<(Snapshot, [u8; 32]), Error> {
        let text = name.to_string();
        let object = self.target.get(ObjectKind::Snapshot, &text)?;
        let plain = self
            .keys
            .open_object(ObjectKind::Snapshot, name.id.as_bytes(), &object);
        let snapshot = plain.and_then(|plain| snapshot::decode(&plain, name));
        let snapshot = snapshot.map_err(|bad| damaged(ObjectKind::Snapshot, &text, bad))?;
        Ok((snapshot, *blake3::hash(&object).as_bytes()))
    }

    /// Those that count, newest first: neither forgotten nor void. Read one by one, so that who looks for a new one
    /// need not read the old ones.
    pub(crate) fn newest_first(&self) -> Result<NewestFirst<'_>, Error> {
        let (names, _) = self.snapshot_names()?;
        Ok(NewestFirst {
            inner: self,
            names,
            hidden: Hidden::read(self)?,
        })
    }

    /// What a session has committed so far.
    pub(crate) fn committed_by(&self, session: &[u8; 16]) -> Result<Vec<SnapshotName>, Error> {
        let mut committed = Vec::new();
        for name in self.snapshot_names()?.0 {
            let known = self.known().get(&name.id).cloned();
            match known.map_or_else(|| self.read_snapshot(name), Ok) {
                Ok(snapshot) if snapshot.session == *session => committed.push(name),
                Ok(_) | Err(Error::Target(crate::target::Error::NotFound { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(committed)
    }

    /// What the next snapshot is to be committed after.
    fn tip(&self, tombs: &Tombs) -> Result<Tip, Error> {
        let revocations = revocations(self)?;
        let (names, _) = self.snapshot_names()?;
        // The forgotten keep their numbers.
        let buried = tombs.forgotten.last().map_or(0, |name| name.seq);
        for same in names.chunk_by(|a, b| a.seq == b.seq).rev() {
            let mut parents = Vec::new();
            for name in same {
                match self.read_linked(*name) {
                    Ok((snapshot, _)) if revocations.is_void(&snapshot.session, name) => {}
                    Ok(_) if tombs.forgotten.contains(name) => {}
                    Ok((_, hash)) => parents.push(Parent { name: *name, hash }),
                    // A check names it; the chain goes on from what can be read.
                    Err(Error::Damaged { .. }) => {}
                    Err(Error::Target(crate::target::Error::NotFound { .. })) => {}
                    Err(error) => return Err(error),
                }
            }
            if let Some(parent) = parents.first() {
                let seq = parent.name.seq.max(buried);
                return Ok(Tip { seq, parents });
            }
        }
        let parents = Vec::new();
        Ok(Tip {
            seq: buried,
            parents,
        })
    }

    /// The commit: after this the snapshot exists and counts. `new` gets its place in the chain here.
    pub(crate) fn commit(&self, mut new: Snapshot, finished: Finished) -> Result<Snapshot, Error> {
        let Finished { relied, writer, .. } = finished;
        if writer.is_stopped()? {
            return Err(Error::Revoked);
        }
        let tombs = Tombs::read(self)?;
        // A sweep that knows of this session waits for it, and spares what it commits.
        let is_awaited = tombs.sessions.contains(&writer.id);
        let missed = self.missed(&relied, &tombs, is_awaited)?;
        if !missed.is_empty() && !self.holds(&new, &missed)? {
            return Err(Error::Overtaken);
        }
        let tip = self.tip(&tombs)?;
        let seq = tip.seq.checked_add(1);
        new.seq = seq.ok_or_else(|| Error::Derive("the chain of snapshots is full".to_owned()))?;
        new.parents = tip.parents;
        new.session = writer.id;
        new.tombs = tombs.ids.iter().copied().collect();
        let name = new.name();
        let plain = snapshot::encode(&new);
        self.put_named(
            ObjectKind::Snapshot,
            &name.to_string(),
            name.id.as_bytes(),
            &plain,
        )?;
        writer.end(Some(name))?;
        Ok(new)
    }

    /// Which of the packs that a run counted on are gone or about to go.
    fn missed(
        &self,
        relied: &HashSet<PackName>,
        tombs: &Tombs,
        is_awaited: bool,
    ) -> Result<BTreeSet<PackName>, Error> {
        let is_doomed = |pack: &&PackName| !is_awaited && tombs.packs.contains(*pack);
        let doomed = relied.iter().filter(is_doomed);
        let mut missed: BTreeSet<PackName> = doomed.copied().collect();
        for kind in PACK_KINDS {
            let wanted = || relied.iter().filter(|(of, _)| *of == kind);
            if wanted().next().is_none() {
                continue;
            }
            let present: HashSet<String> = self.target.names(kind)?.into_iter().collect();
            missed.extend(wanted().filter(|(_, id)| !present.contains(&hex_name(id))));
        }
        Ok(missed)
    }
}

struct Tip {
    /// The highest number in use.
    seq: u64,
    parents: Vec<Parent>,
}

/// Snapshots that exist and do not count.
pub(crate) struct Hidden {
    pub(crate) tombs: Tombs,
    revocations: Sessions,
}

impl Hidden {
    pub(crate) fn read(inner: &Inner) -> Result<Hidden, Error> {
        Ok(Hidden {
            tombs: Tombs::read(inner)?,
            revocations: revocations(inner)?,
        })
    }

    pub(crate) fn is_forgotten(&self, name: &SnapshotName) -> bool {
        self.tombs.forgotten.contains(name)
    }

    pub(crate) fn is_void(&self, snapshot: &Snapshot) -> bool {
        self.revocations
            .is_void(&snapshot.session, &snapshot.name())
    }
}

pub(crate) struct NewestFirst<'a> {
    inner: &'a Inner,
    names: Vec<SnapshotName>,
    hidden: Hidden,
}

impl Iterator for NewestFirst<'_> {
    type Item = (SnapshotName, Result<Snapshot, Error>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let name = self.names.pop()?;
            if self.hidden.is_forgotten(&name) {
                continue;
            }
            let known = self.inner.known().get(&name.id).cloned();
            let read = match known {
                Some(snapshot) => Ok(snapshot),
                None => self.inner.read_snapshot(name),
            };
            match read {
                Ok(snapshot) => {
                    self.inner.known().insert(name.id, snapshot.clone());
                    if !self.hidden.is_void(&snapshot) {
                        return Some((name, Ok(snapshot)));
                    }
                }
                // Forgotten and deleted meanwhile.
                Err(Error::Target(crate::target::Error::NotFound { .. })) => {}
                Err(error) => return Some((name, Err(error))),
            }
        }
    }
}

impl Vault {
    /// The newest snapshot's name: remember it elsewhere, and a vault that was rolled back is detected
    /// ([`crate::Vault::check`] with it). `None` while there is no snapshot.
    pub fn head(&self) -> Result<Option<SnapshotName>, Error> {
        let mut newest = self.inner.newest_first()?;
        Ok(newest.find_map(|(name, read)| read.ok().map(|_| name)))
    }

    /// Whether the vault holds this snapshot, or says that it was forgotten: without either, an older state of the vault
    /// was put back, or the snapshot was deleted. By listing alone.
    pub fn remembers(&self, head: &SnapshotName) -> Result<bool, Error> {
        // In this order: what is forgotten meanwhile is seen forgotten.
        let (names, _) = self.inner.snapshot_names()?;
        Ok(names.contains(head) || Tombs::read(&self.inner)?.forgotten.contains(head))
    }
}
