//! What was restored goes to the disk while the rest is still being restored: the last flush then has little left to wait for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::io::Errno;

use super::execute::Shared;

const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Worth a flush by itself: less would write the same directory blocks again and again.
const BYTES: u64 = 64 * 1024 * 1024;
const FILES: u64 = 16 * 1024;

/// Flushes whenever enough was written, until `is_over`. Returns the first failure: the system tells each only once.
pub(super) fn beside(shared: &Shared<'_>, is_over: &AtomicBool) -> Option<Errno> {
    let (mut bytes, mut files) = (0, 0);
    while !is_over.load(Ordering::Acquire) {
        let (done_bytes, done_files) = shared.done();
        if done_bytes - bytes >= BYTES || done_files - files >= FILES {
            (bytes, files) = (done_bytes, done_files);
            if let Err(error) = now(shared) {
                return Some(error);
            }
        } else {
            // Woken when it is over.
            std::thread::park_timeout(LOOK_AGAIN);
        }
    }
    None
}

/// Returns when all that was restored is on the disk.
pub(super) fn now(shared: &Shared<'_>) -> Result<(), Errno> {
    rustix::fs::syncfs(shared.handles.base())
}
