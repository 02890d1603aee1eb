//! The boot server on real sockets, asked by other people's clients; and the agent's API.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod agent;
mod capture;
mod clients;
mod fixed;
mod flight;
mod glpi;
mod identity;
mod lan;
mod lease;
mod menu;
mod nets;
mod obstacles;
mod offers;
mod ports;
mod relays;
mod rig;
mod six;
mod switch;
mod tftp;
mod vlans;
mod ways;
mod wire;
