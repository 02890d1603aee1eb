//! Saves folders as a snapshot.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::ahead::Scanner;
use crate::content::Content;
use crate::exclude::Patterns;
use crate::format::tree;
use crate::given;
use crate::inner::Inner;
use crate::keys::random;
use crate::known::Inodes;
use crate::problem::show;
use crate::scan::Rules;
use crate::session::Session;
use crate::settled::Settled;
use crate::walk::{Store, Walk};
use crate::writers::Purpose;
use crate::{Error, Kind, Node, Problem, Snapshot, SnapshotId, Vault, Watch, deep, estimate};

pub use crate::given::{Folder, Streams};
pub use crate::stream::stream;
pub use crate::tally::{Count, Tally};

pub struct Request<'a> {
    pub kind: Kind,
    pub plan: String,
    pub host: String,
    /// Absolute paths of folders or files.
    pub roots: Vec<PathBuf>,
    /// When the run started, milliseconds since 1970.
    pub now_ms: i64,
    /// Asked once at the end for `finished_ms`.
    pub end_ms: &'a (dyn Fn() -> i64 + Sync),
}

/// What is left out, and how. By default nothing is.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Lines as of a `.gitignore` file in each root; a pattern may also begin with the root's own path.
    pub exclude: Vec<Vec<u8>>,
    /// Leave out what lies beside a `CACHEDIR.TAG` with the signature (the tag is kept; roots are not asked).
    pub skip_caches: bool,
    /// Leave out what lies beside an entry of one of these names (which is kept; roots are not asked).
    pub markers: Vec<Vec<u8>>,
    /// Save folders where another file system is mounted as empty folders.
    pub one_file_system: bool,
    /// Nobody watches the progress: what a first run will meet is not counted beside it.
    pub no_totals: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    pub snapshot: Snapshot,
    pub problems: Vec<Problem>,
    pub tally: Tally,
}

/// Problems kept in the snapshot itself.
const PROBLEMS_KEPT: usize = 1000;
/// One prune a day overtakes a run at most once; several writers of a share that shows deletions late need more.
const TRIES: usize = 5;

/// [`save`] with nothing left out.
pub fn run(
    vault: &Vault,
    request: &Request<'_>,
    watch: &Watch,
) -> Result<(Snapshot, Vec<Problem>), Error> {
    let saved = save(vault, request, &Options::default(), watch)?;
    Ok((saved.snapshot, saved.problems))
}

/// Saves what it can; what it cannot is in the problems (and in the snapshot). Fails, without a snapshot, when none of
/// the roots could be read, the target fails, or the watch is cancelled.
pub fn save(
    vault: &Vault,
    request: &Request<'_>,
    options: &Options,
    watch: &Watch,
) -> Result<Saved, Error> {
    save_with(vault, request, options, &[], watch)
}

/// [`save`], with folders that are filled by programs; the request may then name no roots.
pub fn save_with(
    vault: &Vault,
    request: &Request<'_>,
    options: &Options,
    given: &[Folder<'_>],
    watch: &Watch,
) -> Result<Saved, Error> {
    let run = Run::prepare(vault, request, options, given)?;
    let purpose = Purpose {
        what: request.plan.clone(),
        sweeps: false,
        now_ms: request.now_ms,
    };
    let store = || {
        Ok(Some(Store {
            session: Session::begin(run.inner, &purpose)?,
            content: Content::new(&run.inner.keys),
        }))
    };
    let once = || {
        let (nodes, ended) = run.walk(watch, store)?;
        run.commit(&nodes, ended, watch)
    };
    run.beside_totals(watch, || {
        // A prune took what it counted on. What it stored itself is used again, so each try has less to lose.
        for _ in 1..TRIES {
            match once() {
                Err(Error::Overtaken) => {}
                other => return other,
            }
        }
        once()
    })
}

/// What [`save`] would do, as far as can be told without reading any file. Writes nothing.
pub fn preview(
    vault: &Vault,
    request: &Request<'_>,
    options: &Options,
    watch: &Watch,
) -> Result<(Tally, Vec<Problem>), Error> {
    let run = Run::prepare(vault, request, options, &[])?;
    run.beside_totals(watch, || {
        let (nodes, ended) = run.walk(watch, || Ok(None))?;
        match nodes.is_empty() {
            true => Err(run.nothing(ended.problems)),
            false => Ok((ended.tally, ended.problems)),
        }
    })
}

struct Run<'a> {
    inner: &'a std::sync::Arc<Inner>,
    request: &'a Request<'a>,
    options: &'a Options,
    /// Those that are read.
    roots: Vec<PathBuf>,
    given: &'a [Folder<'a>],
    /// Those of the snapshot.
    all: Vec<PathBuf>,
    parent: Option<Snapshot>,
}

