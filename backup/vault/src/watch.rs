//! Progress and cancellation of one long operation, shared between its threads and who watches it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counters only grow. Totals are estimates until the scan has ended (they grow too).
#[derive(Debug, Default)]
pub struct Watch {
    pub files_total: AtomicU64,
    pub files_done: AtomicU64,
    pub bytes_total: AtomicU64,
    pub bytes_done: AtomicU64,
    /// New bytes written to the target.
    pub bytes_stored: AtomicU64,
    cancelled: AtomicBool,
}

impl Watch {
    pub fn new() -> Watch {
        Watch::default()
    }

    /// Asks the operation to stop at its next chunk; it then returns `Error::Cancelled`.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}
