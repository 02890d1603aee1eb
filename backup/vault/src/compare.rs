//! Compares restored files with what was read at backup time.

use std::collections::HashMap;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::Ordering;

use rustix::fs::{CWD, OFlags, Stat};

use crate::content::Failed;
use crate::inner::Inner;
use crate::node::{Node, NodeKind, Segment, Xattr};
use crate::problem::show;
use crate::restore::RestorePlan;
use crate::source::{self, Extent, FILE, FOLDER, Stretch};
use crate::{Error, Problem, Vault, Watch, deep};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Everything compared that is not a folder.
    pub files: u64,
    pub folders: u64,
    /// Bytes of files that were read again and hashed.
    pub bytes: u64,
    /// What differs (the first 1000; then one line saying that there are more).
    pub differences: Vec<Problem>,
}

const DIFFERENCES_KEPT: usize = 1000;

/// Reads every restored file again and compares it with the names of its chunks and the hash taken when it was read; also type, size, mode, owner,
/// mtime, extended attributes, link targets, device numbers, hard links and holes. When the destination was empty before
/// the restore, what is there besides is a difference too. Changes nothing, not even access times.
pub fn compare(vault: &Vault, plan: &RestorePlan, watch: &Watch) -> Result<Comparison, Error> {
    watch.files_total.fetch_add(plan.files, Ordering::Relaxed);
    watch.bytes_total.fetch_add(plan.bytes, Ordering::Relaxed);
    deep::run(|| {
        let mut compare = Compare {
            vault: &vault.inner,
            watch,
            fresh: plan.fresh,
            groups: HashMap::new(),
            inodes: HashMap::new(),
            found: Comparison::default(),
            buffer: Vec::new(),
        };
        for (node, placement) in plan.nodes.iter().zip(&plan.placements) {
            compare.placed(node, &placement.to)?;
        }
        // The last file may have been left half read.
        if watch.is_cancelled() {
            return Err(Error::Cancelled);
        }
        Ok(compare.found)
    })
}

type FileId = (u64, u64);

struct Compare<'a> {
    vault: &'a Inner,
    watch: &'a Watch,
    fresh: bool,
    /// Saved hard-linked file → restored file, and the other way round.
    groups: HashMap<FileId, FileId>,
    inodes: HashMap<FileId, FileId>,
    found: Comparison,
    buffer: Vec<u8>,
}

