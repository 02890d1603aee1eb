//! The agent: inventories the machine, asks the appliance what to do, does it, restarts.

mod options;

pub use options::{Options, OptionsError};

/// How the agent's work ended, when it does not restart the machine itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server leaves the machine to its own disk.
    LocalDisk { why: String },
    /// An image was written and read back.
    Deployed { written_bytes: u64 },
    /// A deployment was refused, cancelled or failed; the server was told.
    NotDeployed { why: String },
}
