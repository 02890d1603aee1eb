//! What differs between two snapshots, or between a snapshot and a folder as it is now.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::CWD;

use crate::inner::Inner;
use crate::node::{Node, NodeKind};
use crate::problem::show;
use crate::restore::same_content;
use crate::source::{self, FILE, FOLDER};
use crate::{Error, Problem, Snapshot, Vault, Watch, deep};

/// One path that is not the same on both sides.
#[derive(Clone, Debug)]
pub struct Change {
    /// Nothing when it was added.
    pub old: Option<Node>,
    /// Nothing when it was removed.
    pub new: Option<Node>,
    /// In what both differ; empty when there is only one.
    pub what: Vec<What>,
}

impl Change {
    /// Its path: where it is in the snapshot, or would be.
    pub fn path(&self) -> &[u8] {
        match (&self.old, &self.new) {
            (Some(node), _) | (None, Some(node)) => &node.path,
            (None, None) => b"",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Kind,
    /// Bytes of a file, target of a link, number of a device.
    Content,
    Size,
    Time,
    Mode,
    Owner,
    Attributes,
}

impl What {
    pub fn name(self) -> &'static str {
        match self {
            What::Kind => "kind",
            What::Content => "content",
            What::Size => "size",
            What::Time => "time",
            What::Mode => "mode",
            What::Owner => "owner",
            What::Attributes => "attributes",
        }
    }
}

/// Told every change, in the order of paths; its error ends the comparison.
pub type Tell<'a> = &'a mut (dyn FnMut(Change) -> Result<(), Error> + Send);

/// From `old` to `new`: everything, or what lies at `path`. Folders whose lists are the same are not read. Access times are
/// no difference. Folder lists that cannot be read are problems.
pub fn snapshots(
    vault: &Vault,
    (old, new): (&Snapshot, &Snapshot),
    path: &[u8],
    watch: &Watch,
    tell: Tell<'_>,
) -> Result<Vec<Problem>, Error> {
    let inner = &vault.inner;
    let (left, right) = match path {
        b"" => (inner.roots(old)?, inner.roots(new)?),
        path => {
            let side = |snapshot| match vault.node(snapshot, path) {
                Ok(node) => Ok(vec![node]),
                Err(Error::NoSuchPath { .. }) => Ok(Vec::new()),
                Err(error) => Err(error),
            };
            let sides = (side(old)?, side(new)?);
            if sides.0.is_empty() && sides.1.is_empty() {
                vault.node(new, path)?;
            }
            sides
        }
    };
    deep::run(|| {
        let mut diff = Diff {
            vault: inner,
            watch,
            tell,
            content: false,
            problems: Vec::new(),
        };
        diff.lists(left, right, 0)?;
        Ok(diff.problems)
    })
}

/// From the snapshot (everything, or what lies at `path`) to what is there now: under the saved paths, or in `folder`, as a
/// restore into it would place it. By kind, size, time, mode, owner and attributes; with `content` every file of the same
/// size is read and compared as well. What cannot be read is a problem. Changes nothing, not even access times.
pub fn live(
    vault: &Vault,
    snapshot: &Snapshot,
    path: &[u8],
    folder: Option<&Path>,
    content: bool,
    watch: &Watch,
    tell: Tell<'_>,
) -> Result<Vec<Problem>, Error> {
    let nodes = match path {
        b"" => vault.inner.roots(snapshot)?,
        path => vec![vault.node(snapshot, path)?],
    };
    let places = match folder {
        Some(folder) => crate::restore::place(&nodes, path.is_empty(), folder)
            .map_err(|what| Error::BadRoot {
                path: show(folder.as_os_str().as_bytes()),
                what,
            })?
            .into_iter()
            .map(|placement| placement.to)
            .collect(),
        None => nodes
            .iter()
            .map(|node| Path::new(std::ffi::OsStr::from_bytes(&node.path)).to_owned())
            .collect::<Vec<_>>(),
    };
    deep::run(|| {
        let mut diff = Diff {
            vault: &vault.inner,
            watch,
            tell,
            content,
            problems: Vec::new(),
        };
        for (node, place) in nodes.iter().zip(&places) {
            let above = place.parent().unwrap_or(Path::new("/"));
            let name = place.file_name().map_or(&b"."[..], OsStrExt::as_bytes);
            match source::open_quietly(CWD, above.as_os_str().as_bytes(), FOLDER) {
                Ok(above) => diff.now(above.as_fd(), name, node, 0)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    diff.all(node, true, 0)?;
                }
                Err(error) => diff.unread(&node.path, error),
            }
        }
        Ok(diff.problems)
    })
}

struct Diff<'a> {
    vault: &'a Inner,
    watch: &'a Watch,
    tell: Tell<'a>,
    content: bool,
    problems: Vec<Problem>,
}