/// What is left of a walk.
struct Ended {
    store: Option<Store>,
    tally: Tally,
    problems: Vec<Problem>,
}

impl<'a> Run<'a> {
    fn prepare(
        vault: &'a Vault,
        request: &'a Request<'a>,
        options: &'a Options,
        given: &'a [Folder<'a>],
    ) -> Result<Run<'a>, Error> {
        let roots = match request.roots.is_empty() && !given.is_empty() {
            true => Vec::new(),
            false => clean(&request.roots)?,
        };
        for root in &roots {
            not_excluded(root, options)?;
        }
        let mut all = roots.clone();
        all.extend(given::places(given, &roots)?);
        all.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
        let parent = vault.parent(request.kind, &request.plan, &request.host, &all)?;
        Ok(Run {
            inner: &vault.inner,
            request,
            options,
            roots,
            given,
            all,
            parent,
        })
    }

    /// Totals are for a progress bar: the parent snapshot's, or what a thread of its own counts. Without them there is none.
    fn beside_totals<T: Send>(
        &self,
        watch: &Watch,
        work: impl FnOnce() -> Result<T, Error> + Send,
    ) -> Result<T, Error> {
        if let Some(parent) = &self.parent {
            watch.files_total.fetch_add(parent.files, Ordering::Relaxed);
            watch.bytes_total.fetch_add(parent.bytes, Ordering::Relaxed);
            return deep::run(work);
        }
        if self.options.no_totals {
            return deep::run(work);
        }
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let stop = || ended.load(Ordering::Relaxed);
                let counted = deep::run(|| {
                    let roots = self.roots.iter();
                    roots.for_each(|root| estimate::count(root, watch, &stop));
                    Ok(())
                });
                drop(counted);
            });
            let result = deep::run(work);
            ended.store(true, Ordering::Relaxed);
            result
        })
    }

    fn walk(
        &self,
        watch: &Watch,
        store: impl FnOnce() -> Result<Option<Store>, Error>,
    ) -> Result<(Vec<Node>, Ended), Error> {
        // A parent whose list cannot be read only means that everything is read again.
        let roots = self.parent.as_ref().map(|parent| self.inner.roots(parent));
        let mut old_roots = roots.and_then(Result::ok).unwrap_or_default();
        let own = self.inner.target.folder();
        let own = own.and_then(|folder| rustix::fs::stat(folder).ok());
        let own = own.map(|stat| (stat.st_dev, stat.st_ino));
        let scanner = Scanner::new(self.inner, own, watch);
        let mut walk = Walk {
            vault: self.inner,
            watch,
            scanner: &scanner,
            store: store()?,
            settled: Settled::before(self.parent.as_ref().map(|parent| parent.started_ms)),
            linked: HashMap::new(),
            inodes: Inodes::default(),
            problems: Vec::new(),
            tally: Tally::default(),
        };
        let mut given = Vec::new();
        for folder in self.given {
            let path = folder.path.as_os_str().as_bytes();
            let old = old_roots.iter().position(|old| old.path == path);
            let old = old.map(|at| old_roots.swap_remove(at));
            given.extend(walk.given(folder, old, self.request.now_ms)?);
        }
        let mut nodes = scanner.beside(|| {
            let mut nodes = Vec::new();
            for root in &self.roots {
                let path = root.as_os_str().as_bytes();
                let old = old_roots.iter().position(|old| old.path == path);
                let old = old.map(|at| old_roots.swap_remove(at));
                let rules = rules(self.options, path);
                nodes.extend(walk.root(root, path, old, rules)?);
            }
            Ok::<_, Error>(nodes)
        })?;
        nodes.extend(given);
        nodes.sort_by(|a, b| a.path.cmp(&b.path));
        let Walk {
            store,
            tally,
            problems,
            ..
        } = walk;
        Ok((
            nodes,
            Ended {
                store,
                tally,
                problems,
            },
        ))
    }

    fn commit(&self, nodes: &[Node], ended: Ended, watch: &Watch) -> Result<Saved, Error> {
        let Ended {
            store:
                Some(Store {
                    mut session,
                    mut content,
                }),
            tally,
            problems,
        } = ended
        else {
            return Err(Error::Cancelled);
        };
        if nodes.is_empty() {
            return Err(self.nothing(problems));
        }
        let list = tree::encode(nodes, |node| &node.path);
        let tree = content.store_tree(&mut session, &list, watch)?;
        let finished = session.finish(watch)?;
        let request = self.request;
        let counts = [tally.new, tally.changed, tally.unchanged];
        let snapshot = Snapshot {
            id: SnapshotId::from_bytes(random()?),
            seq: 0,
            parents: Vec::new(),
            session: [0; 16],
            tombs: Vec::new(),
            kind: request.kind,
            plan: request.plan.clone(),
            host: request.host.clone(),
            started_ms: request.now_ms,
            finished_ms: (request.end_ms)(),
            roots: self.all.clone(),
            files: counts.iter().map(|count| count.files).sum(),
            bytes: counts
                .iter()
                .fold(0, |sum, count| sum.saturating_add(count.bytes)),
            stored_bytes: finished.stored_bytes,
            problems: shorten(&problems),
            tree,
        };
        Ok(Saved {
            snapshot: self.inner.commit(snapshot, finished)?,
            problems,
            tally,
        })
    }

    fn nothing(&self, problems: Vec<Problem>) -> Error {
        Error::NothingSaved {
            plan: self.request.plan.clone(),
            problems,
        }
    }
}

