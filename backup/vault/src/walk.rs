//! Walks folders and stores what it finds. A bad entry is a problem; only the vault's own failures stop the walk.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::Ordering;

use rustix::fs::{CWD, FileType, OFlags, Stat};

use crate::content::{Content, Failed, Stored};
use crate::format::tree;
use crate::inner::Inner;
use crate::node::{Node, NodeKind, Segment};
use crate::problem::show;
use crate::session::Session;
use crate::source::{self, FILE, FOLDER, Stretch};
use crate::writer::Chunking;
use crate::{ChunkId, Error, Problem, Watch, deep};

/// Files up to this size are read once more when they changed while being read.
const READ_AGAIN_BYTES: u64 = 64 * 1024 * 1024;

pub(crate) struct Walk<'a> {
    pub(crate) vault: &'a Inner,
    pub(crate) watch: &'a Watch,
    pub(crate) session: Session,
    pub(crate) content: Content,
    /// The vault's own folder as (device, inode): never saved into itself.
    pub(crate) own: Option<(u64, u64)>,
    /// A file of the parent snapshot whose ctime is before this second is trusted unread when nothing changed. Later ones
    /// may have been written within the same clock tick after they were read.
    pub(crate) settled_before_s: i64,
    /// Hard-linked files stored so far.
    pub(crate) linked: HashMap<(u64, u64), Node>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

type Saved = Result<Option<Node>, Error>;

