//! Plans, runs, restore proofs, restores: what keeps a company able to carry on.
//!
//! - [`handle`]: [`Continuity`], the one value the console and the command line hold.
//! - [`vaults`]: opens vaults and keeps them open; [`blocking()`] is the one way into them.
//! - [`schedule`]: what is due now; [`clock`]: was the clock of the box set? pure.
//! - [`run`]: one backup of one plan to one target, from the queue to its proof.
//! - [`source`]: what a plan saves: folders, a database, an application whole.
//! - [`proof`]: the restore test of a snapshot, and the evidence it leaves.
//! - [`self_backup`]: the appliance saves itself, as the plan [`APPLIANCE`].
//! - [`target`]: which vault belongs where, which disk is plugged in, how old each copy is.
//! - [`restore`]: files put back into a folder of the appliance.
//! - [`image`]: disk images in the vault: listed, imported in a writer's turn.
//! - [`opened`]: a proven database kept up to be read, for a while.
//! - [`overview`]: could we restart today? pure, with its reasons.
//! - [`keys`]: recovery words on paper, typed back; [`place`]: does a target die with this box?
//! - [`unprotected`]: what this box can see and nobody saves, and the risks that are accepted.
//! - [`notify`]: messages to people: what breaks, what works again, every morning.
//! - [`scratch`]: folders that go away; `work`: what is going on in this process.
//! - [`trouble`]: one fact per incident, not one per attempt.
//! - [`records`]: every SQL statement of this package; [`wire`]: the stored shape of evidence.

pub mod blocking;
pub mod clock;
pub mod handle;
pub mod image;
pub mod keys;
pub mod notify;
pub mod opened;
pub mod overview;
pub mod place;
pub mod proof;
pub mod records;
pub mod restore;
pub mod run;
pub mod schedule;
pub mod scratch;
pub mod self_backup;
mod serve;
pub mod source;
pub mod target;
mod tidy;
pub mod trouble;
pub mod unprotected;
pub mod vaults;
pub mod wire;
mod work;

pub use blocking::blocking;
pub use handle::{Continuity, Error};
pub use notify::Notifier;
pub use opened::{OpenRequest, Opened, OpenedId};
pub use proof::{Proof, ProofId};
pub use records::{SCHEMA, migrate};
pub use restore::{DatabaseError, DatabasePlanned, DatabaseRequest, SavedDatabase};
pub use restore::{Destination, Planned, Restore, RestoreId, RestoreRequest, Unknown};
pub use run::{Run, RunId};
pub use vaults::{Disk, Vaults};

/// The name under which the appliance saves itself; no plan of the configuration may take it.
pub const APPLIANCE: &str = "appliance";
