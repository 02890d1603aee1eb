//! MariaDB, MySQL and PostgreSQL: dumped by their own clients, loaded again by them, never by copying their files.
//! Synchronous; knows no vault, no plans, no clock. Bytes go out as [`std::io::Read`] and come in the same way.
//!
//! - [`manifest`]: what a dump holds, counted inside the dump's own transaction.

pub mod manifest;

pub use manifest::{Engine, Manifest, Table};
