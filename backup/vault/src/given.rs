//! Folders of a snapshot that lie on no disk: what programs write, stored as it comes, beside the folders that are read.

use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::Ordering;

use crate::content::{Failed, Stored};
use crate::format::tree;
use crate::node::{Node, NodeKind, Segments};
use crate::problem::show;
use crate::session::Session;
use crate::walk::{Store, Walk};
use crate::writer::Chunking;
use crate::{ChunkId, Error, Problem};

/// A folder to be filled; saved before the folders that are read, which may hold what it speaks of.
pub struct Folder<'a> {
    /// Where it lies in the snapshot: absolute, in none of the folders that are read.
    pub path: PathBuf,
    /// What problems call it.
    pub label: String,
    /// Begins to fill it. Called again when a prune overtook the backup, which then starts anew.
    pub open: &'a (dyn Fn() -> io::Result<Box<dyn Streams>> + Sync),
}

/// Files one after the other. What fails leaves the whole folder out of the snapshot, as a problem.
pub trait Streams {
    /// The next file: a plain name, or one below a plain folder (`tables/a.sql`). Read to its end before the one after
    /// it; a reader that knows that what it gave is not whole says so by an error at its end.
    fn next_file(&mut self) -> io::Result<Option<(String, Box<dyn Read + '_>)>>;

    /// What went wrong and still let the folder be filled. Asked once at the end.
    fn problems(&mut self) -> Vec<Problem> {
        Vec::new()
    }
}

/// The folders' places, or why one cannot lie there.
pub(crate) fn places(folders: &[Folder<'_>], roots: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let bad = |path: &Path, what: &str| Error::BadRoot {
        path: show(path.as_os_str().as_bytes()),
        what: what.to_owned(),
    };
    for (rank, folder) in folders.iter().enumerate() {
        let path = &folder.path;
        let up = path.components().any(|part| part == Component::ParentDir);
        let plain = !up && path.components().collect::<PathBuf>() == *path;
        if !path.is_absolute() || !plain || path.file_name().is_none() {
            return Err(bad(path, "it is no absolute path"));
        }
        let nested = |other: &Path| path.starts_with(other) || other.starts_with(path);
        let others = folders.iter().enumerate().filter(|(at, _)| *at != rank);
        if others
            .map(|(_, other)| &other.path)
            .any(|other| nested(other))
        {
            return Err(bad(path, "another one lies in the same place"));
        }
        if let Some(root) = roots.iter().find(|root| nested(root)) {
            return Err(bad(
                root,
                "what no disk holds has its place there; list narrower folders",
            ));
        }
    }
    Ok(folders.iter().map(|folder| folder.path.clone()).collect())
}

impl Walk<'_> {
    /// A folder's root in the snapshot; `None` when it could not be filled, which is then a problem.
    pub(crate) fn given(
        &mut self,
        folder: &Folder<'_>,
        old: Option<Node>,
        now_ms: i64,
    ) -> Result<Option<Node>, Error> {
        let before = self.tally;
        match self.fill(folder, old, now_ms) {
            Ok(node) => Ok(Some(node)),
            Err(Failed::Vault(error)) => Err(error),
            // The stream may have ended because of what cancels us.
            Err(Failed::Read(_)) if self.watch.is_cancelled() => Err(Error::Cancelled),
            Err(Failed::Read(error)) => {
                self.tally = before;
                let what = format!("nothing of it is saved: failed to {error}");
                self.problems.push(Problem::new(folder.label.clone(), what));
                Ok(None)
            }
        }
    }

