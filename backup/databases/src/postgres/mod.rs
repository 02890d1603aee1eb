//! PostgreSQL.
//!
//! One session exports its snapshot, counts each table and reads its rows by COPY; `pg_dump` joins the same snapshot and
//! writes down the tables' shape. No writer waits; what would change a table's shape waits until the dump has ended, as
//! it does for `pg_dump` alone.

pub(crate) mod catalog;
pub(crate) mod rows;
pub(crate) mod shape;

use crate::patient::Limits;
use crate::{Error, Session, Source};

/// So that a stored value reads the same whatever the server's settings. Without `row_security` a policy would hide rows
/// from the dump without a word; with it off, the server says no instead.
const SETTINGS: &[&str] = &[
    "SET client_encoding = 'UTF8'",
    "SET DateStyle = 'ISO, YMD'",
    "SET IntervalStyle = 'postgres'",
    "SET TimeZone = 'UTC'",
    "SET extra_float_digits = 3",
    "SET bytea_output = 'hex'",
    "SET search_path = pg_catalog",
    "SET row_security = off",
    "SET statement_timeout = 0",
    "SET idle_in_transaction_session_timeout = 0",
    "SET standard_conforming_strings = on",
];

pub(crate) fn open(source: &Source, limits: &Limits) -> Result<Session, Error> {
    let mut session = Session::open(source, limits)?;
    let mut settings: Vec<String> = SETTINGS.iter().map(|line| (*line).to_owned()).collect();
    let wait = limits.lock_wait.as_secs().max(1);
    settings.push(format!("SET lock_timeout = '{wait}s'"));
    session.tell("prepare a session with", &source.url.to_string(), &settings)?;
    Ok(session)
}

/// A name as SQL wants it.
pub(crate) fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL wants it.
pub(crate) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