impl Compare<'_> {
    fn differs(&mut self, path: &[u8], what: impl std::fmt::Display) {
        match self.found.differences.len() {
            0..DIFFERENCES_KEPT => self
                .found
                .differences
                .push(Problem::new(show(path), what.to_string())),
            DIFFERENCES_KEPT => self.found.differences.push(Problem::new(
                "and others",
                "there are more differences than these",
            )),
            _ => {}
        }
    }

    fn placed(&mut self, node: &Node, to: &Path) -> Result<(), Error> {
        if node.is_dir() {
            return match source::open_quietly(CWD, to.as_os_str().as_bytes(), FOLDER) {
                Ok(folder) => self.folder(&folder, node, 0),
                Err(error) => {
                    self.differs(
                        &node.path,
                        format_args!("the folder was not restored: {error}"),
                    );
                    Ok(())
                }
            };
        }
        let above = to.parent().unwrap_or(Path::new("/"));
        match source::open_quietly(CWD, above.as_os_str().as_bytes(), FOLDER) {
            Ok(folder) => {
                let name = to.file_name().unwrap_or_default().as_bytes();
                self.entry(folder.as_fd(), name, node, 0)
            }
            Err(error) => {
                self.differs(&node.path, format_args!("was not restored: {error}"));
                Ok(())
            }
        }
    }

    fn entry(
        &mut self,
        folder: BorrowedFd<'_>,
        name: &[u8],
        node: &Node,
        depth: usize,
    ) -> Result<(), Error> {
        if self.watch.is_cancelled() {
            return Err(Error::Cancelled);
        }
        if node.is_dir() {
            match source::open_quietly(folder, name, FOLDER | OFlags::NOFOLLOW) {
                Ok(folder) => return self.folder(&folder, node, depth),
                Err(error) => self.differs(
                    &node.path,
                    format_args!("the folder was not restored: {error}"),
                ),
            }
            return Ok(());
        }
        self.found.files += 1;
        self.watch.files_done.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = self.file(folder, name, node) {
            match error.kind() {
                io::ErrorKind::NotFound => self.differs(&node.path, "was not restored"),
                _ => self.differs(&node.path, format_args!("cannot be read back: {error}")),
            }
        }
        Ok(())
    }

    fn folder(&mut self, folder: &OwnedFd, node: &Node, depth: usize) -> Result<(), Error> {
        self.found.folders += 1;
        match (rustix::fs::fstat(folder), source::xattrs(folder.as_fd())) {
            (Ok(stat), Ok(xattrs)) => self.attributes(node, &stat, &xattrs),
            (Err(error), _) => {
                self.differs(&node.path, format_args!("cannot be read back: {error}"))
            }
            (_, Err(error)) => self.differs(
                &node.path,
                format_args!("its attributes cannot be read back: {error}"),
            ),
        }
        let children = match self.vault.children(node) {
            Ok(children) if depth <= deep::LEVELS => children,
            Ok(_) => Vec::new(),
            Err(error) => {
                self.differs(
                    &node.path,
                    format_args!("what it should hold is not known: {error}"),
                );
                return Ok(());
            }
        };
        for child in &children {
            self.entry(folder.as_fd(), &child.name, child, depth + 1)?;
        }
        if self.fresh {
            for name in source::names(folder.as_fd()).unwrap_or_default() {
                if children
                    .binary_search_by(|child| child.name.cmp(&name))
                    .is_err()
                {
                    self.differs(
                        &crate::format::tree::join(&node.path, &name),
                        "is there and was not saved",
                    );
                }
            }
        }
        Ok(())
    }

    fn attributes(&mut self, node: &Node, stat: &Stat, xattrs: &[Xattr]) {
        let seen = source::node(&node.name, &node.path, node.kind.clone(), stat);
        // The mode of a symbolic link means nothing.
        if seen.mode != node.mode && !matches!(node.kind, NodeKind::Symlink { .. }) {
            self.differs(
                &node.path,
                format_args!("has mode {:04o} instead of {:04o}", seen.mode, node.mode),
            );
        }
        if (seen.uid, seen.gid) != (node.uid, node.gid) {
            let what = format_args!(
                "belongs to {}:{} instead of {}:{}",
                seen.uid, seen.gid, node.uid, node.gid
            );
            self.differs(&node.path, what);
        }
        if (seen.mtime_s, seen.mtime_ns) != (node.mtime_s, node.mtime_ns) {
            let what = format_args!(
                "was changed at {}.{:09} instead of {}.{:09}",
                seen.mtime_s, seen.mtime_ns, node.mtime_s, node.mtime_ns
            );
            self.differs(&node.path, what);
        }
        // Labels are the system's own.
        let own = |xattrs: &[Xattr]| {
            xattrs
                .iter()
                .filter(|x| x.name != b"security.selinux")
                .cloned()
                .collect::<Vec<_>>()
        };
        let (seen, wanted) = (own(xattrs), own(&node.xattrs));
        if seen != wanted {
            let other = seen
                .iter()
                .chain(&wanted)
                .find(|x| !(seen.contains(x) && wanted.contains(x)));
            let name = other.map(|xattr| show(&xattr.name)).unwrap_or_default();
            self.differs(
                &node.path,
                format_args!("has other extended attributes ({name})"),
            );
        }
    }

    fn file(&mut self, folder: BorrowedFd<'_>, name: &[u8], node: &Node) -> io::Result<()> {
        let stat = source::look(folder, name)?;
        let kind = source::kind_of(folder, name, &stat)?;
        if kind != node.kind {
            let (is, was) = (kind.name(), node.kind.name());
            match is == was {
                true => self.differs(&node.path, format_args!("is a {is} that points elsewhere")),
                false => self.differs(&node.path, format_args!("is a {is} instead of a {was}")),
            }
            return Ok(());
        }
        self.links(node, &stat);
        if !node.is_file() {
            self.attributes(node, &stat, &source::xattrs_at(folder, name)?);
            return Ok(());
        }
        let file = source::open_quietly(folder, name, FILE)?;
        self.attributes(node, &stat, &source::xattrs(file.as_fd())?);
        if u64::try_from(stat.st_size).ok() != Some(node.size) {
            self.differs(
                &node.path,
                format_args!("has {} bytes instead of {}", stat.st_size, node.size),
            );
            return Ok(());
        }
        self.holes(&file, node, &stat)?;
        match self.content(&file, node) {
            Ok(true) => {}
            Ok(false) => self.differs(
                &node.path,
                "has another content than what was read at backup time",
            ),
            Err(Failed::Read(error)) => return Err(error),
            Err(Failed::Vault(error)) => self.differs(
                &node.path,
                format_args!("what it should hold is not known: {error}"),
            ),
        }
        self.found.bytes += node.size;
        Ok(())
    }

    /// Whether the file is made of the chunks it should be made of, with zeros in its holes.
    fn content(&mut self, file: &OwnedFd, node: &Node) -> Result<bool, Failed> {
        let mut hasher = blake3::Hasher::new();
        let mut at = 0;
        for segment in self.vault.segments(node) {
            let segment = segment?;
            if self.watch.is_cancelled() {
                return Ok(true);
            }
            let end = at + segment.len();
            let same = match segment {
                Segment::Chunk { id, len } => {
                    self.buffer.clear();
                    let mut stretch = Stretch::new(file, Extent { start: at, end });
                    stretch
                        .read_to_end(&mut self.buffer)
                        .map_err(Failed::Read)?;
                    if node.content_hash.is_some() {
                        hasher.update(&self.buffer);
                    }
                    self.buffer.len() == len as usize
                        && self.vault.keys.chunk_id(&self.buffer) == id
                }
                Segment::Hole { .. } => {
                    source::is_zero(file.as_fd(), Extent { start: at, end }, &mut self.buffer)
                        .map_err(Failed::Read)?
                }
            };
            if !same {
                return Ok(false);
            }
            at = end;
            self.watch
                .bytes_done
                .fetch_add(segment.len(), Ordering::Relaxed);
        }
        let hash = *hasher.finalize().as_bytes();
        Ok(node.content_hash.is_none_or(|wanted| wanted == hash))
    }

    fn links(&mut self, node: &Node, stat: &Stat) {
        if node.links < 2 {
            return;
        }
        let (saved, restored) = ((node.device, node.inode), (stat.st_dev, stat.st_ino));
        let same = *self.groups.entry(saved).or_insert(restored) == restored;
        let alone = *self.inodes.entry(restored).or_insert(saved) == saved;
        if !same {
            self.differs(
                &node.path,
                "is no longer a hard link of the file it was linked to",
            );
        } else if !alone {
            self.differs(&node.path, "is a hard link of a file it was not linked to");
        }
    }

    /// File systems round holes differently: only a copy that clearly takes more place is a difference.
    fn holes(&mut self, file: &OwnedFd, node: &Node, stat: &Stat) -> io::Result<()> {
        const SLACK: u64 = 64 * 1024;
        let (mut holes, mut hole_bytes) = (0, 0);
        for segment in self.vault.segments(node) {
            match segment {
                Ok(Segment::Hole { len }) => (holes, hole_bytes) = (holes + 1, hole_bytes + len),
                Ok(Segment::Chunk { .. }) => {}
                // Said where the content is compared.
                Err(_) => return Ok(()),
            }
        }
        if hole_bytes <= SLACK * holes {
            return Ok(());
        }
        let held: u64 = source::extents(file.as_fd(), stat)?
            .iter()
            .map(|extent| extent.end - extent.start)
            .sum();
        if held > node.size - hole_bytes + SLACK * holes {
            self.differs(
                &node.path,
                format_args!(
                    "takes the place of its holes ({held} bytes of data instead of {})",
                    node.size - hole_bytes
                ),
            );
        }
        Ok(())
    }
}
