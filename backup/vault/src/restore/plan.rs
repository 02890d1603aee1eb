//! What a restore will write.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::survey::Survey;
use crate::node::Node;
use crate::problem::show;
use crate::{Error, Snapshot, Vault, deep};

/// What to do with a file that is already there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// `plan` fails when a file is in the way.
    #[default]
    Refuse,
    /// Replace it (never a folder by a file, nor a file by a folder). A file with the saved size and time is left as it
    /// is: see [`RestorePlan::verify_existing`].
    Replace,
    /// Leave it; each is a problem of the restore.
    Keep,
}

/// What a restore will write; made by [`plan`], shown, then given to [`execute`](super::execute()).
#[derive(Clone, Debug)]
pub struct RestorePlan {
    pub snapshot: Snapshot,
    /// Absolute, links of existing parts resolved.
    pub destination: PathBuf,
    pub overwrite: Overwrite,
    /// Saved path → resulting path, one per root or selected path.
    pub placements: Vec<Placement>,
    /// Everything that is not a folder.
    pub files: u64,
    pub folders: u64,
    pub bytes: u64,
    /// Existing files in the way: the first 1000, and how many in all.
    pub existing: Vec<PathBuf>,
    pub existing_count: u64,
    /// The destination is empty or absent: after the restore nothing else may be there.
    pub fresh: bool,
    /// Write everything to disk before saying that it is done (the default). A restore test into a scratch folder
    /// needs no such promise, and on a busy disk it costs more than the restore.
    pub durable: bool,
    /// Read files that have the saved size and time too, and replace those whose content is another. Without it
    /// (the default) such a file counts as the saved one: enough to resume an interrupted restore, whose times are set
    /// last, but not after a power cut, nor against somebody who set times back.
    pub verify_existing: bool,
    pub(crate) nodes: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    pub from: Vec<u8>,
    pub to: PathBuf,
}

/// Nothing selected and one root: the content of the root lands *in* `destination` (the root's own owner, mode and times on
/// it); several roots: their full paths beneath `destination`; a selected path: `destination`/its last name.
/// Refuses `/`, the vault's own folder, and to write over a folder that holds the vault. Writes nothing.
pub fn plan(
    vault: &Vault,
    snapshot: &Snapshot,
    selection: &[Vec<u8>],
    destination: &Path,
    overwrite: Overwrite,
) -> Result<RestorePlan, Error> {
    let destination = real(destination)?;
    let refuse = |what: &str| Error::BadDestination {
        destination: shown(&destination),
        what: what.to_owned(),
    };
    if destination == Path::new("/") {
        return Err(refuse(
            "a restore over the running system is refused; choose a folder",
        ));
    }
    let own = vault
        .inner
        .target
        .folder()
        .and_then(|folder| folder.canonicalize().ok());
    if own.as_ref().is_some_and(|own| destination.starts_with(own)) {
        return Err(refuse(
            "it is inside the vault itself; choose another folder",
        ));
    }
    let selected = selection
        .iter()
        .filter(|path| !path.is_empty())
        .map(|path| vault.node(snapshot, path));
    let selected = selected.collect::<Result<Vec<Node>, Error>>()?;
    let nodes = if selected.is_empty() {
        vault.inner.roots(snapshot)?
    } else {
        selected
    };
    let placements = place(&nodes, selection.iter().all(Vec::is_empty), &destination)
        .map_err(|what| refuse(&what))?;
    let over = |placement: &&Placement| {
        own.as_ref()
            .is_some_and(|own| own.starts_with(&placement.to))
    };
    if let Some(placement) = placements.iter().find(over) {
        let to = shown(&placement.to);
        let what = format!(
            "the vault itself lies in {to}, which would be written over; choose another folder"
        );
        return Err(refuse(&what));
    }
    let mut plan = RestorePlan {
        snapshot: snapshot.clone(),
        fresh: std::fs::read_dir(&destination).map_or(true, |mut entries| entries.next().is_none()),
        durable: true,
        verify_existing: false,
        destination: destination.clone(),
        overwrite,
        placements,
        files: 0,
        folders: 0,
        bytes: 0,
        existing: Vec::new(),
        existing_count: 0,
        nodes,
    };
    let (nodes, placements) = (plan.nodes.clone(), plan.placements.clone());
    deep::run(|| {
        let mut survey = Survey {
            vault: &vault.inner,
            plan: &mut plan,
        };
        let mut placed = nodes.iter().zip(&placements);
        placed.try_for_each(|(node, placement)| survey.node(node, &placement.to, true, 0))
    })?;
    match plan.existing.first() {
        Some(first) if overwrite == Overwrite::Refuse => Err(Error::WouldOverwrite {
            destination: shown(&destination),
            first: shown(first),
            count: plan.existing_count,
        }),
        _ => Ok(plan),
    }
}

