//! Deleting what no snapshot needs, beside writers at work.
//!
//! | file | noun |
//! |---|---|
//! | `mod.rs` | a prune from its beginning to its end |
//! | `mark.rs` | what the snapshots need |
//! | `plan.rs` | what becomes of each pack |
//! | `compact.rs` | what is needed of a pack moves to a new one |
//! | `sweep.rs` | writers are waited for, what they committed is looked at, then things are deleted |
//! | `indexes.rs` | index objects are put together |
//!
//! In this order: packs are read from the target, then who is at work, then the snapshots. So a pack that an open session
//! made is known to be its own, and one made by a session that has ended belongs to a snapshot that is seen, or to none.

mod compact;
mod indexes;
mod mark;
mod plan;
mod sweep;

use std::collections::{BTreeMap, BTreeSet};

use crate::chain::Hidden;
use crate::id::ShortId;
use crate::index::PackName;
use crate::inner::hex_name;
use crate::writers::{self, Purpose, Sessions, Writer};
use crate::{Error, Problem, Snapshot, SnapshotName, Vault, Watch, deep};
use mark::Live;
use plan::Fate;

pub struct Request<'a> {
    /// Milliseconds since 1970, UTC.
    pub now_ms: i64,
    /// Only says what would be done.
    pub dry_run: bool,
    /// Writers that are open are revoked: what they save is void.
    pub revoke: bool,
    /// Asked each time writers are still at work that may count on what goes (each described): true after having slept
    /// a little, to look again; false to give up. What was found out so far stays, and the next prune goes on.
    pub wait: &'a (dyn Fn(&[String]) -> bool + Sync),
    /// Called before each last look at what was committed: a share that lists what others wrote only after a while is
    /// given that time.
    pub settle: &'a (dyn Fn() + Sync),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Snapshots that count.
    pub snapshots: u64,
    /// Before.
    pub packs: u64,
    pub packs_bytes: u64,
    /// Deleted, or to delete; those rewritten are among them.
    pub packs_deleted: u64,
    pub packs_rewritten: u64,
    /// Bytes that go, and that are written for what is still needed of rewritten packs: the difference becomes free.
    pub bytes_deleted: u64,
    pub bytes_moved: u64,
    /// Snapshots whose objects were forgotten or void and still lay there.
    pub snapshots_deleted: u64,
    /// Writers that were revoked.
    pub revoked: Vec<String>,
    /// What was found on the way and does not stop a prune.
    pub problems: Vec<Problem>,
}

impl Vault {
    /// Deletes what no snapshot needs. Fails without having deleted anything when what they need cannot be known, when
    /// another prune is at work, or when writers are at work and `wait` gives up.
    pub fn prune(&self, request: &Request<'_>, watch: &Watch) -> Result<Report, Error> {
        deep::run(|| Prune::new(self, request, watch)?.run())
    }
}

struct Prune<'a> {
    vault: &'a Vault,
    request: &'a Request<'a>,
    watch: &'a Watch,
    hidden: Hidden,
    /// Those that count, oldest first.
    living: Vec<Snapshot>,
    /// Forgotten or void, and still there.
    dead: Vec<SnapshotName>,
    report: Report,
}

/// What a pack that goes holds and must lie elsewhere: frame, slot, id.
type Must = BTreeMap<PackName, Vec<(u16, u16, ShortId)>>;

