//! MariaDB and MySQL.
//!
//! One session sees one instant (`START TRANSACTION WITH CONSISTENT SNAPSHOT`), counts each table and reads its rows; no
//! table is locked and no writer waits. `mariadb-dump` cannot join that instant, so it only writes down the tables' shape;
//! a table whose shape changes meanwhile ends the dump (error 1412 of the server).

pub(crate) mod catalog;
pub(crate) mod rows;
pub(crate) mod shape;

use crate::patient::Limits;
use crate::{Error, Session, Source};

/// So that a stored value reads the same whatever the server's settings, and nothing ends the session while the vault is slow.
const SETTINGS: &[&str] = &[
    "SET NAMES utf8mb4",
    "SET SESSION sql_mode = ''",
    "SET SESSION time_zone = '+00:00'",
    "SET SESSION sql_select_limit = 18446744073709551615",
    "SET SESSION sql_big_selects = 1",
    "SET SESSION net_write_timeout = 86400",
    "SET SESSION net_read_timeout = 86400",
    "SET SESSION wait_timeout = 86400",
    "/*M!100101 SET SESSION max_statement_time = 0 */",
    "/*M!100300 SET SESSION idle_transaction_timeout = 0, idle_readonly_transaction_timeout = 0 */",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
];

pub(crate) fn open(source: &Source, limits: &Limits) -> Result<Session, Error> {
    let mut session = Session::open(source, limits)?;
    let mut settings: Vec<String> = SETTINGS.iter().map(|line| (*line).to_owned()).collect();
    let wait = limits.lock_wait.as_secs().max(1);
    settings.push(format!("SET SESSION lock_wait_timeout = {wait}"));
    let database = source.url.to_string();
    session.tell("prepare a session with", &database, &settings)?;
    Ok(session)
}

/// A name as SQL wants it.
pub(crate) fn name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