impl Diff<'_> {
    fn unread(&mut self, path: &[u8], error: impl std::fmt::Display) {
        let what = format!("was not compared: {error}");
        self.problems.push(Problem::new(show(path), what));
    }

    fn children(&mut self, folder: &Node, depth: usize) -> Vec<Node> {
        if depth > deep::LEVELS {
            self.unread(&folder.path, "it is too deep");
            return Vec::new();
        }
        self.vault.children(folder).unwrap_or_else(|error| {
            self.unread(&folder.path, error);
            Vec::new()
        })
    }

    /// Two sorted lists side by side.
    fn lists(&mut self, old: Vec<Node>, new: Vec<Node>, depth: usize) -> Result<(), Error> {
        let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
        loop {
            if self.watch.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let order = match (old.peek(), new.peek()) {
                (None, None) => return Ok(()),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(a), Some(b)) => a.path.cmp(&b.path),
            };
            let a = if order.is_le() { old.next() } else { None };
            let b = if order.is_ge() { new.next() } else { None };
            match (a, b) {
                (Some(a), Some(b)) => self.pair(a, b, depth)?,
                (Some(a), None) => self.all(&a, true, depth)?,
                (None, Some(b)) => self.all(&b, false, depth)?,
                (None, None) => {}
            }
        }
    }

    fn pair(&mut self, old: Node, new: Node, depth: usize) -> Result<(), Error> {
        if old.is_dir() != new.is_dir() {
            self.all(&old, true, depth)?;
            return self.all(&new, false, depth);
        }
        let mut what = attributes(&old, &new);
        if old.is_file() && new.is_file() && !same_segments(&old, &new) {
            what.insert(0, What::Content);
        }
        let descend = old.is_dir() && old.subtree != new.subtree;
        let (left, right) = match descend {
            true => (self.children(&old, depth), self.children(&new, depth)),
            false => Default::default(),
        };
        if !what.is_empty() {
            (self.tell)(Change {
                old: Some(old),
                new: Some(new),
                what,
            })?;
        }
        self.lists(left, right, depth + 1)
    }

    /// An entry that only one side has, and everything below it.
    fn all(&mut self, node: &Node, removed: bool, depth: usize) -> Result<(), Error> {
        if self.watch.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let side = |is: bool| is.then(|| node.clone());
        (self.tell)(Change {
            old: side(removed),
            new: side(!removed),
            what: Vec::new(),
        })?;
        if node.is_dir() {
            for child in self.children(node, depth) {
                self.all(&child, removed, depth + 1)?;
            }
        }
        Ok(())
    }

    /// A saved entry and what is there now.
    fn now(
        &mut self,
        above: BorrowedFd<'_>,
        name: &[u8],
        saved: &Node,
        depth: usize,
    ) -> Result<(), Error> {
        if self.watch.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let there = match self.look(above, name, &saved.path) {
            Ok(there) => there,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.all(saved, true, depth);
            }
            Err(error) => {
                self.unread(&saved.path, error);
                return Ok(());
            }
        };
        if saved.is_dir() != there.is_dir() {
            self.all(saved, true, depth)?;
            return self.added(above, name, there, depth);
        }
        let mut what = attributes(saved, &there);
        let files = saved.is_file() && there.is_file();
        if files && saved.size != there.size {
            what.insert(0, What::Content);
        } else if files && self.content {
            match self.content(above, name, saved) {
                Ok(true) => {}
                Ok(false) => what.insert(0, What::Content),
                Err(error) => self.unread(&saved.path, error),
            }
        }
        let is_dir = saved.is_dir();
        if !what.is_empty() {
            (self.tell)(Change {
                old: Some(saved.clone()),
                new: Some(there),
                what,
            })?;
        }
        if is_dir {
            return self.folder(above, name, saved, depth);
        }
        Ok(())
    }

    fn folder(
        &mut self,
        above: BorrowedFd<'_>,
        name: &[u8],
        saved: &Node,
        depth: usize,
    ) -> Result<(), Error> {
        let opened = open_folder(above, name);
        let listed = opened.and_then(|open| source::names(open.as_fd()).map(|names| (open, names)));
        let (open, names) = match listed {
            Ok(listed) => listed,
            Err(error) => {
                self.unread(&saved.path, error);
                return Ok(());
            }
        };
        let made_up = source::is_made_up(open.as_fd());
        let mut names = names.into_iter().filter(|_| !made_up).peekable();
        let mut more = |diff: &mut Self, upto: Option<&[u8]>| {
            while let Some(name) =
                names.next_if(|name| upto.is_none_or(|upto| name.as_slice() < upto))
            {
                let path = crate::format::tree::join(&saved.path, &name);
                match diff.look(open.as_fd(), &name, &path) {
                    Ok(node) => diff.added(open.as_fd(), &name, node, depth + 1)?,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => diff.unread(&path, error),
                }
            }
            if let Some(upto) = upto {
                names.next_if(|name| name == upto);
            }
            Ok::<(), Error>(())
        };
        for child in self.children(saved, depth) {
            more(self, Some(&child.name))?;
            self.now(open.as_fd(), &child.name, &child, depth + 1)?;
        }
        more(self, None)
    }

    /// Something that was not saved, and everything below it.
    fn added(
        &mut self,
        above: BorrowedFd<'_>,
        name: &[u8],
        node: Node,
        depth: usize,
    ) -> Result<(), Error> {
        let (is_dir, path) = (node.is_dir(), node.path.clone());
        (self.tell)(Change {
            old: None,
            new: Some(node),
            what: Vec::new(),
        })?;
        if !is_dir || depth > deep::LEVELS {
            return Ok(());
        }
        let opened = open_folder(above, name);
        let listed = opened.and_then(|open| source::names(open.as_fd()).map(|names| (open, names)));
        match listed {
            Ok((open, names)) if !source::is_made_up(open.as_fd()) => {
                for name in names {
                    let path = crate::format::tree::join(&path, &name);
                    match self.look(open.as_fd(), &name, &path) {
                        Ok(node) => self.added(open.as_fd(), &name, node, depth + 1)?,
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        Err(error) => self.unread(&path, error),
                    }
                }
            }
            Ok(_) => {}
            Err(error) => self.unread(&path, error),
        }
        Ok(())
    }

    fn look(&self, above: BorrowedFd<'_>, name: &[u8], path: &[u8]) -> io::Result<Node> {
        let stat = source::look(above, name)?;
        let kind = source::kind_of(above, name, &stat)?;
        let mut node = source::node(name, path, kind, &stat);
        if node.is_file() {
            node.size = u64::try_from(stat.st_size).unwrap_or(0);
        }
        node.xattrs = source::xattrs_at(above, name)?;
        Ok(node)
    }

    fn content(&self, above: BorrowedFd<'_>, name: &[u8], saved: &Node) -> io::Result<bool> {
        let file = source::open_quietly(above, name, FILE)?;
        same_content(self.vault, file.as_fd(), saved, &|| {
            self.watch.is_cancelled()
        })
    }
}

