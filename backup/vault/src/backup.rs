//! Saves folders as a snapshot.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::content::Content;
use crate::format::tree;
use crate::keys::random;
use crate::problem::show;
use crate::session::Session;
use crate::walk::Walk;
use crate::writers::Purpose;
use crate::{Error, Kind, Problem, Snapshot, SnapshotId, Vault, Watch, deep, estimate};

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

/// Problems kept in the snapshot itself.
const PROBLEMS_KEPT: usize = 1000;
/// A file changed this shortly before its run started may change again unseen within the same tick of a coarse clock (FAT: 2 s).
const SETTLE_MS: i64 = 2000;

/// Saves what it can; what it cannot is in the problems (and in the snapshot). Fails, without a snapshot, when none of
/// the roots could be read, the target fails, or the watch is cancelled.
pub fn run(
    vault: &Vault,
    request: &Request<'_>,
    watch: &Watch,
) -> Result<(Snapshot, Vec<Problem>), Error> {
    let roots = clean(&request.roots)?;
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let counted = deep::run(|| {
                roots.iter().for_each(|root| {
                    estimate::count(root, watch, &|| ended.load(Ordering::Relaxed))
                });
                Ok(())
            });
            // Totals are for a progress bar: without them there is none.
            drop(counted);
        });
        let mut result = deep::run(|| save(vault, request, &roots, watch));
        // A prune took what it counted on. What it stored itself is used again.
        if matches!(result, Err(Error::Overtaken)) {
            result = deep::run(|| save(vault, request, &roots, watch));
        }
        ended.store(true, Ordering::Relaxed);
        result
    })
}

fn save(
    vault: &Vault,
    request: &Request<'_>,
    roots: &[PathBuf],
    watch: &Watch,
) -> Result<(Snapshot, Vec<Problem>), Error> {
    let inner = &vault.inner;
    let parent = vault.parent(request.kind, &request.plan, &request.host, roots)?;
    // A parent whose list cannot be read only means that everything is read again.
    let old_roots = parent
        .as_ref()
        .and_then(|parent| inner.roots(parent).ok())
        .unwrap_or_default();
    let own = inner
        .target
        .folder()
        .and_then(|folder| rustix::fs::stat(folder).ok());
    let purpose = Purpose {
        what: request.plan.clone(),
        sweeps: false,
        now_ms: request.now_ms,
    };
    let mut walk = Walk {
        vault: inner,
        watch,
        session: Session::begin(inner, &purpose)?,
        content: Content::new(inner.keys.gear()),
        own: own.map(|stat| (stat.st_dev, stat.st_ino)),
        settled_before_s: parent.as_ref().map_or(i64::MIN, |parent| {
            (parent.started_ms - SETTLE_MS).div_euclid(1000)
        }),
        linked: HashMap::new(),
        problems: Vec::new(),
        files: 0,
        bytes: 0,
    };
    let mut nodes = Vec::new();
    for root in roots {
        let path = root.as_os_str().as_bytes();
        let old = old_roots.iter().find(|old| old.path == path);
        nodes.extend(walk.root(root, path, old)?);
    }
    let Walk {
        mut session,
        mut content,
        problems,
        files,
        bytes,
        ..
    } = walk;
    if nodes.is_empty() {
        return Err(Error::NothingSaved {
            plan: request.plan.clone(),
            problems,
        });
    }
    let tree = content.store_tree(
        &mut session,
        &tree::encode(&nodes, |node| &node.path),
        watch,
    )?;
    let finished = session.finish(watch)?;
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
        roots: roots.to_vec(),
        files,
        bytes,
        stored_bytes: finished.stored_bytes,
        problems: shorten(&problems),
        tree,
    };
    Ok((inner.commit(snapshot, finished)?, problems))
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
}