fn shown(path: &Path) -> String {
    show(path.as_os_str().as_bytes())
}

/// The destination with the links of its existing part resolved.
fn real(destination: &Path) -> Result<PathBuf, Error> {
    let bad = |what: String| Error::BadDestination {
        destination: shown(destination),
        what,
    };
    if !destination.is_absolute()
        || destination
            .components()
            .any(|part| part == Component::ParentDir)
    {
        return Err(bad(
            "it is not an absolute path without `..`; write it in full".to_owned(),
        ));
    }
    for existing in destination.ancestors() {
        match existing.canonicalize() {
            Ok(real) => {
                let rest = destination.strip_prefix(existing).unwrap_or(Path::new(""));
                let whole = if rest.as_os_str().is_empty() {
                    real
                } else {
                    real.join(rest)
                };
                return match existing.metadata() {
                    Ok(meta) if !meta.is_dir() => Err(bad(format!(
                        "{} is not a folder; choose another",
                        shown(existing)
                    ))),
                    _ => Ok(whole),
                };
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(bad(format!(
                    "{}: {error}; choose another folder",
                    shown(existing)
                )));
            }
        }
    }
    Err(bad("it does not exist".to_owned()))
}

/// Where each node lands; pure.
pub(crate) fn place(
    nodes: &[Node],
    everything: bool,
    destination: &Path,
) -> Result<Vec<Placement>, String> {
    let below = |relative: &[u8]| destination.join(std::ffi::OsStr::from_bytes(relative));
    let mut taken = HashSet::new();
    let mut placements = Vec::new();
    for node in nodes {
        let to = if node.name == b"/" || (everything && nodes.len() == 1 && node.is_dir()) {
            destination.to_owned()
        } else if everything && nodes.len() > 1 {
            below(node.path.strip_prefix(b"/").unwrap_or(&node.path))
        } else {
            below(&node.name)
        };
        if !taken.insert(to.clone()) {
            return Err(format!(
                "two of the chosen entries would both become {}; restore them one by one",
                shown(&to)
            ));
        }
        placements.push(Placement {
            from: node.path.clone(),
            to,
        });
    }
    Ok(placements)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tree::tests::node;
    use crate::node::NodeKind;

    fn at(path: &str, kind: NodeKind) -> Node {
        let name = if path == "/" {
            path
        } else {
            path.rsplit('/').next().unwrap()
        };
        Node {
            path: path.as_bytes().to_vec(),
            ..node(name.as_bytes(), kind)
        }
    }

    #[test]
    fn placement_follows_what_was_chosen() {
        let dir = |path| at(path, NodeKind::Dir);
        let file = |path| at(path, NodeKind::File);
        let table: [(Vec<Node>, bool, &[&str]); 7] = [
            (vec![dir("/srv/a")], true, &["/to"]),
            (vec![file("/srv/a")], true, &["/to/a"]),
            (vec![file("disk.raw")], true, &["/to/disk.raw"]),
            (
                vec![dir("/srv/a"), dir("/etc")],
                true,
                &["/to/srv/a", "/to/etc"],
            ),
            (vec![dir("/srv/a/b")], false, &["/to/b"]),
            (
                vec![dir("/srv/a/b"), file("/x")],
                false,
                &["/to/b", "/to/x"],
            ),
            (vec![dir("/")], true, &["/to"]),
        ];
        for (nodes, everything, want) in table {
            let placed = place(&nodes, everything, Path::new("/to")).unwrap();
            assert_eq!(
                placed
                    .iter()
                    .map(|p| p.to.to_str().unwrap())
                    .collect::<Vec<_>>(),
                want
            );
        }
        assert!(place(&[file("/a/x"), file("/b/x")], false, Path::new("/to")).is_err());
    }

    #[test]
    fn a_destination_must_be_written_in_full() {
        assert!(real(Path::new("to")).is_err());
        assert!(real(Path::new("/tmp/../etc")).is_err());
        assert_eq!(real(Path::new("/")).unwrap(), Path::new("/"));
    }
}
