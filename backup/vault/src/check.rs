//! Is everything there that snapshots need; and, when asked, does every byte of it verify?
//!
//! | file | noun |
//! |---|---|
//! | `chain.rs` | snapshots that are missing |
//! | `packs.rs` | every byte of packs |
//! | `files.rs` | the files that damage hits, by snapshot and path |

mod chain;
mod files;
pub(crate) mod packs;

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use crate::format::envelope;
use crate::id::parse_hex;
use crate::index::{self, PackName, Reading};
use crate::inner::Inner;
use crate::ledger::foreign;
use crate::live::Needs;
use crate::target::ObjectKind;
use crate::{Error, Problem, Snapshot, SnapshotName, Vault, Watch, deep};
use chain::Chain;
use packs::Damage;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    pub snapshots: u64,
    pub packs: u64,
    pub chunks: u64,
    /// Bytes of packs that were read and verified (0 without `read_all`).
    pub bytes_read: u64,
    /// Damaged objects, and each file of each snapshot that they hit (the first 1000).
    pub problems: Vec<Problem>,
}

const PROBLEMS_KEPT: usize = 1000;

impl Vault {
    /// Looks whether everything that snapshots need is there (every pack's end and directory are read again, and every
    /// folder list); with `read_all`, reads and verifies every byte. `only` limits both to what one snapshot needs.
    pub fn check(
        &self,
        read_all: bool,
        only: Option<&Snapshot>,
        watch: &Watch,
    ) -> Result<CheckReport, Error> {
        deep::run(|| Check::new(&self.inner, watch).run(read_all, only, None))
    }

    /// The same for the whole vault, which must hold the snapshot `head`, or say that it was forgotten: one that was the
    /// newest when it was last seen ([`Vault::head`]).
    pub fn check_from(
        &self,
        head: Option<SnapshotName>,
        read_all: bool,
        watch: &Watch,
    ) -> Result<CheckReport, Error> {
        deep::run(|| Check::new(&self.inner, watch).run(read_all, None, head))
    }
}

struct Check<'a> {
    vault: &'a Inner,
    watch: &'a Watch,
    report: CheckReport,
}

impl<'a> Check<'a> {
    fn new(vault: &'a Inner, watch: &'a Watch) -> Check<'a> {
        Check {
            vault,
            watch,
            report: CheckReport::default(),
        }
    }

    fn run(
        mut self,
        read_all: bool,
        only: Option<&Snapshot>,
        head: Option<SnapshotName>,
    ) -> Result<CheckReport, Error> {
        // A pack that broke since the vault was opened is forgotten here too: the next run stores its chunks again.
        let broken = self.vault.learn_anew()?;
        let snapshots = match only {
            Some(snapshot) => vec![self.vault.read_snapshot(snapshot.name())?],
            None => {
                broken.into_iter().for_each(|problem| self.problem(problem));
                self.keys()?;
                let chain = Chain::read(self.vault, head)?;
                chain
                    .problems
                    .into_iter()
                    .for_each(|problem| self.problem(problem));
                chain.snapshots
            }
        };
        self.report.snapshots = snapshots.len() as u64;
        let needed = match only {
            Some(snapshot) => Some(self.needed(snapshot)?),
            None => None,
        };
        let mut packs = Vec::new();
        for pack in self.vault.index().packs() {
            if needed
                .as_ref()
                .is_none_or(|needed| needed.contains(&pack.name))
            {
                packs.push(pack.name);
                self.report.chunks += pack.chunks;
            }
        }
        self.report.packs = packs.len() as u64;
        let mut damage = Damage::default();
        if read_all {
            damage = packs::read(self.vault, packs, self.watch)?;
            self.report.bytes_read = damage.bytes_read;
            let problems = std::mem::take(&mut damage.problems);
            problems
                .into_iter()
                .for_each(|problem| self.problem(problem));
        }
        if !self.is_whole(&snapshots, &damage)? {
            self.name_files(&snapshots, &damage)?;
        }
        Ok(self.report)
    }

    fn problem(&mut self, problem: Problem) {
        match self.report.problems.len() {
            0..PROBLEMS_KEPT => self.report.problems.push(problem),
            PROBLEMS_KEPT => self.report.problems.push(Problem::new(
                "and others",
                "there are more problems than these",
            )),
            _ => {}
        }
    }

    fn keys(&mut self) -> Result<(), Error> {
        let kind = ObjectKind::Key;
        for name in self.vault.target.names(kind)? {
            let Some(id) = parse_hex::<16>(&name) else {
                self.problem(foreign(kind, &name));
                continue;
            };
            let object = self.vault.target.get(kind, &name);
            let what = match object.map(|object| envelope::parse_as(&object, kind, &id).map(drop)) {
                Ok(Ok(())) => continue,
                Ok(Err(bad)) => bad.to_string(),
                Err(error) => error.to_string(),
            };
            self.problem(Problem::new(kind.object(&name), what));
        }
        Ok(())
    }

    /// Packs that one snapshot needs; lists that cannot be read are found later.
    fn needed(&self, snapshot: &Snapshot) -> Result<BTreeSet<PackName>, Error> {
        let mut packs = BTreeSet::new();
        let mut needs = Needs::new(self.vault, self.watch);
        let walked = needs.walk(snapshot, &mut |id| {
            let places = self.vault.index().places(id);
            packs.extend(places.into_iter().map(|place| place.pack));
            Ok(true)
        });
        match walked {
            Err(Error::Cancelled) => Err(Error::Cancelled),
            _ => Ok(packs),
        }
    }

    /// Whether every chunk that is needed lies somewhere sound, and every list can be read.
    fn is_whole(&self, snapshots: &[Snapshot], damage: &Damage) -> Result<bool, Error> {
        let mut needs = Needs::new(self.vault, self.watch);
        for snapshot in snapshots {
            let walked = needs.walk(snapshot, &mut |id| {
                let places = self.vault.index().places(id);
                Ok(places.iter().any(|place| damage.is_sound(place)))
            });
            match walked {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                Err(_) => return Ok(false),
            }
        }
        Ok(true)
    }
}

impl Inner {
    /// Reads every pack's own directory, and what index objects say of packs whose directory is lost. Returns what is wrong
    /// with packs and index objects.
    fn learn_anew(&self) -> Result<Vec<Problem>, Error> {
        let problems = self.learn_directories()?;
        self.refresh()?;
        Ok(problems)
    }

    /// Reads every pack's own directory and nothing else.
    pub(crate) fn learn_directories(&self) -> Result<Vec<Problem>, Error> {
        let index = RwLock::new(self.index().empty_alike());
        index::refresh(&index, &*self.target, &self.keys, Reading::Directories)?;
        let index = index.into_inner().unwrap_or_else(PoisonError::into_inner);
        let problems = index.problems().to_vec();
        *self.index_mut() = index;
        self.forget_frames();
        Ok(problems)
    }
}
