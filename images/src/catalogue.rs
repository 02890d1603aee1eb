//! The images a vault holds.

/// One OS image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The id of its snapshot, 32 hex digits.
    pub id: String,
    pub name: String,
    /// Size of the disk it was taken from.
    pub size_bytes: u64,
    /// Logical sector its partition table was written for.
    pub sector_bytes: u32,
    pub imported_ms: i64,
    /// Bytes its import added to the vault.
    pub stored_bytes: u64,
}