fn rules(options: &Options, root: &[u8]) -> Rules {
    Rules {
        patterns: Patterns::new(&options.exclude, root),
        skip_caches: options.skip_caches,
        markers: options.markers.clone(),
        one_file_system: options.one_file_system,
        root_len: root.len() + usize::from(root.last() != Some(&b'/')),
    }
}

fn not_excluded(root: &Path, options: &Options) -> Result<(), Error> {
    let path = root.as_os_str().as_bytes();
    let patterns = Patterns::new(&options.exclude, path);
    match patterns.excluding_root(path, root.is_dir()) {
        Some(pattern) => Err(Error::BadRoot {
            path: show(path),
            what: format!("the pattern `{}` excludes it", show(pattern)),
        }),
        None => Ok(()),
    }
}

/// Absolute, without `.` and `..`, sorted, none inside another.
fn clean(roots: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let bad = |root: &Path, what: &str| Error::BadRoot {
        path: show(root.as_os_str().as_bytes()),
        what: what.to_owned(),
    };
    let mut cleaned = Vec::new();
    for root in roots {
        if !root.is_absolute() {
            return Err(bad(root, "it is not an absolute path"));
        }
        if root.components().any(|part| part == Component::ParentDir) {
            return Err(bad(root, "it contains `..`"));
        }
        cleaned.push(root.components().collect::<PathBuf>());
    }
    cleaned.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    cleaned.dedup();
    let all = cleaned.clone();
    cleaned.retain(|root| {
        !all.iter()
            .any(|other| other != root && root.starts_with(other))
    });
    if cleaned.is_empty() {
        return Err(Error::BadRoot {
            path: "nothing".to_owned(),
            what: "no folder is named".to_owned(),
        });
    }
    Ok(cleaned)
}

