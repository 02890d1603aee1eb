//! `pg_dump` for everything but rows, on the snapshot that the session exported.

use crate::client::conninfo;
use crate::patient::Limits;
use crate::schema::Dumping;
use crate::{Error, Source};

/// Which half: `pre-data` (types, functions, tables, views) or `post-data` (keys, indexes, triggers).
pub(crate) fn dump(
    source: &Source,
    limits: &Limits,
    snapshot: &str,
    section: &str,
) -> Result<Dumping, Error> {
    let wait = limits.lock_wait.as_millis();
    let arguments = [
        format!("--section={section}"),
        format!("--snapshot={snapshot}"),
        format!("--lock-wait-timeout={wait}"),
        "--encoding=UTF8".to_owned(),
        // Roles are of the server, not of the database: what is loaded belongs to who loads it.
        "--no-owner".to_owned(),
        "--no-privileges".to_owned(),
        // A copy must not begin to receive what the original receives.
        "--no-subscriptions".to_owned(),
        format!("--dbname=dbname={}", conninfo(&source.url.name)),
    ];
    Dumping::start(source, limits, &arguments)
}
