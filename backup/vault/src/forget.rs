//! Forgetting snapshots: by the rules, or by name. What they alone needed goes with the next prune.

use std::collections::{BTreeSet, HashMap};

use crate::chain::Hidden;
use crate::inner::Inner;
use crate::marks::{Marks, protected};
use crate::retention::{self, Facts, Point, Reason, Rules, Verdict};
use crate::target::ObjectKind;
use crate::tombs::{Burial, Tombs};
use crate::writers::this_host;
use crate::{Error, Problem, Snapshot, SnapshotId, SnapshotName, Vault};

/// A head that was remembered outside of the vault is not missed although it was forgotten since, unless so many
/// snapshots have followed it.
const REMEMBERED: u64 = 1000;

/// What the caller knows when it asks for a judgement.
pub struct Circumstances<'a> {
    pub now_ms: i64,
    /// Seconds east of UTC at a moment.
    pub offset_s: &'a dyn Fn(i64) -> i32,
    /// Besides what is held in the vault itself.
    pub protected: &'a HashMap<SnapshotId, String>,
}

/// Each snapshot with what the rules say of it.
pub type Judged = Vec<(Snapshot, Verdict)>;

impl Vault {
    /// What the rules say of each snapshot, oldest first. Nothing is changed.
    pub fn judge(
        &self,
        rules: &Rules,
        circumstances: &Circumstances<'_>,
    ) -> Result<(Judged, Vec<Problem>), Error> {
        let (snapshots, mut problems) = self.snapshots()?;
        let marks = Marks::read(&self.inner)?;
        let mut kept = protected(&marks);
        kept.extend(circumstances.protected.clone());
        let points: Vec<Point> = snapshots.iter().map(Point::from).collect();
        let facts = Facts {
            now_ms: circumstances.now_ms,
            offset_s: circumstances.offset_s,
            proven: &marks.proven(),
            protected: &kept,
        };
        let verdicts = retention::decide(&points, rules, &facts);
        problems.extend(marks.problems);
        Ok((snapshots.into_iter().zip(verdicts).collect(), problems))
    }

    /// Snapshots whose objects are there and cannot be read.
    pub fn unreadable(&self) -> Result<Vec<SnapshotName>, Error> {
        let newest = self.inner.newest_first()?;
        let unreadable = newest.filter_map(|(name, read)| read.is_err().then_some(name));
        Ok(unreadable.collect())
    }

    /// Forgets these snapshots, also such as cannot be read. Refuses all when one of them is held; or, unless `even_last`,
    /// the newest of its plan or the newest proven of it.
    pub fn forget(
        &self,
        names: &[SnapshotName],
        even_last: bool,
        now_ms: i64,
    ) -> Result<(), Error> {
        if names.is_empty() {
            return Ok(());
        }
        let rules = Rules {
            // Any rule will do: what stays for other reasons is what matters.
            last: 1,
            ..Rules::default()
        };
        let nothing = HashMap::new();
        let circumstances = Circumstances {
            now_ms,
            offset_s: &|_| 0,
            protected: &nothing,
        };
        let (judged, _) = self.judge(&rules, &circumstances)?;
        for (snapshot, verdict) in judged {
            let bars = |reason: &&Reason| match reason {
                Reason::Protected(_) => true,
                Reason::NewestOfPlan | Reason::NewestProven => !even_last,
                _ => false,
            };
            let bar = verdict.reasons.iter().find(bars);
            if let (true, Some(why)) = (names.contains(&snapshot.name()), bar) {
                let next = match why {
                    Reason::Protected(_) => "release it first (`reprise vault hold --release`)",
                    _ => "give --even-last if that is meant",
                };
                return Err(Error::MayNotForget {
                    snapshot: snapshot.id.to_string(),
                    why: why.to_string(),
                    next,
                });
            }
        }
        self.inner.bury(names, now_ms)
    }
}

impl Inner {
    /// First said, then done: what is said to be forgotten is not missed, and no longer counts although it lies there.
    fn bury(&self, names: &[SnapshotName], now_ms: i64) -> Result<(), Error> {
        let tombs = Tombs::read(self)?;
        let mut forgotten = tombs.forgotten.clone();
        forgotten.extend(names);
        let burial = Burial {
            host: this_host(),
            made_ms: now_ms,
            forgotten,
            packs: tombs.packs.clone(),
            rotten: tombs.rotten.clone(),
            sessions: tombs.sessions.clone(),
        };
        tombs.replace(self, &burial)?;
        self.remove_snapshots(names)
    }

    pub(crate) fn remove_snapshots(&self, names: &[SnapshotName]) -> Result<(), Error> {
        let texts: Vec<String> = names.iter().map(ToString::to_string).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        self.target.remove(ObjectKind::Snapshot, &texts)?;
        let mut known = self.known();
        names.iter().for_each(|name| {
            known.remove(&name.id);
        });
        Ok(())
    }

    /// Of what was forgotten: what is still said. A name goes when nothing names it any more: no snapshot that follows it,
    /// no session that committed it, and when it is so old that nobody remembers it as the newest ([`REMEMBERED`]).
    pub(crate) fn still_named(
        &self,
        hidden: &Hidden,
        living: &[Snapshot],
        committed: &BTreeSet<SnapshotName>,
        listed: &BTreeSet<SnapshotName>,
    ) -> BTreeSet<SnapshotName> {
        let newest = living.iter().map(|snapshot| snapshot.seq).max();
        let parents: BTreeSet<SnapshotName> = living
            .iter()
            .flat_map(|snapshot| snapshot.parents.iter().map(|parent| parent.name))
            .collect();
        let mut forgotten = hidden.tombs.forgotten.clone();
        forgotten.retain(|name| {
            listed.contains(name)
                || parents.contains(name)
                || committed.contains(name)
                || newest.is_none_or(|newest| name.seq.saturating_add(REMEMBERED) >= newest)
        });
        forgotten
    }
}
