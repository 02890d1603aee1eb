//! The tomb, then the wait for whoever may count on what it names, then a last look, then things are deleted.

use std::collections::BTreeSet;

use super::{Must, Prune, indexes};
use crate::chain::Hidden;
use crate::id::SnapshotName;
use crate::index::{PACK_KINDS, PackName};
use crate::inner::hex_name;
use crate::live::Needs;
use crate::marks::Marks;
use crate::target::ObjectKind;
use crate::tombs::{Burial, Tombs};
use crate::writers::{self, Sessions, Writer, this_host};
use crate::{Error, Problem, Snapshot};

/// Names in one request to delete.
const BATCH: usize = 256;

impl Prune<'_> {
    /// Nothing is deleted before all who may count on it have ended or are void.
    pub(super) fn sweep(
        &mut self,
        writer: Writer,
        mut doomed: BTreeSet<PackName>,
        must: &Must,
    ) -> Result<(), Error> {
        let inner = &self.vault.inner;
        self.spare(&mut doomed, must);
        if !doomed.is_empty() {
            let tombs = Tombs::read(inner)?;
            let open = Sessions::read(inner)?;
            let burial = Burial {
                packs: doomed.clone(),
                sessions: open.open().map(|(id, _)| *id).collect(),
                ..self.burial(&tombs)
            };
            tombs.replace(inner, &burial)?;
            self.wait(&writer)?;
            (self.request.settle)();
            self.look_again(&writer, &mut doomed, must)?;
        }
        inner.remove_snapshots(&self.dead)?;
        indexes::tidy(inner, &doomed)?;
        self.delete(&doomed)?;
        inner.refresh()?;
        let tombs = Tombs::read(inner)?;
        let listed: BTreeSet<SnapshotName> = inner.snapshot_names()?.0.into_iter().collect();
        let kept = self.tidy_sessions(&writer, &listed)?;
        let hidden = Hidden::read(inner)?;
        let burial = Burial {
            forgotten: inner.still_named(&hidden, &self.living, &kept, &listed),
            ..self.burial(&tombs)
        };
        let says = |burial: &Burial| (burial.forgotten.clone(), burial.rotten.clone());
        let is_said = tombs.ids.len() <= 1
            && tombs.packs.is_empty()
            && says(&burial) == (tombs.forgotten.clone(), tombs.rotten.clone());
        if !is_said {
            tombs.replace(inner, &burial)?;
        }
        Marks::read(inner)?.tidy(
            inner,
            |name| listed.contains(name) || !hidden.is_forgotten(name),
            |pack| !doomed.contains(pack),
        )?;
        self.tidy_strays(&writer)?;
        writer.vanish()
    }

    /// What stays said by a tomb in the place of these, without packs to delete.
    fn burial(&self, tombs: &Tombs) -> Burial {
        let target = &self.vault.inner.target;
        // Asked by name: of some of them no index knows any more.
        let is_there =
            |(kind, id): &&PackName| !matches!(target.size(*kind, &hex_name(id)), Ok(None));
        Burial {
            host: this_host(),
            made_ms: self.request.now_ms,
            forgotten: tombs.forgotten.clone(),
            packs: BTreeSet::new(),
            rotten: tombs.rotten.iter().filter(is_there).copied().collect(),
            sessions: BTreeSet::new(),
        }
    }

    /// Takes out the packs that hold something needed which lies in no sound pack that stays.
    fn spare(&self, doomed: &mut BTreeSet<PackName>, must: &Must) {
        let index = self.vault.inner.index();
        let rotten = &self.hidden.tombs.rotten;
        for (pack, places) in must {
            let goes = |pack: &PackName| doomed.contains(pack) || rotten.contains(pack);
            let lost = places.iter().any(|(_, _, id)| !index.lies(id, goes));
            if lost {
                doomed.remove(pack);
            }
        }
    }

    /// Waits for the sessions that are open now; those that begin later see the tomb.
    fn wait(&mut self, writer: &Writer) -> Result<(), Error> {
        let inner = &self.vault.inner;
        let now = Sessions::read(inner)?;
        let others = now.open().filter(|(id, _)| **id != writer.id);
        let mut awaited: Vec<[u8; 16]> = others.map(|(id, _)| *id).collect();
        loop {
            let now = Sessions::read(inner)?;
            // One whose object a listing left out this time has not ended.
            awaited.retain(|id| now.known.get(id).is_none_or(writers::Known::is_open));
            let mut open = Vec::new();
            for id in &awaited {
                let Some(known) = now.known.get(id) else {
                    if writers::is_there(inner, id)? {
                        open.push("a writer that was listed a moment ago".to_owned());
                    }
                    continue;
                };
                match known.is_dead(id) || self.request.revoke {
                    true => self.revoke(id, known)?,
                    false => open.push(known.describe()),
                }
            }
            if open.is_empty() {
                return Ok(());
            }
            if self.watch.is_cancelled() {
                return Err(Error::Cancelled);
            }
            if !(self.request.wait)(&open) {
                return Err(Error::WritersAtWork { open });
            }
        }
    }

    /// What was committed since the first look is looked at; what it needs stays.
    fn look_again(
        &mut self,
        writer: &Writer,
        doomed: &mut BTreeSet<PackName>,
        must: &Must,
    ) -> Result<(), Error> {
        let inner = &self.vault.inner;
        inner.refresh()?;
        if writer.is_stopped()? {
            return Err(Error::Revoked);
        }
        let sessions = Sessions::read(inner)?;
        let mut others = sessions.open().filter(|(id, _)| **id != writer.id);
        let sweeps =
            |known: &&writers::Known| known.begin.as_ref().is_some_and(|begin| begin.sweeps);
        if let Some((_, other)) = others.find(|(_, known)| sweeps(known)) {
            return Err(Error::AnotherSweep {
                who: other.describe(),
            });
        }
        let hidden = Hidden::read(inner)?;
        let (names, _) = inner.snapshot_names()?;
        let seen: BTreeSet<SnapshotName> = self.living.iter().map(Snapshot::name).collect();
        let mut needs = Needs::new(inner, self.watch);
        let mut spared = BTreeSet::new();
        for name in names {
            if seen.contains(&name) || hidden.is_forgotten(&name) || self.dead.contains(&name) {
                continue;
            }
            let unknowable = |error: Error| match error {
                Error::Cancelled => error,
                error => Error::Unknowable {
                    snapshot: name.id.to_string(),
                    why: error.to_string(),
                },
            };
            let snapshot = inner.read_snapshot(name).map_err(unknowable)?;
            if hidden.is_void(&snapshot) {
                self.dead.push(name);
                continue;
            }
            let mut missing = 0;
            let walked = needs.walk(&snapshot, &mut |id| {
                let index = inner.index();
                if index.get_but(id, |pack| doomed.contains(pack)).is_none() {
                    let places = index.places(id);
                    missing += u64::from(places.is_empty());
                    spared.extend(places.into_iter().map(|place| place.pack));
                }
                Ok(true)
            });
            walked.map_err(unknowable)?;
            if missing > 0 {
                self.report.problems.push(Problem::new(
                    ObjectKind::Snapshot.object(&name.to_string()),
                    format!("{missing} of the chunks it needs are nowhere; run a check"),
                ));
            }
            self.living.push(snapshot);
        }
        doomed.retain(|pack| !spared.contains(pack));
        self.spare(doomed, must);
        Ok(())
    }

    fn delete(&mut self, doomed: &BTreeSet<PackName>) -> Result<(), Error> {
        let (mut packs, mut bytes) = (0, 0);
        for kind in PACK_KINDS {
            let of_kind = doomed.iter().filter(|(of, _)| *of == kind);
            let names: Vec<String> = of_kind.clone().map(|(_, id)| hex_name(id)).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            for batch in names.chunks(BATCH) {
                self.vault.inner.target.remove(kind, batch)?;
            }
            let index = self.vault.inner.index();
            for pack in of_kind {
                packs += 1;
                bytes += index.pack(pack).map_or(0, |pack| pack.size);
            }
        }
        self.report.packs_deleted = packs;
        self.report.bytes_deleted = bytes;
        self.vault.inner.forget_frames();
        Ok(())
    }

    /// Of sessions that have ended only those are kept that tell of the newest snapshots (nothing else would miss these),
    /// or of one that is missing. Returns what the kept ones have committed.
    fn tidy_sessions(
        &self,
        writer: &Writer,
        listed: &BTreeSet<SnapshotName>,
    ) -> Result<BTreeSet<SnapshotName>, Error> {
        let inner = &self.vault.inner;
        let sessions = Sessions::read(inner)?;
        let newest = self.living.iter().map(|snapshot| snapshot.seq).max();
        let mut kept = BTreeSet::new();
        let mut names = Vec::new();
        for (id, known) in &sessions.known {
            if *id == writer.id || known.is_open() {
                continue;
            }
            // A revoked one may still commit, until it is known to have ended.
            if known.revoked && !known.ended && !known.is_dead(id) {
                continue;
            }
            let tells = |name: &SnapshotName| {
                let is_missing = !listed.contains(name) && !self.hidden.is_forgotten(name);
                is_missing && !self.dead.contains(name)
                    || newest.is_some_and(|newest| name.seq >= newest)
            };
            match known.committed.filter(tells) {
                Some(name) => {
                    kept.insert(name);
                }
                None => names.extend(writers::names(id)),
            }
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for batch in names.chunks(BATCH) {
            inner.target.remove(ObjectKind::Session, batch)?;
        }
        Ok(kept)
    }

    /// What unfinished writes left, unless somebody is at work.
    fn tidy_strays(&self, writer: &Writer) -> Result<(), Error> {
        let inner = &self.vault.inner;
        let sessions = Sessions::read(inner)?;
        if sessions.open().any(|(id, _)| *id != writer.id) {
            return Ok(());
        }
        for stray in inner.target.strays()? {
            if !stray.own {
                inner.target.remove_stray(&stray.name)?;
            }
        }
        Ok(())
    }
}
