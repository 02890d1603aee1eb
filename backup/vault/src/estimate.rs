//! How much a run will meet, for the progress bar.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::Ordering;

use rustix::fs::{CWD, FileType, OFlags};

use crate::known::size_of;
use crate::source::{self, FOLDER};
use crate::{Watch, deep};

/// Counts what a walk will meet, for the progress bar; errors are left to the walk.
pub(crate) fn count(root: &Path, watch: &Watch, stop: &dyn Fn() -> bool) {
    if let Ok(folder) = source::open_quietly(CWD, root.as_os_str().as_encoded_bytes(), FOLDER) {
        count_folder(folder, watch, stop, 0);
    } else if let Ok(stat) = rustix::fs::stat(root) {
        watch.files_total.fetch_add(1, Ordering::Relaxed);
        watch
            .bytes_total
            .fetch_add(size_of(&stat), Ordering::Relaxed);
    }
}

fn count_folder(folder: OwnedFd, watch: &Watch, stop: &dyn Fn() -> bool, depth: usize) {
    for name in source::names(folder.as_fd()).unwrap_or_default() {
        if stop() || watch.is_cancelled() || depth > deep::LEVELS {
            return;
        }
        let Ok(stat) = source::look(folder.as_fd(), &name) else {
            continue;
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                if let Ok(below) =
                    source::open_quietly(folder.as_fd(), &name, FOLDER | OFlags::NOFOLLOW)
                    && !source::is_made_up(below.as_fd())
                {
                    count_folder(below, watch, stop, depth + 1);
                }
            }
            kind => {
                watch.files_total.fetch_add(1, Ordering::Relaxed);
                if kind == FileType::RegularFile {
                    watch
                        .bytes_total
                        .fetch_add(size_of(&stat), Ordering::Relaxed);
                }
            }
        }
    }
}
