//! What was forgotten, and what is about to be deleted: the union of all tombs.

use std::collections::BTreeSet;

use crate::format::tomb::{self, Tomb};
use crate::id::SnapshotName;
use crate::index::PackName;
use crate::inner::{Inner, hex_name};
use crate::target::ObjectKind;
use crate::{Error, Problem};

#[derive(Debug, Default)]
pub(crate) struct Tombs {
    /// Those that exist, superseded ones too: they still say what is true.
    pub(crate) ids: BTreeSet<[u8; 16]>,
    pub(crate) forgotten: BTreeSet<SnapshotName>,
    /// About to be deleted.
    pub(crate) packs: BTreeSet<PackName>,
    /// Sessions that whoever deletes these packs knows of, and waits for or revokes.
    pub(crate) sessions: BTreeSet<[u8; 16]>,
    /// Some of it does not verify.
    pub(crate) rotten: BTreeSet<PackName>,
    pub(crate) problems: Vec<Problem>,
}

/// What a new tomb says besides what it takes over.
#[derive(Default)]
pub(crate) struct Burial {
    pub(crate) host: String,
    pub(crate) made_ms: i64,
    pub(crate) forgotten: BTreeSet<SnapshotName>,
    pub(crate) packs: BTreeSet<PackName>,
    pub(crate) rotten: BTreeSet<PackName>,
    pub(crate) sessions: BTreeSet<[u8; 16]>,
}

impl Tombs {
    pub(crate) fn read(inner: &Inner) -> Result<Tombs, Error> {
        let (found, problems) = inner.read_small(ObjectKind::Tomb, tomb::decode)?;
        let superseded: BTreeSet<[u8; 16]> = found
            .iter()
            .flat_map(|(_, tomb)| tomb.supersedes.iter().copied())
            .collect();
        let mut tombs = Tombs {
            problems,
            ..Tombs::default()
        };
        for (id, tomb) in found {
            tombs.ids.insert(id);
            // One that was superseded and not deleted yet would bury again what its successor spared.
            if !superseded.contains(&id) {
                tombs.forgotten.extend(tomb.forgotten);
                tombs.packs.extend(tomb.packs);
                tombs.rotten.extend(tomb.rotten);
                tombs.sessions.extend(tomb.sessions);
            }
        }
        Ok(tombs)
    }

    /// Whether nothing new may count on this pack.
    pub(crate) fn shuns(&self, pack: &PackName) -> bool {
        self.packs.contains(pack) || self.rotten.contains(pack)
    }

    /// Puts a tomb in the place of all these, then deletes them. When it says nothing, none is put.
    pub(crate) fn replace(&self, inner: &Inner, burial: &Burial) -> Result<(), Error> {
        let is_empty =
            burial.forgotten.is_empty() && burial.packs.is_empty() && burial.rotten.is_empty();
        if !is_empty {
            let tomb = Tomb {
                supersedes: self.ids.iter().copied().collect(),
                host: burial.host.clone(),
                made_ms: burial.made_ms,
                forgotten: burial.forgotten.iter().copied().collect(),
                packs: burial.packs.iter().copied().collect(),
                rotten: burial.rotten.iter().copied().collect(),
                sessions: burial.sessions.iter().copied().collect(),
            };
            inner.put_small(ObjectKind::Tomb, &tomb::encode(&tomb))?;
        }
        let names: Vec<String> = self.ids.iter().map(hex_name).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(inner.target.remove(ObjectKind::Tomb, &names)?)
    }
}
