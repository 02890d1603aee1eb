//! What a plan asks of the place it will write to: the disks of this machine, or those of another.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::There;
use crate::node::NodeKind;

/// Looks, and changes nothing.
pub trait Ground: Sync {
    /// What is under each path, in their order; links are not followed. Many at once: a round trip for each would be
    /// too slow on another machine.
    fn there(&self, paths: &[PathBuf]) -> io::Result<Vec<Option<There>>>;

    /// Room for files at the path or, when it does not exist yet, above it; `None` when that cannot be told.
    fn free_bytes(&self, path: &Path) -> Option<u64>;
}

/// The disks of this machine.
pub(super) struct Local;

impl Ground for Local {
    fn there(&self, paths: &[PathBuf]) -> io::Result<Vec<Option<There>>> {
        Ok(paths.iter().map(|path| look(path)).collect())
    }

    fn free_bytes(&self, path: &Path) -> Option<u64> {
        let free = |path: &Path| {
            let room = rustix::fs::statvfs(path).ok()?;
            Some(room.f_bavail.saturating_mul(room.f_frsize))
        };
        path.ancestors().find_map(free)
    }
}

fn look(path: &Path) -> Option<There> {
    let meta = path.symlink_metadata().ok()?;
    let kind = meta.file_type();
    let (major, minor) = (
        rustix::fs::major(meta.rdev()),
        rustix::fs::minor(meta.rdev()),
    );
    Some(There {
        kind: if kind.is_dir() {
            NodeKind::Dir
        } else if kind.is_symlink() {
            let target = std::fs::read_link(path).unwrap_or_default();
            NodeKind::Symlink {
                target: target.as_os_str().as_bytes().to_vec(),
            }
        } else if kind.is_fifo() {
            NodeKind::Fifo
        } else if kind.is_socket() {
            NodeKind::Socket
        } else if kind.is_char_device() {
            NodeKind::CharDevice { major, minor }
        } else if kind.is_block_device() {
            NodeKind::BlockDevice { major, minor }
        } else {
            NodeKind::File
        },
        size: meta.len(),
        mtime_s: meta.mtime(),
        mtime_ns: u32::try_from(meta.mtime_nsec()).ok(),
        links: Some(meta.nlink()),
    })
}
