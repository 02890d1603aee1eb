//! What the admin wrote: TOML text → checked domain values, or every complaint at once.
//!
//! A leaf: it imports no other package of the house.

mod complaint;
mod defaults;
mod domain;
mod file;

pub use complaint::{Complaint, Complaints};
pub use defaults::{DefaultOptions, default_text, network_lines};
pub use domain::{
    Appliance, Config, Console, DhcpRole, Keep, Level, Locale, Log, LogFormat, Network, Plan,
    Prove, Target, TimeOfDay,
};
pub use file::{find, load};

/// Checks the text of a configuration; relative paths are relative to the folder of `origin`.
pub fn parse(_text: &str, origin: &std::path::Path) -> Result<Config, Complaints> {
    Err(Complaints(vec![Complaint {
        file: origin.to_owned(),
        at: None,
        what: "this build cannot check a configuration yet".to_owned(),
    }]))
}

/// A complete commented configuration.
pub fn example() -> String {
    String::new()
}