fn open_folder(above: BorrowedFd<'_>, name: &[u8]) -> io::Result<std::os::fd::OwnedFd> {
    source::open_quietly(above, name, FOLDER | rustix::fs::OFlags::NOFOLLOW)
}

fn same_segments(old: &Node, new: &Node) -> bool {
    // The same bytes may be cut otherwise (a disk image, a stream).
    old.segments == new.segments
        || (old.size == new.size
            && old.content_hash.is_some()
            && old.content_hash == new.content_hash)
}

/// In what two entries differ that are both folders, or both none; but for the content of files.
fn attributes(old: &Node, new: &Node) -> Vec<What> {
    let mut what = Vec::new();
    if std::mem::discriminant(&old.kind) != std::mem::discriminant(&new.kind) {
        what.push(What::Kind);
    } else if old.kind != new.kind {
        what.push(What::Content);
    }
    let is_link = matches!(new.kind, NodeKind::Symlink { .. });
    let own = |node: &Node| {
        let xattrs = node.xattrs.iter();
        xattrs
            .filter(|xattr| xattr.name != b"security.selinux")
            .cloned()
            .collect::<Vec<_>>()
    };
    let tests = [
        (What::Size, old.size != new.size),
        (
            What::Time,
            (old.mtime_s, old.mtime_ns) != (new.mtime_s, new.mtime_ns),
        ),
        // The mode of a symbolic link means nothing.
        (What::Mode, !is_link && old.mode != new.mode),
        (What::Owner, (old.uid, old.gid) != (new.uid, new.gid)),
        (What::Attributes, own(old) != own(new)),
    ];
    what.extend(
        tests
            .into_iter()
            .filter(|(_, is)| *is)
            .map(|(what, _)| what),
    );
    what
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tree::tests::node;

    #[test]
    fn every_difference_has_its_name() {
        let old = node(b"a", NodeKind::File);
        type Make = fn(&mut Node);
        let changes: [(Make, &[What]); 6] = [
            (|n| n.size += 1, &[What::Size]),
            (|n| n.mtime_ns ^= 1, &[What::Time]),
            (|n| n.mode ^= 1, &[What::Mode]),
            (|n| n.gid ^= 1, &[What::Owner]),
            (|n| n.kind = NodeKind::Fifo, &[What::Kind]),
            (|n| n.atime_s ^= 1, &[]),
        ];
        for (change, want) in changes {
            let mut new = old.clone();
            change(&mut new);
            assert_eq!(attributes(&old, &new), want);
        }
        let link = |target: &str| {
            let target = target.as_bytes().to_vec();
            node(b"a", NodeKind::Symlink { target })
        };
        assert_eq!(attributes(&link("x"), &link("y")), [What::Content]);
    }
}
