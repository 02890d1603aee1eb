//! The agent: inventories the machine, asks the appliance what to do, does it, restarts.

mod options;

pub use options::{Options, OptionsError};