    fn fill(
        &mut self,
        folder: &Folder<'_>,
        old: Option<Node>,
        now_ms: i64,
    ) -> Result<Node, Failed> {
        let path = folder.path.as_os_str().as_bytes();
        let name = folder.path.file_name().unwrap_or_default().as_bytes();
        let mut known = Known::read(self, old.as_ref());
        let mut streams = (folder.open)().map_err(Failed::Read)?;
        let mut top: Vec<Node> = Vec::new();
        let mut below: Vec<(Vec<u8>, Vec<Node>)> = Vec::new();
        while let Some((file, mut from)) = streams.next_file().map_err(Failed::Read)? {
            if self.watch.is_cancelled() {
                return Err(Failed::Vault(Error::Cancelled));
            }
            let (sub, file) = match file.split_once('/') {
                Some((sub, file)) => (Some(sub.as_bytes()), file.as_bytes()),
                None => (None, file.as_bytes()),
            };
            let plain = |name: &[u8]| tree::is_plain(name);
            if !plain(file) || !sub.is_none_or(plain) {
                let shown = show(file);
                let what = format!("save {shown}: it is no plain name");
                return Err(Failed::Read(io::Error::other(what)));
            }
            let above = match sub {
                Some(sub) => tree::join(path, sub),
                None => path.to_vec(),
            };
            let whole = tree::join(&above, file);
            let node = self.stream(&whole, file, &mut *from, now_ms)?;
            let node = self.counted(node, known.take(sub, file));
            match sub {
                None => top.push(node),
                Some(sub) => match below.iter_mut().find(|(name, _)| name == sub) {
                    Some((_, nodes)) => nodes.push(node),
                    None => below.push((sub.to_vec(), vec![node])),
                },
            }
        }
        self.problems.extend(streams.problems());
        drop(streams);
        for gone in known.rest() {
            self.tally.removed.add(gone.size);
        }
        for (sub, nodes) in below {
            let above = tree::join(path, &sub);
            top.push(self.list(&sub, &above, nodes, now_ms)?);
        }
        Ok(self.list(name, path, top, now_ms)?)
    }

    /// A folder of these entries.
    fn list(
        &mut self,
        name: &[u8],
        path: &[u8],
        mut nodes: Vec<Node>,
        now_ms: i64,
    ) -> Result<Node, Error> {
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        let mut node = node(name, path, NodeKind::Dir, now_ms);
        if let Some(Store { session, content }) = &mut self.store {
            let list = tree::encode(&nodes, |node| &node.name);
            node.subtree = content.store_tree(session, &list, self.watch)?;
        }
        Ok(node)
    }

    fn stream(
        &mut self,
        path: &[u8],
        name: &[u8],
        from: &mut dyn Read,
        now_ms: i64,
    ) -> Result<Node, Failed> {
        let (watch, mut stored) = (self.watch, Stored::default());
        let mut node = node(name, path, NodeKind::File, now_ms);
        if let Some(Store { session, content }) = &mut self.store {
            let each = |session: &mut Session, id: ChunkId, plain: &[u8]| {
                stored.chunk(session, id, plain, watch)
            };
            content.store(session, from, Chunking::Cdc, watch, each)?;
            node.size = stored.size;
            (node.segments, node.content_hash) = stored.finish(session, watch)?;
        }
        watch.files_done.fetch_add(1, Ordering::Relaxed);
        Ok(node)
    }

    /// Counts a file; what is the same as in the parent snapshot keeps its times.
    fn counted(&mut self, node: Node, old: Option<Node>) -> Node {
        let (count, node) = match old {
            None => (&mut self.tally.new, node),
            Some(old)
                if old.is_file()
                    && (old.size, &old.content_hash, &old.segments)
                        == (node.size, &node.content_hash, &node.segments) =>
            {
                (&mut self.tally.unchanged, old)
            }
            Some(_) => (&mut self.tally.changed, node),
        };
        count.add(node.size);
        node
    }
}

/// What the parent snapshot has of the folder. A list that cannot be read only means that everything counts as new.
struct Known {
    top: Vec<Node>,
    below: Vec<(Vec<u8>, Vec<Node>)>,
}

impl Known {
    fn read(walk: &Walk<'_>, old: Option<&Node>) -> Known {
        let children = |node: &Node| walk.vault.children(node).unwrap_or_default();
        let all = old.map(children).unwrap_or_default();
        let (folders, top): (Vec<Node>, Vec<Node>) = all.into_iter().partition(Node::is_dir);
        let below = folders.into_iter().map(|folder| {
            let nodes = children(&folder);
            (folder.name, nodes)
        });
        Known {
            top,
            below: below.collect(),
        }
    }