fn shorten(problems: &[Problem]) -> Vec<Problem> {
    let mut kept: Vec<Problem> = problems.iter().take(PROBLEMS_KEPT).cloned().collect();
    if problems.len() > PROBLEMS_KEPT {
        kept.push(Problem::new(
            "and others",
            format!("{} more problems", problems.len() - PROBLEMS_KEPT),
        ));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_absolute_sorted_and_not_nested() {
        let paths = |texts: &[&str]| texts.iter().map(PathBuf::from).collect::<Vec<_>>();
        let table: [(&[&str], &[&str]); 4] = [
            (&["/b", "/a/"], &["/a", "/b"]),
            (&["/a", "/a/b", "/ab", "/a"], &["/a", "/ab"]),
            (&["/a/./b"], &["/a/b"]),
            (&["/", "/x"], &["/"]),
        ];
        for (given, want) in table {
            assert_eq!(clean(&paths(given)).unwrap(), paths(want), "{given:?}");
        }
        for given in [&["a"][..], &["/a/../b"], &[]] {
            assert!(
                matches!(clean(&paths(given)), Err(Error::BadRoot { .. })),
                "{given:?}"
            );
        }
    }

    #[test]
    fn a_snapshot_keeps_a_bounded_number_of_problems() {
        let many = vec![Problem::new("/a", "b"); 1500];
        let kept = shorten(&many);
        assert_eq!(
            (kept.len(), kept[1000].what.as_str()),
            (1001, "500 more problems")
        );
    }

    /// As after a new mount of a file system that makes its inode numbers up: the parent snapshot has others.
    #[test]
    fn inode_numbers_that_change_with_each_mount_are_left_aside() {
        use crate::target::MemoryTarget;
        use crate::{KdfCost, Secret};
        let folder = std::env::temp_dir().join(format!("reprise-inodes-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("sub")).unwrap();
        for n in 0..12 {
            std::fs::write(folder.join(format!("sub/{n}")), format!("{n}")).unwrap();
        }
        let target = std::sync::Arc::new(MemoryTarget::new());
        let password = Secret::new(b"correct horse".to_vec());
        let vault = Vault::create(target, &password, KdfCost::MINIMUM).unwrap();
        let run = |now_ms| {
            let request = Request {
                kind: Kind::Files,
                plan: "test".to_owned(),
                host: "here".to_owned(),
                roots: vec![folder.clone()],
                now_ms,
                end_ms: &|| 0,
            };
            save(&vault, &request, &Options::default(), &Watch::new()).unwrap()
        };
        let first = run(4_000_000_000_000);
        let inner = &vault.inner;
        let mut roots = inner.roots(&first.snapshot).unwrap();
        let mut subs = inner.children(&roots[0]).unwrap();
        let mut files = inner.children(&subs[0]).unwrap();
        let purpose = Purpose {
            what: "forge".to_owned(),
            sweeps: false,
            now_ms: 4_000_000_001_000,
        };
        let mut session = Session::begin(inner, &purpose).unwrap();
        let mut content = Content::new(&inner.keys);
        let watch = Watch::new();
        let mut forge = |nodes: &mut Vec<Node>, roots: bool| {
            nodes.iter_mut().for_each(|node| node.inode += 1_000_000);
            let list = tree::encode(nodes, |node| if roots { &node.path } else { &node.name });
            content.store_tree(&mut session, &list, &watch).unwrap()
        };
        subs[0].subtree = forge(&mut files, false);
        roots[0].subtree = forge(&mut subs, false);
        let tree = forge(&mut roots, true);
        let finished = session.finish(&watch).unwrap();
        let forged = Snapshot {
            id: SnapshotId::from_bytes(random().unwrap()),
            tree,
            ..first.snapshot
        };
        let forged = inner.commit(forged, finished).unwrap();
        let again = run(4_000_000_002_000);
        assert!(again.tally.unstable_inodes);
        assert_eq!(again.tally.unchanged.files, 12, "{:?}", again.tally);
        assert_eq!(again.problems, []);
        let kept = inner.roots(&again.snapshot).unwrap();
        let below = |roots: &[Node]| inner.children(&roots[0]).unwrap()[0].subtree.clone();
        let forged = inner.roots(&forged).unwrap();
        assert_eq!(below(&kept), below(&forged), "the list is used again");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
