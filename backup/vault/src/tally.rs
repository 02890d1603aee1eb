//! What a run met.

/// Counts of everything that is not a folder, against the parent snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub new: Count,
    pub changed: Count,
    pub unchanged: Count,
    /// In the parent snapshot and no longer here, or left out now.
    pub removed: Count,
    /// Entries (a folder counts once) that were left out as asked.
    pub excluded: u64,
    /// Inode numbers change from run to run here: they were left aside.
    pub unstable_inodes: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub files: u64,
    /// Holes included.
    pub bytes: u64,
}

impl Count {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }
}
