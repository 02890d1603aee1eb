//! MariaDB, MySQL and PostgreSQL: dumped by their own clients, loaded again by them, never by copying their files.
//! Synchronous; knows no vault, no plans, no clock. Bytes go out as [`std::io::Read`] and come in the same way.
//!
//! - [`manifest`]: what a dump holds, counted inside the dump's own transaction.
//! - [`dump`]: a dump, file after file; what a database holds, counted as a dump counts it.
//! - [`mariadb`], [`postgres`]: the catalogue, the rows and the shape of the tables of each.
//! - [`client`]: a client program kept open; [`patient`]: its output, with an end to patience; [`schema`]: a dump program.
//! - [`source`], [`login`], [`tool`]: where, who, with which password, by which programs.
//! - [`error`]: what goes wrong, and what to do.
//! - [`server`]: throw-away servers; [`load`]: a dump into one, with MySQL's [`collation`]s by MariaDB's names;
//!   [`compare`]: is what came out what was saved?
//! - [`rebuild`]: a dump into a new database of a real server.
//! - [`talk`]: one client program, fed, listened to, ended.

mod client;
mod collation;
pub mod compare;
mod dump;
mod error;
pub mod load;
mod login;
pub mod manifest;
mod mariadb;
mod patient;
mod postgres;
pub mod rebuild;
mod schema;
pub mod server;
mod source;
pub mod talk;
mod tool;

pub use client::Session;
pub use dump::{Counted, Dump, Part, count, open};
pub use error::{Cause, Error, Problem};
pub use manifest::{Engine, Manifest, RowHash, Table};
pub use patient::Limits;
pub use source::Source;
pub use tool::Tools;
