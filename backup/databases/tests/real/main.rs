//! Dumps of real servers, loaded back by the standard clients alone.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod dumped;
mod mariadb;
mod postgres;
mod rebuilt;
mod servers;
mod tls;
mod troubles;
