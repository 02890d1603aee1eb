//! What the machine knows: the database, the journal of facts, ids, the clock, the state folder.
//!
//! - [`db`]: one database handle; one writer task owns every write and commits in groups.
//! - [`journal`]: the append-only list of facts, the only thing the console subscribes to.
//! - [`wire`]: the shapes of those facts.
//! - [`progress`]: what is going on right now, in memory only.
//! - [`clock`], [`mod@id`]: time and names as values, so that tests can choose them.
//! - [`folder`]: the state folder and the lock that makes one `serve` its only user.
//! - [`password`]: how a password is kept, and whether one is right.
//! - [`kept`]: copies of the database from before each upgrade, and the way back.
//!
//! A leaf: it imports no other package of the house.

pub mod clock;
pub mod db;
pub mod folder;
pub mod id;
pub mod journal;
pub mod kept;
pub mod password;
pub mod progress;
pub mod wire;

pub use clock::{Clock, Reading, Timestamp};
pub use db::Db;