    fn take(&mut self, sub: Option<&[u8]>, name: &[u8]) -> Option<Node> {
        let nodes = match sub {
            None => &mut self.top,
            Some(sub) => &mut self.below.iter_mut().find(|(name, _)| name == sub)?.1,
        };
        let at = nodes
            .binary_search_by(|node| node.name[..].cmp(name))
            .ok()?;
        Some(nodes.remove(at))
    }

    fn rest(self) -> impl Iterator<Item = Node> {
        let below = self.below.into_iter().flat_map(|(_, nodes)| nodes);
        self.top.into_iter().chain(below).filter(Node::is_file)
    }
}

/// An entry that nobody else may read, made at that time.
pub(crate) fn node(name: &[u8], path: &[u8], kind: NodeKind, now_ms: i64) -> Node {
    let seconds = now_ms.div_euclid(1000);
    let nanos = u32::try_from(now_ms.rem_euclid(1000) * 1_000_000).unwrap_or(0);
    Node {
        name: name.to_vec(),
        path: path.to_vec(),
        mode: match kind {
            NodeKind::Dir => 0o700,
            _ => 0o600,
        },
        kind,
        size: 0,
        uid: 0,
        gid: 0,
        mtime_s: seconds,
        mtime_ns: nanos,
        atime_s: seconds,
        atime_ns: nanos,
        ctime_s: seconds,
        ctime_ns: nanos,
        device: 0,
        inode: 0,
        links: 1,
        xattrs: Vec::new(),
        content_hash: None,
        segments: Segments::default(),
        subtree: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::{self, Options, Request};
    use crate::target::MemoryTarget;
    use crate::{KdfCost, Kind, Secret, Vault, Watch};
    use std::sync::Arc;

    /// Gives these files; `cut`: the last one ends in an error.
    struct Fixed {
        files: Vec<(&'static str, String)>,
        at: usize,
        cut: bool,
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("dump table b: the server went away"))
        }
    }

    impl Streams for Fixed {
        fn next_file(&mut self) -> io::Result<Option<(String, Box<dyn Read + '_>)>> {
            let last = self.at + 1 == self.files.len();
            let Some((name, text)) = self.files.get(self.at) else {
                return Ok(None);
            };
            self.at += 1;
            let from: Box<dyn Read + '_> = match last && self.cut {
                true => Box::new(text.as_bytes().chain(Broken)),
                false => Box::new(text.as_bytes()),
            };
            Ok(Some(((*name).to_owned(), from)))
        }

        fn problems(&mut self) -> Vec<Problem> {
            vec![Problem::new("table a", "has no transactions")]
        }
    }

    struct Case {
        vault: Vault,
        folder: PathBuf,
        /// Saved, beside the given folder.
        roots: Vec<PathBuf>,
        now_ms: i64,
    }

    impl Case {
        fn new(name: &str) -> Case {
            let name = format!("reprise-given-{name}-{}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("bill.pdf"), "pdf").unwrap();
            let password = Secret::new(b"correct horse".to_vec());
            let target = Arc::new(MemoryTarget::new());
            Case {
                vault: Vault::create(target, &password, KdfCost::MINIMUM).unwrap(),
                roots: vec![folder.clone()],
                folder,
                now_ms: 1_000_000,
            }
        }

        fn save(
            &mut self,
            files: &[(&'static str, String)],
            cut: bool,
        ) -> Result<backup::Saved, Error> {
            self.now_ms += 1_000_000;
            let open = || {
                Ok(Box::new(Fixed {
                    files: files.to_vec(),
                    at: 0,
                    cut,
                }) as Box<dyn Streams>)
            };
            let given = Folder {
                path: PathBuf::from("/.reprise/databases/erp"),
                label: "database erp".to_owned(),
                open: &open,
            };
            let request = Request {
                kind: Kind::Files,
                plan: "erp".to_owned(),
                host: "box".to_owned(),
                roots: self.roots.clone(),
                now_ms: self.now_ms,
                end_ms: &|| 5,
            };
            let options = Options::default();
            backup::save_with(&self.vault, &request, &options, &[given], &Watch::new())
        }

        fn text(&self, saved: &backup::Saved, path: &str) -> String {
            let node = self.vault.node(&saved.snapshot, path.as_bytes()).unwrap();
            let mut text = String::new();
            let mut file = self.vault.open_file(&node).unwrap();
            file.read_to_string(&mut text).unwrap();
            text
        }
    }

    impl Drop for Case {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    fn files(long: &str) -> Vec<(&'static str, String)> {
        vec![
            ("before.sql", "create".to_owned()),
            ("tables/b.sql", "rows of b".to_owned()),
            ("tables/a.sql", long.repeat(100_000)),
            ("after.sql", String::new()),
        ]
    }

    #[test]
    fn streams_and_folders_are_one_snapshot() {
        let mut case = Case::new("both");
        let saved = case.save(&files("rows of a\n"), false).unwrap();
        assert_eq!(saved.snapshot.files, 5);
        assert_eq!(
            saved.problems,
            [Problem::new("table a", "has no transactions")]
        );
        assert_eq!(saved.snapshot.roots.len(), 2);
        let read = case.text(&saved, "/.reprise/databases/erp/tables/a.sql");
        assert_eq!(read, "rows of a\n".repeat(100_000));
        assert_eq!(case.text(&saved, "/.reprise/databases/erp/after.sql"), "");
        let pdf = case.folder.join("bill.pdf").display().to_string();
        assert_eq!(case.text(&saved, &pdf), "pdf");
        let report = case.vault.check(true, None, &Watch::new()).unwrap();
        assert_eq!(report.problems, []);
        // The night after: what is the same costs nothing and keeps its times.
        let again = case.save(&files("rows of a\n"), false).unwrap();
        assert_eq!((again.tally.unchanged.files, again.tally.new.files), (5, 0));
        let path = b"/.reprise/databases/erp/tables/a.sql";
        let node = case.vault.node(&again.snapshot, path).unwrap();
        assert_eq!(node.mtime_s, 2000);
        let mut fewer = files("other rows\n");
        fewer.remove(1);
        let third = case.save(&fewer, false).unwrap();
        let tally = third.tally;
        assert_eq!((tally.changed.files, tally.removed.files), (1, 1));
    }

    #[test]
    fn a_stream_that_fails_leaves_nothing_of_its_folder_and_the_rest_is_saved() {
        let mut case = Case::new("cut");
        let saved = case.save(&files("x")[..2], true).unwrap();
        assert_eq!(saved.snapshot.files, 1);
        assert_eq!(saved.problems.len(), 1);
        let said = saved.problems[0].to_string();
        assert!(
            said.starts_with("database erp: nothing of it is saved: failed to dump table b"),
            "{said}"
        );
        assert!(
            case.vault
                .node(&saved.snapshot, b"/.reprise/databases/erp")
                .is_err()
        );
        // Nothing else to save: no snapshot at all.
        case.roots.clear();
        let Err(Error::NothingSaved { problems, .. }) = case.save(&files("x")[..2], true) else {
            panic!("something was saved");
        };
        assert_eq!(problems.len(), 1);
        let alone = case.save(&files("x"), false).unwrap();
        assert_eq!(alone.snapshot.files, 4);
    }

    #[test]
    fn a_given_folder_lies_in_no_folder_that_is_read() {
        let given = |path: &str| Folder {
            path: PathBuf::from(path),
            label: String::new(),
            open: &|| Err(io::Error::other("not asked")),
        };
        for (paths, roots, good) in [
            (&["/.reprise/a", "/.reprise/b"][..], &["/srv"][..], true),
            (&["/.reprise/a"], &["/"], false),
            (&["/.reprise/a"], &["/.reprise"], false),
            (&["/.reprise/a"], &["/.reprise/a/b"], false),
            (&["/.reprise/a", "/.reprise/a"], &[], false),
            (&["a"], &[], false),
            (&["/a/../b"], &[], false),
            (&["/"], &[], false),
        ] {
            let folders: Vec<Folder<'_>> = paths.iter().map(|path| given(path)).collect();
            let roots: Vec<PathBuf> = roots.iter().map(PathBuf::from).collect();
            assert_eq!(
                places(&folders, &roots).is_ok(),
                good,
                "{paths:?} {roots:?}"
            );
        }
    }
}