impl<'a> Prune<'a> {
    fn new(
        vault: &'a Vault,
        request: &'a Request<'a>,
        watch: &'a Watch,
    ) -> Result<Prune<'a>, Error> {
        Ok(Prune {
            vault,
            request,
            watch,
            hidden: Hidden::read(&vault.inner)?,
            living: Vec::new(),
            dead: Vec::new(),
            report: Report::default(),
        })
    }

    fn run(mut self) -> Result<Report, Error> {
        let inner = &self.vault.inner;
        let purpose = Purpose {
            what: "prune".to_owned(),
            sweeps: true,
            now_ms: self.request.now_ms,
        };
        let writer = match self.request.dry_run {
            true => None,
            false => Some(Writer::begin(inner, &purpose)?),
        };
        inner.refresh()?;
        let sessions = Sessions::read(inner)?;
        if let Some(writer) = &writer {
            let revoked = writers::alone(
                inner,
                writer,
                &sessions,
                self.request.revoke,
                self.request.settle,
            )?;
            self.report.revoked.extend(revoked);
        }
        self.look(&sessions)?;
        let open: Vec<[u8; 16]> = sessions.open().map(|(id, _)| *id).collect();
        let is_fresh = |pack: &PackName| open.iter().any(|id| writers::made(id, pack));
        let rotten = &self.hidden.tombs.rotten;
        let live = Live::mark(inner, &self.living, self.watch)?;
        if live.missing > 0 {
            self.report.problems.push(Problem::new(
                "the snapshots",
                format!(
                    "{} of the chunks they need are nowhere; run a check",
                    live.missing
                ),
            ));
        }
        let uses = live.uses(&inner.index(), is_fresh, rotten);
        let fates = plan::plan(&uses);
        let mut doomed = BTreeSet::new();
        let mut moving = BTreeSet::new();
        for (pack, fate) in uses.iter().zip(&fates) {
            self.report.packs += 1;
            self.report.packs_bytes += pack.size;
            if *fate == Fate::Keep {
                continue;
            }
            doomed.insert(pack.name);
            self.report.packs_deleted += 1;
            self.report.bytes_deleted += pack.size;
            if *fate == Fate::Compact {
                moving.insert(pack.name);
                self.report.packs_rewritten += 1;
                self.report.bytes_moved += pack.live_bytes();
            }
        }
        drop(uses);
        if live.missing == 0 {
            // Of what a repair named bad and nobody can read anything of, nothing is needed.
            let index = inner.index();
            for pack in rotten.iter().filter(|pack| index.pack(pack).is_none()) {
                if let Some(size) = inner.target.size(pack.0, &hex_name(&pack.1))? {
                    doomed.insert(*pack);
                    self.report.packs_deleted += 1;
                    self.report.bytes_deleted += size;
                }
            }
        }
        self.report.snapshots_deleted = self.dead.len() as u64;
        let Some(writer) = writer else {
            return Ok(self.report);
        };
        let must = live.within(&inner.index(), &doomed);
        drop(live);
        let (writer, moved) = match moving.is_empty() {
            true => (writer, 0),
            false => self.compact(writer, &moving, &doomed, &must)?,
        };
        self.report.bytes_moved = moved;
        self.sweep(writer, doomed, &must)?;
        Ok(self.report)
    }

    fn revoke(&mut self, id: &[u8; 16], known: &writers::Known) -> Result<(), Error> {
        let inner = &self.vault.inner;
        if writers::revoke(inner, id, self.request.settle)? {
            self.report.revoked.push(known.describe());
        }
        Ok(())
    }

    /// Reads all snapshots: one that cannot be read may need anything.
    fn look(&mut self, sessions: &Sessions) -> Result<(), Error> {
        let inner = &self.vault.inner;
        let (names, foreign) = inner.snapshot_names()?;
        self.report.problems.extend(foreign);
        // Anew: something may have been forgotten or revoked while this session began.
        self.hidden = Hidden::read(inner)?;
        self.report
            .problems
            .extend(sessions.problems.iter().cloned());
        let problems = std::mem::take(&mut self.hidden.tombs.problems);
        self.report.problems.extend(problems);
        for name in names {
            if self.hidden.is_forgotten(&name) {
                self.dead.push(name);
                continue;
            }
            match inner.read_snapshot(name) {
                Ok(snapshot) if self.hidden.is_void(&snapshot) => self.dead.push(name),
                Ok(snapshot) => self.living.push(snapshot),
                Err(Error::Target(crate::target::Error::NotFound { .. })) => {}
                Err(error) => {
                    return Err(Error::Unknowable {
                        snapshot: name.id.to_string(),
                        why: error.to_string(),
                    });
                }
            }
        }
        self.report.snapshots = self.living.len() as u64;
        Ok(())
    }
}