impl Walk<'_> {
    fn problem(&mut self, path: &[u8], what: impl std::fmt::Display) {
        self.problems
            .push(Problem::new(show(path), what.to_string()));
    }

    fn unreadable(&mut self, path: &[u8], error: &io::Error) {
        match error.kind() {
            io::ErrorKind::NotFound => {
                self.problem(path, "went away while the folder was being saved")
            }
            _ => self.problem(path, format_args!("cannot be read: {error}")),
        }
    }

    /// A root that was not there when the backup began did not go away meanwhile.
    fn no_root(&mut self, path: &[u8], error: &io::Error) {
        match error.kind() {
            io::ErrorKind::NotFound => self.problem(path, "does not exist"),
            _ => self.unreadable(path, error),
        }
    }

    /// A root of the snapshot; `old` is the same root in the parent snapshot.
    pub(crate) fn root(&mut self, root: &Path, path: &[u8], old: Option<&Node>) -> Saved {
        let name = root
            .file_name()
            .map_or(&b"/"[..], |name| name.as_encoded_bytes());
        // A root may be a symbolic link to a folder (`/srv/current`): the admin named it, so it is followed.
        match source::open_quietly(CWD, path, FOLDER) {
            Ok(folder) => match rustix::fs::fstat(&folder) {
                Ok(stat) => self.folder(&folder, name, path, &stat, old, 0),
                Err(error) => {
                    self.unreadable(path, &error.into());
                    Ok(None)
                }
            },
            Err(error)
                if error.raw_os_error() == Some(rustix::io::Errno::NOTDIR.raw_os_error()) =>
            {
                let above = root.parent().unwrap_or(Path::new("/"));
                match source::open_quietly(CWD, above.as_os_str().as_encoded_bytes(), FOLDER) {
                    Ok(folder) => self.entry(folder.as_fd(), name, path, old, None, 0),
                    Err(error) => {
                        self.no_root(path, &error);
                        Ok(None)
                    }
                }
            }
            Err(error) => {
                self.no_root(path, &error);
                Ok(None)
            }
        }
    }

    /// An entry of an open folder; `device` is the folder's.
    fn entry(
        &mut self,
        folder: BorrowedFd<'_>,
        name: &[u8],
        path: &[u8],
        old: Option<&Node>,
        device: Option<u64>,
        depth: usize,
    ) -> Saved {
        if self.watch.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let saved = match source::look(folder, name) {
            Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => {
                    return self.sub_folder(folder, name, path, old, device, depth);
                }
                FileType::RegularFile => self.file(folder, name, path, &stat, old),
                _ => self.special(folder, name, path, &stat),
            },
            Err(error) => Err(Failed::Read(error)),
        };
        match saved {
            Ok(node) => {
                self.files += 1;
                self.bytes = self.bytes.saturating_add(node.size);
                self.watch.files_done.fetch_add(1, Ordering::Relaxed);
                Ok(Some(node))
            }
            Err(Failed::Read(error)) => {
                self.unreadable(path, &error);
                Ok(None)
            }
            Err(Failed::Vault(error)) => Err(error),
        }
    }

    fn sub_folder(
        &mut self,
        above: BorrowedFd<'_>,
        name: &[u8],
        path: &[u8],
        old: Option<&Node>,
        device: Option<u64>,
        depth: usize,
    ) -> Saved {
        let opened = source::open_quietly(above, name, FOLDER | OFlags::NOFOLLOW);
        let looked = opened.and_then(|folder| Ok((rustix::fs::fstat(&folder)?, folder)));
        let (stat, folder) = match looked {
            Ok(both) => both,
            Err(error) => {
                self.unreadable(path, &error);
                return Ok(None);
            }
        };
        if device.is_some_and(|device| device != stat.st_dev) && source::is_made_up(folder.as_fd())
        {
            return Ok(Some(source::node(name, path, NodeKind::Dir, &stat)));
        }
        self.folder(&folder, name, path, &stat, old, depth)
    }

    fn folder(
        &mut self,
        folder: &OwnedFd,
        name: &[u8],
        path: &[u8],
        stat: &Stat,
        old: Option<&Node>,
        depth: usize,
    ) -> Saved {
        if self.own == Some((stat.st_dev, stat.st_ino)) {
            self.problem(path, "is the vault itself; it is not saved into itself");
            return Ok(None);
        }
        if depth > deep::LEVELS {
            self.problem(
                path,
                format_args!("is deeper than {} folders; it is not saved", deep::LEVELS),
            );
            return Ok(None);
        }
        let mut node = source::node(name, path, NodeKind::Dir, stat);
        match source::xattrs(folder.as_fd()) {
            Ok(xattrs) => node.xattrs = xattrs,
            Err(error) => {
                self.problem(path, format_args!("its attributes cannot be read: {error}"))
            }
        }
        let names = match source::names(folder.as_fd()) {
            Ok(names) => names,
            Err(error) => {
                self.unreadable(path, &error);
                return Ok(None);
            }
        };
        // An unreadable list of the parent snapshot costs reading the files again, nothing else.
        let before = old
            .filter(|old| old.is_dir())
            .and_then(|old| self.vault.children(old).ok())
            .unwrap_or_default();
        let mut nodes = Vec::with_capacity(names.len());
        for name in names {
            let path = tree::join(path, &name);
            // One name that no reader accepts would cost the whole folder.
            if !tree::is_plain(&name) {
                self.problem(&path, "is not saved: its name is too long or not a name");
                continue;
            }
            let old = before
                .binary_search_by(|old| old.name.cmp(&name))
                .ok()
                .and_then(|at| before.get(at));
            nodes.extend(self.entry(
                folder.as_fd(),
                &name,
                &path,
                old,
                Some(stat.st_dev),
                depth + 1,
            )?);
        }
        let list = tree::encode(&nodes, |node| &node.name);
        node.subtree = self
            .content
            .store_tree(&mut self.session, &list, self.watch)?;
        Ok(Some(node))
    }

    fn special(
        &mut self,
        folder: BorrowedFd<'_>,
        name: &[u8],
        path: &[u8],
        stat: &Stat,
    ) -> Result<Node, Failed> {
        let kind = source::kind_of(folder, name, stat).map_err(Failed::Read)?;
        let mut node = source::node(name, path, kind, stat);
        node.xattrs = source::xattrs_at(folder, name).map_err(Failed::Read)?;
        Ok(node)
    }

    fn file(
        &mut self,
        folder: BorrowedFd<'_>,
        name: &[u8],
        path: &[u8],
        seen: &Stat,
        old: Option<&Node>,
    ) -> Result<Node, Failed> {
        let fresh = source::node(name, path, NodeKind::File, seen);
        let linked = self
            .linked
            .get(&(seen.st_dev, seen.st_ino))
            .filter(|first| same_content(first, &fresh, size_of(seen)));
        let known = linked
            .cloned()
            .or_else(|| self.unchanged(old, &fresh, size_of(seen)));
        if let Some(known) = known {
            self.watch
                .bytes_done
                .fetch_add(known.size, Ordering::Relaxed);
            let Node {
                size,
                content_hash,
                segments,
                xattrs,
                ..
            } = known;
            let node = Node {
                size,
                content_hash,
                segments,
                xattrs,
                ..fresh
            };
            self.remember(&node);
            return Ok(node);
        }
        let file = source::open_quietly(folder, name, FILE).map_err(Failed::Read)?;
        let mut stat = rustix::fs::fstat(&file).map_err(|error| Failed::Read(error.into()))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Failed::Read(io::Error::other(
                "it became another kind of file; it is saved by the next run",
            )));
        }
        let mut again = size_of(&stat) <= READ_AGAIN_BYTES;
        loop {
            let mut node = source::node(name, path, NodeKind::File, &stat);
            node.xattrs = source::xattrs(file.as_fd()).map_err(Failed::Read)?;
            let stored = self.content_of(&file, &stat)?;
            let size = stored.size;
            let after = rustix::fs::fstat(&file).map_err(|error| Failed::Read(error.into()))?;
            let same = size == size_of(&stat) && unmoved(&stat, &after);
            if !same && again {
                (stat, again) = (after, false);
                continue;
            }
            if !same {
                self.problem(
                    path,
                    "changed while it was read; what was read is kept and may mix two states",
                );
                // Never taken for unchanged by the next run.
                (node.ctime_s, node.ctime_ns) = (i64::MAX, 0);
            }
            node.size = size;
            (node.segments, node.content_hash) = stored.finish(&mut self.session, self.watch)?;
            self.remember(&node);
            return Ok(node);
        }
    }

    fn remember(&mut self, node: &Node) {
        if node.links > 1 {
            self.linked
                .entry((node.device, node.inode))
                .or_insert_with(|| node.clone());
        }
    }

    fn content_of(&mut self, file: &OwnedFd, stat: &Stat) -> Result<Stored, Failed> {
        let mut stored = Stored::default();
        for extent in source::extents(file.as_fd(), stat).map_err(Failed::Read)? {
            let hole = extent.start.saturating_sub(stored.size);
            self.watch.bytes_done.fetch_add(hole, Ordering::Relaxed);
            stored.hole(&mut self.session, hole, self.watch)?;
            let mut stretch = Stretch::new(file, extent);
            let watch = self.watch;
            let each = |session: &mut Session, id: ChunkId, plain: &[u8]| {
                stored.chunk(session, id, plain, watch)
            };
            self.content.store(
                &mut self.session,
                &mut stretch,
                Chunking::Cdc,
                self.watch,
                each,
            )?;
            if stretch.at() < extent.end {
                return Ok(stored);
            }
        }
        let hole = size_of(stat).saturating_sub(stored.size);
        self.watch.bytes_done.fetch_add(hole, Ordering::Relaxed);
        stored.hole(&mut self.session, hole, self.watch)?;
        Ok(stored)
    }

    /// The file as the parent snapshot has it, when it is certainly the same.
    fn unchanged(&mut self, old: Option<&Node>, fresh: &Node, size: u64) -> Option<Node> {
        let old = old.filter(|old| {
            old.is_file() && old.ctime_s < self.settled_before_s && same_content(old, fresh, size)
        })?;
        // The lists themselves must be there too; one that cannot be read only means that the file is read again.
        let listed = old.segments.parts().iter();
        let kept = listed.map(|part| part.id).all(|id| self.session.has(&id))
            && self.vault.segments(old).all(|segment| match segment {
                Ok(Segment::Chunk { id, .. }) => self.session.has(&id),
                Ok(Segment::Hole { .. }) => true,
                Err(_) => false,
            });
        kept.then(|| old.clone())
    }
}

pub(crate) fn size_of(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// Same inode, size, mtime and ctime. Not the device: its number changes with each mount on some systems.
fn same_content(old: &Node, fresh: &Node, size: u64) -> bool {
    let key = |node: &Node| {
        (
            node.inode,
            node.mtime_s,
            node.mtime_ns,
            node.ctime_s,
            node.ctime_ns,
        )
    };
    key(old) == key(fresh) && old.size == size
}

fn unmoved(before: &Stat, after: &Stat) -> bool {
    let key = |s: &Stat| {
        (
            s.st_size,
            s.st_mtime,
            s.st_mtime_nsec,
            s.st_ctime,
            s.st_ctime_nsec,
        )
    };
    key(before) == key(after)
}
