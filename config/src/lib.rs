//! What the admin wrote: TOML text → checked domain values, or every complaint at once.
//!
//! A leaf: it imports no other package of the house.

mod domain;

pub use domain::{
    Appliance, Config, Console, DhcpRole, Keep, Level, Locale, Log, LogFormat, Network, Plan,
    Prove, Target, TimeOfDay,
};
