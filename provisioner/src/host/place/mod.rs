//! Where a machine was when it last asked to boot: the network, and the port of the switch where a
//! switch says so.

pub(crate) mod records;

use std::net::Ipv4Addr;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// An address in its network: the relay's, or the interface's that heard it.
    pub network: Option<Ipv4Addr>,
    /// Option 82, sub-option 1, as a switch writes it; empty = no switch said.
    pub port: String,
}
