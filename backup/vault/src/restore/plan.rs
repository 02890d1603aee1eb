//! What a restore will write.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::Ground;
use super::fate;
use super::ground::Local;
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
    /// Restore only what is absent. What is there stays; each file that is not the saved one is a problem of the restore.
    Keep,
    /// Replace what was changed before the saved one; the rest stays, as with `Keep`.
    Older,
    /// Leave it, and restore under a name beside it: [`sibling`](super::sibling()).
    Beside,
}

/// How many files are in the way, by what becomes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InTheWay {
    /// They look like the saved ones, and stay.
    pub same: u64,
    /// What they hold is lost.
    pub replaced: u64,
    /// Of the replaced, those changed after what was saved.
    pub newer: u64,
    pub kept: u64,
    pub beside: u64,
    /// A folder where a file would be, or the other way round: not restored.
    pub blocked: u64,
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
    pub in_the_way: InTheWay,
    /// Files whose present content will be lost, and whether it is newer than the saved: the first 1000.
    pub lost: Vec<(PathBuf, bool)>,
    /// Of `bytes`, those that will be written (holes are not).
    pub needed_bytes: u64,
    /// Room there, where it can be told.
    pub free_bytes: Option<u64>,
    /// The destination is empty or absent: after the restore nothing else may be there.
    pub fresh: bool,
    /// Write everything to disk before saying that it is done (the default). A restore test into a scratch folder
    /// needs no such promise, and on a busy disk it costs more than the restore.
    pub durable: bool,
    /// Read files that have the saved size and time too, and replace those whose content is another. Without it
    /// (the default) such a file counts as the saved one: enough to resume an interrupted restore, whose times are set
    /// last, but not after a power cut, nor against somebody who set times back.
    pub verify_existing: bool,
    /// A name appears only when its file is whole, so that a restore that is cut off leaves no half file under a real
    /// name, and can go on later whatever its policy. Costs a renaming for each file; without it (the default) a half
    /// file shows by its time, which is set last.
    pub whole_names: bool,
    pub(crate) nodes: Vec<Node>,
}

impl RestorePlan {
    /// What was chosen, as it was saved; `placements` says where each lands.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// More will be written than there is room for.
    pub fn is_too_big(&self) -> bool {
        self.free_bytes.is_some_and(|free| self.needed_bytes > free)
    }

    /// Where a file is restored that finds another under its name, with [`Overwrite::Beside`].
    pub fn sibling_of(&self, path: &Path) -> PathBuf {
        let name = path.file_name().unwrap_or_default().as_bytes();
        let name = fate::sibling(name, &self.snapshot.id);
        path.with_file_name(std::ffi::OsStr::from_bytes(&name))
    }

    /// A name beside `name` that an interrupted restore of the same snapshot finds again, and that no other saved file has.
    pub fn unfinished(&self, name: &[u8]) -> Vec<u8> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.snapshot.id.to_string().as_bytes());
        hasher.update(name);
        let hex = hasher.finalize().to_hex();
        format!(".reprise-{}", &hex[..24]).into_bytes()
    }
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
    let nodes = chosen(vault, snapshot, selection)?;
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
    let plan = plan_on(vault, snapshot, selection, &destination, overwrite, &Local)?;
    Ok(RestorePlan {
        fresh: std::fs::read_dir(&destination).map_or(true, |mut entries| entries.next().is_none()),
        ..plan
    })
}

/// [`plan()`] for any place: `destination` is absolute there, its links resolved. Whether it is a place to write to is
/// for the caller to judge. Nothing there is taken for [fresh](RestorePlan::fresh).
pub fn plan_on(
    vault: &Vault,
    snapshot: &Snapshot,
    selection: &[Vec<u8>],
    destination: &Path,
    overwrite: Overwrite,
    ground: &dyn Ground,
) -> Result<RestorePlan, Error> {
    let nodes = chosen(vault, snapshot, selection)?;
    let everything = selection.iter().all(Vec::is_empty);
    let placements =
        place(&nodes, everything, destination).map_err(|what| Error::BadDestination {
            destination: shown(destination),
            what,
        })?;
    let mut plan = RestorePlan {
        snapshot: snapshot.clone(),
        fresh: false,
        durable: true,
        verify_existing: false,
        whole_names: false,
        destination: destination.to_owned(),
        overwrite,
        placements,
        files: 0,
        folders: 0,
        bytes: 0,
        existing: Vec::new(),
        existing_count: 0,
        in_the_way: InTheWay::default(),
        lost: Vec::new(),
        needed_bytes: 0,
        free_bytes: ground.free_bytes(destination),
        nodes,
    };
    let (nodes, placements) = (plan.nodes.clone(), plan.placements.clone());
    deep::run(|| {
        let mut survey = Survey {
            vault: &vault.inner,
            plan: &mut plan,
            ground,
        };
        let placed = nodes.iter().zip(placements.into_iter().map(|p| p.to));
        survey.all(placed, true, 0)
    })?;
    match plan.existing.first() {
        Some(first) if overwrite == Overwrite::Refuse => Err(Error::WouldOverwrite {
            destination: shown(destination),
            first: shown(first),
            count: plan.existing_count,
        }),
        _ => Ok(plan),
    }
}

fn chosen(vault: &Vault, snapshot: &Snapshot, selection: &[Vec<u8>]) -> Result<Vec<Node>, Error> {
    let selected = selection
        .iter()
        .filter(|path| !path.is_empty())
        .map(|path| vault.node(snapshot, path));
    let selected = selected.collect::<Result<Vec<Node>, Error>>()?;
    match selected.is_empty() {
        true => vault.inner.roots(snapshot),
        false => Ok(selected),
    }
}

/// The destination with which everything lands where it was when it was saved: for one root its own path, for chosen
/// entries the folder they were in. `None` when they were not all in one.
pub fn in_place(
    vault: &Vault,
    snapshot: &Snapshot,
    selection: &[Vec<u8>],
) -> Result<Option<PathBuf>, Error> {
    let nodes = chosen(vault, snapshot, selection)?;
    Ok(home(&nodes, selection.iter().all(Vec::is_empty)))
}

fn home(nodes: &[Node], everything: bool) -> Option<PathBuf> {
    let path = |node: &Node| PathBuf::from(std::ffi::OsStr::from_bytes(&node.path));
    let home = match nodes {
        [root] if everything && root.is_dir() => Some(path(root)),
        [first, rest @ ..] => {
            let home = path(first).parent()?.to_owned();
            let is_there = |node: &Node| path(node).parent() == Some(home.as_path());
            rest.iter().all(is_there).then_some(home)
        }
        [] => None,
    };
    home.filter(|home| home.is_absolute() && home != Path::new("/"))
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
    fn home_is_where_all_of_it_was() {
        let (dir, file) = (
            |path| at(path, NodeKind::Dir),
            |path| at(path, NodeKind::File),
        );
        let table: [(Vec<Node>, bool, Option<&str>); 8] = [
            (vec![dir("/srv/a")], true, Some("/srv/a")),
            (vec![dir("/srv/a")], false, Some("/srv")),
            (vec![file("/srv/a/b")], false, Some("/srv/a")),
            (vec![file("/srv/a"), dir("/srv/b")], false, Some("/srv")),
            (vec![file("/srv/a"), file("/etc/b")], false, None),
            (vec![dir("/")], true, None),
            (vec![dir("/etc")], false, None),
            (vec![file("disk.raw")], true, None),
        ];
        for (nodes, everything, want) in table {
            let home = home(&nodes, everything);
            assert_eq!(home.as_deref(), want.map(Path::new));
            // And there everything lands under its own path.
            if let Some(home) = home {
                for placement in place(&nodes, everything, &home).unwrap() {
                    assert_eq!(placement.to.as_os_str().as_bytes(), placement.from);
                }
            }
        }
    }

    #[test]
    fn a_destination_must_be_written_in_full() {
        assert!(real(Path::new("to")).is_err());
        assert!(real(Path::new("/tmp/../etc")).is_err());
        assert_eq!(real(Path::new("/")).unwrap(), Path::new("/"));
    }
}
